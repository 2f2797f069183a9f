//! Pods' networks, with the real plugins: who reaches whom, and what is left afterwards.

mod support;

use gantry_testkit::Outcome;

use support::lab::{HOST4, HOST6, Lab, WORLD4, eventually};

#[test]
fn the_default_network_reaches_host_and_world_and_leaves_nothing() {
    let Some(lab) = Lab::new() else { return };
    let outcome = lab
        .run(
            &[],
            &format!(
                "/bin/busybox ip -o -4 addr show eth0; /bin/busybox ip route; \
                 /bin/busybox wget -q -O- http://{WORLD4}/; /bin/busybox ping -c1 -w5 {HOST4} >/dev/null && echo host"
            ),
        )
        .expect(0);
    assert!(outcome.stdout.contains("inet 172.16.28.2/24"), "{outcome}");
    assert!(
        outcome.stdout.contains("default via 172.16.28.1 dev eth0"),
        "{outcome}"
    );
    assert!(outcome.stdout.ends_with("world\nhost\n"), "{outcome}");
    lab.nothing_left();
}

/// The command succeeds and prints `text`.
fn shows(outcome: &Outcome, text: &str) {
    assert!(
        outcome.status == 0 && outcome.stdout.contains(text),
        "no {text:?}: {outcome}"
    );
}

/// A network of both families behind a bridge, with masquerade.
const DUAL: &str = r#"{"cniVersion":"1.0.0","name":"dual","plugins":[{"type":"bridge","bridge":"br7","isGateway":true,
    "ipMasq":true,"ipam":{"type":"host-local","ranges":[[{"subnet":"10.7.0.0/24"}],[{"subnet":"fd07::/64"}]],
    "routes":[{"dst":"0.0.0.0/0"},{"dst":"::/0"}]}}]}"#;

#[test]
fn a_killed_pod_leaves_what_gc_removes() {
    let Some(lab) = Lab::new() else { return };
    let mut pod = lab.serve("one", &[]);
    let status = lab.rkt(&["status", &pod.uuid]).expect(0);
    assert!(
        status.stdout.contains("networks=default:ip4=172.16.28.2\n"),
        "{status}"
    );
    let list = lab.rkt(&["list"]).expect(0);
    assert!(list.stdout.contains("default:ip4=172.16.28.2"), "{list}");
    let network = lab.status(&pod.uuid)["networks"][0].clone();
    for (member, value) in [
        ("netName", "default"),
        ("netConf", "net/99-default.conf"),
        ("pluginPath", "/usr/lib/cni/ptp"),
        ("ifName", "eth0"),
        ("ip", "172.16.28.2"),
        ("args", ""),
        ("mask", "255.255.255.0"),
    ] {
        assert_eq!(network[member], value, "{network}");
    }
    let directory = lab.world.env.path(format!("rkt/pods/run/{}", pod.uuid));
    let netns = std::fs::read_to_string(directory.join("netns")).unwrap();
    assert_eq!(netns, format!("/var/run/netns/rkt-{}", pod.uuid));
    shows(
        &lab.sh(&format!("nsenter --net={netns} ip -o addr show eth0")),
        "172.16.28.2",
    );
    let supervisor = std::fs::read_to_string(directory.join("ppid")).unwrap();
    // The number is that of the lab's PID namespace.
    lab.sh(&format!("kill -9 {supervisor}")).expect(0);
    pod.child.wait().unwrap();
    assert!(!lab.leftovers().is_empty());
    lab.rkt(&["gc", "--grace-period=0s"]).expect(0);
    lab.rkt(&["gc", "--grace-period=0s"]).expect(0);
    lab.nothing_left();
    assert_eq!(lab.world.pods(), Vec::<String>::new());
}

#[test]
fn networks_go_after_a_reboot_without_plugins_and_half_made() {
    let Some(lab) = Lab::with_image(&[&["port", "add", "www", "tcp", "80"]]) else {
        return;
    };
    let gc = || {
        lab.rkt(&["gc", "--grace-period=0s"]).expect(0);
        let outcome = lab.rkt(&["gc", "--grace-period=0s"]).expect(0);
        assert_eq!(lab.world.pods(), Vec::<String>::new(), "{outcome}");
        lab.nothing_left();
    };
    let killed = || {
        let mut pod = lab.serve("one", &["--port=www:8080"]);
        let ppid = lab
            .world
            .env
            .path(format!("rkt/pods/run/{}/ppid", pod.uuid));
        let supervisor = std::fs::read_to_string(ppid).unwrap();
        lab.sh(&format!("kill -9 {supervisor}")).expect(0);
        pod.child.wait().unwrap();
        pod.uuid
    };
    // A reboot: the namespace is gone, but for the plugins' sake the rules are not.
    let uuid = killed();
    lab.sh(&format!(
        "umount /run/netns/rkt-{uuid}; rm /run/netns/rkt-{uuid}"
    ))
    .expect(0);
    gc();
    // Without its plugins.
    killed();
    lab.sh("cp -r /usr/lib/cni /run/cni; mount -t tmpfs tmpfs /usr/lib/cni")
        .expect(0);
    gc();
    // Plugins that fail, one of them half-way.
    lab.sh("cp /run/cni/* /usr/lib/cni/").expect(0);
    killed();
    lab.sh("rm /usr/lib/cni/ptp; printf '#!/bin/sh\\necho \"{\\\"msg\\\":\\\"not today\\\"}\"; exit 1' >/usr/lib/cni/ptp; chmod +x /usr/lib/cni/ptp").expect(0);
    gc();
    lab.sh(r#"printf '#!/bin/sh\n/run/cni/ptp && test $CNI_COMMAND = DEL || exit 1' >/usr/lib/cni/ptp"#).expect(0);
    let outcome = lab.run(&[], "echo ran").expect(254);
    assert!(!outcome.stdout.contains("ran"), "{outcome}");
    lab.nothing_left();
    gc();
    // Installed again, but elsewhere.
    lab.sh("cp /run/cni/* /usr/lib/cni/").expect(0);
    killed();
    lab.sh("mkdir -p /opt/cni; mv /run/cni /opt/cni/bin; rm /usr/lib/cni/*")
        .expect(0);
    gc();
}

#[test]
fn ports_of_the_host_lead_to_the_pod_from_everywhere() {
    let Some(lab) = Lab::with_image(&[
        &["port", "add", "www", "tcp", "80"],
        &["port", "add", "dgram", "udp", "53"],
    ]) else {
        return;
    };
    lab.define("dual.conflist", DUAL);
    for net in ["--net=default", "--net=dual"] {
        let mut pod = lab.serve("forwarded", &[net, "--port=www:8080", "--port=dgram:5353"]);
        let fetch =
            |address: &str| format!("timeout 3 $BUSYBOX wget -q -O- http://{address}:8080/");
        shows(&lab.sh(&fetch("127.0.0.1")), "forwarded");
        shows(&lab.sh(&fetch(HOST4)), "forwarded");
        shows(&lab.out(&fetch(HOST4)), "forwarded");
        let rules = lab.sh("iptables-save -t nat").expect(0);
        assert!(
            rules.stdout.contains("-p udp -m udp --dport 5353 -j DNAT"),
            "{rules}"
        );
        if net == "--net=dual" {
            shows(&lab.out(&fetch(&format!("[{HOST6}]"))), "forwarded");
            let status = lab.rkt(&["status", &pod.uuid]).expect(0);
            assert!(
                status
                    .stdout
                    .contains("networks=dual:ip4=10.7.0.2, dual:ip6=fd07::2\n"),
                "{status}"
            );
        }
        // Nobody else gets the port, whether it is a pod's or a program's.
        let taken = lab.run(&["--port=www:8080"], "echo ran").expect(254);
        taken.says(&format!(
            "tcp port 8080 of the host is used by pod \"{}\"",
            pod.uuid
        ));
        lab.rkt(&["stop", &pod.uuid]).expect(0);
        pod.child.wait().unwrap();
        lab.sh("ip link del br7 2>/dev/null; true");
        lab.nothing_left();
    }
    lab.sh("$BUSYBOX httpd -p 8081 -h /run/www").expect(0);
    let taken = lab.run(&["--port=www:8081"], "echo ran").expect(254);
    taken.says("tcp port 8081 of the host is used by another program");
    // The port of a killed pod, which is still forwarded, is had at once.
    let pod = lab.serve("killed", &["--port=www:8080"]);
    let ppid = lab
        .world
        .env
        .path(format!("rkt/pods/run/{}/ppid", pod.uuid));
    let supervisor = std::fs::read_to_string(ppid).unwrap();
    lab.sh(&format!("kill -9 {supervisor}")).expect(0);
    let next = lab.serve("next", &["--port=www:8080"]);
    shows(
        &lab.out(&format!(
            "timeout 3 $BUSYBOX wget -q -O- http://{HOST4}:8080/"
        )),
        "next",
    );
    drop((pod, next));
}

#[test]
fn an_address_is_free_for_the_next_pod_as_soon_as_one_has_ended() {
    let Some(lab) = Lab::new() else { return };
    let one = r#"{"name":"one","type":"ptp","ipam":{"type":"host-local","ranges":[[{"subnet":"10.9.0.0/24",
        "rangeStart":"10.9.0.5","rangeEnd":"10.9.0.5"}]]}}"#;
    lab.define("one.conf", one);
    for _ in 0..5 {
        lab.run(&["--net=default:IP=172.16.28.77"], "exit 0")
            .expect(0);
        // And where only the plugin knows that none is left.
        lab.run(&["--net=one"], "exit 0").expect(0);
        lab.run(&["--net=one"], "exit 0").expect(0);
    }
    eventually("all is given back", || lab.leftovers().is_empty());
}

/// Becomes part of a service, as systemd names their control groups, runs a pod and looks what it left.
const IN_SERVICE: &str = r#"
for root in /sys/fs/cgroup/systemd /sys/fs/cgroup; do test -e $root/cgroup.procs && break; done
group=$root/gantry-test-$$.service
mkdir $group && echo $$ >$group/cgroup.procs || { rmdir $group; echo no groups; exit 0; }
RUN
status=$?
ls /run/netns | grep rkt-
ls /var/lib/cni/networks/default | grep '^172'
echo $$ >$root/cgroup.procs
rmdir $group
exit $status
"#;

#[test]
fn in_a_service_the_networks_are_down_before_the_status_is_told() {
    let Some(lab) = Lab::new() else { return };
    // systemd ends whatever a service leaves when its main process has ended.
    let outcome = lab.sh(&IN_SERVICE.replace("RUN", &shell(&lab))).expect(0);
    if outcome.stdout == "no groups\n" {
        eprintln!("SKIP: this test needs control groups that can be made");
        return;
    }
    assert_eq!(outcome.stdout, "", "{outcome}");
}

/// The command line that runs a pod, for a shell.
fn shell(lab: &Lab) -> String {
    let command = lab.world.rkt_command();
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(
        command
            .get_args()
            .map(|word| word.to_string_lossy().into_owned()),
    );
    words.extend([
        "run".to_owned(),
        lab.image.clone(),
        "--".to_owned(),
        "true".to_owned(),
    ]);
    words.join(" ")
}
