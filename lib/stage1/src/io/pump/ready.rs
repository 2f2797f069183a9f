//! What the pump waits for, and what it does when that is ready.

use std::os::fd::{AsFd as _, BorrowedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::{Input, Journal, Pump, Target, To};

/// What a descriptor in a call of poll is for, with its place in the list of its kind.
#[derive(Clone, Copy, Debug)]
pub(super) enum Token {
    Signals,
    Source(usize),
    Input(usize),
    Client(usize),
    Listener(usize),
    Console,
    Journal,
    Caller,
    Notification(usize),
}

impl Pump {
    /// Waits until something is ready. With `only_out` nothing more is taken from anybody.
    pub(super) fn poll<'a>(
        &'a self,
        left: Option<Duration>,
        only_out: bool,
    ) -> Result<Vec<(Token, PollFlags)>, Errno> {
        let mut waits: Vec<(Token, PollFd<'a>)> =
            Vec::with_capacity(4 + self.sources.len() + self.listeners.len());
        let mut add = |token, fd: BorrowedFd<'a>, flags| {
            waits.push((token, PollFd::from_borrowed_fd(fd, flags)));
        };
        add(Token::Signals, self.signals.as_fd(), PollFlags::IN);
        for console in &self.consoles {
            if let Some(fd) = console.waits() {
                add(Token::Console, fd, PollFlags::OUT);
            }
        }
        if let Some(fd) = self.journal.as_ref().and_then(Journal::waits) {
            add(Token::Journal, fd, PollFlags::OUT);
        }
        for (number, client) in self.clients.iter().enumerate() {
            let mut flags = PollFlags::empty();
            if client.queue.waits() {
                flags |= PollFlags::OUT;
            }
            if !only_out && client.reads && self.input_has_room(client.app, client.target) {
                flags |= PollFlags::IN;
            }
            // One that only gets output is watched for its end.
            let watched = !only_out && !client.reads;
            if watched || !flags.is_empty() {
                add(Token::Client(number), client.queue.fd(), flags);
            }
        }
        if !only_out {
            let count = self.sources.len();
            for step in 0..count {
                let number = (self.first + step) % count;
                if self.has_room(number) {
                    add(
                        Token::Source(number),
                        self.sources[number].fd.as_fd(),
                        PollFlags::IN,
                    );
                }
            }
            for (number, input) in self.inputs.iter().enumerate() {
                if input.queue.waits() {
                    add(Token::Input(number), input.queue.fd(), PollFlags::OUT);
                }
            }
            for (number, listener) in self.listeners.iter().enumerate() {
                add(Token::Listener(number), listener.fd.as_fd(), PollFlags::IN);
            }
            let takes = |input: &Input| input.target == Target::Tty && input.queue.has_room();
            for (number, socket) in self.readiness.sockets().enumerate() {
                add(Token::Notification(number), socket.as_fd(), PollFlags::IN);
            }
            if self.caller_input && self.inputs.iter().any(takes) {
                add(Token::Caller, rustix::stdio::stdin(), PollFlags::IN);
            }
        }
        let (tokens, mut fds): (Vec<_>, Vec<_>) = waits.into_iter().unzip();
        let timeout = left.and_then(|left| Timespec::try_from(left).ok());
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) => {}
            Err(Errno::INTR) => return Ok(Vec::new()),
            Err(error) => return Err(error),
        }
        let ready = tokens.into_iter().zip(fds.iter().map(PollFd::revents));
        Ok(ready.filter(|(_, flags)| !flags.is_empty()).collect())
    }

    pub(super) fn handle(&mut self, token: Token, flags: PollFlags) {
        match token {
            // The number of each is still right: lists get shorter in `settle` alone.
            Token::Source(number) => drop(self.read(number)),
            Token::Input(number) => self.inputs[number].queue.flush(),
            Token::Client(number) => self.client(number, flags),
            Token::Listener(number) => self.accept(number),
            Token::Caller => self.caller(),
            Token::Notification(number) => self.readiness.receive(number),
            // They are flushed in `settle`.
            Token::Console | Token::Journal | Token::Signals => {}
        }
    }

    /// Whether what a source may hold has somewhere to go.
    pub(super) fn has_room(&self, number: usize) -> bool {
        let source = &self.sources[number];
        match source.to {
            To::Log(stream) => {
                self.console(stream)
                    .is_none_or(|number| self.consoles[number].has_room())
                    && self.journal.as_ref().is_none_or(Journal::has_room)
            }
            To::Attached(target) => self
                .clients
                .iter()
                .filter(|client| (client.app, client.target) == (source.app, target))
                .all(|client| client.queue.has_room()),
            To::Caller => self.consoles[0].has_room(),
        }
    }

    fn input_has_room(&self, app: usize, target: Target) -> bool {
        let mut inputs = self.inputs.iter();
        inputs.any(|input| (input.app, input.target) == (app, target) && input.queue.has_room())
    }
}
