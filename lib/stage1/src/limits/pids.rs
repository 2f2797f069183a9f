//! How many processes a pod may have when nobody says.

use super::wanted::{Asked, Limit};

/// The most processes and threads of a pod that says nothing of them, enough for any server and too
/// few to fill the machine's process table.
pub(crate) const DEFAULT_LIMIT: u64 = 4096;

/// Numbers that are not given out again once all were used. Source: Linux, include/linux/pid.h.
const RESERVED_NUMBERS: u64 = 300;

/// The first kernel where each PID namespace has a `kernel.pid_max` of its own. Before, a write in
/// the pod would have changed it for the whole machine. Source: Linux 6.14, kernel/pid_namespace.c.
const OWN_MAXIMUM_SINCE: (u32, u32) = (6, 14);

/// The limit of the pod as a whole: room for what its apps ask for; `None` for no limit.
pub(crate) fn of_pod<'a>(apps: impl Iterator<Item = &'a [Asked]>) -> Option<u64> {
    let mut sum: u64 = 0;
    for asked in apps.flatten() {
        match asked.limit {
            Ok(Limit::Pids(None)) => return None,
            Ok(Limit::Pids(Some(most))) => sum = sum.saturating_add(most),
            _ => {}
        }
    }
    Some(sum.max(DEFAULT_LIMIT))
}

/// The value of `kernel.pid_max` that bounds a pod to about `limit` processes, where the kernel can.
pub(crate) fn maximum_number(limit: u64) -> Option<u32> {
    let name = rustix::system::uname();
    let release = name.release().to_str().ok()?;
    (version(release)? >= OWN_MAXIMUM_SINCE)
        .then(|| u32::try_from(limit.saturating_add(RESERVED_NUMBERS)).ok())
        .flatten()
}

/// The first two numbers of a kernel's release, such as `6.18.44-amd64`.
fn version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_compared_by_their_numbers() {
        assert_eq!(version("6.14.0"), Some((6, 14)));
        assert_eq!(version("6.9-rc1"), Some((6, 9)));
        assert!(version("6.9.1").unwrap() < OWN_MAXIMUM_SINCE);
        assert!(version("10.0").unwrap() > OWN_MAXIMUM_SINCE);
        assert_eq!(
            (version(""), version("next"), version("6")),
            (None, None, None)
        );
    }

    #[test]
    fn a_pod_has_room_for_its_apps() {
        let asked = |limit| {
            vec![Asked {
                name: String::new(),
                limit: Ok(Limit::Pids(limit)),
                narrowed: None,
            }]
        };
        let of = |limits: &[Option<u64>]| {
            let all: Vec<Vec<Asked>> = limits.iter().map(|limit| asked(*limit)).collect();
            of_pod(all.iter().map(|asked| &asked[..]))
        };
        assert_eq!(of(&[]), Some(DEFAULT_LIMIT));
        assert_eq!(of(&[Some(10)]), Some(DEFAULT_LIMIT));
        assert_eq!(of(&[Some(4000), Some(1000)]), Some(5000));
        assert_eq!(of(&[Some(4000), None]), None);
    }
}
