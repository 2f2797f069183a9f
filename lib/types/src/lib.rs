//! Names, digests, manifests, isolators, pod-directory layout, diagnostics.
//!
//! Facts without effects: nothing here reads a file, a clock or the environment, and nothing prints.
//! Every type that comes from outside has one fallible constructor, so that whoever holds one holds a
//! valid one. The formats are those of the App Container specification 0.8.11; where its text and its
//! Go code disagree, what the existing tools do is what happens here.

#![forbid(unsafe_code)]

mod ac_identifier;
mod ac_kind;
mod ac_name;
mod annotations;
mod app;
pub mod check;
pub mod config_file;
mod date;
mod dependency;
mod diagnostic;
mod environment;
mod event_handler;
mod exposed_port;
pub mod go_bool;
mod hash;
mod http_url;
mod image_id;
mod image_manifest;
mod image_name;
mod isolator;
mod isolator_report;
mod json;
pub mod key_value;
mod labels;
pub mod lastditch;
mod list;
pub mod log_line;
mod manifest_changes;
mod manifest_error;
pub mod metadata;
mod mount;
mod mount_point;
pub mod net;
pub mod oci;
pub mod os_arch;
pub mod pod_layout;
mod pod_manifest;
mod port;
mod quantity;
pub mod render;
mod root_plan;
#[cfg(test)]
mod round_trips;
mod runtime_app;
mod seccomp;
mod semver;
pub mod show;
mod text;
mod user_range;
mod uuid;
#[cfg(test)]
mod verdicts;
mod volume;
mod widening;

pub use ac_identifier::{AcIdentifier, AcIdentifierError};
pub use ac_kind::{AcKind, AcKindError};
pub use ac_name::{AcName, AcNameError};
pub use annotations::{Annotation, Annotations, AnnotationsError};
pub use app::{App, AppError};
pub use date::{Date, DateError};
pub use dependency::{Dependency, DependencyError};
pub use diagnostic::{Diagnostic, Kind};
pub use environment::{Environment, EnvironmentError, EnvironmentVariable};
pub use event_handler::{Event, EventHandler, EventHandlerError};
pub use exposed_port::{ExposedPort, ExposedPortError};
pub use hash::{Hash, HashError};
pub use http_url::HttpUrlError;
pub use image_id::{ImageId, ImageIdError};
pub use image_manifest::{ImageManifest, ImageManifestError};
pub use image_name::{ImageName, ImageNameError};
pub use isolator::{
    ApparmorProfile, CapabilitySet, DEFAULT_CAPABILITIES, Isolator, IsolatorError, IsolatorValue,
    Isolators, Resource, SeccompSet, SelinuxContext,
};
pub use isolator_report::{
    ISOLATORS_ANNOTATION, IsolatorOutcome, IsolatorReport, IsolatorStatus, PIDS_LIMIT_ANNOTATION,
    STRICT_ISOLATORS,
};
pub use labels::{Label, Labels, LabelsError};
pub use list::List;
pub use manifest_changes::{ManifestChange, manifest_changes};
pub use manifest_error::{Location, MAX_MANIFEST_BYTES, ManifestError, kind_of};
pub use mount::{Mount, MountError};
pub use mount_point::{MountPoint, MountPointError};
pub use pod_manifest::{PodManifest, PodManifestError};
pub use port::{Port, PortError};
pub use quantity::{Quantity, QuantityError};
pub use root_plan::{AppRoot, RootKind, RootPlan};
pub use runtime_app::{RuntimeApp, RuntimeImage};
pub use seccomp::{SeccompDecision, SeccompRules};
pub use semver::{SemVer, SemVerError};
pub use user_range::{UserRange, UserRangeError};
pub use uuid::{Uuid, UuidError};
pub use volume::{Volume, VolumeError, VolumeKind};
pub use widening::{Widening, widenings};
