use super::*;
use proptest::prelude::*;

fn read(file: &str, json: &str) -> Result<NetworkDefinition, String> {
    let file = format!("/n/{file}");
    NetworkDefinition::parse(Path::new(&file), json.as_bytes()).map_err(|e| e.to_string())
}

#[test]
fn a_plugin_and_a_chain_are_read() {
    let single = read(
        "10-a.conf",
        r#"{"cniVersion":"0.1.0","name":"a","type":"ptp","ipMasq":true,"mtu":1400,
           "ipam":{"type":"host-local","subnet":"10.0.0.0/24"},"capabilities":{"ips":true,"mac":false}}"#,
    )
    .unwrap();
    assert_eq!(
        (single.name.as_str(), single.version),
        ("a", CniVersion::V0_1_0)
    );
    assert!(single.masquerades() && single.has_capability("ips") && !single.has_capability("mac"));
    assert_eq!(single.plugins[0].ipam(), Some("host-local"));
    let conf = Value::from(single.plugins[0].to_json("a", single.version));
    assert_eq!(
        conf.to_string(),
        r#"{"cniVersion":"0.1.0","name":"a","type":"ptp","ipMasq":true,"mtu":1400,"ipam":{"type":"host-local","subnet":"10.0.0.0/24"},"capabilities":{"ips":true}}"#
    );
    let chain = read(
        "a.conflist",
        r#"{"cniVersion":"0.4.0","name":"a","disableCheck":"true","plugins":[
           {"type":"bridge"},{"type":"portmap","capabilities":{"portMappings":true}}]}"#,
    )
    .unwrap();
    assert_eq!(chain.plugins.len(), 2);
    assert!(chain.disable_check && !chain.disable_gc && !chain.masquerades());
    assert!(chain.has_capability("portMappings"));
}

#[test]
fn the_newest_version_that_both_speak_is_taken() {
    for (members, version) in [
        ("", CniVersion::V0_1_0),
        (r#""cniVersion":"","#, CniVersion::V0_1_0),
        (r#""cniVersion":"1.0.0","#, CniVersion::V1_0_0),
        (
            r#""cniVersion":"0.4.0","cniVersions":["0.4.0","1.1.0","9.0.0"],"#,
            CniVersion::V1_1_0,
        ),
        (
            r#""cniVersion":"0.4.0","cniVersions":["9.0.0"],"#,
            CniVersion::V0_4_0,
        ),
    ] {
        let json = format!(r#"{{{members}"name":"a","type":"b"}}"#);
        assert_eq!(read("a.conf", &json).unwrap().version, version);
    }
}

#[test]
fn mistakes_are_named_with_file_and_field() {
    let single = |rest: &str| format!(r#"{{"name":"a","type":"b"{rest}}}"#);
    let chain =
        |plugins: &str| format!(r#"{{"cniVersion":"1.0.0","name":"a","plugins":{plugins}}}"#);
    for (file, json, message) in [
        (
            "a.conf",
            String::new(),
            " is not valid JSON: EOF while parsing a value at line 1 column 0",
        ),
        (
            "a.conf",
            "{\"name\":\"a\",\n}".into(),
            " is not valid JSON: trailing comma at line 2 column 1",
        ),
        ("a.conf", "[]".into(), " must be an object, not a list"),
        ("a.conf", r#"{"type":"b"}"#.into(), ": name is missing"),
        (
            "a.conf",
            r#"{"name":7,"type":"b"}"#.into(),
            ": name must be a text, not a number",
        ),
        (
            "a.conf",
            r#"{"name":"","type":"b"}"#.into(),
            ": name must not be empty",
        ),
        (
            "a.conf",
            r#"{"name":"a b","type":"b"}"#.into(),
            ": name \"a b\" is no name: letters, digits, and \"_\", \".\", \"-\" after the first",
        ),
        (
            "a.conf",
            r#"{"name":"../a","type":"b"}"#.into(),
            ": name \"../a\" is no name: letters, digits, and \"_\", \".\", \"-\" after the first",
        ),
        (
            "a.conf",
            r#"{"name":"host","type":"b"}"#.into(),
            ": name \"host\" cannot be the name of a network: it has a meaning of its own in --net",
        ),
        ("a.conf", r#"{"name":"a"}"#.into(), ": type is missing"),
        (
            "a.conf",
            r#"{"name":"a","type":"../../bin/sh"}"#.into(),
            ": type \"../../bin/sh\" is no name of a plugin: it is looked for by name, without a path",
        ),
        (
            "a.conf",
            r#"{"name":"a","plugins":[]}"#.into(),
            ": plugins belongs in a file named *.conflist",
        ),
        (
            "a.conf",
            single(r#","cniVersion":"2.0""#),
            ": cniVersion \"2.0\" is no version of CNI known here: 0.1.0, 0.2.0, 0.3.0, 0.3.1, 0.4.0, 1.0.0, 1.1.0",
        ),
        (
            "a.conf",
            single(r#","cniVersion":1.0"#),
            ": cniVersion must be a text, not a number",
        ),
        (
            "a.json",
            single(r#","ipam":"host-local""#),
            ": ipam must be an object, not a text",
        ),
        (
            "a.conf",
            single(r#","ipam":{"subnet":"10.0.0.0/8"}"#),
            ": ipam.type is missing",
        ),
        (
            "a.conf",
            single(r#","ipMasq":"yes""#),
            ": ipMasq must be true or false, not a text",
        ),
        (
            "a.conf",
            single(r#","capabilities":["ips"]"#),
            ": capabilities must be an object, not a list",
        ),
        (
            "a.conf",
            single(r#","capabilities":{"ips":1}"#),
            ": capabilities.ips must be true or false, not a number",
        ),
        (
            "a.conf",
            single(r#","dns":{"nameservers":["ns.example"]}"#),
            ": dns.nameservers[0] \"ns.example\" is not an IP address",
        ),
        (
            "a.conf",
            single(r#","dns":{"search":"example"}"#),
            ": dns.search must be a list, not a text",
        ),
        (
            "a.conf",
            single(r#","dns":{"domain":[]}"#),
            ": dns.domain must be a text, not a list",
        ),
        (
            "a.conf",
            single(r#","prevResult":{}"#),
            ": prevResult is set by whoever calls the plugin and cannot be configured",
        ),
        (
            "a.conflist",
            single(""),
            ": plugins is missing: a single plugin belongs in a file named *.conf",
        ),
        (
            "a.conflist",
            r#"{"name":"a"}"#.into(),
            ": plugins is missing",
        ),
        ("a.conflist", chain("[]"), ": plugins must not be empty"),
        (
            "a.conflist",
            chain("{}"),
            ": plugins must be a list, not an object",
        ),
        (
            "a.conflist",
            chain(r#"["bridge"]"#),
            ": plugins[0] must be an object, not a text",
        ),
        (
            "a.conflist",
            chain(r#"[{"type":"bridge"},{"ipam":{}}]"#),
            ": plugins[1].type is missing",
        ),
        (
            "a.conflist",
            chain(r#"[{"type":"x"},{"type":"y","ipam":{"type":"/x"}}]"#),
            ": plugins[1].ipam.type \"/x\" is no name of a plugin: it is looked for by name, without a path",
        ),
        (
            "a.conflist",
            r#"{"cniVersion":"0.2.0","name":"a","plugins":[{"type":"x"},{"type":"y"}]}"#.into(),
            ": cniVersion 0.2.0 is too old for several plugins, which need 0.3.0 or newer",
        ),
        (
            "a.conflist",
            r#"{"name":"a","disableCheck":"maybe","plugins":[{"type":"x"}]}"#.into(),
            ": disableCheck must be true or false, not a text",
        ),
    ] {
        let error = read(file, &json).unwrap_err();
        assert_eq!(
            error,
            format!("network configuration /n/{file}{message}"),
            "{json}"
        );
    }
    let large = vec![b' '; MAX_BYTES + 1];
    let error = NetworkDefinition::parse(Path::new("/n/a.conf"), &large).unwrap_err();
    assert_eq!(error.problem, Problem::TooLarge);
}

#[test]
fn a_name_is_known_even_where_the_rest_is_wrong() {
    let error = NetworkDefinition::parse(Path::new("/a.conf"), br#"{"name":"a"}"#).unwrap_err();
    assert_eq!(error.network.as_deref(), Some("a"));
}

#[test]
fn extensions_tell_definitions_from_other_files() {
    for (name, is) in [
        ("a.conf", true),
        ("a.json", true),
        ("a.conflist", true),
        ("a.conf.dpkg-old", false),
        ("a.conf~", false),
        ("README", false),
        (".conf", false),
    ] {
        assert_eq!(is_definition_file(Path::new(name)), is, "{name}");
    }
}

proptest! {
    #[test]
    fn what_a_plugin_reads_is_a_definition_again(
        name in "[a-z][a-z0-9._-]{0,8}",
        kind in "[a-z-]{1,8}",
        version in 0_usize..7,
        capabilities in proptest::collection::btree_set("[a-z]{1,5}", 0..4),
        members in proptest::collection::btree_map("x[a-z]{1,5}", ".{0,8}", 0..4),
    ) {
        prop_assume!(!RESERVED.contains(&name.as_str()));
        let version = CniVersion::ALL[version];
        let mut map = Map::new();
        map.insert("type".to_owned(), kind.clone().into());
        map.extend(members.into_iter().map(|(k, v)| (k, Value::from(v))));
        let capabilities = capabilities.into_iter().collect();
        let plugin = PluginConf { kind, members: map, capabilities };
        let json = Value::from(plugin.to_json(&name, version)).to_string();
        let read = NetworkDefinition::parse(Path::new("a.conf"), json.as_bytes());
        let read = read.map_err(|e| TestCaseError::fail(e.to_string()))?;
        prop_assert_eq!(read.version, version);
        prop_assert_eq!(read.name, name);
        prop_assert_eq!(read.plugins, vec![plugin]);
    }
}
