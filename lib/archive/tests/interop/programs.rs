//! Programs that write and read archives besides us.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use gantry_testkit::needs_program;
use tempfile::TempDir;

/// A command that writes an archive of `manifest` and `rootfs` in its working directory to standard
/// output, or extracts one from standard input to there.
pub struct Program {
    words: Vec<String>,
}

impl Program {
    pub fn new(words: &[&str]) -> Self {
        Self {
            words: words.iter().map(ToString::to_string).collect(),
        }
    }

    fn command(&self, directory: &Path) -> Command {
        let mut command = Command::new(&self.words[0]);
        command
            .args(&self.words[1..])
            .env("LC_ALL", "C.UTF-8")
            .env("TZ", "UTC")
            .current_dir(directory);
        command
    }

    /// The archive of what is in `directory`.
    pub fn write(&self, directory: &Path) -> Vec<u8> {
        let output = self.command(directory).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{:?}: {said}", self.words);
        output.stdout
    }

    /// Extracts `archive` to `directory`, which is made.
    pub fn read(&self, archive: &[u8], directory: &Path) {
        fs::create_dir_all(directory).unwrap();
        let file = directory.with_extension("tar");
        fs::write(&file, archive).unwrap();
        let output = self
            .command(directory)
            .stdin(Stdio::from(fs::File::open(&file).unwrap()))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{:?}: {said}", self.words);
        fs::remove_file(&file).unwrap();
    }
}

/// GNU tar, bsdtar and Python's tarfile as readers that keep everything they can.
pub fn gnu_tar_reader() -> Program {
    Program::new(&[
        "tar",
        "--extract",
        "--file=-",
        "--numeric-owner",
        "--same-owner",
        "--preserve-permissions",
        "--xattrs",
        "--xattrs-include=*",
        "--acls",
    ])
}

pub fn bsdtar_reader() -> Program {
    Program::new(&[
        "bsdtar",
        "-xpf",
        "-",
        "--numeric-owner",
        "--same-owner",
        "--acls",
        "--xattrs",
    ])
}

pub fn python_reader() -> Program {
    // The filter is a matter of newer versions: without it they refuse what this test is about.
    Program::new(&[
        "python3",
        "-c",
        "import sys, tarfile\n\
         archive = tarfile.open(fileobj=sys.stdin.buffer, mode='r|', errorlevel=2)\n\
         if hasattr(tarfile, 'fully_trusted_filter'):\n\
         \x20   archive.extraction_filter = staticmethod(tarfile.fully_trusted_filter)\n\
         archive.extractall('.', numeric_owner=True)\n",
    ])
}

pub fn python_writer(format: &str) -> Program {
    let script = format!(
        "import sys, tarfile\n\
         archive = tarfile.open(fileobj=sys.stdout.buffer, mode='w|', format=tarfile.{format})\n\
         archive.add('manifest')\n\
         archive.add('rootfs')\n\
         archive.close()\n"
    );
    Program::new(&["python3", "-c", &script])
}

/// Go's archive/tar, in a program of ours that is built once for a test.
pub struct Go {
    program: PathBuf,
    _place: TempDir,
}

impl Go {
    /// Builds it; reports a skip without Go.
    pub fn build() -> Option<Self> {
        if !needs_program("go") {
            return None;
        }
        let place = TempDir::new().unwrap();
        let program = place.path().join("goarchive");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/goarchive.go");
        let output = Command::new("go")
            .args(["build", "-o"])
            .arg(&program)
            .arg(source)
            .env("GO111MODULE", "off")
            .env("GOFLAGS", "")
            .env("CGO_ENABLED", "0")
            .env("GOPATH", place.path().join("path"))
            // Kept from one test run to the next: it holds the compiled library.
            .env("GOCACHE", concat!(env!("CARGO_TARGET_TMPDIR"), "/go"))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        Some(Self {
            program,
            _place: place,
        })
    }

    pub fn program(&self, words: &[&str]) -> Program {
        let program = self.program.to_str().unwrap();
        Program::new(&[&[program], words].concat())
    }
}
