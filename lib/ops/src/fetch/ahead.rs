//! Dependencies downloaded ahead, several at a time.
//!
//! Which images an image needs, and whether they may be used, is found out one after the other. What takes
//! the time is the network, so the files of an image's dependencies are brought side by side first. A
//! download of this kind waits for nobody, decides nothing and reports nothing: it puts the bytes where the
//! fetch proper looks for them, and tells it what the server said of them. What fails here is tried there
//! again, and told.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use gantry_remote::discovery::DiscoveryOptions;
use gantry_remote::download::{Complete, Download, Event, Outcome};
use gantry_remote::{HttpClient, Url, Validator};
use gantry_store::{Ingest, Source, Store, StoreError};
use gantry_types::{Dependency, ImageName};

use super::place::{endpoint, source_of};
use super::{FetchError, Fetcher, InsecureOptions, Notice, PullPolicy};

/// How many downloads run at a time.
const AT_ONCE: usize = 4;

/// What the servers said of files that are complete, by the place that the store remembers.
pub(super) type Ahead = BTreeMap<String, Complete>;

/// What a download needs to know, without whoever watches the fetch.
struct Courier<'a> {
    store: &'a Store,
    http: &'a HttpClient,
    discovery: DiscoveryOptions,
    insecure: &'a InsecureOptions,
}

impl Fetcher<'_, '_> {
    /// Brings the files of those `dependencies` that are to be downloaded, if they are several.
    pub(super) fn download_ahead(&mut self, dependencies: &[Dependency]) {
        let mut wanted: Vec<(ImageName, u64)> = Vec::new();
        for dependency in dependencies {
            let name = ImageName {
                name: dependency.image_name.clone(),
                labels: dependency.labels.clone(),
            };
            if self.is_for_the_network(dependency, &name)
                && wanted.iter().all(|(known, _)| *known != name)
            {
                wanted.push((name, dependency.size));
            }
        }
        if wanted.len() < 2 {
            return;
        }
        self.notice(&Notice::DownloadingAhead(wanted.len()));
        let courier = Courier {
            store: self.context.store,
            http: self.context.http,
            discovery: self.context.discovery,
            insecure: self.insecure,
        };
        let next = AtomicUsize::new(0);
        let brought = Mutex::new(Ahead::new());
        std::thread::scope(|scope| {
            let work = || {
                while let Some((name, size)) = wanted.get(next.fetch_add(1, Ordering::Relaxed)) {
                    match courier.bring(name, *size) {
                        Ok(Some((key, complete))) => {
                            let mut brought =
                                brought.lock().unwrap_or_else(PoisonError::into_inner);
                            brought.insert(key, complete);
                        }
                        Ok(None) => {}
                        Err(error) => tracing::debug!("{} not ahead: {error}", name.name),
                    }
                }
            };
            for _ in 0..wanted.len().min(AT_ONCE) {
                scope.spawn(work);
            }
        });
        let brought = brought.into_inner();
        self.ahead
            .extend(brought.unwrap_or_else(PoisonError::into_inner));
    }

    /// What was brought ahead from the place `key`, if it is what `ingest` has.
    pub(super) fn brought(&mut self, key: &str, ingest: &Ingest) -> Option<Complete> {
        let complete = self.ahead.remove(key)?;
        let same = ingest.len() == complete.size
            && validator_of(ingest).is_some_and(|marks| marks == complete.validator);
        same.then_some(complete)
    }

    /// Whether a dependency is not in the store, or to be asked for again all the same, and has a chance
    /// to be used: without a key for its name there is something to be asked first.
    fn is_for_the_network(&self, dependency: &Dependency, name: &ImageName) -> bool {
        let store = self.context.store;
        let pinned = dependency.image_id.as_ref();
        let there = match (pinned, self.policy) {
            (_, PullPolicy::Never) => true,
            (Some(hash), _) => store.resolve(&hash.to_string()).is_ok(),
            (None, PullPolicy::New) => store.find(name).is_ok_and(|found| found.is_some()),
            (None, PullPolicy::Update) => false,
        };
        let keys = || !self.context.keystore.keys_for(&name.name).keys.is_empty();
        !there && (self.insecure.image() || keys())
    }
}

impl Courier<'_> {
    /// The file of `name` in the store's keeping; none if somebody else is at it, or the store has what
    /// the place led to before.
    fn bring(&self, name: &ImageName, size: u64) -> Result<Option<(String, Complete)>, FetchError> {
        let (url, _) = endpoint(self.http, self.discovery, self.insecure, name)?;
        let source = source_of(&url);
        if self.store.by_origin(&source)?.is_some() {
            return Ok(None);
        }
        let (Source::Url(key) | Source::Path(key)) = source;
        let Some(mut ingest) = self.store.try_ingest(&key)? else {
            return Ok(None);
        };
        let complete = self.download(&url, &mut ingest, size)?;
        Ok(complete.map(|complete| (key, complete)))
    }

    fn download(
        &self,
        url: &Url,
        ingest: &mut Ingest,
        size: u64,
    ) -> Result<Option<Complete>, StoreError> {
        let most = self.http.config().max_download;
        let have_validator = validator_of(ingest);
        let file = ingest.file()?;
        let download = Download {
            url,
            file: &file,
            have: ingest.len(),
            have_validator: have_validator.as_ref(),
            unless: None,
            limit: if size > 0 { size.min(most) } else { most },
        };
        let mut observe = |event: Event<'_>| note(self.store, ingest, &event);
        match self.http.download(&download, &mut observe) {
            Ok(Outcome::Complete(complete)) => Ok(Some(complete)),
            Ok(Outcome::NotModified { .. }) => Ok(None),
            Err(error) => {
                tracing::debug!("{error}");
                Ok(None)
            }
        }
    }
}

/// The marks of what is there of a download.
pub(super) fn validator_of(ingest: &Ingest) -> Option<Validator> {
    ingest.sidecar().map(|sidecar| Validator {
        etag: sidecar.etag.clone(),
        last_modified: sidecar.last_modified.clone(),
    })
}

/// Notes in the store how far a download is; refuses one that does not fit, with what is there of it kept.
pub(super) fn note(store: &Store, ingest: &mut Ingest, event: &Event<'_>) -> io::Result<()> {
    match event {
        Event::Started {
            validator,
            kept,
            total,
        } => {
            let Validator {
                etag,
                last_modified,
            } = (*validator).clone();
            if let Some(total) = total {
                let what = format!("the download of {}", ingest.url());
                let rest = total.saturating_sub(*kept);
                store.check_room(&what, rest).map_err(io::Error::other)?;
            }
            ingest
                .started(etag, last_modified, *total, *kept)
                .map_err(io::Error::other)
        }
        Event::Advanced { have, .. } => ingest.advanced(*have),
    }
}
