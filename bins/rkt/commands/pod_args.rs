//! The flags of `run` and `prepare` that make up the pod.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use clap::Args;
use gantry_cli::{Context, Failure, note};
use gantry_ops::config::Section;
use gantry_pod::{PrepareRequest, PreparedPod};
use gantry_types::{Mount, Volume};

use crate::cli::Globals;
use crate::commands::app_args::AppArgs;
use crate::commands::isolator_args::IsolatorArgs;
use crate::commands::manifest_arg::ManifestArg;
use crate::commands::port_args::PortArgs;
use crate::commands::pull_args::{PullArgs, deprecated};
use crate::commands::stage1_args::Stage1Args;
use crate::commands::variables::VariableArgs;
use crate::grammar::ImagePart;
use crate::images::Fetcher;
use crate::setup::{Setup, configuration};

/// Flags that make up a pod.
#[derive(Args, Debug)]
pub(crate) struct PodArgs {
    // As an attribute: in a doc comment the brackets would be links.
    #[arg(
        long,
        value_name = "SPEC",
        help = "Volume: NAME,kind=host,source=PATH[,readOnly=BOOL][,recursive=BOOL] or \
                NAME,kind=empty[,mode=MODE][,uid=N][,gid=N]"
    )]
    volume: Vec<Volume>,
    /// Mounts for all apps.
    #[command(flatten)]
    mounts: MountArgs,
    /// Ports of the host.
    #[command(flatten)]
    ports: PortArgs,
    /// The environment of all apps.
    #[command(flatten)]
    variables: VariableArgs,
    /// Copy the images instead of laying an overlay over them
    #[arg(long)]
    no_overlay: bool,
    /// How sure limits have to be.
    #[command(flatten)]
    isolators: IsolatorArgs,
    /// Give the pod users of its own: its root is nobody on the host
    #[arg(long)]
    private_users: bool,
    /// The whole pod in a file.
    #[command(flatten)]
    manifest: ManifestArg,
    /// Where images come from.
    #[command(flatten)]
    pull: PullArgs,
    /// What runs the pod.
    #[command(flatten)]
    stage1: Stage1Args,
}

/// Mounts, of all apps or of one.
#[derive(Args, Debug)]
pub(crate) struct MountArgs {
    /// Mount point: volume=NAME,target=PATH; before the first image for all apps
    #[arg(long, value_name = "volume=NAME,target=PATH")]
    mount: Vec<String>,
}

impl MountArgs {
    /// The mounts.
    ///
    /// # Errors
    ///
    /// What is not of the form `volume=NAME,target=PATH`.
    pub(crate) fn mounts(&self) -> Result<Vec<Mount>, Failure> {
        self.mount.iter().map(|text| mount(text)).collect()
    }
}

fn mount(text: &str) -> Result<Mount, Failure> {
    text.parse()
        .map_err(|error| Failure::usage(format!("invalid mount {text:?}: {error}")))
}

/// How a command prepares its pod.
#[derive(Debug)]
pub(crate) struct Preparing<'a> {
    /// The command, for what is said on the way.
    pub(crate) command: &'a str,
    /// Whether nothing is said of fetches.
    pub(crate) quiet: bool,
    /// Whether the pod gets the caller's terminal, which only one app can have.
    pub(crate) interactive: bool,
    /// Where the UUID is written before there is a pod.
    pub(crate) uuid_file: Option<&'a Path>,
}

impl PodArgs {
    /// Where the host's users are listed, if the pod is to have others.
    fn private_users(&self, command: &str, context: &mut Context<'_>) -> Option<PathBuf> {
        if self.private_users && !crate::rootless::is_root() {
            note(
                context.err,
                format_args!(
                    "{command}: warning: --private-users changes nothing without root: the pod is in a user \
                     namespace of the caller's in any case"
                ),
            );
            return None;
        }
        self.private_users.then(|| PathBuf::from("/etc"))
    }

    /// Whether ports of the host lead into the pod.
    pub(crate) fn has_ports(&self) -> bool {
        !self.ports.ports.is_empty()
    }

    /// Fetches the images as the policy says and prepares a pod of them.
    ///
    /// # Errors
    ///
    /// Usage errors, fetch errors, and what stands against the pod.
    pub(crate) fn prepare(
        &self,
        images: &[ImagePart],
        setup: &Setup,
        globals: &Globals,
        preparing: &Preparing<'_>,
        context: &mut Context<'_>,
    ) -> Result<PreparedPod, Failure> {
        let policy = self.pull.policy(context)?;
        let configured = configuration(globals, &[Section::Isolators])?.unverified_images;
        let mut request = PrepareRequest {
            unverified_images: configured.map(|stated| stated.value).unwrap_or_default(),
            manifest: self.manifest.read(self.others(images, policy))?,
            volumes: self.volume.clone(),
            mounts: self.mounts.mounts()?,
            ports: self.ports.ports.clone(),
            inherit_env: self.variables.inherited(),
            set_env: self.variables.set()?,
            no_overlay: self.no_overlay,
            private_users: self.private_users(preparing.command, context),
            ..PrepareRequest::default()
        };
        self.isolators.apply(&mut request)?;
        if images.is_empty() && request.manifest.is_none() {
            return Err(Failure::usage(
                "must provide at least one image or specify the pod manifest",
            ));
        }
        let apps = request
            .manifest
            .as_ref()
            .map(|manifest| manifest.apps.len());
        if preparing.interactive && apps.is_some_and(|apps| apps > 1) {
            return Err(Failure::usage(
                "interactive option only supports pods with one app",
            ));
        }
        // All of the command line is checked before the first image is fetched.
        let apps = images
            .iter()
            .map(|part| {
                deprecated_flags(part, context);
                let mut args = AppArgs::parse(part)?;
                let signature = args.signature.take();
                Ok((
                    &part.image,
                    signature,
                    args.request(part.arguments.clone())?,
                ))
            })
            .collect::<Result<Vec<_>, Failure>>()?;
        // Held until the pod is there and uses them itself.
        let mut leases = Vec::new();
        let stage1 = self.stage1.find(setup, globals, preparing.quiet, context)?;
        request.stage1 = stage1.map(|(id, lease)| {
            leases.push(lease);
            id
        });
        let mut fetcher =
            Fetcher::new(setup, globals, policy, preparing.quiet, context)?.of_kind(&self.pull.oci);
        for (image, signature, app) in apps {
            let (id, lease) = fetcher.fetch_for_use(image, signature.as_deref(), context)?;
            leases.push(lease);
            request.apps.push(app(id));
        }
        let pods = setup.pods()?;
        let uuid = setup.new_uuid()?;
        if let Some(file) = preparing.uuid_file {
            std::fs::write(file, uuid.to_string()).map_err(|error| {
                Failure::environment(format!(
                    "error saving pod UUID to file {}: {error}",
                    file.display()
                ))
            })?;
        }
        let pod = pods.prepare(uuid, &request, fetcher.store(), SystemTime::now())?;
        for warning in pod.warnings() {
            note(
                context.err,
                format_args!("{}: {warning}", preparing.command),
            );
        }
        Ok(pod)
    }

    /// Whether anything was given that a whole manifest leaves no room for.
    fn others(&self, images: &[ImagePart], policy: &str) -> bool {
        !images.is_empty()
            || !self.volume.is_empty()
            || !self.mounts.mount.is_empty()
            || self.has_ports()
            || matches!(policy, "never" | "update")
            || self.variables.are_given()
    }
}

/// Flags behind an image whose names are old; they work, and say so.
fn deprecated_flags(part: &ImagePart, context: &mut Context<'_>) {
    for (old, new) in [("cap-retain", "caps-retain"), ("cap-remove", "caps-remove")] {
        let is_old = |flag: &String| {
            let name = flag.trim_start_matches('-').split('=').next();
            flag.starts_with('-') && name == Some(old)
        };
        if part.flags.iter().any(is_old) {
            deprecated(old, &format!("use --{new} instead"), context);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_name_a_volume_and_an_absolute_target() {
        let good = mount("volume=data,target=/data").unwrap();
        assert_eq!(
            (good.volume.as_str(), good.path.as_str()),
            ("data", "/data")
        );
        for bad in [
            "volume=data",
            "target=/x",
            "volume=data,target=x",
            "volume=A,target=/x",
            "a=b",
        ] {
            assert!(mount(bad).is_err(), "{bad}");
        }
    }
}
