//! What really arrives through forwarded ports, by protocol, from the host and from the world; addresses from a DHCP
//! server; hosts that lack what plugins need.

mod support;

use support::lab::{HOST4, Lab, eventually};

/// Serves a word on a port, or asks for it; a third of a second of silence is no answer.
const PEER: &str = r#"
import socket, sys, time
verb, protocol, address, port = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
kind = socket.SOCK_DGRAM if protocol == "udp" else socket.SOCK_STREAM
number = {"udp": 0, "tcp": 0, "sctp": 132}[protocol]
end = socket.socket(socket.AF_INET, kind, number)
end.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
if verb == "serve":
    end.bind((address, port))
    word = sys.argv[5].encode()
    if protocol == "udp":
        while True:
            end.sendto(word, end.recvfrom(100)[1])
    end.listen()
    while True:
        peer = end.accept()[0]
        peer.recv(100)
        peer.sendall(word)
        peer.close()
if len(sys.argv) > 5:
    end.bind(("0.0.0.0", int(sys.argv[5])))
end.settimeout(0.3)
for attempt in range(int(sys.argv[6]) if len(sys.argv) > 6 else 10):
    try:
        end.connect((address, port))
        end.send(b"?")
        print(end.recv(100).decode())
        sys.exit(0)
    except OSError as error:
        if protocol != "udp":
            sys.exit(f"{error}")
sys.exit("silence")
"#;

struct Peers {
    lab: Lab,
    script: String,
}

impl Peers {
    fn new(ports: &[&[&str]]) -> Option<Self> {
        let lab = Lab::with_image(ports)?;
        lab.world.env.write("peer.py", PEER);
        let script = lab.world.env.path("peer.py").display().to_string();
        Some(Self { lab, script })
    }

    /// Serves `word` in the network namespace of a pod.
    fn serve(&self, uuid: &str, protocol: &str, port: u16, word: &str) {
        let script = &self.script;
        self.lab
            .sh(&format!(
                "nsenter --net=/run/netns/rkt-{uuid} python3 {script} serve {protocol} 0.0.0.0 {port} {word} \
                 </dev/null >/dev/null 2>&1 &"
            ))
            .expect(0);
    }

    /// What comes back on the host and in the world.
    fn answers(&self, protocol: &str, address: &str, port: u16) -> [Option<String>; 2] {
        let ask = format!("python3 {} ask {protocol} {address} {port}", self.script);
        [self.lab.sh(&ask), self.lab.out(&ask)].map(|outcome| {
            let word = outcome.stdout.trim().to_owned();
            (outcome.status == 0).then_some(word)
        })
    }

    fn eventually_answers(&self, protocol: &str, port: u16, word: &str) {
        let all = [Some(word.to_owned()), Some(word.to_owned())];
        eventually(&format!("{protocol} port {port} leads to {word}"), || {
            self.answers(protocol, HOST4, port) == all
        });
    }
}

const IDLE: &str = "exec /bin/busybox sleep 120";

#[test]
fn datagrams_and_ranges_arrive_where_they_should_and_nowhere_else() {
    let Some(peers) = Peers::new(&[
        &["port", "add", "dns", "udp", "53"],
        &["port", "add", "rtp", "udp", "5000", "--count", "3"],
        &["port", "add", "www", "tcp", "80", "--count", "2"],
        &["port", "add", "own", "tcp", "90"],
    ]) else {
        return;
    };
    let own = format!("--port=own:{HOST4}:9090");
    let options = [
        "--port=dns:5353",
        "--port=rtp:6000",
        "--port=www:8080",
        own.as_str(),
    ];
    let mut pod = peers.lab.start(&options, IDLE);
    for (protocol, port, word) in [
        ("udp", 53, "dns"),
        ("udp", 5000, "rtp0"),
        ("udp", 5002, "rtp2"),
        ("tcp", 80, "www0"),
        ("tcp", 81, "www1"),
        ("tcp", 90, "own"),
    ] {
        peers.serve(&pod.uuid, protocol, port, word);
    }
    for (protocol, port, word) in [
        ("udp", 5353, "dns"),
        ("udp", 6000, "rtp0"),
        ("udp", 6002, "rtp2"),
        ("tcp", 8080, "www0"),
        ("tcp", 8081, "www1"),
        ("tcp", 9090, "own"),
    ] {
        peers.eventually_answers(protocol, port, word);
        let local = peers.answers(protocol, "127.0.0.1", port)[0].clone();
        // A port of one address is not one of the others.
        let expected = (word != "own").then(|| word.to_owned());
        assert_eq!(local, expected, "{protocol} port {port} by loopback");
    }
    assert_eq!(peers.answers("udp", HOST4, 6003)[1], None);
    // A client that keeps its port is led to the next pod, not to where the last one was.
    let ask = format!("python3 {} ask udp {HOST4} 5353 4242", peers.script);
    assert_eq!(peers.lab.out(&ask).stdout, "dns\n");
    peers.lab.rkt(&["stop", &pod.uuid]).expect(0);
    pod.child.wait().unwrap();
    let next = peers.lab.start(&["--port=dns:5353"], IDLE);
    peers.serve(&next.uuid, "udp", 53, "next");
    eventually("the next pod gets the client's datagrams", || {
        peers.lab.out(&ask).stdout == "next\n"
    });
}

#[test]
fn sctp_arrives_where_the_kernel_has_it() {
    let Some(peers) = Peers::new(&[&["port", "add", "sig", "sctp", "2905"]]) else {
        return;
    };
    let pod = peers.lab.start(&["--port=sig:2906"], IDLE);
    let rules = peers.lab.sh("iptables-save -t nat").expect(0).stdout;
    let forwards = |line: &str| {
        line.contains("-p sctp ")
            && line.contains("--dport 2906 -j DNAT --to-destination 172.16.28.2:2905")
    };
    assert!(rules.lines().any(forwards), "{rules}");
    let kernel = peers
        .lab
        .sh("python3 -c 'import socket; socket.socket(socket.AF_INET, socket.SOCK_STREAM, 132)'");
    if kernel.status != 0 {
        eprintln!("SKIP: the rest of this test needs a kernel with SCTP");
        return;
    }
    peers.serve(&pod.uuid, "sctp", 2905, "signal");
    peers.eventually_answers("sctp", 2906, "signal");
}

#[test]
fn a_host_without_iptables_is_told_what_to_install() {
    let Some(lab) = Lab::new() else { return };
    lab.sh(
        "cp -a /usr/sbin /run/sbin && rm /run/sbin/ip*tables* /run/sbin/xtables* && mount --bind /run/sbin /usr/sbin",
    )
    .expect(0);
    let outcome = lab.run(&[], "echo ran").expect(254);
    let outcome = outcome.says("plugin \"ptp\" says: failed to locate iptables");
    outcome.says("install Debian's package iptables, which serves hosts with nftables as well");
    lab.nothing_left();
    // Networks that hide no address need none.
    lab.run(&["--net=default-restricted"], "exit 3").expect(3);
    lab.nothing_left();
}

#[test]
fn a_dhcp_server_gives_addresses_and_gets_them_back() {
    let Some(lab) = Lab::new() else { return };
    lab.define(
        "lan.conf",
        r#"{"cniVersion":"0.4.0","name":"lan","type":"macvlan","master":"up0","ipam":{"type":"dhcp"}}"#,
    );
    let alone = lab.run(&["--net=lan"], "echo ran").expect(254);
    alone.says("start its daemon first: \"/usr/lib/cni/dhcp daemon\"");
    lab.nothing_left();
    lab.sh(
        "printf 'start 10.99.0.100\\nend 10.99.0.100\\ninterface down0\\nlease_file /run/leases\\n\
         pidfile /run/udhcpd.pid\\noption subnet 255.255.255.0\\noption router 10.99.0.2\\noption lease 600\\n' \
         >/run/udhcpd.conf
         : >/run/leases; mkdir -p /run/cni
         ip netns exec world $BUSYBOX udhcpd -a 100 /run/udhcpd.conf
         /usr/lib/cni/dhcp daemon </dev/null >/dev/null 2>&1 &",
    )
    .expect(0);
    eventually("the plugin's daemon listens", || {
        lab.sh("test -S /run/cni/dhcp.sock").status == 0
    });
    // The one address there is, twice.
    for _ in 0..2 {
        let outcome = lab
            .run(
                &["--net=lan"],
                "/bin/busybox ip -o -4 addr show eth0; /bin/busybox ip route",
            )
            .expect(0);
        assert!(outcome.stdout.contains("inet 10.99.0.100/24"), "{outcome}");
        assert!(
            outcome.stdout.contains("default via 10.99.0.2"),
            "{outcome}"
        );
        lab.nothing_left();
    }
}

/// A plugin that writes down what it is told.
const RECORDER: &str = "#!/bin/sh\ncat >>/run/recorded; test $CNI_COMMAND = DEL || echo '{\"cniVersion\":\"1.0.0\"}'\n";

#[test]
fn a_plugin_that_asks_for_it_is_told_of_name_servers() {
    let Some(lab) = Lab::new() else { return };
    lab.define("recorder", RECORDER);
    lab.define(
        "names.conf",
        r#"{"cniVersion":"1.0.0","name":"names","type":"recorder","capabilities":{"dns":true}}"#,
    );
    let program = lab.world.env.path("etc/net.d/recorder");
    lab.sh(&format!("chmod +x {}", program.display())).expect(0);
    lab.run(
        &["--net=names", "--dns=10.0.0.1", "--dns-search=a.example"],
        "exit 0",
    )
    .expect(0);
    let recorded = lab.sh("cat /run/recorded").expect(0).stdout;
    let told =
        r#""runtimeConfig":{"dns":{"servers":["10.0.0.1"],"searches":["a.example"],"options":[]}}"#;
    assert!(recorded.contains(told), "{recorded}");
}
