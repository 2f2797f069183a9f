//! The isolators of an app, together.

use super::error::IsolatorError;
use super::named::Isolator;
use super::value::IsolatorValue;
use crate::json::{Cursor, Decode, DecodeError, Encode, Writer};

/// The isolators of an app: all known, none too often, none excluding another.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Isolators(Vec<Isolator>);

/// Isolators that may stand only once, as far as they were seen. There are seven.
#[derive(Default)]
struct Seen {
    once: Vec<IsolatorValue>,
}

impl Seen {
    /// Checks an isolator in the light of those before it.
    fn admit(&mut self, isolator: &Isolator) -> Result<(), IsolatorError> {
        let value = isolator.value();
        if *value == IsolatorValue::Unknown {
            return Err(IsolatorError::Unknown);
        }
        // Those that may repeat exclude nothing either.
        if value.may_repeat() {
            return Ok(());
        }
        if self
            .once
            .iter()
            .any(|earlier| earlier.name() == value.name())
        {
            return Err(IsolatorError::TooMany(isolator.name().clone()));
        }
        if self.once.iter().any(|earlier| earlier.excludes(value)) {
            return Err(IsolatorError::Incompatible);
        }
        self.once.push(value.clone());
        Ok(())
    }
}

impl Isolators {
    /// Makes a checked list; the order is kept.
    ///
    /// # Errors
    ///
    /// [`IsolatorError`] for an unknown isolator, one too many, or two that exclude each other.
    pub fn new(isolators: Vec<Isolator>) -> Result<Self, IsolatorError> {
        let mut seen = Seen::default();
        for isolator in &isolators {
            seen.admit(isolator)?;
        }
        Ok(Self(isolators))
    }

    /// Adds an isolator at the end.
    ///
    /// # Errors
    ///
    /// As [`Isolators::new`]; the list is then as before.
    pub fn push(&mut self, isolator: Isolator) -> Result<(), IsolatorError> {
        let mut seen = Seen::default();
        for earlier in self
            .0
            .iter()
            .filter(|earlier| !earlier.value().may_repeat())
        {
            seen.once.push(earlier.value().clone());
        }
        seen.admit(&isolator)?;
        self.0.push(isolator);
        Ok(())
    }

    /// The value of an isolator; of several with one name the last counts.
    pub fn get(&self, name: &str) -> Option<&IsolatorValue> {
        let found = self
            .0
            .iter()
            .rev()
            .find(|isolator| isolator.name().as_str() == name);
        found.map(Isolator::value)
    }

    /// Removes every isolator of a name and tells how many there were.
    pub fn remove(&mut self, name: &str) -> usize {
        let before = self.0.len();
        self.0.retain(|isolator| isolator.name().as_str() != name);
        before - self.0.len()
    }

    /// The isolators in their order.
    pub fn iter(&self) -> std::slice::Iter<'_, Isolator> {
        self.0.iter()
    }

    /// Tells whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The number of isolators.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

impl<'a> IntoIterator for &'a Isolators {
    type Item = &'a Isolator;
    type IntoIter = std::slice::Iter<'a, Isolator>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Decode for Isolators {
    fn decode(cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        let mut seen = Seen::default();
        cursor.list(|isolator| seen.admit(isolator)).map(Self)
    }
}

impl Encode for Isolators {
    fn encode(&self, out: &mut Writer) {
        self.0.encode(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest_error::from_json;

    fn read(isolators: &[(&str, &str)]) -> Result<Isolators, String> {
        let list: Vec<String> = isolators
            .iter()
            .map(|(name, value)| format!(r#"{{"name":"{name}","value":{value}}}"#))
            .collect();
        from_json(format!("[{}]", list.join(",")).as_bytes()).map_err(|error| error.to_string())
    }

    #[test]
    fn what_may_repeat_may_and_the_last_one_counts() {
        // Source: appc spec, schema/types/isolator.go.
        let (cpu, memory) = ("resource/cpu", "resource/memory");
        let isolators = read(&[
            (memory, r#"{"limit":"1G"}"#),
            (cpu, r#"{"limit":"1"}"#),
            (memory, r#"{"limit":"2G"}"#),
            (
                "os/linux/capabilities-retain-set",
                r#"{"set":["CAP_KILL"]}"#,
            ),
            (
                "os/linux/capabilities-remove-set",
                r#"{"set":["CAP_KILL"]}"#,
            ),
            ("os/linux/no-new-privileges", "true"),
            ("os/linux/no-new-privileges", "false"),
        ]);
        let mut isolators = isolators.unwrap();
        let Some(IsolatorValue::Memory(resource)) = isolators.get(memory) else {
            panic!("no memory")
        };
        assert_eq!(resource.limit.unwrap().value(), 2_000_000_000);
        assert_eq!((isolators.remove(memory), isolators.len()), (2, 5));
        assert_eq!(isolators.get(memory), None);
    }

    #[test]
    fn what_may_not_repeat_or_stand_together_is_refused() {
        let set = r#"{"set":["read"]}"#;
        let (remove, retain) = ("os/linux/seccomp-remove-set", "os/linux/seccomp-retain-set");
        for name_and_value in [
            (remove, set),
            (retain, set),
            ("os/linux/oom-score-adj", "1"),
            ("os/linux/cpu-shares", "1024"),
            (
                "os/linux/selinux-context",
                r#"{"user":"u","role":"r","type":"t","level":"l"}"#,
            ),
            ("os/linux/apparmor-profile", r#"{"profile":"p"}"#),
            ("os/unix/sysctl", "{}"),
        ] {
            assert_eq!(
                read(&[name_and_value, name_and_value]),
                Err(format!(
                    "isolators set contains too many instances of type {}\"",
                    name_and_value.0
                ))
            );
        }
        let incompatible = "isolators set contains incompatible types".to_owned();
        assert_eq!(
            read(&[(remove, set), (retain, set)]),
            Err(incompatible.clone())
        );
        assert_eq!(read(&[(retain, set), (remove, set)]), Err(incompatible));
        assert_eq!(
            read(&[("resource/ponies", "0")]),
            Err("invalid isolator".to_owned())
        );
    }
}
