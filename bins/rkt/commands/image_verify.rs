//! `rkt image verify`

use clap::Args;
use gantry_cli::{Context, Failure, note, report, say};
use gantry_ops::fetch::FetchContext;
use gantry_ops::image::{BlobReport, ImageReport, TreeReport, TreeState, Verifier, VerifyContext};
use gantry_types::show::one_line;
use gantry_types::{Diagnostic as _, ImageId};
use serde_json::{Value, json};

use crate::cli::Globals;
use crate::images::{Fetcher, find};
use crate::rootless::ownership;
use crate::setup::{Format, Setup, json as printed};

/// Most differences of a tree that are told one by one.
const TOLD: usize = 10;

/// Images, and what to do about damage.
#[derive(Args, Debug)]
pub(crate) struct VerifyArgs {
    /// Fetch damaged blobs again from where they came from
    #[arg(long)]
    repair: bool,
    /// Data for programs in place of messages
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// IDs, prefixes of them, or names of images
    #[arg(value_name = "IMAGE", required = true)]
    images: Vec<String>,
}

impl VerifyArgs {
    /// Verifies each image with those it depends on. Damaged trees are rebuilt.
    ///
    /// # Errors
    ///
    /// An image that cannot be found, and damage that stays.
    pub(crate) fn run(
        &self,
        setup: &Setup,
        globals: &Globals,
        context: &mut Context<'_>,
    ) -> Result<(), Failure> {
        let mut fetcher = Fetcher::new(setup, globals, "update", self.format.is_some(), context)?;
        let store = fetcher.store().clone();
        let mut in_use = setup.in_use(&store)?;
        let mut verifier = Verifier::new(VerifyContext {
            store: &store,
            ownership: ownership(),
            in_use: &mut in_use,
        });
        let mut failed = false;
        let mut data = Vec::new();
        for given in &self.images {
            let found = find(&store, given, setup, globals, context);
            let verified = found.and_then(|id| {
                let images = match self.repair {
                    true => fetcher.with_context(context, |fetching: &mut FetchContext<'_>| {
                        verifier.verify(&id, Some(fetching))
                    }),
                    false => verifier.verify(&id, None),
                };
                Ok((id, images?))
            });
            let (id, images) = match verified {
                Ok(verified) => verified,
                Err(error) => {
                    failed = true;
                    report("verify", &error, globals.debug, context.err);
                    continue;
                }
            };
            let reports: Vec<&ImageReport> =
                images.iter().filter_map(|id| verifier.report(id)).collect();
            failed |= !reports.iter().all(|report| report.is_good());
            match self.format {
                Some(_) => data.push(as_json(given, &id, &reports)),
                None => tell(given, &id, &reports, context)?,
            }
        }
        if let Some(format) = self.format {
            say(context.out, printed(&Ok(Value::Array(data)), format)?)?;
        }
        match failed {
            true => Err(Failure::environment(
                "some images are damaged or could not be verified",
            )),
            false => Ok(()),
        }
    }
}

/// The messages of the original, and those it has no words for.
fn tell(
    given: &str,
    id: &ImageId,
    reports: &[&ImageReport],
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    for blob in reports.iter().flat_map(|report| &report.blobs) {
        tell_blob(given, blob, context);
    }
    let mut rebuilt = false;
    for tree in reports.iter().flat_map(|report| &report.trees) {
        let (wrong, error) = match &tree.state {
            TreeState::Good | TreeState::NotRendered | TreeState::Unknown => continue,
            TreeState::Rebuilt(wrong) => (wrong, None),
            TreeState::Damaged(wrong, error) => (wrong, Some(error)),
        };
        let first = wrong
            .first()
            .map_or("it cannot be compared", String::as_str);
        rebuilt = true;
        say(
            context.out,
            format_args!(
                "tree cache verification failed for image {given}: {first};  rebuilding..."
            ),
        )?;
        note(context.err, format_args!("verify: tree {}:", tree.id));
        for line in wrong.iter().take(TOLD) {
            note(context.err, format_args!("  {line}"));
        }
        if wrong.len() > TOLD {
            let more = wrong.len() - TOLD;
            note(context.err, format_args!("  and {more} more"));
        }
        if let Some(error) = error {
            note(
                context.err,
                format_args!(
                    "verify: unable to repair cache for image {given}: {}",
                    one_line(error)
                ),
            );
            if let Some(hint) = error.hint() {
                note(context.err, format_args!("hint: {hint}"));
            }
        }
    }
    if rebuilt || !reports.iter().all(|report| report.is_good()) {
        return Ok(());
    }
    let own = reports.first().map_or(&[][..], |report| &report.trees);
    let rendered = own
        .iter()
        .any(|tree| !matches!(tree.state, TreeState::NotRendered));
    match rendered {
        true => say(
            context.out,
            format_args!(
                "successfully verified checksum for image: {given:?} ({:?})",
                id.key()
            ),
        ),
        false => say(
            context.out,
            format_args!("image {given:?} not rendered; no verification needed"),
        ),
    }
}

fn tell_blob(given: &str, blob: &BlobReport, context: &mut Context<'_>) {
    let Some(fault) = &blob.fault else { return };
    let digest = &blob.digest;
    note(
        context.err,
        format_args!(
            "verify: blob {digest} of image {given:?}: {}",
            one_line(fault)
        ),
    );
    match &blob.repair {
        None => note(
            context.err,
            "hint: `rkt image verify --repair` fetches it again",
        ),
        Some(Ok(place)) => note(
            context.err,
            format_args!("verify: blob {digest} was fetched again from {place}"),
        ),
        Some(Err(error)) => {
            note(
                context.err,
                format_args!(
                    "verify: blob {digest} cannot be repaired: {}",
                    one_line(error)
                ),
            );
            if let Some(hint) = error.hint() {
                note(context.err, format_args!("hint: {hint}"));
            }
        }
    }
}

fn as_json(given: &str, id: &ImageId, reports: &[&ImageReport]) -> Value {
    let good = reports.iter().all(|report| report.is_good());
    json!({
        "image": given,
        "id": id.key(),
        "good": good,
        "blobs": reports.iter().flat_map(|r| &r.blobs).map(blob_json).collect::<Vec<_>>(),
        "trees": reports.iter().flat_map(|r| &r.trees).map(tree_json).collect::<Vec<_>>(),
    })
}

fn blob_json(blob: &BlobReport) -> Value {
    let mut value = json!({ "digest": blob.digest.to_string() });
    let (state, more) = match (&blob.fault, &blob.repair) {
        (None, _) => ("good", None),
        (Some(_), Some(Ok(place))) => ("repaired", Some(("from", place.clone()))),
        (Some(_), Some(Err(error))) => ("damaged", Some(("error", one_line(error)))),
        (Some(fault), None) => ("damaged", Some(("error", one_line(fault)))),
    };
    value["state"] = state.into();
    if let Some((key, text)) = more {
        value[key] = text.into();
    }
    value
}

fn tree_json(tree: &TreeReport) -> Value {
    let mut value = json!({ "id": tree.id.to_string() });
    let (state, wrong, error) = match &tree.state {
        TreeState::Good => ("good", None, None),
        TreeState::NotRendered => ("not rendered", None, None),
        TreeState::Unknown => ("unknown", None, None),
        TreeState::Rebuilt(wrong) => ("rebuilt", Some(wrong), None),
        TreeState::Damaged(wrong, error) => ("damaged", Some(wrong), Some(one_line(error))),
    };
    value["state"] = state.into();
    if let Some(wrong) = wrong {
        value["differences"] = wrong.as_slice().into();
    }
    if let Some(error) = error {
        value["error"] = error.into();
    }
    value
}
