//! The flags of `run` and `prepare` that make up the pod.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use clap::Args;
use gantry_cli::{Context, Failure, note};
use gantry_pod::{PrepareRequest, PreparedPod};
use gantry_types::{Mount, Volume};

use crate::cli::Globals;
use crate::commands::app_args::AppArgs;
use crate::grammar::ImagePart;
use crate::images::Fetcher;
use crate::setup::Setup;

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
    /// Give the apps the caller's environment, below their own
    #[arg(long)]
    inherit_env: bool,
    /// Variable of all apps
    #[arg(long, value_name = "NAME=VALUE")]
    set_env: Vec<String>,
    /// File of variables of all apps, one NAME=VALUE a line
    #[arg(long, value_name = "FILE")]
    set_env_file: Vec<PathBuf>,
    /// Copy the images instead of laying an overlay over them
    #[arg(long)]
    no_overlay: bool,
    /// When to look for images elsewhere than in the store
    #[arg(long, value_name = "never|new|update", default_value = "new")]
    pull_policy: String,
    /// The same as --pull-policy=never
    #[arg(long, hide = true)]
    store_only: bool,
    /// The same as --pull-policy=update
    #[arg(long, hide = true)]
    no_store: bool,
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

impl PodArgs {
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
        quiet: bool,
        uuid_file: Option<&Path>,
        context: &mut Context<'_>,
    ) -> Result<PreparedPod, Failure> {
        if images.is_empty() {
            return Err(Failure::usage(
                "must provide at least one image or specify the pod manifest",
            ));
        }
        let mut request = PrepareRequest {
            volumes: self.volume.clone(),
            mounts: self.mounts.mounts()?,
            set_env: self.set_env()?,
            no_overlay: self.no_overlay,
            ..PrepareRequest::default()
        };
        if self.inherit_env {
            request.inherit_env = std::env::vars_os()
                .filter_map(|(name, value)| {
                    Some((name.into_string().ok()?, value.into_string().ok()?))
                })
                .collect();
        }
        let policy = policy(&self.pull_policy, self.store_only, self.no_store, context)?;
        // All of the command line is checked before the first image is fetched.
        let apps = images
            .iter()
            .map(|part| {
                let mut args = AppArgs::parse(part)?;
                let signature = args.signature.take();
                Ok((
                    &part.image,
                    signature,
                    args.request(part.arguments.clone())?,
                ))
            })
            .collect::<Result<Vec<_>, Failure>>()?;
        let mut fetcher = Fetcher::new(setup, globals, policy, quiet, context)?;
        // Held until the pod is there and uses them itself.
        let mut leases = Vec::new();
        for (image, signature, app) in apps {
            let (id, lease) = fetcher.fetch_for_use(image, signature.as_deref(), context)?;
            leases.push(lease);
            request.apps.push(app(id));
        }
        let pods = setup.pods()?;
        let uuid = setup.new_uuid()?;
        if let Some(file) = uuid_file {
            std::fs::write(file, uuid.to_string()).map_err(|error| {
                Failure::environment(format!(
                    "cannot write UUID file {}: {error}",
                    file.display()
                ))
            })?;
        }
        let pod = pods.prepare(uuid, &request, fetcher.store(), SystemTime::now())?;
        for warning in pod.warnings() {
            note(context.err, warning);
        }
        Ok(pod)
    }

    fn set_env(&self) -> Result<Vec<(String, String)>, Failure> {
        let mut all = Vec::new();
        for file in &self.set_env_file {
            let text = std::fs::read_to_string(file).map_err(|error| {
                Failure::environment(format!("cannot read {}: {error}", file.display()))
            })?;
            let lines: Vec<String> = text
                .lines()
                .map(str::trim)
                .filter(|line| !line.is_empty() && !line.starts_with(['#', ';']))
                .map(str::to_owned)
                .collect();
            all.extend(variables("set-env-file", &lines)?);
        }
        all.extend(variables("set-env", &self.set_env)?);
        Ok(all)
    }
}

/// The pull policy of the flag, or of the two older flags, which still work and say so.
///
/// # Errors
///
/// Both older flags together.
pub(crate) fn policy<'a>(
    given: &'a str,
    store_only: bool,
    no_store: bool,
    context: &mut Context<'_>,
) -> Result<&'a str, Failure> {
    let (flag, policy) = match (store_only, no_store) {
        (false, false) => return Ok(given),
        (true, true) => return Err(Failure::usage("both --store-only and --no-store specified")),
        (true, false) => ("store-only", "never"),
        (false, true) => ("no-store", "update"),
    };
    note(
        context.err,
        format_args!("Flag --{flag} has been deprecated, please use --pull-policy={policy}"),
    );
    Ok(policy)
}

/// Takes `NAME=VALUE` apart; a name may come only once per flag.
///
/// # Errors
///
/// Without `=`, or with a name that was there before.
pub(crate) fn variables(flag: &str, list: &[String]) -> Result<Vec<(String, String)>, Failure> {
    let mut found: Vec<(String, String)> = Vec::new();
    for text in list {
        let (name, value) = text
            .split_once('=')
            .filter(|(name, _)| !name.is_empty())
            .ok_or_else(|| {
                Failure::usage(format!("--{flag}: {text:?} is not of the form NAME=VALUE"))
            })?;
        if found.iter().any(|(known, _)| known == name) {
            return Err(Failure::usage(format!("--{flag}: {name:?} is given twice")));
        }
        found.push((name.to_owned(), value.to_owned()));
    }
    Ok(found)
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

    #[test]
    fn variables_are_pairs_with_different_names() {
        let list = |words: &[&str]| {
            words
                .iter()
                .map(|word| (*word).to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            variables("set-env", &list(&["A=1", "B=x=y"]))
                .unwrap()
                .len(),
            2
        );
        for bad in [&["A"][..], &["=1"], &["A=1", "A=2"]] {
            assert!(variables("set-env", &list(bad)).is_err(), "{bad:?}");
        }
    }
}
