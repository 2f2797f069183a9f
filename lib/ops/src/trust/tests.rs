use std::collections::BTreeMap;

use gantry_remote::RedactedUrl;
use gantry_remote::discovery::Wanted;

use super::*;

const BUILDER: &str = include_str!("../../../../fixtures/fuzz/public_key/builder.asc");
const RELEASE: &str = include_str!("../../../../fixtures/fuzz/public_key/release.asc");
const OLD: &str = include_str!("../../../../fixtures/fuzz/public_key/old.asc");
const TWO: &str = include_str!("../../../../fixtures/fuzz/public_key/two.asc");

/// A web of keys: URLs with their contents, and what discovery finds.
#[derive(Default)]
struct Web {
    keys: BTreeMap<&'static str, &'static str>,
    discovered: Vec<&'static str>,
}

impl KeySource for Web {
    fn discover_keys(
        &self,
        prefix: &AcIdentifier,
        _allow_http: bool,
    ) -> Result<Vec<String>, DiscoveryError> {
        if self.discovered.is_empty() {
            let (name, wanted) = (prefix.clone(), Wanted::Keys);
            return Err(DiscoveryError {
                name,
                wanted,
                attempts: Vec::new(),
            });
        }
        Ok(self.discovered.iter().map(ToString::to_string).collect())
    }

    fn read_key(&self, url: &Url, _limit: u64) -> Result<Vec<u8>, HttpError> {
        let key = self.keys.get(url.as_str());
        let error = || HttpError::UnsupportedUrl {
            url: RedactedUrl::new(url),
        };
        key.map(|key| key.as_bytes().to_vec()).ok_or_else(error)
    }
}

/// A user with prepared answers; keeps the transcript.
struct User {
    answers: Vec<Result<bool, ReviewError>>,
    seen: Vec<String>,
}

impl User {
    fn answering(answers: Vec<Result<bool, ReviewError>>) -> Self {
        Self {
            answers,
            seen: Vec::new(),
        }
    }
}

impl Reviewer for User {
    fn show(&mut self, review: &KeyReview) {
        self.seen.push(review.heading());
        self.seen.push(review.details());
        self.seen.extend(review.warning.clone());
    }

    fn ask(&mut self, _review: &KeyReview) -> Result<bool, ReviewError> {
        self.seen.push(PROMPT.to_owned());
        self.answers.remove(0)
    }

    fn note(&mut self, line: &str) {
        self.seen.push(line.to_owned());
    }

    fn tell(&mut self, line: &str) {
        self.seen.push(line.to_owned());
    }
}

struct Lab {
    dir: tempfile::TempDir,
    request: TrustRequest,
}

impl Lab {
    fn new(scope: Scope, keys: &[&str]) -> Self {
        let request = TrustRequest {
            keys: keys
                .iter()
                .map(|key| Location::parse(key).unwrap())
                .collect(),
            scope,
            review: ReviewPolicy::Ask,
            known: KnownKeys::Replace,
            allow_http: false,
            legacy: false,
        };
        Self {
            dir: tempfile::tempdir().unwrap(),
            request,
        }
    }

    fn keystore(&self) -> Keystore {
        Keystore::new(None, self.dir.path().to_owned())
    }

    fn add(&self, web: &Web, user: &mut User) -> Result<Vec<AddedKey>, TrustError> {
        // February 2026, when the keys of the fixtures are a month old.
        let now = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_770_000_000);
        add(&self.request, &self.keystore(), web, user, now)
    }

    fn count(&self) -> usize {
        let prefix = "example.test/hello".parse().unwrap();
        self.keystore().keys_for(&prefix).keys.len()
    }
}

fn prefix() -> Scope {
    Scope::Prefix("example.test".parse().unwrap())
}

#[test]
fn a_discovered_key_is_shown_asked_about_and_stored() {
    let lab = Lab::new(prefix(), &[]);
    let url = "https://example.test/key.asc";
    let web = Web {
        keys: [(url, BUILDER)].into(),
        discovered: vec![url],
    };
    let mut user = User::answering(vec![Ok(true)]);
    let added = lab.add(&web, &mut user).unwrap();
    let path = lab
        .dir
        .path()
        .join("trustedkeys/prefix.d/example.test/9a137db7d8540918809c2daeccb759081a7734fd");
    assert_eq!(added[0].path, path);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), BUILDER);
    assert_eq!(
        user.seen[0],
        format!("prefix: \"example.test\"\nkey: \"{url}\"")
    );
    let details: Vec<&str> = user.seen[1].lines().collect();
    let fingerprint = "gpg key fingerprint is: 9A13 7DB7 D854 0918 809C  2DAE CCB7 5908 1A77 34FD";
    assert_eq!(details[0], fingerprint);
    assert!(details[1].starts_with("    Subkey fingerprint: "));
    assert_eq!(details[2], "\tBuilder <builder@example.test>");
    assert_eq!(
        user.seen[2],
        "Are you sure you want to trust this key (yes/no)?"
    );
    assert_eq!(
        user.seen[3],
        format!("Trusting \"{url}\" for prefix \"example.test\" after fingerprint review.")
    );
    let added = format!(
        "Added key for prefix \"example.test\" at \"{}\"",
        path.display()
    );
    assert_eq!(user.seen[4..], [added]);
}

#[test]
fn a_declined_key_is_left_out_and_the_next_one_asked_about() {
    let urls = ["https://example.test/1", "https://example.test/2"];
    let lab = Lab::new(prefix(), &urls);
    let web = Web {
        keys: [(urls[0], BUILDER), (urls[1], RELEASE)].into(),
        ..Web::default()
    };
    let mut user = User::answering(vec![Ok(false), Ok(true)]);
    assert_eq!(lab.add(&web, &mut user).unwrap().len(), 1);
    assert!(
        user.seen
            .contains(&"not trusting \"https://example.test/1\"".to_owned())
    );
    assert_eq!(lab.count(), 1);
}

#[test]
fn without_a_terminal_nothing_is_stored_and_the_error_says_so() {
    let lab = Lab::new(prefix(), &["https://example.test/key.asc"]);
    let web = Web {
        keys: [("https://example.test/key.asc", BUILDER)].into(),
        ..Web::default()
    };
    let mut user = User::answering(vec![Err(ReviewError::NoTerminal)]);
    let error = lab.add(&web, &mut user).unwrap_err();
    assert_eq!(error.to_string(), "error reviewing key");
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.ends_with("lack of tty"), "{source}");
    assert_eq!(lab.count(), 0);
}

#[test]
fn a_review_can_be_waived_for_all_keys_or_for_https() {
    let web = Web {
        keys: [
            ("https://example.test/k", BUILDER),
            ("http://example.test/k", RELEASE),
        ]
        .into(),
        ..Web::default()
    };
    let mut lab = Lab::new(
        prefix(),
        &["https://example.test/k", "http://example.test/k"],
    );
    lab.request.allow_http = true;
    lab.request.review = ReviewPolicy::TrustHttps;
    let mut user = User::answering(vec![Ok(true)]);
    assert_eq!(lab.add(&web, &mut user).unwrap().len(), 2);
    assert_eq!(user.seen.iter().filter(|line| *line == PROMPT).count(), 1);
    assert!(
        user.seen
            .iter()
            .any(|line| line.ends_with("without fingerprint review."))
    );

    lab.request.review = ReviewPolicy::Skip;
    let mut user = User::answering(Vec::new());
    assert_eq!(lab.add(&web, &mut user).unwrap().len(), 2);

    lab.request.known = KnownKeys::Keep;
    assert_eq!(lab.add(&web, &mut user).unwrap(), []);
    let note = "Key \"https://example.test/k\" already in the keystore";
    assert!(user.seen.contains(&note.to_owned()));
}

#[test]
fn a_root_key_comes_from_a_file() {
    let mut lab = Lab::new(Scope::Root, &[]);
    let file = lab.dir.path().join("builder.asc");
    std::fs::write(&file, BUILDER).unwrap();
    let mut user = User::answering(vec![Ok(true)]);
    let error = lab.add(&Web::default(), &mut user).unwrap_err();
    assert_eq!(
        error.to_string(),
        "error determining key location: empty prefix"
    );
    lab.request.keys = vec![Location::File(file)];
    lab.add(&Web::default(), &mut user).unwrap();
    assert!(
        user.seen
            .last()
            .unwrap()
            .starts_with("Added root key at \"")
    );
}

#[test]
fn a_key_whose_signatures_will_not_count_gets_a_warning() {
    let lab = Lab::new(prefix(), &["https://example.test/old"]);
    let web = Web {
        keys: [("https://example.test/old", OLD)].into(),
        ..Web::default()
    };
    let mut user = User::answering(vec![Ok(true)]);
    lab.add(&web, &mut user).unwrap();
    assert!(
        user.seen[2].ends_with("key expired on 2026-01-02"),
        "{}",
        user.seen[2]
    );
}

#[test]
fn what_cannot_be_had_or_read_is_named_and_nothing_is_stored() {
    let url = "https://example.test/k";
    let web = |discovered: &[&'static str], content| Web {
        keys: [(url, content)].into(),
        discovered: discovered.to_vec(),
    };
    let page = "error accessing the key";
    let cases: [(&[&str], Web, &str); 8] = [
        (
            &[],
            web(&[], ""),
            "error determining key location: prefix meta discovery error",
        ),
        (&[], web(&["/etc/passwd"], ""), page),
        (&[], web(&["file:///etc/passwd"], ""), page),
        (
            &[],
            web(&["http://example.test/k"], BUILDER),
            "--insecure-allow-http required",
        ),
        (
            &["http://example.test/k"],
            web(&[], BUILDER),
            "--insecure-allow-http required",
        ),
        (&["https://example.test/none"], web(&[], BUILDER), page),
        (&["/nonexistent/key.asc"], web(&[], BUILDER), page),
        (
            &[url],
            web(&[], TWO),
            "error reading the key https://example.test/k",
        ),
    ];
    for (keys, web, expected) in cases {
        let lab = Lab::new(prefix(), keys);
        let mut user = User::answering(Vec::new());
        let error = lab.add(&web, &mut user).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(lab.count(), 0);
        assert!(user.seen.is_empty());
    }
}
