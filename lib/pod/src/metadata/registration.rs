//! Making a pod known to the service, from the side of whoever runs or removes the pod.

use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gantry_types::metadata::{MetadataToken, PORT};
use gantry_types::{Diagnostic, Kind, PodManifest, Uuid, pod_layout};

use super::exchange::Answer;
use crate::file;
use crate::pod::Pod;

/// How often the service is tried, and how long after a failure. Source: rkt 1.30, registration.go.
const TRIES: usize = 3;
const PAUSE: Duration = Duration::from_secs(1);

/// The way to the metadata service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registrar {
    socket: PathBuf,
    pause: Duration,
}

/// A pod cannot be made known to the metadata service, or unknown.
#[derive(Debug, thiserror::Error)]
pub enum RegistrationError {
    /// Nobody answers.
    #[error("could not reach the metadata service at {}", socket.display())]
    Unreachable {
        /// Its socket.
        socket: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It answered, and not that all is well.
    #[error("the metadata service answered {method} {path} with {status}: {text}")]
    Refused {
        /// The method.
        method: &'static str,
        /// The path, without the token.
        path: String,
        /// The HTTP status.
        status: u16,
        /// What it said.
        text: String,
    },
    /// A file of the pod cannot be read or written.
    #[error("cannot {action} {} of pod \"{uuid}\"", path.display())]
    File {
        /// The step.
        action: &'static str,
        /// The file, from the pod's directory on.
        path: PathBuf,
        /// The pod.
        uuid: Uuid,
        /// Why.
        source: io::Error,
    },
    /// The kernel gives no random bytes.
    #[error("cannot make a token")]
    Random(#[source] io::Error),
}

impl Diagnostic for RegistrationError {
    fn kind(&self) -> Kind {
        Kind::Environment
    }

    fn hint(&self) -> Option<String> {
        matches!(self, Self::Unreachable { .. }).then(|| {
            "start it with \"systemctl start rkt-metadata.socket\" or \"rkt metadata-service\", or leave out \
             --mds-register"
                .to_owned()
        })
    }
}

/// A pod that is known to the service.
#[derive(Debug)]
pub(crate) struct Registered {
    pub(crate) token: MetadataToken,
    /// Where apps reach the service.
    pub(crate) port: u16,
}

impl Registrar {
    /// The service that listens on this socket.
    #[must_use]
    pub fn new(socket: PathBuf) -> Self {
        let pause = PAUSE;
        Self { socket, pause }
    }

    /// Finds out whether the service runs, trying three times, one second apart.
    ///
    /// # Errors
    ///
    /// [`RegistrationError::Unreachable`]
    pub fn check(&self) -> Result<(), RegistrationError> {
        self.patiently(|| self.connect().map(drop))
    }

    /// Makes a pod and the images of its apps known, under a new token that is kept in the pod's directory too.
    pub(crate) fn register(&self, pod: &Pod) -> Result<Registered, RegistrationError> {
        let uuid = pod.uuid();
        let mut random = [0; 16];
        rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty())
            .map_err(|error| RegistrationError::Random(error.into()))?;
        let token = MetadataToken::from_random_bytes(random);
        let json = read(pod, Path::new(pod_layout::POD))?;
        let manifest = PodManifest::from_json(&json).map_err(|error| {
            let source = io::Error::new(io::ErrorKind::InvalidData, error);
            failed("read", Path::new(pod_layout::POD), uuid)(source)
        })?;
        // First the file: a service that starts again knows the pod then too.
        let marker = Path::new(pod_layout::MDS_REGISTERED);
        let written = rustix::fs::unlinkat(pod, marker, rustix::fs::AtFlags::empty());
        match written {
            Ok(()) | Err(rustix::io::Errno::NOENT) => {}
            Err(error) => return Err(failed("replace", marker, uuid)(error.into())),
        }
        let text = format!("{}\n", token.as_str());
        file::create(pod.as_fd(), marker, 0o600, text.as_bytes())
            .map_err(failed("write", marker, uuid))?;
        let registered = self.tell(pod, &token, &json, &manifest);
        if registered.is_err() {
            self.take_back(pod);
        }
        registered.map(|port| Registered { token, port })
    }

    fn tell(
        &self,
        pod: &Pod,
        token: &MetadataToken,
        json: &[u8],
        manifest: &PodManifest,
    ) -> Result<u16, RegistrationError> {
        let path = format!("/pods/{}", pod.uuid());
        let query = format!("?token={}", token.as_str());
        let answer = self.patiently(|| self.exchange("PUT", &path, &query, json))?;
        for app in manifest.apps.iter() {
            let image = read(pod, &pod_layout::app_manifest(&app.name))?;
            let path = format!("{path}/{}", app.name);
            self.patiently(|| self.exchange("PUT", &path, "", &image))?;
        }
        Ok(answer.port.unwrap_or(PORT))
    }

    /// Undoes what [`register`](Self::register) did; for a pod that does not come to run after all.
    pub(crate) fn take_back(&self, pod: &Pod) {
        // What is left is of a pod that is not there: nobody has its token.
        let _ = self.unregister(pod);
        let _ = rustix::fs::unlinkat(
            pod,
            pod_layout::MDS_REGISTERED,
            rustix::fs::AtFlags::empty(),
        );
    }

    /// Makes a pod unknown, if it ever was known.
    ///
    /// A service that does not run knows nobody, and one that starts later knows no pod that is gone.
    pub(crate) fn unregister(&self, pod: &Pod) -> Result<(), RegistrationError> {
        let marker = pod_layout::MDS_REGISTERED;
        match file::mtime_ns(pod.as_fd(), marker) {
            Ok(Some(_)) => {}
            Ok(None) => return Ok(()),
            Err(error) => return Err(failed("look at", Path::new(marker), pod.uuid())(error)),
        }
        let path = format!("/pods/{}", pod.uuid());
        match self.exchange("DELETE", &path, "", &[]) {
            Ok(_)
            | Err(
                RegistrationError::Refused { status: 404, .. }
                | RegistrationError::Unreachable { .. },
            ) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Tries again while nobody answers.
    fn patiently<T>(
        &self,
        mut attempt: impl FnMut() -> Result<T, RegistrationError>,
    ) -> Result<T, RegistrationError> {
        let mut result = attempt();
        for _ in 1..TRIES {
            if !matches!(result, Err(RegistrationError::Unreachable { .. })) {
                break;
            }
            std::thread::sleep(self.pause);
            result = attempt();
        }
        result
    }

    fn connect(&self) -> Result<UnixStream, RegistrationError> {
        UnixStream::connect(&self.socket).map_err(|source| self.unreachable(source))
    }

    fn unreachable(&self, source: io::Error) -> RegistrationError {
        RegistrationError::Unreachable {
            socket: self.socket.clone(),
            source,
        }
    }

    /// One request on a connection of its own.
    fn exchange(
        &self,
        method: &'static str,
        path: &str,
        query: &str,
        body: &[u8],
    ) -> Result<Answer, RegistrationError> {
        let stream = self.connect()?;
        let uri = format!("{path}{query}");
        let answer = Answer::to(stream, method, &uri, body);
        let answer = answer.map_err(|source| self.unreachable(source))?;
        match answer.status {
            200 => Ok(answer),
            status => Err(RegistrationError::Refused {
                method,
                path: path.to_owned(),
                status,
                text: answer.text,
            }),
        }
    }
}

fn read(pod: &Pod, path: &Path) -> Result<Vec<u8>, RegistrationError> {
    let failed = failed("read", path, pod.uuid());
    match file::read(pod.as_fd(), path) {
        Ok(Some(bytes)) => Ok(bytes),
        Ok(None) => Err(failed(io::ErrorKind::NotFound.into())),
        Err(error) => Err(failed(error)),
    }
}

fn failed(
    action: &'static str,
    path: &Path,
    uuid: Uuid,
) -> impl FnOnce(io::Error) -> RegistrationError {
    let path = path.to_owned();
    move |source| RegistrationError::File {
        action,
        path,
        uuid,
        source,
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::os::unix::net::UnixListener;

    use super::*;
    use crate::sample::{Sample, uuid};

    #[test]
    fn a_pod_is_known_only_with_all_its_apps_and_keeps_no_token_otherwise() {
        let sample = Sample::new();
        let pod = sample.pods.create(uuid(1)).unwrap();
        let manifest = r#"{"acKind":"PodManifest","acVersion":"0.8.11","apps":[{"name":"a","image":{"id":"sha512-ab"}}]}"#;
        file::create(pod.as_fd(), Path::new("pod"), 0o640, manifest.as_bytes()).unwrap();
        for directory in ["appsinfo", "appsinfo/a"] {
            file::make_dir(pod.as_fd(), Path::new(directory), 0o700).unwrap();
        }
        file::create(pod.as_fd(), Path::new("appsinfo/a/manifest"), 0o640, b"{}").unwrap();
        let socket = sample.temp.path().join("mds.sock");
        let registrar = Registrar {
            socket: socket.clone(),
            pause: Duration::ZERO,
        };
        let marker = pod.path().join("mds-registered");
        let error = registrar.register(&pod).unwrap_err();
        assert!(
            matches!(error, RegistrationError::Unreachable { .. }),
            "{error}"
        );
        assert!(
            error
                .hint()
                .unwrap()
                .contains("systemctl start rkt-metadata.socket")
        );
        assert!(!marker.exists());
        // A service that says these things one after the other, to as many connections.
        let serve = |answers: &'static [&'static str]| {
            let _ = std::fs::remove_file(&socket);
            let listener = UnixListener::bind(&socket).unwrap();
            std::thread::spawn(move || {
                let mut asked = Vec::new();
                for answer in answers {
                    let (mut stream, _) = listener.accept().unwrap();
                    let mut bytes = [0; 4096];
                    let count = stream.read(&mut bytes).unwrap();
                    let text = String::from_utf8_lossy(&bytes[..count]).into_owned();
                    asked.push(text.lines().next().unwrap_or_default().to_owned());
                    stream.write_all(answer.as_bytes()).unwrap();
                }
                asked
            })
        };
        const OK: &str = "HTTP/1.1 200 OK\r\nMetadata-Service-Port: 81\r\n\r\n";
        const NO: &str = "HTTP/1.1 400 Bad Request\r\n\r\nJSON-decoding failed\n";
        let service = serve(&[OK, NO, OK]);
        let error = registrar.register(&pod).unwrap_err().to_string();
        let id = uuid(1);
        assert_eq!(
            error,
            format!(
                "the metadata service answered PUT /pods/{id}/a with 400: JSON-decoding failed"
            )
        );
        assert!(!marker.exists());
        let asked = service.join().unwrap();
        assert!(
            asked[0].starts_with(&format!("PUT /pods/{id}?token=")),
            "{asked:?}"
        );
        assert_eq!(asked[2], format!("DELETE /pods/{id} HTTP/1.1"));
        let service = serve(&["nonsense", OK, OK]);
        let registered = registrar.register(&pod).unwrap();
        assert_eq!(registered.port, 81);
        let kept = std::fs::read_to_string(&marker).unwrap();
        assert_eq!(kept, format!("{}\n", registered.token.as_str()));
        service.join().unwrap();
        let service = serve(&["HTTP/1.1 404 Not Found\r\n\r\n", NO]);
        registrar.unregister(&pod).unwrap();
        assert!(registrar.unregister(&pod).is_err());
        service.join().unwrap();
        std::fs::remove_file(&socket).unwrap();
        registrar.unregister(&pod).unwrap();
        std::fs::remove_file(&marker).unwrap();
        registrar.unregister(&pod).unwrap();
    }
}
