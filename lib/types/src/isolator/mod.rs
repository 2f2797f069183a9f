//! Limits and rights of apps and pods.
//!
//! The fifteen isolators that the original knows are decoded and checked; others are kept as they are
//! where a pod has them, and refused where an app has them, as the original does.

mod error;
mod linux;
mod named;
mod resource;
mod set;
mod value;

pub use error::IsolatorError;
pub use linux::{ApparmorProfile, CapabilitySet, DEFAULT_CAPABILITIES, SeccompSet, SelinuxContext};
pub use named::Isolator;
pub use resource::Resource;
pub use set::Isolators;
pub use value::IsolatorValue;
