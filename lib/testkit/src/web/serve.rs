//! One connection: one request and its answer.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom, Write};
use std::net::{Shutdown, TcpStream};
use std::path::{Component, Path};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, UNIX_EPOCH};

use super::body::{self, chunk, stall};
use super::{Hook, Request, Shared, TlsFault};

/// How long an idle client is waited for.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// Something to serve: its bytes and its marks.
struct Resource {
    body: Box<dyn ReadSeek>,
    length: u64,
    etag: String,
    last_modified: &'static str,
}

trait ReadSeek: Read + Seek {}
impl<T: Read + Seek> ReadSeek for T {}

/// The date of everything served; versions differ by their ETag.
const LAST_MODIFIED: &str = "Thu, 01 Jan 2026 00:00:00 GMT";

pub(super) fn connection(stream: TcpStream, shared: &Shared, tls: bool) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let raw = stream.try_clone()?;
    if tls {
        let fault = *shared.fault();
        let mut raw = raw.try_clone()?;
        match fault {
            Some(TlsFault::OldProtocol) => {
                let _ = raw.read(&mut [0; 512])?;
                // A fatal alert: protocol_version. Source: RFC 5246, 7.2.
                return raw.write_all(&[21, 3, 1, 0, 2, 2, 70]);
            }
            Some(TlsFault::Plain) => {
                let _ = raw.read(&mut [0; 512])?;
                return raw.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
            }
            Some(TlsFault::Cut) => {
                let _ = raw.read(&mut [0; 16])?;
                return raw.shutdown(Shutdown::Both);
            }
            _ => {}
        }
        let session = rustls::ServerConnection::new(shared.identity.server(fault));
        let session = session.map_err(io::Error::other)?;
        let mut stream = BufReader::new(rustls::StreamOwned::new(session, stream));
        let request = Request::read(&mut stream, tls)?;
        if answer(stream.get_mut(), request, shared, &raw)? {
            stream.get_mut().conn.send_close_notify();
            stream.get_mut().flush()?;
        }
    } else {
        let mut stream = BufReader::new(stream);
        let request = Request::read(&mut stream, tls)?;
        answer(stream.get_mut(), request, shared, &raw)?;
    }
    raw.shutdown(Shutdown::Both)
}

/// Answers `request`; whether the connection is to end in good order.
fn answer(
    out: &mut impl Write,
    request: Request,
    shared: &Shared,
    raw: &TcpStream,
) -> io::Result<bool> {
    {
        let busy = &mut shared.site().busy;
        busy.0 += 1;
        busy.1 = busy.1.max(busy.0);
    }
    let answered = well_or_badly(out, request, shared, raw);
    shared.site().busy.0 -= 1;
    answered
}

fn well_or_badly(
    out: &mut impl Write,
    request: Request,
    shared: &Shared,
    raw: &TcpStream,
) -> io::Result<bool> {
    let hooks = {
        let mut site = shared.site();
        site.log.push(request.clone());
        site.hooks_for(request.path())
    };
    let mut extra = String::new();
    for hook in &hooks {
        match hook {
            Hook::Delay(time) => std::thread::sleep(*time),
            Hook::Refuse => return Ok(false),
            Hook::Silence => return stall(shared).map(|()| false),
            Hook::Header(name, value) => extra.push_str(&format!("{name}: {value}\r\n")),
            Hook::Status(status) => {
                let text = status.to_string();
                let head = format!("{extra}content-length: {}\r\n", text.len());
                start(out, *status, &head)?;
                if request.method != "HEAD" {
                    out.write_all(text.as_bytes())?;
                }
                return Ok(true);
            }
            Hook::Wants(authorization, challenge)
                if request.header("authorization") != Some(authorization) =>
            {
                let head = format!("{extra}www-authenticate: {challenge}\r\ncontent-length: 0\r\n");
                return start(out, 401, &head).map(|()| true);
            }
            Hook::Redirect(to) => {
                let head = format!("{extra}location: {to}\r\ncontent-length: 0\r\n");
                return start(out, 302, &head).map(|()| true);
            }
            Hook::Raw(bytes) => return out.write_all(bytes).map(|()| true),
            Hook::Endless => {
                start(out, 200, &extra)?;
                while !shared.stopping.load(Ordering::SeqCst) {
                    out.write_all(&[b'x'; 4096])?;
                }
                return Ok(false);
            }
            Hook::EndlessChunks => {
                start(out, 200, &format!("{extra}transfer-encoding: chunked\r\n"))?;
                while !shared.stopping.load(Ordering::SeqCst) {
                    chunk(out, &[b'x'; 4096])?;
                }
                return Ok(false);
            }
            _ => {}
        }
    }
    let Some(resource) = find(&request, shared) else {
        start(out, 404, &format!("{extra}content-length: 9\r\n"))?;
        if request.method != "HEAD" {
            out.write_all(b"not found")?;
        }
        return Ok(true);
    };
    for hook in &hooks {
        // Before anything is sent: the client may come back at once.
        if let Hook::Then(body) = hook {
            let path = request.path().to_owned();
            shared.site().files.insert(path, body.as_slice().into());
        }
    }
    let sent = send(out, &request, resource, &hooks, extra, shared);
    if hooks.iter().any(|hook| matches!(hook, Hook::ResetAfter(_))) {
        // Gone without a word: what is still on its way is dropped on both sides.
        rustix::net::sockopt::set_socket_linger(raw, Some(Duration::ZERO))?;
        return Err(io::ErrorKind::ConnectionReset.into());
    }
    sent
}

fn send(
    out: &mut impl Write,
    request: &Request,
    mut resource: Resource,
    hooks: &[Hook],
    mut head: String,
    shared: &Shared,
) -> io::Result<bool> {
    let ranges = !hooks.contains(&Hook::NoRanges);
    for hook in hooks {
        match hook {
            Hook::Etag(etag) => {
                resource.etag.clone_from(etag);
                resource.last_modified = "";
            }
            Hook::WeakEtag => resource.etag.insert_str(0, "W/"),
            _ => {}
        }
    }
    if !hooks.contains(&Hook::NoValidators) {
        let (etag, date) = (&resource.etag, resource.last_modified);
        head.push_str(&format!("etag: {etag}\r\n"));
        if !date.is_empty() {
            head.push_str(&format!("last-modified: {date}\r\n"));
        }
        if request.header("if-none-match") == Some(etag.as_str()) {
            return start(out, 304, &head).map(|()| true);
        }
    }
    if ranges {
        head.push_str("accept-ranges: bytes\r\n");
    }
    let total = resource.length;
    let strong = !resource.etag.starts_with("W/");
    let current = request
        .header("if-range")
        .is_none_or(|mark| (strong && mark == resource.etag) || mark == resource.last_modified);
    let range = request
        .header("range")
        .filter(|_| ranges && current)
        .and_then(|range| parse_range(range, total));
    let (status, first, length) = match range {
        None => (200, 0, total),
        Some((first, _)) if first >= total => {
            head.push_str(&format!("content-range: bytes */{total}\r\n"));
            head.push_str("content-length: 0\r\n");
            return start(out, 416, &head).map(|()| true);
        }
        Some((first, last)) => {
            let other = hooks.iter().find_map(|hook| match hook {
                Hook::ContentRange(range) => Some(range.clone()),
                _ => None,
            });
            let range = other.unwrap_or_else(|| format!("bytes {first}-{last}/{total}"));
            head.push_str(&format!("content-range: {range}\r\n"));
            (206, first, last + 1 - first)
        }
    };
    resource.body.seek(SeekFrom::Start(first))?;
    let chunks = hooks.contains(&Hook::ChunksWithoutEnd);
    let announced = hooks.iter().find_map(|hook| match hook {
        Hook::Length(length) => Some(*length),
        _ => None,
    });
    head.push_str(&match (chunks, announced) {
        (true, _) => "transfer-encoding: chunked\r\n".to_owned(),
        (false, announced) => format!("content-length: {}\r\n", announced.unwrap_or(length)),
    });
    start(out, status, &head)?;
    if request.method == "HEAD" {
        return Ok(true);
    }
    body::send(out, resource.body.take(length), length, hooks, shared)
}

fn start(out: &mut impl Write, status: u16, headers: &str) -> io::Result<()> {
    write!(
        out,
        "HTTP/1.1 {status} Status\r\nconnection: close\r\n{headers}\r\n"
    )
}

/// The first and last byte of `bytes=A-` or `bytes=A-B`.
fn parse_range(text: &str, total: u64) -> Option<(u64, u64)> {
    let (first, last) = text.strip_prefix("bytes=")?.split_once('-')?;
    let end = total.saturating_sub(1);
    let last = match last {
        "" => end,
        last => last.parse::<u64>().ok()?.min(end),
    };
    Some((first.parse().ok()?, last))
}

fn find(request: &Request, shared: &Shared) -> Option<Resource> {
    let site = shared.site();
    if request.asks_for_discovery() {
        if let Some(page) = site.pages.get(request.path()) {
            return Some(in_memory(page.as_bytes().into()));
        }
        let page = site.folder.as_ref()?.join("discovery.html");
        return from_file(&page);
    }
    if let Some(body) = site.files.get(request.path()) {
        return Some(in_memory(Arc::clone(body)));
    }
    let folder = site.folder.as_ref()?;
    let path = Path::new(request.path().trim_start_matches('/'));
    let inside = path
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    inside.then(|| from_file(&folder.join(path))).flatten()
}

fn in_memory(body: Arc<[u8]>) -> Resource {
    // FNV-1a: different content, different mark.
    let hash = body.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    Resource {
        length: body.len() as u64,
        etag: format!("\"{hash:x}\""),
        last_modified: LAST_MODIFIED,
        body: Box::new(Cursor::new(body)),
    }
}

fn from_file(path: &Path) -> Option<Resource> {
    let file = File::open(path).ok()?;
    let metadata = file.metadata().ok().filter(std::fs::Metadata::is_file)?;
    let changed = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(Resource {
        length: metadata.len(),
        etag: format!("\"{:x}-{:x}\"", metadata.len(), changed.as_nanos()),
        last_modified: LAST_MODIFIED,
        body: Box::new(file),
    })
}
