//! The metadata service: what apps are told, in their networks; who is refused; what a restart leaves.

mod support;

use std::process::{Child, Command, Stdio};

use gantry_testkit::Outcome;
use support::lab::{Lab, LabPod, eventually};

/// A service in the lab, until it is stopped or the lab ends.
struct Service<'a> {
    lab: &'a Lab,
    child: Child,
}

impl<'a> Service<'a> {
    fn start(lab: &'a Lab, more: &str) -> Self {
        Self::start_by(lab, &format!("echo $$ >/run/mds.pid; exec \"$@\" {more}"))
    }

    /// By a script that becomes the service, whose words are its arguments.
    fn start_by(lab: &'a Lab, script: &str) -> Self {
        let mut rkt = lab.world.rkt_command();
        rkt.arg("metadata-service");
        let mut command = Command::new("sh");
        command
            .args(["-c", script, "service"])
            .arg(rkt.get_program())
            .args(rkt.get_args());
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(lab.world.env.path("mds.log"))
            .expect("a log");
        lab.world.env.write("mds.log", "");
        let child = lab
            .inside(&command)
            .stdin(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("a service");
        let service = Self { lab, child };
        eventually("the service runs", || {
            service
                .log()
                .contains("metadata-service: metadata service running...")
        });
        service
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.lab.world.env.path("mds.log")).expect("the log")
    }

    fn end(mut self, signal: &str) -> String {
        let kill = format!("kill -{signal} $(cat /run/mds.pid)");
        self.lab.sh(&kill).expect(0);
        let status = self.child.wait().expect("the end");
        assert_eq!(status.success(), signal == "TERM", "{status}");
        self.log()
    }
}

/// An answer: status, `Content-Type`, body.
type Reply = (u16, String, String);

/// Asks the service from the lab's host, as an app would that has this URL.
fn ask(lab: &Lab, method: &str, url: &str, path: &str, form: &str) -> Reply {
    let rest = url.strip_prefix("http://").expect("a URL");
    let (authority, token) = rest.split_once('/').expect("a token");
    let (host, port) = authority.rsplit_once(':').expect("a port");
    let host = host.trim_matches(['[', ']']);
    let length = form.len();
    let request = format!(
        "{method} /{token}/acMetadata/v1/{path} HTTP/1.0\r\nMetadata-Flavor: AppContainer\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n{form}"
    );
    let file = lab.world.env.write("request", request);
    let nc = format!("timeout 10 $BUSYBOX nc {host} {port} <{}", file.display());
    let answer = lab.sh(&nc).stdout;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    let kind = head
        .lines()
        .find_map(|line| line.strip_prefix("content-type: "));
    (
        status.unwrap_or_else(|| panic!("no answer to {method} {path}: {answer:?}")),
        kind.unwrap_or_default().to_owned(),
        body.to_owned(),
    )
}

/// A pod file.
fn file_of(lab: &Lab, pod: &LabPod, name: &str) -> String {
    let path = format!("rkt/pods/run/{}/{name}", pod.uuid);
    std::fs::read_to_string(lab.world.env.path(path)).expect("a file of the pod")
}

const ASCII: &str = "text/plain; charset=us-ascii";
const JSON: &str = "application/json";
const SLEEP: &str = "exec /bin/busybox sleep 600";

/// A lab with an image that has annotations, and a handler that notes where the service is.
fn lab() -> Option<Lab> {
    Lab::with_image(&[
        &["annotation", "add", "lorem", "ipsum"],
        &["annotation", "add", "a.test/shared", "image"],
        &[
            "set-event-handler",
            "pre-start",
            "--",
            "/bin/busybox",
            "sh",
            "-c",
            "echo $AC_METADATA_URL >/pre-start",
        ],
    ])
}

#[test]
fn every_address_answers_as_specified_and_refuses_what_is_wrong() {
    let Some(lab) = lab() else { return };
    let service = Service::start(&lab, "");
    let image = &lab.image;
    let manifest = format!(
        r#"{{"acKind":"PodManifest","acVersion":"0.8.11","annotations":[{{"name":"a.test/pod","value":"of the pod"}}],
        "apps":[{{"name":"web","image":{{"id":"{image}"}},"annotations":[{{"name":"a.test/shared","value":"app"}}],
        "app":{{"exec":["/bin/busybox","sleep","600"],"user":"0","group":"0"}}}}]}}"#
    );
    let manifest = lab.world.env.write("pod.json", manifest);
    let save = lab.world.env.path("uuid");
    let arguments = [
        "run",
        "--mds-register",
        &format!("--pod-manifest={}", manifest.display()),
        &format!("--uuid-file-save={}", save.display()),
    ];
    let child = lab.rkt_command(&arguments).spawn().expect("rkt run");
    let uuid = || std::fs::read_to_string(&save).unwrap_or_default();
    eventually("the pod runs", || {
        uuid().len() == 36 && lab.rkt(&["status", "--wait-ready=10s", &uuid()]).status == 0
    });
    let uuid = uuid();
    let mut pod = LabPod {
        uuid: uuid.clone(),
        child,
    };
    let url = file_of(&lab, &pod, "metadata-url");
    assert!(url.starts_with("http://172.16.28.1:18112/"), "{url}");
    // Nobody but root learns the token.
    for name in ["metadata-url", "mds-registered"] {
        let path = lab.world.env.path(format!("rkt/pods/run/{uuid}/{name}"));
        let mode = std::fs::metadata(path).expect("metadata").permissions();
        assert_eq!(
            std::os::unix::fs::PermissionsExt::mode(&mode) & 0o777,
            0o600
        );
    }
    let token = url.rsplit('/').next().expect("a token");
    assert_eq!(token.len(), 32, "{token}");
    assert!(token.bytes().all(|b| b.is_ascii_hexdigit()), "{token}");
    let arguments = lab.sh("$BUSYBOX ps -o args").stdout;
    assert!(
        arguments.contains("--mds-port=18112") && !arguments.contains(token),
        "{arguments}"
    );

    let get = |path: &str| ask(&lab, "GET", &url, path, "");
    let text = |body: &str| (200, ASCII.to_owned(), body.to_owned());
    let json = |body: &str| (200, JSON.to_owned(), body.to_owned());
    assert_eq!(get("pod/uuid"), text(&uuid));
    assert_eq!(
        get("pod/annotations"),
        json(r#"[{"name":"a.test/pod","value":"of the pod"}]"#)
    );
    assert_eq!(get("pod/annotations/a.test/pod"), text("of the pod"));
    // The store prints half of an ID.
    let (status, kind, id) = get("apps/web/image/id");
    assert_eq!((status, kind.as_str(), id.len()), (200, ASCII, 7 + 128));
    assert!(id.starts_with(image.as_str()), "{id}");
    let merged = get("apps/web/annotations");
    assert!(
        merged.2.contains(r#"{"name":"lorem","value":"ipsum"}"#),
        "{merged:?}"
    );
    assert!(
        merged
            .2
            .contains(r#"{"name":"a.test/shared","value":"app"}"#),
        "{merged:?}"
    );
    assert!(!merged.2.contains(r#""value":"image""#), "{merged:?}");
    assert_eq!((merged.0, merged.1.as_str()), (200, JSON));
    assert_eq!(get("apps/web/annotations/a.test/shared"), text("app"));
    assert_eq!(get("apps/web/annotations/lorem"), text("ipsum"));
    let (status, kind, body) = get("apps/web/image/manifest");
    assert_eq!((status, kind.as_str()), (200, JSON));
    let shown = lab
        .rkt(&["image", "cat-manifest", "--pretty-print=false", image])
        .expect(0);
    assert_eq!(body, shown.stdout.trim_end());
    let (status, kind, body) = get("pod/manifest");
    assert_eq!((status, kind.as_str()), (200, JSON));
    let shown = lab
        .rkt(&["cat-manifest", "--pretty-print=false", &uuid])
        .expect(0);
    assert_eq!(body, shown.stdout.trim_end());

    // Of the pod's own identity.
    let sign = |content: &str| {
        ask(
            &lab,
            "POST",
            &url,
            "pod/hmac/sign",
            &format!("content={content}"),
        )
    };
    let (status, kind, signature) = sign("Old+MacDonald");
    assert_eq!((status, kind.as_str(), signature.len()), (200, ASCII, 88));
    let escaped: String = signature
        .bytes()
        .map(|byte| format!("%{byte:02x}"))
        .collect();
    let verify = |uuid: &str, content: &str, signature: &str| {
        let form = format!("content={content}&uuid={uuid}&signature={signature}");
        ask(&lab, "POST", &url, "pod/hmac/verify", &form)
    };
    assert_eq!(verify(&uuid, "Old+MacDonald", &escaped), text(""));
    let another = "6733c088-a507-4694-aabf-edbe4fc5266f";
    for (uuid, content, signature, status) in [
        (uuid.as_str(), "Old+MacDonalD", escaped.as_str(), 403),
        (another, "Old+MacDonald", &escaped, 403),
        (&uuid, "Old+MacDonald", "AAAA", 403),
        (&uuid, "Old+MacDonald", "no+base64", 400),
        (&uuid, "", &escaped, 400),
        ("no-uuid", "Old+MacDonald", &escaped, 400),
    ] {
        let reply = verify(uuid, content, signature);
        assert_eq!(reply.0, status, "{uuid} {content} {signature}: {reply:?}");
    }
    let stranger = url.replace(token, &"0".repeat(32));
    for (method, url, path, status) in [
        ("GET", &stranger, "pod/uuid", 401),
        ("GET", &stranger, "pod/manifest", 401),
        ("GET", &stranger, "apps/web/image/id", 401),
        ("POST", &stranger, "pod/hmac/sign", 401),
        ("POST", &stranger, "pod/hmac/verify", 401),
        ("POST", &url, "pod/uuid", 405),
        ("PUT", &url, "pod/manifest", 405),
        ("DELETE", &url, "pod/annotations", 405),
        ("GET", &url, "pod/hmac/sign", 405),
        ("GET", &url, "pod/hmac/verify", 405),
        ("POST", &url, "pod/hmac/sign", 400),
        ("GET", &url, "apps/other/image/id", 404),
        ("GET", &url, "apps/other/annotations", 404),
        ("GET", &url, "pod/annotations/a.test/none", 404),
        ("GET", &url, "pod/annotations/NONE", 400),
        ("GET", &url, "apps/web/annotations/a.test/none", 404),
        ("GET", &url, "apps/web/annotations/NONE", 400),
        ("GET", &url, "pod", 404),
        ("GET", &url, "apps/web/image", 404),
    ] {
        let reply = ask(&lab, method, url, path, "");
        assert_eq!(reply.0, status, "{method} {path}: {reply:?}");
    }

    // Killed and started again the service knows the pod, and what was signed; the socket it left is no hindrance.
    service.end("KILL");
    let service = Service::start(&lab, "");
    assert_eq!(get("pod/uuid"), text(&uuid));
    assert_eq!(get("apps/web/image/id"), text(&id));
    assert_eq!(verify(&uuid, "Old+MacDonald", &escaped), text(""));
    // A pod that is removed is known no more.
    pod.kill(&lab);
    // The address of the host in the pod's network went with that.
    let url = url.replace("172.16.28.1", "127.0.0.1");
    let uuid_now = || ask(&lab, "GET", &url, "pod/uuid", "");
    assert_eq!(uuid_now(), text(&uuid));
    lab.rkt(&["rm", &uuid]).expect(0);
    assert_eq!(uuid_now().0, 401);
    let log = service.end("TERM");
    assert!(
        log.contains(&format!("metadata-service: DELETE /pods/{uuid} - 200\n")),
        "{log}"
    );
    let line = format!(
        "metadata-service: GET /{}…/acMetadata/v1/pod/uuid - 401\n",
        &token[..8]
    );
    assert!(log.contains(&line), "{log}");
    assert!(
        log.ends_with("metadata-service: metadata service exiting...\n"),
        "{log}"
    );
    assert!(!log.contains(token), "{log}");
    lab.sh("test ! -e /run/rkt/metadata-svc.sock").expect(0);
    lab.nothing_left();
}

/// What an app asks and is told, from within: where the service is, as the handler and as a program that enters see
/// it too, the pod's UUID, and whether a signature of its own holds.
const FROM_WITHIN: &str = r#"
w="/bin/busybox timeout 10 /bin/busybox wget -q -O-"; u=$AC_METADATA_URL; v=$u/acMetadata/v1
echo url ${u%/*}
test "$(/bin/busybox cat /pre-start)" = $u && echo handler
# An IPv6 address of a bridge needs a moment before it answers.
n=0; until id=$($w $v/pod/uuid 2>/dev/null) || [ $n = 50 ]; do n=$((n + 1)); /bin/busybox sleep 0.2; done; echo uuid $id
s=$($w --post-data content=abc $v/pod/hmac/sign | /bin/busybox sed 's/+/%2B/g')
$w --post-data "content=abc&uuid=$id&signature=$s" $v/pod/hmac/verify && echo verified
$w --post-data "content=abd&uuid=$id&signature=$s" $v/pod/hmac/verify 2>/dev/null || echo refused
"#;

fn told(outcome: &Outcome, url: &str) {
    let out = &outcome.stdout;
    let mut lines = out.lines();
    assert_eq!(
        lines.next(),
        Some(format!("url {url}").as_str()),
        "{outcome}"
    );
    assert_eq!(lines.next(), Some("handler"), "{outcome}");
    let uuid = lines.next().and_then(|line| line.strip_prefix("uuid "));
    assert_eq!(uuid.map(str::len), Some(36), "{outcome}");
    assert_eq!(
        lines.collect::<Vec<_>>(),
        ["verified", "refused"],
        "{outcome}"
    );
}

#[test]
fn apps_reach_the_service_from_every_network_and_at_any_port() {
    let Some(lab) = lab() else { return };
    lab.define(
        "six.conflist",
        r#"{"cniVersion":"1.0.0","name":"six","plugins":[{"type":"bridge","bridge":"br6","isGateway":true,
        "ipam":{"type":"host-local","ranges":[[{"subnet":"fd06::/64"}]]}}]}"#,
    );
    lab.define(
        "alone.conflist",
        r#"{"cniVersion":"1.0.0","name":"alone","plugins":[{"type":"macvlan","master":"up0",
        "ipam":{"type":"static","addresses":[{"address":"10.99.0.50/24"}]}}]}"#,
    );
    let service = Service::start(&lab, "");
    for (net, url) in [
        ("default", "http://172.16.28.1:18112"),
        ("default-restricted", "http://172.31.0.1:18112"),
        ("host", "http://127.0.0.1:18112"),
        ("six", "http://[fd06::1]:18112"),
        // Through the network that leads to the host, wherever it stands.
        ("default,alone", "http://172.16.28.1:18112"),
        ("alone,default", "http://172.16.28.1:18112"),
    ] {
        let net = format!("--net={net}");
        told(
            &lab.run(&[&net, "--mds-register"], FROM_WITHIN).expect(0),
            url,
        );
    }
    // A network that leads nowhere near the host.
    let alone = lab
        .run(&["--net=alone", "--mds-register"], "echo ran")
        .expect(254);
    alone.says("none of the pod's networks has a gateway");
    // Nobody is told who did not ask, and an app's own variable counts.
    let bare = lab
        .run(&["--net=host"], "echo url${AC_METADATA_URL-none}")
        .expect(0);
    assert_eq!(bare.stdout, "urlnone\n", "{bare}");
    let own = [
        "--net=host",
        "--mds-register",
        "--set-env=AC_METADATA_URL=mine",
    ];
    assert_eq!(
        lab.run(&own, "echo $AC_METADATA_URL").expect(0).stdout,
        "mine\n"
    );
    // Who enters a pod is told too.
    let pod = lab.start(&["--mds-register"], SLEEP);
    let entered = lab
        .rkt(&["enter", &pod.uuid, "/bin/busybox", "env"])
        .expect(0);
    let variable = format!("AC_METADATA_URL={}\n", file_of(&lab, &pod, "metadata-url"));
    assert!(
        entered.stdout.replace('\r', "").contains(&variable),
        "{entered}"
    );
    service.end("TERM");
    let service = Service::start(&lab, "--listen-port=8112");
    told(
        &lab.run(&["--mds-register"], FROM_WITHIN).expect(0),
        "http://172.16.28.1:8112",
    );
    service.end("TERM");
    drop(pod);
}

/// Becomes what follows, with two sockets that listen already.
const ACTIVATE: &str = r#"
import os, socket, sys
os.makedirs("/run/rkt", exist_ok=True)
tcp = socket.socket(); tcp.bind(("127.0.0.1", 4711)); tcp.listen()
unix = socket.socket(socket.AF_UNIX); unix.bind("/run/rkt/metadata-svc.sock"); unix.listen()
kept = [os.dup(s.fileno()) for s in (tcp, unix)]
for number, fd in enumerate(kept, 3): os.dup2(os.dup(fd), 50 + number)
for number in (3, 4): os.dup2(50 + number, number, inheritable=True)
open("/run/mds.pid", "w").write(str(os.getpid()))
os.environ.update(LISTEN_FDS="2", LISTEN_PID=str(os.getpid()), LISTEN_FDNAMES="public:registration")
os.execv(sys.argv[1], sys.argv[1:])
"#;

#[test]
fn a_service_manager_may_hand_over_the_sockets() {
    let Some(lab) = lab() else { return };
    let program = lab.world.env.write("activate.py", ACTIVATE);
    let script = format!("exec python3 {} \"$@\"", program.display());
    let service = Service::start_by(&lab, &script);
    let outcome = lab
        .run(&["--net=host", "--mds-register"], FROM_WITHIN)
        .expect(0);
    told(&outcome, "http://127.0.0.1:4711");
    service.end("TERM");
    // Whoever made the socket removes it.
    lab.sh("test -S /run/rkt/metadata-svc.sock").expect(0);
    // Its own is of mode 0660, and there is one service at a time.
    lab.sh("rm /run/rkt/metadata-svc.sock").expect(0);
    let service = Service::start(&lab, "");
    let mode = lab
        .sh("stat -c '%a %U %G' /run/rkt/metadata-svc.sock")
        .expect(0);
    assert_eq!(mode.stdout, "660 root root\n");
    lab.rkt(&["metadata-service"])
        .expect(254)
        .says("another metadata service listens on /run/rkt/metadata-svc.sock");
    lab.sh("ln /run/rkt/metadata-svc.sock /run/kept; mv /run/rkt/metadata-svc.sock /run/moved")
        .expect(0);
    lab.rkt(&["metadata-service"])
        .expect(254)
        .says("error listening on port 18112");
    service.end("TERM");
}

#[test]
fn without_a_service_nothing_is_run_and_a_prepared_pod_stays_prepared() {
    let Some(lab) = lab() else { return };
    let refused = lab.run(&["--mds-register"], "echo ran").expect(254);
    refused
        .says("could not reach the metadata service at /run/rkt/metadata-svc.sock")
        .says("systemctl start rkt-metadata.socket");
    assert_eq!(lab.world.pods(), Vec::<String>::new());
    let image = lab.image.as_str();
    let prepared = lab
        .rkt(&["prepare", "--quiet", image, "--", "echo $AC_METADATA_URL"])
        .expect(0);
    let uuid = prepared.line();
    lab.rkt(&["run-prepared", "--mds-register", uuid])
        .expect(254)
        .says("could not reach the metadata service");
    // One that answers and does not know what to do with a pod.
    lab.sh("mkdir -p /run/rkt").expect(0);
    let deaf = "import socket; s = socket.socket(socket.AF_UNIX); s.bind('/run/rkt/metadata-svc.sock'); s.listen(); open('/run/up', 'w')\n\
                while True:\n  c = s.accept()[0]\n  if c.recv(9999): c.send(b'HTTP/1.1 500 No\\r\\n\\r\\nnot today\\n')\n  c.close()\n";
    let deaf = lab.world.env.write("deaf.py", deaf);
    let mut deaf = lab
        .inside(Command::new("python3").arg(deaf))
        .spawn()
        .expect("python3");
    eventually("it listens", || lab.sh("test -e /run/up").status == 0);
    lab.rkt(&["run-prepared", "--mds-register", uuid])
        .expect(254)
        .says("failed to register the pod")
        .says("with 500: not today");
    assert_eq!(lab.world.pods(), [format!("prepared/{uuid}/")]);
    let marker = format!("rkt/pods/prepared/{uuid}/mds-registered");
    assert!(!lab.world.env.path(marker).exists());
    deaf.kill().expect("the end");
    deaf.wait().expect("the end");
    lab.sh("rm /run/rkt/metadata-svc.sock").expect(0);
    let service = Service::start(&lab, "");
    let ran = lab.rkt(&["run-prepared", "--mds-register", uuid]).expect(0);
    assert!(ran.stdout.contains("http://172.16.28.1:18112/"), "{ran}");
    // A pod that the service does not know is removed all the same, also while it does not run.
    service.end("KILL");
    lab.rkt(&["gc", "--grace-period=0s"]).expect(0);
    lab.rkt(&["gc", "--grace-period=0s"]).expect(0);
    assert_eq!(lab.world.pods(), Vec::<String>::new());
}
