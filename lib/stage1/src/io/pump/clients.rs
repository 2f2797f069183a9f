//! Who writes to the apps of a pod: those who are attached, and the caller.

use rustix::event::PollFlags;
use rustix::io::Errno;
use rustix::net::{SocketFlags, accept_with};

use super::{CHUNK_BYTES, Listener, Pump, Queue, Target};

/// Somebody who is attached to a stream.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) app: usize,
    pub(super) target: Target,
    pub(super) queue: Queue,
    /// More may come from it.
    pub(super) reads: bool,
}

impl Pump {
    /// A client has something to say, takes more, or went away.
    pub(super) fn client(&mut self, number: usize, flags: PollFlags) {
        let client = &mut self.clients[number];
        client.queue.flush();
        let gone = PollFlags::HUP | PollFlags::ERR;
        if !client.reads {
            if flags.intersects(gone) {
                client.queue.close();
            }
            return;
        }
        if !flags.intersects(PollFlags::IN | gone) {
            return;
        }
        let mut bytes = [0; CHUNK_BYTES];
        match rustix::io::read(client.queue.fd(), &mut bytes) {
            // Others may still write: the app's input goes on.
            Ok(0) if client.target == Target::Tty => client.reads = false,
            Err(Errno::INTR | Errno::AGAIN) => {}
            Ok(0) | Err(_) => client.queue.close(),
            Ok(count) => {
                let (app, target) = (client.app, client.target);
                self.input(app, target, &bytes[..count]);
            }
        }
    }

    fn input(&mut self, app: usize, target: Target, bytes: &[u8]) {
        for input in &mut self.inputs {
            if (input.app, input.target) == (app, target) {
                input.queue.push(bytes);
            }
        }
    }

    pub(super) fn accept(&mut self, number: usize) {
        let Listener { app, target, fd } = &self.listeners[number];
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        if let Ok(client) = accept_with(fd, flags) {
            self.clients.push(Client {
                app: *app,
                target: *target,
                queue: Queue::new(client),
                reads: matches!(target, Target::Stdin | Target::Tty),
            });
        }
    }

    /// Passes on what is typed at the caller's terminal.
    pub(super) fn caller(&mut self) {
        let mut bytes = [0; CHUNK_BYTES];
        match rustix::io::read(rustix::stdio::stdin(), &mut bytes) {
            Err(Errno::INTR | Errno::AGAIN) => {}
            Ok(0) | Err(_) => self.caller_input = false,
            Ok(count) => {
                self.escape.watch(&bytes[..count]);
                for input in &mut self.inputs {
                    if input.target == Target::Tty {
                        input.queue.push(&bytes[..count]);
                    }
                }
            }
        }
    }
}
