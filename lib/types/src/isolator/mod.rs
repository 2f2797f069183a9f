//! Limits and rights of apps and pods.
//!
//! The fifteen isolators that the original knows are decoded and checked; others are kept as they are
//! where a pod has them, and refused where an app has them, as the original does.

mod linux;
mod resource;
mod set;
mod value;

pub use linux::{ApparmorProfile, CapabilitySet, DEFAULT_CAPABILITIES, SeccompSet, SelinuxContext};
pub use resource::Resource;
pub use set::Isolators;
pub use value::{Isolator, IsolatorError, IsolatorValue};
