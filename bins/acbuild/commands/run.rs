//! `run`.

use std::ffi::OsString;
use std::path::Path;

use gantry_cli::{Failure, note};
use gantry_ops::build::Build;
use gantry_pod::in_tree::{Engine, Layers, TreeCommand, TreePlace, Waiting, collect};
use gantry_types::{Environment, ImageManifest};

use crate::ending::Ending;
use crate::images::{ImageArgs, Images};
use crate::invocation::{Invocation, text};
use crate::rootless;

/// Run a command in the image, and keep what it writes
///
/// The image is laid over what it depends on, so that the command sees what an app would see. Of the
/// dependencies nothing changes: what the command writes lands in the image. The exit status is the
/// command's.
#[derive(clap::Args, Debug)]
#[command(override_usage = "acbuild run [OPTIONS] -- COMMAND [ARGUMENT]...")]
pub(crate) struct Args {
    /// What keeps the command from the host: `ns`, namespaces as those of a pod; `chroot`, another root alone.
    /// `systemd-nspawn` means `ns`
    #[arg(long, value_name = "ENGINE", default_value = "ns")]
    engine: String,
    /// Network of the command: `host`, `none`, or for root networks as those of a pod
    #[arg(long, value_name = "NET", default_value = "host")]
    net: String,
    /// Directory in the image to run the command in
    #[arg(
        long,
        value_name = "DIR",
        default_value = "",
        hide_default_value = true
    )]
    working_dir: String,
    #[command(flatten)]
    images: ImageArgs,
    /// The command and its arguments
    #[arg(value_name = "COMMAND")]
    arguments: Vec<OsString>,
}

pub(crate) fn run(args: &Args, invocation: &mut Invocation<'_, '_>) -> Result<(), Ending> {
    if args.arguments.is_empty() {
        return Err(Ending::Usage);
    }
    let engine = match &*args.engine {
        "ns" | "systemd-nspawn" => Engine::Namespaces,
        "chroot" => Engine::Chroot,
        other => return Err(Failure::usage(format!("no such engine {other:?}")).into()),
    };
    check(args, engine)?;
    let exec = args
        .arguments
        .iter()
        .map(|argument| Ok(text(argument)?.to_owned()))
        .collect::<Result<Vec<_>, Ending>>()?;
    invocation.explain(&args.arguments);
    // Told before anything is entered, as without a build there is nothing to enter for.
    drop(invocation.open()?);
    rootless::enter()?;
    rootless::warn_of_one_id("run", invocation.ctx);
    let build = invocation.open()?;
    if rootless::has_many_ids() {
        build.note_other_owners()?;
    }
    let status = run_in(args, engine, exec, &build, invocation)?;
    match (status, engine) {
        (0, _) => {
            let history = invocation.history(&args.arguments);
            Ok(build.record(history.as_deref())?)
        }
        (status, Engine::Chroot) => Err(Ending::Child(status)),
        (status, Engine::Namespaces) => Err(Ending::ChildFailed(
            Failure::environment(format!("non-zero exit code: {status}")),
            status,
        )),
    }
}

/// Refuses what cannot be before anything is done.
fn check(args: &Args, engine: Engine) -> Result<(), Failure> {
    if !args.working_dir.is_empty() && !args.working_dir.starts_with('/') {
        return Err(Failure::usage(format!(
            "working directory {:?} is not absolute",
            args.working_dir
        )));
    }
    let is_shared = matches!(&*args.net, "host" | "none");
    if engine == Engine::Chroot && args.net != "host" {
        return Err(Failure::usage("the engine chroot has the host's network")
            .with_hint("--engine ns runs commands with other networks, or none"));
    }
    if !is_shared && !rootless::is_root() {
        return Err(Failure::environment(format!(
            "network {} can be set up by root only",
            args.net
        ))
        .with_hint("--net host or --net none works without root"));
    }
    Ok(())
}

/// Runs the command in the root of the build, and gives its status.
fn run_in(
    args: &Args,
    engine: Engine,
    exec: Vec<String>,
    build: &Build,
    invocation: &mut Invocation<'_, '_>,
) -> Result<u8, Ending> {
    let stage1 = gantry_pod::own_stage1()?;
    collect(build.directory(), &stage1)?;
    let host_resolv_conf =
        build.begin_run(engine == Engine::Namespaces)? && Path::new("/etc/resolv.conf").is_file();
    let needs = Needs::of(build)?;
    let command = TreeCommand {
        stage1,
        engine,
        network: args.net.clone(),
        local_config: args.images.local_config.clone(),
        uuid: gantry_pod::new_uuid()?,
        exec,
        environment: needs.environment.clone(),
        working_directory: args.working_dir.clone(),
        host_resolv_conf,
    };
    let tree = build.tree();
    let place = TreePlace {
        directory: build.directory(),
        lock: build.lock(),
        tree: &tree,
    };
    let result = run_over(args, &command, &place, &needs, invocation);
    let ended = build.end_run();
    let status = result?;
    for path in ended?.removed {
        note(
            invocation.ctx.err,
            format_args!(
                "run: warning: {} is of a dependency and will be there again: an App Container image cannot \
                 say that it was removed",
                path.display()
            ),
        );
    }
    Ok(status)
}

fn run_over(
    args: &Args,
    command: &TreeCommand,
    place: &TreePlace<'_>,
    needs: &Needs,
    invocation: &mut Invocation<'_, '_>,
) -> Result<u8, Ending> {
    let waiting = Waiting::prepare(command, place)?;
    let Some(manifest) = &needs.manifest else {
        return Ok(waiting.run(place, Vec::new())?);
    };
    let images = Images::open(
        &args.images,
        "run",
        invocation.globals.debug,
        invocation.ctx,
    )?;
    let fetched = images.fetch_dependencies(manifest, invocation.ctx)?;
    let ids: Vec<_> = fetched.iter().map(|(id, _)| *id).collect();
    let layers = Layers::of(images.store(), &ids)?;
    Ok(waiting.run(place, layers.lower.clone())?)
}

/// What the image has to do with a command.
struct Needs {
    /// The variables of the image's app, which a command gets as well.
    environment: Environment,
    /// The manifest, if it names other images.
    manifest: Option<ImageManifest>,
}

impl Needs {
    fn of(build: &Build) -> Result<Self, Ending> {
        if build.is_oci() {
            let mut environment = Environment::default();
            for variable in &build.oci_image()?.config.config.env {
                if let Some((name, value)) = variable.split_once('=') {
                    environment.set(name, value)?;
                }
            }
            return Ok(Self {
                environment,
                manifest: None,
            });
        }
        let manifest = build.manifest()?;
        let app = manifest.app.as_ref();
        Ok(Self {
            environment: app.map(|app| app.environment.clone()).unwrap_or_default(),
            manifest: (!manifest.dependencies.is_empty()).then_some(manifest),
        })
    }
}
