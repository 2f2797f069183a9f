//! The addresses of the public port.
//!
//! Source: appc spec 0.8.11, ace.md; the single annotations are rkt's.

/// What is asked for by whom.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Endpoint<'a> {
    pub(super) token: &'a str,
    pub(super) what: What<'a>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum What<'a> {
    PodAnnotations,
    PodAnnotation(&'a str),
    PodManifest,
    PodUuid,
    Sign,
    Verify,
    App(&'a str, OfApp<'a>),
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum OfApp<'a> {
    Annotations,
    Annotation(&'a str),
    ImageManifest,
    ImageId,
}

impl<'a> Endpoint<'a> {
    /// Takes a path apart that has no escapes left; `None` if nothing is there.
    pub(super) fn of(path: &'a str) -> Option<Self> {
        let (token, rest) = path.strip_prefix('/')?.split_once('/')?;
        let rest = rest.strip_prefix("acMetadata/v1/")?;
        let what = match rest.split_once('/')? {
            ("pod", what) => What::of_pod(what)?,
            ("apps", app) => {
                let (app, what) = app.split_once('/')?;
                What::App(app, OfApp::of(what)?)
            }
            _ => return None,
        };
        (!token.is_empty()).then_some(Self { token, what })
    }
}

impl<'a> What<'a> {
    fn of_pod(path: &'a str) -> Option<Self> {
        Some(match path {
            "annotations" => Self::PodAnnotations,
            "manifest" => Self::PodManifest,
            "uuid" => Self::PodUuid,
            "hmac/sign" => Self::Sign,
            "hmac/verify" => Self::Verify,
            // Names of annotations may have slashes.
            path => Self::PodAnnotation(path.strip_prefix("annotations/")?),
        })
    }

    /// The one method that can be.
    pub(super) fn method(&self) -> &'static str {
        match self {
            Self::Sign | Self::Verify => "POST",
            _ => "GET",
        }
    }
}

impl<'a> OfApp<'a> {
    fn of(path: &'a str) -> Option<Self> {
        Some(match path {
            "annotations" => Self::Annotations,
            "image/manifest" => Self::ImageManifest,
            "image/id" => Self::ImageId,
            path => Self::Annotation(path.strip_prefix("annotations/")?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_those_of_the_specification_and_two_of_rkts() {
        let app = |what| What::App("web", what);
        for (path, what) in [
            ("pod/annotations", What::PodAnnotations),
            ("pod/annotations/a.test/b", What::PodAnnotation("a.test/b")),
            ("pod/annotations/", What::PodAnnotation("")),
            ("pod/manifest", What::PodManifest),
            ("pod/uuid", What::PodUuid),
            ("pod/hmac/sign", What::Sign),
            ("pod/hmac/verify", What::Verify),
            ("apps/web/annotations", app(OfApp::Annotations)),
            ("apps/web/annotations/a/b", app(OfApp::Annotation("a/b"))),
            ("apps/web/image/manifest", app(OfApp::ImageManifest)),
            ("apps/web/image/id", app(OfApp::ImageId)),
            ("apps//image/id", What::App("", OfApp::ImageId)),
        ] {
            let path = format!("/secret/acMetadata/v1/{path}");
            let found = Endpoint::of(&path);
            let token = "secret";
            assert_eq!(found, Some(Endpoint { token, what }), "{path}");
        }
        for path in [
            "",
            "/",
            "//acMetadata/v1/pod/uuid",
            "/secret",
            "/secret/acMetadata/v2/pod/uuid",
            "/secret/acmetadata/v1/pod/uuid",
            "/secret/acMetadata/v1",
            "/secret/acMetadata/v1/",
            "/secret/acMetadata/v1/pod",
            "/secret/acMetadata/v1/pod/",
            "/secret/acMetadata/v1/pod/uuid/",
            "/secret/acMetadata/v1/pod/annotationsx",
            "/secret/acMetadata/v1/apps/web",
            "/secret/acMetadata/v1/apps/web/image",
            "/secret/acMetadata/v1/apps/image/id",
            "/secret/x/acMetadata/v1/pod/uuid",
            "secret/acMetadata/v1/pod/uuid",
        ] {
            assert_eq!(Endpoint::of(path), None, "{path}");
        }
    }
}
