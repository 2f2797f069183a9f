//! From limits to the files of a control group.

use std::fs;

use gantry_sys::cgroup::Version;

use super::wanted::Limit;

/// A value to be written to a file of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Setting {
    pub(crate) file: &'static str,
    pub(crate) value: String,
    /// A kernel built without it does without.
    pub(crate) optional: bool,
}

impl Setting {
    fn new(file: &'static str, value: impl ToString) -> Self {
        Self {
            file,
            value: value.to_string(),
            optional: false,
        }
    }

    fn optional(file: &'static str, value: impl ToString) -> Self {
        Self {
            optional: true,
            ..Self::new(file, value)
        }
    }
}

/// In which time a group may use up its quota, in microseconds: as usual, and for tiny quotas, since
/// the kernel takes none below [`MIN_QUOTA`]. Source: Linux, Documentation/scheduler/sched-bwc.rst.
const PERIOD: u64 = 100_000;
const LONG_PERIOD: u64 = 1_000_000;
const MIN_QUOTA: u64 = 1000;

/// Bounds of a weight in version 1. Source: Linux, kernel/sched/sched.h.
const SHARES: (u64, u64) = (2, 262_144);

/// What to write for a limit; `devices` are disks as `MAJOR:MINOR`.
pub(crate) fn settings(limit: Limit, version: Version, devices: &[String]) -> Vec<Setting> {
    use Version::{One, Two};
    match (limit, version) {
        (Limit::Memory { limit, request }, _) => memory(limit, request, version),
        (Limit::Cpu { limit, request }, _) => {
            let mut settings = limit.map_or_else(Vec::new, |limit| quota(limit, version));
            // A core is the weight of 1024. Source: Kubernetes, which has it from cpu.shares.
            let shares = request.map(|request| request.saturating_mul(1024) / 1_000_000);
            settings.extend(shares.map(|shares| weight(shares, version)));
            settings
        }
        (Limit::CpuShares(shares), _) => vec![weight(shares.into(), version)],
        (Limit::BlockBandwidth(most), One) => throttle(
            [
                "blkio.throttle.read_bps_device",
                "blkio.throttle.write_bps_device",
            ],
            most,
            devices,
        ),
        (Limit::BlockIops(most), One) => throttle(
            [
                "blkio.throttle.read_iops_device",
                "blkio.throttle.write_iops_device",
            ],
            most,
            devices,
        ),
        (Limit::BlockBandwidth(most), Two) => devices
            .iter()
            .map(|device| Setting::new("io.max", format!("{device} rbps={most} wbps={most}")))
            .collect(),
        (Limit::BlockIops(most), Two) => devices
            .iter()
            .map(|device| Setting::new("io.max", format!("{device} riops={most} wiops={most}")))
            .collect(),
        (Limit::Pids(Some(most)), _) => vec![Setting::new("pids.max", most)],
        (Limit::Pids(None), _) => vec![Setting::new("pids.max", "max")],
        (Limit::OomScoreAdj(_), _) => Vec::new(),
    }
}

/// Swap counts as memory: what a limit keeps from memory must not fill the disk instead.
fn memory(limit: Option<u64>, request: Option<u64>, version: Version) -> Vec<Setting> {
    let mut settings = Vec::new();
    if let Some(limit) = limit {
        settings.extend(match version {
            Version::One => [
                Setting::new("memory.limit_in_bytes", limit),
                Setting::optional("memory.memsw.limit_in_bytes", limit),
            ],
            Version::Two => [
                Setting::new("memory.max", limit),
                Setting::optional("memory.swap.max", 0),
            ],
        });
    }
    let request = request.map(|request| limit.map_or(request, |limit| request.min(limit)));
    settings.extend(request.map(|request| match version {
        Version::One => Setting::optional("memory.soft_limit_in_bytes", request),
        Version::Two => Setting::optional("memory.low", request),
    }));
    settings
}

fn quota(micros: u64, version: Version) -> Vec<Setting> {
    let quota = |period| u64::try_from(u128::from(micros) * u128::from(period) / 1_000_000).ok();
    let (quota, period) = match (quota(PERIOD), quota(LONG_PERIOD)) {
        (Some(quota), _) if quota >= MIN_QUOTA => (quota, PERIOD),
        (_, long) => (long.unwrap_or(MIN_QUOTA).max(MIN_QUOTA), LONG_PERIOD),
    };
    match version {
        Version::One => vec![
            Setting::new("cpu.cfs_period_us", period),
            Setting::new("cpu.cfs_quota_us", quota),
        ],
        Version::Two => vec![Setting::new("cpu.max", format!("{quota} {period}"))],
    }
}

/// A weight; 1024 in version 1 is 100 in version 2, as systemd has it, which wrote it for rkt.
fn weight(shares: u64, version: Version) -> Setting {
    let shares = shares.clamp(SHARES.0, SHARES.1);
    match version {
        Version::One => Setting::new("cpu.shares", shares),
        Version::Two => Setting::new("cpu.weight", (shares * 100 / 1024).clamp(1, 10_000)),
    }
}

fn throttle(files: [&'static str; 2], most: u64, devices: &[String]) -> Vec<Setting> {
    let each = |device: &String| files.map(|file| Setting::new(file, format!("{device} {most}")));
    devices.iter().flat_map(each).collect()
}

/// The disks of this machine, as `MAJOR:MINOR`; those in memory or without a size are none.
pub(crate) fn disks() -> Vec<String> {
    let entries = fs::read_dir("/sys/block").into_iter().flatten().flatten();
    let disk = |entry: fs::DirEntry| {
        let name = entry.file_name();
        if name.as_encoded_bytes().starts_with(b"ram")
            || name.as_encoded_bytes().starts_with(b"zram")
        {
            return None;
        }
        let text = |file| fs::read_to_string(entry.path().join(file)).ok();
        (text("size")?.trim() != "0").then_some(text("dev")?.trim().to_owned())
    };
    entries.filter_map(disk).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(limit: Limit, version: Version) -> Vec<String> {
        settings(limit, version, &["8:0".to_owned(), "8:16".to_owned()])
            .into_iter()
            .map(|setting| {
                let mark = if setting.optional { "?" } else { "" };
                format!("{}{mark} {}", setting.file, setting.value)
            })
            .collect()
    }

    #[test]
    fn each_limit_has_its_files_in_both_versions() {
        let memory = Limit::Memory {
            limit: Some(4096),
            request: Some(8192),
        };
        let cpu = |limit, request| Limit::Cpu { limit, request };
        let table: [(Limit, &[&str], &[&str]); 8] = [
            (
                memory,
                &[
                    "memory.limit_in_bytes 4096",
                    "memory.memsw.limit_in_bytes? 4096",
                    "memory.soft_limit_in_bytes? 4096",
                ],
                &["memory.max 4096", "memory.swap.max? 0", "memory.low? 4096"],
            ),
            (
                cpu(Some(1_500_000), Some(500_000)),
                &[
                    "cpu.cfs_period_us 100000",
                    "cpu.cfs_quota_us 150000",
                    "cpu.shares 512",
                ],
                &["cpu.max 150000 100000", "cpu.weight 50"],
            ),
            // Below a hundredth of a core only a longer period will do.
            (
                cpu(Some(5000), None),
                &["cpu.cfs_period_us 1000000", "cpu.cfs_quota_us 5000"],
                &["cpu.max 5000 1000000"],
            ),
            (
                cpu(Some(0), None),
                &["cpu.cfs_period_us 1000000", "cpu.cfs_quota_us 1000"],
                &["cpu.max 1000 1000000"],
            ),
            (Limit::CpuShares(2), &["cpu.shares 2"], &["cpu.weight 1"]),
            (
                Limit::CpuShares(1024),
                &["cpu.shares 1024"],
                &["cpu.weight 100"],
            ),
            (
                Limit::BlockBandwidth(9),
                &[
                    "blkio.throttle.read_bps_device 8:0 9",
                    "blkio.throttle.write_bps_device 8:0 9",
                    "blkio.throttle.read_bps_device 8:16 9",
                    "blkio.throttle.write_bps_device 8:16 9",
                ],
                &["io.max 8:0 rbps=9 wbps=9", "io.max 8:16 rbps=9 wbps=9"],
            ),
            (Limit::Pids(Some(7)), &["pids.max 7"], &["pids.max 7"]),
        ];
        for (limit, one, two) in table {
            assert_eq!(lines(limit, Version::One), one);
            assert_eq!(lines(limit, Version::Two), two);
        }
        assert_eq!(lines(Limit::BlockIops(9), Version::Two).len(), 2);
        assert_eq!(lines(Limit::Pids(None), Version::One), ["pids.max max"]);
        assert!(lines(Limit::OomScoreAdj(1), Version::One).is_empty());
        let huge = lines(cpu(Some(u64::MAX), Some(u64::MAX)), Version::Two);
        assert_eq!(huge[1], "cpu.weight 10000");
    }
}
