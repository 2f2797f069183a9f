//! What a user should know about a pod that is prepared all the same.

use gantry_types::{AcName, Widening};

/// A remark about a prepared pod; `Display` is the line to print.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Warning {
    /// Nobody said what goes to a mount point.
    #[error("warning: no volume specified for mount point {:?} of app {app}, using an empty volume for {path:?}", mount_point.as_str())]
    ImplicitVolume {
        /// The app.
        app: AcName,
        /// The mount point.
        mount_point: AcName,
        /// The volume made for it.
        volume: AcName,
        /// Its path in the app.
        path: String,
    },
    /// An isolator of an image that nobody has verified gives the app more than others have.
    #[error("warning: image of app {app} was not verified: {widening}")]
    Widening {
        /// The app.
        app: AcName,
        /// The isolator.
        widening: Widening,
    },
    /// Roots are copied, because there is no overlay here.
    #[error("disabling overlay support: {0:?}")]
    NoOverlay(&'static str),
    /// The image is for another machine; it runs only if the kernel has an emulator for it.
    #[error("warning: image of app {app} is for {arch:?}, this host is {host:?}")]
    ForeignArch {
        /// The app.
        app: AcName,
        /// The image's.
        arch: String,
        /// Ours.
        host: &'static str,
    },
}
