//! What became of the isolators of a pod: our file `isolators.json` in the pod directory.

use serde::{Deserialize, Serialize};

/// Annotation of a pod: with the value `strict` it runs only if every isolator can be enforced.
pub const ISOLATORS_ANNOTATION: &str = "coreos.com/rkt/stage1/isolators";
/// The one value of [`ISOLATORS_ANNOTATION`] that changes something.
pub const STRICT_ISOLATORS: &str = "strict";
/// Annotation of an app in a pod: how many processes and threads it may have, or `unlimited`.
///
/// There is no isolator for it. Annotations of images do not count.
pub const PIDS_LIMIT_ANNOTATION: &str = "coreos.com/rkt/stage2/pids-limit";

/// What was done about an isolator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IsolatorStatus {
    /// It holds as it was asked for.
    Enforced,
    /// It holds with a value that allows less than what was asked for.
    Narrowed,
    /// Nothing enforces it.
    Ignored,
}

impl IsolatorStatus {
    /// The word for it, as in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enforced => "enforced",
            Self::Narrowed => "narrowed",
            Self::Ignored => "ignored",
        }
    }
}

/// An isolator of a pod or of one of its apps, and what was done about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IsolatorOutcome {
    /// The app; `None` for an isolator of the pod as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
    /// The isolator's name, or that of an annotation that limits something.
    pub name: String,
    /// What was done.
    pub status: IsolatorStatus,
    /// Why, or by what means; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

/// The isolators of a pod, those of the pod as a whole first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IsolatorReport(pub Vec<IsolatorOutcome>);

impl IsolatorReport {
    /// Reads the file's contents.
    ///
    /// # Errors
    ///
    /// The parser's error if the text is no report.
    pub fn from_json(text: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(text)
    }

    /// Writes the file's contents.
    pub fn to_json(&self) -> Vec<u8> {
        // Writing to memory cannot fail, and every name has a form.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_a_list() {
        let text = r#"[{"name":"resource/memory","status":"enforced"},{"app":"web","name":"resource/cpu","status":"narrowed","detail":"why"}]"#;
        let report = IsolatorReport::from_json(text.as_bytes()).unwrap();
        assert_eq!(report.0[0].app, None);
        assert_eq!(report.0[1].status, IsolatorStatus::Narrowed);
        assert_eq!(String::from_utf8(report.to_json()).unwrap(), text);
        for bad in [
            "",
            "{}",
            r#"[{"name":"x"}]"#,
            r#"[{"name":"x","status":"maybe"}]"#,
        ] {
            assert!(IsolatorReport::from_json(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
