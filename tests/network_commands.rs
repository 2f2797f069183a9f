//! `rkt net`: definitions, who uses them, whether they are as they were made, what is left over.

mod support;

use serde_json::Value;

use support::groups;
use support::lab::{Lab, LabPod};

/// A pod that was killed, with all that its networks made still there.
fn killed(lab: &Lab, options: &[&str]) -> String {
    let mut pod = lab.start(options, "exec /bin/busybox sleep 60");
    kill(lab, &mut pod);
    pod.uuid
}

fn kill(lab: &Lab, pod: &mut LabPod) {
    let directory = format!("rkt/pods/run/{}/ppid", pod.uuid);
    let supervisor = std::fs::read_to_string(lab.world.env.path(directory)).expect("a number");
    lab.sh(&format!("kill -9 {supervisor}")).expect(0);
    pod.child.wait().expect("the end");
}

fn json(lab: &Lab, arguments: &[&str]) -> Value {
    let outcome = lab.rkt(arguments);
    serde_json::from_str(&outcome.stdout).unwrap_or_else(|error| panic!("{error}: {outcome}"))
}

const BRIDGE: &str = r#"{"cniVersion":"0.3.1","name":"mine","type":"bridge","bridge":"br7","isGateway":true,
    "ipam":{"type":"host-local","subnet":"10.7.0.0/24"}}"#;

#[test]
fn definitions_and_attachments_are_shown_and_checked() {
    let Some(lab) = Lab::new() else { return };
    lab.define("10-mine.conf", BRIDGE);
    lab.define("20-broken.conf", r#"{"name":"broken","type":7}"#);
    lab.define("30-far.conf", r#"{"name":"far","type":"warp"}"#);
    // As outcomes show the test's folder.
    let file = |name: &str| format!("$TEST/etc/net.d/{name}");
    let pod = lab.start(&["--net=default,mine"], "exec /bin/busybox sleep 60");
    let list = lab.rkt(&["net", "ls"]).expect(0);
    let rows: Vec<Vec<&str>> = list
        .stdout
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    let mine = file("10-mine.conf");
    assert_eq!(
        rows[0],
        ["NETWORK", "PLUGINS", "CNI", "ORIGIN", "FILE", "PODS"]
    );
    assert!(
        rows.contains(&vec!["mine", "bridge", "0.3.1", "local", &mine, "1"]),
        "{list}"
    );
    let built_in = vec![
        "default",
        "ptp",
        "0.4.0",
        "built-in",
        "99-default.conf",
        "1",
    ];
    assert!(rows.contains(&built_in), "{list}");
    let broken = file("20-broken.conf");
    list.says("ls: network far: plugin \"warp\" is not installed")
        .says(&broken);
    let all = json(&lab, &["net", "ls", "--format=json"]);
    let users = &all["networks"][0]["pods"];
    assert_eq!(users[0]["uuid"], pod.uuid.as_str(), "{all}");
    assert_eq!(
        users[0]["addresses"],
        serde_json::json!(["ip4=10.7.0.2"]),
        "{all}"
    );
    assert_eq!(all["errors"][0]["network"], "broken", "{all}");

    let network = lab.rkt(&["net", "inspect", "mine"]).expect(0).stdout;
    for line in [
        "network=mine\norigin=local\n",
        "plugin=bridge /usr/lib/cni/bridge\nplugin=host-local /usr/lib/cni/host-local\n",
        &format!("pod={} running eth0 ip4=10.7.0.2\n", pod.uuid),
    ] {
        assert!(network.contains(line), "no {line:?} in {network}");
    }
    let inspect = || lab.rkt(&["net", "inspect", &pod.uuid]);
    let pod_text = inspect().expect(0).stdout;
    for line in [
        "network=mine eth0 ip4=10.7.0.2\n",
        "check=skipped cniVersion 0.3.1 has no CHECK\n",
        "network=default eth1 ip4=172.16.28.2\n",
        "check=ok\n",
    ] {
        assert!(pod_text.contains(line), "no {line:?} in {pod_text}");
    }
    // Somebody takes the pod's address away.
    lab.sh(&format!("ip -n rkt-{} addr flush dev eth1", pod.uuid))
        .expect(0);
    let broken = inspect().expect(1).stdout;
    assert!(
        broken.contains("check=failed plugin \"ptp\" says: "),
        "{broken}"
    );
    let checks = &json(&lab, &["net", "inspect", "--format=json", &pod.uuid])[0]["checks"];
    assert_eq!(checks[1]["outcome"], "failed", "{checks}");
    let unknown = lab.rkt(&["net", "inspect", "nowhere"]).expect(254);
    unknown.says("inspect: \"nowhere\" is no network that is defined, and no pod");
}

#[test]
fn reload_tells_what_is_wrong_and_who_runs_with_older_definitions() {
    let Some(lab) = Lab::new() else { return };
    lab.define("10-mine.conf", BRIDGE);
    let pod = lab.start(&["--net=default,mine"], "exec /bin/busybox sleep 60");
    let ok = lab.rkt(&["net", "reload"]).expect(0).stdout;
    assert!(
        ok.contains("ok       mine: ") && !ok.contains("older"),
        "{ok}"
    );
    lab.define("10-mine.conf", &BRIDGE.replace("10.7.0.0", "10.8.0.0"));
    lab.define("20-broken.conf", "{");
    lab.define("30-mine.conf", BRIDGE);
    lab.define("40-far.conf", r#"{"name":"far","type":"warp"}"#);
    let told = lab.rkt(&["net", "reload"]).expect(1).stdout;
    let uuid = &pod.uuid;
    for line in [
        "is no longer",
        &format!("older    pod \"{uuid}\" was started before network mine was changed\n"),
        "40-far.conf: plugin \"warp\" is not installed\n",
        "unused   mine: ",
        "wrong    network configuration ",
    ] {
        assert_eq!(
            told.contains(line),
            line != "is no longer",
            "{line:?} in {told}"
        );
    }
    lab.sh(&format!(
        "rm {}/*",
        lab.world.env.path("etc/net.d").display()
    ))
    .expect(0);
    let told = json(&lab, &["net", "reload", "--format=json"]);
    assert_eq!(told["older"][0]["why"], "is no longer defined", "{told}");
}

#[test]
fn what_gone_pods_left_is_removed_and_nothing_else() {
    let Some(lab) = Lab::with_image(&[&["port", "add", "www", "tcp", "80"]]) else {
        return;
    };
    let keeps = lab.start(&[], "exec /bin/busybox sleep 60");
    let ended = killed(&lab, &[]);
    let gone = killed(&lab, &["--port=www:8080"]);
    let directory = lab.world.env.path(format!("rkt/pods/run/{gone}"));
    // With the directory goes what knows of the pod's control groups.
    let groups = groups::of_pod(&directory);
    std::fs::remove_dir_all(directory).unwrap();
    groups::remove(&groups);
    // After a reboot leases are there without namespaces. What other tools have looks alike.
    let rebooted = "6f5cd21b-7d2f-4d52-8e5b-3f9f3f1a2b3c";
    let hex = "ab".repeat(32);
    lab.sh(&format!(
        "cd /var/lib/cni/networks; mkdir nomad; printf '{rebooted}\\r\\neth0' >default/172.16.28.200;
         printf '{hex}\\r\\neth0' >default/172.16.28.201; printf '{rebooted}\\r\\neth0' >nomad/10.4.0.7;
         ip netns add other"
    ))
    .expect(0);
    // As plugins from 1.6 on make them where there is no iptables.
    let keep = &keeps.uuid;
    lab.sh(&format!(
        "nft -f - <<E
add table inet cni_plugins_masquerade
add chain inet cni_plugins_masquerade masq_checks
add rule inet cni_plugins_masquerade masq_checks ip saddr 10.1.0.2 masquerade comment \"6a-1b, net: default, if: eth0, id: {gone}\"
add rule inet cni_plugins_masquerade masq_checks ip saddr 10.1.0.3 masquerade comment \"6a-1c, net: default, if: eth0, id: {keep}\"
add table ip cni_hostport
add chain ip cni_hostport hostports
add rule ip cni_hostport hostports ip protocol tcp th dport 8080 dnat ip addr . port to 10.1.0.2 . 80 comment \"{gone}\"
E"
    ))
    .expect(0);
    let dry = lab.rkt(&["net", "gc", "--dry-run"]).expect(0).stdout;
    assert!(
        dry.contains(&format!(
            "left of pod \"{gone}\" (gone): 1 namespace(s), 1 lease(s), "
        )),
        "{dry}"
    );
    assert!(
        dry.contains(&format!(
            "left of pod \"{ended}\" (ended): 1 namespace(s), 1 lease(s), "
        )),
        "{dry}"
    );
    assert!(!dry.contains(&keeps.uuid) && !dry.contains(&hex), "{dry}");
    let all = json(&lab, &["net", "gc", "--format=json"]);
    let fate = |id: &str| {
        let all = all["containers"].as_array().unwrap();
        let one = all.iter().find(|one| one["container"] == id).unwrap();
        (
            one["owner"].as_str().unwrap().to_owned(),
            one["removed"] == true,
        )
    };
    assert_eq!(fate(&keeps.uuid), ("running".to_owned(), false));
    assert_eq!(fate(&ended), ("ended".to_owned(), true));
    assert_eq!(fate(&gone), ("gone".to_owned(), true));
    // Of the same ID, but one of them in a network that nobody here defines.
    assert_eq!(fate(rebooted), ("unknown".to_owned(), false));
    lab.sh("rm -r /var/lib/cni/networks/nomad").expect(0);
    let removed = lab.rkt(&["net", "gc"]).expect(0).stdout;
    assert!(
        removed.contains(&format!(
            "removed what was left of pod \"{rebooted}\" (gone): 1 lease(s)"
        )),
        "{removed}"
    );
    let left = lab.leftovers();
    assert!(!left.contains(&gone) && !left.contains(&ended), "{left}");
    assert!(
        left.contains(&keeps.uuid) && left.contains("172.16.28.201"),
        "{left}"
    );
    lab.sh(&format!(
        "test ! -e /var/lib/cni/networks/default/172.16.28.200 && ip -n rkt-{} addr show eth0",
        keeps.uuid
    ))
    .expect(0);
    lab.sh("test -e /run/netns/other").expect(0);
    let ruleset = lab.sh("nft list ruleset").expect(0).stdout;
    assert!(
        !ruleset.contains(&gone) && ruleset.contains(&format!("id: {keep}")),
        "{ruleset}"
    );
    // A pod of another data directory is somebody's.
    let elsewhere = json(&lab, &["--dir=/run/another", "net", "gc", "--format=json"]);
    let containers = elsewhere["containers"].as_array().unwrap();
    let other = containers
        .iter()
        .find(|one| one["container"] == keeps.uuid.as_str())
        .unwrap();
    assert_eq!(
        (&other["owner"], &other["removed"]),
        (&"elsewhere".into(), &false.into())
    );
    lab.sh(&format!("ip -n rkt-{} addr show eth0", keeps.uuid))
        .expect(0);
}

/// A plugin of CNI 1.1 that writes down what it is asked.
const RECORDER: &str = r#"#!/bin/sh
{ echo "$CNI_COMMAND ${CNI_CONTAINERID-unset}"; cat; echo; } >>/run/recorded
test "$CNI_COMMAND" = ADD && echo '{"cniVersion":"1.1.0","ips":[]}'
test "$CNI_COMMAND" != GC || test ! -e /run/refuse || { echo '{"code":7,"msg":"too much garbage"}'; exit 1; }
exit 0
"#;

#[test]
fn plugins_of_cni_1_1_are_told_which_attachments_are_left() {
    let Some(lab) = Lab::new() else { return };
    lab.define("recorder", RECORDER);
    lab.define(
        "new.conflist",
        r#"{"cniVersion":"1.1.0","name":"new","plugins":[{"type":"recorder"}]}"#,
    );
    lab.define(
        "off.conflist",
        r#"{"cniVersion":"1.1.0","name":"off","disableGC":true,"plugins":[{"type":"recorder"}]}"#,
    );
    let program = lab.world.env.path("etc/net.d/recorder");
    lab.sh(&format!("chmod +x {}", program.display())).expect(0);
    let keeps = lab.start(&["--net=new"], "exec /bin/busybox sleep 60");
    let ended = killed(&lab, &["--net=new"]);
    for command in [&["gc"][..], &["net", "gc"]] {
        lab.sh("rm /run/recorded").expect(0);
        lab.rkt(command).expect(0);
        let recorded = lab.sh("cat /run/recorded").expect(0).stdout;
        let calls: Vec<&str> = recorded.split("GC unset\n").skip(1).collect();
        assert_eq!(calls.len(), 1, "{recorded}");
        let input: Value = serde_json::from_str(calls[0]).unwrap();
        let valid = serde_json::json!([{"containerID": keeps.uuid, "ifname": "eth0"}]);
        assert_eq!(input["cni.dev/valid-attachments"], valid, "{recorded}");
        assert_eq!(
            (&input["name"], &input["cniVersion"]),
            (&"new".into(), &"1.1.0".into())
        );
    }
    lab.sh("touch /run/refuse").expect(0);
    let refused = lab.rkt(&["net", "gc"]).expect(254);
    refused.says("gc: network new: plugin \"recorder\" says: too much garbage");
    lab.rkt(&["gc"]).expect(0).says("too much garbage");
    // Pods that this data directory knows nothing of may be in the network.
    lab.sh("rm /run/recorded").expect(0);
    let elsewhere = lab.rkt(&["--dir=/run/another", "net", "gc"]).expect(0);
    elsewhere.says("pods of another data directory run here");
    lab.sh("test ! -e /run/recorded").expect(0);
    drop(ended);
}
