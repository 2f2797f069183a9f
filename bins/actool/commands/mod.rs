//! The commands of actool: arguments, help, and a short `run` each.

pub(crate) mod build;
pub(crate) mod cat_manifest;
pub(crate) mod diff;
pub(crate) mod discover;
pub(crate) mod help;
pub(crate) mod inspect;
pub(crate) mod patch_manifest;
pub(crate) mod validate;
pub(crate) mod version;

use std::path::Path;

use gantry_cli::printable;
use gantry_types::show::hex;
use serde_json::{Map, Value};

/// A path of this machine in a text for people.
pub(crate) fn path_text(path: &Path) -> String {
    printable(path.as_os_str().as_encoded_bytes())
}

/// Adds bytes that may be any to a JSON object: as a text where they are one, and else as the text for
/// people, with the bytes themselves as hexadecimal digits under KEY`Hex`.
pub(crate) fn json_bytes(object: &mut Map<String, Value>, key: &str, bytes: &[u8]) {
    let (text, digits) = text_and_hex(bytes);
    object.insert(key.to_owned(), text.into());
    if let Some(digits) = digits {
        object.insert(format!("{key}Hex"), digits.into());
    }
}

/// The text for JSON, and the hexadecimal digits of bytes that are none.
pub(crate) fn text_and_hex(bytes: &[u8]) -> (String, Option<String>) {
    match std::str::from_utf8(bytes) {
        Ok(text) => (text.to_owned(), None),
        Err(_) => (printable(bytes), Some(hex(bytes))),
    }
}
