//! `rkt image gc`

use std::time::{Duration, SystemTime};

use clap::Args;
use gantry_cli::{Context, Failure, note, report, say, size};
use gantry_ops::Store;
use gantry_ops::image;
use gantry_types::Quantity;

use crate::cli::Globals;
use crate::duration::at_least_zero;
use crate::setup::Setup;

/// How long an image may go unused unless something else is said.
const GRACE: Duration = Duration::from_secs(24 * 3600);

/// What may go.
#[derive(Args, Debug)]
pub(crate) struct GcArgs {
    /// How long an image may go unused; 24h, or for ever with --keep-storage alone
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true, value_parser = at_least_zero)]
    grace_period: Option<Duration>,
    /// Remove the least recently used images until the store takes at most so much of the disk: bytes, or
    /// 10G, 10GiB
    #[arg(long, value_name = "SIZE", value_parser = bytes)]
    keep_storage: Option<u64>,
}

impl GcArgs {
    /// Removes what may go. Failures with single images, blobs and trees are reported and do not fail the
    /// command, as in the original.
    ///
    /// # Errors
    ///
    /// When the store or the pods cannot be read.
    pub(crate) fn run(
        &self,
        store: &Store,
        setup: &Setup,
        globals: &Globals,
        context: &mut Context<'_>,
    ) -> Result<(), Failure> {
        let in_use = &mut setup.in_use(store)?;
        let grace = match (self.grace_period, self.keep_storage) {
            (Some(grace), _) => grace,
            (None, None) => GRACE,
            (None, Some(_)) => Duration::MAX,
        };
        let mut done = image::gc(store, grace, SystemTime::now(), in_use)?;
        if let Some(most) = self.keep_storage {
            image::shrink(store, most, in_use, &mut done)?;
        }
        for tree in &done.trees {
            note(
                context.err,
                format_args!("gc: removed treestore \"{tree}\""),
            );
        }
        for id in &done.images {
            say(
                context.out,
                format_args!("successfully removed aci for image: \"{}\"", id.key()),
            )?;
        }
        if !done.images.is_empty() {
            let count = done.images.len();
            note(
                context.err,
                format_args!("gc: {count} image(s) successfully removed"),
            );
        }
        if let (Some(most), Some(now)) = (self.keep_storage, done.size)
            && now > most
        {
            note(
                context.err,
                format_args!(
                    "gc: the store still takes {}, more than {}: the rest is in use",
                    size(now),
                    size(most)
                ),
            );
        }
        for problem in done.problems {
            report("gc", &problem.into(), globals.debug, context.err);
        }
        Ok(())
    }
}

/// A number of bytes, with a suffix for powers of 1000 (`10G`, `10GB`) or of 1024 (`10Gi`, `10GiB`).
fn bytes(text: &str) -> Result<u64, String> {
    let number = text.strip_suffix('B').unwrap_or(text);
    let number = match number.strip_suffix('K') {
        Some(number) => format!("{number}k"),
        None => number.to_owned(),
    };
    let quantity: Quantity = number
        .parse()
        .map_err(|_| "a size is a number and perhaps k, M, G, T, Ki, Mi, Gi or Ti".to_owned())?;
    u64::try_from(quantity.value()).map_err(|_| "a size is not below zero".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_numbers_with_the_usual_suffixes() {
        for (text, expected) in [
            ("0", 0),
            ("512", 512),
            ("10G", 10_000_000_000),
            ("10GB", 10_000_000_000),
            ("1.5GiB", 3 << 29),
            ("64Mi", 64 << 20),
            ("5K", 5000),
            ("5kB", 5000),
        ] {
            assert_eq!(bytes(text), Ok(expected), "{text}");
        }
        for bad in ["", "B", "-1", "10 G", "ten", "10X"] {
            assert!(bytes(bad).is_err(), "{bad}");
        }
    }
}
