//! Networks of pods: what a user asks for, what configuration files define, what plugins answer.
//!
//! Source: Container Network Interface (CNI) specification, 0.1.0 to 1.1.0; rkt 1.30,
//! Documentation/networking/overview.md, for `--net` and the built-in networks.

mod answer;
mod catalog;
mod definition;
mod definition_error;
mod nft_traces;
mod prefix;
mod request;
mod traces;
mod version;

pub use answer::{Answer, AnswerError, Dns, IpConfig, PluginError};
pub use catalog::{
    Catalog, Definition, Listing, MAX_DEFINITION_BYTES, Origin, SelectError, Source,
};
pub use definition::{NetworkDefinition, PluginConf, is_definition_file};
pub use definition_error::{DefinitionError, Problem};
pub use nft_traces::{NFT_TABLES, NftRule, nft_rules, undo_nft_rules};
pub use prefix::Prefix;
pub use request::{NetList, NetListError, NetRequest};
pub use traces::{Lease, MAX_LEASE_BYTES, PacketRule, packet_rules, undo_packet_rules};
pub use version::CniVersion;

/// The directory of definitions that all container tools of a host share.
pub const SHARED_DIRECTORY: &str = "/etc/cni/net.d";
