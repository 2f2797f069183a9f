//! Fetches from a server that misbehaves in every way we could think of.
//!
//! Each scenario ends in success or in a clear error, and says what may have been sent, what is left in
//! the store, and so how little the next try, from a server that has come to its senses, has to bring.

mod bodies;
mod heads;
mod secure;

use std::fs;
use std::ops::RangeInclusive;
use std::time::Duration;

use gantry_remote::{ClientConfig, ConnectTo, Credential, HttpClient, Pace, Roots};
use gantry_testkit::WebServer;
use gantry_testkit::web::{Hook, Request, TlsFault};

use super::super::oci::{Registries, RegistrySettings};
use super::super::*;
use super::world::{HOST, Log, aci, chain, population, request};

/// How the first fetch ends.
enum End {
    /// The image is in the store.
    Image,
    /// The image that replaced it on the server is.
    Changed,
    /// With this in the message.
    Error(&'static str),
}

/// What a failed fetch leaves of the download.
enum Left {
    /// Nothing.
    Nothing,
    /// So many bytes, which the next fetch need not bring again.
    Part(u64),
    /// So many bytes, which nothing vouches for.
    Unsure(u64),
}

struct Scenario {
    name: &'static str,
    hooks: Vec<(Hook, Option<u32>)>,
    tls: Option<TlsFault>,
    end: End,
    left: Left,
    /// Bytes of the image sent, for an image of so many.
    sent: fn(u64) -> RangeInclusive<u64>,
    requests: RangeInclusive<usize>,
}

impl Scenario {
    /// A scenario of one request that brings the image.
    fn new(name: &'static str) -> Self {
        Self {
            name,
            hooks: Vec::new(),
            tls: None,
            end: End::Image,
            left: Left::Nothing,
            sent: |size| size..=size,
            requests: 1..=1,
        }
    }

    /// The server does this at every request.
    fn always(mut self, hook: Hook) -> Self {
        self.hooks.push((hook, None));
        self
    }

    /// The server does this at the first requests.
    fn times(mut self, times: u32, hook: Hook) -> Self {
        self.hooks.push((hook, Some(times)));
        self
    }

    fn changed(mut self) -> Self {
        self.end = End::Changed;
        self
    }

    fn fails(mut self, message: &'static str) -> Self {
        self.end = End::Error(message);
        self.sent = |_| 0..=0;
        self
    }

    fn left(mut self, left: Left) -> Self {
        self.left = left;
        self
    }

    fn sent(mut self, sent: fn(u64) -> RangeInclusive<u64>) -> Self {
        self.sent = sent;
        self
    }

    fn requests(mut self, requests: RangeInclusive<usize>) -> Self {
        self.requests = requests;
        self
    }
}

/// A server with one image, and what the image is replaced by.
struct Hostile {
    server: WebServer,
    image: Vec<u8>,
    other: Vec<u8>,
}

const PATH: &str = "/a.aci";

impl Hostile {
    fn new() -> Self {
        Self {
            server: WebServer::start(&[HOST, "other.test"]),
            image: aci("example.test/a", "1.0", "", 60_000),
            other: aci("example.test/a", "2.0", "", 61_000),
        }
    }

    fn size(&self) -> u64 {
        self.image.len() as u64
    }

    /// A client with little patience.
    fn client(&self) -> HttpClient {
        let mut config = ClientConfig::new("test/1");
        for host in [HOST, "other.test"] {
            for rule in self.server.connect_to(host) {
                config
                    .connect_to
                    .extend(ConnectTo::parse_list(&rule).unwrap());
            }
        }
        config.roots = Roots::Paths {
            file: Some(self.server.ca_file().to_owned()),
            dirs: Vec::new(),
        };
        let secret = Credential::basic(b"u", b"hush");
        config.credentials.set(HOST, secret).unwrap();
        config.retry.pause = Duration::from_millis(1);
        config.retry.longest_pause = Duration::from_secs(2);
        config.connect_timeout = Duration::from_secs(2);
        config.idle_timeout = Duration::from_millis(400);
        config.total_timeout = Duration::from_secs(3);
        config.pace = Pace {
            bytes: 4000,
            window: Duration::from_millis(300),
        };
        config.max_download = 1024 * 1024;
        HttpClient::new(config)
    }

    fn run(&self, scenarios: impl IntoIterator<Item = Scenario>) {
        for scenario in scenarios {
            self.play(&scenario);
        }
    }

    /// Plays one scenario, and then a fetch in good order after a failure.
    fn play(&self, scenario: &Scenario) -> Vec<Request> {
        let name = scenario.name;
        self.server.put(PATH, self.image.clone());
        for (hook, times) in scenario.hooks.iter().cloned() {
            match times {
                Some(times) => self.server.hook_times(PATH, hook, times),
                None => self.server.hook(PATH, hook),
            }
        }
        if let Some(fault) = scenario.tls {
            self.server.break_tls(fault);
        }
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let before = population(&store.root().join("images"));
        let result = self.fetch(&store);
        let (sent, log) = (self.server.take_sent(), self.server.take_log());
        let text = match &result {
            Ok(_) => "success".to_owned(),
            Err(error) => chain(error),
        };
        let sent_fits = (scenario.sent)(self.size()).contains(&sent);
        assert!(
            sent_fits,
            "{name}: {sent} of {} bytes sent; {text}",
            self.size()
        );
        let asked = scenario.requests.contains(&log.len());
        assert!(asked, "{name}: {} requests; {text}", log.len());
        assert!(!text.contains("hush"), "{name}: {text}");
        self.server.clear_hooks();
        let version = |id: ImageId| {
            store
                .record(&id)
                .unwrap()
                .labels
                .get("version")
                .map(str::to_owned)
        };
        match (&scenario.end, result) {
            (End::Image, Ok(id)) => assert_eq!(version(id).unwrap(), "1.0", "{name}"),
            (End::Changed, Ok(id)) => assert_eq!(version(id).unwrap(), "2.0", "{name}"),
            (End::Error(message), Err(_)) => {
                assert!(text.contains(message), "{name}: {text}");
                let visible = population(&store.root().join("images"));
                assert_eq!(visible, before, "{name}: an image is visible");
                self.fetch_again(scenario, &store);
            }
            _ => panic!("{name}: {text}"),
        }
        assert_eq!(
            parts(&store),
            [0_u64; 0],
            "{name}: something is left of the download"
        );
        log
    }

    /// What is left of the first try is not sent again.
    fn fetch_again(&self, scenario: &Scenario, store: &Store) {
        let name = scenario.name;
        let (kept, left) = match scenario.left {
            Left::Nothing => (0, 0),
            Left::Part(size) => (size, size),
            Left::Unsure(size) => (0, size),
        };
        let there = parts(store).iter().sum::<u64>();
        assert_eq!(there, left, "{name}: bytes left");
        self.server.put(PATH, self.image.clone());
        if let Err(error) = self.fetch(store) {
            panic!(
                "{name}: the server is good again, and still {}",
                chain(&error)
            );
        }
        assert_eq!(
            self.server.take_sent(),
            self.size() - kept,
            "{name}: sent again"
        );
        self.server.take_log();
    }

    fn fetch(&self, store: &Store) -> Result<ImageId, FetchError> {
        let url = format!("https://{HOST}{PATH}");
        let keystore = Keystore::new(None, store.root().join("none"));
        fetch(
            &request(&url, PullPolicy::Update, "image"),
            &mut FetchContext {
                store,
                keystore: &keystore,
                http: &self.client(),
                registries: &Registries::new(RegistrySettings::new(self.client().config().clone())),
                discovery: DiscoveryOptions::default(),
                ownership: Ownership::CurrentUser,
                threads: 2,
                clock: &SystemTime::now,
                observer: &mut Log::default(),
            },
        )
    }
}

/// The sizes of what is left of downloads.
fn parts(store: &Store) -> Vec<u64> {
    let entries = fs::read_dir(store.root().join("ingest")).unwrap().flatten();
    let parts = entries.filter(|entry| entry.path().extension().is_some_and(|e| e == "part"));
    let sizes = parts.map(|entry| entry.metadata().unwrap().len());
    sizes.filter(|size| *size > 0).collect()
}
