//! Invariant: whatever bytes come to the metadata service, reading them ends; what is a whole request is answered,
//! with a status of HTTP and a body that is no more than the request and what is known can make; whoever has no token
//! learns nothing.

#![cfg_attr(feature = "libfuzzer", no_main)]

use gantry_pod::metadata::{MetadataRequest, MetadataState, SigningKey, Surface};

const POD: &str = "/pods/6733c088-a507-4694-aabf-edbe4fc5266f";
const MANIFEST: &[u8] = br#"{"acKind":"PodManifest","acVersion":"0.8.11","apps":[{"name":"web","image":{"id":"sha512-ab"}}]}"#;
const IMAGE: &[u8] = br#"{"acKind":"ImageManifest","acVersion":"0.8.11","name":"n"}"#;

gantry_fuzz::fuzz_target!(|data: &[u8]| {
    let mut state = MetadataState::new(SigningKey::from_bytes(&[7; 64]));
    let mut register = |path: &str, query: &str, body: &[u8]| {
        let request = MetadataRequest {
            method: "PUT",
            path,
            query,
            content_type: None,
            body,
        };
        assert_eq!(state.answer(Surface::Registration, &request).status, 200);
    };
    register(POD, "token=secret", MANIFEST);
    register(&format!("{POD}/web"), "", IMAGE);
    let knows_token = data
        .windows(6)
        .any(|six| six == b"secret" || six.contains(&b'%'));
    for surface in [Surface::Public, Surface::Registration] {
        let Some(reply) = state.answer_bytes(surface, data) else {
            continue;
        };
        assert!((200..600).contains(&reply.status));
        assert!(reply.body.len() <= 4096 + 8 * data.len());
        if surface == Surface::Public && reply.status == 200 {
            assert!(knows_token);
        }
    }
    assert!(state.pods() <= 2);
});
