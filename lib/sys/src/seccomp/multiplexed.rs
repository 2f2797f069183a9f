//! Calls that i386 also has as sub-functions of `socketcall` and `ipc`.
//!
//! A filter that takes `socket` away and knows only its own number would leave `socketcall` with the
//! same meaning.

use super::Rules;
use super::assemble::{Answer, Section};
use super::calls::Numbers;

/// The sub-functions of socketcall(2). Source: linux/net.h.
const SOCKETCALL: [(&str, u16); 20] = [
    ("socket", 1),
    ("bind", 2),
    ("connect", 3),
    ("listen", 4),
    ("accept", 5),
    ("getsockname", 6),
    ("getpeername", 7),
    ("socketpair", 8),
    ("send", 9),
    ("recv", 10),
    ("sendto", 11),
    ("recvfrom", 12),
    ("shutdown", 13),
    ("setsockopt", 14),
    ("getsockopt", 15),
    ("sendmsg", 16),
    ("recvmsg", 17),
    ("accept4", 18),
    ("recvmmsg", 19),
    ("sendmmsg", 20),
];

/// The sub-functions of ipc(2), in the lower 16 bits of its first argument. Source: linux/ipc.h.
const IPC: [(&str, u16); 12] = [
    ("semop", 1),
    ("semget", 2),
    ("semctl", 3),
    ("semtimedop", 4),
    ("msgsnd", 11),
    ("msgrcv", 12),
    ("msgget", 13),
    ("msgctl", 14),
    ("shmat", 21),
    ("shmdt", 22),
    ("shmget", 23),
    ("shmctl", 24),
];

/// Answers the two calls by what each sub-function is answered with.
///
/// `named` is the answer to a call that the rules name.
pub(super) fn apply(section: &mut Section, rules: &Rules<'_>, named: &Answer) {
    for (call, functions) in [("socketcall", &SOCKETCALL[..]), ("ipc", &IPC[..])] {
        // Whoever names the call itself means all it can do.
        if rules.names.contains(&call) {
            continue;
        }
        let list: Vec<u16> = functions
            .iter()
            .filter(|(name, _)| rules.names.contains(name))
            .map(|(_, function)| *function)
            .collect();
        if let Some(number) = Numbers::I386.of(call).filter(|_| !list.is_empty()) {
            let other = section.at(number).result();
            let result = named.result();
            section.set(
                number,
                Answer::ByFirst {
                    list,
                    result,
                    other,
                },
            );
        }
    }
}
