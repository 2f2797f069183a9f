//! Pods of users without root: the user namespace in which such a user is root of what is his.
//!
//! With a range in `/etc/subuid` and `/etc/subgid`, and newuidmap(1) and newgidmap(1) to have it mapped,
//! the namespace has as many users as images may name; the store and the pods made in it then have files
//! of these IDs. Otherwise it has one user, and all files are his.

use std::ffi::OsString;
use std::io;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use gantry_archive::extract::Ownership;
use gantry_sys::mount::{Depth, Propagation, set_propagation};
use gantry_sys::namespace::Namespaces;
use gantry_sys::process::{Fork, exit_now, fork_into};
use gantry_sys::user_namespace::{IdKind, enter_new, own_ids, set_own_id};
use gantry_types::{Diagnostic, Kind, UserRange};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{WaitOptions, waitpid};

use crate::users::subordinate;

/// Where a host says what its users may do.
#[derive(Debug, Clone)]
pub struct HostFiles {
    /// The directory with `passwd`, `subuid` and `subgid`: `/etc`.
    pub etc: PathBuf,
    /// The directory with the kernel's parameters: `/proc/sys`.
    pub parameters: PathBuf,
    /// Where programs are looked for: the variable `PATH`.
    pub path: OsString,
}

/// The user namespace that was entered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entered {
    /// It has the users that images name.
    ManyIds,
    /// It has one user; the text says why it has no others, and what to do.
    OneId(String),
}

/// A user without root cannot have pods here.
#[derive(Debug, thiserror::Error)]
pub enum RootlessError {
    /// The kernel makes no user namespace for this user.
    #[error("cannot run as unprivileged user: no user namespace can be made")]
    Namespace {
        /// What to change.
        hint: String,
        /// Why.
        source: io::Error,
    },
    /// A user namespace was made, but without any right in it.
    #[error("cannot run as unprivileged user: the user namespace comes without rights")]
    Powerless {
        /// What to change.
        hint: String,
        /// Why.
        source: io::Error,
    },
    /// The IDs of the user could not be mapped.
    #[error(
        "cannot run as unprivileged user: the IDs of /etc/subuid and /etc/subgid cannot be mapped"
    )]
    Mapping {
        /// Why.
        source: io::Error,
    },
}

impl Diagnostic for RootlessError {
    fn kind(&self) -> Kind {
        Kind::Environment
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Namespace { hint, .. } | Self::Powerless { hint, .. } => hint.clone(),
            Self::Mapping { .. } => {
                "see what newuidmap and newgidmap say: they have to be set-user-ID root, or to have file \
                 capabilities; or run as root"
                    .to_owned()
            }
        })
    }
}

/// How files of images are to be owned by what this process extracts: as the images say where it may give
/// files to others, else by the user alone.
#[must_use]
pub fn ownership() -> Ownership {
    let one = own_ids(IdKind::User)
        .is_ok_and(|ids| ids.iter().map(|ids| u64::from(ids.count)).sum::<u64>() == 1);
    match rustix::process::geteuid().is_root() && !one {
        true => Ownership::Keep,
        false => Ownership::CurrentUser,
    }
}

/// Makes the calling process root of a user namespace, and of a mount namespace that belongs to it.
///
/// The process must have one thread, and be no root already.
///
/// # Errors
///
/// [`RootlessError`], each with the file to change. After one the process may be nobody.
pub fn enter(files: &HostFiles) -> Result<Entered, RootlessError> {
    let (uid, gid) = (
        rustix::process::geteuid().as_raw(),
        rustix::process::getegid().as_raw(),
    );
    let given = given_ids(files, uid);
    let entered = match &given {
        Ok(given) => map_given(given, uid, gid, files).map(|()| Entered::ManyIds),
        Err(reason) => enter_alone(uid, gid, files).map(|()| Entered::OneId(reason.clone())),
    }?;
    // The first thing that needs a right: some hosts make user namespaces without any.
    set_propagation(c"/", Depth::Tree, Propagation::Slave).map_err(|source| {
        RootlessError::Powerless {
            hint: powerless_hint(&files.parameters),
            source,
        }
    })?;
    Ok(entered)
}

/// What keeps the caller from having the users that images name, and what to do; `None` if nothing.
pub(crate) fn missing_ids(files: &HostFiles) -> Option<String> {
    given_ids(files, rustix::process::geteuid().as_raw()).err()
}

/// Enters a user namespace in a process that ends again, and has it try something there.
///
/// The calling process must have one thread.
///
/// # Errors
///
/// What is wrong, and what to do.
pub(crate) fn attempt(
    files: &HostFiles,
    then: impl FnOnce() -> Result<(), String>,
) -> Result<(), (String, String)> {
    let failed = |error: io::Error| (format!("cannot try: {error}"), String::new());
    let (read, write) = pipe_with(PipeFlags::CLOEXEC).map_err(|e| failed(e.into()))?;
    let child = match fork_into(Namespaces::empty()).map_err(failed)? {
        Fork::Child => {
            drop(read);
            let (found, remedy) = match enter(files) {
                Ok(_) => (then().err().unwrap_or_default(), String::new()),
                Err(error) => {
                    let source = std::error::Error::source(&error);
                    let source = source
                        .map(|source| format!(": {source}"))
                        .unwrap_or_default();
                    (format!("{error}{source}"), error.hint().unwrap_or_default())
                }
            };
            let told = rustix::io::write(&write, format!("{found}\0{remedy}").as_bytes());
            exit_now(u8::from(told.is_err()))
        }
        Fork::Parent(child) => child,
    };
    drop(write);
    let mut text = String::new();
    io::Read::read_to_string(&mut std::fs::File::from(read), &mut text).map_err(failed)?;
    waitpid(Some(child.pid), WaitOptions::empty()).map_err(|e| failed(e.into()))?;
    match text.split_once('\0') {
        Some(("", _)) => Ok(()),
        Some((found, remedy)) => Err((found.to_owned(), remedy.to_owned())),
        None => Err((
            "a process in a user namespace died".to_owned(),
            String::new(),
        )),
    }
}

/// Whether [`enter`] would give the caller more users than himself.
#[must_use]
pub fn may_map_ids(files: &HostFiles) -> bool {
    given_ids(files, rustix::process::geteuid().as_raw()).is_ok()
}

fn enter_alone(uid: u32, gid: u32, files: &HostFiles) -> Result<(), RootlessError> {
    let failed = |source: io::Error| RootlessError::Namespace {
        hint: namespace_hint(&files.parameters, &source),
        source,
    };
    enter_new().map_err(failed)?;
    set_own_id(uid, gid).map_err(failed)
}

/// What a user may have mapped besides himself.
#[derive(Debug, PartialEq, Eq)]
struct Given {
    users: Vec<UserRange>,
    groups: Vec<UserRange>,
    newuidmap: PathBuf,
    newgidmap: PathBuf,
}

/// The ranges of user `uid` and the programs that map them, or what is missing.
fn given_ids(files: &HostFiles, uid: u32) -> Result<Given, String> {
    let name = user_name(&files.etc, uid);
    let ranges = |file: &str| -> Result<Vec<UserRange>, String> {
        let path = files.etc.join(file);
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let mine = |line: &&str| {
            let owner = line.split(':').next().unwrap_or_default();
            owner == uid.to_string() || name.as_deref() == Some(owner)
        };
        let found: Vec<_> = text.lines().filter(mine).filter_map(subordinate).collect();
        let who = name.clone().unwrap_or_else(|| uid.to_string());
        match found.is_empty() {
            false => Ok(found),
            true => Err(format!(
                "{} has no range for user {who}: add one with \"usermod --add-subuids 100000-165535 \
                 --add-subgids 100000-165535 {who}\"",
                path.display()
            )),
        }
    };
    let program = |name: &str| {
        let found = std::env::split_paths(&files.path).map(|folder| folder.join(name));
        found
            .into_iter()
            .find(|path| path.is_file())
            .ok_or_else(|| format!("{name} is not installed: it is in the Debian package uidmap"))
    };
    Ok(Given {
        users: ranges("subuid")?,
        groups: ranges("subgid")?,
        newuidmap: program("newuidmap")?,
        newgidmap: program("newgidmap")?,
    })
}

fn user_name(etc: &Path, uid: u32) -> Option<String> {
    let text = std::fs::read_to_string(etc.join("passwd")).ok()?;
    let mut lines = text.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let line = lines.find(|fields| fields.get(2) == Some(&uid.to_string().as_str()))?;
    line.first().map(|name| (*name).to_owned())
}

/// The arguments of newuidmap(1): the caller as 0, then the ranges one after the other.
fn map_arguments(pid: i32, own: u32, ranges: &[UserRange]) -> Vec<String> {
    let mut arguments = vec![pid, 0]
        .into_iter()
        .map(|n| n.to_string())
        .collect::<Vec<_>>();
    arguments.extend([own.to_string(), "1".to_owned()]);
    let mut next = 1_u32;
    for range in ranges {
        let count = range.count().min(u32::MAX - next);
        arguments.extend([
            next.to_string(),
            range.first().to_string(),
            count.to_string(),
        ]);
        next += count;
        if next == u32::MAX {
            break;
        }
    }
    arguments
}

fn map_given(given: &Given, uid: u32, gid: u32, files: &HostFiles) -> Result<(), RootlessError> {
    let mapping = |source| RootlessError::Mapping { source };
    let pid = rustix::process::getpid().as_raw_nonzero().get();
    let commands = [
        (&given.newuidmap, map_arguments(pid, uid, &given.users)),
        (&given.newgidmap, map_arguments(pid, gid, &given.groups)),
    ];
    let (wait, go) = pipe_with(PipeFlags::CLOEXEC).map_err(|e| mapping(e.into()))?;
    // Made before this process leaves the namespace, in which alone the programs have their rights.
    let helper = match fork_into(Namespaces::empty()).map_err(mapping)? {
        Fork::Child => {
            drop(go);
            let told = rustix::io::read(wait.as_fd(), &mut [0]).is_ok_and(|count| count == 1);
            let done = told
                && commands.iter().all(|(program, arguments)| {
                    Command::new(program)
                        .args(arguments)
                        .status()
                        .is_ok_and(|status| status.success())
                });
            exit_now(u8::from(!done))
        }
        Fork::Parent(child) => child,
    };
    drop(wait);
    let made = enter_new();
    if made.is_ok() {
        rustix::io::write(go.as_fd(), &[0]).map_err(|e| mapping(e.into()))?;
    }
    drop(go);
    let ended = loop {
        match waitpid(Some(helper.pid), WaitOptions::empty()) {
            Err(rustix::io::Errno::INTR) => {}
            ended => break ended.map_err(|e| mapping(e.into()))?,
        }
    };
    made.map_err(|source| RootlessError::Namespace {
        hint: namespace_hint(&files.parameters, &source),
        source,
    })?;
    match ended.and_then(|(_, status)| status.exit_status()) {
        Some(0) => Ok(()),
        _ => Err(mapping(io::Error::other("newuidmap or newgidmap failed"))),
    }
}

/// Reads a parameter of the kernel; `None` if this kernel does not have it.
pub(crate) fn parameter(parameters: &Path, name: &str) -> Option<String> {
    let text = std::fs::read_to_string(parameters.join(name)).ok()?;
    Some(text.trim().to_owned())
}

/// What forbids user namespaces, and the file to change.
pub(crate) fn namespace_obstacle(parameters: &Path) -> Option<String> {
    let is = |name: &str, value: &str| parameter(parameters, name).as_deref() == Some(value);
    if is("kernel/unprivileged_userns_clone", "0") {
        return Some(
            "the administrator can allow it: write 1 to /proc/sys/kernel/unprivileged_userns_clone, and \
             kernel.unprivileged_userns_clone=1 to a file in /etc/sysctl.d"
                .to_owned(),
        );
    }
    if is("user/max_user_namespaces", "0") {
        return Some(
            "the administrator can allow it: write 10000 to /proc/sys/user/max_user_namespaces, and \
             user.max_user_namespaces=10000 to a file in /etc/sysctl.d"
                .to_owned(),
        );
    }
    None
}

/// What takes the rights from user namespaces, and the file to change.
pub(crate) fn rights_obstacle(parameters: &Path) -> Option<String> {
    let name = "kernel/apparmor_restrict_unprivileged_userns";
    (parameter(parameters, name).as_deref() == Some("1")).then(|| {
        "AppArmor takes the rights: add a profile with \"userns,\" for rkt to /etc/apparmor.d, or write 0 to \
         /proc/sys/kernel/apparmor_restrict_unprivileged_userns"
            .to_owned()
    })
}

fn namespace_hint(parameters: &Path, error: &io::Error) -> String {
    let known = namespace_obstacle(parameters).or_else(|| rights_obstacle(parameters));
    known.unwrap_or_else(|| match error.raw_os_error() {
        Some(code) if code == rustix::io::Errno::NOSPC.raw_os_error() => {
            "there are too many user namespaces: raise /proc/sys/user/max_user_namespaces"
                .to_owned()
        }
        Some(code) if code == rustix::io::Errno::INVAL.raw_os_error() => {
            "the kernel has no user namespaces (CONFIG_USER_NS); run it as root".to_owned()
        }
        _ => "a security policy or the surrounding container forbids it; run it as root".to_owned(),
    })
}

fn powerless_hint(parameters: &Path) -> String {
    rights_obstacle(parameters).unwrap_or_else(|| {
        "a security policy of the host takes its rights; run it as root".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn host() -> (tempfile::TempDir, HostFiles) {
        let temp = tempfile::tempdir().unwrap();
        for folder in ["etc", "sys/kernel", "sys/user", "bin"] {
            fs::create_dir_all(temp.path().join(folder)).unwrap();
        }
        let files = HostFiles {
            etc: temp.path().join("etc"),
            parameters: temp.path().join("sys"),
            path: temp.path().join("bin").into(),
        };
        (temp, files)
    }

    #[test]
    fn ranges_are_the_users_by_name_and_number_and_need_the_programs() {
        let (temp, files) = host();
        let write = |name: &str, text: &str| fs::write(temp.path().join(name), text).unwrap();
        let missing = given_ids(&files, 1000).unwrap_err();
        assert!(
            missing.contains("etc/subuid has no range for user 1000"),
            "{missing}"
        );
        write("etc/passwd", "root:x:0:0::/:\nalice:x:1000:1000::/:\n");
        write(
            "etc/subuid",
            "bob:1:2\nalice:100000:65536\n1000:300000:10\nalice:x:y\n",
        );
        let missing = given_ids(&files, 1000).unwrap_err();
        assert!(
            missing.contains("etc/subgid has no range for user alice"),
            "{missing}"
        );
        write("etc/subgid", "alice:200000:65536\n");
        let missing = given_ids(&files, 1000).unwrap_err();
        assert!(missing.contains("newuidmap is not installed"), "{missing}");
        write("bin/newuidmap", "");
        write("bin/newgidmap", "");
        let given = given_ids(&files, 1000).unwrap();
        let text: Vec<_> = given.users.iter().map(ToString::to_string).collect();
        assert_eq!(text, ["100000:65536", "300000:10"]);
        assert_eq!(
            map_arguments(7, 1000, &given.users).join(" "),
            "7 0 1000 1 1 100000 65536 65537 300000 10"
        );
        assert!(given_ids(&files, 1).unwrap_err().contains("user 1:"));
    }

    #[test]
    fn each_obstacle_names_the_file_to_change() {
        let (temp, files) = host();
        let denied = io::Error::from_raw_os_error(1);
        let hint = || namespace_hint(&files.parameters, &denied);
        assert!(hint().contains("security policy"));
        for (file, value) in [
            ("kernel/apparmor_restrict_unprivileged_userns", "1\n"),
            ("user/max_user_namespaces", "0\n"),
            ("kernel/unprivileged_userns_clone", "0\n"),
        ] {
            fs::write(temp.path().join("sys").join(file), value).unwrap();
            assert!(hint().contains(&format!("/proc/sys/{file}")), "{}", hint());
        }
        assert!(powerless_hint(&files.parameters).contains("/etc/apparmor.d"));
    }
}
