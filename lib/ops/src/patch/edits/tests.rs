use std::error::Error;

use super::*;
use proptest::prelude::*;

const BARE: &str = r#"{"acKind":"ImageManifest","acVersion":"0.8.11","name":"example.com/a"}"#;
const APP: &str = concat!(
    r#"{"acKind":"ImageManifest","acVersion":"0.8.11","name":"example.com/a","app":{"exec":["/a"],"#,
    r#""user":"1","group":"2","supplementaryGIDs":[7],"#,
    r#""mountPoints":[{"name":"m","path":"/m"}],"#,
    r#""ports":[{"name":"p","protocol":"tcp","port":80,"count":1,"socketActivated":false}],"#,
    r#""isolators":[{"name":"os/linux/capabilities-remove-set","value":{"set":["CAP_KILL"]}},"#,
    r#"{"name":"os/linux/seccomp-remove-set","value":{"set":["reboot"]}},"#,
    r#"{"name":"os/linux/capabilities-retain-set","value":{"set":["CAP_CHOWN"]}}]}}"#,
);

type Edit = fn(&mut ManifestEdits, String);

/// The edits that a row of flags and values stands for.
fn edits(flags: &[(&str, &str)]) -> ManifestEdits {
    let mut edits = ManifestEdits::default();
    for (flag, value) in flags {
        let set: Edit = match *flag {
            "name" => |edits, value| edits.name = Some(value),
            "exec" => |edits, value| edits.exec = Some(value),
            "user" => |edits, value| edits.user = Some(value),
            "group" => |edits, value| edits.group = Some(value),
            "supplementary-groups" => |edits, value| edits.supplementary_groups = Some(value),
            "capability" => |edits, value| edits.capability = Some(value),
            "revoke-capability" => |edits, value| edits.revoke_capability = Some(value),
            "mounts" => |edits, value| edits.mounts = Some(value),
            "ports" => |edits, value| edits.ports = Some(value),
            "isolators" => |edits, value| edits.isolators = Some(value),
            "seccomp-mode" => |edits, value| edits.seccomp_mode = Some(value),
            "seccomp-set" => |edits, value| edits.seccomp_set = Some(value),
            other => panic!("no flag {other}"),
        };
        set(&mut edits, (*value).to_owned());
    }
    edits
}

fn edited(manifest: &str, flags: &[(&str, &str)]) -> Result<String, String> {
    match edits(flags).apply_to_json(manifest.as_bytes()) {
        Ok(json) => Ok(String::from_utf8(json).unwrap()),
        Err(error) => Err(match error.source() {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        }),
    }
}

/// Isolators that [`APP`] has and an edit of the flag leaves, in their order.
const REMOVE_CAPS: &str =
    r#"{"name":"os/linux/capabilities-remove-set","value":{"set":["CAP_KILL"]}}"#;
const RETAIN_CAPS: &str =
    r#"{"name":"os/linux/capabilities-retain-set","value":{"set":["CAP_CHOWN"]}}"#;
const SECCOMP: &str = r#"{"name":"os/linux/seccomp-remove-set","value":{"set":["reboot"]}}"#;

#[test]
fn each_flag_changes_its_field_and_no_other() {
    let isolators = |after: &[&str]| {
        let before = [REMOVE_CAPS, SECCOMP, RETAIN_CAPS].join(",");
        (before, after.join(","))
    };
    let pair = |before: &str, after: &str| (before.to_owned(), after.to_owned());
    for (flags, (before, after)) in [
        (&[][..], pair("", "")),
        (
            &[("name", "example.com/b~c")],
            pair("example.com/a", "example.com/b~c"),
        ),
        (
            &[("exec", "/b  -c 'd e' <")],
            pair(r#"["/a"]"#, r#"["/b","","-c","'d","e'","\u003c"]"#),
        ),
        (&[("user", "/etc/x")], pair(r#""1""#, r#""/etc/x""#)),
        (&[("group", "g")], pair(r#""2""#, r#""g""#)),
        (
            &[("supplementary-groups", "5,-6,+7")],
            pair("[7]", "[5,-6,7]"),
        ),
        (
            &[("mounts", "n,path=/n,readOnly=true:o,path=/o")],
            pair(
                r#"{"name":"m","path":"/m"}"#,
                r#"{"name":"m","path":"/m"},{"name":"n","path":"/n","readOnly":true},{"name":"o","path":"/o"}"#,
            ),
        ),
        (
            &[(
                "ports",
                "q,protocol=udp,port=53,count=2,socketActivated=1:r,protocol=tcp,port=9",
            )],
            pair(
                r#""socketActivated":false}"#,
                concat!(
                    r#""socketActivated":false},"#,
                    r#"{"name":"q","protocol":"udp","port":53,"count":2,"socketActivated":true},"#,
                    r#"{"name":"r","protocol":"tcp","port":9,"count":0,"socketActivated":false}"#
                ),
            ),
        ),
        (
            &[("capability", "CAP_A,CAP_B")],
            isolators(&[
                SECCOMP,
                r#"{"name":"os/linux/capabilities-retain-set","value":{"set":["CAP_A","CAP_B"]}}"#,
            ]),
        ),
        (
            &[("revoke-capability", "CAP_A")],
            isolators(&[
                SECCOMP,
                r#"{"name":"os/linux/capabilities-remove-set","value":{"set":["CAP_A"]}}"#,
            ]),
        ),
        (
            &[
                ("seccomp-mode", "retain,errno=EPERM"),
                ("seccomp-set", "read,write"),
            ],
            isolators(&[
                REMOVE_CAPS,
                RETAIN_CAPS,
                r#"{"name":"os/linux/seccomp-retain-set","value":{"set":["read","write"],"errno":"EPERM"}}"#,
            ]),
        ),
        (
            &[(
                "isolators",
                "resource/cpu,request=50m:os/linux/oom-score-adj,5:os/linux/no-new-privileges,true",
            )],
            isolators(&[
                REMOVE_CAPS,
                SECCOMP,
                RETAIN_CAPS,
                r#"{"name":"resource/cpu","value":{"request":"50m"}}"#,
                r#"{"name":"os/linux/oom-score-adj","value":5}"#,
                r#"{"name":"os/linux/no-new-privileges","value":true}"#,
            ]),
        ),
    ] {
        let expected = APP.replacen(&before, &after, usize::from(!before.is_empty()));
        assert_eq!(edited(APP, flags), Ok(expected), "{flags:?}");
    }
}

#[test]
fn an_app_can_be_made() {
    let user = [("user", "0"), ("group", "0")];
    let made = edited(BARE, &[&[("exec", "/a b")][..], &user].concat());
    let app = r#","app":{"exec":["/a","b"],"user":"0","group":"0"}}"#;
    assert_eq!(made, Ok(BARE.replace('}', app)));
    // Everything else is an edit of that app too.
    let all = [
        ("exec", "/a"),
        ("seccomp-mode", "retain"),
        ("seccomp-set", "read"),
        ("isolators", "resource/memory,limit=1G"),
    ];
    let made = edited(BARE, &[&all[..], &user].concat()).unwrap();
    assert!(made.find("seccomp").unwrap() < made.find("memory").unwrap());
}

#[test]
fn what_the_specification_does_not_know_is_lost_and_the_rest_written_anew() {
    let loose = BARE.replacen('{', "{ \"X\":1,\"Labels\" : [] ,", 1);
    assert_eq!(edited(&loose, &[]), Ok(BARE.to_owned()));
}

#[test]
fn refusals_are_in_the_words_of_the_original() {
    let no_app = "no app in the supplied manifest and no exec command provided";
    for (manifest, flags, message) in [
        (BARE, &[("user", "0")][..], no_app),
        (BARE, &[("group", "0")], no_app),
        (BARE, &[("supplementary-groups", "0")], no_app),
        (BARE, &[("capability", "A")], no_app),
        (BARE, &[("revoke-capability", "A")], no_app),
        (BARE, &[("mounts", "x")], no_app),
        (BARE, &[("ports", "x")], no_app),
        (BARE, &[("isolators", "x")], no_app),
        // The original crashes.
        (BARE, &[("seccomp-mode", "x")], no_app),
        (
            BARE,
            &[("seccomp-set", "x")],
            "--seccomp-set specified without --seccomp-mode",
        ),
        (
            APP,
            &[("seccomp-set", "x")],
            "--seccomp-set specified without --seccomp-mode",
        ),
        (BARE, &[("exec", "/a")], "user is required"),
        (BARE, &[("exec", "/a"), ("user", "0")], "group is required"),
        (
            APP,
            &[("name", "A")],
            "ACIdentifier must contain only lower case alphanumeric characters plus \"-._~/\"",
        ),
        (
            APP,
            &[("supplementary-groups", "1,x")],
            "invalid supplementary group \"x\": it is not a number",
        ),
        (
            APP,
            &[("supplementary-groups", "1,")],
            "invalid supplementary group \"\": it is not a number",
        ),
        (
            APP,
            &[("capability", "A"), ("revoke-capability", "B")],
            "conflicting capabilities isolators provided",
        ),
        (
            APP,
            &[("mounts", "x,path=/x:y")],
            "cannot parse mount point \"y\": path must be set",
        ),
        (
            APP,
            &[("ports", "x,port=1:y")],
            "cannot parse port \"y\": port must be in 1-65535 range",
        ),
        (
            APP,
            &[("isolators", "resource/cpu:")],
            "cannot parse isolator \"\": ACIdentifier cannot be empty",
        ),
        (
            APP,
            &[(
                "isolators",
                "os/linux/oom-score-adj,1:os/linux/oom-score-adj,2",
            )],
            "isolators set contains too many instances of type os/linux/oom-score-adj\"",
        ),
        (
            "{}",
            &[],
            "missing or bad ACKind (must be \"ImageManifest\")",
        ),
    ] {
        assert_eq!(
            edited(manifest, flags),
            Err(message.to_owned()),
            "{flags:?}"
        );
    }
}

proptest! {
    #[test]
    fn whatever_the_texts_the_result_is_valid_or_an_error(
        flag in prop::sample::select(vec![
            "name", "exec", "user", "group", "supplementary-groups", "capability",
            "revoke-capability", "mounts", "ports", "isolators", "seccomp-mode", "seccomp-set",
        ]),
        value in prop_oneof![
            "\\PC{0,40}",
            "[a-z0-9,=:/-]{0,40}",
            "([a-z]{1,4},path=/[a-z]{1,4}:){0,2}[a-z]{1,4},path=/x",
            "([a-z]{1,4},protocol=tcp,port=[0-9]{1,5}:){0,2}[a-z]{1,4},protocol=tcp,port=[0-9]{1,5}",
        ],
        with_app: bool,
    ) {
        let edits = edits(&[(flag, &value)]);
        let manifest = if with_app { APP } else { BARE };
        if let Ok(json) = edits.apply_to_json(manifest.as_bytes()) {
            let manifest = ImageManifest::from_json(&json).unwrap();
            prop_assert_eq!(ImageManifest::from_json(&manifest.to_json()).unwrap(), manifest);
        }
    }
}
