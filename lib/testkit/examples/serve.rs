//! Serves a folder over https and plain http on loopback, for the demo and for trying things by hand.
//!
//! ```text
//! cargo run -p gantry-testkit --example serve -- --dir DIR [--host NAME]... [--https-port N]
//!     [--http-port N] [--ca-out FILE] [--ready-file FILE]
//! ```
//!
//! Requests with `ac-discovery=1` get DIR/discovery.html, whatever their path. Once the server listens,
//! the ready file holds shell assignments: HTTPS_PORT, HTTP_PORT, and CONNECT_TO with rules for the
//! tools' `--connect-to`. It ends at SIGTERM, or at the end of standard input where that is a pipe.

#![forbid(unsafe_code)]

use std::io::{self, Read};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use gantry_testkit::WebServer;

#[derive(Default)]
struct Options {
    dir: Option<PathBuf>,
    hosts: Vec<String>,
    https_port: u16,
    http_port: u16,
    ca_out: Option<PathBuf>,
    ready_file: Option<PathBuf>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let options = parse(std::env::args().skip(1))?;
    let hosts: Vec<&str> = options.hosts.iter().map(String::as_str).collect();
    let server = WebServer::start_at(&hosts, options.https_port, options.http_port)?;
    server.serve_folder(options.dir.ok_or("--dir is needed")?);
    if let Some(path) = &options.ca_out {
        publish(path, &std::fs::read(server.ca_file())?)?;
    }
    if let Some(path) = &options.ready_file {
        let rules = hosts.iter().flat_map(|host| server.connect_to(host));
        let text = format!(
            "HTTPS_PORT={}\nHTTP_PORT={}\nCONNECT_TO='{}'\n",
            server.https_port(),
            server.http_port(),
            rules.collect::<Vec<_>>().join(" "),
        );
        publish(path, text.as_bytes())?;
    }
    wait()?;
    Ok(())
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options::default();
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or(format!("{name} needs a value"))?;
        let port = || value.parse().map_err(|_| format!("{value} is no port"));
        match name.as_str() {
            "--dir" => options.dir = Some(value.into()),
            "--host" => options.hosts.push(value),
            "--https-port" => options.https_port = port()?,
            "--http-port" => options.http_port = port()?,
            "--ca-out" => options.ca_out = Some(value.into()),
            "--ready-file" => options.ready_file = Some(value.into()),
            _ => return Err(format!("unknown option {name}")),
        }
    }
    Ok(options)
}

/// Makes `path` appear with all its content at once.
fn publish(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".new");
    std::fs::write(&unfinished, content)?;
    std::fs::rename(&unfinished, path)
}

fn wait() -> io::Result<()> {
    let stdin = std::fs::metadata("/proc/self/fd/0").map(|metadata| metadata.file_type());
    if stdin.is_ok_and(|kind| kind.is_fifo() || kind.is_socket()) {
        io::stdin().read_to_end(&mut Vec::new())?;
        return Ok(());
    }
    // A shell gives a job in the background /dev/null, which is at its end from the start.
    loop {
        std::thread::park();
    }
}
