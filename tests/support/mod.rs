//! A small world for tests of whole commands: tools, a web server, a key, images, a data directory.

#![allow(dead_code, reason = "each test file uses another part of it")]

pub mod cast;
pub mod disturb;
pub mod durability;
pub mod fault;
pub mod golden;
pub mod groups;
pub mod key_lab;
pub mod lab;
pub mod own_mounts;
pub mod stop;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use gantry_testkit::gpg::{Gpg, KeySpec};
use gantry_testkit::web::WebServer;
use gantry_testkit::{Outcome, TestEnv, busybox};

/// `rkt` as built for this test run; the others likewise.
pub const RKT: &str = env!("CARGO_BIN_EXE_rkt");
pub const ACTOOL: &str = env!("CARGO_BIN_EXE_actool");
pub const ACBUILD: &str = env!("CARGO_BIN_EXE_acbuild");
pub const ACTRUST: &str = env!("CARGO_BIN_EXE_actrust");

/// The host all images of these tests come from; no name server knows it.
pub const HOST: &str = "example.test";

/// Everything one test needs; nothing outlives it.
pub struct World {
    pub env: TestEnv,
    pub server: WebServer,
    pub gpg: Gpg,
    /// Fingerprint of the key that signs by default.
    pub key: String,
}

impl World {
    /// A server for [`HOST`], a fresh Ed25519 key, an empty data directory. `None` without gpg.
    pub fn new() -> Option<Self> {
        let gpg = Gpg::new()?;
        let key = gpg.generate(&KeySpec::default());
        let server = WebServer::start(&[HOST]);
        let mut env = TestEnv::new();
        env.set_var("SSL_CERT_FILE", server.ca_file());
        env.set_var("GANTRY_CONNECT_TO", server.connect_to(HOST).join(" "));
        env.set_var("SOURCE_DATE_EPOCH", "1700000000");
        let world = Self {
            env,
            server,
            gpg,
            key,
        };
        world.publish_discovery(HOST);
        world
            .server
            .put("/pubkeys.asc", world.gpg.export(&world.key));
        Some(world)
    }

    /// Serves a discovery page whose tags speak for names beneath `prefix`.
    pub fn publish_discovery(&self, prefix: &str) {
        let page = format!(
            "<html><head>\
             <meta name=\"ac-discovery\" content=\"{prefix} https://{HOST}/{{name}}-{{version}}.{{ext}}\">\
             <meta name=\"ac-discovery-pubkeys\" content=\"{prefix} https://{HOST}/pubkeys.asc\">\
             </head></html>"
        );
        for path in ["/", "/hello", "/other"] {
            self.server.put_discovery(path, page.clone());
        }
    }

    /// `rkt` with data and configuration in this world.
    pub fn rkt_command(&self) -> Command {
        let mut command = self.env.command(RKT);
        command
            .arg(format!("--dir={}", self.env.path("rkt").display()))
            .arg(format!("--local-config={}", self.env.path("etc").display()))
            .arg(format!(
                "--system-config={}",
                self.env.path("lib").display()
            ));
        command
    }

    /// Runs `rkt` to its end.
    pub fn rkt<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Outcome {
        self.env.outcome(self.rkt_command().args(arguments))
    }

    /// Builds `NAME-VERSION.aci` of busybox that runs `exec`, and returns its path.
    pub fn build(&self, name: &str, version: &str, exec: &[&str]) -> PathBuf {
        self.build_with(name, version, exec, &[])
    }

    /// The same with further acbuild commands before it is written.
    pub fn build_with(
        &self,
        name: &str,
        version: &str,
        exec: &[&str],
        more: &[&[&str]],
    ) -> PathBuf {
        let work = format!("--work-path={}", self.env.path("build").display());
        std::fs::create_dir_all(self.env.path("build")).expect("build folder");
        let acbuild = |arguments: &[&str]| {
            let all = std::iter::once(work.as_str()).chain(arguments.iter().copied());
            self.env.run(ACBUILD, all).expect(0)
        };
        let file = self
            .env
            .path(format!("{}-{version}.aci", name.replace('/', "-")));
        let busybox = busybox();
        acbuild(&["begin"]);
        acbuild(&["set-name", &format!("{HOST}/{name}")]);
        acbuild(&["label", "add", "version", version]);
        acbuild(&["copy", busybox.to_str().expect("UTF-8"), "/bin/busybox"]);
        let mut set_exec = vec!["set-exec", "--"];
        set_exec.extend(exec);
        acbuild(&set_exec);
        for arguments in more {
            acbuild(arguments);
        }
        acbuild(&["write", "--overwrite", file.to_str().expect("UTF-8")]);
        acbuild(&["end"]);
        file
    }

    /// Signs a file with the default key, `FILE.asc` beside it.
    pub fn sign(&self, file: &Path) {
        self.sign_with(&self.key, file);
    }

    /// Signs a file with another key.
    pub fn sign_with(&self, key: &str, file: &Path) {
        let signature = self.gpg.detach_sign(key, file);
        std::fs::write(with_asc(file), signature).expect("signature");
    }

    /// Serves an image, and its signature where there is one, as discovery says.
    pub fn publish(&self, name: &str, version: &str, file: &Path) {
        let base = format!("/{HOST}/{name}-{version}");
        self.server
            .put(&format!("{base}.aci"), std::fs::read(file).expect("image"));
        if let Ok(signature) = std::fs::read(with_asc(file)) {
            self.server.put(&format!("{base}.aci.asc"), signature);
        }
    }

    /// Trusts the default key for all of [`HOST`].
    pub fn trust(&self) {
        let prefix = format!("--prefix={HOST}");
        self.rkt(["trust", &prefix, "--skip-fingerprint-review"])
            .expect(0);
    }

    /// Imports an image without checking, and returns its ID.
    pub fn import(&self, file: &Path) -> String {
        let file = file.to_str().expect("UTF-8");
        self.rkt(["--insecure-options=image", "fetch", "--full", file])
            .expect(0)
            .line()
            .to_owned()
    }

    /// What is stored of images: everything in the store but locks and what never changes.
    pub fn stored(&self) -> Vec<String> {
        let kept = |path: &String| {
            !path.ends_with('/') && !path.starts_with("locks/") && path != "version"
        };
        self.env
            .tree("rkt/store")
            .into_iter()
            .filter(kept)
            .collect()
    }

    /// The pod directories that are there, as `PHASE/UUID`.
    pub fn pods(&self) -> Vec<String> {
        let dirs = self.env.tree("rkt/pods").into_iter();
        dirs.filter(|path| path.matches('/').count() == 2 && path.ends_with('/'))
            .collect()
    }

    /// Command lines of processes whose working directory, root or program lies in the data directory.
    pub fn processes(&self) -> Vec<String> {
        let data = self.env.path("rkt");
        let mut found = Vec::new();
        for entry in std::fs::read_dir("/proc").expect("/proc").flatten() {
            let path = entry.path();
            let inside = ["cwd", "root", "exe"].iter().any(|link| {
                std::fs::read_link(path.join(link)).is_ok_and(|target| target.starts_with(&data))
            });
            if inside {
                let line = std::fs::read(path.join("cmdline")).unwrap_or_default();
                found.push(String::from_utf8_lossy(&line).replace('\0', " "));
            }
        }
        found
    }

    /// Collects all pods at once.
    pub fn gc(&self) {
        self.rkt(["gc", "--grace-period=0s"]).expect(0);
        self.rkt(["gc", "--grace-period=0s"]).expect(0);
    }
}

/// What apps wrote, without the beginnings of lines that tell which app it was and when.
pub fn without_origin(text: &str) -> String {
    let bare = |line: &str| match line.split_once("]: ") {
        Some((origin, rest)) if origin.starts_with('[') && origin.contains("] ") => rest.to_owned(),
        _ => line.to_owned(),
    };
    text.split('\n').map(bare).collect::<Vec<_>>().join("\n")
}

impl Drop for World {
    fn drop(&mut self) {
        let left = groups::end(self);
        if !std::thread::panicking() {
            assert_eq!(left, [""; 0].map(PathBuf::from), "control groups that stay");
        }
    }
}

/// `FILE.asc`.
pub fn with_asc(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".asc");
    PathBuf::from(name)
}

/// Whether this host lets us make pods: root, with the right to make namespaces.
pub fn can_run_pods() -> bool {
    gantry_testkit::needs_root()
}

/// Whether this is the long run of `make soak`, of which other runs do a tenth.
pub fn soak() -> bool {
    std::env::var_os("GANTRY_SOAK").is_some()
}

/// The same command again, which may find that the disturbed one had done it.
pub fn again(world: &World, command: &Command, already: &str) {
    let mut command_again = world.env.command(command.get_program());
    command_again.args(command.get_args());
    let outcome: Outcome = world.env.outcome(&mut command_again);
    if already.is_empty() || outcome.status == 0 {
        outcome.expect(0);
    } else {
        outcome.says(already);
    }
}
