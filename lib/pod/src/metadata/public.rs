//! What apps ask.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gantry_types::show::harmless;
use gantry_types::{AcIdentifier, Uuid};
use serde_json::{Value, json};

use super::endpoint::{Endpoint, OfApp, What};
use super::form::{Form, is_form};
use super::registry::KnownPod;
use super::request::{ASCII, JSON, MetadataReply, MetadataRequest};
use super::state::{Answer, MetadataState, malformed, no_such_address, no_such_app, path};

impl MetadataState {
    pub(super) fn public(&self, request: &MetadataRequest<'_>) -> Answer {
        let path = path(request)?;
        let endpoint = Endpoint::of(&path).ok_or_else(no_such_address)?;
        let method = endpoint.what.method();
        if request.method != method {
            return Err(MetadataReply::wrong_method(method));
        }
        let pod = self.registry.by_token(endpoint.token);
        let pod = pod.ok_or_else(|| MetadataReply::error(401, "pod not found"))?;
        match endpoint.what {
            What::PodAnnotations => Ok(annotations(&pod.annotations())),
            What::PodAnnotation(name) => annotation("Pod", &pod.annotations(), name),
            What::PodManifest => Ok(MetadataReply::ok(JSON, pod.manifest())),
            What::PodUuid => Ok(MetadataReply::ok(ASCII, pod.uuid.to_string())),
            What::App(name, what) => {
                let app = pod.app(name).ok_or_else(no_such_app)?;
                match what {
                    OfApp::Annotations => Ok(annotations(&app.annotations())),
                    OfApp::Annotation(name) => annotation("App", &app.annotations(), name),
                    OfApp::ImageManifest => Ok(MetadataReply::ok(JSON, app.image_manifest())),
                    OfApp::ImageId => Ok(MetadataReply::ok(ASCII, app.image_id())),
                }
            }
            What::Sign => self.sign(pod, request),
            What::Verify => self.verify(request),
        }
    }

    fn sign(&self, pod: &KnownPod, request: &MetadataRequest<'_>) -> Answer {
        let form = Forms::of(request)?;
        let signature = self.key.sign(pod.uuid, form.content()?);
        Ok(MetadataReply::ok(ASCII, STANDARD.encode(signature)))
    }

    fn verify(&self, request: &MetadataRequest<'_>) -> Answer {
        let form = Forms::of(request)?;
        let uuid = std::str::from_utf8(form.get("uuid").unwrap_or_default()).unwrap_or_default();
        let uuid: Uuid = uuid
            .parse()
            .map_err(|error| malformed(format_args!("uuid field missing or malformed: {error}")))?;
        let content = form.content()?;
        let mut signature = form.get("signature").unwrap_or_default().to_vec();
        // Programs that break lines, as base64(1) does, are understood.
        signature.retain(|byte| !b"\r\n".contains(byte));
        let signature = STANDARD.decode(&signature).ok();
        let signature = signature
            .filter(|signature| !signature.is_empty())
            .ok_or_else(|| malformed("signature field missing or corrupt"))?;
        match self.key.verify(uuid, content, &signature) {
            true => Ok(MetadataReply::ok(ASCII, "")),
            false => Err(MetadataReply {
                content_type: ASCII,
                ..MetadataReply::error(403, "the signature is not that of the pod for this content")
            }),
        }
    }
}

fn annotations(all: &[(&str, &str)]) -> MetadataReply {
    let pair = |(name, value): &(&str, &str)| json!({"name": name, "value": value});
    let list: Value = all.iter().map(pair).collect();
    MetadataReply::ok(JSON, list.to_string())
}

fn annotation(whose: &str, all: &[(&str, &str)], name: &str) -> Answer {
    if name.parse::<AcIdentifier>().is_err() {
        let name = harmless(name);
        return Err(malformed(format_args!(
            "{whose} annotation {name:?} is not a valid AC Identifier"
        )));
    }
    match all.iter().find(|(known, _)| *known == name) {
        Some((_, value)) => Ok(MetadataReply::ok(ASCII, *value)),
        None => Err(MetadataReply::error(
            404,
            format_args!("{whose} annotation {name:?} not found"),
        )),
    }
}

/// The form in the body, and that in the address for what the body has not.
struct Forms {
    body: Form,
    query: Form,
}

impl Forms {
    fn of(request: &MetadataRequest<'_>) -> Result<Self, MetadataReply> {
        let wrong = || malformed("the form has a wrong escape, or too many fields");
        let body = match is_form(request.content_type) {
            true => Form::parse(request.body).ok_or_else(wrong)?,
            false => Form::default(),
        };
        let query = Form::parse(request.query.as_bytes()).ok_or_else(wrong)?;
        Ok(Self { body, query })
    }

    fn get(&self, name: &str) -> Option<&[u8]> {
        self.body.get(name).or_else(|| self.query.get(name))
    }

    fn content(&self) -> Result<&[u8], MetadataReply> {
        let content = self.get("content").filter(|content| !content.is_empty());
        content.ok_or_else(|| {
            malformed(
                "content form value not found; the form must be application/x-www-form-urlencoded",
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::key::SigningKey;
    use super::super::state::Surface;
    use super::*;

    const POD: &str = "6733c088-a507-4694-aabf-edbe4fc5266f";
    const MANIFEST: &str = r#"{"acKind":"PodManifest","acVersion":"0.8.11","annotations":[{"name":"a.test/b","value":"pod"}],
        "apps":[{"name":"web","image":{"id":"sha512-ab"},"annotations":[{"name":"x","value":"app"}]}]}"#;
    const IMAGE: &str = r#"{"acKind":"ImageManifest","acVersion":"0.8.11","name":"n","annotations":[{"name":"x","value":"image"}]}"#;

    fn state() -> MetadataState {
        let mut state = MetadataState::new(SigningKey::from_bytes(&[7; 64]));
        for (path, query, body) in [("", "token=t", MANIFEST), ("/web", "", IMAGE)] {
            let reply = ask(
                &mut state,
                Surface::Registration,
                "PUT",
                &format!("/pods/{POD}{path}?{query}"),
                body,
            );
            assert_eq!(reply.status, 200, "{}", text(&reply));
        }
        state
    }

    fn ask(
        state: &mut MetadataState,
        surface: Surface,
        method: &str,
        uri: &str,
        body: &str,
    ) -> MetadataReply {
        let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
        let request = MetadataRequest {
            method,
            path,
            query,
            content_type: Some("application/x-www-form-urlencoded"),
            body: body.as_bytes(),
        };
        state.answer(surface, &request)
    }

    fn text(reply: &MetadataReply) -> String {
        String::from_utf8(reply.body.clone()).unwrap()
    }

    #[test]
    fn apps_are_answered_what_the_specification_says() {
        let mut state = state();
        let pod = r#"[{"name":"a.test/b","value":"pod"}]"#;
        for (path, content_type, body) in [
            ("pod/uuid", ASCII, POD),
            ("pod/annotations", JSON, pod),
            ("pod/annotations/a.test/b", ASCII, "pod"),
            ("pod/annotations/a.test%2Fb", ASCII, "pod"),
            (
                "apps/web/annotations",
                JSON,
                r#"[{"name":"x","value":"app"}]"#,
            ),
            ("apps/web/annotations/x", ASCII, "app"),
            ("apps/web/image/id", ASCII, "sha512-ab"),
        ] {
            let uri = format!("/t/acMetadata/v1/{path}");
            let reply = ask(&mut state, Surface::Public, "GET", &uri, "");
            assert_eq!(
                (reply.status, reply.content_type),
                (200, content_type),
                "{path}"
            );
            assert_eq!(text(&reply), body, "{path}");
        }
        for (path, name) in [("pod/manifest", "web"), ("apps/web/image/manifest", "n")] {
            let uri = format!("/t/acMetadata/v1/{path}");
            let reply = ask(&mut state, Surface::Public, "GET", &uri, "");
            assert_eq!((reply.status, reply.content_type), (200, JSON));
            let json: Value = serde_json::from_slice(&reply.body).unwrap();
            let found = match path {
                "pod/manifest" => &json["apps"][0]["name"],
                _ => &json["name"],
            };
            assert_eq!(found, name);
        }
    }

    #[test]
    fn whoever_asks_wrongly_is_told_so_by_the_status() {
        let mut state = state();
        let v1 = "/t/acMetadata/v1";
        for (method, uri, status) in [
            ("GET", "/", 404),
            ("GET", "/t/acMetadata/v1/", 404),
            ("GET", &format!("{v1}/pod/nothing"), 404),
            ("GET", "/%zz/acMetadata/v1/pod/uuid", 400),
            ("GET", "/%ff/acMetadata/v1/pod/uuid", 400),
            ("GET", "/T/acMetadata/v1/pod/uuid", 401),
            ("GET", "/T/acMetadata/v1/apps/web/image/id", 401),
            ("POST", "/T/acMetadata/v1/pod/hmac/verify", 401),
            ("HEAD", &format!("{v1}/pod/uuid"), 405),
            ("POST", &format!("{v1}/pod/annotations/a.test/b"), 405),
            ("GET", &format!("{v1}/pod/hmac/sign"), 405),
            ("PUT", &format!("{v1}/apps/web/image/id"), 405),
            ("GET", &format!("{v1}/apps/other/image/id"), 404),
            ("GET", &format!("{v1}/apps/WEB/annotations"), 404),
            ("GET", &format!("{v1}/pod/annotations/a.test/c"), 404),
            ("GET", &format!("{v1}/pod/annotations/UPPER"), 400),
            ("GET", &format!("{v1}/pod/annotations/"), 400),
            ("GET", &format!("{v1}/apps/web/annotations/y"), 404),
            ("GET", &format!("{v1}/apps/web/annotations/%00"), 400),
            ("POST", &format!("{v1}/pod/hmac/sign"), 400),
            ("POST", &format!("{v1}/pod/hmac/sign?content="), 400),
            ("POST", &format!("{v1}/pod/hmac/sign?content=%"), 400),
        ] {
            let reply = ask(&mut state, Surface::Public, method, uri, "");
            assert_eq!(reply.status, status, "{method} {uri}: {}", text(&reply));
            assert_eq!(reply.allow.is_some(), status == 405, "{method} {uri}");
        }
    }

    #[test]
    fn what_a_pod_signed_is_verified_and_nothing_else() {
        let mut state = state();
        let mut post = |what: &str, form: &str| {
            let uri = format!("/t/acMetadata/v1/pod/hmac/{what}");
            ask(&mut state, Surface::Public, "POST", &uri, form)
        };
        let signed = post("sign", "content=Old+MacDonald%FF");
        assert_eq!((signed.status, signed.content_type), (200, ASCII));
        let signature = text(&signed);
        assert_eq!(signature.len(), 88);
        let escaped: String = signature
            .bytes()
            .map(|byte| format!("%{byte:02X}"))
            .collect();
        let forged = match signature.as_bytes()[0] {
            b'A' => escaped.replacen("%41", "B", 1),
            first => escaped.replacen(&format!("%{first:02X}"), "A", 1),
        };
        let content = "content=Old+MacDonald%FF";
        for (form, status) in [
            (format!("{content}&uuid={POD}&signature={escaped}"), 200),
            (format!("{content}&uuid={POD}&signature={escaped}%0A"), 200),
            (format!("{content}&uuid={POD}&signature={forged}"), 403),
            (
                format!("content=Old+MacDonald%EF%BF%BD&uuid={POD}&signature={escaped}"),
                403,
            ),
            (
                format!(
                    "{content}&uuid={}&signature={escaped}",
                    POD.replace('6', "7")
                ),
                403,
            ),
            (format!("{content}&uuid={POD}&signature=AAAA"), 403),
            (format!("{content}&uuid={POD}&signature=A"), 400),
            (format!("{content}&uuid={POD}&signature="), 400),
            (format!("{content}&uuid={POD}"), 400),
            (format!("{content}&uuid=x&signature={escaped}"), 400),
            (format!("{content}&signature={escaped}"), 400),
            (format!("uuid={POD}&signature={escaped}"), 400),
            (String::new(), 400),
        ] {
            let reply = post("verify", &form);
            assert_eq!(reply.status, status, "{form}: {}", text(&reply));
            if matches!(status, 200 | 403) {
                assert_eq!(reply.content_type, ASCII);
            }
        }
        let request = MetadataRequest {
            method: "POST",
            path: "/t/acMetadata/v1/pod/hmac/sign",
            query: "",
            content_type: Some("text/plain"),
            body: content.as_bytes(),
        };
        assert_eq!(state.answer(Surface::Public, &request).status, 400);
    }

    proptest! {
        #[test]
        fn any_request_has_an_answer(
            method in "GET|POST|PUT|DELETE|[A-Z]{1,8}",
            path in "(/t/acMetadata/v1)?(/(pod|apps|web|annotations|hmac|sign|image|%[0-9a-f]{2}|[ -~]{0,9})){0,6}",
            query in "[ -~]{0,40}",
            body in "[ -~]{0,80}",
        ) {
            let mut state = state();
            for surface in [Surface::Public, Surface::Registration] {
                let reply = ask(&mut state, surface, &method, &format!("{path}?{query}"), &body);
                prop_assert!(matches!(reply.status, 200 | 400 | 401 | 403 | 404 | 405 | 409));
            }
        }
    }
}
