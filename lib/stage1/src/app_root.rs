//! The file system of one app, put together in the app's own mount namespace.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, symlinkat};
use rustix::io::Errno;
use rustix::mount::{MoveMountFlags, OpenTreeFlags, move_mount};

use gantry_sys::mount::{Depth, MountAttributes, set_attributes};

use crate::arguments::{ConfSource, RunArguments};
use crate::device::{self, Devices};
use crate::failed::{Failed, Step as _};
use crate::inside;
use crate::overlay::{clone_tree, detached};
use crate::places::Places;
use crate::plan::AppPlan;
use crate::pod_root::{attach, leave_old_root};
use crate::target::{self, Wanted};
use crate::users::Shift;
use crate::volume::{self, Backing, Detached};

/// Where stage0 leaves the pod's own files, in the pod directory.
const STAGE0_RESOLV_CONF: &str = "stage1/rootfs/etc/rkt-resolv.conf";
const STAGE0_HOSTS: &str = "stage1/rootfs/etc/rkt-hosts";

/// `/etc/hosts` of an app whose image has none.
const FALLBACK_HOSTS: &[u8] = b"127.0.0.1 localhost\n::1 localhost\n";

/// Everything an app's root is made of, taken while the host's paths could be reached.
#[derive(Debug)]
pub(crate) struct Parts {
    root: OwnedFd,
    volumes: Vec<Detached>,
    resolv_conf: Option<OwnedFd>,
    hosts: Option<OwnedFd>,
    devices: Devices,
}

impl Parts {
    /// Takes the parts of `app`; the working directory must be the pod directory.
    pub(crate) fn take(
        app: &AppPlan,
        arguments: &RunArguments,
        confined: bool,
        shift: Option<&Shift>,
    ) -> Result<Self, Failed> {
        let (resolv_conf, hosts) = (arguments.resolv_conf, arguments.hosts);
        Ok(Self {
            root: detached(&app.root, "stage1/rootfs".as_ref(), confined, shift)?,
            volumes: app
                .mounts
                .iter()
                .map(|mount| volume::detach(mount, shift))
                .collect::<Result<_, _>>()?,
            resolv_conf: conf_file(resolv_conf, "/etc/resolv.conf", STAGE0_RESOLV_CONF)?,
            hosts: conf_file(hosts, "/etc/hosts", STAGE0_HOSTS)?,
            devices: Devices::take(confined)?,
        })
    }

    /// Takes `file` of the pod's root as the app's `/etc/resolv.conf`.
    pub(crate) fn take_resolv_conf(&mut self, file: &Path) -> Result<(), Failed> {
        let taken = clone_tree(file, OpenTreeFlags::empty());
        self.resolv_conf = Some(taken.step(|| format!("take {}", file.display()))?);
        Ok(())
    }

    /// Attaches the root of the app at its place in the pod's root.
    pub(crate) fn attach_root(&self, app: &str) -> Result<(), Failed> {
        let place = place(app);
        let mut so_far = "/opt/stage2".to_owned();
        for part in [app, "rootfs"] {
            so_far.push('/');
            so_far.push_str(part);
            rustix::fs::mkdir(&so_far, Mode::from_raw_mode(0o755))
                .step(|| format!("make {so_far} in the pod's root"))?;
        }
        attach(&self.root, CWD, &place).step(|| format!("mount the root file system of app {app}"))
    }

    /// Completes the root of `app` and makes it the root of this process.
    ///
    /// The process must have a mount namespace of its own, a copy of the pod's; it is left with the
    /// app's mounts alone.
    pub(crate) fn enter(&self, app: &AppPlan) -> Result<(), Failed> {
        let root = rustix::fs::openat(
            CWD,
            place(&app.name),
            OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
        )
        .step(|| "open the root file system")?;
        let root_fd = root.as_fd();

        // Before /proc itself goes to the app.
        let hostname = clone_tree("/proc/sys/kernel/hostname".as_ref(), OpenTreeFlags::empty())
            .step(|| "take the host name")?;
        let plain = |name: &str| {
            target::plain_directory(root_fd, name)
                .step(|| format!("use /{name} of the image, which must be a directory"))
        };
        device::mount(plain("dev")?.as_fd(), &self.devices)?;
        bring("/proc", plain("proc")?.as_fd())?;
        // A volume in the place of /sys is wanted instead.
        if !app.mounts.iter().any(|mount| mount.target == "/sys") {
            bring("/sys", plain("sys")?.as_fd())?;
        }
        self.mount_volumes(app, root_fd)?;
        self.etc_files(app, root_fd, &hostname)?;
        temporary_directories(root_fd)?;
        // An app with CAP_MKNOD can make devices here, which must not open.
        let attributes = MountAttributes {
            read_only: app.read_only_root,
            no_devices: true,
            ..MountAttributes::default()
        };
        set_attributes(root_fd, Depth::One, attributes)
            .step(|| "set the attributes of the root file system")?;
        leave_old_root(&root).step(|| "leave the pod's root")
    }

    fn mount_volumes(&self, app: &AppPlan, root: BorrowedFd<'_>) -> Result<(), Failed> {
        let mut places = Places::of(root).step(|| "examine the root file system")?;
        for (plan, volume) in app.mounts.iter().zip(&self.volumes) {
            let wanted = if volume.is_directory {
                Wanted::Directory
            } else {
                Wanted::File
            };
            let name = || format!("mount a volume at {}", plan.target);
            let may_make = |directory: BorrowedFd<'_>| places.may_make_in(directory);
            let place = match target::find_or_make(root, &plan.target, wanted, &may_make) {
                Err(Errno::XDEV) => Err(io::Error::other(
                    "it is missing in the host's directory that is mounted above it, where nothing is made",
                )),
                place => place.map_err(Into::into),
            }
            .step(name)?;
            if places.is_taken(&place).step(name)? {
                return Err(io::Error::other(
                    "another volume is there already, by way of a link of the image",
                ))
                .step(name);
            }
            if target::is_in_proc(&place).step(name)? {
                return Err(io::Error::other("a link of the image leads into /proc")).step(name);
            }
            attach(&volume.mount, &place, "").step(name)?;
            let is_own = matches!(plan.volume, Backing::Empty { .. });
            places.attached(&volume.mount, is_own).step(name)?;
        }
        Ok(())
    }

    fn etc_files(
        &self,
        app: &AppPlan,
        root: BorrowedFd<'_>,
        hostname: &OwnedFd,
    ) -> Result<(), Failed> {
        let is_volume = |path: &str| app.mounts.iter().any(|mount| mount.target == path);
        for (name, file, asked_for) in [
            ("resolv.conf", self.resolv_conf.as_ref(), true),
            ("hosts", self.hosts.as_ref(), true),
            ("hostname", Some(hostname), false),
        ] {
            let path = format!("/etc/{name}");
            let Some(file) = file.filter(|_| !is_volume(&path)) else {
                continue;
            };
            let step = || format!("mount {path} of the app");
            let place = match etc_place(root, name, asked_for) {
                // What is there is as good as what nobody asked for.
                Err(_) if !asked_for => None,
                place => place.step(step)?,
            };
            let Some(place) = place else { continue };
            let read_only = MountAttributes {
                read_only: true,
                ..MountAttributes::default()
            };
            set_attributes(file.as_fd(), Depth::One, read_only).step(step)?;
            attach(file, &place, "").step(step)?;
        }
        // Nothing is written to a volume unasked.
        let etc = target::own_directory(root, "/etc").step(|| "open /etc of the image")?;
        let Some(etc) = etc else { return Ok(()) };
        if self.hosts.is_none() && !is_volume("/etc/hosts") {
            // Whatever already is there, a link included, is the image's own choice.
            let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
            match rustix::fs::openat(&etc, "hosts", flags, Mode::from_raw_mode(0o644)) {
                Err(Errno::EXIST | Errno::ROFS) => {}
                file => {
                    file.and_then(|file| rustix::io::write(&file, FALLBACK_HOSTS))
                        .step(|| "write /etc/hosts of the app")?;
                }
            }
        }
        match symlinkat("/proc/self/mounts", &etc, "mtab") {
            Ok(()) | Err(Errno::EXIST | Errno::ROFS) => Ok(()),
            Err(error) => Err(error).step(|| "make /etc/mtab of the app"),
        }
    }
}

/// The place of a file of ours in `/etc`; `None` where the app keeps what is there.
fn etc_place(root: BorrowedFd<'_>, name: &str, asked_for: bool) -> Result<Option<OwnedFd>, Errno> {
    let path = format!("/etc/{name}");
    let found = inside::open_at(root, path.as_str(), OFlags::PATH, Mode::empty());
    let place = match found {
        Err(Errno::NOENT) => {
            let exists = inside::open_at(root, "/etc", OFlags::PATH, Mode::empty()).is_ok();
            match (exists, target::own_directory(root, "/etc")?) {
                // A volume, which gets no file that nobody asked for.
                (true, None) if !asked_for => return Ok(None),
                // Images of distributions have links to what is only made at boot.
                (_, Some(etc)) if is_link(&etc, name)? => target::replace_link(etc.as_fd(), name)?,
                _ => target::find_or_make(root, &path, Wanted::File, &|_| Ok(true))?,
            }
        }
        found => found?,
    };
    if volume::is_directory(&place)? {
        return Err(Errno::ISDIR);
    }
    Ok((!target::is_in_proc(&place)?).then_some(place))
}

fn is_link(directory: &OwnedFd, name: &str) -> Result<bool, Errno> {
    match rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(FileType::from_raw_mode(stat.st_mode) == FileType::Symlink),
        Err(Errno::NOENT) => Ok(false),
        Err(error) => Err(error),
    }
}

fn place(app: &str) -> String {
    format!("/opt/stage2/{app}/rootfs")
}

/// Moves a mount of the pod's root, with all that is mounted below it, to a place of the app.
fn bring(path: &str, place: BorrowedFd<'_>) -> Result<(), Failed> {
    move_mount(
        CWD,
        path,
        place,
        "",
        MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH,
    )
    .step(|| format!("bring the pod's {path} to the app"))
}

/// Makes /tmp and /run where the image has none.
fn temporary_directories(root: BorrowedFd<'_>) -> Result<(), Failed> {
    for (name, mode) in [("tmp", 0o1777), ("run", 0o755)] {
        match rustix::fs::mkdirat(root, name, Mode::from_raw_mode(mode)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error).step(|| format!("make /{name} of the app")),
        }
    }
    Ok(())
}

/// The file that an app is to have in `/etc` instead of the image's, if any.
fn conf_file(source: ConfSource, host: &str, stage0: &str) -> Result<Option<OwnedFd>, Failed> {
    let path = match source {
        ConfSource::Host => host,
        ConfSource::Stage0 => stage0,
        ConfSource::None | ConfSource::Default => return Ok(None),
    };
    clone_tree(path.as_ref(), OpenTreeFlags::empty())
        .map(Some)
        .step(|| format!("take {path}"))
}
