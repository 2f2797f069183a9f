//! From `--prefix` and `--root` to a scope.

use gantry_trust::Scope;
use gantry_types::{AcIdentifierError, Diagnostic, Kind};

/// `--prefix` and `--root` do not say what a key is trusted for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    /// Neither is given, and no key either: the user wants help.
    #[error("neither --prefix nor --root is given")]
    Missing,
    /// Neither is given, but a key is.
    #[error(
        "aborting due to implicit unbounded trust (root domain)\n\
         Say which names the key may sign:\n    \
         rkt trust --prefix=example.com/app [PUBKEY]\n\
         or, if it may sign every image, which is seldom wise:\n    \
         rkt trust --root PUBKEY"
    )]
    ImplicitUnbounded,
    /// Both are given.
    #[error("--root and --prefix usage mutually exclusive")]
    Exclusive,
    /// The prefix is a URL.
    #[error("--prefix must not contain a URL scheme, omit {scheme}://")]
    Scheme {
        /// The scheme.
        scheme: String,
    },
    /// The prefix is a name, but the keystore has no place for it.
    #[error("prefix {prefix:?} has an element that is empty, \".\" or \"..\"")]
    Path {
        /// The prefix as given.
        prefix: String,
    },
    /// The prefix is no name.
    #[error("invalid prefix {prefix:?}")]
    Invalid {
        /// The prefix as given.
        prefix: String,
        /// Why.
        source: AcIdentifierError,
    },
}

impl Diagnostic for ScopeError {
    fn kind(&self) -> Kind {
        Kind::Usage
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Missing => {
                "limit the key to the names it may sign, as in --prefix=example.com/app"
            }
            Self::Invalid { prefix, .. } if prefix.ends_with("/*") => {
                "a prefix covers everything beneath it; leave out the `/*`"
            }
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

/// The scope that `--prefix` and `--root` ask for; `has_keys` tells whether keys are named.
///
/// # Errors
///
/// [`ScopeError`] unless exactly one of the two is given, and the prefix is a name.
pub fn scope(prefix: Option<&str>, root: bool, has_keys: bool) -> Result<Scope, ScopeError> {
    // rkt takes an empty prefix for none.
    let prefix = prefix.filter(|prefix| !prefix.is_empty());
    match (prefix, root) {
        (Some(_), true) => Err(ScopeError::Exclusive),
        (None, true) => Ok(Scope::Root),
        (None, false) if has_keys => Err(ScopeError::ImplicitUnbounded),
        (None, false) => Err(ScopeError::Missing),
        (Some(prefix), false) => match prefix.split_once("://") {
            Some((scheme, _)) => Err(ScopeError::Scheme {
                scheme: scheme.to_owned(),
            }),
            None => match prefix.parse().map(Scope::Prefix) {
                Ok(scope) if scope.has_place() => Ok(scope),
                Ok(_) => Err(ScopeError::Path {
                    prefix: prefix.to_owned(),
                }),
                Err(source) => Err(ScopeError::Invalid {
                    prefix: prefix.to_owned(),
                    source,
                }),
            },
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_has_to_be_asked_for() {
        let prefix = Scope::Prefix("example.com/app".parse().unwrap());
        assert_eq!(scope(Some("example.com/app"), false, false), Ok(prefix));
        assert_eq!(scope(None, true, true), Ok(Scope::Root));
        assert_eq!(scope(None, false, false), Err(ScopeError::Missing));
        assert_eq!(
            scope(Some(""), false, true),
            Err(ScopeError::ImplicitUnbounded)
        );
        assert_eq!(
            scope(Some("example.com"), true, true),
            Err(ScopeError::Exclusive)
        );
        let error = scope(Some("https://example.com"), false, false).unwrap_err();
        assert_eq!(
            error.to_string(),
            "--prefix must not contain a URL scheme, omit https://"
        );
        let error = scope(Some("example.com/*"), false, false).unwrap_err();
        assert!(error.hint().unwrap().contains("leave out"));
    }
}
