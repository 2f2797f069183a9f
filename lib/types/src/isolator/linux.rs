//! The values of the isolators for Linux.

use super::IsolatorError;
use crate::json::{Cursor, Decode, DecodeError, Encode, Writer, read_all};

/// The capabilities an app has unless an isolator says otherwise. Source: appc ace.md.
pub const DEFAULT_CAPABILITIES: [&str; 14] = [
    "CAP_AUDIT_WRITE",
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FSETID",
    "CAP_FOWNER",
    "CAP_KILL",
    "CAP_MKNOD",
    "CAP_NET_RAW",
    "CAP_NET_BIND_SERVICE",
    "CAP_SETUID",
    "CAP_SETGID",
    "CAP_SETPCAP",
    "CAP_SETFCAP",
    "CAP_SYS_CHROOT",
];

/// A set of capabilities, never empty. The names are not checked here; who applies them knows which exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapabilitySet(Vec<String>);

impl CapabilitySet {
    /// Makes a set.
    ///
    /// # Errors
    ///
    /// [`IsolatorError::EmptySet`] if there is nothing in it.
    pub fn new(names: Vec<String>) -> Result<Self, IsolatorError> {
        check_set(&names)?;
        Ok(Self(names))
    }

    /// The names, such as `CAP_CHOWN`.
    pub fn names(&self) -> &[String] {
        &self.0
    }
}

impl Decode for CapabilitySet {
    fn decode(cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        let fields = cursor.object()?;
        fields
            .checked("set", |set: &Vec<String>| check_set(set))
            .map(Self)
    }
}

impl Encode for CapabilitySet {
    fn encode(&self, out: &mut Writer) {
        out.object(|out| out.member("set", &self.0));
    }
}

/// A set of system calls and wildcards such as `@appc.io/all`, never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeccompSet {
    set: Vec<String>,
    errno: String,
}

impl SeccompSet {
    /// Makes a set. `errno` is the name of an error, or empty for killing the app.
    ///
    /// # Errors
    ///
    /// [`IsolatorError`] if the set is empty or `errno` does not look like an error's name.
    pub fn new(set: Vec<String>, errno: impl Into<String>) -> Result<Self, IsolatorError> {
        let errno = errno.into();
        check_set(&set)?;
        check_errno(&errno)?;
        Ok(Self { set, errno })
    }

    /// The system calls and wildcards.
    pub fn set(&self) -> &[String] {
        &self.set
    }

    /// What a call that is filtered out fails with; `None` if it kills the app.
    pub fn errno(&self) -> Option<&str> {
        (!self.errno.is_empty()).then_some(&self.errno)
    }
}

/// Checks that there is something in a set.
fn check_set(set: &[String]) -> Result<(), IsolatorError> {
    if set.is_empty() {
        Err(IsolatorError::EmptySet)
    } else {
        Ok(())
    }
}

/// Checks that `errno` looks like the name of an error, or is empty.
fn check_errno(errno: &str) -> Result<(), IsolatorError> {
    let allowed = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    if !errno.is_empty() && !errno.starts_with('E') {
        Err(IsolatorError::ErrnoStart)
    } else if !errno.bytes().all(allowed) {
        Err(IsolatorError::ErrnoCharacter)
    } else {
        Ok(())
    }
}

impl Decode for SeccompSet {
    fn decode(cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        let fields = cursor.object()?;
        Ok(read_all!(Self {
            set: fields.checked("set", |set: &Vec<String>| check_set(set)),
            errno: fields.checked("errno", |errno: &String| check_errno(errno)),
        }))
    }
}

impl Encode for SeccompSet {
    fn encode(&self, out: &mut Writer) {
        out.object(|out| {
            out.member("set", &self.set);
            out.member("errno", &self.errno);
        });
    }
}

/// The SELinux context of an app, or of all apps of a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelinuxContext {
    user: String,
    role: String,
    kind: String,
    level: String,
}

impl SelinuxContext {
    /// Makes a context of its four parts; only the level may hold a colon.
    ///
    /// # Errors
    ///
    /// [`IsolatorError`] if a part is empty or holds a colon that it may not.
    pub fn new(
        user: impl Into<String>,
        role: impl Into<String>,
        kind: impl Into<String>,
        level: impl Into<String>,
    ) -> Result<Self, IsolatorError> {
        let context = Self {
            user: user.into(),
            role: role.into(),
            kind: kind.into(),
            level: level.into(),
        };
        for (part, value) in context.parts() {
            check_part(part, value)?;
        }
        Ok(context)
    }

    fn parts(&self) -> [(&'static str, &String); 4] {
        [
            ("user", &self.user),
            ("role", &self.role),
            ("type", &self.kind),
            ("level", &self.level),
        ]
    }
}

/// Checks one part of a context.
fn check_part(part: &'static str, value: &str) -> Result<(), IsolatorError> {
    if value.is_empty() {
        Err(IsolatorError::SelinuxEmpty(part))
    } else if part != "level" && value.contains(':') {
        Err(IsolatorError::SelinuxColon(part))
    } else {
        Ok(())
    }
}

impl std::fmt::Display for SelinuxContext {
    /// Writes the context as the kernel takes it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}:{}:{}:{}",
            self.user, self.role, self.kind, self.level
        )
    }
}

impl Decode for SelinuxContext {
    fn decode(cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        let fields = cursor.object()?;
        let part = |part| fields.checked(part, |value: &String| check_part(part, value));
        Ok(read_all!(Self {
            user: part("user"),
            role: part("role"),
            kind: part("type"),
            level: part("level"),
        }))
    }
}

impl Encode for SelinuxContext {
    fn encode(&self, out: &mut Writer) {
        out.object(|out| {
            for (part, value) in self.parts() {
                out.member(part, value);
            }
        });
    }
}

/// The AppArmor profile of an app, or of all apps of a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApparmorProfile(String);

impl ApparmorProfile {
    /// Makes a profile's name.
    ///
    /// # Errors
    ///
    /// [`IsolatorError::ApparmorEmpty`] if there is no name.
    pub fn new(profile: impl Into<String>) -> Result<Self, IsolatorError> {
        let profile = profile.into();
        if profile.is_empty() {
            Err(IsolatorError::ApparmorEmpty)
        } else {
            Ok(Self(profile))
        }
    }

    /// The profile's name.
    pub fn profile(&self) -> &str {
        &self.0
    }
}

impl Decode for ApparmorProfile {
    fn decode(cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        let fields = cursor.object()?;
        let rule = |profile: &String| match profile.is_empty() {
            true => Err(IsolatorError::ApparmorEmpty),
            false => Ok(()),
        };
        fields.checked("profile", rule).map(Self)
    }
}

impl Encode for ApparmorProfile {
    fn encode(&self, out: &mut Writer) {
        out.object(|out| out.member("profile", &self.0));
    }
}
