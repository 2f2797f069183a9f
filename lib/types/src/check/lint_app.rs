//! What is valid and hardly meant in an app, and in isolators.

use std::collections::{BTreeMap, BTreeSet};

use super::lint::{Warnings, each, member, shown, text};
use super::rule::{self, Rule};
use crate::json::Cursor;
use crate::{AcIdentifier, AcName, IsolatorValue, Quantity};

pub(super) fn app(app: &Cursor<'_>, out: &mut Warnings) {
    let mut points = BTreeSet::new();
    each(app, "mountPoints", |point| {
        name(&point, &rule::MOUNT_POINT_DUPLICATE, &mut points, out);
        absolute(&point, &rule::MOUNT_POINT_PATH, out);
    });
    let mut ports = BTreeSet::new();
    each(app, "ports", |port| {
        name(&port, &rule::PORT_DUPLICATE, &mut ports, out);
        if let Some((at, protocol)) = text(&port, "protocol")
            && !matches!(protocol, "tcp" | "udp")
        {
            out.warn(&rule::PORT_PROTOCOL, &at, || {
                format!("{} is neither tcp nor udp", shown(protocol))
            });
        }
    });
    isolators(app, false, out);
}

/// Whether a name stands twice, or has dashes side by side.
fn name(
    of: &Cursor<'_>,
    duplicate: &'static Rule,
    seen: &mut BTreeSet<String>,
    out: &mut Warnings,
) {
    let Some((at, name)) = text(of, "name") else {
        return;
    };
    if !seen.insert(name.to_owned()) {
        out.warn(duplicate, &at, || {
            format!("{} stands more than once", shown(name))
        });
    }
    if name.contains("--") && name.parse::<AcName>().is_ok() {
        out.warn(&rule::AC_NAME_CANONICAL, &at, || {
            format!("{} has dashes side by side", shown(name))
        });
    }
}

/// Whether a member `path` is an absolute path.
pub(super) fn absolute(of: &Cursor<'_>, rule: &'static Rule, out: &mut Warnings) {
    if of.object().is_err() {
        return;
    }
    let (at, path) = text(of, "path").unwrap_or((*of, ""));
    if !path.starts_with('/') {
        out.warn(rule, &at, || {
            format!("path {} is not an absolute path", shown(path))
        });
    }
}

/// The isolators of an app or a pod.
pub(super) fn isolators(of: &Cursor<'_>, pod: bool, out: &mut Warnings) {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    each(of, "isolators", |isolator| {
        let Some((at, name)) = text(&isolator, "name") else {
            return;
        };
        let Ok(identifier) = name.parse::<AcIdentifier>() else {
            return;
        };
        if !IsolatorValue::is_known(&identifier) {
            if pod {
                out.warn(&rule::ISOLATOR_UNKNOWN_POD, &at, || {
                    format!("unknown isolator {}", shown(name))
                });
            }
            return;
        }
        let times = seen.entry(name.to_owned()).or_default();
        *times += 1;
        let repeats = pod || IsolatorValue::may_stand_often(name);
        if *times > 1 && repeats {
            out.warn(&rule::ISOLATOR_AGAIN, &at, || {
                format!("{name} stands more than once")
            });
        }
        match name {
            "os/linux/capabilities-retain-set" | "os/linux/capabilities-remove-set" => {
                member(&isolator, "value", |value| set(&value, true, out));
            }
            "os/linux/seccomp-retain-set" | "os/linux/seccomp-remove-set" => {
                member(&isolator, "value", |value| set(&value, false, out));
            }
            "resource/cpu" | "resource/memory" => {
                member(&isolator, "value", |value| resource(&value, out));
            }
            _ => {}
        }
    });
    let both = ["retain", "remove"]
        .map(|way| seen.contains_key(&format!("os/linux/capabilities-{way}-set")));
    if both == [true, true]
        && let Some(list) = of.object().ok().and_then(|fields| fields.get("isolators"))
    {
        out.warn(&rule::CAPABILITIES_BOTH, &list, || {
            "capabilities are both retained and removed".to_owned()
        });
    }
}

fn set(value: &Cursor<'_>, capabilities: bool, out: &mut Warnings) {
    let mut seen = BTreeSet::new();
    each(value, "set", |item| {
        let Ok(name) = item.string() else { return };
        let upper = |byte: u8| byte.is_ascii_uppercase() || byte == b'_';
        let well_named = name
            .strip_prefix("CAP_")
            .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(upper));
        if capabilities && !well_named {
            out.warn(&rule::CAPABILITY_NAME, &item, || {
                format!("{} is not the name of a capability", shown(name))
            });
        }
        if !seen.insert(name.to_owned()) {
            out.warn(&rule::SET_DUPLICATE, &item, || {
                format!("{} stands more than once", shown(name))
            });
        }
    });
}

fn resource(value: &Cursor<'_>, out: &mut Warnings) {
    let amount = |key| -> Option<Quantity> { text(value, key)?.1.parse().ok() };
    if let (Some(request), Some(limit)) = (amount("request"), amount("limit"))
        && request > limit
    {
        out.warn(&rule::RESOURCE_ORDER, value, || {
            format!("request {request} is more than limit {limit}")
        });
    }
}
