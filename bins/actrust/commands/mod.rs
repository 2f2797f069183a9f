//! The commands of actrust: arguments, help, and a short `run` each.

pub(crate) mod add;
pub(crate) mod check;
pub(crate) mod disable;
pub(crate) mod enable;
pub(crate) mod explain;
pub(crate) mod export;
pub(crate) mod import;
pub(crate) mod list;
pub(crate) mod remove;
pub(crate) mod show;
pub(crate) mod verify;
pub(crate) mod verify_image;

use gantry_cli::Failure;
use gantry_ops::trust::{Fingerprint, KeyRow, select};
use gantry_ops::{Scope, trust};

/// The rows of one key, in all places where it lies.
///
/// # Errors
///
/// The text names no key, or several.
fn rows_of(
    rows: Vec<KeyRow>,
    text: &str,
) -> Result<(Fingerprint, Vec<KeyRow>), trust::SelectError> {
    let name = select(&rows, text)?;
    let same = |row: &KeyRow| row.fingerprint.as_ref() == Some(&name);
    let rows = rows.into_iter().filter(same).collect();
    Ok((name, rows))
}

/// The scopes of rows, each once; the one that was `given` has to be among them.
///
/// # Errors
///
/// It is not.
fn scopes_of(rows: &[&KeyRow], given: Option<Scope>, what: &str) -> Result<Vec<Scope>, Failure> {
    let mut scopes: Vec<Scope> = rows.iter().map(|row| row.scope.clone()).collect();
    scopes.sort();
    scopes.dedup();
    match given {
        None if scopes.is_empty() => Err(Failure::usage(format!("the key is not {what}"))),
        None => Ok(scopes),
        Some(given) if scopes.contains(&given) => Ok(vec![given]),
        Some(given) => Err(Failure::usage(format!("the key is not {what} for {given}"))),
    }
}

/// Root keys and prefixes in one short word.
fn scope_word(scope: &Scope) -> String {
    match scope {
        Scope::Root => "root".to_owned(),
        Scope::Prefix(prefix) => prefix.to_string(),
    }
}
