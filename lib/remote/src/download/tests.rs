//! Downloads from a server that misbehaves.

use std::fs::File;
use std::io;
use std::time::Duration;

use gantry_testkit::web::{Hook, WebServer};

use super::*;
use crate::{ClientConfig, TransportError};

const BODY: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";

struct Setup {
    server: WebServer,
    client: HttpClient,
    url: Url,
    folder: tempfile::TempDir,
}

impl Setup {
    fn new() -> Self {
        let server = WebServer::start(&[]);
        server.put("/a", BODY);
        let mut config = ClientConfig::new("test/1");
        config.retry.pause = Duration::from_millis(1);
        config.idle_timeout = Duration::from_millis(300);
        Self {
            url: server.url("/a").parse().unwrap(),
            client: HttpClient::new(config),
            server,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn file(&self, content: &[u8]) -> File {
        let path = self.folder.path().join("partial");
        std::fs::write(&path, content).unwrap();
        File::options().read(true).write(true).open(path).unwrap()
    }

    fn content(&self) -> Vec<u8> {
        std::fs::read(self.folder.path().join("partial")).unwrap()
    }

    fn request<'a>(&'a self, file: &'a File) -> Download<'a> {
        Download {
            url: &self.url,
            file,
            have: 0,
            have_validator: None,
            unless: None,
            limit: 1000,
        }
    }

    fn fetch(&self, file: &File) -> Result<Complete, DownloadError> {
        complete(self.client.download(&self.request(file), &mut quiet))
    }

    /// A whole download, for the marks of the current version.
    fn validator(&self) -> Validator {
        let validator = self.fetch(&self.file(b"")).unwrap().validator;
        self.server.take_log();
        validator
    }

    fn resume(
        &self,
        have: &[u8],
        validator: Option<&Validator>,
    ) -> Result<Complete, DownloadError> {
        let file = self.file(have);
        let request = Download {
            have: have.len() as u64,
            have_validator: validator,
            ..self.request(&file)
        };
        complete(self.client.download(&request, &mut quiet))
    }
}

fn quiet(_: Event<'_>) -> io::Result<()> {
    Ok(())
}

fn complete(outcome: Result<Outcome, DownloadError>) -> Result<Complete, DownloadError> {
    match outcome? {
        Outcome::Complete(complete) => Ok(complete),
        Outcome::NotModified { .. } => panic!("not modified"),
    }
}

#[test]
fn a_whole_file_comes_with_its_marks_and_progress() {
    let setup = Setup::new();
    let header = Hook::Header("cache-control".to_owned(), "max-age=60".to_owned());
    setup.server.hook("/a", header);
    let file = setup.file(b"something else, longer than what comes: it must not stay");
    let mut events = Vec::new();
    let outcome = setup.client.download(&setup.request(&file), &mut |event| {
        events.push(format!("{event:?}"));
        Ok(())
    });
    let complete = complete(outcome).unwrap();
    assert_eq!(setup.content(), BODY);
    assert_eq!(complete.size, 36);
    assert_eq!(complete.transferred, 36);
    assert_eq!(complete.continuation, Continuation::Fresh);
    assert_eq!(complete.fresh_for, Duration::from_secs(60));
    assert!(complete.validator.etag.is_some());
    assert!(events[0].starts_with("Started"), "{events:?}");
    assert!(events.last().unwrap().contains("have: 36, total: Some(36)"));
}

#[test]
fn a_cut_download_is_taken_up_where_it_ended() {
    let setup = Setup::new();
    setup.server.hook_times("/a", Hook::CutAfter(10), 1);
    let complete = setup.fetch(&setup.file(b"")).unwrap();
    assert_eq!(setup.content(), BODY);
    assert_eq!(complete.transferred, 36);
    let ranges: Vec<_> = setup
        .server
        .take_log()
        .iter()
        .map(|request| request.header("range").map(str::to_owned))
        .collect();
    assert_eq!(ranges[0], None);
    assert_eq!(ranges.last().unwrap().as_deref(), Some("bytes=10-"));
}

#[test]
fn an_earlier_part_is_kept_while_its_marks_hold() {
    let setup = Setup::new();
    let validator = setup.validator();
    let complete = setup.resume(&BODY[..30], Some(&validator)).unwrap();
    assert_eq!(complete.continuation, Continuation::Resumed);
    assert_eq!(complete.transferred, 6);
    assert_eq!(setup.content(), BODY);

    let complete = setup.resume(BODY, Some(&validator)).unwrap();
    assert_eq!(complete.continuation, Continuation::Resumed);
    assert_eq!(complete.transferred, 0);
    assert_eq!(setup.content(), BODY);
}

#[test]
fn a_part_that_nothing_vouches_for_is_fetched_again() {
    let setup = Setup::new();
    let validator = setup.validator();
    let other = Validator {
        etag: Some("\"other\"".to_owned()),
        last_modified: None,
    };
    let weak = Validator {
        etag: Some("W/\"other\"".to_owned()),
        last_modified: None,
    };
    let longer = [BODY, b"!!!"].concat();
    for (have, validator) in [
        (&b"xxxx"[..], Some(&other)),
        (b"xxxx", Some(&weak)),
        (b"xxxx", None),
        (&longer, Some(&validator)),
    ] {
        let complete = setup.resume(have, validator).unwrap();
        assert_eq!(complete.continuation, Continuation::Restarted);
        assert_eq!(setup.content(), BODY);
    }
    setup.server.hook("/a", Hook::NoRanges);
    let complete = setup.resume(b"xxxx", Some(&validator)).unwrap();
    assert_eq!(complete.continuation, Continuation::Restarted);
    assert_eq!(setup.content(), BODY);
}

#[test]
fn a_file_shorter_than_noted_does_not_get_a_hole() {
    let setup = Setup::new();
    let validator = setup.validator();
    let file = setup.file(&BODY[..5]);
    let request = Download {
        have: 20,
        have_validator: Some(&validator),
        ..setup.request(&file)
    };
    let complete = complete(setup.client.download(&request, &mut quiet)).unwrap();
    assert_eq!(setup.content(), BODY);
    assert_eq!(complete.transferred, 31);
}

#[test]
fn a_server_that_cuts_every_time_and_cannot_resume_is_given_up() {
    let setup = Setup::new();
    setup.server.hook("/a", Hook::NoRanges);
    setup.server.hook("/a", Hook::CutAfter(10));
    assert!(setup.fetch(&setup.file(b"")).is_err());
    let asked = setup.server.take_log().len();
    assert!((2..=6).contains(&asked), "{asked} requests");
}

#[test]
fn a_lying_range_is_not_believed() {
    let setup = Setup::new();
    let validator = setup.validator();
    let answer = |range: &str, etag: &str| {
        let head = "HTTP/1.1 206 Partial Content\r\nconnection: close\r\ncontent-length: 2";
        format!("{head}\r\ncontent-range: {range}\r\netag: {etag}\r\n\r\n!!").into_bytes()
    };
    let etag = validator.etag.clone().unwrap();
    for raw in [
        answer("bytes 0-1/2", &etag),
        answer("bytes 34-35/36", "\"changed\""),
        answer("bytes 34-34/36", &etag),
        answer("nonsense", &etag),
    ] {
        setup.server.hook_times("/a", Hook::Raw(raw), 1);
        let complete = setup.resume(&BODY[..34], Some(&validator)).unwrap();
        assert_eq!(complete.continuation, Continuation::Restarted);
        assert_eq!(setup.content(), BODY);
        setup.server.clear_hooks();
    }
}

#[test]
fn a_copy_that_is_current_is_not_sent_again() {
    let setup = Setup::new();
    let validator = setup.validator();
    let file = setup.file(b"");
    let request = Download {
        unless: Some(&validator),
        ..setup.request(&file)
    };
    let outcome = setup.client.download(&request, &mut quiet).unwrap();
    assert!(matches!(outcome, Outcome::NotModified { .. }));
    setup.server.put("/a", "new");
    let complete = complete(setup.client.download(&request, &mut quiet)).unwrap();
    assert_eq!(complete.size, 3);
}

#[test]
fn what_is_no_resource_is_an_error_and_writes_nothing() {
    let setup = Setup::new();
    for status in [202, 204, 206, 304, 404, 416, 500] {
        setup.server.hook("/a", Hook::Status(status));
        let error = setup.fetch(&setup.file(b"")).unwrap_err();
        match error {
            DownloadError::NotReady { .. } => assert_eq!(status, 202),
            DownloadError::Http(error) => assert_eq!(error.status(), Some(status)),
            other => panic!("{other}"),
        }
        assert_eq!(setup.content(), b"");
        setup.server.clear_hooks();
    }
}

#[test]
fn limits_hold_with_and_without_an_announced_length() {
    let setup = Setup::new();
    let too_large =
        |error: DownloadError| matches!(error, DownloadError::Http(HttpError::TooLarge { .. }));
    let file = setup.file(b"");
    let request = Download {
        limit: 35,
        ..setup.request(&file)
    };
    let error = setup.client.download(&request, &mut quiet).unwrap_err();
    assert!(too_large(error));
    assert_eq!(setup.content(), b"");
    setup.server.hook("/a", Hook::Endless);
    assert!(too_large(setup.fetch(&file).unwrap_err()));
    assert!(setup.content().len() <= 1000);
}

#[test]
fn a_server_that_never_gets_further_is_given_up() {
    let setup = Setup::new();
    setup.server.hook("/a", Hook::NoValidators);
    setup.server.hook("/a", Hook::CutAfter(0));
    let error = setup.fetch(&setup.file(b"")).unwrap_err();
    let DownloadError::Http(HttpError::Transport { source, .. }) = error else {
        panic!()
    };
    assert_eq!(source, TransportError::Cut);
    assert_eq!(setup.server.take_log().len(), 3);
}

#[test]
fn the_observer_can_stop_it() {
    let setup = Setup::new();
    let file = setup.file(b"");
    let stop = &mut |_: Event<'_>| Err(io::Error::other("enough"));
    let error = setup.client.download(&setup.request(&file), stop);
    assert!(matches!(error, Err(DownloadError::Stopped { .. })));
}
