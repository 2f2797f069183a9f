//! What a power cut could do: strace's log of a command, read for what was on stable storage when.
//!
//! The rules are those that the store is built on. Writes, and entries of directories, are durable once an
//! fsync of the file or directory itself or a syncfs that began after them has ended.

use std::collections::BTreeMap;

/// One system call that succeeded, at the lines of the log where it began and ended.
struct Event<'a> {
    name: &'a str,
    arguments: String,
    began: usize,
    ended: usize,
}

/// What was found in a log.
#[derive(Debug, Default)]
pub struct Report {
    /// Rules that were broken, a sentence each.
    pub broken: Vec<String>,
    /// How often something got its final name, or lost it, by directory of the store.
    pub checked: BTreeMap<String, usize>,
}

/// Checks the log of one command against the rules for the store at `store`.
pub fn check(log: &str, store: &str) -> Report {
    let mut checker = Checker {
        store,
        dirty: BTreeMap::new(),
        syncs: Vec::new(),
        pending: Vec::new(),
        report: Report::default(),
    };
    let mut events = events(log);
    events.retain(|event| is_sync(event.name));
    checker.syncs = events
        .iter()
        .map(|sync| {
            let of_all = sync.name == "syncfs";
            let path = (!of_all).then(|| descriptor(&sync.arguments)).flatten();
            (sync.began, sync.ended, path)
        })
        .collect();
    for event in self::events(log) {
        checker.see(&event);
    }
    let end = log.lines().count();
    for (path, since) in std::mem::take(&mut checker.pending) {
        checker.need_durable(&path, since, end, "the command ends");
    }
    checker.report
}

fn is_sync(name: &str) -> bool {
    ["fsync", "fdatasync", "syncfs"].contains(&name)
}

/// Calls that succeeded, in the order in which they ended.
fn events(log: &str) -> Vec<Event<'_>> {
    let mut found = Vec::new();
    let mut unfinished: BTreeMap<&str, (&str, &str, usize)> = BTreeMap::new();
    for (number, line) in log.lines().enumerate() {
        let Some((thread, rest)) = line.split_once(' ') else {
            continue;
        };
        let rest = rest.trim_start();
        if let Some(begin) = rest.strip_suffix(" <unfinished ...>") {
            if let Some((name, arguments)) = begin.split_once('(') {
                unfinished.insert(thread, (name, arguments, number));
            }
            continue;
        }
        let (name, first, text, began) = if rest.starts_with("<... ") {
            let Some((name, first, began)) = unfinished.remove(thread) else {
                continue;
            };
            let text = rest.split_once("resumed>").map_or("", |(_, text)| text);
            (name, first, text, began)
        } else {
            let Some((name, text)) = rest.split_once('(') else {
                continue;
            };
            (name, "", text, number)
        };
        let Some((arguments, result)) = text.rsplit_once(" = ") else {
            continue;
        };
        if !result.starts_with(['-', '?']) {
            found.push(Event {
                name,
                arguments: format!("{first}{arguments}"),
                began,
                ended: number,
            });
        }
    }
    found
}

/// The path of the first argument, a descriptor: `5</path>`.
fn descriptor(arguments: &str) -> Option<String> {
    let (number, rest) = arguments.split_once('<')?;
    number.parse::<u32>().ok()?;
    Some(rest.split_once('>')?.0.to_owned())
}

/// Every path among the arguments: names in quotes, beneath the directory before them if they are relative.
fn paths(arguments: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut directory = None;
    for argument in arguments.split(", ") {
        if let Some((_, rest)) = argument.split_once('<') {
            directory = rest.split_once('>').map(|(path, _)| path);
        } else if let Some(name) = argument.strip_prefix('"') {
            let name = name.trim_end_matches(')').trim_end_matches('"');
            found.push(match directory {
                Some(directory) if !name.starts_with('/') => format!("{directory}/{name}"),
                _ => name.to_owned(),
            });
        }
    }
    found
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

/// The file or directory itself, or what is in it.
fn is_in(path: &str, top: &str) -> bool {
    path.strip_prefix(top)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

struct Checker<'a> {
    store: &'a str,
    /// When each file or directory was last changed.
    dirty: BTreeMap<String, usize>,
    /// Begin, end and path of each sync; no path for all of the file system.
    syncs: Vec<(usize, usize, Option<String>)>,
    /// Directories whose entries have to become durable, and since when.
    pending: Vec<(String, usize)>,
    report: Report,
}

impl Checker<'_> {
    fn see(&mut self, event: &Event<'_>) {
        let Event {
            name,
            arguments,
            ended,
            ..
        } = event;
        match *name {
            "write" | "pwrite64" | "writev" | "sendfile" | "ftruncate" | "fallocate" => {
                self.changed(descriptor(arguments), *ended);
            }
            "copy_file_range" => {
                let to = arguments.split(", ").nth(2);
                self.changed(to.and_then(descriptor), *ended);
            }
            // Of a download only the bytes matter.
            "fchmod" | "fchown" => {
                let tree = format!("{}/trees", self.store);
                let path = descriptor(arguments).filter(|path| is_in(path, &tree));
                self.changed(path, *ended);
            }
            "open" | "openat" if arguments.contains("O_CREAT") => {
                self.changed(paths(arguments).pop(), *ended);
            }
            "mkdir" | "mkdirat" | "mknodat" | "symlink" | "symlinkat" | "link" | "linkat" => {
                self.changed(paths(arguments).pop(), *ended);
            }
            "rename" | "renameat" | "renameat2" => self.renamed(event),
            "unlink" | "unlinkat" | "rmdir" => self.unlinked(event),
            _ => {}
        }
    }

    fn changed(&mut self, path: Option<String>, when: usize) {
        if let Some(path) = path {
            self.dirty.insert(path, when);
        }
    }

    /// Directory of the store, if `path` is a final name in it.
    fn place(&self, path: &str) -> Option<&'static str> {
        let rest = path.strip_prefix(self.store)?.strip_prefix('/')?;
        let parts: Vec<&str> = rest.split('/').collect();
        match parts.as_slice() {
            ["blobs", _, _] => Some("blobs"),
            ["trees", name] if !name.starts_with('.') => Some("trees"),
            ["images", name] if !name.starts_with('.') => Some("images"),
            ["version"] => Some("version"),
            ["ingest", name] if name.ends_with(".json") => Some("ingest"),
            _ => None,
        }
    }

    fn renamed(&mut self, event: &Event<'_>) {
        let both = paths(&event.arguments);
        let [from, to] = both.as_slice() else {
            self.report
                .broken
                .push(format!("not understood: {}", event.arguments));
            return;
        };
        if let Some(place) = self.place(to) {
            *self.report.checked.entry(place.to_owned()).or_default() += 1;
            let content: Vec<(String, usize)> = self
                .dirty
                .iter()
                .filter(|(path, _)| is_in(path, from))
                .map(|(path, since)| (path.clone(), *since))
                .collect();
            let becomes = format!("it becomes {to}");
            for (path, since) in content {
                self.need_durable(&path, since, event.began, &becomes);
            }
            if place == "images" {
                // What the record refers to has its name for good by now.
                for (path, since) in std::mem::take(&mut self.pending) {
                    self.need_durable(&path, since, event.began, &becomes);
                }
            }
            if ["blobs", "trees", "images"].contains(&place) {
                self.pending.push((parent(to).to_owned(), event.ended));
            }
        }
        if self.place(from) == Some("trees") {
            *self
                .report
                .checked
                .entry("trees removed".to_owned())
                .or_default() += 1;
            self.records_are_gone(event);
            self.pending.push((parent(from).to_owned(), event.ended));
        }
        let moved: Vec<String> = self
            .dirty
            .keys()
            .filter(|path| is_in(path, from))
            .cloned()
            .collect();
        for path in moved {
            let since = self.dirty.remove(&path).unwrap_or_default();
            self.dirty
                .insert(format!("{to}{}", &path[from.len()..]), since);
        }
    }

    fn unlinked(&mut self, event: &Event<'_>) {
        let Some(path) = paths(&event.arguments).pop() else {
            return;
        };
        match self.place(&path) {
            Some("images") => {
                *self
                    .report
                    .checked
                    .entry("images removed".to_owned())
                    .or_default() += 1;
                self.pending.push((parent(&path).to_owned(), event.ended));
            }
            Some("blobs") => {
                *self
                    .report
                    .checked
                    .entry("blobs removed".to_owned())
                    .or_default() += 1;
                self.records_are_gone(event);
            }
            _ if is_in(&path, &format!("{}/trees", self.store)) => self.records_are_gone(event),
            _ => {}
        }
        self.dirty.retain(|known, _| !is_in(known, &path));
    }

    /// What was begun before in the directories of records and trees is durable: a power cut cannot bring
    /// back a record, or a name of a tree, and not what is removed now.
    fn records_are_gone(&mut self, event: &Event<'_>) {
        let what = format!("{}({}", event.name, event.arguments);
        let dirs = ["images", "trees"].map(|dir| format!("{}/{dir}", self.store));
        let (now, later): (Vec<_>, Vec<_>) = std::mem::take(&mut self.pending)
            .into_iter()
            .partition(|(path, _)| dirs.contains(path));
        self.pending = later;
        for (path, since) in now {
            self.need_durable(&path, since, event.began, &what);
        }
    }

    fn need_durable(&mut self, path: &str, since: usize, before: usize, what: &str) {
        let durable = self.syncs.iter().any(|(began, ended, of)| {
            *began > since && *ended < before && of.as_ref().is_none_or(|of| of == path)
        });
        if !durable {
            self.report
                .broken
                .push(format!("{path} is not on stable storage when {what}"));
        }
    }
}
