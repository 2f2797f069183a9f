//! Good and bad configuration files.

use proptest::prelude::*;

use super::*;
use crate::diagnostic::Diagnostic as _;

const ALL: [ConfigKind; 5] = [
    ConfigKind::Auth,
    ConfigKind::DockerAuth,
    ConfigKind::Paths,
    ConfigKind::Stage1,
    ConfigKind::Isolators,
];

fn read(kind: &str, rest: &str) -> Result<ConfigFile, ConfigFileError> {
    let text = format!(r#"{{"rktKind":"{kind}","rktVersion":"v1"{rest}}}"#);
    ConfigFile::from_json(text.as_bytes(), &ALL)
}

fn auth(kind: &str, credentials: &str) -> Result<AuthCredentials, ConfigFileError> {
    let rest =
        format!(r#","domains":["a.test","b.test:1"],"type":"{kind}","credentials":{credentials}"#);
    match read("auth", &rest)? {
        ConfigFile::Auth(file) => {
            assert_eq!(file.domains, ["a.test", "b.test:1"]);
            Ok(file.credentials)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_kind_is_read() {
    let basic = BasicCredentials {
        user: "u".to_owned(),
        password: Secret::from("p".to_owned()),
    };
    assert_eq!(
        auth("basic", r#"{"user":"u","password":"p"}"#).unwrap(),
        AuthCredentials::Basic(basic.clone())
    );
    let token = Secret::from("t".to_owned());
    assert_eq!(
        auth("oauth", r#"{"token":"t"}"#).unwrap(),
        AuthCredentials::OAuth { token }
    );
    for (more, region) in [("", ""), (r#","awsRegion":"eu-west-1""#, "eu-west-1")] {
        let text = format!(r#"{{"accessKeyID":"i","secretAccessKey":"s"{more}}}"#);
        let expected = AuthCredentials::Aws {
            access_key_id: "i".to_owned(),
            secret_access_key: Secret::from("s".to_owned()),
            region: region.to_owned(),
        };
        assert_eq!(auth("aws", &text).unwrap(), expected);
    }
    let rest = r#","registries":["r"],"credentials":{"user":"u","password":"p"}"#;
    let expected = DockerAuthConfig {
        registries: vec!["r".to_owned()],
        credentials: basic,
    };
    assert_eq!(
        read("dockerAuth", rest).unwrap(),
        ConfigFile::DockerAuth(expected)
    );
    for (rest, data, stage1_images) in [
        ("", None, None),
        (r#","data":"/d""#, Some("/d"), None),
        (r#","data":"","stage1-images":"/s""#, None, Some("/s")),
    ] {
        let expected = PathsConfig {
            data: data.map(Into::into),
            stage1_images: stage1_images.map(Into::into),
        };
        assert_eq!(
            read("paths", rest).unwrap(),
            ConfigFile::Paths(expected),
            "{rest}"
        );
    }
}

#[test]
fn stage1_takes_name_and_version_together_and_a_location() {
    let pair = DefaultStage1 {
        name: "a.test/s".to_owned(),
        version: "1".to_owned(),
    };
    let named = r#","name":"a.test/s","version":"1""#;
    for (rest, name, location) in [
        ("", None, None),
        (named, Some(pair.clone()), None),
        (r#","location":"/a/b.aci""#, None, Some("/a/b.aci")),
        (
            r#","location":"HTTPS://a.test/b""#,
            None,
            Some("HTTPS://a.test/b"),
        ),
        (r#","location":"docker://a""#, None, Some("docker://a")),
        (r#","location":"file:///a""#, None, Some("file:///a")),
        (r#","location":"http:x","name":null"#, None, Some("http:x")),
    ] {
        let location = location.map(str::to_owned);
        let expected = ConfigFile::Stage1(Stage1Config { name, location });
        assert_eq!(read("stage1", rest).unwrap(), expected, "{rest}");
    }
}

#[test]
fn unverified_images_may_widen_with_a_warning_or_only_narrow() {
    for (rest, unverified_images) in [
        ("", None),
        (r#","unverifiedImages":"""#, None),
        (r#","unverifiedImages":null"#, None),
        (
            r#","unverifiedImages":"warn""#,
            Some(UnverifiedImages::Warn),
        ),
        (
            r#","unverifiedImages":"narrow-only""#,
            Some(UnverifiedImages::NarrowOnly),
        ),
    ] {
        let expected = ConfigFile::Isolators(IsolatorsConfig { unverified_images });
        assert_eq!(read("isolators", rest).unwrap(), expected, "{rest}");
    }
}

#[test]
fn what_breaks_a_rule_is_refused_with_the_field() {
    let basic = |credentials: &str| {
        format!(r#","domains":["a"],"type":"basic","credentials":{credentials}"#)
    };
    for (kind, rest, message) in [
        ("auth", String::new(), "no domains specified"),
        (
            "auth",
            r#","domains":[]"#.into(),
            "field domains: no domains specified",
        ),
        (
            "auth",
            r#","domains":"a""#.into(),
            "field domains: expected array, found string",
        ),
        (
            "auth",
            r#","domains":[1]"#.into(),
            "field domains[0]: expected string, found number",
        ),
        (
            "auth",
            r#","domains":["a"]"#.into(),
            "no auth type specified",
        ),
        (
            "auth",
            r#","domains":["a"],"type":"digest""#.into(),
            "field type: unknown auth type: \"digest\"",
        ),
        (
            "auth",
            basic("null"),
            "field credentials: user not specified",
        ),
        ("auth", basic("{}"), "field credentials: user not specified"),
        (
            "auth",
            basic(r#"{"user":"","password":"p"}"#),
            "field credentials.user: user not specified",
        ),
        (
            "auth",
            basic(r#"{"user":"u"}"#),
            "field credentials: password not specified",
        ),
        (
            "auth",
            basic(r#"{"user":"u","password":12345}"#),
            "field credentials.password: expected string, found number",
        ),
        (
            "auth",
            basic("[]"),
            "field credentials: expected object, found array",
        ),
        ("dockerAuth", String::new(), "no registries specified"),
        (
            "dockerAuth",
            r#","registries":["r"]"#.into(),
            "field credentials: user not specified",
        ),
        (
            "paths",
            r#","data":"a""#.into(),
            "field data: data directory must be an absolute path",
        ),
        (
            "paths",
            r#","stage1-images":"./a""#.into(),
            "field stage1-images: stage1 images directory must be an absolute path",
        ),
        (
            "paths",
            r#","data":"/a\u0000b""#.into(),
            "field data: data directory holds a NUL character",
        ),
        (
            "stage1",
            r#","name":"a""#.into(),
            "field name: default stage1 image name specified, but version is missing",
        ),
        (
            "stage1",
            r#","version":"1""#.into(),
            "field version: default stage1 image version specified, but name is missing",
        ),
        (
            "stage1",
            r#","location":"a/b""#.into(),
            "field location: default stage1 image location is either a relative path or a URL \
             without scheme",
        ),
        (
            "stage1",
            r#","location":"ftp://a""#.into(),
            "field location: default stage1 image location URL has invalid scheme \"ftp\", allowed \
             schemes are \"docker\", \"file\", \"http\", \"https\"",
        ),
        (
            "isolators",
            r#","unverifiedImages":"Narrow-only""#.into(),
            "field unverifiedImages: \"Narrow-only\" is neither \"narrow-only\" nor \"warn\"",
        ),
        (
            "isolators",
            r#","unverifiedImages":true"#.into(),
            "field unverifiedImages: expected string, found bool",
        ),
        (
            "stage1",
            r#","location":"http://\n""#.into(),
            "field location: default stage1 image location is an invalid URL",
        ),
    ] {
        assert_eq!(
            read(kind, &rest).unwrap_err().to_string(),
            message,
            "{kind} {rest}"
        );
    }
    for (kind, credentials, message) in [
        (
            "oauth",
            "{}",
            "field credentials: no oauth bearer token specified",
        ),
        (
            "aws",
            "{}",
            "field credentials: no AWS Access Key ID specified",
        ),
        (
            "aws",
            r#"{"accessKeyID":"i"}"#,
            "field credentials: no AWS Secret Access Key specified",
        ),
    ] {
        assert_eq!(auth(kind, credentials).unwrap_err().to_string(), message);
    }
}

#[test]
fn the_head_of_a_file_says_what_it_is() {
    let read = |text: &str| ConfigFile::from_json(text.as_bytes(), &ALL[..2]).unwrap_err();
    for (text, message) in [
        ("{}", "no rktKind specified"),
        (
            r#"{"rktVersion":"v1","rktKind":""}"#,
            "no rktKind specified",
        ),
        (r#"{"rktKind":"auth"}"#, "no rktVersion specified"),
        (
            r#"{"rktKind":"auth","rktVersion":"v2"}"#,
            "no parser available for configuration of kind \"auth\" and version \"v2\"",
        ),
        (
            r#"{"rktKind":"paths","rktVersion":"v1"}"#,
            "configuration files of kinds \"auth\", \"dockerAuth\" are expected here, but this one \
             has kind of \"paths\"",
        ),
        (
            r#"{"rktKind":"Auth","rktVersion":"v1"}"#,
            "configuration files of kinds \"auth\", \"dockerAuth\" are expected here, but this one \
             has kind of \"Auth\"",
        ),
        ("[]", "expected object, found array"),
        (
            r#"{"rktKind":1}"#,
            "field rktKind: expected string, found number",
        ),
        ("", "line 1, column 1: unexpected end of JSON input"),
        (
            "{}\n x",
            "line 2, column 2: invalid character 'x' after top-level value",
        ),
    ] {
        assert_eq!(read(text).to_string(), message, "{text}");
    }
    let large = vec![b' '; MAX_CONFIG_FILE_BYTES + 1];
    let error = ConfigFile::from_json(&large, &ALL).unwrap_err();
    assert!(matches!(error, ConfigFileError::TooLarge { .. }));
    let error = read("{\n \"rktKind\": 1}");
    assert_eq!(error.hint().as_deref(), Some("see line 2, column 13"));
}

#[test]
fn keys_match_in_any_case_and_unknown_ones_are_passed_over() {
    let text = br#"{"RKTKIND":"paths","rktversion":"v1","Data":"/a","data":"/b","x":[{}]}"#;
    let ConfigFile::Paths(paths) = ConfigFile::from_json(text, &ALL).unwrap() else {
        panic!("paths");
    };
    assert_eq!(paths.data.as_deref(), Some("/b".as_ref()));
}

#[test]
fn secrets_do_not_show() {
    let file = auth("basic", r#"{"user":"u","password":"hush"}"#).unwrap();
    assert!(!format!("{file:?}").contains("hush"));
    let text = r#"{"rktKind":"auth","rktVersion":"v1","type":"oauth","domains":["a"],
        "credentials":{"token":"hush" "x"}}"#;
    let error = ConfigFile::from_json(text.as_bytes(), &ALL).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("hush"), "{error:?}");
}

proptest! {
    #[test]
    fn a_credential_is_read_as_it_was_written(user in ".{1,20}", password in ".{1,20}") {
        let text = |value: &str| json_string(value);
        let read = auth("basic", &format!(
            r#"{{"user":{},"password":{}}}"#, text(&user), text(&password)
        ));
        let password = Secret::from(password);
        prop_assert_eq!(read.unwrap(), AuthCredentials::Basic(BasicCredentials { user, password }));
    }

    #[test]
    fn no_bytes_make_the_reader_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        kind in prop::sample::select(ALL.to_vec()),
        rest in "[,:\"{}\\[\\]a-z0-9/. ]{0,80}",
    ) {
        let _ = ConfigFile::from_json(&bytes, &ALL);
        let _ = read(kind.as_str(), &rest);
    }
}

/// A JSON string with everything beyond printable ASCII escaped.
fn json_string(value: &str) -> String {
    let mut out = String::from('"');
    for unit in value.encode_utf16() {
        out.push_str(&format!("\\u{unit:04x}"));
    }
    out + "\""
}
