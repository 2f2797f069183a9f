//! What to run in an image, and how.

use std::collections::BTreeMap;

use crate::diagnostic::usage_errors;
use crate::environment::Environment;
use crate::event_handler::{EventHandler, EventHandlers};
use crate::isolator::Isolators;
use crate::json::{Cursor, Decode, DecodeError, Encode, Writer, read_all};
use crate::list::List;
use crate::mount_point::MountPoint;
use crate::port::Port;

/// The app of an image or of a pod.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct App {
    /// The program and its arguments; may be empty.
    pub exec: List<String>,
    /// Programs that run before and after the app.
    pub event_handlers: Vec<EventHandler>,
    /// Name, number or absolute path of a file whose owner is meant. Never empty in a valid manifest.
    pub user: String,
    /// As `user`, for the group.
    pub group: String,
    /// Further groups, by number.
    pub supplementary_gids: Vec<i64>,
    /// An absolute path, or empty for `/`.
    pub working_directory: String,
    /// Variables, taken literally.
    pub environment: Environment,
    /// Places for volumes.
    pub mount_points: Vec<MountPoint>,
    /// Ports it listens on.
    pub ports: Vec<Port>,
    /// Limits and rights.
    pub isolators: Isolators,
    /// Free text for users, without meaning here.
    pub user_annotations: BTreeMap<String, String>,
    /// Free labels for users, without meaning here.
    pub user_labels: BTreeMap<String, String>,
}

/// An app breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppError {
    /// There is no user.
    #[error("user is required")]
    NoUser,
    /// There is no group.
    #[error("group is required")]
    NoGroup,
    /// The working directory is relative.
    #[error("workingDirectory must be an absolute path")]
    WorkingDirectory,
}
usage_errors!(AppError);

impl Decode for App {
    fn decode(cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        let fields = cursor.object()?;
        let required = |key, error: AppError| {
            fields.checked(
                key,
                move |text: &String| {
                    if text.is_empty() { Err(error) } else { Ok(()) }
                },
            )
        };
        Ok(read_all!(Self {
            exec: fields.or_default("exec"),
            event_handlers: fields
                .or_default("eventHandlers")
                .map(|list: EventHandlers| list.0),
            user: required("user", AppError::NoUser),
            group: required("group", AppError::NoGroup),
            supplementary_gids: fields.or_default("supplementaryGIDs"),
            working_directory: fields.checked("workingDirectory", |path: &String| {
                if path.is_empty() || path.starts_with('/') {
                    Ok(())
                } else {
                    Err(AppError::WorkingDirectory)
                }
            }),
            environment: fields.or_default("environment"),
            mount_points: fields.or_default("mountPoints"),
            ports: fields.or_default("ports"),
            isolators: fields.or_default("isolators"),
            user_annotations: fields.or_default("userAnnotations"),
            user_labels: fields.or_default("userLabels"),
        }))
    }
}

impl Encode for App {
    fn encode(&self, out: &mut Writer) {
        out.object(|out| {
            out.member("exec", &self.exec);
            out.member_unless(
                self.event_handlers.is_empty(),
                "eventHandlers",
                &self.event_handlers,
            );
            out.member("user", &self.user);
            out.member("group", &self.group);
            out.member_unless(
                self.supplementary_gids.is_empty(),
                "supplementaryGIDs",
                &self.supplementary_gids,
            );
            out.member_unless(
                self.working_directory.is_empty(),
                "workingDirectory",
                &self.working_directory,
            );
            out.member_unless(
                self.environment.is_empty(),
                "environment",
                &self.environment,
            );
            out.member_unless(
                self.mount_points.is_empty(),
                "mountPoints",
                &self.mount_points,
            );
            out.member_unless(self.ports.is_empty(), "ports", &self.ports);
            out.member_unless(self.isolators.is_empty(), "isolators", &self.isolators);
            out.member_unless(
                self.user_annotations.is_empty(),
                "userAnnotations",
                &self.user_annotations,
            );
            out.member_unless(self.user_labels.is_empty(), "userLabels", &self.user_labels);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest_error::from_json;

    #[test]
    fn keys_match_whatever_their_case_and_the_last_one_wins() {
        // As Go's encoding/json reads keys.
        let text = r#"{"Exec":["/old"],"EXEC":["/a"],"User":"0","gRoUp":"0","other":{"x":[]},
            "supplementaryGids":[1,2],"environment":null,"workingDirectory":null}"#;
        let app: App = from_json(text.as_bytes()).unwrap();
        assert_eq!(
            Writer::text_of(&app),
            r#"{"exec":["/a"],"user":"0","group":"0","supplementaryGIDs":[1,2]}"#
        );
        let app: App = from_json(br#"{"user":"0","group":"0"}"#).unwrap();
        assert_eq!(
            Writer::text_of(&app),
            r#"{"exec":null,"user":"0","group":"0"}"#
        );
        let empty = r#"{"exec":[],"user":"0","group":"0"}"#;
        let app: App = from_json(empty.as_bytes()).unwrap();
        assert_eq!(Writer::text_of(&app), empty);
    }

    #[test]
    fn every_field_keeps_its_place() {
        let text = concat!(
            r#"{"exec":["/a","\u003cb\u003e"],"eventHandlers":[{"name":"pre-start","exec":["/p"]}],"#,
            r#""user":"u","group":"g","supplementaryGIDs":[-1],"workingDirectory":"/w","#,
            r#""environment":[{"name":"A","value":"1"}],"#,
            r#""mountPoints":[{"name":"m","path":"/m","readOnly":true}],"#,
            r#""ports":[{"name":"p","protocol":"tcp","port":80,"count":2,"socketActivated":true}],"#,
            r#""isolators":[{"name":"resource/memory","value":{"limit":"1.5G"}}],"#,
            r#""userAnnotations":{"a":"b","c/D":""},"userLabels":{"e":"f"}}"#
        );
        let app: App = from_json(text.as_bytes()).unwrap();
        assert_eq!(Writer::text_of(&app), text);
    }

    #[test]
    fn apps_are_checked_as_the_original_does() {
        // Source: appc spec, schema/types/app.go.
        let table = [
            (r#"{}"#, "user is required"),
            (r#"{"user":"","group":"0"}"#, "user is required"),
            (r#"{"user":"0"}"#, "group is required"),
            (
                r#"{"user":"0","group":"0","workingDirectory":"stuff"}"#,
                "workingDirectory must be an absolute path",
            ),
            (
                r#"{"user":"0","group":"0","eventHandlers":[{"name":"pre-start"},{"name":"pre-start"}]}"#,
                "Only one eventHandler of name \"pre-start\" allowed",
            ),
            (
                r#"{"user":"0","group":"0","exec":"/a"}"#,
                "json: cannot unmarshal string into field exec of type array",
            ),
            (
                r#"{"user":0,"group":"0"}"#,
                "json: cannot unmarshal number 0 into field user of type string",
            ),
            (
                r#"{"user":"0","group":"0","userLabels":{"a":1}}"#,
                "json: cannot unmarshal number 1 into field userLabels.a of type string",
            ),
            (
                r#"{"user":"0","group":"0","isolators":[{"name":"x","value":1}]}"#,
                "invalid isolator",
            ),
        ];
        for (text, message) in table {
            assert_eq!(
                from_json::<App>(text.as_bytes()).unwrap_err().to_string(),
                message,
                "{text}"
            );
        }
    }
}
