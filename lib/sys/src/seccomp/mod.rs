//! Filters of system calls: made of names, loaded into the calling thread.
//!
//! A filter knows every way into the kernel that this machine has. On x86_64 these are its own calls,
//! those of i386, which any program can make (`int 0x80`), and those of x32, which are refused with
//! `ENOSYS`, as by the many kernels that are built without them: a call that a filter takes away cannot
//! be made under another number.

mod assemble;
mod calls;
mod errno;
mod multiplexed;

use std::io;

use assemble::{Answer, Section};
use calls::Numbers;

pub use calls::is_call;
pub use errno::number as errno_number;

/// `struct seccomp_data`: where the architecture stands.
const ARCHITECTURE: u32 = 4;

/// Source: linux/audit.h.
const AUDIT_X86_64: u32 = 0xc000_003e;
const AUDIT_I386: u32 = 0x4000_0003;
const AUDIT_AARCH64: u32 = 0xc000_00b7;

/// Set in the numbers of x32 calls.
const X32: u32 = 0x4000_0000;
/// The numbers that only x32 has, which kernels before 5.4 also took without [`X32`].
const X32_ONLY: (u32, u32) = (512, 547);

/// Flags of clone(2) that make namespaces. Source: clone(2).
const NEW_NAMESPACES: u32 = (libc::CLONE_NEWNS
    | libc::CLONE_NEWCGROUP
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET)
    .cast_unsigned();

/// Which calls a filter is about, and what becomes of those it does not let pass.
#[derive(Clone, Debug)]
pub struct Rules<'a> {
    /// Whether the named calls pass, or all others do.
    pub retain: bool,
    /// The calls, by name; names that are no calls here are passed over.
    pub names: &'a [&'a str],
    /// The error that other calls fail with; without one the process is killed by `SIGSYS`.
    pub errno: Option<u16>,
    /// Whether clone(2), where it passes, does so only without flags that make namespaces.
    pub namespaces_kept: bool,
}

/// A filter, ready to be loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter(Vec<Instruction>);

/// An instruction of the kernel's filter language. Source: linux/filter.h.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Instruction {
    code: u16,
    yes: u8,
    no: u8,
    k: u32,
}

/// The ways into the kernel of one machine, the first of which is that of this program.
const ENTRIES: &[(u32, Numbers)] = if cfg!(target_arch = "x86_64") {
    &[(AUDIT_X86_64, Numbers::X86_64), (AUDIT_I386, Numbers::I386)]
} else {
    &[(AUDIT_AARCH64, Numbers::Aarch64)]
};

impl Filter {
    /// Makes a filter.
    ///
    /// Of the calls that a list of allowed ones does not name, those that came after 2018 fail with
    /// `ENOSYS` whatever the rules say: programs then do without, as on the kernels of that time.
    #[must_use]
    pub fn new(rules: &Rules<'_>) -> Self {
        let denied = match rules.errno {
            Some(errno) => Answer::Error(errno),
            None => Answer::Kill,
        };
        let sections = ENTRIES
            .iter()
            .map(|(architecture, numbers)| (*architecture, section(rules, *numbers, &denied)));
        Self(assemble::program(sections.collect()))
    }

    /// A filter that was made before, from [`Filter::program`].
    #[must_use]
    pub fn made_before(program: &[(u16, u8, u8, u32)]) -> Self {
        let instruction = |&(code, yes, no, k)| Instruction { code, yes, no, k };
        Self(program.iter().map(instruction).collect())
    }

    /// Its instructions: code, jumps if true and if false, and value, as in `struct sock_filter`.
    #[must_use]
    pub fn program(&self) -> Vec<(u16, u8, u8, u32)> {
        self.0.iter().map(|i| (i.code, i.yes, i.no, i.k)).collect()
    }

    /// Puts the calling thread, and whatever it starts, under this filter for good.
    ///
    /// # Errors
    ///
    /// `EACCES` for a thread that has neither `CAP_SYS_ADMIN` nor no-new-privileges; `EINVAL` if the
    /// kernel has no filters. Source: seccomp(2).
    pub fn load(&self) -> io::Result<()> {
        let mut instructions: Vec<libc::sock_filter> = self
            .0
            .iter()
            .map(|i| libc::sock_filter {
                code: i.code,
                jt: i.yes,
                jf: i.no,
                k: i.k,
            })
            .collect();
        load(&mut instructions)
    }
}

/// Loads a filter into the calling thread.
pub(crate) fn load(instructions: &mut [libc::sock_filter]) -> io::Result<()> {
    let program = libc::sock_fprog {
        len: u16::try_from(instructions.len())
            .map_err(|_| io::Error::from_raw_os_error(libc::E2BIG))?,
        filter: instructions.as_mut_ptr(),
    };
    // SAFETY: the pointer is to a `sock_fprog` whose `filter` points to `len` instructions; both live
    // until the call returns, and the kernel copies them.
    let rc = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            0,
            &raw const program,
        )
    };
    match rc {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// What a filter answers to the calls of one architecture.
fn section(rules: &Rules<'_>, numbers: Numbers, denied: &Answer) -> Section {
    let named = if rules.retain { &Answer::Allow } else { denied };
    let mut section = Section::new(match rules.retain {
        true => denied.clone(),
        false => Answer::Allow,
    });
    if rules.retain {
        section.from(numbers.last_of_2018() + 1, Answer::Error(ENOSYS));
    }
    for name in rules.names {
        let Some(number) = numbers.of(name) else {
            continue;
        };
        let answer = match *name {
            "clone" if rules.retain && rules.namespaces_kept => Answer::UnlessFlags {
                flags: NEW_NAMESPACES,
                denied: denied.result(),
            },
            _ => named.clone(),
        };
        section.set(number, answer);
    }
    match numbers {
        Numbers::X86_64 => {
            section.range(X32_ONLY.0, X32_ONLY.1, Answer::Error(ENOSYS));
            section.from(X32, Answer::Error(ENOSYS));
        }
        Numbers::I386 => multiplexed::apply(&mut section, rules, named),
        Numbers::Aarch64 => {}
    }
    section
}

const ENOSYS: u16 = libc::ENOSYS as u16;

#[cfg(test)]
mod tests;
