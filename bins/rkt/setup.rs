//! What the commands take from the machine: directories, programs, randomness, the caller's rights.

use std::io;
use std::path::{Path, PathBuf};

pub(crate) use gantry_cli::JsonFormat as Format;
use gantry_cli::{Failure, json_text};
use gantry_ops::config::{Config, Section};
use gantry_ops::fetch::{InsecureOptions, InsecureOptionsError};
use gantry_ops::{DataDirRequest, InUse, Store};
use gantry_pod::PodsDir;
use gantry_pod::metadata::Registrar;
use gantry_types::metadata::REGISTRATION_SOCKET;
use gantry_types::{Diagnostic as _, Uuid};

use crate::cli::Globals;

/// What a command works with.
pub(crate) struct Setup {
    data_dir: PathBuf,
    insecure: InsecureOptions,
}

impl Setup {
    /// Reads flags and environment; touches no file.
    ///
    /// # Errors
    ///
    /// An unknown insecure option, or no place for data.
    pub(crate) fn new(globals: &Globals) -> Result<Self, Failure> {
        let insecure =
            globals
                .insecure_options
                .parse()
                .map_err(|error: InsecureOptionsError| {
                    Failure::usage(format!("--insecure-options: {error}"))
                        .with_hint(error.hint().unwrap_or_default())
                })?;
        Ok(Self {
            data_dir: data_dir(globals)?,
            insecure,
        })
    }

    /// Where pods and images are.
    pub(crate) fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// The caller's image store.
    ///
    /// # Errors
    ///
    /// A store that cannot be opened, or must not be by the caller.
    pub(crate) fn store(&self) -> Result<Store, Failure> {
        Ok(gantry_ops::open_store(&self.data_dir)?)
    }

    /// What pods use of the store, which must be asked for before anything is removed. Of the store of a member they
    /// use nothing.
    ///
    /// # Errors
    ///
    /// As for [`pods`](Self::pods).
    pub(crate) fn in_use(
        &self,
        store: &Store,
    ) -> Result<impl FnMut() -> io::Result<InUse>, Failure> {
        let pods = match store.is_members() {
            true => None,
            false => Some(self.pods()?),
        };
        Ok(move || pods.as_ref().map_or(Ok(InUse::default()), PodsDir::in_use))
    }

    /// The checks that are waived.
    pub(crate) fn insecure(&self) -> &InsecureOptions {
        &self.insecure
    }

    /// The pods.
    ///
    /// # Errors
    ///
    /// When their directories can be neither made nor read.
    pub(crate) fn pods(&self) -> Result<PodsDir, Failure> {
        Ok(PodsDir::open(&self.data_dir)?)
    }

    /// Our stage1: beside this program, or where `make install` puts it.
    ///
    /// # Errors
    ///
    /// When it is in neither place.
    pub(crate) fn stage1(&self) -> Result<PathBuf, Failure> {
        Ok(gantry_pod::own_stage1()?)
    }

    /// A UUID for a new pod.
    ///
    /// # Errors
    ///
    /// When the kernel gives no random bytes.
    pub(crate) fn new_uuid(&self) -> Result<Uuid, Failure> {
        Ok(gantry_pod::new_uuid()?)
    }
}

/// The way to the host's metadata service.
pub(crate) fn registrar() -> Registrar {
    Registrar::new(REGISTRATION_SOCKET.into())
}

/// The configuration directories, each of which overrides those before it.
pub(crate) fn config_dirs(globals: &Globals) -> Vec<&Path> {
    [&globals.system_config, &globals.local_config]
        .into_iter()
        .chain(&globals.user_config)
        .map(PathBuf::as_path)
        .collect()
}

/// What the configuration directories say together.
pub(crate) fn configuration(globals: &Globals, sections: &[Section]) -> Result<Config, Failure> {
    Ok(Config::load(&config_dirs(globals), sections)?)
}

/// `--dir`, or the host's place, or that of a user without root.
pub(crate) fn data_dir(globals: &Globals) -> Result<PathBuf, Failure> {
    Ok(gantry_ops::data_dir(&DataDirRequest {
        given: globals.dir.as_deref(),
        configuration: &config_dirs(globals),
        user_config: globals.user_config.as_deref(),
        is_root: crate::rootless::is_root(),
        xdg_data_home: std::env::var_os("XDG_DATA_HOME"),
        home: std::env::var_os("HOME"),
    })?)
}

/// JSON text of `value`.
///
/// # Errors
///
/// None that can happen to values made by us; they are passed on all the same.
pub(crate) fn json(
    value: &Result<serde_json::Value, serde_json::Error>,
    format: Format,
) -> Result<String, Failure> {
    let wrong = |error| Failure::environment(format!("cannot print: {error}"));
    json_text(value.as_ref().map_err(wrong)?, format)
}

/// The one UUID of a command, as argument or in a file.
///
/// # Errors
///
/// Neither or both are given, or the file cannot be read; the latter with `unreadable` as status.
pub(crate) fn one_uuid(
    argument: Option<&str>,
    file: Option<&Path>,
    unreadable: u8,
) -> Result<String, Failure> {
    match (argument, file) {
        (Some(uuid), None) => Ok(uuid.to_owned()),
        (None, Some(file)) => read_uuid(file, unreadable),
        (None, None) => Err(Failure::usage("give one UUID, or --uuid-file")),
        (Some(_), Some(_)) => Err(Failure::usage(
            "give either a UUID or --uuid-file, not both",
        )),
    }
}

/// The UUIDs of a command, as arguments or one in a file.
///
/// # Errors
///
/// As for [`one_uuid`].
pub(crate) fn uuids(
    arguments: &[String],
    file: Option<&Path>,
    unreadable: u8,
) -> Result<Vec<String>, Failure> {
    match (arguments, file) {
        ([], Some(file)) => Ok(vec![read_uuid(file, unreadable)?]),
        ([_, ..], None) => Ok(arguments.to_vec()),
        ([], None) => Err(Failure::usage("give at least one UUID, or --uuid-file")),
        ([_, ..], Some(_)) => Err(Failure::usage("give either UUIDs or --uuid-file, not both")),
    }
}

/// The longest UUID file that is read, in bytes.
const MAX_UUID_FILE: u64 = 4096;

/// What `rkt status` and `rkt stop` end with when a UUID file cannot be read, unlike all other failures.
pub(crate) const UUID_FILE_STATUS: u8 = 1;

fn read_uuid(file: &Path, status: u8) -> Result<String, Failure> {
    use std::io::Read as _;
    let mut text = String::new();
    gantry_ops::open_input(file)
        .and_then(|opened| opened.take(MAX_UUID_FILE).read_to_string(&mut text))
        .map_err(|error| Failure::Coded {
            status,
            text: format!(
                "unable to resolve UUID from file: cannot read {}: {error}",
                file.display()
            ),
        })?;
    Ok(text.trim().to_owned())
}
