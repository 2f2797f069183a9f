//! What a pod is to be made of.

use std::collections::BTreeMap;
use std::path::PathBuf;

use gantry_types::config_file::UnverifiedImages;
use gantry_types::{
    AcName, Annotations, ExposedPort, ImageId, Isolator, Mount, PodManifest, Volume,
};

/// A pod to be prepared from images in the store.
///
/// Everything is a value: files were read, the environment was taken, references were resolved.
/// Source: rkt 1.30, Documentation/subcommands/run.md.
#[derive(Debug, Clone, Default)]
pub struct PrepareRequest {
    /// A whole manifest, whose images are found by ID, in place of apps, volumes, mounts, ports, isolators,
    /// annotations, labels and variables (`--pod-manifest`).
    pub manifest: Option<PodManifest>,
    /// The apps, in their order on the command line. At least one.
    pub apps: Vec<AppRequest>,
    /// Volumes of the pod (`--volume`).
    pub volumes: Vec<Volume>,
    /// Mounts for all apps (`--mount` before the first image).
    pub mounts: Vec<Mount>,
    /// Ports of the host forwarded to apps (`--port`).
    pub ports: Vec<ExposedPort>,
    /// Limits of the pod as a whole.
    pub isolators: Vec<Isolator>,
    /// Annotations of the pod.
    pub annotations: Annotations,
    /// Free annotations of the pod.
    pub user_annotations: BTreeMap<String, String>,
    /// Free labels of the pod.
    pub user_labels: BTreeMap<String, String>,
    /// The caller's environment, of lowest precedence (`--inherit-env`); empty without that option.
    pub inherit_env: Vec<(String, String)>,
    /// Variables for all apps, over those of the images (`--set-env-file`, then `--set-env`).
    pub set_env: Vec<(String, String)>,
    /// An image that runs the pod in place of our own stage1. Roots are copied then.
    pub stage1: Option<ImageId>,
    /// Copy the trees of the images instead of laying an overlay over them.
    pub no_overlay: bool,
    /// Give the pod users of its own (`--private-users`): the directory with the host's files of
    /// accounts, `/etc`, whose IDs are not taken for it.
    pub private_users: Option<PathBuf>,
    /// What comes of isolators that widen the defaults in images whose verification was waived.
    pub unverified_images: UnverifiedImages,
}

/// An app of a pod to be prepared.
#[derive(Debug, Clone)]
pub struct AppRequest {
    /// Its image, which is in the store.
    pub image: ImageId,
    /// Its name; made of the image's name if none is given (`--name`).
    pub name: Option<AcName>,
    /// Program in place of the image's, without the image's arguments (`--exec`).
    pub exec: Option<String>,
    /// Arguments after those of the image (`-- ARGS`).
    pub args: Vec<String>,
    /// User in place of the image's: name, number or path.
    pub user: Option<String>,
    /// Group in place of the image's: name, number or path.
    pub group: Option<String>,
    /// Further groups in place of the image's.
    pub supplementary_gids: Option<Vec<u32>>,
    /// Working directory in place of the image's: an absolute path.
    pub working_dir: Option<String>,
    /// Variables of this app, over all others (`--environment`).
    pub environment: Vec<(String, String)>,
    /// Mounts of this app, over those for all apps at the same path (`--mount` after the image).
    pub mounts: Vec<Mount>,
    /// Limits and rights, in place of the image's of the same name; with capabilities and seccomp a set
    /// to retain also takes the place of one to remove, and the other way round.
    pub isolators: Vec<Isolator>,
    /// Whether the root is read-only.
    pub readonly_rootfs: bool,
    /// Annotations over those of the image.
    pub annotations: Annotations,
    /// Free annotations.
    pub user_annotations: BTreeMap<String, String>,
    /// Free labels.
    pub user_labels: BTreeMap<String, String>,
}

impl AppRequest {
    /// The app of an image as the image says.
    #[must_use]
    pub fn new(image: ImageId) -> Self {
        Self {
            image,
            name: None,
            exec: None,
            args: Vec::new(),
            user: None,
            group: None,
            supplementary_gids: None,
            working_dir: None,
            environment: Vec::new(),
            mounts: Vec::new(),
            isolators: Vec::new(),
            readonly_rootfs: false,
            annotations: Annotations::default(),
            user_annotations: BTreeMap::new(),
            user_labels: BTreeMap::new(),
        }
    }
}
