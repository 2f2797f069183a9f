//! The environment of an app and of its event handlers.

use gantry_types::Environment;

/// Where programs are looked for unless the app says otherwise. Source: appc spec, ACE.
pub(crate) const DEFAULT_PATH: &str =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The variables of an app: rkt's defaults, each of which the app's own replaces.
///
/// Nothing of the caller's environment is passed on, but for `terminal`, the kind of its terminal
/// where the app has one. Source: appc spec, ace.md; rkt 1.30, stage1/init/common/pod.go.
pub(crate) fn of_app(
    name: &str,
    own: &Environment,
    terminal: Option<&str>,
) -> Vec<(String, String)> {
    let mut variables: Vec<(String, String)> = [
        ("PATH", DEFAULT_PATH),
        ("SHELL", "/bin/sh"),
        ("USER", "root"),
        ("LOGNAME", "root"),
        ("HOME", "/root"),
        ("AC_APP_NAME", name),
        ("container", "rkt"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    if let Some(terminal) = terminal {
        variables.push(("TERM".to_owned(), terminal.to_owned()));
    }
    for variable in own.iter() {
        match variables
            .iter_mut()
            .find(|(name, _)| *name == variable.name)
        {
            Some((_, value)) => value.clone_from(&variable.value),
            None => variables.push((variable.name.clone(), variable.value.clone())),
        }
    }
    variables
}

/// The value of a variable.
pub(crate) fn get<'a>(variables: &'a [(String, String)], name: &str) -> Option<&'a str> {
    variables
        .iter()
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_apps_variables_replace_the_defaults() {
        let mut own = Environment::default();
        own.set("HOME", "/data").unwrap();
        own.set("EXTRA", "a=b c").unwrap();
        let variables = of_app("web", &own, None);
        assert_eq!(get(&variables, "HOME"), Some("/data"));
        assert_eq!(get(&variables, "EXTRA"), Some("a=b c"));
        assert_eq!(get(&variables, "AC_APP_NAME"), Some("web"));
        assert_eq!(get(&variables, "container"), Some("rkt"));
        assert_eq!(get(&variables, "PATH"), Some(DEFAULT_PATH));
        assert_eq!(get(&variables, "TERM"), None);
        assert_eq!(
            variables.iter().filter(|(name, _)| name == "HOME").count(),
            1
        );
    }
}
