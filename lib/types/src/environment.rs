//! Environment variables of an app.

use std::collections::BTreeSet;

use crate::diagnostic::usage_errors;
use crate::json::{Cursor, Decode, DecodeError, Encode, Writer, read_all};

/// One variable. Names are letters, digits and `_.-`, not beginning with a digit, `.` or `-`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EnvironmentVariable {
    /// The name.
    pub name: String,
    /// The value, taken literally.
    pub value: String,
}

/// A list of variables with unique, well-formed names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Environment(Vec<EnvironmentVariable>);

/// An environment breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvironmentError {
    /// A variable has no name.
    #[error("environment variable name must not be empty")]
    EmptyName,
    /// A name holds a character that it may not.
    #[error("environment variable does not have valid identifier {0:?}")]
    Name(String),
    /// Two variables have one name.
    #[error("duplicate environment variable of name {0:?}")]
    Duplicate(String),
}
usage_errors!(EnvironmentError);

impl Environment {
    /// Makes a checked list; the order is kept.
    ///
    /// # Errors
    ///
    /// [`EnvironmentError`] for the first rule broken.
    pub fn new(variables: Vec<EnvironmentVariable>) -> Result<Self, EnvironmentError> {
        let mut seen = BTreeSet::new();
        for variable in &variables {
            check_name(&variable.name)?;
            if !seen.insert(&variable.name) {
                return Err(EnvironmentError::Duplicate(variable.name.clone()));
            }
        }
        Ok(Self(variables))
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|variable| variable.name == name)
            .map(|variable| &*variable.value)
    }

    /// Sets a variable, in place where it exists already.
    ///
    /// # Errors
    ///
    /// [`EnvironmentError`] for a bad name; the environment is then as before.
    pub fn set(
        &mut self,
        name: impl Into<String>,
        value: impl Into<String>,
    ) -> Result<(), EnvironmentError> {
        let (name, value) = (name.into(), value.into());
        check_name(&name)?;
        match self.0.iter_mut().find(|variable| variable.name == name) {
            Some(variable) => variable.value = value,
            None => self.0.push(EnvironmentVariable { name, value }),
        }
        Ok(())
    }

    /// Removes a variable and returns its value.
    pub fn remove(&mut self, name: &str) -> Option<String> {
        let index = self.0.iter().position(|variable| variable.name == name)?;
        Some(self.0.remove(index).value)
    }

    /// The variables in their order.
    pub fn iter(&self) -> std::slice::Iter<'_, EnvironmentVariable> {
        self.0.iter()
    }

    /// Tells whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The number of variables.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

fn check_name(name: &str) -> Result<(), EnvironmentError> {
    let first = |c: char| c.is_ascii_alphabetic() || c == '_';
    let later = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    if name.is_empty() {
        Err(EnvironmentError::EmptyName)
    } else if !name.starts_with(first) || !name.chars().all(later) {
        Err(EnvironmentError::Name(name.to_owned()))
    } else {
        Ok(())
    }
}

impl<'a> IntoIterator for &'a Environment {
    type Item = &'a EnvironmentVariable;
    type IntoIter = std::slice::Iter<'a, EnvironmentVariable>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Decode for EnvironmentVariable {
    fn decode(cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        let fields = cursor.object()?;
        Ok(read_all!(Self {
            name: fields.checked("name", |name: &String| check_name(name)),
            value: fields.or_default("value"),
        }))
    }
}

impl Encode for EnvironmentVariable {
    fn encode(&self, out: &mut Writer) {
        out.object(|out| {
            out.member("name", &self.name);
            out.member("value", &self.value);
        });
    }
}

impl Decode for Environment {
    fn decode(cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        let mut seen = BTreeSet::new();
        let variables = cursor.list(|variable: &EnvironmentVariable| {
            if seen.insert(variable.name.clone()) {
                Ok(())
            } else {
                Err(EnvironmentError::Duplicate(variable.name.clone()))
            }
        });
        variables.map(Self)
    }
}

impl Encode for Environment {
    fn encode(&self, out: &mut Writer) {
        self.0.encode(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest_error::from_json;

    #[test]
    fn names_are_checked_as_the_original_does() {
        // Source: appc spec, schema/types/environment.go.
        let mut environment = Environment::default();
        for name in ["PATH", "_", "_x", "a.b", "A-B", "x9", "lower"] {
            environment.set(name, "a=b c").unwrap();
        }
        assert_eq!(environment.len(), 7);
        assert_eq!(
            environment.set("", "x").unwrap_err().to_string(),
            "environment variable name must not be empty"
        );
        for name in ["9x", "-a", ".a", "a b", "a=b", "é", "a\0"] {
            let error = environment.set(name, "x").unwrap_err().to_string();
            assert!(
                error.starts_with("environment variable does not have valid identifier"),
                "{name:?}"
            );
        }
        assert_eq!(environment.len(), 7);
    }

    #[test]
    fn names_are_unique() {
        let twice = br#"[{"name":"A","value":"1"},{"name":"A","value":"2"}]"#;
        let error = from_json::<Environment>(twice).unwrap_err();
        assert_eq!(
            error.to_string(),
            "duplicate environment variable of name \"A\""
        );
        let error = from_json::<Environment>(br#"[{"value":"1"}]"#).unwrap_err();
        assert_eq!(
            error.to_string(),
            "environment variable name must not be empty"
        );
        let mut environment = Environment::default();
        environment.set("A", "1").unwrap();
        environment.set("A", "2").unwrap();
        assert_eq!((environment.get("A"), environment.len()), (Some("2"), 1));
        assert_eq!(environment.remove("A").as_deref(), Some("2"));
    }
}
