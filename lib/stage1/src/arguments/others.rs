//! The arguments of the entrypoints besides `run`.

use std::ffi::OsString;
use std::path::PathBuf;

use super::{ArgumentError, LOCAL_CONFIG, flag, one_uuid, split};

/// The arguments of `enter`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EnterArguments {
    /// PID 1 of the pod, as the host has it.
    pub(crate) pid: i32,
    pub(crate) app: String,
    /// At least one.
    pub(crate) command: Vec<OsString>,
}

impl EnterArguments {
    /// Parses what follows the word `enter`: options, `--`, and the command.
    pub(crate) fn parse(
        mut arguments: impl Iterator<Item = OsString>,
    ) -> Result<Self, ArgumentError> {
        let (options, _) = split(arguments.by_ref().take_while(|argument| argument != "--"));
        let (mut pid, mut app) = (None, None);
        for (option, value) in options {
            let value = value.unwrap_or_default();
            match option.as_str() {
                "pid" => pid = value.parse().ok().filter(|pid| *pid > 0),
                "appname" => app = Some(value).filter(|app| !app.is_empty()),
                "debug" => {}
                _ => return Err(ArgumentError::Unknown(format!("--{option}"))),
            }
        }
        let command: Vec<OsString> = arguments.collect();
        match (pid, app) {
            (Some(pid), Some(app)) if !command.is_empty() => Ok(Self { pid, app, command }),
            _ => Err(ArgumentError::Enter),
        }
    }
}

/// The arguments of `gc`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GcArguments {
    /// Directory with the local configuration.
    pub(crate) local_config: PathBuf,
    pub(crate) uuid: String,
}

impl GcArguments {
    /// Parses what follows the word `gc`.
    pub(crate) fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Self, ArgumentError> {
        let (local_config, others) = local_config_and_others(arguments)?;
        let uuid = one_uuid(others)?;
        Ok(Self { local_config, uuid })
    }
}

/// The directory with the local configuration, of an entrypoint that takes nothing else.
pub(crate) fn local_config(
    arguments: impl Iterator<Item = OsString>,
) -> Result<PathBuf, ArgumentError> {
    match local_config_and_others(arguments)? {
        (local_config, others) if others.is_empty() => Ok(local_config),
        (_, others) => Err(ArgumentError::Unknown(others.join(" "))),
    }
}

fn local_config_and_others(
    arguments: impl Iterator<Item = OsString>,
) -> Result<(PathBuf, Vec<String>), ArgumentError> {
    let (options, others) = split(arguments);
    let mut local_config = PathBuf::from(LOCAL_CONFIG);
    for (option, value) in options {
        match (option.as_str(), value) {
            ("local-config", Some(value)) => local_config = value.into(),
            ("debug", _) => {}
            _ => return Err(ArgumentError::Unknown(format!("--{option}"))),
        }
    }
    Ok((local_config, others))
}

/// The arguments of `stop`: an option that counts, others that do not, and the UUID.
pub(crate) fn force_and_uuid(
    arguments: impl Iterator<Item = OsString>,
) -> Result<(bool, String), ArgumentError> {
    let (options, others) = split(arguments);
    let mut force = false;
    for (option, value) in options {
        match option.as_str() {
            "force" => {
                let bad = || ArgumentError::Value {
                    option: "--force".to_owned(),
                    value: value.clone().unwrap_or_default(),
                };
                force = flag(value.as_deref()).ok_or_else(bad)?;
            }
            "debug" | "local-config" => {}
            _ => return Err(ArgumentError::Unknown(format!("--{option}"))),
        }
    }
    Ok((force, one_uuid(others)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "6f5cd21b-7d2f-4d52-8e5b-3f9f3f1a2b3c";

    #[test]
    fn enter_takes_a_process_an_app_and_a_command() {
        let parse = |list: &[&str]| EnterArguments::parse(list.iter().map(OsString::from));
        let parsed = parse(&["--pid=7", "--appname=web", "--", "/bin/ls", "--", "-l"]).unwrap();
        assert_eq!((parsed.pid, parsed.app.as_str()), (7, "web"));
        assert_eq!(parsed.command, ["/bin/ls", "--", "-l"]);
        for bad in [
            &["--pid=7", "--appname=web", "--"][..],
            &["--pid=-7", "--appname=web", "--", "ls"],
            &["--appname=web", "--", "ls"],
            &["--pid=7", "--", "ls"],
            &["--bogus", "--pid=7", "--appname=web", "--", "ls"],
        ] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn gc_takes_a_configuration_and_a_uuid() {
        let parse = |list: &[&str]| GcArguments::parse(list.iter().map(OsString::from));
        let parsed = parse(&["--debug", "--local-config=/l", UUID]).unwrap();
        assert_eq!(
            (parsed.local_config, parsed.uuid),
            ("/l".into(), UUID.to_owned())
        );
        assert_eq!(
            parse(&[UUID]).unwrap().local_config,
            PathBuf::from("/etc/rkt")
        );
        assert!(parse(&["--force", UUID]).is_err() && parse(&[]).is_err());
    }

    #[test]
    fn stop_takes_force_and_a_uuid() {
        let parse = |list: &[&str]| force_and_uuid(list.iter().map(OsString::from));
        assert_eq!(parse(&["--force", UUID]), Ok((true, UUID.to_owned())));
        assert_eq!(parse(&["--debug", UUID]), Ok((false, UUID.to_owned())));
        assert!(parse(&["--kill", UUID]).is_err());
    }
}
