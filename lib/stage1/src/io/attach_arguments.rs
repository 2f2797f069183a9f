//! The arguments of the `attach` entrypoint.
//!
//! Source: rkt 1.30, stage1/iottymux and rkt/attach.go.

use std::ffi::OsString;

use super::endpoint::Target;
use crate::arguments::{ArgumentError, flag, split};

/// What `attach` does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AttachAction {
    /// Prints the endpoints.
    List,
    /// Connects with every endpoint there is.
    Auto,
    /// Connects with these.
    Custom(Vec<Target>),
}

/// Everything that `attach` was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AttachArguments {
    pub(crate) app: String,
    pub(crate) action: AttachAction,
    /// The caller types at the app's terminal.
    pub(crate) terminal_in: bool,
    /// The caller sees the app's terminal.
    pub(crate) terminal_out: bool,
}

impl AttachArguments {
    /// Parses what follows the word `attach`.
    pub(crate) fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Self, ArgumentError> {
        let (options, _) = split(arguments);
        let (mut action, mut app) = (None, None);
        let mut wanted = [false; 5];
        for (option, value) in options {
            let bad = || ArgumentError::Value {
                option: format!("--{option}"),
                value: value.clone().unwrap_or_default(),
            };
            let switches = ["stdin", "stdout", "stderr", "tty-in", "tty-out"];
            if let Some(number) = switches.iter().position(|switch| *switch == option) {
                wanted[number] = flag(value.as_deref()).ok_or_else(bad)?;
                continue;
            }
            match option.as_str() {
                "action" => action = Some(value.unwrap_or_default()),
                // It becomes part of a path.
                "app" => {
                    let name = value.as_deref().unwrap_or_default();
                    let name: gantry_types::AcName = name.parse().map_err(|_| bad())?;
                    app = Some(name.as_str().to_owned());
                }
                "debug" => {}
                _ => return Err(ArgumentError::Unknown(format!("--{option}"))),
            }
        }
        let [stdin, stdout, stderr, terminal_in, terminal_out] = wanted;
        let custom = [
            (stdin, Target::Stdin),
            (stdout, Target::Stdout),
            (stderr, Target::Stderr),
            (terminal_in || terminal_out, Target::Tty),
        ];
        let custom = custom.into_iter().filter(|(wanted, _)| *wanted);
        let action = match action.as_deref() {
            Some("list") => AttachAction::List,
            Some("auto-attach") => AttachAction::Auto,
            Some("custom-attach") => {
                AttachAction::Custom(custom.map(|(_, target)| target).collect())
            }
            _ => return Err(ArgumentError::Attach),
        };
        let auto = action == AttachAction::Auto;
        Ok(Self {
            app: app.ok_or(ArgumentError::Attach)?,
            terminal_in: terminal_in || auto,
            terminal_out: terminal_out || auto,
            action,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(list: &[&str]) -> Result<AttachArguments, ArgumentError> {
        AttachArguments::parse(list.iter().map(OsString::from))
    }

    #[test]
    fn the_streams_are_those_asked_for() {
        let all = parse(&["--action=auto-attach", "--app=web"]).unwrap();
        assert_eq!(all.action, AttachAction::Auto);
        assert!(all.terminal_in && all.terminal_out);
        let some = parse(&[
            "--action=custom-attach",
            "--app=web",
            "--stdin=true",
            "--stdout=false",
            "--tty-out",
        ]);
        let some = some.unwrap();
        let expected = AttachAction::Custom(vec![Target::Stdin, Target::Tty]);
        assert_eq!(some.action, expected);
        assert!(!some.terminal_in && some.terminal_out);
    }

    #[test]
    fn what_the_interface_does_not_have_is_refused() {
        for bad in [
            &[][..],
            &["--action=list"],
            &["--app=web"],
            &["--action=bogus", "--app=web"],
            &["--action=list", "--app=../web"],
            &["--action=list", "--app=web", "--stdin=maybe"],
            &["--action=list", "--app=web", "--bogus"],
        ] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }
}
