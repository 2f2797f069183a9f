//! Files that the user names, which may be pipes.

use std::fs::File;
use std::io;
use std::path::Path;

use rustix::fs::{Mode, OFlags};

/// Opens a file to read.
///
/// A pipe is read to its end, such as one that a shell made of `<(command)`. One that nobody writes into is empty:
/// opened in the usual way it would be waited for, perhaps for ever.
///
/// # Errors
///
/// Those of open(2).
pub fn open_input(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    let file = rustix::fs::open(path, flags, Mode::empty())?;
    let now = rustix::fs::fcntl_getfl(&file)?;
    rustix::fs::fcntl_setfl(&file, now - OFlags::NONBLOCK)?;
    Ok(File::from(file))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::time::Duration;

    use super::*;

    fn read(path: &Path) -> Vec<u8> {
        let mut bytes = Vec::new();
        open_input(path).unwrap().read_to_end(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn a_pipe_is_read_to_its_end_and_one_without_a_writer_is_empty() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("fifo");
        rustix::fs::mkfifoat(rustix::fs::CWD, &path, Mode::from_raw_mode(0o600)).unwrap();
        assert_eq!(read(&path), b"");
        // A writer that is there already, and slow.
        let mut both = File::options().read(true).write(true).open(&path).unwrap();
        let mut writer = File::options().write(true).open(&path).unwrap();
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let mut file = open_input(&path).unwrap();
                let mut bytes = [0; 8];
                file.read_exact(&mut bytes).unwrap();
                bytes
            });
            std::thread::sleep(Duration::from_millis(50));
            both.write_all(b"some").unwrap();
            std::thread::sleep(Duration::from_millis(50));
            writer.write_all(b"more").unwrap();
            assert_eq!(&reader.join().unwrap(), b"somemore");
        });
        drop((both, writer));
        std::fs::write(dir.path().join("file"), "text").unwrap();
        assert_eq!(read(&dir.path().join("file")), b"text");
    }
}
