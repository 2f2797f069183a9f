//! `actool patch-manifest`.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use gantry_cli::{Context, Failure, available_threads, note};
use gantry_ops::patch::{ManifestEdits, NewManifest, Output, PatchOptions, patch};

/// Copy an ACI and patch its manifest (experimental)
#[derive(clap::Args, Debug)]
#[command(
    long_about = "Copy an ACI and patch its manifest.",
    override_usage = USAGE,
    after_long_help = "The copy gets its name when it is complete and on stable storage. All entries but the \
        manifest are copied byte for byte; the manifest is written anew, without fields that the \
        specification does not know, and has to be valid then. The copy is compressed as the image is, \
        unless --no-compression is given.\n\n\
        An empty value leaves a field alone. Changes are made in the order name, exec, user, group, \
        supplementary-groups, capability, mounts, ports, seccomp-mode, isolators."
)]
pub(crate) struct PatchManifestArgs {
    /// Overwrite target file if it already exists
    #[arg(long)]
    overwrite: bool,
    /// Do not gzip-compress the produced ACI
    ///
    /// Whatever the input is compressed with.
    #[arg(long)]
    no_compression: bool,
    /// Replace the input file
    ///
    /// The changed image takes the place of the input; its permissions stay.
    #[arg(long)]
    replace: bool,
    #[arg(
        long,
        default_value = "",
        value_name = "MANIFEST_FILE",
        help = "Replace image manifest with this file. Incompatible with other replace options.",
        long_help = "Replace image manifest with this file. Incompatible with other replace options.\n\n\
            It goes in as it is; if it is no valid manifest, a warning says so. With --name, --exec, \
            --user, --group, --capability or --mounts beside it this is an error, other changes are \
            ignored with a warning."
    )]
    manifest: OsString,
    /// Replace name
    #[arg(long, default_value = "")]
    name: String,
    /// Replace the command line to launch the executable
    ///
    /// Program and arguments are separated by single blanks; nothing can be quoted. An image without an
    /// app gets one, which needs --user and --group too.
    #[arg(long, default_value = "", value_name = "CMD")]
    exec: String,
    /// Replace user
    #[arg(long, default_value = "")]
    user: String,
    /// Replace group
    #[arg(long, default_value = "")]
    group: String,
    #[arg(
        long,
        default_value = "",
        value_name = "GIDS",
        help = "Replace supplementary groups, expects a comma-separated list."
    )]
    supplementary_groups: String,
    /// Set the capability remain set
    ///
    /// The only capabilities that the app keeps, separated by commas. Takes the place of both sets of
    /// capabilities that there may be.
    #[arg(long, default_value = "", value_name = "CAPS")]
    capability: String,
    /// Set the capability remove set
    ///
    /// Capabilities taken from the default ones, separated by commas. Takes the place of both sets of
    /// capabilities that there may be. Not together with --capability.
    #[arg(long, default_value = "", value_name = "CAPS")]
    revoke_capability: String,
    /// Replace mount points
    ///
    /// Adds them, as the original does: NAME,path=PATH[,readOnly=BOOL], separated by colons.
    #[arg(long, default_value = "")]
    mounts: String,
    /// Replace ports
    ///
    /// Adds them, as the original does:
    /// NAME,protocol=PROTOCOL,port=PORT, with ,count=N and ,socketActivated=BOOL where wanted; several are
    /// separated by colons.
    #[arg(long, default_value = "")]
    ports: String,
    /// Replace isolators
    ///
    /// Adds them, as the original does, separated by colons: resource/cpu and resource/memory with
    /// request=QUANTITY and limit=QUANTITY, resource/block-bandwidth, resource/block-iops and
    /// resource/network-bandwidth with default=true and limit=QUANTITY,
    /// os/linux/no-new-privileges,BOOL and os/linux/oom-score-adj,N.
    #[arg(long, default_value = "")]
    isolators: String,
    /// Enable and configure seccomp isolator
    ///
    /// remove or retain, with ,errno=NAME for what a call that is filtered out fails with. Takes the place
    /// of both sets of system calls that there may be.
    #[arg(long, default_value = "", value_name = "MODE")]
    seccomp_mode: String,
    /// Set of syscalls for seccomp isolator enforcing
    ///
    /// Names and wildcards such as @appc.io/all, separated by commas.
    #[arg(long, default_value = "", value_name = "SYSCALLS")]
    seccomp_set: String,
    /// The image, and where the copy goes
    #[arg(value_name = "INPUT_ACI_FILE OUTPUT_ACI_FILE")]
    files: Vec<PathBuf>,
}

/// The lines of the original, which wrappers show.
const USAGE: &str = "actool patch-manifest 
\t\t  [--manifest=MANIFEST_FILE]
\t\t  [--name=example.com/app]
\t\t  [--exec=\"/app --debug\"]
\t\t  [--user=uid] [--group=gid]
\t\t  [--capability=CAP_SYS_ADMIN,CAP_NET_ADMIN]
\t\t  [--revoke-capability=CAP_SYS_CHROOT,CAP_MKNOD]
\t\t  [--mounts=work,path=/opt,readOnly=true[:work2,...]]
\t\t  [--ports=query,protocol=tcp,port=8080[:query2,...]]
\t\t  [--supplementary-groups=gid1,gid2,...]
\t\t  [--isolators=resource/cpu,request=50m,limit=100m[:resource/memory,...]]
\t\t  [--seccomp-mode=remove|retain[,errno=EPERM]]
\t\t  [--seccomp-set=syscall1,syscall2,...]]
\t\t  [--replace]
\t\t  INPUT_ACI_FILE
\t\t  [OUTPUT_ACI_FILE]";

impl PatchManifestArgs {
    pub(crate) fn run(self, context: &mut Context<'_>) -> Result<(), Failure> {
        if self.replace && self.overwrite {
            let text = "Cannot use both --replace and --overwrite";
            return Err(Failure::environment(text));
        }
        let (image, output) = match (&*self.files, self.replace) {
            ([image], true) => (image, Output::InPlace),
            (_, true) => return Err(Failure::environment("Must provide one file")),
            ([image, path], false) => {
                let output = Output::File {
                    path: path.clone(),
                    overwrite: self.overwrite,
                };
                (image, output)
            }
            (_, false) => {
                let text = "Must provide input and output files (or use --replace)";
                return Err(Failure::environment(text));
            }
        };
        let by_file = !self.manifest.is_empty();
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let edits = ManifestEdits {
            name: given(&self.name),
            exec: given(&self.exec),
            user: given(&self.user),
            group: given(&self.group),
            supplementary_groups: given(&self.supplementary_groups),
            capability: given(&self.capability),
            revoke_capability: given(&self.revoke_capability),
            mounts: given(&self.mounts),
            ports: given(&self.ports),
            isolators: given(&self.isolators),
            seccomp_mode: given(&self.seccomp_mode),
            seccomp_set: given(&self.seccomp_set),
        };
        if by_file {
            warn_of_ignored(&edits, context)?;
        }
        if let Output::File { path, .. } = &output {
            check_extension(path)?;
        }
        let manifest = if by_file {
            NewManifest::File(self.manifest.clone().into())
        } else {
            NewManifest::Edited(edits.into())
        };
        let options = PatchOptions {
            uncompressed: self.no_compression,
            threads: available_threads(),
        };
        let patched = patch(image, &output, &manifest, options)?;
        if let Some(invalid) = patched.invalid {
            let file = self.manifest.display();
            let warning =
                format!("patch-manifest: warning: {file} is no valid manifest: {invalid}");
            note(context.err, warning);
        }
        Ok(())
    }
}

/// A manifest from a file goes with no other change, but the original refuses only some of them.
fn warn_of_ignored(edits: &ManifestEdits, context: &mut Context<'_>) -> Result<(), Failure> {
    let refused = [
        &edits.name,
        &edits.exec,
        &edits.user,
        &edits.group,
        &edits.capability,
        &edits.mounts,
    ];
    if refused.iter().any(|edit| edit.is_some()) {
        let text = "--manifest is incompatible with other manifest editing options";
        return Err(Failure::environment(text));
    }
    for (flag, edit) in [
        ("supplementary-groups", &edits.supplementary_groups),
        ("revoke-capability", &edits.revoke_capability),
        ("ports", &edits.ports),
        ("isolators", &edits.isolators),
        ("seccomp-mode", &edits.seccomp_mode),
        ("seccomp-set", &edits.seccomp_set),
    ] {
        if edit.is_some() {
            let warning = format!("patch-manifest: warning: --{flag} is ignored beside --manifest");
            note(context.err, warning);
        }
    }
    Ok(())
}

/// The output has to be called `.aci`, in the words of the original.
fn check_extension(path: &Path) -> Result<(), Failure> {
    let path = path.as_os_str().as_bytes();
    let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    let dot = name.iter().rposition(|byte| *byte == b'.');
    let extension = &name[dot.unwrap_or(name.len())..];
    if extension == b".aci" {
        return Ok(());
    }
    let given = String::from_utf8_lossy(extension);
    Err(Failure::environment(format!(
        "Extension must be .aci (given {given})"
    )))
}
