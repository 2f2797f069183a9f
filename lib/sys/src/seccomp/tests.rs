//! Filters are compared with their rules by an interpreter, and asked for by the kernel.

use std::collections::BTreeSet;

use super::*;

const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;
const KILL: u32 = libc::SECCOMP_RET_KILL_PROCESS;

fn fails(errno: i32) -> u32 {
    libc::SECCOMP_RET_ERRNO | errno.cast_unsigned()
}

/// What the kernel would do. Source: Documentation/networking/filter.rst.
fn ask(filter: &Filter, architecture: u32, number: u32, first: u32) -> u32 {
    let (mut at, mut a) = (0, 0);
    loop {
        let i = filter.0[at];
        at += 1;
        let taken = match i.code {
            0x20 => {
                a = match i.k {
                    0 => number,
                    4 => architecture,
                    16 => first,
                    other => panic!("load of {other}"),
                };
                continue;
            }
            0x54 => {
                a &= i.k;
                continue;
            }
            0x05 => {
                at += i.k as usize;
                continue;
            }
            0x06 => return i.k,
            0x15 => a == i.k,
            0x35 => a >= i.k,
            0x45 => a & i.k != 0,
            other => panic!("instruction {other:#x}"),
        };
        at += usize::from(if taken { i.yes } else { i.no });
    }
}

fn retain<'a>(names: &'a [&'a str]) -> Rules<'a> {
    Rules {
        retain: true,
        names,
        errno: Some(1),
        namespaces_kept: false,
    }
}

fn remove<'a>(names: &'a [&'a str]) -> Rules<'a> {
    Rules {
        retain: false,
        ..retain(names)
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::*;

    const OF_X86_64: [(u32, Numbers); 2] =
        [(AUDIT_X86_64, Numbers::X86_64), (AUDIT_I386, Numbers::I386)];

    /// The rules themselves, without a program.
    fn expected(rules: &Rules<'_>, numbers: Numbers, number: u32) -> u32 {
        let denied = rules.errno.map_or(KILL, |errno| fails(errno.into()));
        let named = rules
            .names
            .iter()
            .any(|name| numbers.of(name) == Some(number));
        if numbers == Numbers::X86_64 && (number >= X32 || (512..548).contains(&number)) {
            return fails(libc::ENOSYS);
        }
        match (rules.retain, named) {
            (true, true) | (false, false) => ALLOW,
            (false, true) => denied,
            (true, false) if number > numbers.last_of_2018() => fails(libc::ENOSYS),
            (true, false) => denied,
        }
    }

    #[test]
    fn every_number_is_answered_as_the_rules_say() {
        let names: Vec<&str> = "read write openat mount stime clone3 statx openat2 io_uring_setup \
            umount2 umount _llseek mmap2 cachestat file_setattr ponies restart_syscall"
            .split_whitespace()
            .collect();
        for rules in [
            retain(&names),
            remove(&names),
            retain(&[]),
            remove(&[]),
            Rules {
                errno: None,
                ..retain(&names)
            },
        ] {
            let filter = Filter::new(&rules);
            for (architecture, numbers) in OF_X86_64 {
                for number in (0..700).chain([X32 - 1, X32, X32 + 165, X32 + 512, u32::MAX]) {
                    assert_eq!(
                        ask(&filter, architecture, number, 0),
                        expected(&rules, numbers, number),
                        "{rules:?} {numbers:?} {number}"
                    );
                }
            }
            for other in [AUDIT_AARCH64, 0, 0xc000_0015] {
                assert_eq!(ask(&filter, other, 0, 0), KILL);
            }
        }
    }

    #[test]
    fn every_subset_of_the_calls_makes_a_valid_program() {
        // Subsets by bits of a multiplier, so that ranges of all lengths come up.
        let all: Vec<&str> = (0..470_u32).filter_map(super::calls::name_of_row).collect();
        assert_eq!(all.len(), 470);
        for seed in [0_u64, 1, 0x5555_5555, 0x9e37_79b9_7f4a_7c15, u64::MAX] {
            let chosen: Vec<&str> = all
                .iter()
                .enumerate()
                .filter(|(i, _)| (*i as u64).wrapping_mul(seed | 1) >> 7 & 1 == seed & 1)
                .map(|(_, name)| *name)
                .filter(|name| !matches!(*name, "socketcall" | "ipc"))
                .collect();
            for rules in [retain(&chosen), remove(&chosen)] {
                let filter = Filter::new(&rules);
                assert!(filter.0.len() < 4096);
                let sub_functions: BTreeSet<u32> = [102, 117].into();
                for (architecture, numbers) in OF_X86_64 {
                    for number in 0..600 {
                        if numbers == Numbers::I386 && sub_functions.contains(&number) {
                            continue;
                        }
                        let answer = ask(&filter, architecture, number, 0);
                        assert_eq!(answer, expected(&rules, numbers, number), "{number}");
                    }
                }
            }
        }
    }

    #[test]
    fn sub_functions_of_i386_follow_the_calls_they_are() {
        let i386 =
            |rules: &Rules<'_>, number, first| ask(&Filter::new(rules), AUDIT_I386, number, first);
        const SOCKETCALL: u32 = 102;
        const IPC: u32 = 117;
        let no_sockets = remove(&["socket", "msgget"]);
        assert_eq!(i386(&no_sockets, SOCKETCALL, 1), fails(libc::EPERM));
        assert_eq!(i386(&no_sockets, SOCKETCALL, 2), ALLOW);
        assert_eq!(i386(&no_sockets, IPC, 13), fails(libc::EPERM));
        // The upper half is a version, which the kernel does not look at for most functions.
        assert_eq!(i386(&no_sockets, IPC, 0x1_000d), fails(libc::EPERM));
        assert_eq!(i386(&no_sockets, IPC, 23), ALLOW);
        let only_sockets = retain(&["socket"]);
        assert_eq!(i386(&only_sockets, SOCKETCALL, 1), ALLOW);
        assert_eq!(i386(&only_sockets, SOCKETCALL, 3), fails(libc::EPERM));
        assert_eq!(i386(&only_sockets, IPC, 13), fails(libc::EPERM));
        assert_eq!(i386(&retain(&["socketcall"]), SOCKETCALL, 3), ALLOW);
        assert_eq!(
            i386(&remove(&["socketcall"]), SOCKETCALL, 3),
            fails(libc::EPERM)
        );
    }

    #[test]
    fn clone_makes_processes_but_no_namespaces() {
        let rules = Rules {
            namespaces_kept: true,
            ..retain(&["clone"])
        };
        let filter = Filter::new(&rules);
        for (architecture, number) in [(AUDIT_X86_64, 56), (AUDIT_I386, 120)] {
            assert_eq!(ask(&filter, architecture, number, 0x11), ALLOW);
            assert_eq!(ask(&filter, architecture, number, 0x003d_0f00), ALLOW);
            for flag in [0x1000_0011, 0x2_0000, 0x7e02_0000] {
                assert_eq!(ask(&filter, architecture, number, flag), fails(libc::EPERM));
            }
        }
        // Its flags lie in memory, where a filter cannot look.
        assert_eq!(ask(&filter, AUDIT_X86_64, 435, 0), fails(libc::ENOSYS));
    }
}

/// Loads a filter in a thread of its own, and makes a call under it: its error, or 0.
fn under(rules: &Rules<'_>, number: libc::c_long) -> i32 {
    let filter = Filter::new(rules);
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            // SAFETY: the call takes integers only.
            unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
            filter.load().unwrap();
            // SAFETY: the calls of these tests take no arguments or fail for null ones, and change nothing.
            match unsafe { libc::syscall(number, 0, 0, 0) } {
                -1 => io::Error::last_os_error().raw_os_error().unwrap_or(0),
                _ => 0,
            }
        });
        thread.join().unwrap()
    })
}

#[test]
fn the_kernel_holds_to_filters() {
    assert_eq!(under(&remove(&["getppid"]), libc::SYS_getppid), libc::EPERM);
    assert_eq!(under(&remove(&["mount"]), libc::SYS_getppid), 0);
    let few: Vec<&str> = (0..470_u32)
        .filter_map(calls::name_of_row)
        .filter(|name| !matches!(*name, "getppid" | "openat2"))
        .collect();
    assert_eq!(under(&retain(&few), libc::SYS_getuid), 0);
    assert_eq!(under(&retain(&few), libc::SYS_getppid), libc::EPERM);
    assert_eq!(under(&retain(&few), libc::SYS_openat2), libc::ENOSYS);
}

#[test]
fn without_an_error_the_process_is_killed() {
    use std::os::unix::process::ExitStatusExt as _;
    let variable = "GANTRY_TEST_SECCOMP_KILL";
    if std::env::var_os(variable).is_some() {
        let rules = Rules {
            errno: None,
            ..remove(&["getppid"])
        };
        under(&rules, libc::SYS_getppid);
        return;
    }
    let name = "seccomp::tests::without_an_error_the_process_is_killed";
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name])
        .env(variable, "1")
        .output()
        .unwrap();
    assert_eq!(output.status.signal(), Some(libc::SIGSYS), "{output:?}");
}

#[test]
fn a_filter_of_the_usual_size_is_made_fast() {
    let names: Vec<&str> = (0..470_u32)
        .filter_map(calls::name_of_row)
        .filter(|name| name.len() % 5 != 0)
        .collect();
    let begin = std::time::Instant::now();
    let filter = Filter::new(&retain(&names));
    // Some 0.1 ms when optimised; tests are not, and share the machine.
    assert!(begin.elapsed().as_millis() < 100);
    assert!(filter.0.len() > 100);
}
