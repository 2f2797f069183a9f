//! One reading for everybody: a key stands once.

use std::collections::HashSet;

use crate::json::{Cursor, DecodeError, Fields, Value};

/// Refuses an object, here or deeper, in which two keys are the same.
///
/// Of two equal keys some readers take the first and others the last. Keys that differ only in case are two
/// keys to some readers and one to Go's; in the objects of a known meaning [`fields`] refuses those too.
pub(super) fn refuse_doubles(cursor: Cursor<'_>) -> Result<(), DecodeError> {
    match &cursor.node().value {
        Value::Object(members) => {
            let mut seen = HashSet::with_capacity(members.len());
            for (key, value) in cursor.object()?.members() {
                if !seen.insert(key) {
                    return Err(value.invalid(format!("the key {key:?} stands twice")));
                }
                refuse_doubles(value)?;
            }
            Ok(())
        }
        Value::Array(_) => cursor.items()?.try_for_each(refuse_doubles),
        _ => Ok(()),
    }
}

/// The fields of an object whose keys have a known meaning: no two are the same without regard to case.
pub(super) fn fields<'a>(cursor: &'a Cursor<'a>) -> Result<Fields<'a>, DecodeError> {
    let fields = cursor.object()?;
    let mut seen = HashSet::new();
    for (key, value) in fields.members() {
        let folded: String = key.chars().flat_map(fold).collect();
        if !seen.insert(folded) {
            return Err(value.invalid(format!("the key {key:?} stands twice")));
        }
    }
    Ok(fields)
}

/// As Go's decoder has it, which takes the Kelvin sign for a `k` and the long s for an `s`.
fn fold(c: char) -> impl Iterator<Item = char> {
    let plain = match c {
        '\u{212a}' => 'k',
        '\u{17f}' => 's',
        other => other,
    };
    plain.to_lowercase()
}
