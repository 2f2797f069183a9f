//! Handing a pod over to a stage1 that is an image.

use std::convert::Infallible;
use std::ffi::{CString, OsStr, OsString};
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use gantry_types::pod_layout;

use crate::metadata::Registered;
use crate::phase::Phase;
use crate::pod::Pod;
use crate::prepare::PreparedPod;
use crate::run::{RunError, RunOptions};
use crate::stage1_image::Stage1Image;

impl Pod {
    /// Those of the options that the pod's stage1, an image, has no argument for, and will not know of.
    ///
    /// # Errors
    ///
    /// If the manifest of the image cannot be read.
    pub fn lost_options(&self, options: &RunOptions) -> io::Result<Vec<&'static str>> {
        let image = Stage1Image::of(self)?;
        Ok(image.map_or_else(Vec::new, |image| {
            image.arguments(options, None, None, self.uuid()).1
        }))
    }
}

impl PreparedPod {
    /// As [`Pod::lost_options`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn lost_options(&self, options: &RunOptions) -> io::Result<Vec<&'static str>> {
        self.pod().lost_options(options)
    }
}

/// Replaces this process by the `run` program of the image, in the pod's directory.
///
/// It gets the caller's environment and the lock, as rkt has it.
pub(crate) fn run(
    pod: &mut Pod,
    image: &Stage1Image,
    options: &RunOptions,
    registered: Option<&Registered>,
) -> Result<Infallible, RunError> {
    let uuid = pod.uuid();
    let io = |action, source| RunError::Io {
        action,
        uuid,
        source,
    };
    let users = pod
        .read(pod_layout::PRIVATE_USERS_PREPARED)
        .map_err(|e| io("read", e))?;
    let users = users.map(|text| String::from_utf8_lossy(&text).trim().to_owned());
    let (arguments, _) = image.arguments(options, users.as_deref(), registered, uuid);
    // What can fail without the pod fails while it can still be run again.
    program(pod, image)?;
    options
        .conf_files
        .write(pod)
        .map_err(|e| io("write the files for", e))?;
    pod.move_to(Phase::Run)
        .map_err(|e| io("move to the running ones", e))?;
    // Nobody knows what such a stage1 takes outside the directory.
    pod.sync_phase().map_err(|e| io("sync", e))?;
    let path = program(pod, image)?;
    rustix::process::fchdir(pod.as_fd()).map_err(|e| io("enter", e.into()))?;
    rustix::io::fcntl_setfd(pod.as_fd(), rustix::io::FdFlags::empty())
        .map_err(|e| io("lock", e.into()))?;
    let lock = pod.as_fd().as_raw_fd().to_string();
    let own = [
        ("RKT_LOCK_FD", lock.as_str()),
        ("RKT_SELINUX_CONTEXT", ""),
        ("RKT_SELINUX_MOUNT_CONTEXT", ""),
    ];
    let own = own.map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let others = options.caller_environment.iter();
    let others = others.filter(|(name, _)| !own.iter().any(|(known, _)| known == name));
    let environment = own
        .iter()
        .chain(others)
        .map(|(name, value)| {
            let mut pair = name.clone();
            pair.push("=");
            pair.push(value);
            c_string(&pair)
        })
        .collect::<Result<Vec<_>, _>>()?;
    let program = c_string(path.as_os_str())?;
    let arguments = std::iter::once(path.as_os_str())
        .chain(arguments.iter().map(OsString::as_os_str))
        .map(c_string)
        .collect::<Result<Vec<_>, _>>()?;
    gantry_sys::process::exec(&program, &arguments, &environment)
        .map_err(|source| RunError::Stage1 { path, source })
}

fn program(pod: &Pod, image: &Stage1Image) -> Result<PathBuf, RunError> {
    let missing = || RunError::Stage1 {
        path: pod.path().join(pod_layout::STAGE1_ROOTFS),
        source: io::Error::new(
            io::ErrorKind::NotFound,
            "the image names no program for \"run\"",
        ),
    };
    let path = image.program(pod, "run").ok_or_else(missing)?;
    match std::fs::metadata(&path) {
        Ok(_) => Ok(path),
        Err(source) => Err(RunError::Stage1 { path, source }),
    }
}

fn c_string(text: &OsStr) -> Result<CString, RunError> {
    CString::new(text.as_bytes()).map_err(|source| RunError::ZeroByte { source })
}
