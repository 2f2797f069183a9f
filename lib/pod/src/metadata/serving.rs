//! Tests of the service on real sockets, all on loopback.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::thread::JoinHandle;

use super::key::SigningKey;
use super::listeners::Listeners;
use super::server::serve;
use super::state::MetadataState;
use crate::sample::eventually;

const POD: &str = "6733c088-a507-4694-aabf-edbe4fc5266f";
const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const MANIFEST: &str = r#"{"acKind":"PodManifest","acVersion":"0.8.11","apps":[]}"#;

struct Service {
    temp: tempfile::TempDir,
    public: SocketAddr,
    stop: UnixStream,
    thread: JoinHandle<Vec<String>>,
}

impl Service {
    fn start() -> Self {
        let temp = tempfile::tempdir().unwrap();
        let registration = UnixListener::bind(temp.path().join("mds.sock")).unwrap();
        let public = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = public.local_addr().unwrap();
        let (stop, stopped) = UnixStream::pair().unwrap();
        let thread = std::thread::spawn(move || {
            let listeners = Listeners::of(vec![registration], vec![public]);
            let state = MetadataState::new(SigningKey::from_bytes(&[1; 64]));
            let mut lines = Vec::new();
            serve(state, listeners, stopped, &mut |line| {
                lines.push(line.to_owned())
            })
            .unwrap();
            lines
        });
        let service = Self {
            temp,
            public: address,
            stop,
            thread,
        };
        let (path, length) = (format!("/pods/{POD}?token={TOKEN}"), MANIFEST.len());
        let request = format!(
            "PUT {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{MANIFEST}"
        );
        let reply = exchange(service.root(), request.as_bytes());
        let port = service.public.port();
        assert!(reply.starts_with("HTTP/1.1 200 OK\r\n"), "{reply}");
        assert!(
            reply.contains(&format!("metadata-service-port: {port}\r\n")),
            "{reply}"
        );
        service
    }

    fn socket(&self) -> PathBuf {
        self.temp.path().join("mds.sock")
    }

    fn root(&self) -> UnixStream {
        UnixStream::connect(self.socket()).unwrap()
    }

    fn app(&self) -> TcpStream {
        TcpStream::connect(self.public).unwrap()
    }

    /// The answer to a whole request of an app, on a connection of its own.
    fn ask(&self, method: &str, path: &str, headers: &str, body: &[u8]) -> String {
        let head = format!(
            "{method} /{TOKEN}/acMetadata/v1/{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n"
        );
        exchange(self.app(), &[head.as_bytes(), body].concat())
    }

    /// Ends it, and gives the lines that it said.
    fn end(self) -> Vec<String> {
        drop(self.stop);
        self.thread.join().unwrap()
    }
}

/// What comes until the end of the connection, or until it is broken off because more came than was read.
fn exchange(mut stream: impl std::io::Read + std::io::Write, request: &[u8]) -> String {
    let _ = stream.write_all(request);
    let mut reply = Vec::new();
    let _ = stream.read_to_end(&mut reply);
    String::from_utf8(reply).unwrap()
}

#[test]
fn requests_are_answered_and_told_without_secrets() {
    let service = Service::start();
    let reply = service.ask("GET", "pod/uuid", "Metadata-Flavor: AppContainer\r\n", b"");
    assert!(reply.starts_with("HTTP/1.1 200 OK\r\n"), "{reply}");
    assert!(
        reply.contains("content-type: text/plain; charset=us-ascii\r\n"),
        "{reply}"
    );
    assert!(reply.contains(" GMT\r\n"), "{reply}");
    assert!(
        reply.contains("metadata-flavor: AppContainer\r\n"),
        "{reply}"
    );
    assert!(reply.ends_with(&format!("\r\n\r\n{POD}")), "{reply}");
    let reply = service.ask("HEAD", "pod/uuid", "", b"");
    assert!(reply.starts_with("HTTP/1.1 405 "), "{reply}");
    assert!(reply.contains("allow: GET\r\n"), "{reply}");
    // One request on each connection.
    let path = format!("/{TOKEN}/acMetadata/v1/pod/uuid");
    let both = format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").repeat(2);
    let reply = exchange(service.app(), both.as_bytes());
    assert_eq!(reply.matches(POD).count(), 1);
    assert!(reply.contains("connection: close\r\n"), "{reply}");
    // A client that asks first whether the body is wanted.
    let mut stream = service.app();
    let head = format!(
        "POST /{TOKEN}/acMetadata/v1/pod/hmac/sign HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\
         Content-Type: application/x-www-form-urlencoded\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut go_on = [0; 25];
    stream.read_exact(&mut go_on).unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    let reply = exchange(stream, b"content=x");
    assert!(reply.starts_with("HTTP/1.1 200 OK\r\n"), "{reply}");
    // From a client that has nothing more to say.
    let mut stream = service.app();
    let request = format!("GET {path} HTTP/1.0\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    assert!(exchange(stream, b"").ends_with(POD));
    // Apps do not get at registration, nor root's socket at what is for apps.
    let reply = exchange(
        service.app(),
        format!("DELETE /pods/{POD} HTTP/1.0\r\n\r\n").as_bytes(),
    );
    assert!(reply.starts_with("HTTP/1.1 404 "), "{reply}");
    let reply = exchange(
        service.root(),
        format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes(),
    );
    assert!(reply.starts_with("HTTP/1.1 404 "), "{reply}");
    let lines = service.end();
    let uuid = "/01234567…/acMetadata/v1/pod/uuid";
    assert_eq!(
        lines,
        [
            format!("PUT /pods/{POD}?token=01234567… - 200"),
            format!("GET {uuid} - 200"),
            format!("HEAD {uuid} - 405"),
            format!("GET {uuid} - 200"),
            "POST /01234567…/acMetadata/v1/pod/hmac/sign - 200".to_owned(),
            format!("GET {uuid} - 200"),
            "DELETE /…/".to_owned() + POD + " - 404",
            format!("GET {uuid} - 404"),
        ]
    );
}

#[test]
fn what_is_too_much_is_refused() {
    let service = Service::start();
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let sign = |length: usize| {
        let body = [b"content=".to_vec(), vec![b'x'; length - 8]].concat();
        let headers = format!("{form}Content-Length: {length}\r\n");
        service.ask("POST", "pod/hmac/sign", &headers, &body)
    };
    let limit = 1024 * 1024;
    assert!(sign(limit).starts_with("HTTP/1.1 200 "));
    let refused = sign(limit + 1);
    assert!(refused.starts_with("HTTP/1.1 413 "), "{refused}");
    // The same without a length that could be believed.
    let chunk = format!("{:x}\r\n{}\r\n0\r\n\r\n", limit + 1, "x".repeat(limit + 1));
    let headers = format!("{form}Transfer-Encoding: chunked\r\n");
    let refused = service.ask("POST", "pod/hmac/sign", &headers, chunk.as_bytes());
    assert!(refused.starts_with("HTTP/1.1 413 "), "{refused}");
    for headers in [
        format!("X: {}\r\n", "x".repeat(20_000)),
        (0..100).map(|n| format!("X{n}: x\r\n")).collect(),
    ] {
        let refused = service.ask("GET", "pod/uuid", &headers, b"");
        assert!(refused.starts_with("HTTP/1.1 431 "), "{refused}");
    }
    let refused = exchange(service.app(), b"nonsense\r\n\r\n");
    assert!(refused.starts_with("HTTP/1.1 400 "), "{refused}");
    assert!(service.ask("GET", "pod/uuid", "", b"").ends_with(POD));
    service.end();
}

#[test]
fn clients_that_say_nothing_keep_neither_others_nor_the_end_waiting() {
    let service = Service::start();
    let mut idle = Vec::new();
    // All but one place of this address, some with half a request.
    for n in 0..31 {
        let mut stream = service.app();
        if n % 2 == 0 {
            stream.write_all(b"GET /x HTTP/1.1\r\nHo").unwrap();
        }
        idle.push(stream);
    }
    let ask = || service.ask("GET", "pod/uuid", "", b"");
    // Those before have been accepted by then: connections are in the order they came in.
    eventually("an answer", || ask().ends_with(POD));
    idle.push(service.app());
    eventually("a refusal", || ask().starts_with("HTTP/1.1 503 "));
    // Root is asked for no place among them.
    let request = format!("DELETE /pods/{POD} HTTP/1.0\r\n\r\n");
    assert!(exchange(service.root(), request.as_bytes()).starts_with("HTTP/1.1 200 "));
    drop(idle.split_off(16));
    eventually("a place", || ask().starts_with("HTTP/1.1 401 "));
    service.end();
    drop(idle);
}
