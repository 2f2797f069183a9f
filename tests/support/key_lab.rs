//! Keys made by the real gpg, files that they sign, and the configuration directories of one test.

use std::path::{Path, PathBuf};

use gantry_testkit::gpg::{Gpg, KeySpec};
use gantry_testkit::{Outcome, TestEnv};
use serde_json::Value;

use super::{ACBUILD, ACTRUST, HOST, with_asc};

/// Makes gpg believe in the first second of 2020.
pub const THEN: &[&str] = &["--faked-system-time=20200101T000000"];

/// Keys, files and configuration directories of one test of `actrust`.
pub struct KeyLab {
    pub env: TestEnv,
    pub gpg: Gpg,
}

impl KeyLab {
    /// `None` without gpg.
    pub fn new() -> Option<Self> {
        let gpg = Gpg::new()?;
        Some(Self {
            env: TestEnv::new(),
            gpg,
        })
    }

    /// Makes a key and exports it to `NAME.asc`.
    pub fn key(&self, name: &str, algorithm: &str, expires: &str, options: &[&str]) -> String {
        let user_id = format!("{name} <{name}@example.test>");
        let key = self.gpg.generate(&KeySpec {
            user_id: &user_id,
            algorithm,
            usage: "sign",
            expires,
            options,
        });
        self.env.write(format!("{name}.asc"), self.gpg.export(&key));
        key
    }

    /// Puts a key where the vendor has its keys.
    pub fn vendor(&self, place: &str, key: &str) -> PathBuf {
        let path = format!("lib/trustedkeys/{place}/{key}");
        self.env.write(path, self.gpg.export(key))
    }

    /// Runs a tool with data and configuration in this folder; `line` is cut at blanks.
    pub fn run(&self, tool: &str, line: &str) -> Outcome {
        let mut command = self.env.command(tool);
        command.args(["--local-config=etc", "--system-config=lib", "--dir=rkt"]);
        self.env.outcome(command.args(line.split_whitespace()))
    }

    /// Runs `actrust`.
    pub fn actrust(&self, line: &str) -> Outcome {
        self.run(ACTRUST, line)
    }

    /// Runs a command that prints JSON.
    pub fn json(&self, line: &str, status: i32) -> Value {
        let outcome = self
            .actrust(&format!("{line} --format=json"))
            .expect(status);
        serde_json::from_str(&outcome.stdout).unwrap_or_else(|error| panic!("{error}\n{outcome}"))
    }

    /// Builds an image of a name.
    pub fn image(&self, name: &str) -> PathBuf {
        let work = format!("--work-path={}", self.env.path("build").display());
        std::fs::create_dir_all(self.env.path("build")).expect("build folder");
        let file = self.env.path(format!("{}.aci", name.replace('/', "-")));
        let file_name = file.to_str().expect("UTF-8");
        for line in [
            "begin",
            &format!("set-name {HOST}/{name}"),
            "set-exec -- /bin/app",
            &format!("write --overwrite {file_name}"),
            "end",
        ] {
            let arguments = std::iter::once(work.as_str()).chain(line.split(' '));
            self.env.run(ACBUILD, arguments).expect(0);
        }
        file
    }

    /// Signs a file, `FILE.asc` beside it.
    pub fn sign(&self, key: &str, file: &Path) {
        std::fs::write(with_asc(file), self.gpg.detach_sign(key, file)).expect("signature");
    }
}

/// One field of every object in a list.
pub fn field<'a>(list: &'a Value, name: &str) -> Vec<&'a str> {
    let list = list.as_array().expect("a list").iter();
    list.map(|row| row[name].as_str().unwrap_or("-")).collect()
}
