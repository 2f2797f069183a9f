//! Debian's docker-registry, for as long as a test needs it.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::env::needs_program;
use crate::web::Pem;

/// The longest wait for the registry to listen.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often to look for another port when somebody else has taken the one that was free.
const TRIES: u32 = 5;

/// A running registry on a loopback address; it ends when dropped, and its images with it.
pub struct DockerRegistry {
    process: Child,
    port: u16,
    folder: tempfile::TempDir,
}

/// How it speaks, and whom it lets in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaks {
    /// Plain http, to anybody.
    Http,
    /// TLS with a certificate of an authority of its own, to anybody.
    Tls,
    /// Plain http, to `user` with the password `pass` only.
    Htpasswd,
}

impl DockerRegistry {
    /// Starts one; nothing where a program that it takes is not installed, which is reported.
    ///
    /// # Panics
    ///
    /// When it does not listen after a while.
    pub fn start(speaks: Speaks) -> Option<Self> {
        let programs = match speaks {
            Speaks::Htpasswd => &["docker-registry", "htpasswd"][..],
            Speaks::Http | Speaks::Tls => &["docker-registry"],
        };
        if !programs.iter().all(|program| needs_program(program)) {
            return None;
        }
        for _ in 0..TRIES {
            if let Some(started) = Self::try_start(speaks) {
                return Some(started);
            }
        }
        panic!("docker-registry does not listen");
    }

    fn try_start(speaks: Speaks) -> Option<Self> {
        let folder = tempfile::Builder::new()
            .prefix("gantry-registry-")
            .tempdir()
            .expect("temp dir");
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = free.local_addr().expect("its number").port();
        drop(free);
        let config = config(speaks, port, folder.path());
        let path = folder.path().join("config.yml");
        std::fs::write(&path, config).expect("a configuration");
        let mut process = Command::new("docker-registry")
            .arg("serve")
            .arg(path)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("docker-registry starts");
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline && matches!(process.try_wait(), Ok(None)) {
            if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
                return Some(Self {
                    process,
                    port,
                    folder,
                });
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = process.kill();
        let _ = process.wait();
        None
    }

    /// `localhost:PORT`.
    pub fn host(&self) -> String {
        format!("localhost:{}", self.port)
    }

    /// The certificate of the authority of [`Speaks::Tls`], in PEM form.
    pub fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }
}

impl Drop for DockerRegistry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn config(speaks: Speaks, port: u16, folder: &Path) -> String {
    let shown = folder.display();
    let mut config = format!(
        "version: 0.1\nlog:\n  level: error\nstorage:\n  filesystem:\n    rootdirectory: {shown}/data\n\
         http:\n  addr: 127.0.0.1:{port}\n"
    );
    match speaks {
        Speaks::Http => {}
        Speaks::Tls => {
            let pem = Pem::new(&[]);
            for (name, text) in [
                ("ca.pem", pem.ca),
                ("cert.pem", pem.certificate),
                ("key.pem", pem.key),
            ] {
                std::fs::write(folder.join(name), text).expect("a certificate");
            }
            config.push_str(&format!(
                "  tls:\n    certificate: {shown}/cert.pem\n    key: {shown}/key.pem\n"
            ));
        }
        Speaks::Htpasswd => {
            let made = Command::new("htpasswd")
                .args(["-nbB", "user", "pass"])
                .output()
                .expect("htpasswd runs");
            std::fs::write(folder.join("htpasswd"), made.stdout).expect("a password file");
            config.push_str(&format!(
                "auth:\n  htpasswd:\n    realm: test\n    path: {shown}/htpasswd\n"
            ));
        }
    }
    config
}
