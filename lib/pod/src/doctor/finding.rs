//! One answer about a host.

/// How good an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// As it should be.
    Good,
    /// Pods run, but not all that they may be asked for works.
    Limited,
    /// Pods do not run.
    Bad,
}

impl Level {
    /// The word for it in listings and JSON: `ok`, `limited`, `bad`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Limited => "limited",
            Self::Bad => "bad",
        }
    }
}

/// What was found out about one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The thing, in one word that does not change between versions.
    pub name: &'static str,
    /// How good it is.
    pub level: Level,
    /// What is there.
    pub found: String,
    /// What follows for pods; empty if all is well.
    pub consequence: String,
    /// What to do about it; empty if there is nothing to do.
    pub remedy: String,
}

impl Finding {
    /// All is well.
    pub fn good(name: &'static str, found: impl Into<String>) -> Self {
        Self {
            name,
            level: Level::Good,
            found: found.into(),
            consequence: String::new(),
            remedy: String::new(),
        }
    }

    /// Something does not work.
    pub fn limited(
        name: &'static str,
        found: impl Into<String>,
        consequence: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            name,
            level: Level::Limited,
            found: found.into(),
            consequence: consequence.into(),
            remedy: remedy.into(),
        }
    }

    /// Nothing works.
    pub fn bad(
        name: &'static str,
        found: impl Into<String>,
        consequence: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            level: Level::Bad,
            ..Self::limited(name, found, consequence, remedy)
        }
    }
}
