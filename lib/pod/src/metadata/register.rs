//! Registration: root makes pods known, and unknown.
//!
//! `PUT /pods/UUID?token=T` with the pod's manifest, `PUT /pods/UUID/APP` with that of the app's image,
//! `DELETE /pods/UUID`. Source: rkt 1.30, metadata_service.go.

use gantry_types::metadata::MetadataToken;
use gantry_types::show::one_line;
use gantry_types::{AcName, ImageManifest, PodManifest, Uuid};

use super::form::Form;
use super::request::{ASCII, MetadataReply, MetadataRequest};
use super::state::{Answer, MetadataState, malformed, no_such_address, no_such_app, path};

impl MetadataState {
    pub(super) fn registration(&mut self, request: &MetadataRequest<'_>) -> Answer {
        let path = path(request)?;
        let rest = path.strip_prefix("/pods/").ok_or_else(no_such_address)?;
        let (uuid, app) = match rest.split_once('/') {
            Some((uuid, app)) => (uuid, Some(app)),
            None => (rest, None),
        };
        let method = match (request.method, app) {
            ("PUT", _) | ("DELETE", None) => request.method,
            (_, None) => return Err(MetadataReply::wrong_method("PUT, DELETE")),
            (_, Some(_)) => return Err(MetadataReply::wrong_method("PUT")),
        };
        let uuid: Uuid = uuid
            .parse()
            .map_err(|error| malformed(format_args!("UUID is missing or malformed: {error}")))?;
        match (method, app) {
            ("DELETE", _) => match self.registry.remove(uuid) {
                true => Ok(MetadataReply::ok(ASCII, "")),
                false => Err(MetadataReply::error(404, "pod not found")),
            },
            (_, None) => self.register_pod(uuid, request),
            (_, Some(app)) => self.register_app(uuid, app, request.body),
        }
    }

    fn register_pod(&mut self, uuid: Uuid, request: &MetadataRequest<'_>) -> Answer {
        let query = Form::parse(request.query.as_bytes()).unwrap_or_default();
        let token = query.only("token").unwrap_or_default();
        let token: MetadataToken = std::str::from_utf8(token)
            .unwrap_or_default()
            .parse()
            .map_err(malformed)?;
        let manifest = PodManifest::from_json(request.body).map_err(|error| {
            malformed(format_args!("JSON-decoding failed: {}", one_line(&error)))
        })?;
        self.registry
            .add(uuid, token, manifest)
            .map_err(|error| MetadataReply::error(409, error))?;
        Ok(MetadataReply::ok(ASCII, ""))
    }

    fn register_app(&mut self, uuid: Uuid, app: &str, body: &[u8]) -> Answer {
        let name: AcName = app
            .parse()
            .map_err(|error| malformed(format_args!("app missing or malformed: {error}")))?;
        let manifest = ImageManifest::from_json(body).map_err(|error| {
            malformed(format_args!("JSON-decoding failed: {}", one_line(&error)))
        })?;
        let pod = self.registry.get_mut(uuid);
        let pod = pod.ok_or_else(|| MetadataReply::error(404, "Pod with given UUID not found"))?;
        match pod.add_image(name, manifest) {
            true => Ok(MetadataReply::ok(ASCII, "")),
            false => Err(no_such_app()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::key::SigningKey;
    use super::super::state::Surface;
    use super::*;

    const POD: &str = "6733c088-a507-4694-aabf-edbe4fc5266f";
    const OTHER: &str = "6733c088-a507-4694-aabf-edbe4fc52660";
    const MANIFEST: &str = r#"{"acKind":"PodManifest","acVersion":"0.8.11","apps":[{"name":"web","image":{"id":"sha512-ab"}}]}"#;
    const IMAGE: &str = r#"{"acKind":"ImageManifest","acVersion":"0.8.11","name":"n"}"#;

    #[test]
    fn root_makes_pods_known_and_unknown_and_is_told_what_is_wrong() {
        let mut state = MetadataState::new(SigningKey::from_bytes(&[7; 64]));
        for (method, path, query, body, status) in [
            ("PUT", format!("/pods/{POD}"), "", MANIFEST, 400),
            ("PUT", format!("/pods/{POD}"), "token=", MANIFEST, 400),
            ("PUT", format!("/pods/{POD}"), "token=a/b", MANIFEST, 400),
            (
                "PUT",
                format!("/pods/{POD}"),
                "token=a&token=b",
                MANIFEST,
                400,
            ),
            ("PUT", format!("/pods/{POD}"), "token=%zz", MANIFEST, 400),
            ("PUT", "/pods/".to_owned(), "token=t", MANIFEST, 400),
            ("PUT", "/pods/x".to_owned(), "token=t", MANIFEST, 400),
            ("PUT", format!("/pods/{POD}"), "token=t", "", 400),
            ("PUT", format!("/pods/{POD}"), "token=t", "{}", 400),
            ("PUT", format!("/pods/{POD}"), "token=t", IMAGE, 400),
            ("PUT", format!("/pods/{POD}/web"), "", IMAGE, 404),
            ("DELETE", format!("/pods/{POD}"), "", "", 404),
            ("PUT", format!("/pods/{POD}"), "token=t", MANIFEST, 200),
            ("PUT", format!("/pods/{POD}"), "token=t", MANIFEST, 200),
            ("PUT", format!("/pods/{OTHER}"), "token=t", MANIFEST, 409),
            ("PUT", format!("/pods/{OTHER}"), "token=u", MANIFEST, 200),
            ("PUT", format!("/pods/{POD}/web"), "", IMAGE, 200),
            ("PUT", format!("/pods/{POD}/web"), "", "{}", 400),
            ("PUT", format!("/pods/{POD}/"), "", IMAGE, 400),
            ("PUT", format!("/pods/{POD}/a/b"), "", IMAGE, 400),
            ("PUT", format!("/pods/{POD}/other"), "", IMAGE, 404),
            ("GET", format!("/pods/{POD}"), "", "", 405),
            ("DELETE", format!("/pods/{POD}/web"), "", "", 405),
            ("GET", "/".to_owned(), "", "", 404),
            ("PUT", "/pods".to_owned(), "token=t", MANIFEST, 404),
            ("GET", "/t/acMetadata/v1/pod/uuid".to_owned(), "", "", 404),
            ("DELETE", format!("/pods/{POD}"), "", "", 200),
            ("DELETE", format!("/pods/{POD}"), "", "", 404),
        ] {
            let request = MetadataRequest {
                method,
                path: &path,
                query,
                content_type: None,
                body: body.as_bytes(),
            };
            let reply = state.answer(Surface::Registration, &request);
            let text = String::from_utf8_lossy(&reply.body);
            assert_eq!(reply.status, status, "{method} {path}?{query}: {text}");
        }
        assert_eq!(state.pods(), 1);
    }
}
