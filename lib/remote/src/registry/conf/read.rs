//! From the text of one file to what it says.

use toml_edit::{Document, Item, TableLike, Value};

use super::super::helper::is_helper_name;
use crate::small_file;

use super::{Mirror, RegistriesConf, Rule, Serves, ShortNameMode};

/// Largest file read, in bytes. The short names that distributions ship come to 10 KiB.
pub const MAX_CONF_BYTES: usize = small_file::MAX_BYTES;

/// A text is no `registries.conf` of version 2.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfError {
    /// It is too large.
    #[error("it is larger than {MAX_CONF_BYTES} bytes")]
    TooLarge,
    /// It is not UTF-8.
    #[error("it is not UTF-8")]
    Encoding,
    /// It is no TOML.
    #[error("it is not TOML: {0}")]
    Syntax(String),
    /// It is written in the format of version 1.
    #[error("it has [registries.search], [registries.insecure] or [registries.block] of version 1")]
    Version1,
    /// A value is of another kind than it has to be.
    #[error("{place} is not {expected}")]
    Kind {
        /// Which value.
        place: String,
        /// What it has to be.
        expected: &'static str,
    },
    /// A rule says neither which names it is about nor where they lead.
    #[error("{place} has neither prefix nor location")]
    NoPrefix {
        /// Which rule.
        place: String,
    },
    /// Two rules are about the same names.
    #[error("there are two [[registry]] for {prefix:?}")]
    Twice {
        /// The prefix of both.
        prefix: String,
    },
}

/// Reads one file. Settings that are not about what is asked for where are passed over.
///
/// # Errors
///
/// [`ConfError`].
pub fn parse(text: &[u8]) -> Result<RegistriesConf, ConfError> {
    if text.len() > MAX_CONF_BYTES {
        return Err(ConfError::TooLarge);
    }
    let text = std::str::from_utf8(text).map_err(|_| ConfError::Encoding)?;
    let document =
        Document::parse(text).map_err(|error| ConfError::Syntax(error.message().to_owned()))?;
    let file = Place::new(document.as_table(), String::new());
    if file.table.get("registries").is_some_and(Item::is_table) {
        return Err(ConfError::Version1);
    }
    let mut conf = RegistriesConf {
        search: file.texts("unqualified-search-registries")?,
        ..RegistriesConf::default()
    };
    if let Some(helpers) = file.texts("credential-helpers")? {
        if !helpers.iter().all(|name| is_helper_name(name)) {
            return Err(file.kind("credential-helpers", "a list of names of helpers"));
        }
        conf.credential_helpers = Some(helpers).filter(|helpers| !helpers.is_empty());
    }
    conf.short_name_mode = match file.text("short-name-mode")? {
        None | Some("") => None,
        Some("enforcing") => Some(ShortNameMode::Enforcing),
        Some("permissive" | "disabled") => Some(ShortNameMode::Permissive),
        Some(_) => {
            let expected = "\"enforcing\", \"permissive\" or \"disabled\"";
            return Err(file.kind("short-name-mode", expected));
        }
    };
    if let Some(aliases) = file.table.get("aliases") {
        let aliases = aliases.as_table_like();
        let aliases = aliases.ok_or_else(|| file.kind("aliases", "a table"))?;
        for (short, full) in aliases.iter() {
            let full = full.as_str();
            let full = full.ok_or_else(|| file.kind(&format!("aliases.{short}"), "a text"))?;
            conf.aliases.insert(short.to_owned(), full.to_owned());
        }
    }
    for entry in file.tables("registry")? {
        let (prefix, rule) = rule(&entry)?;
        if conf.rules.insert(prefix.clone(), rule).is_some() {
            return Err(ConfError::Twice { prefix });
        }
    }
    Ok(conf)
}

fn rule(entry: &Place<'_>) -> Result<(String, Rule), ConfError> {
    let location = entry.name("location")?;
    let prefix = match (entry.name("prefix")?, &location) {
        (Some(prefix), _) => prefix,
        (None, Some(location)) => location.clone(),
        (None, None) => {
            let place = entry.name.clone();
            return Err(ConfError::NoPrefix { place });
        }
    };
    let digests_only = entry.flag("mirror-by-digest-only")?;
    let mut mirrors = Vec::new();
    for mirror in entry.tables("mirror")? {
        let serves = match mirror.text("pull-from-mirror")? {
            None | Some("") if digests_only => Serves::Digests,
            None | Some("" | "all") => Serves::All,
            Some("digest-only") => Serves::Digests,
            Some("tag-only") => Serves::Tags,
            Some(_) => {
                let expected = "\"all\", \"digest-only\" or \"tag-only\"";
                return Err(mirror.kind("pull-from-mirror", expected));
            }
        };
        let location = mirror.name("location")?;
        let no_location = || mirror.kind("location", "HOST[:PORT][/PATH]");
        mirrors.push(Mirror {
            location: location.ok_or_else(no_location)?,
            insecure: mirror.flag("insecure")?,
            serves,
        });
    }
    let rule = Rule {
        location,
        insecure: entry.flag("insecure")?,
        blocked: entry.flag("blocked")?,
        mirrors,
    };
    // As the names that it is compared with.
    Ok((prefix.to_ascii_lowercase(), rule))
}

/// A table, and what errors call it.
struct Place<'a> {
    table: &'a dyn TableLike,
    name: String,
}

impl<'a> Place<'a> {
    fn new(table: &'a dyn TableLike, name: String) -> Self {
        Self { table, name }
    }

    fn kind(&self, key: &str, expected: &'static str) -> ConfError {
        let place = match self.name.as_str() {
            "" => key.to_owned(),
            name => format!("{key} of {name}"),
        };
        ConfError::Kind { place, expected }
    }

    fn text(&self, key: &str) -> Result<Option<&'a str>, ConfError> {
        let value = self.table.get(key);
        value
            .map(|value| value.as_str().ok_or_else(|| self.kind(key, "a text")))
            .transpose()
    }

    /// A registry with or without a path, which has no scheme and no slash at its end.
    fn name(&self, key: &str) -> Result<Option<String>, ConfError> {
        let Some(text) = self.text(key)?.filter(|text| !text.is_empty()) else {
            return Ok(None);
        };
        if text.contains("://") || text.contains(char::is_whitespace) {
            return Err(self.kind(key, "HOST[:PORT][/PATH]"));
        }
        Ok(Some(text.trim_end_matches('/').to_owned()))
    }

    fn flag(&self, key: &str) -> Result<bool, ConfError> {
        match self.table.get(key) {
            None => Ok(false),
            Some(value) => value
                .as_bool()
                .ok_or_else(|| self.kind(key, "true or false")),
        }
    }

    fn texts(&self, key: &str) -> Result<Option<Vec<String>>, ConfError> {
        let Some(list) = self.table.get(key) else {
            return Ok(None);
        };
        let list = list.as_array().ok_or_else(|| self.kind(key, "a list"))?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let texts: Option<Vec<String>> = list.iter().map(text).collect();
        Ok(Some(
            texts.ok_or_else(|| self.kind(key, "a list of texts"))?,
        ))
    }

    /// The tables of a list, written as `[[KEY]]` or in place.
    fn tables(&self, key: &str) -> Result<Vec<Place<'a>>, ConfError> {
        let found: Option<Vec<&'a dyn TableLike>> = match self.table.get(key) {
            None => Some(Vec::new()),
            Some(Item::ArrayOfTables(tables)) => {
                Some(tables.iter().map(|table| table as &dyn TableLike).collect())
            }
            Some(item) => item.as_array().and_then(|values| {
                let table = |value: &'a Value| Some(value.as_inline_table()? as &dyn TableLike);
                values.iter().map(table).collect()
            }),
        };
        let found = found.ok_or_else(|| self.kind(key, "a list of tables"))?;
        let of = match self.name.as_str() {
            "" => String::new(),
            name => format!("{name}, "),
        };
        let places = found.into_iter().enumerate();
        Ok(places
            .map(|(number, table)| Place::new(table, format!("{of}{key} {}", number + 1)))
            .collect())
    }
}
