//! Credential helpers: programs that know the password of a registry.
//!
//! `docker-credential-NAME get` reads the name of a server from standard input and prints a JSON object with
//! `Username` and `Secret`. Source: github.com/docker/docker-credential-helpers, "Development".

use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use gantry_types::config_file::Secret;
use serde_json::Value;

use super::auth_file::Login;

/// Most bytes read of an answer.
const MAX_ANSWER_BYTES: u64 = 64 * 1024;
/// The user whose secret is an identity token.
const TOKEN_USER: &str = "<token>";

/// How helpers are found and how long they may take.
#[derive(Debug, Clone)]
pub struct Helpers {
    /// The directories with programs, as in the variable `PATH`.
    pub path: OsString,
    /// The longest wait for an answer; a helper may have to ask its user.
    pub timeout: Duration,
}

impl Default for Helpers {
    fn default() -> Self {
        Self {
            path: OsString::new(),
            timeout: Duration::from_secs(60),
        }
    }
}

/// A helper was of no help. What it printed is not shown: it may be the secret.
#[derive(Debug, thiserror::Error)]
pub enum HelperError {
    /// It is in no directory for programs.
    #[error("{program} is in no directory of PATH")]
    Missing {
        /// Its name.
        program: String,
    },
    /// It could not be started or talked to.
    #[error("cannot run {program}")]
    Run {
        /// Its name.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// It did not answer in time, and was ended.
    #[error("{program} gave no answer within {} s", timeout.as_secs())]
    TimedOut {
        /// Its name.
        program: String,
        /// The time it had.
        timeout: Duration,
    },
    /// It failed.
    #[error("{program} failed ({status})")]
    Failed {
        /// Its name.
        program: String,
        /// How it ended.
        status: std::process::ExitStatus,
    },
    /// It printed something else than credentials.
    #[error("{program} printed no credentials")]
    Answer {
        /// Its name.
        program: String,
    },
}

/// Whether a name makes a program's with `docker-credential-` before it, and nothing that leads elsewhere.
pub(super) fn is_helper_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    !name.is_empty() && name.bytes().all(plain)
}

impl Helpers {
    /// What the helper `name` knows about `server`; nothing if it knows nothing.
    ///
    /// # Errors
    ///
    /// [`HelperError`].
    pub fn ask(&self, name: &str, server: &str) -> Result<Option<Login>, HelperError> {
        let program = format!("docker-credential-{name}");
        let path = self.find(&program).ok_or_else(|| HelperError::Missing {
            program: program.clone(),
        })?;
        let failed = |source| HelperError::Run {
            program: program.clone(),
            source,
        };
        let mut child = Command::new(path)
            .arg("get")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // It may print there what nobody should see in a log.
            .stderr(Stdio::null())
            .spawn()
            .map_err(failed)?;
        let answer = converse(&mut child, server, self.timeout);
        if !matches!(answer, Ok(Some(_))) {
            // One that has ended already cannot be ended again.
            let _ = child.kill();
        }
        let status = child.wait().map_err(failed)?;
        let Some(answer) = answer.map_err(failed)? else {
            let timeout = self.timeout;
            return Err(HelperError::TimedOut { program, timeout });
        };
        if !status.success() {
            return match is_unknown(&answer) {
                true => Ok(None),
                false => Err(HelperError::Failed { program, status }),
            };
        }
        login(&answer)
            .map(Some)
            .ok_or(HelperError::Answer { program })
    }

    fn find(&self, program: &str) -> Option<PathBuf> {
        std::env::split_paths(&self.path)
            .filter(|directory| directory.is_absolute())
            .map(|directory| directory.join(OsStr::new(program)))
            .find(|path| path.is_file())
    }
}

/// What `child` prints when told the name of the server, or none if it takes too long.
fn converse(child: &mut Child, server: &str, timeout: Duration) -> io::Result<Option<Vec<u8>>> {
    if let Some(mut input) = child.stdin.take() {
        match input.write_all(server.as_bytes()) {
            // It does not want to know; its answer and its status say more.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            written => written?,
        }
    }
    let Some(output) = child.stdout.take() else {
        return Ok(Some(Vec::new()));
    };
    let (send, receive) = mpsc::channel();
    // What a helper started in turn may keep the pipe open, so this thread is not waited for.
    std::thread::spawn(move || send.send(read(output)));
    match receive.recv_timeout(timeout) {
        Ok(answer) => answer.map(Some),
        Err(_) => Ok(None),
    }
}

fn read(output: ChildStdout) -> io::Result<Vec<u8>> {
    let mut answer = Vec::new();
    output.take(MAX_ANSWER_BYTES).read_to_end(&mut answer)?;
    Ok(answer)
}

/// The words with which every helper says that it knows no such server.
fn is_unknown(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer);
    [
        "credentials not found in native keychain",
        "no credentials server URL",
    ]
    .iter()
    .any(|words| text.contains(words))
}

fn login(answer: &[u8]) -> Option<Login> {
    let answer: Value = serde_json::from_slice(answer).ok()?;
    let user = answer.get("Username")?.as_str()?.to_owned();
    let secret = Secret::from(answer.get("Secret")?.as_str()?.to_owned());
    Some(match user.as_str() {
        TOKEN_USER => Login::IdentityToken(secret),
        _ => Login::Password {
            user,
            password: secret,
        },
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn helpers(script: &str) -> (tempfile::TempDir, Helpers) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("docker-credential-test");
        std::fs::write(&path, format!("#!/bin/sh\n{script}")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        let helpers = Helpers {
            path: folder.path().as_os_str().to_owned(),
            ..Helpers::default()
        };
        (folder, helpers)
    }

    #[test]
    fn a_helper_is_asked_for_a_server_and_answers() {
        let (_folder, helpers) = helpers(
            r#"read server
            [ "$1" = get ] || exit 1
            case $server in
            a.test) echo '{"ServerURL":"a.test","Username":"u","Secret":"p"}' ;;
            t.test) echo '{"Username":"<token>","Secret":"t"}' ;;
            *) echo "credentials not found in native keychain"; exit 1 ;;
            esac"#,
        );
        let password = Login::Password {
            user: "u".to_owned(),
            password: "p".to_owned().into(),
        };
        let token = Login::IdentityToken("t".to_owned().into());
        assert_eq!(helpers.ask("test", "a.test\n").unwrap(), Some(password));
        assert_eq!(helpers.ask("test", "t.test\n").unwrap(), Some(token));
        assert_eq!(helpers.ask("test", "x.test\n").unwrap(), None);
        let missing = helpers.ask("other", "a.test").unwrap_err();
        assert!(matches!(missing, HelperError::Missing { .. }), "{missing}");
    }

    #[test]
    fn a_helper_that_fails_hangs_or_chatters_is_told_without_what_it_printed() {
        for (script, expected) in [
            ("echo secret; exit 3", "failed"),
            ("echo secret", "printed no credentials"),
            ("echo '{\"Username\":\"secret\"}'", "printed no credentials"),
            ("exec <&-; exec sleep 5", "gave no answer"),
            ("sleep 1 & exit 1", "gave no answer"),
        ] {
            let (_folder, mut helpers) = helpers(script);
            if script.contains("sleep") {
                helpers.timeout = Duration::from_millis(200);
            }
            let error = helpers.ask("test", "a.test").unwrap_err().to_string();
            assert!(error.contains(expected), "{script}: {error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
