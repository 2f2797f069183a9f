//! Pods whose root is not the host's: the user namespace of `--private-users`, and life within one.
//!
//! ```text
//! private users   the supervisor is root of the host; init is made in a user namespace of its own, whose
//!                 0 is the first ID of the range that stage0 reserved. Whatever needs rights over the
//!                 host is taken by the supervisor, before init is made, as mounts that are attached
//!                 nowhere: init only has to attach them.
//! rootless        the supervisor itself lives in a user namespace, which stage0 has entered, and init
//!                 with it: what cannot be done there is done otherwise, or left out.
//! ```

use std::cell::Cell;
use std::os::fd::{AsFd as _, OwnedFd};

use rustix::fs::{CWD, Gid, Mode, OFlags, Uid};
use rustix::io::Errno;
use rustix::mount::{MountAttrFlags, OpenTreeFlags};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::Pid;
use rustix::thread::{
    LinkNameSpaceType, ThreadNameSpaceType, move_into_link_name_space, set_thread_groups,
    set_thread_res_gid, set_thread_res_uid,
};

use gantry_sys::mount::{Depth, set_id_mapping};
use gantry_sys::namespace::Namespaces;
use gantry_sys::process::unshare;
use gantry_sys::user_namespace::{self, IdKind, IdMapping};
use gantry_types::{UserRange, pod_layout};

use crate::app_root::Parts;
use crate::arguments::{Network, RunArguments};
use crate::failed::{Failed, Step as _};
use crate::overlay::clone_tree;
use crate::plan::AppPlan;
use crate::pod_root::{self, HostParts, attach, new_mount};

/// Where the layers of overlays are mounted for a moment, in a mount namespace of the supervisor's; nothing
/// of what the pod is made of lies below it.
const SCRATCH: &str = pod_layout::STATUS;

/// Whether root in the pod is another user than root of the host.
pub(crate) fn are_confined(arguments: &RunArguments) -> Result<bool, Failed> {
    if arguments.private_users.is_some() {
        return Ok(true);
    }
    Ok(!user_namespace::has_all_ids().step(|| "look at this user namespace")?)
}

/// What a pod is made of, taken where the host's paths can be reached.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) parts: Vec<Parts>,
    pub(crate) host: HostParts,
}

impl Taken {
    /// Takes all of it; the working directory must be the pod directory.
    pub(crate) fn take(
        plans: &[AppPlan],
        arguments: &RunArguments,
        shift: Option<&Shift>,
    ) -> Result<Self, Failed> {
        let confined = are_confined(arguments)?;
        let parts = plans
            .iter()
            .map(|plan| Parts::take(plan, arguments, confined, shift))
            .collect::<Result<_, _>>()?;
        let host = HostParts::take(confined, arguments)?;
        Ok(Self { parts, host })
    }
}

/// What the supervisor prepares for an init in a user namespace of its own.
#[derive(Debug)]
pub(crate) struct Private {
    range: UserRange,
    pub(crate) taken: Taken,
    admission: (OwnedFd, OwnedFd),
}

impl Private {
    /// Takes what the pod is made of, with the rights of the host's root.
    ///
    /// Done in a mount namespace that is a slave of the host's and gone at the end, so that nothing that is
    /// mounted is seen outside, and what is taken is a slave as well.
    pub(crate) fn prepare(
        plans: &[AppPlan],
        arguments: &RunArguments,
        range: UserRange,
    ) -> Result<Self, Failed> {
        let host = HostMounts::leave()?;
        pod_root::seclude()?;
        pod_root::make_status_directory()?;
        give_status_directory(range)?;
        let shift = Shift::new(range)?;
        let taken = Taken::take(plans, arguments, Some(&shift))?;
        drop(shift);
        host.come_back()?;
        Ok(Self {
            range,
            taken,
            admission: pipe_with(PipeFlags::CLOEXEC).step(|| "make a pipe")?,
        })
    }

    /// Gives the new process its IDs and lets it go on. For the supervisor.
    pub(crate) fn admit(self, init: Pid) -> Result<(), Failed> {
        let name = || format!("give the pod the users {}", self.range);
        let ids = [mapping(self.range)];
        user_namespace::set_ids(init, &ids, &ids).step(name)?;
        rustix::io::write(&self.admission.1, &[0])
            .step(name)
            .map(drop)
    }

    /// Waits for the IDs and becomes root of the pod. For init.
    pub(crate) fn become_root(self) -> Result<Taken, Failed> {
        let Self {
            taken,
            admission: (wait, go),
            ..
        } = self;
        drop(go);
        let name = || "wait for the users of the pod";
        if rustix::io::read(&wait, &mut [0]).step(name)? == 0 {
            // The supervisor has said why.
            return Err(Errno::PIPE).step(name);
        }
        become_namespace_root().step(|| "become root of the pod")?;
        Ok(taken)
    }
}

/// Becomes user and group 0 of the user namespace that this process is in.
fn become_namespace_root() -> Result<(), Errno> {
    if user_namespace::may_set_groups() {
        set_thread_groups(&[])?;
    }
    set_thread_res_gid(Gid::ROOT, Gid::ROOT, Gid::ROOT)?;
    set_thread_res_uid(Uid::ROOT, Uid::ROOT, Uid::ROOT)
}

fn mapping(range: UserRange) -> IdMapping {
    IdMapping {
        inside: 0,
        outside: range.first(),
        count: range.count(),
    }
}

/// The status directory belongs to the pod's root, who writes there.
fn give_status_directory(range: UserRange) -> Result<(), Failed> {
    for directory in ["stage1/rootfs/rkt", pod_layout::STATUS] {
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        rustix::fs::openat(CWD, directory, flags, Mode::empty())
            .and_then(|opened| {
                let root = (Uid::from_raw(range.first()), Gid::from_raw(range.first()));
                rustix::fs::fchown(&opened, Some(root.0), Some(root.1))
            })
            .step(|| format!("give {directory} to the pod, whose users are {range}"))?;
    }
    Ok(())
}

/// Shows trees whose owners are those of an image as the pod's user namespace is to see them.
#[derive(Debug)]
pub(crate) struct Shift {
    range: UserRange,
    /// A user namespace with the pod's IDs.
    users: OwnedFd,
    scratch: OwnedFd,
    layers: Cell<u32>,
}

impl Shift {
    fn new(range: UserRange) -> Result<Self, Failed> {
        let ids = [mapping(range)];
        let users = user_namespace::create(&ids, &ids)
            .step(|| format!("make a user namespace with the users {range}"))?;
        let options = [("mode", "0700"), ("size", "1m")];
        let scratch = new_mount("tmpfs", &options, MountAttrFlags::empty())
            .and_then(|scratch| attach(&scratch, CWD, SCRATCH).map(|()| scratch))
            .step(|| "make a place for the layers of the apps")?;
        Ok(Self {
            range,
            users,
            scratch,
            layers: Cell::new(0),
        })
    }

    /// What the host calls user or group `id` of the pod.
    pub(crate) fn to_host(&self, id: u32) -> Result<u32, Errno> {
        self.range.to_host(id).ok_or(Errno::OVERFLOW)
    }

    /// The mount of the tree at `path`, with the owners that the pod is to see.
    ///
    /// It is attached for the time being: before Linux 6.15 an overlay takes no other.
    pub(crate) fn layer(&self, path: &std::path::Path) -> Result<OwnedFd, Failed> {
        let name = || format!("shift the owners of the tree {}", path.display());
        let tree = clone_tree(path, OpenTreeFlags::empty()).step(name)?;
        set_id_mapping(tree.as_fd(), Depth::One, self.users.as_fd()).step(name)?;
        let number = self.layers.replace(self.layers.get() + 1).to_string();
        rustix::fs::mkdirat(&self.scratch, &number, Mode::RWXU).step(name)?;
        attach(&tree, &self.scratch, &number).step(name)?;
        Ok(tree)
    }
}

/// The way back to the host's mounts.
#[derive(Debug)]
struct HostMounts {
    namespace: OwnedFd,
    directory: OwnedFd,
}

impl HostMounts {
    /// Goes to a mount namespace that is a copy of the one this process is in.
    fn leave() -> Result<Self, Failed> {
        let name = || "make a mount namespace";
        let open = |path: &str, flags: OFlags| {
            rustix::fs::openat(CWD, path, flags | OFlags::CLOEXEC, Mode::empty())
        };
        let host = Self {
            namespace: open("/proc/self/ns/mnt", OFlags::RDONLY).step(name)?,
            directory: open(".", OFlags::PATH | OFlags::DIRECTORY).step(name)?,
        };
        unshare(Namespaces::MOUNT).step(name)?;
        Ok(host)
    }

    /// Returns; the copy and all that was mounted in it go, but for what is held open detached.
    fn come_back(self) -> Result<(), Failed> {
        let kind = Some(LinkNameSpaceType::Mount);
        move_into_link_name_space(self.namespace.as_fd(), kind)
            .and_then(|()| rustix::process::fchdir(&self.directory))
            .step(|| "return to the host's mounts")
    }
}

/// A detached copy of the host's `/sys`, which nobody can write through, where the pod can have none of
/// its own: that would show the network, which is the host's.
pub(crate) fn host_sys(
    confined: bool,
    arguments: &RunArguments,
) -> Result<Option<OwnedFd>, Failed> {
    if !confined || arguments.network != Network::Host {
        return Ok(None);
    }
    let name = || "take the host's /sys";
    // With all that is mounted there: who is not root of the host cannot have less of it.
    let sys = clone_tree("/sys".as_ref(), OpenTreeFlags::AT_RECURSIVE).step(name)?;
    let attributes = gantry_sys::mount::MountAttributes {
        read_only: true,
        no_set_id: true,
        no_devices: true,
        no_exec: true,
    };
    gantry_sys::mount::set_attributes(sys.as_fd(), Depth::Tree, attributes).step(name)?;
    Ok(Some(sys))
}

/// Whether the user namespace of this process has group `id`.
pub(crate) fn has_group(id: u32) -> bool {
    user_namespace::own_ids(IdKind::Group).is_ok_and(|ids| ids.iter().any(|ids| has(ids, id)))
}

/// Sets the supplementary groups, where the user namespace has a say in them.
pub(crate) fn set_groups(groups: &[Gid], asked_for: bool) -> Result<(), Failed> {
    match set_thread_groups(groups) {
        // Those of whoever runs the pod stay; within it they are nobody's.
        Err(Errno::PERM) if !asked_for && !user_namespace::may_set_groups() => Ok(()),
        done => done.step(|| match asked_for && !user_namespace::may_set_groups() {
            true => {
                "set the supplementary groups of the app: this pod has no group but its own \
                 (give the user who runs it a range in /etc/subgid, and install newgidmap)"
            }
            false => "set the supplementary groups of the app",
        }),
    }
}

/// Makes sure that the user namespace of this process has user or group `id`.
pub(crate) fn require(kind: IdKind, id: u32) -> Result<(), Failed> {
    let (word, file) = match kind {
        IdKind::User => ("user", "/etc/subuid"),
        IdKind::Group => ("group", "/etc/subgid"),
    };
    let ids = user_namespace::own_ids(kind).step(|| format!("look for {word} {id}"))?;
    match ids.iter().any(|ids| has(ids, id)) {
        true => Ok(()),
        false => Err(Errno::INVAL).step(|| {
            format!(
                "become {word} {id}, whom the user namespace of this pod does not have (give the user who \
                 runs it a range in {file}, and install newuidmap and newgidmap)"
            )
        }),
    }
}

fn has(ids: &IdMapping, id: u32) -> bool {
    id.checked_sub(ids.inside)
        .is_some_and(|offset| offset < ids.count)
}

/// The namespaces of process `init` that a caller has to join to be where it is.
///
/// Only those that are others: nobody can join the users that are his, nor, without rights over the
/// host, the host's network.
pub(crate) fn namespaces_of(init: Pid) -> Result<ThreadNameSpaceType, Failed> {
    let mut kinds = ThreadNameSpaceType::empty();
    for (file, kind) in [
        ("user", ThreadNameSpaceType::USER),
        ("mnt", ThreadNameSpaceType::MOUNT),
        ("pid", ThreadNameSpaceType::PROCESS_ID),
        ("ipc", ThreadNameSpaceType::INTER_PROCESS_COMMUNICATION),
        ("uts", ThreadNameSpaceType::HOST_NAME_AND_NIS_DOMAIN_NAME),
        ("net", ThreadNameSpaceType::NETWORK),
        ("cgroup", ThreadNameSpaceType::CONTROL_GROUP),
    ] {
        let of = |process: &str| {
            let stat = rustix::fs::stat(format!("/proc/{process}/ns/{file}"))?;
            Ok::<_, Errno>((stat.st_dev, stat.st_ino))
        };
        let name = || format!("look at the pod's {file} namespace");
        match of("self") {
            // A kind that this kernel does not have.
            Err(Errno::NOENT) => {}
            own => {
                if own.step(name)? != of(&init.as_raw_nonzero().to_string()).step(name)? {
                    kinds |= kind;
                }
            }
        }
    }
    Ok(kinds)
}

/// Becomes root of the user namespace that was joined, if one was.
pub(crate) fn be_root_of(joined: ThreadNameSpaceType) -> Result<(), Failed> {
    if joined.contains(ThreadNameSpaceType::USER) {
        become_namespace_root().step(|| "become root of the pod")?;
    }
    Ok(())
}
