//! Wrong configurations of networks: every message names the file, the field, and the plugin's own words.

mod support;

use support::lab::Lab;

#[test]
fn every_mistake_is_told_with_file_field_and_the_plugins_words() {
    let Some(lab) = Lab::with_image(&[&["port", "add", "www", "tcp", "80"]]) else {
        return;
    };
    let conf = |rest: &str| format!(r#"{{"cniVersion":"0.4.0","name":"n",{rest}}}"#);
    let bridge = |ipam: &str| conf(&format!(r#""type":"bridge","bridge":"br5","ipam":{ipam}"#));
    let script = |name: &str, text: &str| {
        let path = lab
            .world
            .env
            .write(format!("etc/net.d/{name}"), format!("#!/bin/sh\n{text}\n"));
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(path, mode).unwrap();
    };
    script("liar", "echo '{\"ips\":[{\"address\":\"nonsense\"}]}'");
    script("mute", "exit 3");
    script("crash", "kill -SEGV $$");
    script("prose", "echo 'no space in the pool' >&2; exit 1");
    std::fs::write(lab.world.env.path("etc/net.d/not-executable"), "x").unwrap();
    let net = "--net=n";
    // The file's name, its text, the option, and what the message has to say.
    let table: Vec<(&str, String, &str, Vec<&str>)> = vec![
        (
            "n.conf",
            "{\"name\":\"n\",".into(),
            net,
            vec![
                "n.conf is not valid JSON: EOF while parsing",
                "line 1 column 12",
            ],
        ),
        (
            "n.conf",
            r#"{"type":"bridge"}"#.into(),
            net,
            vec!["n.conf: name is missing"],
        ),
        (
            "n.conf",
            r#"{"name":"n"}"#.into(),
            net,
            vec!["n.conf: type is missing"],
        ),
        (
            "n.conf",
            conf(r#""type":7"#),
            net,
            vec!["n.conf: type must be a text, not a number"],
        ),
        (
            "n.conf",
            conf(r#""type":"../sh""#),
            net,
            vec!["n.conf: type \"../sh\" is no name of a plugin"],
        ),
        (
            "n.conf",
            conf(r#""type":"warp""#),
            net,
            vec![
                "n.conf): plugin \"warp\" is in none of",
                "/usr/lib/cni",
                "containernetworking-plugins",
            ],
        ),
        (
            "n.conf",
            bridge(r#"{"type":"warp"}"#),
            net,
            vec!["n.conf): plugin \"warp\" is in none of"],
        ),
        (
            "n.conf",
            r#"{"cniVersion":"3","name":"n","type":"bridge"}"#.into(),
            net,
            vec!["n.conf: cniVersion \"3\" is no version of CNI known here"],
        ),
        (
            "n.conf",
            r#"{"cniVersion":"1.1.0","name":"n","type":"bridge"}"#.into(),
            net,
            vec!["n.conf): plugin \"bridge\" says: incompatible CNI versions; config is \"1.1.0\""],
        ),
        (
            "n.conf",
            conf(r#""plugins":[{"type":"bridge"}]"#),
            net,
            vec!["n.conf: plugins belongs in a file named *.conflist"],
        ),
        (
            "n.conflist",
            conf(r#""type":"bridge""#),
            net,
            vec!["n.conflist: plugins is missing: a single plugin belongs in a file named *.conf"],
        ),
        (
            "n.conflist",
            conf(r#""plugins":[]"#),
            net,
            vec!["n.conflist: plugins must not be empty"],
        ),
        (
            "n.conflist",
            conf(r#""plugins":[{"type":"bridge"},"portmap"]"#),
            net,
            vec!["n.conflist: plugins[1] must be an object, not a text"],
        ),
        (
            "n.conf",
            conf(r#""type":"bridge","ipam":"host-local""#),
            net,
            vec!["n.conf: ipam must be an object, not a text"],
        ),
        (
            "n.conf",
            bridge("{\"subnet\":\"10.5.0.0/24\"}"),
            net,
            vec!["n.conf: ipam.type is missing"],
        ),
        (
            "n.conf",
            conf(r#""type":"bridge","dns":{"nameservers":["ns1"]}"#),
            net,
            vec!["n.conf: dns.nameservers[0] \"ns1\" is not an IP address"],
        ),
        (
            "n.conf",
            conf(r#""type":"bridge","capabilities":["ips"]"#),
            net,
            vec!["n.conf: capabilities must be an object, not a list"],
        ),
        (
            "n.conf",
            conf(r#""type":"bridge","prevResult":{}"#),
            net,
            vec!["n.conf: prevResult is set by whoever calls the plugin"],
        ),
        (
            "n.conf",
            bridge(r#"{"type":"host-local","subnet":"10.5.0.0/99"}"#),
            net,
            vec!["n.conf): plugin \"bridge\" says: invalid CIDR address: 10.5.0.0/99"],
        ),
        (
            "n.conf",
            bridge(r#"{"type":"host-local","subnet":"10.5.0.0/24","rangeStart":"10.6.0.9"}"#),
            net,
            vec!["n.conf): plugin \"bridge\" says: ", "10.6.0.9"],
        ),
        (
            "n.conf",
            conf(r#""type":"macvlan","master":"absent0""#),
            net,
            vec!["n.conf): plugin \"macvlan\" says: Link not found"],
        ),
        (
            "n.conf",
            bridge(r#"{"type":"host-local","subnet":"10.5.0.0/24"}"#),
            "--net=n:IP=10.6.0.1",
            vec!["n.conf): plugin \"bridge\" says: ", "10.6.0.1"],
        ),
        (
            "n.conf",
            conf(r#""type":"liar""#),
            net,
            vec![
                "n.conf): plugin \"liar\" gave an answer that has a wrong ips[0].address: \"nonsense\"",
            ],
        ),
        (
            "n.conf",
            conf(r#""type":"mute""#),
            net,
            vec!["n.conf): plugin \"mute\" says: nothing, and ended with exit status: 3"],
        ),
        (
            "n.conf",
            conf(r#""type":"crash""#),
            net,
            vec!["n.conf): plugin \"crash\" says: nothing, and ended with signal: 11"],
        ),
        (
            "n.conf",
            conf(r#""type":"prose""#),
            net,
            vec!["n.conf): plugin \"prose\" says: no space in the pool"],
        ),
        (
            "n.conf",
            conf(r#""type":"not-executable""#),
            net,
            vec!["n.conf): plugin \"not-executable\" cannot be started: Permission denied"],
        ),
        (
            "n.conf",
            conf(r#""type":"bridge""#),
            "--net=m",
            vec!["networks not found: m"],
        ),
        (
            "n.conf",
            conf(r#""type":"bridge""#),
            "--net=n,n",
            vec!["--net: network \"n\" is given more than once"],
        ),
        (
            "n.conf",
            conf(r#""type":"bridge""#),
            "--net=host:A=B",
            vec!["--net: \"host\" takes no arguments"],
        ),
    ];
    for (file, text, option, messages) in table {
        let path = lab.world.env.write(format!("etc/net.d/{file}"), &text);
        let outcome = lab.run(&[option], "echo ran").expect(254);
        assert!(!outcome.stdout.contains("ran"), "{text}: {outcome}");
        for message in messages {
            assert!(
                outcome.stderr.contains(message),
                "{text}: no {message:?}: {outcome}"
            );
        }
        // Once, also where the plugin fails in the same way when its work is undone.
        let said = outcome.stderr.matches(" says: ").count();
        assert!(said <= 1, "{text}: {outcome}");
        std::fs::remove_file(path).unwrap();
        lab.sh("ip link del br5 2>/dev/null");
    }
    lab.rkt(&["gc", "--grace-period=0s"]).expect(0);
    lab.nothing_left();
}
