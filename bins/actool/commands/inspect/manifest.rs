//! What a manifest says, in lines for people.

use gantry_cli::{printable, printable_json};
use gantry_types::{App, ImageManifest};

use super::text::field;

/// The fields that are set, in the order of the specification.
pub(super) fn lines(manifest: &ImageManifest) -> Vec<String> {
    let mut lines = vec![
        field("name", &manifest.name),
        field("acVersion", &manifest.ac_version),
    ];
    for label in manifest.labels.iter() {
        lines.push(field("label", pair(label.name.as_str(), &label.value)));
    }
    if let Some(app) = &manifest.app {
        app_lines(app, &mut lines);
    }
    for annotation in manifest.annotations.iter() {
        let text = pair(annotation.name.as_str(), &annotation.value);
        lines.push(field("annotation", text));
    }
    for path in &manifest.path_whitelist {
        lines.push(field("whitelist", printable(path.as_bytes())));
    }
    lines
}

fn app_lines(app: &App, lines: &mut Vec<String>) {
    let text = |text: &str| printable(text.as_bytes());
    lines.push(field("exec", words(&app.exec)));
    lines.push(field("user", text(&app.user)));
    lines.push(field("group", text(&app.group)));
    if !app.supplementary_gids.is_empty() {
        let groups = app.supplementary_gids.iter().map(ToString::to_string);
        let groups: Vec<_> = groups.collect();
        lines.push(field("groups", groups.join(" ")));
    }
    if !app.working_directory.is_empty() {
        lines.push(field("directory", text(&app.working_directory)));
    }
    for variable in app.environment.iter() {
        lines.push(field("environment", pair(&variable.name, &variable.value)));
    }
    for handler in &app.event_handlers {
        let exec = words(&handler.exec);
        lines.push(field(handler.event.as_str(), exec));
    }
    for mount in &app.mount_points {
        let read_only = if mount.read_only { ", read-only" } else { "" };
        let path = text(&mount.path);
        lines.push(field(
            "mount",
            format_args!("{} at {path}{read_only}", mount.name),
        ));
    }
    for port in &app.ports {
        let protocol = text(&port.protocol);
        let mut line = format!("{} {protocol} {}", port.name, port.port);
        if port.count > 1 {
            line.push_str(&format!(" and {} more", port.count - 1));
        }
        if port.socket_activated {
            line.push_str(", socket-activated");
        }
        lines.push(field("port", line));
    }
    for isolator in app.isolators.iter() {
        let value = printable_json(isolator.value_json());
        lines.push(field(
            "isolator",
            format_args!("{} {value}", isolator.name()),
        ));
    }
    for (kind, map) in [
        ("user note", &app.user_annotations),
        ("user label", &app.user_labels),
    ] {
        for (name, value) in map {
            lines.push(field(kind, pair(name, value)));
        }
    }
}

fn pair(name: &str, value: &str) -> String {
    format!(
        "{}={}",
        printable(name.as_bytes()),
        printable(value.as_bytes())
    )
}

/// The words of a command; such as hold blanks or quotes, or nothing, between quotes.
fn words(exec: &[String]) -> String {
    let word = |word: &String| {
        let plain =
            !word.is_empty() && !word.contains(|c: char| c.is_whitespace() || "\"'\\".contains(c));
        match plain {
            true => printable(word.as_bytes()),
            false => format!("{word:?}"),
        }
    };
    match exec {
        [] => "(none)".to_owned(),
        exec => exec.iter().map(word).collect::<Vec<_>>().join(" "),
    }
}
