//! The log of one app, read from its two files while they may be written.

use std::fs::File;
use std::io;
use std::os::fd::BorrowedFd;
use std::os::unix::fs::FileExt as _;

use gantry_types::log_line::{LogLine, LogStream, MAX_PIECE_BYTES, TIME_BYTES, parse_time};
use gantry_types::{AcName, pod_layout};

use crate::file;

/// Bytes read at a time.
const CHUNK_BYTES: usize = 64 * 1024;

/// Longest line that can be a record; the rest of a longer one is passed over.
const MAX_RECORD_BYTES: usize = MAX_PIECE_BYTES + 1024;

/// One record of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRecord {
    /// When it was written, in nanoseconds since 1970.
    pub time: u64,
    /// Which app wrote it.
    pub app: String,
    /// Where it wrote it to.
    pub stream: LogStream,
    /// The line goes on in the app's next record of the same stream.
    pub partial: bool,
    /// The bytes, without the newline.
    pub text: Vec<u8>,
}

/// What a file began with when reading it began, which tells whether it still is the same log.
type Head = [u8; TIME_BYTES];

/// A reader of an app's log.
#[derive(Debug)]
pub(crate) struct AppLog {
    app: String,
    files: [File; 2],
    /// The heads of the files that were read, or are being read.
    seen: [Option<Head>; 2],
    current: Option<usize>,
    offset: u64,
    /// Bytes before `offset` that make no whole line yet.
    rest: Vec<u8>,
    /// `rest` is the tail of a line that is too long.
    skipping: bool,
    damaged: u64,
}

impl AppLog {
    /// The log of `app` beneath the pod directory; `None` if it has none.
    pub(crate) fn open(pod: BorrowedFd<'_>, app: &AcName) -> io::Result<Option<Self>> {
        let [first, second] = pod_layout::logs(app);
        let (Some(first), Some(second)) = (file::open(pod, &first)?, file::open(pod, &second)?)
        else {
            return Ok(None);
        };
        Ok(Some(Self {
            app: app.as_str().to_owned(),
            files: [first, second],
            seen: [None; 2],
            current: None,
            offset: 0,
            rest: Vec::new(),
            skipping: false,
            damaged: 0,
        }))
    }

    /// How many lines were no records.
    pub(crate) fn damaged(&self) -> u64 {
        self.damaged
    }

    /// The next record that is complete; with `ended`, when nothing is written any more, the last may
    /// lack its newline.
    pub(crate) fn next(&mut self, ended: bool) -> io::Result<Option<LogRecord>> {
        loop {
            while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.rest.drain(..=end).collect();
                if let Some(record) = self.record(&line[..end]) {
                    return Ok(Some(record));
                }
            }
            if self.rest.len() > MAX_RECORD_BYTES {
                self.rest.clear();
                self.skipping = true;
            }
            if self.read()? || self.turn()? {
                continue;
            }
            if ended && !self.rest.is_empty() {
                let line = std::mem::take(&mut self.rest);
                return Ok(self.record(&line));
            }
            return Ok(None);
        }
    }

    fn record(&mut self, line: &[u8]) -> Option<LogRecord> {
        if std::mem::take(&mut self.skipping) {
            self.damaged += 1;
            return None;
        }
        let Some(line) = LogLine::parse(line) else {
            // A full disk leaves empty lines between what it cut off and what comes next.
            self.damaged += u64::from(!line.is_empty());
            return None;
        };
        Some(LogRecord {
            time: line.time,
            app: self.app.clone(),
            stream: line.stream,
            partial: line.partial,
            text: line.text.to_vec(),
        })
    }

    /// Reads on in the current file; false at its end.
    fn read(&mut self) -> io::Result<bool> {
        let Some(current) = self.current else {
            return Ok(false);
        };
        if head(&self.files[current])? != self.seen[current] {
            // Emptied and written anew while it was read: what was lost was the oldest.
            self.current = None;
            return Ok(false);
        }
        let mut chunk = vec![0; CHUNK_BYTES];
        let count = self.files[current].read_at(&mut chunk, self.offset)?;
        // Between the look at the head and the reading it may have been emptied as well.
        if count == 0 || head(&self.files[current])? != self.seen[current] {
            return Ok(false);
        }
        self.rest.extend_from_slice(&chunk[..count]);
        self.offset += count as u64;
        Ok(true)
    }

    /// Turns to the oldest file that was not read yet; false if there is none.
    fn turn(&mut self) -> io::Result<bool> {
        let mut unread = Vec::new();
        for (number, file) in self.files.iter().enumerate() {
            if let Some(head) = head(file)?
                && Some(head) != self.seen[number]
            {
                unread.push((parse_time(&head), number, head));
            }
        }
        let Some((_, number, head)) = unread.into_iter().min() else {
            return Ok(false);
        };
        if !self.rest.is_empty() {
            // The file that it stood in gets no more.
            self.damaged += 1;
            self.rest.clear();
        }
        self.skipping = false;
        self.current = Some(number);
        self.seen[number] = Some(head);
        self.offset = 0;
        Ok(true)
    }
}

/// The first bytes of a file; `None` while there are too few for a record.
fn head(file: &File) -> io::Result<Option<Head>> {
    let mut head = [0; TIME_BYTES];
    match file.read_exact_at(&mut head, 0) {
        Ok(()) => Ok(Some(head)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd as _;
    use std::path::PathBuf;

    use proptest::prelude::*;

    use super::*;

    struct Sample {
        directory: tempfile::TempDir,
    }

    impl Sample {
        fn new(files: [&[u8]; 2]) -> Self {
            let directory = tempfile::tempdir().unwrap();
            let sample = Self { directory };
            let [first, _] = sample.paths();
            std::fs::create_dir_all(first.parent().unwrap()).unwrap();
            for (path, bytes) in sample.paths().iter().zip(files) {
                std::fs::write(path, bytes).unwrap();
            }
            sample
        }

        fn paths(&self) -> [PathBuf; 2] {
            pod_layout::logs(&"web".parse().unwrap()).map(|path| self.directory.path().join(path))
        }

        fn write(&self, number: usize, bytes: &[u8]) {
            std::fs::write(&self.paths()[number], bytes).unwrap();
        }

        fn append(&self, number: usize, bytes: &[u8]) {
            use std::io::Write as _;
            let mut file = File::options()
                .append(true)
                .open(&self.paths()[number])
                .unwrap();
            file.write_all(bytes).unwrap();
        }

        fn open(&self) -> AppLog {
            let directory = File::open(self.directory.path()).unwrap();
            let log = AppLog::open(directory.as_fd(), &"web".parse().unwrap());
            log.unwrap().unwrap()
        }
    }

    fn line(second: u32, text: &str) -> Vec<u8> {
        format!("2026-01-01T00:00:{second:02}.000000000Z stdout F {text}\n").into_bytes()
    }

    fn texts(log: &mut AppLog, ended: bool) -> Vec<String> {
        let mut texts = Vec::new();
        while let Some(record) = log.next(ended).unwrap() {
            texts.push(String::from_utf8_lossy(&record.text).into_owned());
        }
        texts
    }

    #[test]
    fn the_older_file_comes_first_and_what_is_appended_next() {
        let sample = Sample::new([&line(3, "c"), &[line(1, "a"), line(2, "b")].concat()]);
        let mut log = sample.open();
        assert_eq!(texts(&mut log, false), ["a", "b", "c"]);
        sample.append(0, &line(4, "d")[..20]);
        assert_eq!(texts(&mut log, false), [""; 0]);
        sample.append(0, &line(4, "d")[20..]);
        assert_eq!(texts(&mut log, false), ["d"]);
        // The other file is used again.
        sample.write(1, &line(5, "e"));
        assert_eq!(texts(&mut log, false), ["e"]);
        sample.append(1, &line(6, "f"));
        sample.write(0, &line(7, "g"));
        assert_eq!(texts(&mut log, false), ["f", "g"]);
        assert_eq!(log.damaged(), 0);
    }

    #[test]
    fn a_reader_that_is_overtaken_goes_on_with_the_oldest_there_is() {
        let sample = Sample::new([&line(1, "a"), b""]);
        let mut log = sample.open();
        assert_eq!(texts(&mut log, false), ["a"]);
        sample.write(1, &line(8, "h"));
        sample.write(0, &line(9, "i"));
        assert_eq!(texts(&mut log, false), ["h", "i"]);
    }

    #[test]
    fn damage_costs_the_records_it_is_in() {
        let mut bytes = line(1, "a");
        bytes.extend(b"2026-01-01T00:00:02.0000\n\0\0\0\nnothing\n");
        bytes.extend(line(3, "b"));
        bytes.extend(vec![b'x'; 200_000]);
        bytes.push(b'\n');
        bytes.extend(line(4, "c"));
        bytes.extend(&line(5, "cut")[..42]);
        let sample = Sample::new([&bytes, b""]);
        let mut log = sample.open();
        assert_eq!(texts(&mut log, false), ["a", "b", "c"]);
        assert_eq!(texts(&mut log, true), ["cu"]);
        assert_eq!(log.damaged(), 4);
    }

    #[test]
    fn what_is_no_file_is_not_read() {
        let sample = Sample::new([b"", b""]);
        let [first, _] = sample.paths();
        std::fs::remove_file(&first).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", &first).unwrap();
        let directory = File::open(sample.directory.path()).unwrap();
        let log = AppLog::open(directory.as_fd(), &"web".parse().unwrap());
        assert!(log.is_err() || log.unwrap().is_none());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn no_bytes_make_it_hang_or_panic(first: Vec<u8>, second: Vec<u8>) {
            let sample = Sample::new([&first, &second]);
            let mut log = sample.open();
            prop_assert!(texts(&mut log, true).len() <= first.len() + second.len());
        }
    }
}
