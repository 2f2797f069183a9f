//! Labels of the kernel's security modules: SELinux contexts and AppArmor profiles.

use std::fs;

use rustix::fs::{OFlags, PROC_SUPER_MAGIC, fstatfs};
use rustix::io::Errno;

use gantry_types::{Isolator, IsolatorValue};

use crate::failed::{Failed, Step as _};
use crate::inside;

/// What a process gets when it executes the app's program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Label {
    /// An SELinux context.
    Selinux(String),
    /// The name of an AppArmor profile that is loaded.
    Apparmor(String),
}

/// A label cannot be given here.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum LabelError {
    /// The kernel has no SELinux, or no policy of it.
    #[error(
        "isolator os/linux/selinux-context asks for what this kernel does not do: \
         it has no SELinux policy loaded"
    )]
    NoSelinux,
    /// The kernel has no AppArmor.
    #[error(
        "isolator os/linux/apparmor-profile asks for what this kernel does not do: \
         AppArmor is not enabled"
    )]
    NoApparmor,
}

/// Names of isolators that are decided here.
pub(crate) fn is_about(isolator: &str) -> bool {
    matches!(
        isolator,
        "os/linux/selinux-context" | "os/linux/apparmor-profile"
    )
}

/// The labels of an app: its own, else those of the pod.
pub(crate) fn of<'a>(
    app: impl Iterator<Item = &'a Isolator>,
    pod: impl Iterator<Item = &'a Isolator>,
) -> Result<Vec<Label>, LabelError> {
    let mut labels: Vec<Label> = Vec::new();
    for isolator in app.chain(pod) {
        let label = match isolator.value() {
            IsolatorValue::SelinuxContext(context) => Label::Selinux(context.to_string()),
            IsolatorValue::ApparmorProfile(profile) => {
                Label::Apparmor(profile.profile().to_owned())
            }
            _ => continue,
        };
        let same_kind =
            |known: &Label| std::mem::discriminant(known) == std::mem::discriminant(&label);
        if !labels.iter().any(same_kind) {
            available(&label)?;
            labels.push(label);
        }
    }
    Ok(labels)
}

/// Whether the kernel would act on a label; silence where it would not is no answer.
fn available(label: &Label) -> Result<(), LabelError> {
    match label {
        Label::Selinux(_) => {
            // Without a policy every process is "kernel". Source: libselinux, is_selinux_enabled(3).
            let current = fs::read("/proc/self/attr/current").unwrap_or_default();
            let known = fs::read_to_string("/proc/filesystems").unwrap_or_default();
            let loaded = current.contains(&b':') && known.contains("selinuxfs");
            loaded.then_some(()).ok_or(LabelError::NoSelinux)
        }
        Label::Apparmor(_) => {
            let enabled = fs::read_to_string("/sys/module/apparmor/parameters/enabled");
            let enabled = enabled.is_ok_and(|text| text.starts_with('Y'));
            enabled.then_some(()).ok_or(LabelError::NoApparmor)
        }
    }
}

/// Asks for a label for the program that this process executes next. Its root is the app's.
pub(crate) fn ask_for(label: &Label) -> Result<(), Failed> {
    let (files, text) = match label {
        Label::Selinux(context) => (&["/proc/self/attr/exec"][..], context.clone()),
        Label::Apparmor(profile) => (
            &["/proc/self/attr/apparmor/exec", "/proc/self/attr/exec"][..],
            format!("exec {profile}"),
        ),
    };
    write_first(files, &text).step(|| format!("give the app the label {text:?}"))
}

fn write_first(files: &[&str], text: &str) -> Result<(), Errno> {
    let mut result = Err(Errno::NOENT);
    for path in files {
        result = inside::open(path, OFlags::WRONLY).and_then(|file| {
            // An image that has something else there would get no label, and nobody would know.
            if fstatfs(&file)?.f_type != PROC_SUPER_MAGIC {
                return Err(Errno::NOENT);
            }
            rustix::io::write(&file, text.as_bytes()).map(drop)
        });
        if result != Err(Errno::NOENT) {
            break;
        }
    }
    result
}
