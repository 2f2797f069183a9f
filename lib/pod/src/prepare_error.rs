//! Why a pod cannot be prepared.

use std::io;
use std::path::PathBuf;

use gantry_archive::copy::CopyError;
use gantry_archive::layer::LayerError;
use gantry_archive::render::RenderError;
use gantry_store::{ResolveError, StoreError};
use gantry_types::os_arch::OsArchError;
use gantry_types::{
    AcName, Diagnostic, EnvironmentError, ImageId, IsolatorError, Kind, ManifestError, Widening,
};

use crate::pods_dir::CreateError;
use crate::users::UsersError;

/// A pod cannot be prepared.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// There is no app.
    #[error("pod must contain at least one application")]
    NoApps,
    /// An image is not in the store, or cannot be read.
    #[error("cannot use image {}", id.key())]
    Image {
        /// The image.
        id: ImageId,
        /// Why.
        source: Box<StoreError>,
    },
    /// An image has no files.
    #[error("cannot run image {}: it has no layers", id.key())]
    UnsupportedImage {
        /// The image.
        id: ImageId,
    },
    /// An extracted tree of an image cannot be read.
    #[error("cannot read {}", path.display())]
    Tree {
        /// The tree.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The manifest of an image breaks a rule.
    #[error("invalid manifest of image {}", id.key())]
    ImageManifest {
        /// The image.
        id: ImageId,
        /// Which.
        source: Box<ManifestError>,
    },
    /// An image says nothing about what to run, and neither does the request.
    #[error("error: image {} has no app section and --exec argument is not provided", id.key())]
    NoAppSection {
        /// The image.
        id: ImageId,
    },
    /// Neither a given manifest nor the image says what to run.
    #[error("no app section in the pod manifest or the image manifest")]
    NoApp,
    /// An image that a given manifest names is not in the store.
    #[error("cannot find image {id} of app {app}")]
    Resolve {
        /// The app.
        app: AcName,
        /// The ID as the manifest has it.
        id: String,
        /// Why.
        source: Box<ResolveError>,
    },
    /// An image has an app without a program.
    #[error("image {} has an empty \"exec\"", id.key())]
    EmptyExec {
        /// The image.
        id: ImageId,
    },
    /// An image does not say for which system or machine it is.
    #[error("missing {0} label in the image manifest")]
    MissingLabel(&'static str),
    /// An image is for a system or machine that does not exist.
    #[error(transparent)]
    OsArch(#[from] OsArchError),
    /// An image is for another operating system.
    #[error("bad os {os:?} (must be {host:?})")]
    ForeignOs {
        /// The image's.
        os: String,
        /// Ours.
        host: &'static str,
    },
    /// Two apps would have one name.
    #[error("multiple apps with name {0}")]
    DuplicateApp(AcName),
    /// A working directory is relative.
    #[error("working directory {path:?} of app {app} is not an absolute path")]
    WorkingDirectory {
        /// The app.
        app: AcName,
        /// The directory.
        path: String,
    },
    /// A variable has a name that no variable can have.
    #[error("invalid environment of app {app}")]
    Environment {
        /// The app.
        app: AcName,
        /// Why.
        source: EnvironmentError,
    },
    /// The isolators asked for do not go together.
    #[error("invalid isolators of app {app}")]
    Isolators {
        /// The app.
        app: AcName,
        /// Why.
        source: IsolatorError,
    },
    /// Isolators of an image that nobody has verified give the app more than others have, and the
    /// configuration forbids it.
    #[error("image {} of app {app} was not verified, and may not widen the defaults: {}", image.key(), list(widenings))]
    Widening {
        /// The app.
        app: AcName,
        /// The image.
        image: ImageId,
        /// The isolators; never empty.
        widenings: Vec<Widening>,
    },
    /// Two volumes have one name.
    #[error("duplicate volume name {:?}", .0.as_str())]
    DuplicateVolume(AcName),
    /// A mount names a volume that is not there.
    #[error("dangling mount point {path:?}: volume {:?} not found", volume.as_str())]
    Dangling {
        /// Where it was to be mounted.
        path: String,
        /// The volume.
        volume: AcName,
    },
    /// Two volumes go to one place.
    #[error("volumes {:?} and {:?} are both mounted at {path:?} in app {app}", first.as_str(), second.as_str())]
    DuplicateMount {
        /// The app.
        app: AcName,
        /// The place.
        path: String,
        /// One volume.
        first: AcName,
        /// The other.
        second: AcName,
    },
    /// A mount has no absolute path.
    #[error("mount path {path:?} of volume {:?} is not an absolute path", volume.as_str())]
    MountPath {
        /// The volume.
        volume: AcName,
        /// The path.
        path: String,
    },
    /// The source of a host volume is not there.
    #[error("cannot use {source_path:?} as volume {:?}", volume.as_str())]
    VolumeSource {
        /// The volume.
        volume: AcName,
        /// Its source.
        source_path: String,
        /// Why.
        source: io::Error,
    },
    /// An empty volume has a mode, owner or group that no directory can have.
    #[error("invalid {field} {value:?} of volume {:?}", volume.as_str())]
    VolumeAttribute {
        /// The volume.
        volume: AcName,
        /// Which.
        field: &'static str,
        /// What was given.
        value: String,
    },
    /// A forwarded port is no app's.
    #[error("port name {:?} could not be found in any apps", .0.as_str())]
    UnknownPort(AcName),
    /// A forwarded port is several apps'.
    #[error("port name {:?} defined multiple apps", .0.as_str())]
    AmbiguousPort(AcName),
    /// Two ports would be forwarded from one port of the host.
    #[error("ports {:?} and {:?} both use port {host_port} of the host", first.as_str(), second.as_str())]
    PortConflict {
        /// One port.
        first: AcName,
        /// The other.
        second: AcName,
        /// The host's port.
        host_port: u64,
    },
    /// The pod's directory cannot be created.
    #[error(transparent)]
    Create(#[from] CreateError),
    /// The pod cannot have users of its own.
    #[error("cannot give the pod users of its own")]
    Users(#[from] UsersError),
    /// A file of the pod cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The root of an app cannot be copied.
    #[error("cannot copy the root of app {app}")]
    Copy {
        /// The app.
        app: AcName,
        /// Why.
        source: CopyError,
    },
    /// An image has no program that runs pods.
    #[error("image {} cannot run pods: it has no annotation {annotation:?}", image.key())]
    NoStage1 {
        /// The image.
        image: ImageId,
        /// What is missing.
        annotation: String,
    },
    /// The image that runs the pod cannot be copied.
    #[error("cannot copy stage1")]
    CopyStage1 {
        /// Why.
        source: CopyError,
    },
    /// The root of an app cannot be made of its image and the images that one depends on.
    #[error("cannot render image {}", image.key())]
    Render {
        /// The image.
        image: ImageId,
        /// Why.
        source: RenderError,
    },
    /// The layers of an image cannot be made into one tree.
    #[error("cannot render image {}", image.key())]
    Flatten {
        /// The image.
        image: ImageId,
        /// Why.
        source: LayerError,
    },
    /// What was rendered anew cannot be kept.
    #[error("cannot keep the rendered image {}", image.key())]
    Keep {
        /// The image.
        image: ImageId,
        /// Why.
        source: Box<StoreError>,
    },
}

fn list(widenings: &[Widening]) -> String {
    let texts: Vec<String> = widenings.iter().map(ToString::to_string).collect();
    texts.join("; ")
}

impl Diagnostic for PrepareError {
    fn kind(&self) -> Kind {
        match self {
            Self::Image { source, .. } => source.kind(),
            Self::Create(source) => source.kind(),
            Self::Resolve { source, .. } => source.kind(),
            Self::Copy { source, .. } | Self::CopyStage1 { source } => source.kind(),
            Self::Users(source) => source.kind(),
            Self::Render { source, .. } => source.kind(),
            Self::Flatten { source, .. } => source.kind(),
            Self::Keep { source, .. } => source.kind(),
            Self::Tree { .. } | Self::Write { .. } | Self::VolumeSource { .. } => Kind::Environment,
            Self::Widening { .. } => Kind::Refused,
            Self::NoApps
            | Self::UnsupportedImage { .. }
            | Self::ImageManifest { .. }
            | Self::NoAppSection { .. }
            | Self::EmptyExec { .. }
            | Self::NoApp
            | Self::NoStage1 { .. }
            | Self::MissingLabel(_)
            | Self::OsArch(_)
            | Self::ForeignOs { .. }
            | Self::DuplicateApp(_)
            | Self::WorkingDirectory { .. }
            | Self::Environment { .. }
            | Self::Isolators { .. }
            | Self::DuplicateVolume(_)
            | Self::Dangling { .. }
            | Self::DuplicateMount { .. }
            | Self::MountPath { .. }
            | Self::VolumeAttribute { .. }
            | Self::UnknownPort(_)
            | Self::AmbiguousPort(_)
            | Self::PortConflict { .. } => Kind::Usage,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Image { source, .. } | Self::Keep { source, .. } => source.hint(),
            Self::Render { source, .. } => source.hint(),
            Self::Flatten { source, .. } => source.hint(),
            Self::Create(source) => source.hint(),
            Self::Resolve { .. } => Some("fetch it first with \"rkt fetch\"".to_owned()),
            Self::Users(source) => source.hint(),
            Self::Widening { widenings, .. } => Some(crate::widening::hint(widenings)),
            Self::EmptyExec { .. } => Some("name a program with --exec".to_owned()),
            Self::DuplicateApp(_) => Some("give one of them another name with --name".to_owned()),
            Self::Dangling { volume, .. } => Some(format!(
                "define it with --volume={volume},kind=host,source=/PATH"
            )),
            Self::Write { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                Some("free space with \"rkt gc\" and \"rkt image gc\"".to_owned())
            }
            _ => None,
        }
    }
}
