//! Ports of the host that lead into a pod.

use clap::Args;
use gantry_types::ExposedPort;

/// The flag for forwarded ports.
#[derive(Args, Debug)]
pub(crate) struct PortArgs {
    /// Port of the host that leads to the app's port NAME
    #[arg(long = "port", value_name = "NAME:[HOSTIP:]PORT")]
    pub(crate) ports: Vec<ExposedPort>,
}
