//! `rkt version`

use clap::Args;
use gantry_cli::{Context, Failure, say};

/// Print the version
#[derive(Args, Debug)]
pub(crate) struct VersionArgs {}

impl VersionArgs {
    /// Prints the lines that scripts look for; where the original names its Go, ours names its system.
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
        let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
        say(context.out, format_args!("Go OS/Arch: {os}/{arch}"))?;
        say(context.out, "Features: -TPM -SDJOURNAL")
    }
}
