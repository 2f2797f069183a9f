//! What is on stable storage when an image appears or goes: a power cut at any moment leaves the old state
//! or the new one.

mod support;

use support::World;
use support::durability::{Report, check};
use support::fault::{can_trace, traced};
use support::golden::{app_and_base, app_name, begin_with};

/// How often something got its final name, or lost it, by directory of the store.
type Counts<'a> = &'a [(&'a str, usize)];

/// The log of a command that starts from a state.
fn log_of(world: &World, from: &str, arguments: &[&str]) -> String {
    begin_with(world, from);
    let mut command = world.rkt_command();
    command.args(arguments);
    let log = world.env.path("trace");
    let ending = traced(&world.env, &command, &log, &[]);
    assert_eq!(ending.status, 0, "{}", ending.stderr);
    std::fs::read_to_string(log).expect("strace's log")
}

fn report(world: &World, log: &str) -> Report {
    let store = world.env.path("rkt/store");
    check(log, store.to_str().expect("UTF-8"))
}

#[test]
fn everything_is_durable_before_it_has_its_name_and_gone_before_it_is_removed() {
    if !can_trace() {
        return;
    }
    let Some((world, _)) = app_and_base() else {
        return;
    };
    let name = app_name();
    let file = world.env.path("app-1.0.0.aci");
    let file = file.to_str().expect("UTF-8");
    let collect = ["image", "gc", "--grace-period=0s"];
    let fetched: Counts<'_> = &[("blobs", 4), ("images", 2), ("trees", 3)];
    let removed: Counts<'_> = &[
        ("blobs removed", 4),
        ("images removed", 2),
        ("trees removed", 3),
    ];
    let with_version = [fetched, &[("version", 1)]].concat();
    let cases: [(&str, &[&str], Counts<'_>); 4] = [
        ("new", &["fetch", &name], &with_version),
        ("part", &["fetch", &name], fetched),
        ("empty", &["fetch", file], fetched),
        ("both", &collect, removed),
    ];
    for (from, arguments, expected) in cases {
        let log = log_of(&world, from, arguments);
        let found = report(&world, &log);
        let name = format!("{arguments:?} from {from}");
        assert!(found.broken.is_empty(), "{name}: {:#?}", found.broken);
        for (place, count) in expected {
            let seen = found.checked.get(*place);
            assert_eq!(seen, Some(count), "{name}: {place}: {:?}", found.checked);
        }
        // And if the command did not sync, we would see it.
        for sync in ["syncfs(", "fsync(", "fdatasync("] {
            let without: Vec<&str> = log
                .lines()
                .filter(|line| !line.contains(&format!(" {sync}")))
                .collect();
            if without.len() < log.lines().count() {
                let found = report(&world, &without.join("\n"));
                assert!(!found.broken.is_empty(), "{name} without {sync}");
            }
        }
    }
}

/// Lines of a log with the number of each, from the first that has all of `words`.
fn first(log: &str, words: &[&str]) -> Option<usize> {
    log.lines()
        .position(|line| words.iter().all(|word| line.contains(word)))
}

#[test]
fn what_leaves_the_store_is_durable_before_and_after_it_gets_its_name() {
    if !can_trace() {
        return;
    }
    let Some((world, _)) = app_and_base() else {
        return;
    };
    let name = app_name();
    let folder = world.env.path("elsewhere");
    std::fs::create_dir(&folder).expect("a folder");
    let [dir, file] = ["dir", "file"].map(|name| folder.join(name));
    let [dir, file] = [&dir, &file].map(|path| path.to_str().expect("UTF-8"));
    let folder = folder.to_str().expect("UTF-8");
    let cases: [(&[&str], &str); 7] = [
        (&["image", "extract", &name, dir], dir),
        (&["image", "extract", "--overwrite", &name, dir], dir),
        (&["image", "render", "--overwrite", &name, dir], dir),
        (
            &[
                "image",
                "render",
                "--overwrite",
                "--rootfs-only",
                &name,
                dir,
            ],
            dir,
        ),
        (&["image", "export", &name, file], file),
        (&["image", "export", "--overwrite", &name, file], file),
        (
            &[
                "image",
                "export",
                "--overwrite",
                "--as-received",
                &name,
                file,
            ],
            file,
        ),
    ];
    for (arguments, target) in cases {
        let mut command = world.rkt_command();
        command.args(arguments);
        let log = world.env.path("trace");
        let ending = traced(&world.env, &command, &log, &[]);
        assert_eq!(ending.status, 0, "{}", ending.stderr);
        let log = std::fs::read_to_string(log).expect("strace's log");
        let quoted = format!("{target}\"");
        let named = ["rename", "linkat("]
            .iter()
            .filter_map(|call| first(&log, &[call, &quoted, " = 0"]))
            .max()
            .unwrap_or_else(|| panic!("{arguments:?} names nothing:\n{log}"));
        let [before, after] = {
            let lines: Vec<&str> = log.lines().collect();
            [lines[..named].join("\n"), lines[named..].join("\n")]
        };
        // The content first: all of the file system, or the one file.
        let content = [" syncfs(", " fsync(", " fdatasync("];
        let content = content.iter().any(|call| first(&before, &[call]).is_some());
        assert!(content, "{arguments:?}: {log}");
        // Then the name.
        let directory = format!("<{folder}>");
        let synced = first(&after, &[" fsync(", &directory, " = 0"]);
        assert!(synced.is_some(), "{arguments:?}: {log}");
    }
}
