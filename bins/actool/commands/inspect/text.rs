//! The picture of an image in lines for people.

use std::io::Write;
use std::path::Path;
use std::time::SystemTime;

use gantry_cli::{Failure, printable, say, size};
use gantry_ops::diff::Timestamp;
use gantry_ops::inspect::{
    Check, DependencyLine, Inspection, Notable, Resolution, SignatureInfo, SignatureReport, Trait,
    Verdict,
};

use super::manifest;
use crate::commands::path_text;
use crate::times::time;

/// Where the values of a section begin.
const INDENT: &str = "  ";

/// Prints all sections that have something to say.
pub(super) fn print(
    inspection: &Inspection,
    image: &Path,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let mut page = Page { out };
    page.section("image", overview(inspection, image))?;
    if let Some(manifest) = &inspection.manifest {
        page.section("manifest", manifest::lines(manifest))?;
    }
    page.section("contents", contents(inspection))?;
    let directories = inspection.directories.iter().map(|directory| {
        let level = directory.path.split(|byte| *byte == b'/').count();
        let level = if directory.path.is_empty() { 0 } else { level };
        let name = match directory.path.rsplit(|byte| *byte == b'/').next() {
            Some(b"") | None => "/".to_owned(),
            Some(name) => format!("{}/", printable(name)),
        };
        let bytes = size(directory.bytes);
        let entries = directory.entries;
        let inset = INDENT.repeat(level);
        format!("{bytes:>8} {entries:>8}  {inset}{name}")
    });
    let heading = [format!("{:>8} {:>8}", "size", "entries")];
    page.section("directories", heading.into_iter().chain(directories))?;
    let largest = inspection.largest.iter().map(|file| {
        let (bytes, path) = (size(file.bytes), printable(&file.path));
        format!("{bytes:>8}  /{path}")
    });
    page.section("largest files", largest)?;
    page.section("special files", inspection.notable.iter().map(notable))?;
    page.section(
        "dependencies",
        inspection.dependencies.iter().flat_map(dependency),
    )?;
    match &inspection.signature {
        Some(report) => page.section("signature", signature(report))?,
        None if inspection.file_size.is_some() => {
            page.section("signature", ["none beside the image".to_owned()])?;
        }
        None => {}
    }
    let problems = inspection.problems.iter();
    page.section(
        "problems",
        problems.map(|problem| printable(problem.as_bytes())),
    )
}

struct Page<'a> {
    out: &'a mut dyn Write,
}

impl Page<'_> {
    /// A heading and its lines; nothing without lines.
    fn section(
        &mut self,
        heading: &str,
        lines: impl IntoIterator<Item = String>,
    ) -> Result<(), Failure> {
        let mut lines = lines.into_iter().peekable();
        if lines.peek().is_none() {
            return Ok(());
        }
        say(self.out, format_args!("{heading}:"))?;
        for line in lines {
            say(self.out, format_args!("{INDENT}{line}"))?;
        }
        Ok(())
    }
}

/// `NAME: VALUE`, the values one below the other.
pub(super) fn field(name: &str, value: impl std::fmt::Display) -> String {
    format!("{:<14}{value}", format!("{name}:"))
}

fn overview(inspection: &Inspection, image: &Path) -> Vec<String> {
    let mut lines = vec![field("path", path_text(image))];
    match (inspection.compression, inspection.file_size) {
        (Some(compression), Some(bytes)) => {
            let name = compression.name();
            lines.push(field(
                "file size",
                format_args!("{} ({bytes} bytes)", size(bytes)),
            ));
            lines.push(field("compression", name));
        }
        (Some(compression), None) => lines.push(field("compression", compression.name())),
        (None, _) => lines.push(field("kind", "image layout")),
    }
    if let Some(bytes) = inspection.archive_size {
        lines.push(field(
            "archive",
            format_args!("{} ({bytes} bytes)", size(bytes)),
        ));
    }
    match &inspection.image_id {
        Some(id) => lines.push(field("image ID", id)),
        None if inspection.compression.is_some() => {
            lines.push(field(
                "image ID",
                "unknown, the file cannot be read to its end",
            ));
        }
        None => {}
    }
    lines
}

fn contents(inspection: &Inspection) -> Vec<String> {
    let counts = &inspection.counts;
    let bytes = counts.bytes;
    let mut lines = vec![field(
        "files",
        format_args!("{}, {} ({bytes} bytes)", counts.files, size(bytes)),
    )];
    for (name, count) in [
        ("hard links", counts.hard_links),
        ("symlinks", counts.symlinks),
        ("directories", counts.directories),
        ("devices", counts.devices),
        ("FIFOs", counts.fifos),
    ] {
        if count > 0 {
            lines.push(field(name, count));
        }
    }
    lines
}

fn notable(file: &Notable) -> String {
    let traits: Vec<_> = file.traits.iter().map(trait_text).collect();
    let (path, mode) = (printable(&file.path), file.mode);
    let (uid, gid) = (file.uid, file.gid);
    format!(
        "/{path}: {} (mode {mode:04o}, owner {uid}:{gid})",
        traits.join(", ")
    )
}

/// A trait in a few words.
pub(super) fn trait_text(found: &Trait) -> String {
    match found {
        Trait::Setuid => "setuid".to_owned(),
        Trait::Setgid => "setgid".to_owned(),
        Trait::Capabilities(Some(capabilities)) => capabilities.to_string(),
        Trait::Capabilities(None) => "unreadable capabilities".to_owned(),
        Trait::CharDevice(major, minor) => format!("character device {major}:{minor}"),
        Trait::BlockDevice(major, minor) => format!("block device {major}:{minor}"),
        Trait::WorldWritable => "world-writable".to_owned(),
    }
}

fn dependency(line: &DependencyLine) -> Vec<String> {
    let wanted = &line.dependency;
    let inset = INDENT.repeat(line.level);
    let mut text = format!("{inset}{}", wanted.image_name);
    for label in wanted.labels.iter() {
        let value = printable(label.value.as_bytes());
        text.push_str(&format!(" {}={value}", label.name));
    }
    if let Some(id) = &wanted.image_id {
        text.push_str(&format!(" {}", printable(id.to_string().as_bytes())));
    }
    if wanted.size > 0 {
        text.push_str(&format!(" size {}", wanted.size));
    }
    let mut lines = vec![text];
    let mut tell = |text: String| lines.push(format!("{inset}{INDENT}{text}"));
    match &line.resolution {
        Resolution::NotGiven => tell("-> not given, see --dependency".to_owned()),
        Resolution::Found(path, _) => tell(format!("-> {}", path_text(path))),
        Resolution::Repeated(path, _) => tell(format!("-> {}, see above", path_text(path))),
        Resolution::Cycle(path, _) => {
            tell(format!("-> {}, which depends on itself", path_text(path)));
        }
        Resolution::Mismatch(files) => {
            for (path, reason) in files {
                let reason = printable(reason.as_bytes());
                tell(format!("-> not {}: {reason}", path_text(path)));
            }
        }
    }
    lines
}

fn signature(report: &SignatureReport) -> Vec<String> {
    let form = if report.armored {
        "ASCII-armoured"
    } else {
        "binary"
    };
    let mut lines = vec![field(
        "file",
        format_args!("{} ({form})", path_text(&report.path)),
    )];
    lines.extend(report.signatures.iter().map(|one| field("made", made(one))));
    lines.push(match &report.check {
        Check::Done(verdict) => {
            let name = match verdict {
                Verdict::Good { .. } => "verified",
                Verdict::Bad { .. } => "refused",
                Verdict::Unknown { .. } => "not verified",
            };
            field(name, printable(verdict.to_string().as_bytes()))
        }
        Check::NotVerified(reason) => field("not verified", printable(reason.as_bytes())),
        Check::Unreadable(reason) => field("no signature", printable(reason.as_bytes())),
    });
    lines
}

fn made(signature: &SignatureInfo) -> String {
    let issuers: Vec<_> = signature.issuers.iter().map(ToString::to_string).collect();
    let by = match issuers.is_empty() {
        true => "a key it does not name".to_owned(),
        false => issuers.join(" or "),
    };
    let mut text = match signature.created {
        Some(created) => format!("{} by {by}", moment(created)),
        None => format!("at an unknown time by {by}"),
    };
    if let Some(hash) = &signature.hash {
        text.push_str(&format!(" over {hash}"));
    }
    if let Some(expires) = signature.expires {
        text.push_str(&format!(", until {}", moment(expires)));
    }
    text
}

/// A time of a signature, to the second.
pub(super) fn moment(at: SystemTime) -> String {
    let since = at.duration_since(SystemTime::UNIX_EPOCH);
    let seconds = since.map_or(0, |since| {
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    });
    time(Timestamp {
        seconds,
        nanoseconds: 0,
    })
}
