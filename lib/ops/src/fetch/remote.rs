//! Images from servers: by URL, or by the URL that discovery found.

use std::time::Duration;

use gantry_remote::download::{Complete, Download, Event, Outcome};
use gantry_remote::{Url, Validator};
use gantry_store::{ImageRecord, Ingest, Origin, Source, Verdict, nanos};
use gantry_types::{ImageId, ImageName};

use super::ahead::{note, validator_of};
use super::import::{Arrived, Wanted};
use super::place::{endpoint, shown, source_of};
use super::signature::SignaturePlace;
use super::{Downloading, FetchError, Fetcher, Notice, PullPolicy, RequestError};

impl Fetcher<'_, '_> {
    pub(super) fn by_url(&mut self, url: &Url) -> Result<ImageId, FetchError> {
        let place = SignaturePlace::of_url(url);
        let wanted = Wanted {
            image: shown(url),
            name: None,
            latest: false,
        };
        let known = self.context.store.by_origin(&source_of(url))?;
        match (known, self.policy) {
            (Some(record), PullPolicy::Never | PullPolicy::New) => {
                self.notice(&Notice::UsingStoreUrl(shown(url)));
                Ok(self.used(record.id))
            }
            (None, PullPolicy::Never) => Err(FetchError::NotFound {
                kind: "URL",
                text: shown(url),
            }),
            _ => self.remote(url, place, &wanted),
        }
    }

    /// The first place of the image that can be asked over HTTP, and that of its signature.
    pub(super) fn discover(
        &mut self,
        name: &ImageName,
    ) -> Result<(Url, SignaturePlace), FetchError> {
        self.notice(&Notice::Searching(name.clone()));
        let (http, discovery) = (self.context.http, self.context.discovery);
        endpoint(http, discovery, self.insecure, name)
    }

    /// Downloads and imports what is at `url`, unless the store has it and it still holds.
    pub(super) fn remote(
        &mut self,
        url: &Url,
        place: SignaturePlace,
        wanted: &Wanted,
    ) -> Result<ImageId, FetchError> {
        let began = nanos(self.now());
        let source = source_of(url);
        let known = self.reusable(&source, wanted.name.as_ref())?;
        if let Some(record) = &known
            && record
                .origin_of(&source)
                .is_some_and(|origin| origin.is_fresh(self.now()))
        {
            self.notice(&Notice::NotExpired(shown(url)));
            return Ok(self.used(record.id));
        }
        self.notice(&Notice::RemoteFetching(shown(url)));
        let place = self.signature.map_or(place, SignaturePlace::named);
        let name = wanted.name.as_ref().map(|name| &name.name);
        let prepared = self.prepare_check(&wanted.image, name, &place)?;

        let (Source::Url(key) | Source::Path(key)) = &source;
        let (_need, mut ingest) = self.take_download(key, &wanted.image)?;
        // Somebody else may have fetched it while we waited for the download, or before. What the record
        // says of the time is older than the moment at which it became visible.
        let fetched = |record: &ImageRecord| record.origin_of(&source).map(|origin| origin.fetched);
        let seen = known.as_ref().and_then(fetched);
        let known = self.reusable(&source, wanted.name.as_ref())?;
        if let Some(record) = &known
            && fetched(record).is_some_and(|time| time >= began || Some(time) != seen)
        {
            ingest.discard()?;
            return Ok(self.used(record.id));
        }
        let complete = match self.brought(key, &ingest) {
            Some(complete) => Ok(Some(complete)),
            None => self.download(url, &mut ingest, known.as_ref(), &source),
        };
        let complete = match complete {
            Ok(Some(complete)) => complete,
            Err(error) => {
                // The start of something that is no image is nothing to go on from.
                if error.is_too_large() {
                    ingest.discard()?;
                }
                return Err(error);
            }
            Ok(None) => {
                ingest.discard()?;
                self.notice(&Notice::UsingStoreUrl(shown(url)));
                return known.map(|record| self.used(record.id)).ok_or_else(|| {
                    FetchError::NotFound {
                        kind: "URL",
                        text: shown(url),
                    }
                });
            }
        };
        let check = self.settle(&wanted.image, prepared)?;
        let max_age = Some(complete.fresh_for.as_secs()).filter(|seconds| *seconds > 0);
        let Validator {
            etag,
            last_modified,
        } = complete.validator;
        self.import(
            Arrived {
                ingest,
                content: None,
                source: Some(source),
                note: None,
                etag,
                last_modified,
                max_age,
            },
            &check,
            wanted,
        )
    }

    /// What the store has from `source`, if it would do: the right image, checked if we check now, and
    /// whole.
    pub(super) fn reusable(
        &self,
        source: &Source,
        name: Option<&ImageName>,
    ) -> Result<Option<ImageRecord>, FetchError> {
        let record = self.context.store.by_origin(source)?;
        Ok(record.filter(|record| {
            (self.insecure.image() || matches!(record.verdict, Verdict::Signed { .. }))
                && name.is_none_or(|name| record.answers(name))
                && record
                    .trees
                    .iter()
                    .all(|tree| self.context.store.has_tree(tree))
                // Otherwise it is fetched anew, all of it.
                && record.damaged_layer(self.context.store).is_none()
        }))
    }

    /// `None` if the server says that what the store has still holds.
    pub(super) fn download(
        &mut self,
        url: &Url,
        ingest: &mut Ingest,
        known: Option<&ImageRecord>,
        source: &Source,
    ) -> Result<Option<Complete>, FetchError> {
        let text = shown(url);
        let have_validator = validator_of(ingest);
        let unless = known
            .and_then(|record| record.origin_of(source))
            .map(|origin| Validator {
                etag: origin.etag.clone(),
                last_modified: origin.last_modified.clone(),
            });
        let file = ingest.file()?;
        let most = self.context.http.config().max_download;
        let download = Download {
            url,
            file: &file,
            have: ingest.len(),
            have_validator: have_validator.as_ref(),
            unless: unless.as_ref(),
            limit: self.limit.map_or(most, |limit| limit.min(most)),
        };
        let store = self.context.store;
        let observer = &mut *self.context.observer;
        let mut observe = |event: Event<'_>| {
            match event {
                Event::Started { kept, .. } if kept > 0 => observer.notice(&Notice::Resumed(kept)),
                Event::Started { .. } => {}
                Event::Advanced { have, total } => {
                    observer.progress(Downloading::Image, have, total);
                }
            }
            note(store, ingest, &event)
        };
        match self.context.http.download(&download, &mut observe) {
            Ok(Outcome::Complete(complete)) => Ok(Some(complete)),
            Ok(Outcome::NotModified { fresh_for }) => {
                if let Some(record) = known {
                    self.still_fresh(record, source, fresh_for);
                }
                Ok(None)
            }
            Err(error) => {
                let source = RequestError::download(&text, error);
                Err(FetchError::Download { source })
            }
        }
    }
}

impl Fetcher<'_, '_> {
    /// Notes that what came from `source` is current now, and for how long it may be reused.
    ///
    /// A server that says nothing of the latter is asked every time anyway, so nothing is written then. A
    /// note that cannot be made costs a request the next time, and no fetch.
    fn still_fresh(&self, record: &ImageRecord, source: &Source, fresh_for: Duration) {
        let Some(origin) = record.origin_of(source).filter(|_| !fresh_for.is_zero()) else {
            return;
        };
        let origin = Origin {
            fetched: nanos(self.now()),
            max_age: Some(fresh_for.as_secs()),
            ..origin.clone()
        };
        let mut record = record.clone();
        record.origins = vec![origin];
        if let Err(error) = self.context.store.publish_image(&record) {
            tracing::debug!("cannot note that {} is still fresh: {error}", record.id);
        }
    }
}
