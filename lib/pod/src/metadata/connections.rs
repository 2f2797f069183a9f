//! How many connections there are, of whom, and for how long. Each is for one request.

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;
use std::time::Duration;

/// Most connections at once, for apps and for root each.
const MAX_ALL: usize = 256;

/// Most connections at once of one address: a pod cannot keep the others from being answered.
const MAX_PER_PEER: usize = 32;

/// How long a request may take to come in.
pub(super) const REQUEST_TIME: Duration = Duration::from_secs(20);

/// How long an answer may take to go out.
pub(super) const REPLY_TIME: Duration = Duration::from_secs(20);

/// How long a client may take to close its side after the answer.
pub(super) const LINGER: Duration = Duration::from_secs(2);

/// How long an answer may still take after the service was told to stop.
pub(super) const LAST_ANSWER: Duration = Duration::from_secs(3);

/// Connections that are open, by the address that they come from.
#[derive(Clone, Debug, Default)]
pub(super) struct Slots(Rc<RefCell<HashMap<Option<IpAddr>, usize>>>);

/// A connection's place among them, free again when it is dropped.
#[derive(Debug)]
pub(super) struct Slot {
    slots: Slots,
    peer: Option<IpAddr>,
}

/// Whose connections count together: whoever is on the host's network has all loopback addresses.
fn counted(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        address if address.is_loopback() => Ipv4Addr::LOCALHOST.into(),
        address => address,
    }
}

impl Slots {
    /// A place for a connection; root's connections have no address. `None` if there are too many.
    pub(super) fn take(&self, peer: Option<IpAddr>) -> Option<Slot> {
        let peer = peer.map(counted);
        let mut open = self.0.borrow_mut();
        let of_peer = open.get(&peer).copied().unwrap_or(0);
        let limit = match peer {
            Some(_) => MAX_PER_PEER,
            None => MAX_ALL,
        };
        if of_peer >= limit || open.values().sum::<usize>() >= MAX_ALL {
            return None;
        }
        open.insert(peer, of_peer + 1);
        Some(Slot {
            slots: self.clone(),
            peer,
        })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut open = self.slots.0.borrow_mut();
        match open.get_mut(&self.peer) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(open.remove(&self.peer)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_address_takes_the_places_of_all() {
        let slots = Slots::default();
        let peer = |n: u8| Some(IpAddr::from([10, 0, 0, n]));
        let mut first: Vec<_> = (0..MAX_PER_PEER)
            .map(|_| slots.take(peer(1)).unwrap())
            .collect();
        assert!(slots.take(peer(1)).is_none());
        let mut others = Vec::new();
        for n in 2..9 {
            others.extend((0..MAX_PER_PEER).map(|_| slots.take(peer(n)).unwrap()));
        }
        assert!(slots.take(peer(200)).is_none());
        first.pop();
        drop(slots.take(peer(200)).unwrap());
        others.clear();
        first.clear();
        assert!(slots.0.borrow().is_empty());
        let loopback = |n: usize| Some(IpAddr::from([127, 0, 0, u8::try_from(n).unwrap()]));
        first.extend((1..=MAX_PER_PEER).map(|n| slots.take(loopback(n)).unwrap()));
        assert!(slots.take(loopback(200)).is_none());
        assert!(
            slots
                .take(Some("::ffff:127.9.9.9".parse().unwrap()))
                .is_none()
        );
        first.clear();
        let root: Vec<_> = (0..MAX_ALL).map(|_| slots.take(None).unwrap()).collect();
        assert!(slots.take(None).is_none());
        drop(root);
    }
}
