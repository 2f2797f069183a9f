//! Programs that run before and after an app.

use crate::diagnostic::usage_errors;
use crate::json::{Cursor, Decode, DecodeError, Encode, Writer, read_all};
use crate::list::List;

/// When a handler runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// To its end before the app starts.
    PreStart,
    /// After the app has ended.
    PostStop,
}

/// A program that runs at an event of the app's life.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EventHandler {
    /// When it runs.
    pub event: Event,
    /// The program and its arguments.
    pub exec: List<String>,
}

/// An event handler breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventHandlerError {
    /// The handler names no event.
    #[error("eventHandler \"name\" cannot be empty")]
    Empty,
    /// The event does not exist.
    #[error("bad eventHandler \"name\": {0:?}")]
    Unknown(String),
    /// Two handlers are for one event.
    #[error("Only one eventHandler of name \"{}\" allowed", .0.as_str())]
    Repeated(Event),
}
usage_errors!(EventHandlerError);

impl Event {
    /// The name in manifests.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PreStart => "pre-start",
            Self::PostStop => "post-stop",
        }
    }
}

/// A list of handlers, one at most for each event.
#[derive(Default)]
pub(crate) struct EventHandlers(pub(crate) Vec<EventHandler>);

impl Decode for EventHandlers {
    fn decode(cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        let mut seen = Vec::new();
        let handlers = cursor.list(|handler: &EventHandler| {
            if seen.contains(&handler.event) {
                return Err(EventHandlerError::Repeated(handler.event));
            }
            seen.push(handler.event);
            Ok(())
        });
        handlers.map(Self)
    }
}

impl Decode for Event {
    fn decode(cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        match cursor.string()? {
            "pre-start" => Ok(Self::PreStart),
            "post-stop" => Ok(Self::PostStop),
            "" => Err(cursor.invalid(EventHandlerError::Empty)),
            other => Err(cursor.invalid(EventHandlerError::Unknown(other.to_owned()))),
        }
    }
}

impl Decode for EventHandler {
    fn decode(cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        let fields = cursor.object()?;
        Ok(read_all!(Self {
            event: fields.required("name"),
            exec: fields.or_default("exec"),
        }))
    }
}

impl Encode for EventHandler {
    fn encode(&self, out: &mut Writer) {
        out.object(|out| {
            out.member("name", self.event.as_str());
            out.member("exec", &self.exec);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest_error::from_json;

    #[test]
    fn there_are_two_events_and_one_handler_for_each() {
        // Source: appc aci.md, "eventHandlers".
        let text = r#"[{"name":"pre-start","exec":["/a","b"]},{"name":"post-stop","exec":null}]"#;
        for text in [text, &text.replace("null", "[]")] {
            let handlers: EventHandlers = from_json(text.as_bytes()).unwrap();
            assert_eq!(Writer::text_of(&handlers.0), text);
        }
        let twice = br#"[{"name":"pre-start"},{"name":"post-stop"},{"name":"pre-start"}]"#;
        let error = from_json::<EventHandlers>(twice).map(drop).unwrap_err();
        assert_eq!(
            error.to_string(),
            "Only one eventHandler of name \"pre-start\" allowed"
        );
        assert_eq!(error.location().unwrap().path, "[2]");
        let table = [
            (
                r#"{"exec":["/a"]}"#,
                "eventHandler \"name\" cannot be empty",
            ),
            (r#"{"name":""}"#, "eventHandler \"name\" cannot be empty"),
            (
                r#"{"name":"start"}"#,
                "bad eventHandler \"name\": \"start\"",
            ),
        ];
        for (text, message) in table {
            assert_eq!(
                from_json::<EventHandler>(text.as_bytes())
                    .unwrap_err()
                    .to_string(),
                message
            );
        }
    }
}
