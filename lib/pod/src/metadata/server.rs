//! The service on its sockets.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::io;
use std::net::IpAddr;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use gantry_types::{Diagnostic, Kind};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::{mpsc, watch};
use tokio::task::{LocalSet, spawn_local};
use tokio::time::{Duration, Instant, sleep, timeout, timeout_at};

use super::connections::{LAST_ANSWER, LINGER, REPLY_TIME, REQUEST_TIME, Slot, Slots};
use super::incoming::Incoming;
use super::listeners::Listeners;
use super::log::line;
use super::request::MetadataReply;
use super::state::{MetadataState, Surface};

/// By which whoever registers a pod learns where its apps reach the service.
pub(super) const PORT_HEADER: &str = "metadata-service-port";

/// How long nobody is accepted after that failed, as when this process has too many descriptors.
const PAUSE: Duration = Duration::from_secs(1);

/// What a client is told that waits for it before it sends the body. Source: RFC 9110, 10.1.1.
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// What a client is told for whom there is no place.
const FULL: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// The service cannot serve.
#[derive(Debug, thiserror::Error)]
#[error("cannot serve")]
pub struct ServeError(#[from] io::Error);

impl Diagnostic for ServeError {
    fn kind(&self) -> Kind {
        Kind::Environment
    }
}

/// What the tasks tell the main one.
enum Event {
    Line(String),
    Stop,
}

/// What all connections share.
struct Shared {
    state: RefCell<MetadataState>,
    port: Option<u16>,
}

/// What a connection has of its own.
struct Connection {
    surface: Surface,
    shared: Rc<Shared>,
    events: mpsc::UnboundedSender<Event>,
    stopping: watch::Receiver<bool>,
    _slot: Slot,
}

/// Serves until something can be read from `stop`, or it is closed. What is answered by then is answered to the end,
/// within 3 s.
///
/// `report` gets a line for each request, `METHOD URI - STATUS`.
///
/// # Errors
///
/// If the sockets cannot be watched.
pub fn serve(
    state: MetadataState,
    mut listeners: Listeners,
    stop: StdUnixStream,
    report: &mut dyn FnMut(&str),
) -> Result<(), ServeError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()?;
    let tasks = LocalSet::new();
    let shared = Rc::new(Shared {
        state: RefCell::new(state),
        port: listeners.port(),
    });
    tasks.block_on(&runtime, async {
        let (events, mut told) = mpsc::unbounded_channel();
        let (stop_all, stopping) = watch::channel(false);
        let mut accepting = Vec::new();
        let root = Slots::default();
        for listener in listeners.registration.drain(..) {
            listener.set_nonblocking(true)?;
            let listener = UnixListener::from_std(listener)?;
            let parts = (
                root.clone(),
                shared.clone(),
                events.clone(),
                stopping.clone(),
            );
            accepting.push(spawn_local(accept(Accept::Unix(listener), parts)));
        }
        let apps = Slots::default();
        for listener in listeners.public.drain(..) {
            listener.set_nonblocking(true)?;
            let listener = TcpListener::from_std(listener)?;
            let parts = (
                apps.clone(),
                shared.clone(),
                events.clone(),
                stopping.clone(),
            );
            accepting.push(spawn_local(accept(Accept::Tcp(listener), parts)));
        }
        stop.set_nonblocking(true)?;
        let stop = UnixStream::from_std(stop)?;
        let watcher = spawn_local(async move {
            // A descriptor that cannot be watched any more is as good as one that says stop.
            let _ = stop.readable().await;
            let _ = events.send(Event::Stop);
        });
        while let Some(Event::Line(line)) = told.recv().await {
            report(&line);
        }
        let _ = stop_all.send(true);
        accepting.iter().for_each(tokio::task::JoinHandle::abort);
        let _ = watcher.await;
        // Ends when the last connection has.
        let deadline = Instant::now() + LAST_ANSWER;
        while let Ok(Some(event)) = timeout_at(deadline, told.recv()).await {
            if let Event::Line(line) = event {
                report(&line);
            }
        }
        Ok(())
    })
}

enum Accept {
    Unix(UnixListener),
    Tcp(TcpListener),
}

enum Stream {
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl Accept {
    async fn next(&self) -> io::Result<(Stream, Option<IpAddr>)> {
        Ok(match self {
            Self::Unix(listener) => (Stream::Unix(listener.accept().await?.0), None),
            Self::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                (Stream::Tcp(stream), Some(peer.ip()))
            }
        })
    }
}

type Parts = (
    Slots,
    Rc<Shared>,
    mpsc::UnboundedSender<Event>,
    watch::Receiver<bool>,
);

async fn accept(listener: Accept, (slots, shared, events, stopping): Parts) {
    loop {
        let (stream, peer) = match listener.next().await {
            Ok(accepted) => accepted,
            Err(error) => {
                let line = format!("cannot accept a connection: {error}");
                let _ = events.send(Event::Line(line));
                sleep(PAUSE).await;
                continue;
            }
        };
        let connection = slots.take(peer).map(|slot| Connection {
            surface: match listener {
                Accept::Unix(_) => Surface::Registration,
                Accept::Tcp(_) => Surface::Public,
            },
            shared: shared.clone(),
            events: events.clone(),
            stopping: stopping.clone(),
            _slot: slot,
        });
        match (connection, stream) {
            (Some(connection), Stream::Unix(stream)) => {
                spawn_local(connection.serve(stream));
            }
            (Some(connection), Stream::Tcp(stream)) => {
                // Answers are small, and written at once.
                let _ = stream.set_nodelay(true);
                spawn_local(connection.serve(stream));
            }
            // Whoever does not read it sees the end of the connection.
            (None, Stream::Unix(stream)) => drop(stream.try_write(FULL)),
            (None, Stream::Tcp(stream)) => drop(stream.try_write(FULL)),
        }
    }
}

impl Connection {
    /// One request and its answer; what goes wrong on a connection is its client's affair.
    async fn serve(self, mut stream: impl AsyncRead + AsyncWrite + Unpin) {
        let mut incoming = Incoming::new(self.surface);
        let mut stopping = self.stopping.clone();
        let receive = timeout(REQUEST_TIME, receive(&mut stream, &mut incoming));
        // A client that has not said what it wants by then is not waited for.
        let stopped = stopping.wait_for(|stopping| *stopping);
        let reply = match first(receive, stopped).await {
            Some(Ok(Ok(Ok(())))) => {
                let mut state = self.shared.state.borrow_mut();
                state.answer_to(self.surface, &incoming)
            }
            Some(Ok(Ok(Err(refused)))) => refused,
            Some(Err(_)) if incoming.head().is_some() => {
                MetadataReply::error(408, "the request takes too long")
            }
            Some(Ok(Err(_)) | Err(_)) | None => return,
        };
        let head = incoming.head().cloned().unwrap_or_default();
        let line = line(self.surface, &head.method, &head.target, reply.status);
        let _ = self.events.send(Event::Line(line));
        let mut bytes = self.head_of(&reply).into_bytes();
        bytes.extend_from_slice(&reply.body);
        let sent = async {
            stream.write_all(&bytes).await?;
            stream.shutdown().await
        };
        if matches!(timeout(REPLY_TIME, sent).await, Ok(Ok(()))) {
            // With bytes unread, closing would take the answer away from a client that still sends.
            let _ = timeout(LINGER, drain(&mut stream)).await;
        }
    }

    fn head_of(&self, reply: &MetadataReply) -> String {
        let mut head = format!(
            "HTTP/1.1 {} {}\r\ndate: {}\r\ncontent-type: {}\r\ncontent-length: {}\r\nconnection: close\r\n",
            reply.status,
            reply.reason(),
            date(),
            reply.content_type,
            reply.body.len()
        );
        let mut add = |name: &str, value: &str| head.push_str(&format!("{name}: {value}\r\n"));
        if let Some(allow) = reply.allow {
            add("allow", allow);
        }
        match (self.surface, self.shared.port) {
            (Surface::Registration, Some(port)) => add(PORT_HEADER, &port.to_string()),
            (Surface::Registration, None) => {}
            (Surface::Public, _) => add("metadata-flavor", "AppContainer"),
        }
        head.push_str("\r\n");
        head
    }
}

/// The time as RFC 9110, 5.6.7, has it.
fn date() -> String {
    let printer = jiff::fmt::rfc2822::DateTimePrinter::new();
    let now = printer.timestamp_to_rfc9110_string(&jiff::Timestamp::now());
    // Only years of more than four digits cannot be written.
    now.unwrap_or_default()
}

/// Takes a request off a connection, or what to answer to one that is none.
async fn receive(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    incoming: &mut Incoming,
) -> io::Result<Result<(), MetadataReply>> {
    let mut buffer = vec![0; 16 * 1024];
    let mut waited = false;
    loop {
        let count = stream.read(&mut buffer).await?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match incoming.push(&buffer[..count]) {
            Ok(true) => return Ok(Ok(())),
            Ok(false) => {}
            Err(refused) => return Ok(Err(refused)),
        }
        if !waited && incoming.head().is_some_and(|head| head.waits) {
            waited = true;
            stream.write_all(CONTINUE).await?;
        }
    }
}

/// Reads to the end of what comes.
async fn drain(stream: &mut (impl AsyncRead + Unpin)) {
    let mut buffer = vec![0; 16 * 1024];
    while matches!(stream.read(&mut buffer).await, Ok(1..)) {}
}

/// What the first of two comes to; `None` if the second ends before.
async fn first<T>(work: impl Future<Output = T>, end: impl Future) -> Option<T> {
    let (mut work, mut end) = (pin!(work), pin!(end));
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(result) => Poll::Ready(Some(result)),
        Poll::Pending => end.as_mut().poll(context).map(|_| None),
    })
    .await
}
