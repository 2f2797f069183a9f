//! Where init waits until the pod has its networks.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;

use rustix::pipe::{PipeFlags, pipe_with};

use crate::failed::{Failed, Step as _};

/// A pipe: what comes through it is a word that all is well, and the text of a `resolv.conf`, if any.
#[derive(Debug)]
pub(crate) struct Gate {
    read: OwnedFd,
    write: OwnedFd,
}

/// That all is well. A pipe that ends without it is that of a supervisor that failed.
const OPEN: u8 = b'+';

impl Gate {
    /// A closed gate.
    pub(crate) fn new() -> Result<Self, Failed> {
        let (read, write) = pipe_with(PipeFlags::CLOEXEC).step(|| "make a pipe")?;
        Ok(Self { read, write })
    }

    /// In the supervisor: lets init pass, with the text of a `resolv.conf` for the apps.
    pub(crate) fn open(self, resolv_conf: Option<&str>) {
        drop(self.read);
        let mut message = vec![OPEN];
        message.extend_from_slice(resolv_conf.unwrap_or_default().as_bytes());
        // Nobody reads if init is gone, which is seen elsewhere.
        let _ = File::from(self.write).write_all(&message);
    }

    /// In init: waits until the gate is opened.
    pub(crate) fn pass(self) -> Result<Option<String>, Failed> {
        drop(self.write);
        let name = || "wait for the pod's networks";
        let mut message = String::new();
        File::from(self.read)
            .read_to_string(&mut message)
            .step(name)?;
        match message.strip_prefix(char::from(OPEN)) {
            Some("") => Ok(None),
            Some(text) => Ok(Some(text.to_owned())),
            None => Err(io::Error::from(io::ErrorKind::BrokenPipe)).step(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn through(text: Option<&str>) -> Result<Option<String>, Failed> {
        let gate = Gate::new().unwrap();
        let other = Gate {
            read: gate.read.try_clone().unwrap(),
            write: gate.write.try_clone().unwrap(),
        };
        let opener = std::thread::spawn({
            let text = text.map(ToOwned::to_owned);
            move || match text.as_deref() {
                Some("never") => drop(other),
                text => other.open(text),
            }
        });
        let passed = gate.pass();
        opener.join().unwrap();
        passed
    }

    #[test]
    fn what_is_sent_arrives_and_an_early_end_is_none() {
        assert_eq!(through(None).unwrap(), None);
        assert_eq!(
            through(Some("nameserver 1.1.1.1\n")).unwrap().as_deref(),
            Some("nameserver 1.1.1.1\n")
        );
        assert!(through(Some("never")).is_err());
    }
}
