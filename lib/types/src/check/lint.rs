//! What is valid and hardly meant: keys, names, labels, what a pod's parts say of each other.

use std::collections::BTreeSet;

use super::lint_app;
use super::rule::{self, Rule};
use super::shape::{self, Shape};
use super::spelling::nearest;
use crate::json::{Cursor, same_key};
use crate::{AcIdentifier, AcKind, SemVer};

/// Most warnings kept; later ones are counted.
const MAX_WARNINGS: usize = 1000;

/// One warning and where it is.
pub(super) struct Warning {
    pub(super) rule: &'static Rule,
    pub(super) offset: usize,
    pub(super) path: String,
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

/// The warnings so far.
#[derive(Default)]
pub(super) struct Warnings {
    list: Vec<Warning>,
    beyond: usize,
}

impl Warnings {
    pub(super) fn into_list(self) -> (Vec<Warning>, usize) {
        (self.list, self.beyond)
    }

    pub(super) fn warn(
        &mut self,
        rule: &'static Rule,
        at: &Cursor<'_>,
        message: impl FnOnce() -> String,
    ) {
        self.warn_with(rule, at, || (message(), None));
    }

    fn warn_with(
        &mut self,
        rule: &'static Rule,
        at: &Cursor<'_>,
        words: impl FnOnce() -> (String, Option<String>),
    ) {
        if self.list.len() == MAX_WARNINGS {
            self.beyond += 1;
            return;
        }
        let (message, hint) = words();
        self.list.push(Warning {
            rule,
            offset: at.node().offset,
            path: at.json_path(),
            message,
            hint,
        });
    }
}

/// Looks at a whole document. What has the wrong type is passed over: that is an error already.
pub(super) fn lint(text: &[u8], root: Cursor<'_>, kind: AcKind, out: &mut Warnings) {
    if std::str::from_utf8(text).is_err() {
        out.warn(&rule::NOT_UTF8, &root, || "not UTF-8".to_owned());
    }
    version(&root, out);
    match kind {
        AcKind::ImageManifest => {
            keys(root, &shape::IMAGE, out);
            image(&root, out);
        }
        AcKind::PodManifest => {
            keys(root, &shape::POD, out);
            pod(&root, out);
        }
    }
}

/// The text of a member; `None` where it is absent or something else.
pub(super) fn text<'a>(of: &'a Cursor<'a>, key: &'a str) -> Option<(Cursor<'a>, &'a str)> {
    let member = of.object().ok()?.get(key)?;
    let text = member.string().ok()?;
    Some((member, text))
}

/// Calls `each` with every element of a list.
pub(super) fn each(of: &Cursor<'_>, key: &str, mut each: impl FnMut(Cursor<'_>)) {
    let Ok(fields) = of.object() else { return };
    let Some(list) = fields.get(key) else { return };
    if let Ok(items) = list.items() {
        items.for_each(&mut each);
    }
}

/// Calls `with` with a member that is an object.
pub(super) fn member(of: &Cursor<'_>, key: &str, with: impl FnOnce(Cursor<'_>)) {
    let found = of.object().ok().and_then(|fields| fields.get(key));
    if let Some(found) = found.filter(|found| !found.is_null() && found.object().is_ok()) {
        with(found);
    }
}

/// A text in a message, cut where it is long.
pub(super) fn shown(text: &str) -> String {
    const MAX_SHOWN: usize = 80;
    match text.char_indices().nth(MAX_SHOWN) {
        Some((at, _)) => format!("{:?}...", &text[..at]),
        None => format!("{text:?}"),
    }
}

/// Keys that nobody knows, that are written in another way, or that stand twice.
fn keys(cursor: Cursor<'_>, shape: &'static Shape, out: &mut Warnings) {
    match shape {
        Shape::Leaf | Shape::Map => {}
        Shape::List(item_shape) => {
            if let Ok(items) = cursor.items() {
                items.for_each(|item| keys(item, item_shape, out));
            }
        }
        Shape::Object(known) => {
            let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
            object(&cursor, &names, out, |index, value, out| {
                keys(value, known[index].1, out);
            });
        }
        Shape::Isolator => {
            let name = text(&cursor, "name").map_or("", |(_, name)| name);
            let value_shape = shape::isolator_value(name);
            object(&cursor, &shape::ISOLATOR_KEYS, out, |index, value, out| {
                if index == 1 {
                    keys(value, value_shape, out);
                }
            });
        }
    }
}

fn object(
    cursor: &Cursor<'_>,
    known: &[&'static str],
    out: &mut Warnings,
    mut beneath: impl FnMut(usize, Cursor<'_>, &mut Warnings),
) {
    let Ok(fields) = cursor.object() else { return };
    let mut seen = BTreeSet::new();
    for (key, value) in fields.members() {
        let Some(index) = known.iter().position(|known| same_key(key, known)) else {
            out.warn_with(&rule::UNKNOWN_FIELD, &value, || {
                let meant = nearest(key, known.iter().copied());
                let hint = meant.map(|meant| format!("did you mean {meant:?}?"));
                (format!("unknown field {}", shown(key)), hint)
            });
            continue;
        };
        if !seen.insert(index) {
            out.warn(&rule::DUPLICATE_KEY, &value, || {
                format!("{:?} stands more than once", known[index])
            });
        }
        if key != known[index] {
            out.warn_with(&rule::KEY_SPELLING, &value, || {
                let hint = format!("write {:?}", known[index]);
                (format!("{key:?} is read as {:?}", known[index]), Some(hint))
            });
        }
        beneath(index, value, out);
    }
}

fn version(root: &Cursor<'_>, out: &mut Warnings) {
    let Some((at, version)) = text(root, "acVersion") else {
        return;
    };
    let Ok(version) = version.parse::<SemVer>() else {
        return;
    };
    if (version.major(), version.minor()) < (0, 8) {
        out.warn(&rule::AC_VERSION_OLD, &at, || {
            format!("acVersion {version} is old")
        });
    } else if (version.major(), version.minor(), version.patch()) > (0, 8, 11) {
        out.warn(&rule::AC_VERSION_NEW, &at, || {
            format!("acVersion {version} does not exist here")
        });
    }
}

/// A name that the specification forbids and the tools take.
fn identifier(of: &Cursor<'_>, key: &str, out: &mut Warnings) {
    let Some((at, name)) = text(of, key) else {
        return;
    };
    let separator = |c: char| !c.is_ascii_alphanumeric();
    let run = name
        .as_bytes()
        .windows(2)
        .any(|two| two.iter().all(|byte| separator(char::from(*byte))));
    // What only `/~` joins is the documented form of a user's space.
    if run && name.parse::<AcIdentifier>().is_ok() {
        out.warn(&rule::IDENTIFIER_CANONICAL, &at, || {
            format!("{} has separators side by side", shown(name))
        });
    }
}

fn labels(of: &Cursor<'_>, out: &mut Warnings) {
    let (mut os, mut arch) = (false, false);
    each(of, "labels", |label| {
        identifier(&label, "name", out);
        match text(&label, "name").map(|(_, name)| name) {
            Some("os") => os = true,
            Some("arch") => arch = true,
            _ => {}
        }
    });
    if os != arch
        && let Some(list) = of.object().ok().and_then(|fields| fields.get("labels"))
    {
        out.warn(&rule::OS_AND_ARCH, &list, || {
            let (one, other) = if os { ("os", "arch") } else { ("arch", "os") };
            format!("label {one:?} without {other:?}")
        });
    }
}

fn annotations(of: &Cursor<'_>, out: &mut Warnings) {
    each(of, "annotations", |annotation| {
        identifier(&annotation, "name", out);
        let notify = "appc.io/executor/supports-systemd-notify";
        if text(&annotation, "name").is_some_and(|(_, name)| name == notify)
            && let Some((at, value)) = text(&annotation, "value")
            && !matches!(value, "true" | "false")
        {
            out.warn(&rule::ANNOTATION_NOTIFY, &at, || {
                format!("{} is neither true nor false", shown(value))
            });
        }
    });
}

fn image(root: &Cursor<'_>, out: &mut Warnings) {
    identifier(root, "name", out);
    labels(root, out);
    annotations(root, out);
    let mut versioned = false;
    each(root, "labels", |label| {
        versioned |= text(&label, "name").is_some_and(|(_, name)| name == "version");
    });
    if !versioned {
        out.warn(&rule::LABEL_VERSION, root, || {
            "no label \"version\"".to_owned()
        });
    }
    member(root, "app", |app| lint_app::app(&app, out));
    each(root, "dependencies", |dependency| {
        identifier(&dependency, "imageName", out);
        labels(&dependency, out);
        let size = dependency
            .object()
            .ok()
            .and_then(|fields| fields.get("size"));
        if let Some(size) = size
            && size.number("uint").is_ok_and(|size| size == "0")
            && !size.is_null()
        {
            out.warn(&rule::DEPENDENCY_SIZE, &size, || "size is 0".to_owned());
        }
    });
    each(root, "pathWhitelist", |path| {
        if let Ok(text) = path.string()
            && !text.starts_with('/')
        {
            out.warn(&rule::PATH_WHITELIST, &path, || {
                format!("{} is not an absolute path", shown(text))
            });
        }
    });
}

fn pod(root: &Cursor<'_>, out: &mut Warnings) {
    annotations(root, out);
    lint_app::isolators(root, true, out);
    let mut volumes = BTreeSet::new();
    each(root, "volumes", |volume| {
        if let Some((_, name)) = text(&volume, "name") {
            volumes.insert(name.to_owned());
        }
    });
    each(root, "apps", |app| {
        annotations(&app, out);
        member(&app, "image", |image| {
            identifier(&image, "name", out);
            labels(&image, out);
        });
        member(&app, "app", |app| lint_app::app(&app, out));
        each(&app, "mounts", |mount| {
            let mut own = false;
            member(&mount, "appVolume", |_| own = true);
            if let Some((at, volume)) = text(&mount, "volume")
                && !own
                && !volumes.contains(volume)
            {
                out.warn(&rule::MOUNT_VOLUME, &at, || {
                    format!("the pod has no volume {}", shown(volume))
                });
            }
            lint_app::absolute(&mount, &rule::MOUNT_PATH, out);
        });
    });
    each(root, "ports", |port| {
        let number = port
            .object()
            .ok()
            .and_then(|fields| fields.get("hostPort"))
            .unwrap_or(port);
        let value = match number.number("uint") {
            Ok(text) => text.parse::<u64>().ok(),
            Err(_) => port.object().ok().map(|_| 0),
        };
        if value.is_some_and(|value| !(1..=65535).contains(&value)) {
            out.warn(&rule::HOST_PORT, &number, || {
                "hostPort is not a number from 1 to 65535".to_owned()
            });
        }
    });
}
