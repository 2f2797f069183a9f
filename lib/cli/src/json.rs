//! JSON for programs.

use clap::ValueEnum;
use serde::Serialize as _;
use serde_json::ser::PrettyFormatter;
use serde_json::{Serializer, Value};

use crate::Failure;

/// A format for programs, as the values `json` and `json-pretty` of a flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum JsonFormat {
    /// One line.
    Json,
    /// Indented with tabs.
    JsonPretty,
}

/// The text of a value, without an end of line.
///
/// # Errors
///
/// None that can happen to values made by us; they are passed on all the same.
pub fn json_text(value: &Value, format: JsonFormat) -> Result<String, Failure> {
    let mut text = Vec::new();
    let written = match format {
        JsonFormat::Json => serde_json::to_writer(&mut text, value),
        JsonFormat::JsonPretty => {
            let indent = PrettyFormatter::with_indent(b"\t");
            value.serialize(&mut Serializer::with_formatter(&mut text, indent))
        }
    };
    written.map_err(|error| Failure::environment(format!("cannot print: {error}")))?;
    // What serde_json writes is UTF-8.
    Ok(String::from_utf8_lossy(&text).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_formats_hold_the_same() {
        let value = serde_json::json!({ "b": [1, "ü\n"], "a": null });
        let text = |format| json_text(&value, format).unwrap();
        assert_eq!(text(JsonFormat::Json), r#"{"b":[1,"ü\n"],"a":null}"#);
        let pretty = "{\n\t\"b\": [\n\t\t1,\n\t\t\"ü\\n\"\n\t],\n\t\"a\": null\n}";
        assert_eq!(text(JsonFormat::JsonPretty), pretty);
    }
}
