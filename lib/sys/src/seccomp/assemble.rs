//! From answers to calls to a program of the kernel's filter language.

use std::collections::BTreeMap;

use super::{ARCHITECTURE, Instruction};

/// `struct seccomp_data`: where the number of the call stands.
const NUMBER: u32 = 0;
/// Where the lower half of the first argument stands, on little-endian machines.
const FIRST_ARGUMENT: u32 = 16;

const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
const JUMP: u16 = (libc::BPF_JMP | libc::BPF_JA) as u16;
const IF_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
const IF_AT_LEAST: u16 = (libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K) as u16;
const IF_ANY_BIT: u16 = (libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K) as u16;
const AND: u16 = (libc::BPF_ALU | libc::BPF_AND | libc::BPF_K) as u16;

/// What becomes of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It is made.
    Allow,
    /// It fails with this number.
    Error(u16),
    /// The process is killed by `SIGSYS`.
    Kill,
    /// It is made if its first argument has none of these flags.
    UnlessFlags { flags: u32, denied: u32 },
    /// It depends on the lower 16 bits of the first argument: this result for those in the list, and the
    /// other for all others.
    ByFirst {
        list: Vec<u16>,
        result: u32,
        other: u32,
    },
}

impl Answer {
    /// The value that a filter returns for it; what depends on arguments has none.
    pub(super) fn result(&self) -> u32 {
        match self {
            Self::Allow => libc::SECCOMP_RET_ALLOW,
            Self::Error(number) => libc::SECCOMP_RET_ERRNO | u32::from(*number),
            Self::Kill | Self::UnlessFlags { .. } | Self::ByFirst { .. } => {
                libc::SECCOMP_RET_KILL_PROCESS
            }
        }
    }

    fn instructions(&self) -> Vec<Instruction> {
        match self {
            Self::Allow | Self::Error(_) | Self::Kill => vec![give(self.result())],
            Self::UnlessFlags { flags, denied } => vec![
                plain(LOAD, FIRST_ARGUMENT),
                jump(IF_ANY_BIT, *flags, 0, 1),
                give(*denied),
                give(libc::SECCOMP_RET_ALLOW),
            ],
            Self::ByFirst {
                list,
                result,
                other,
            } => {
                let mut code = vec![plain(LOAD, FIRST_ARGUMENT), plain(AND, 0xffff)];
                for value in list {
                    code.push(jump(IF_EQUAL, u32::from(*value), 0, 1));
                    code.push(give(*result));
                }
                code.push(give(*other));
                code
            }
        }
    }
}

/// The answers to all calls of one architecture.
#[derive(Clone, Debug)]
pub(super) struct Section {
    /// From each number to the next one here; the first is 0.
    starts: BTreeMap<u32, Answer>,
}

impl Section {
    pub(super) fn new(default: Answer) -> Self {
        Self {
            starts: BTreeMap::from([(0, default)]),
        }
    }

    /// What a number is answered with so far.
    pub(super) fn at(&self, number: u32) -> Answer {
        self.starts
            .range(..=number)
            .next_back()
            .map_or(Answer::Kill, |(_, answer)| answer.clone())
    }

    /// Answers the calls from `first` to `last`, both included.
    pub(super) fn range(&mut self, first: u32, last: u32, answer: Answer) {
        let after = last.checked_add(1).map(|next| (next, self.at(next)));
        self.from(first, answer);
        if let Some((next, answer)) = after {
            // What was beyond stays as it was.
            self.starts.insert(next, answer);
        }
    }

    /// Answers one call.
    pub(super) fn set(&mut self, number: u32, answer: Answer) {
        let next = number.saturating_add(1);
        if !self.starts.contains_key(&next) {
            self.starts.insert(next, self.at(number));
        }
        self.starts.insert(number, answer);
    }

    /// Answers all calls from `first` on.
    pub(super) fn from(&mut self, first: u32, answer: Answer) {
        self.starts.split_off(&first);
        self.starts.insert(first, answer);
    }

    fn instructions(&self) -> Vec<Instruction> {
        let mut ranges: Vec<(u32, &Answer)> = Vec::with_capacity(self.starts.len());
        for (start, answer) in &self.starts {
            if ranges.last().is_none_or(|(_, before)| *before != answer) {
                ranges.push((*start, answer));
            }
        }
        let mut code = vec![plain(LOAD, NUMBER)];
        code.extend(tree(&ranges));
        code
    }
}

/// Finds the range of a number by halving, so that every call meets few comparisons.
fn tree(ranges: &[(u32, &Answer)]) -> Vec<Instruction> {
    let (lower, upper) = ranges.split_at(ranges.len() / 2);
    let (Some(_), Some((pivot, _))) = (lower.first(), upper.first()) else {
        return upper
            .first()
            .map_or_else(Vec::new, |(_, answer)| answer.instructions());
    };
    let (low, high) = (tree(lower), tree(upper));
    let mut code = Vec::with_capacity(low.len() + high.len() + 2);
    match u8::try_from(low.len()) {
        Ok(near) => code.push(jump(IF_AT_LEAST, *pivot, near, 0)),
        Err(_) => {
            code.push(jump(IF_AT_LEAST, *pivot, 0, 1));
            code.push(plain(JUMP, low.len() as u32));
        }
    }
    code.extend(low);
    code.extend(high);
    code
}

/// The whole program: a call of an architecture that is not among `sections` kills the process.
pub(super) fn program(sections: Vec<(u32, Section)>) -> Vec<Instruction> {
    let mut code = vec![plain(LOAD, ARCHITECTURE)];
    for (architecture, section) in sections {
        let body = section.instructions();
        code.push(jump(IF_EQUAL, architecture, 1, 0));
        code.push(plain(JUMP, body.len() as u32));
        code.extend(body);
    }
    code.push(give(Answer::Kill.result()));
    code
}

const fn plain(code: u16, k: u32) -> Instruction {
    jump(code, k, 0, 0)
}

const fn give(result: u32) -> Instruction {
    plain(RETURN, result)
}

/// Skips `yes` instructions if the comparison holds, else `no`.
const fn jump(code: u16, k: u32, yes: u8, no: u8) -> Instruction {
    Instruction { code, yes, no, k }
}
