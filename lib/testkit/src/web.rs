//! A web server in this process, for plain http and for https, that can misbehave.
//!
//! It listens on 127.0.0.1 only, at ports of the system's choice. Its certificate is for the names
//! given, signed by an authority made on the spot, whose PEM file clients are pointed to.

mod body;
mod hook;
mod request;
mod serve;
mod tls;

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

pub use hook::{Hook, TlsFault};
pub use request::Request;
pub use tls::Pem;

/// A running server; it stops when dropped.
pub struct WebServer {
    shared: Arc<Shared>,
    http: SocketAddr,
    https: SocketAddr,
    accepting: Vec<JoinHandle<()>>,
    /// Keeps the authority's file.
    _folder: tempfile::TempDir,
    ca_file: PathBuf,
}

/// What the threads of a server have in common.
struct Shared {
    identity: tls::Identity,
    fault: Mutex<Option<TlsFault>>,
    site: Mutex<Site>,
    stopping: AtomicBool,
}

/// What a server serves, and what it was asked for.
#[derive(Default)]
struct Site {
    files: BTreeMap<String, Arc<[u8]>>,
    pages: BTreeMap<String, String>,
    folder: Option<PathBuf>,
    hooks: Vec<(String, Hook, Option<u32>)>,
    log: Vec<Request>,
    sent: u64,
    /// How many times counting began anew.
    count: u64,
    /// How many requests are being answered now, and were at most.
    busy: (usize, usize),
}

impl Site {
    /// Counts bytes of an answer that began when counting had begun `count` times.
    fn count_sent(&mut self, count: u64, bytes: u64) {
        if self.count == count {
            self.sent += bytes;
        }
    }
}

impl WebServer {
    /// Starts a server whose certificate is for `hosts`, `localhost` and 127.0.0.1.
    pub fn start(hosts: &[&str]) -> Self {
        Self::start_at(hosts, 0, 0).expect("a loopback server")
    }

    /// Starts a server at these ports; 0 lets the system choose.
    ///
    /// # Errors
    ///
    /// A port that is in use.
    pub fn start_at(hosts: &[&str], https_port: u16, http_port: u16) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("gantry-web-").tempdir()?;
        let identity = tls::Identity::new(hosts);
        let ca_file = folder.path().join("ca.pem");
        std::fs::write(&ca_file, &identity.ca_pem)?;
        let shared = Arc::new(Shared {
            identity,
            fault: Mutex::new(None),
            site: Mutex::new(Site::default()),
            stopping: AtomicBool::new(false),
        });
        let http = TcpListener::bind((Ipv4Addr::LOCALHOST, http_port))?;
        let https = TcpListener::bind((Ipv4Addr::LOCALHOST, https_port))?;
        let (http_addr, https_addr) = (http.local_addr()?, https.local_addr()?);
        let accepting = [(http, false), (https, true)].map(|(listener, tls)| {
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || accept(&listener, &shared, tls))
        });
        Ok(Self {
            shared,
            http: http_addr,
            https: https_addr,
            accepting: accepting.into(),
            _folder: folder,
            ca_file,
        })
    }

    /// Serves `body` at `path`, which begins with a slash.
    pub fn put(&self, path: &str, body: impl Into<Vec<u8>>) {
        let body = Arc::from(body.into());
        self.site().files.insert(path.to_owned(), body);
    }

    /// Serves `page` at `path` to requests that ask for discovery (`ac-discovery=1`).
    pub fn put_discovery(&self, path: &str, page: impl Into<String>) {
        self.site().pages.insert(path.to_owned(), page.into());
    }

    /// Serves the files beneath `folder` where no other content is set. Its `discovery.html` answers
    /// every request that asks for discovery.
    pub fn serve_folder(&self, folder: impl Into<PathBuf>) {
        self.site().folder = Some(folder.into());
    }

    /// Misbehaves at every request for `path`.
    pub fn hook(&self, path: &str, hook: Hook) {
        self.site().hooks.push((path.to_owned(), hook, None));
    }

    /// Misbehaves at the next `times` requests for `path`.
    pub fn hook_times(&self, path: &str, hook: Hook, times: u32) {
        self.site().hooks.push((path.to_owned(), hook, Some(times)));
    }

    /// Breaks every secure connection from now on.
    pub fn break_tls(&self, fault: TlsFault) {
        *self.shared.fault() = Some(fault);
    }

    /// Ends all misbehaviour.
    pub fn clear_hooks(&self) {
        self.site().hooks.clear();
        *self.shared.fault() = None;
    }

    /// Ends the misbehaviour at requests for `path`.
    pub fn clear_hooks_of(&self, path: &str) {
        self.site().hooks.retain(|(hooked, _, _)| hooked != path);
    }

    /// How many bytes of bodies of files have been sent so far, and begins to count anew.
    ///
    /// An answer that began before is not counted any more, though the server may write on until it notices
    /// that the client has gone.
    pub fn take_sent(&self) -> u64 {
        let mut site = self.site();
        site.count += 1;
        std::mem::take(&mut site.sent)
    }

    /// The requests so far, and forgets them.
    pub fn take_log(&self) -> Vec<Request> {
        std::mem::take(&mut self.site().log)
    }

    /// The most requests that were being answered at one time so far, and begins to watch anew.
    pub fn take_peak(&self) -> usize {
        std::mem::take(&mut self.site().busy.1)
    }

    /// The port for plain http.
    pub fn http_port(&self) -> u16 {
        self.http.port()
    }

    /// The port for https.
    pub fn https_port(&self) -> u16 {
        self.https.port()
    }

    /// The certificate of the authority, in PEM form.
    pub fn ca_file(&self) -> &Path {
        &self.ca_file
    }

    /// The `--connect-to` rules that lead `host` and the usual ports here.
    pub fn connect_to(&self, host: &str) -> [String; 2] {
        let (https, http) = (self.https_port(), self.http_port());
        [
            format!("{host}:443:127.0.0.1:{https}"),
            format!("{host}:80:127.0.0.1:{http}"),
        ]
    }

    /// The URL of `path` over plain http, at the address itself.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.http)
    }

    fn site(&self) -> MutexGuard<'_, Site> {
        self.shared.site()
    }
}

impl Shared {
    fn site(&self) -> MutexGuard<'_, Site> {
        self.site.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fault(&self) -> MutexGuard<'_, Option<TlsFault>> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Site {
    /// The hooks for one request of `path`, each counted as used.
    fn hooks_for(&mut self, path: &str) -> Vec<Hook> {
        let mut found = Vec::new();
        for (hooked, hook, times) in &mut self.hooks {
            if hooked != path || *times == Some(0) {
                continue;
            }
            if let Some(times) = times {
                *times -= 1;
            }
            found.push(hook.clone());
        }
        found
    }
}

impl Drop for WebServer {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        for address in [self.http, self.https] {
            // Wakes the thread that accepts.
            let _ = TcpStream::connect(address);
        }
        for thread in self.accepting.drain(..) {
            let _ = thread.join();
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>, tls: bool) {
    for stream in listener.incoming() {
        if shared.stopping.load(Ordering::SeqCst) {
            return;
        }
        let Ok(stream) = stream else { continue };
        let shared = Arc::clone(shared);
        std::thread::spawn(move || {
            // A client that goes away is no concern of the server's.
            let _ = serve::connection(stream, &shared, tls);
        });
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    fn ask(server: &WebServer, request: &str) -> String {
        let mut stream = TcpStream::connect(server.http).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        answer
    }

    #[test]
    fn files_pages_and_parts_are_served() {
        let server = WebServer::start(&["example.test"]);
        server.put("/a", "0123456789");
        server.put_discovery("/", "<meta>");
        let whole = ask(&server, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
        assert!(whole.starts_with("HTTP/1.1 200 "), "{whole}");
        assert!(whole.ends_with("\r\n\r\n0123456789"), "{whole}");
        let part = ask(&server, "GET /a HTTP/1.1\r\nRange: bytes=4-\r\n\r\n");
        assert!(part.starts_with("HTTP/1.1 206 "), "{part}");
        assert!(part.contains("content-range: bytes 4-9/10\r\n"), "{part}");
        assert!(part.ends_with("\r\n\r\n456789"), "{part}");
        let other = "GET /a HTTP/1.1\r\nRange: bytes=4-\r\nIf-Range: \"other\"\r\n\r\n";
        assert!(ask(&server, other).ends_with("\r\n\r\n0123456789"));
        let past = ask(&server, "GET /a HTTP/1.1\r\nRange: bytes=10-\r\n\r\n");
        assert!(past.starts_with("HTTP/1.1 416 "), "{past}");
        let page = ask(&server, "GET /?ac-discovery=1 HTTP/1.1\r\n\r\n");
        assert!(page.ends_with("<meta>"), "{page}");
        let none = ask(&server, "GET /?ac-discovery=0 HTTP/1.1\r\n\r\n");
        assert!(none.starts_with("HTTP/1.1 404 "), "{none}");
        let log = server.take_log();
        assert_eq!(log[0].header("host"), Some("x"));
        assert_eq!(log[4].target, "/?ac-discovery=1");
    }

    #[test]
    fn nothing_outside_a_folder_is_served() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("site")).unwrap();
        std::fs::write(folder.path().join("secret"), "x").unwrap();
        std::fs::write(folder.path().join("site/a"), "inside").unwrap();
        let server = WebServer::start(&[]);
        server.serve_folder(folder.path().join("site"));
        assert!(ask(&server, "GET /a HTTP/1.1\r\n\r\n").ends_with("inside"));
        let outside = ask(&server, "GET /../secret HTTP/1.1\r\n\r\n");
        assert!(outside.starts_with("HTTP/1.1 404 "), "{outside}");
    }

    #[test]
    fn hooks_last_as_often_as_told() {
        let server = WebServer::start(&[]);
        server.put("/a", "0123456789");
        server.hook_times("/a", Hook::Status(503), 1);
        server.hook("/a", Hook::CutAfter(3));
        let first = ask(&server, "GET /a HTTP/1.1\r\n\r\n");
        assert!(first.starts_with("HTTP/1.1 503 "), "{first}");
        let second = ask(&server, "GET /a HTTP/1.1\r\n\r\n");
        assert!(second.ends_with("\r\n\r\n012"), "{second}");
        server.clear_hooks();
        assert!(ask(&server, "GET /a HTTP/1.1\r\n\r\n").ends_with("789"));
    }
}
