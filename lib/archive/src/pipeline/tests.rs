//! The reader gives what the source gives, with threads and without.

use std::panic::{AssertUnwindSafe, catch_unwind};

use proptest::prelude::*;

use super::*;

/// Gives its bytes in pieces of the given sizes, over and over, then what is asked for.
struct Source {
    bytes: Vec<u8>,
    at: usize,
    pieces: Vec<usize>,
    reads: usize,
    then: Then,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    End,
    Fail,
    Panic,
}

impl Source {
    fn new(length: usize, pieces: &[usize], then: Then) -> Self {
        Self {
            bytes: (0..length)
                .map(|number| ((number * 31) >> 3) as u8)
                .collect(),
            at: 0,
            pieces: pieces.to_vec(),
            reads: 0,
            then,
        }
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let piece = self.pieces[self.reads % self.pieces.len()];
        self.reads += 1;
        if piece == 0 {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let left = &self.bytes[self.at..];
        let length = piece.min(left.len()).min(buffer.len());
        if length == 0 {
            return match self.then {
                Then::End => Ok(0),
                Then::Fail => Err(io::Error::new(io::ErrorKind::InvalidData, "damaged")),
                Then::Panic => panic!("the source panics"),
            };
        }
        buffer[..length].copy_from_slice(&left[..length]);
        self.at += length;
        Ok(length)
    }
}

/// Reads in pieces of a size of its own, to the end or the error.
fn read_all(mut ahead: Ahead<'_>, piece: usize) -> (Vec<u8>, Option<io::Error>, Ahead<'_>) {
    let mut bytes = Vec::new();
    let mut buffer = vec![0; piece];
    loop {
        match ahead.read(&mut buffer) {
            Ok(0) => return (bytes, None, ahead),
            Ok(length) => bytes.extend_from_slice(&buffer[..length]),
            Err(error) => return (bytes, Some(error), ahead),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_source_in_any_pieces_comes_out_as_it_is(
        length in prop_oneof![0..2000usize, 0..3 * RING_BYTES, Just(BLOCK_BYTES), Just(RING_BYTES)],
        // Without a limit now and then, or this takes long.
        pieces in proptest::collection::vec(prop_oneof![0..5000usize, Just(usize::MAX)], 0..5),
        piece in prop_oneof![1000..300_000usize, Just(BLOCK_BYTES)],
        fails in any::<bool>(),
        tapped in any::<bool>(),
        threads in 0..4usize,
    ) {
        let then = if fails { Then::Fail } else { Then::End };
        let pieces: Vec<usize> = pieces.into_iter().chain([1 << 20]).collect();
        let source = Source::new(length, &pieces, then);
        let expected = source.bytes.clone();
        let mut seen = Vec::new();
        let mut tap = |bytes: &[u8]| seen.extend_from_slice(bytes);
        let tap: Option<Tap<'_>> = if tapped { Some(&mut tap) } else { None };
        let (source, (bytes, error)) = read_ahead(source, tap, threads, |ahead| {
            let (bytes, error, mut ahead) = read_all(ahead, piece);
            // What has ended stays so.
            match ahead.read(&mut [0; 9]) {
                Ok(length) => assert!(length == 0 && error.is_none()),
                Err(again) => assert_eq!(Some(again.kind()), error.as_ref().map(io::Error::kind)),
            }
            (bytes, error)
        });
        prop_assert!(bytes == expected);
        prop_assert_eq!(error.map(|error| error.to_string()), fails.then(|| "damaged".to_owned()));
        prop_assert!(!tapped || seen == expected);
        prop_assert_eq!(source.at, length);
    }

    #[test]
    fn a_reader_may_stop_anywhere(wanted in 0..2 * RING_BYTES, threads in 0..3usize, tapped in any::<bool>()) {
        let mut tap = |_: &[u8]| {};
        let tap: Option<Tap<'_>> = if tapped { Some(&mut tap) } else { None };
        // Without an end: only stopping ends it.
        let endless = io::repeat(7);
        let (_, got) = read_ahead(endless, tap, threads, |ahead| {
            io::copy(&mut ahead.take(wanted as u64), &mut io::sink()).unwrap()
        });
        prop_assert_eq!(got, wanted as u64);
    }
}

#[test]
fn the_source_is_not_further_ahead_than_the_ring_is_long() {
    let (source, ()) = read_ahead(
        Source::new(4 * RING_BYTES, &[1 << 20], Then::End),
        None,
        2,
        |mut ahead| {
            ahead.read_exact(&mut [0; 10]).unwrap();
        },
    );
    assert!(source.at <= RING_BYTES, "{}", source.at);
}

#[test]
fn a_panic_of_the_source_or_the_tap_reaches_the_caller_after_an_error() {
    for (threads, in_tap) in [(2, false), (2, true)] {
        let mut told = None;
        let then = if in_tap { Then::End } else { Then::Panic };
        let source = Source::new(3 * BLOCK_BYTES, &[1 << 20], then);
        let mut blocks = 0;
        let mut tap = |_: &[u8]| {
            blocks += 1;
            assert!(!in_tap || blocks < 2, "the tap panics");
        };
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            read_ahead(source, Some(&mut tap), threads, |ahead| {
                told = read_all(ahead, BLOCK_BYTES).1;
            })
        }));
        assert!(outcome.is_err());
        assert_eq!(
            told.map(|error| error.to_string()).as_deref(),
            Some("a thread that reads ahead has ended")
        );
    }
}

#[test]
fn a_panic_of_the_reader_ends_the_threads() {
    let outcome = catch_unwind(|| {
        read_ahead(io::repeat(1), None, 2, |mut ahead| {
            ahead.read_exact(&mut [0; 10]).unwrap();
            panic!("the reader panics");
        })
    });
    assert!(outcome.is_err());
}

#[test]
fn one_ring_may_feed_another() {
    let source = Source::new(3 * RING_BYTES + 17, &[70_001], Then::Fail);
    let expected = source.bytes.clone();
    let (_, (bytes, error)) = read_ahead(source, None, 2, |first| {
        let (_, outcome) = read_ahead(first, None, 2, |second| {
            let (bytes, error, _) = read_all(second, 100_000);
            (bytes, error)
        });
        outcome
    });
    assert!(bytes == expected);
    assert_eq!(error.unwrap().to_string(), "damaged");
}
