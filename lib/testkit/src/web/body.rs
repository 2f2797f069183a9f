//! The body of an answer, sent well or badly.

use std::io::{self, Read, Write};
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::serve::PATIENCE;
use super::{Hook, Shared};

/// The size of one write.
const PIECE: usize = 8 * 1024;

/// Sends `length` bytes of `body` as the hooks say; whether the connection is to end in good order.
pub(super) fn send(
    out: &mut impl Write,
    mut body: impl Read,
    length: u64,
    hooks: &[Hook],
    shared: &Shared,
) -> io::Result<bool> {
    let stop = hooks.iter().find_map(|hook| match hook {
        Hook::CutAfter(bytes) | Hook::ResetAfter(bytes) | Hook::StallAfter(bytes) => Some(*bytes),
        _ => None,
    });
    let trickle = hooks.iter().find_map(|hook| match hook {
        Hook::Trickle(bytes, pause) => Some((*bytes, *pause)),
        _ => None,
    });
    let chunks = hooks.contains(&Hook::ChunksWithoutEnd);
    let end = length.min(stop.unwrap_or(length));
    let mut piece = vec![0; trickle.map_or(PIECE, |(bytes, _)| bytes)];
    let mut sent = 0;
    let count = shared.site().count;
    while sent < end && !shared.stopping.load(Ordering::SeqCst) {
        let most = usize::try_from(end - sent)
            .unwrap_or(PIECE)
            .min(piece.len());
        let read = body.read(&mut piece[..most])?;
        if read == 0 {
            break;
        }
        // Before they are sent: whoever has got them may ask for the number at once.
        shared.site().count_sent(count, read as u64);
        match chunks {
            true => chunk(out, &piece[..read])?,
            false => out.write_all(&piece[..read])?,
        }
        out.flush()?;
        sent += read as u64;
        if let Some((_, pause)) = trickle {
            std::thread::sleep(pause);
        }
    }
    if hooks.iter().any(|hook| matches!(hook, Hook::StallAfter(_))) {
        stall(shared)?;
    }
    Ok(sent == length && !chunks)
}

/// Writes one chunk of a chunked body.
pub(super) fn chunk(out: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    write!(out, "{:x}\r\n", bytes.len())?;
    out.write_all(bytes)?;
    out.write_all(b"\r\n")
}

/// Does nothing for as long as clients are waited for, or until the server stops.
pub(super) fn stall(shared: &Shared) -> io::Result<()> {
    let pause = Duration::from_millis(20);
    let mut waited = Duration::ZERO;
    while waited < PATIENCE && !shared.stopping.load(Ordering::SeqCst) {
        std::thread::sleep(pause);
        waited += pause;
    }
    Ok(())
}
