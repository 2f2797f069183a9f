//! Where init waits until the pod has its networks.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;

use rustix::pipe::{PipeFlags, pipe_with};

use crate::failed::{Failed, Step as _};

/// A pipe: what comes through it is a sign that all is well, a line with the URL of the metadata service, which
/// may be empty, and the text of a `resolv.conf`, if any.
#[derive(Debug)]
pub(crate) struct Gate {
    read: OwnedFd,
    write: OwnedFd,
}

/// That all is well. A pipe that ends without it is that of a supervisor that failed.
const OPEN: u8 = b'+';

/// What init has to know of the networks before it starts the apps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Word {
    /// The text of a `resolv.conf` for the apps.
    pub(crate) resolv_conf: Option<String>,
    /// Where apps find the metadata service; one line.
    pub(crate) metadata_url: Option<String>,
}

impl Gate {
    /// A closed gate.
    pub(crate) fn new() -> Result<Self, Failed> {
        let (read, write) = pipe_with(PipeFlags::CLOEXEC).step(|| "make a pipe")?;
        Ok(Self { read, write })
    }

    /// In the supervisor: lets init pass.
    pub(crate) fn open(self, word: &Word) {
        drop(self.read);
        let url = word.metadata_url.as_deref().unwrap_or_default();
        let resolv_conf = word.resolv_conf.as_deref().unwrap_or_default();
        let mut message = vec![OPEN];
        message.extend(format!("{url}\n{resolv_conf}").bytes());
        // Nobody reads if init is gone, which is seen elsewhere.
        let _ = File::from(self.write).write_all(&message);
    }

    /// In init: waits until the gate is opened.
    pub(crate) fn pass(self) -> Result<Word, Failed> {
        drop(self.write);
        let name = || "wait for the pod's networks";
        let mut message = String::new();
        File::from(self.read)
            .read_to_string(&mut message)
            .step(name)?;
        let message = message.strip_prefix(char::from(OPEN));
        let Some((url, resolv_conf)) = message.and_then(|message| message.split_once('\n')) else {
            return Err(io::Error::from(io::ErrorKind::BrokenPipe)).step(name);
        };
        let unless_empty = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Ok(Word {
            resolv_conf: unless_empty(resolv_conf),
            metadata_url: unless_empty(url),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn through(word: Option<Word>) -> Result<Word, Failed> {
        let gate = Gate::new().unwrap();
        let other = Gate {
            read: gate.read.try_clone().unwrap(),
            write: gate.write.try_clone().unwrap(),
        };
        let opener = std::thread::spawn(move || match word {
            None => drop(other),
            Some(word) => other.open(&word),
        });
        let passed = gate.pass();
        opener.join().unwrap();
        passed
    }

    #[test]
    fn what_is_sent_arrives_and_an_early_end_is_none() {
        let (conf, url) = ("nameserver 1.1.1.1\nsearch a\n", "http://10.0.0.1:18112/t");
        for (resolv_conf, metadata_url) in [
            (None, None),
            (Some(conf), None),
            (None, Some(url)),
            (Some(conf), Some(url)),
        ] {
            let word = Word {
                resolv_conf: resolv_conf.map(str::to_owned),
                metadata_url: metadata_url.map(str::to_owned),
            };
            assert_eq!(through(Some(word.clone())).unwrap(), word);
        }
        assert!(through(None).is_err());
    }
}
