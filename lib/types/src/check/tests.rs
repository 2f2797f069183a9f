//! Findings against the parser, and what each finding says.

use super::*;
use crate::kind_of;

fn image(members: &str) -> String {
    format!(r#"{{"acKind":"ImageManifest","acVersion":"0.8.11","name":"example.com/a"{members}}}"#)
}

/// Each finding as `rule path`.
fn lines(text: &str) -> Vec<String> {
    let found = findings(text.as_bytes(), None).list.into_iter();
    found
        .map(|finding| {
            let Finding { rule, path, .. } = finding;
            format!("{} {path}", rule.id)
        })
        .collect()
}

/// Whether the parser takes a text.
fn parses(text: &[u8], wanted: Option<AcKind>) -> bool {
    let kind = wanted.map_or_else(|| kind_of(text), Ok);
    match kind {
        Ok(AcKind::ImageManifest) => ImageManifest::from_json(text).is_ok(),
        Ok(AcKind::PodManifest) => PodManifest::from_json(text).is_ok(),
        Err(_) => false,
    }
}

#[test]
fn all_errors_are_found_at_their_places() {
    let text = "{\n\"acKind\": \"ImageManifest\",\n\"name\": \"A\",\n\"labels\": [{\"name\":\"name\"},\
        {\"name\":\"os\",\"value\":\"x\"},{\"name\":\"v\"},{\"name\":\"v\"}],\n\"app\": {\"user\": 5, \
        \"ports\": [{\"name\":\"p\",\"port\":0},{\"name\":\"P\",\"port\":\"1\"}],\n\
        \"environment\":[{\"name\":\"1\"},{}],\"isolators\":[{\"name\":\"x\",\"value\":1},\
        {\"name\":\"resource/cpu\",\"value\":{\"default\":true,\"limit\":\"x\"}},{\"name\":\"os/unix/sysctl\"}]}}";
    let errors: Vec<_> = findings(text.as_bytes(), None)
        .list
        .into_iter()
        .filter(|finding| finding.rule.severity == Severity::Error)
        .map(|finding| format!("{} {} {}", finding.rule.id, finding.path, finding.line))
        .collect();
    assert_eq!(
        errors,
        [
            "appc/ac-version-missing $ 1",
            "appc/identifier-character $.name 3",
            "appc/label-reserved $.labels[0] 4",
            "appc/label-duplicate $.labels[3] 4",
            "appc/group-missing $.app 5",
            "json/type $.app.user 5",
            "appc/port-range $.app.ports[0].port 5",
            "appc/ac-name-character $.app.ports[1].name 5",
            "json/type $.app.ports[1].port 5",
            "appc/environment-name $.app.environment[0].name 6",
            "appc/environment-empty $.app.environment[1] 6",
            "appc/isolator-unknown $.app.isolators[0] 6",
            "appc/resource-default $.app.isolators[1].value.default 6",
            "appc/quantity $.app.isolators[1].value.limit 6",
            "appc/isolator-value $.app.isolators[2] 6",
        ]
    );
}

#[test]
fn warnings_say_what_is_hardly_meant_and_change_no_verdict() {
    let versioned = r#","labels":[{"name":"version","value":"1"}]"#;
    let in_app =
        |members: &str| format!(r#"{versioned},"app":{{"user":"0","group":"0",{members}}}"#);
    let table = [
        (String::new(), "appc/label-version $"),
        (
            format!(r#"{versioned},"lables":[]"#),
            "json/unknown-field $.lables",
        ),
        (
            format!(r#"{versioned},"name":"example.com/b""#),
            "json/duplicate-key $.name",
        ),
        (
            format!(r#"{versioned},"Annotations":[]"#),
            "json/key-spelling $.Annotations",
        ),
        (
            in_app(r#""supplementaryGids":[1]"#),
            "json/key-spelling $.app.supplementaryGids",
        ),
        (
            in_app(r#""mountPoints":[{"name":"a--b","path":"x"}]"#),
            "appc/ac-name-canonical $.app.mountPoints[0].name",
        ),
        (
            in_app(r#""mountPoints":[{"name":"a"}]"#),
            "appc/mount-point-path $.app.mountPoints[0]",
        ),
        (
            in_app(r#""ports":[{"name":"a","protocol":"sctp","port":1}]"#),
            "appc/port-protocol $.app.ports[0].protocol",
        ),
        (
            format!(r#"{versioned},"dependencies":[{{"imageName":"b","size":0}}]"#),
            "appc/dependency-size $.dependencies[0].size",
        ),
        (
            format!(r#"{versioned},"pathWhitelist":["a"]"#),
            "appc/path-whitelist $.pathWhitelist[0]",
        ),
        (
            format!(r#"{versioned},"annotations":[{{"name":"a//b"}}]"#),
            "appc/identifier-canonical $.annotations[0].name",
        ),
        (
            r#","labels":[{"name":"version"},{"name":"os","value":"linux"}]"#.to_owned(),
            "appc/os-and-arch $.labels",
        ),
    ];
    for (members, warning) in table {
        let text = image(&members);
        assert!(
            lines(&text).iter().any(|line| line == warning),
            "{text}: {:?}",
            lines(&text)
        );
        assert!(findings(text.as_bytes(), None).valid(), "{text}");
    }
}

#[test]
fn isolators_and_pods_have_warnings_of_their_own() {
    let isolators = |list: &str| {
        image(&format!(
            r#","labels":[{{"name":"version"}}],"app":{{"user":"0","group":"0","isolators":[{list}]}}"#
        ))
    };
    let caps = |way: &str, set: &str| {
        format!(r#"{{"name":"os/linux/capabilities-{way}-set","value":{{"set":[{set}]}}}}"#)
    };
    let pod =
        |members: &str| format!(r#"{{"acKind":"PodManifest","acVersion":"0.8.11",{members}}}"#);
    let table = [
        (
            isolators(&caps("retain", r#""CAP_KILL","CAP_KILL""#)),
            "appc/set-duplicate",
        ),
        (
            isolators(&caps("retain", r#""KILL""#)),
            "appc/capability-name",
        ),
        (
            isolators(&format!(
                "{},{}",
                caps("retain", r#""CAP_KILL""#),
                caps("remove", r#""CAP_KILL""#)
            )),
            "appc/capabilities-both",
        ),
        (
            isolators(r#"{"name":"resource/cpu","value":{"request":"2","limit":"1"}}"#),
            "appc/resource-order",
        ),
        (
            isolators(r#"{"name":"resource/cpu","value":{"limits":"1"}}"#),
            "json/unknown-field",
        ),
        (
            isolators(r#"{"name":"resource/cpu","value":{}},{"name":"resource/cpu","value":{}}"#),
            "appc/isolator-again",
        ),
        (
            pod(r#""isolators":[{"name":"ponies","value":1}]"#),
            "appc/isolator-unknown-pod",
        ),
        (
            pod(r#""ports":[{"name":"p","hostPort":70000}]"#),
            "appc/host-port",
        ),
        (
            pod(
                r#""apps":[{"name":"a","image":{"id":"sha512-x"},"mounts":[{"volume":"v","path":"/"}]}]"#,
            ),
            "appc/mount-volume",
        ),
        (
            pod(
                r#""apps":[{"name":"a","image":{"id":"sha512-x"},"mounts":[{"volume":"v","path":"x"}]}]"#,
            ),
            "appc/mount-path",
        ),
        (
            pod(r#""x":1"#).replace("0.8.11", "0.5.1"),
            "appc/ac-version-old",
        ),
        (
            pod(r#""x":1"#).replace("0.8.11", "1.0.0"),
            "appc/ac-version-new",
        ),
    ];
    for (text, id) in table {
        let found = findings(text.as_bytes(), None);
        assert!(found.valid(), "{text}: {found:?}");
        assert!(
            found.list.iter().any(|finding| finding.rule.id == id),
            "{text}: {found:?}"
        );
    }
}

#[test]
fn hints_say_what_was_meant() {
    let text = image(r#","lables":[],"APP":null"#);
    let found = findings(text.as_bytes(), None).list;
    let hints: Vec<_> = found
        .iter()
        .filter_map(|finding| finding.hint.as_deref())
        .collect();
    assert_eq!(
        hints,
        [
            "add a label \"version\"",
            "did you mean \"labels\"?",
            "write \"app\""
        ]
    );
    let empty = &findings(b"  \n", None).list[0];
    assert_eq!((empty.line, empty.column), (2, 1));
    assert_eq!(empty.hint.as_deref(), Some("the file is empty"));
    assert_eq!(findings(b"", None).kind, None);
}

#[test]
fn a_document_full_of_errors_is_cut_short() {
    let labels = vec!["{\"name\":\"A\",\"x\":1}"; 10_000].join(",");
    let text = image(&format!(r#","labels":[{labels}]"#));
    let found = findings(text.as_bytes(), None);
    assert!(!found.valid());
    assert_eq!((found.list.len(), found.more), (2000, 18_001));
}

#[test]
fn the_verdict_is_that_of_the_parser_for_every_row_of_the_table() {
    let table: serde_json::Value =
        serde_json::from_str(include_str!("../../../../fixtures/appc/verdicts.json")).unwrap();
    let mut looked_at = 0;
    for row in table["rows"].as_array().unwrap() {
        let input = row["input"].as_str().unwrap();
        let wanted = match row["kind"].as_str().unwrap() {
            "json-image-manifest" => Some(AcKind::ImageManifest),
            "json-pod-manifest" => Some(AcKind::PodManifest),
            "json-kind" => None,
            _ => continue,
        };
        looked_at += 1;
        let found = findings(input.as_bytes(), wanted);
        assert_eq!(
            found.valid(),
            parses(input.as_bytes(), wanted),
            "{input}: {found:?}"
        );
        assert!(
            found
                .list
                .iter()
                .all(|finding| finding.rule.id != "appc/invalid"),
            "{input}"
        );
        assert!(
            found.list.iter().all(|finding| !finding.message.is_empty()),
            "{input}"
        );
    }
    assert!(looked_at > 100);
}
