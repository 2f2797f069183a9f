//! `rkt version`

use clap::Args;
use gantry_cli::{Context, Failure, say};
use gantry_types::os_arch;

/// Print the version
#[derive(Args, Debug)]
pub(crate) struct VersionArgs {}

impl VersionArgs {
    /// Prints the lines that scripts look for; there is no Go to be named, but the
    /// system goes by Go's names, as scripts compare it.
    ///
    /// # Errors
    ///
    /// Standard output cannot be written.
    pub(crate) fn run(&self, context: &mut Context<'_>) -> Result<(), Failure> {
        say(
            context.out,
            format_args!("rkt Version: {}", env!("CARGO_PKG_VERSION")),
        )?;
        say(
            context.out,
            format_args!("appc Version: {}", gantry_types::SemVer::ac_version()),
        )?;
        say(context.out, "Go Version: none")?;
        let (os, arch) = os_arch::host();
        let arch = os_arch::to_go(os, arch).map_or(arch, |(arch, _)| arch);
        say(context.out, format_args!("Go OS/Arch: {os}/{arch}"))?;
        say(context.out, "Features: -TPM -SDJOURNAL")
    }
}
