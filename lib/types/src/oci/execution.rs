//! How an image is run: the object `config` of its configuration.

use std::collections::{BTreeMap, BTreeSet};

use super::strict;
use crate::json::{Cursor, Decode, DecodeError, Encode, Writer};

/// How an image is run. Names and meaning are those of OCI image-spec 1.1, config.md, and of Docker for what
/// OCI reserves (`Healthcheck`, `OnBuild`, `Shell`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Execution {
    /// `USER[:GROUP]`, each a name or a number; empty for root.
    pub user: String,
    /// Ports that it listens on, `PORT` or `PORT/PROTOCOL`.
    pub exposed_ports: BTreeSet<String>,
    /// `NAME=VALUE`, in order.
    pub env: Vec<String>,
    /// What is run; `Cmd` is appended.
    pub entrypoint: Vec<String>,
    /// Arguments, or the whole command if there is no entry point.
    pub cmd: Vec<String>,
    /// Paths whose content is not the image's.
    pub volumes: BTreeSet<String>,
    /// Where it runs; empty for `/`.
    pub working_dir: String,
    /// What is said of containers made of it.
    pub labels: BTreeMap<String, String>,
    /// The signal that ends it; empty for `SIGTERM`.
    pub stop_signal: String,
    /// Seconds until it is killed.
    pub stop_timeout: Option<i64>,
    /// How its health is found out.
    pub healthcheck: Option<Healthcheck>,
    /// Instructions for images built on it.
    pub on_build: Vec<String>,
    /// What runs the commands of its build file that are one string.
    pub shell: Vec<String>,
    /// Whether the command line is one string, on Windows.
    pub args_escaped: bool,
}

/// How the health of a container is found out. Times are nanoseconds, 0 for the default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Healthcheck {
    /// Nothing, or `NONE`, or `CMD` and a command, or `CMD-SHELL` and a line for the shell.
    pub test: Vec<String>,
    /// Between two checks.
    pub interval: i64,
    /// Until a check has failed.
    pub timeout: i64,
    /// In which failures do not count.
    pub start_period: i64,
    /// Between two checks in that time.
    pub start_interval: i64,
    /// Failures in a row until it is unhealthy.
    pub retries: i64,
}

/// A list of words. Old builders wrote one word as a string.
#[derive(Default)]
struct Words(Vec<String>);

impl Decode for Words {
    fn decode(cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        match cursor.string() {
            Ok("") => Ok(Self(Vec::new())),
            Ok(word) => Ok(Self(vec![word.to_owned()])),
            Err(_) => Vec::decode(cursor).map(Self),
        }
    }
}

/// A set, which JSON has as an object of empty objects.
#[derive(Default)]
struct Set(BTreeSet<String>);

impl Decode for Set {
    fn decode(cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        let members = cursor.object()?;
        Ok(Self(
            members.members().map(|(key, _)| key.to_owned()).collect(),
        ))
    }
}

struct Members<'a>(&'a BTreeSet<String>);

impl Encode for Members<'_> {
    fn encode(&self, out: &mut Writer) {
        out.object(|out| {
            for member in self.0 {
                out.key(member);
                out.object(|_| {});
            }
        });
    }
}

impl Decode for Execution {
    fn decode(cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        let fields = strict::fields(&cursor)?;
        Ok(Self {
            user: fields.or_default("User")?,
            exposed_ports: fields.or_default::<Set>("ExposedPorts")?.0,
            env: fields.or_default("Env")?,
            entrypoint: fields.or_default::<Words>("Entrypoint")?.0,
            cmd: fields.or_default::<Words>("Cmd")?.0,
            volumes: fields.or_default::<Set>("Volumes")?.0,
            working_dir: fields.or_default("WorkingDir")?,
            labels: fields.or_default("Labels")?,
            stop_signal: fields.or_default("StopSignal")?,
            stop_timeout: fields.optional("StopTimeout")?,
            healthcheck: fields.optional("Healthcheck")?,
            on_build: fields.or_default("OnBuild")?,
            shell: fields.or_default::<Words>("Shell")?.0,
            args_escaped: fields.or_default("ArgsEscaped")?,
        })
    }
}

impl Encode for Execution {
    fn encode(&self, out: &mut Writer) {
        out.object(|out| {
            out.member_unless(self.user.is_empty(), "User", &self.user);
            out.member_unless(
                self.exposed_ports.is_empty(),
                "ExposedPorts",
                &Members(&self.exposed_ports),
            );
            out.member_unless(self.env.is_empty(), "Env", &self.env);
            out.member_unless(self.entrypoint.is_empty(), "Entrypoint", &self.entrypoint);
            out.member_unless(self.cmd.is_empty(), "Cmd", &self.cmd);
            out.member_unless(self.volumes.is_empty(), "Volumes", &Members(&self.volumes));
            out.member_unless(self.working_dir.is_empty(), "WorkingDir", &self.working_dir);
            out.member_unless(self.labels.is_empty(), "Labels", &self.labels);
            out.member_unless(self.stop_signal.is_empty(), "StopSignal", &self.stop_signal);
            if let Some(seconds) = &self.stop_timeout {
                out.member("StopTimeout", seconds);
            }
            if let Some(check) = &self.healthcheck {
                out.member("Healthcheck", check);
            }
            out.member_unless(self.on_build.is_empty(), "OnBuild", &self.on_build);
            out.member_unless(self.shell.is_empty(), "Shell", &self.shell);
            out.member_unless(!self.args_escaped, "ArgsEscaped", &self.args_escaped);
        });
    }
}

impl Decode for Healthcheck {
    fn decode(cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        let fields = strict::fields(&cursor)?;
        Ok(Self {
            test: fields.or_default("Test")?,
            interval: fields.or_default("Interval")?,
            timeout: fields.or_default("Timeout")?,
            start_period: fields.or_default("StartPeriod")?,
            start_interval: fields.or_default("StartInterval")?,
            retries: fields.or_default("Retries")?,
        })
    }
}

impl Encode for Healthcheck {
    fn encode(&self, out: &mut Writer) {
        out.object(|out| {
            out.member_unless(self.test.is_empty(), "Test", &self.test);
            for (key, value) in [
                ("Interval", self.interval),
                ("Timeout", self.timeout),
                ("StartPeriod", self.start_period),
                ("StartInterval", self.start_interval),
                ("Retries", self.retries),
            ] {
                out.member_unless(value == 0, key, &value);
            }
        });
    }
}
