//! The command line of rkt's pods against its contract: exit status, standard output, standard error.
//!
//! Each row cites what it rests on: the documents of rkt 1.30 (Documentation/, `D:`) or the file of its
//! sources that a script sees the effect of.

mod support;

use std::process::Stdio;
use std::time::{Duration, Instant};

use support::cast::Text::{Any, Has, Is, No};
use support::cast::{Cast, Row, wait_for_uuid};
use support::{World, can_run_pods};

#[rustfmt::skip]
const USAGE: &[Row] = &[
    ("rkt/main.go", "", 2, Has(&["Usage"]), Is("rkt: missing command")),
    ("rkt/main.go", "bogus", 254, No, Has(&["bogus"])),
    ("rkt/rkt.go", "list --bogus", 254, No, Has(&["--bogus"])),
    ("rkt/cli_apps.go", "run", 254, No, Has(&["run: must provide at least one image or specify the pod manifest"])),
    ("rkt/cli_apps.go", "prepare", 254, No, Has(&["prepare: must provide at least one image or specify the pod manifest"])),
    ("rkt/cli_apps.go", "run --user=1 @ID", 254, No, Has(&["run: --user must follow an image"])),
    ("rkt/cli_apps.go", "prepare --exec /x @ID", 254, No, Has(&["prepare: --exec must follow an image"])),
    ("rkt/cli_apps.go", "run -- x", 254, No, Has(&["run: an image is required before any app arguments"])),
    ("rkt/cli_apps.go", "run @ID -- x --- -- y", 254, No, Has(&["run: only one set of app arguments allowed per image"])),
    ("rkt/cli_apps.go", "fetch @ID -- x", 254, No, Has(&["fetch: app arguments unsupported"])),
    ("rkt/run.go", "run --interactive @ID @ID", 254, No, Has(&["run: interactive option only supports one image"])),
    ("rkt/run.go", "run --store-only --no-store @ID", 254, No, Has(&["run: both --store-only and --no-store specified"])),
    ("rkt/run.go", "run --port=www:80 --net=host @ID", 254, No, Has(&["run: --port flag does not work with 'host' networking"])),
    ("rkt/run.go", "run --port=www:80 --net=none @ID", 254, No, Has(&["run: --port flag does not work with 'none' networking"])),
    ("rkt/run.go", "prepare --port=nope:80 @ID", 254, No, Has(&["prepare: port name \"nope\" could not be found in any apps"])),
    ("rkt/run.go", "prepare --port=www @ID", 254, No, Has(&["\"www\""])),
    ("rkt/run.go", "prepare --port=www:x @ID", 254, No, Has(&["\"x\""])),
    ("rkt/run.go", "run --mds-register --net=none @ID", 254, No, Has(&["run: --mds-register flag does not work with --net=none"])),
    ("rkt/run.go", "run --dns=1.2.3 @ID", 254, No, Has(&["run: Invalid IP passed to --dns: 1.2.3"])),
    ("rkt/run.go", "run --dns=host --dns=1.1.1.1 @ID", 254, No, Has(&["run: no other --dns options allowed when --dns=host is passed"])),
    ("rkt/run.go", "run --dns=none --dns-search=x @ID", 254, No, Has(&["Cannot call --dns-opt, --dns-search, or --dns-domain with --dns=none"])),
    ("rkt/run.go", "run --hosts-entry=x @ID", 254, No, Has(&["run: Did not understand --hosts-entry x"])),
    ("rkt/run.go", "run --hosts-entry=x=y @ID", 254, No, Has(&["run: Invalid IP passed to --hosts-entry: x"])),
    ("rkt/run.go", "run --hosts-entry=host --hosts-entry=1.1.1.1=x @ID", 254, No, Has(&["run: cannot pass --hosts-entry=host with multiple hosts-entries"])),
    ("stage1/init", "run --ipc=shared @ID", 254, No, Has(&["shared"])),
    ("rkt/run.go kvMap", "run --set-env=A ID", 254, No, Has(&["--set-env: must be specified as key=value"])),
    ("rkt/run.go kvMap", "run --set-env=A=1 --set-env=A=2 @ID", 254, No, Has(&["key \"A\" already set"])),
    ("rkt/run.go envFileMap", "run --set-env-file=@DIR/env-twice @ID", 254, No, Has(&["environment variable \"A\" already set (file \"@DIR/env-twice\")"])),
    ("rkt/run.go envFileMap", "run --set-env-file=@DIR/env-bad @ID", 254, No, Has(&["environment variable must be specified as name=value (file \"@DIR/env-bad\")"])),
    ("rkt/run.go envFileMap", "run --set-env-file=@DIR/env --set-env-file=@DIR/env @ID", 254, No, Has(&["already set"])),
    ("rkt/run.go", "run --pod-manifest=@DIR/pod.json @ID", 254, No, Has(&["run: conflicting flags set with --pod-manifest (see --help)"])),
    ("rkt/run.go", "run --pod-manifest=@DIR/pod.json --no-store", 254, No, Has(&["conflicting flags set with --pod-manifest"])),
    ("rkt/run.go", "prepare --pod-manifest=@DIR/pod.json --set-env=A=1", 254, No, Has(&["conflicting flags set with --pod-manifest"])),
    ("rkt/run.go", "prepare --pod-manifest=@DIR/pod.json --volume=v,kind=empty", 254, No, Has(&["conflicting flags set with --pod-manifest"])),
    ("rkt/run.go", "run --pod-manifest=@DIR/none.json", 254, No, Has(&["run: pod must contain at least one application"])),
    ("stage0/run.go", "run --pod-manifest=@DIR/no.json", 254, No, Has(&["error unmarshaling pod manifest"])),
    ("stage0/run.go", "run --pod-manifest=@DIR/absent.json", 254, No, Has(&["error reading pod manifest"])),
    ("rkt/run_prepared.go", "run --interactive --pod-manifest=@DIR/two.json", 254, No, Has(&["interactive option only supports pods with one app"])),
    ("appc volume.go", "run --volume=v,kind=foo @ID", 254, No, Has(&["unrecognized volume kind"])),
    ("appc volume.go", "run --volume=v,kind=host @ID", 254, No, Has(&["source for host volume cannot be empty"])),
    ("appc ace.md", "prepare --volume=v,kind=host,source=/does/not/exist @ID --mount=volume=v,target=/v", 254, No, Has(&["/does/not/exist"])),
    ("rkt/cli_apps.go", "prepare @ID --mount=a=b", 254, No, Has(&["unknown mount parameter \"a\""])),
    ("common/apps/apps.go", "prepare @ID --mount=volume=v,target=/v", 254, No, Has(&["dangling mount point \"/v\": volume \"v\" not found"])),
    ("stage0/run.go", "prepare @ID @ID", 254, No, Has(&["multiple apps with name hello"])),
    ("rkt/cli_apps.go", "run @ID --memory=100", 254, No, Has(&["memory limit of 100 bytes too low"])),
    ("rkt/flag/secflags.go", "run --insecure-options=bogus @ID", 254, No, Has(&["bogus"])),
    ("rkt/image/finder.go", "run sha512-00ff00ff", 254, No, Has(&["run: "])),
];

#[rustfmt::skip]
const PODS: &[Row] = &[
    ("pkg/pod/uuid.go", "status zz", 254, No, Has(&["no matches found for \"zz\""])),
    ("pkg/pod/uuid.go", "status ''", 254, No, Has(&["UUID cannot be empty"])),
    ("rkt/rm.go", "rm zz", 254, No, Has(&["no matches found for \"zz\"", "rm: failed to remove one or more pods"])),
    ("rkt/stop.go", "stop zz", 254, No, Has(&["no matches found for \"zz\"", "stop: failed to stop 1 pod(s)"])),
    ("rkt/run_prepared.go", "run-prepared zz", 254, No, Has(&["no matches found for \"zz\""])),
    ("rkt/cat_manifest.go", "cat-manifest zz", 254, No, Has(&["no matches found for \"zz\""])),
    ("rkt/status.go", "status", 254, No, Any),
    ("rkt/status.go", "status @EXITED @PREPARED", 254, No, Any),
    ("rkt/status.go", "status --wait=soon @EXITED", 254, No, Has(&["soon"])),
    ("rkt/status.go", "status --format=xml @EXITED", 254, No, Has(&["xml"])),
    ("new", "net", 0, Has(&["Usage: rkt net [OPTIONS] <COMMAND>"]), No),
    ("new", "net bogus", 254, No, Has(&["bogus"])),
    ("new", "net inspect", 254, No, Any),
    ("new", "net inspect zz", 254, No, Has(&["inspect: \"zz\" is no network that is defined, and no pod", "inspect: cannot inspect all that was named"])),
    ("new", "net inspect default", 0, Has(&["network=default\norigin=built-in\nfile=99-default.conf\ncniVersion=0.4.0\nplugin=ptp /"]), No),
    ("new", "net inspect @RUNNING", 0, Is("pod=@RUNNING\nstate=running"), No),
    ("new", "net inspect --format=json @EXITED", 0, Has(&["[{\"uuid\":\"@EXITED\",\"state\":\"exited\",\"attachments\":[],\"networks\":[],\"checks\":[]}]"]), No),
    ("new", "net ls", 0, Has(&["NETWORK", "PLUGINS", "ORIGIN", "default-restricted", "built-in"]), No),
    ("new", "net list --no-legend", 0, Has(&["default-restricted"]), No),
    ("new", "net ls --format=json", 0, Has(&["{\"networks\":[{\"name\":\"", "{\"name\":\"default-restricted\",\"origin\":\"built-in\"", "\"errors\":["]), No),
    ("new", "net ls --format=xml", 254, No, Has(&["xml"])),
    ("new", "net reload", 0, Has(&["ok       default: 99-default.conf\n"]), No),
    ("new", "net gc --bogus", 254, No, Has(&["--bogus"])),
    // Two commands have a status of their own for this.
    ("rkt/status.go", "status --uuid-file=@DIR/absent", 1, No, Has(&["status: unable to resolve UUID from file"])),
    ("rkt/stop.go", "stop --uuid-file=@DIR/absent", 1, No, Has(&["stop: unable to resolve UUID from file"])),
    ("rkt/rm.go", "rm --uuid-file=@DIR/absent", 254, No, Has(&["rm: unable to resolve UUID from file"])),
    ("rkt/cat_manifest.go", "cat-manifest --uuid-file=@DIR/absent", 254, No, Has(&["cat-manifest: unable to resolve UUID from file"])),
    ("rkt/status.go", "status --uuid-file=@DIR/gone", 254, No, Has(&["no matches found"])),
    ("rkt/status.go", "status @EXITED", 0, Has(&["state=exited\n", "\ncreated=", "\nstarted=", "\nnetworks=", "\nexited=true\n", "\napp-hello=7"]), No),
    ("rkt/status.go", "status --uuid-file=@DIR/running", 0, Has(&["state=running\n", "\npid=", "\nexited=false"]), No),
    ("rkt/status.go", "status @PREPARED", 0, Has(&["state=prepared\n", "created="]), No),
    ("rkt/status.go", "status --wait @EXITED", 0, Has(&["state=exited"]), No),
    ("rkt/status.go", "status --wait=100ms @RUNNING", 254, No, Has(&["status: error waiting for pod to finish"])),
    ("rkt/status.go", "status --wait=0 @RUNNING", 0, Has(&["state=running"]), No),
    ("rkt/status.go", "status --wait-ready=5s @RUNNING", 0, Has(&["state=running"]), No),
    ("rkt/status.go", "status --wait-ready=50ms @PREPARED", 254, No, Has(&["status: error waiting for pod readiness"])),
    ("rkt/status.go", "status --wait=50ms @PREPARED", 254, No, Has(&["status: error waiting for pod to finish"])),
    ("api/v1/types", "status --format=json @EXITED", 0, Has(&["{\"name\":\"@EXITED\",\"state\":\"exited\",\"app_names\":[\"hello\"],\"apps\":[{\"name\":\"hello\",\"state\":\"exited\",", "\"exit_code\":7,\"image_id\":\"sha512-"]), No),
    ("api/v1/types", "status --format=json-pretty @EXITED", 0, Has(&["{\n\t\"name\": \"@EXITED\",\n\t\"state\": \"exited\","]), No),
    ("rkt/list.go", "list", 0, Has(&["UUID\t", "APP", "IMAGE NAME", "STATE", "CREATED", "STARTED", "NETWORKS", "example.test/hello:1.0.0", "running", "exited", "prepared", "sleeper"]), No),
    ("rkt/list.go", "list --full", 0, Has(&["IMAGE ID", "@EXITED", "@RUNNING", "@PREPARED"]), No),
    ("rkt/list.go", "list --format=json", 0, Has(&["[{\"name\":\"", "\"state\":\"running\""]), No),
    ("rkt/cat_manifest.go", "cat-manifest @EXITED", 0, Has(&["{\n\t\"acVersion\": \"", "\t\"acKind\": \"PodManifest\",\n\t\"apps\": [\n"]), No),
    ("rkt/cat_manifest.go", "cat-manifest --pretty-print=false @EXITED", 0, Has(&["{\"acVersion\":\"", "\"acKind\":\"PodManifest\",\"apps\":[{\"name\":\"hello\""]), No),
    ("rkt/rm.go", "rm @RUNNING", 254, No, Has(&["rm: pod \"@RUNNING\" is currently running", "rm: failed to remove one or more pods"])),
    ("rkt/run_prepared.go", "run-prepared @EXITED", 254, No, Has(&["run-prepared: pod \"@EXITED\" is not prepared"])),
    ("rkt/run_prepared.go", "run-prepared @RUNNING", 254, No, Has(&["run-prepared: pod \"@RUNNING\" is not prepared"])),
    ("rkt/stop.go", "stop @PREPARED", 254, No, Has(&["stop: pod \"@PREPARED\" is not running", "stop: failed to stop 1 pod(s)"])),
    ("rkt/stop.go", "stop @EXITED", 0, Is("pod \"@EXITED\" is already stopped"), No),
    ("rkt/gc.go", "gc --grace-period=soon", 254, No, Has(&["soon"])),
    ("rkt/gc.go", "gc --mark-only", 0, No, Is("gc: moving pod \"@EXITED\" to garbage")),
    ("rkt/gc.go", "status @EXITED", 0, Has(&["state=exited garbage", "app-hello=7"]), No),
    ("rkt/gc.go", "gc", 0, No, Is("gc: pod \"@EXITED\" not removed: still within grace period (30m0s)")),
    ("rkt/gc.go", "gc --grace-period=0s", 0, Is("Garbage collecting pod \"@EXITED\""), No),
    ("rkt/gc.go", "gc --expire-prepared=0s --mark-only", 0, No, No),
    ("rkt/run_prepared.go", "run-prepared --net=host @PREPARED", 0, Any, Any),
    ("rkt/stop.go", "stop --force @RUNNING", 0, Is("\"@RUNNING\""), No),
    ("rkt/status.go", "status --wait=20s @RUNNING", 0, Has(&["state=exited"]), No),
    ("rkt/rm.go", "rm @RUNNING @PREPARED", 0, Is("\"@RUNNING\"\n\"@PREPARED\""), No),
    ("rkt/prepare.go", "prepare --quiet --pod-manifest=@DIR/pod.json", 0, Any, No),
    ("rkt/rkt.go", "--cpuprofile=@DIR/cpu --memprofile @DIR/mem list --no-legend", 0, Has(&["given", "prepared"]), No),
    ("rkt/rm.go", "gc --expire-prepared=0s", 0, Has(&["Garbage collecting pod \""]), Has(&["gc: moving expired prepared pod \""])),
    ("rkt/list.go", "list --format=json", 0, Is("null"), No),
    ("rkt/list.go", "list --no-legend", 0, No, No),
];

#[rustfmt::skip]
const APPS: &[Row] = &[
    ("stage1/reaper", "run --net=host @ID -- 'exit 3'", 3, No, Any),
    ("stage1/reaper", "run --net=host @ID -- 'exit 0'", 0, No, Any),
    // A signal's own number, not 128 more.
    ("stage1/reaper", "run --net=host @ID -- 'kill -9 $$'", 9, No, Any),
    ("stage1/reaper", "run --net=host @ID --exec=/no/such", 203, No, Has(&["/no/such"])),
    ("rkt/cli_apps.go", "run --net=host @ID --exec /bin/busybox -- echo -- a '' b", 0, Is("-- a b"), Any),
    ("rkt/cli_apps.go", "run --net=host @ID --name=a -- 'exit 0' --- @ID --name=b -- 'exit 5'", 5, No, Any),
    ("rkt/run.go", "run --net=host --hostname=one --hostname=two @ID -- '/bin/busybox hostname'", 0, Is("two"), Any),
    ("D:subcommands/run.md", "run --net=host --set-env-file=@DIR/env --set-env=B=set @ID --environment=C=app -- 'echo $A $B $C'", 0, Is("file set app"), Any),
    ("D:subcommands/run.md", "run --net=host --inherit-env @ID -- 'echo $SOURCE_DATE_EPOCH'", 0, Is("1700000000"), Any),
    ("D:subcommands/run.md", "run --net=host @ID -- 'echo $SOURCE_DATE_EPOCH'", 0, Is(""), Any),
    ("D:subcommands/run.md", "run --net=host @ID --user=12 --group=34 --supplementary-gids=56,78 -- '/bin/busybox id'", 0, Is("uid=12 gid=34 groups=34,56,78"), Any),
    ("stage1/init/common/path.go", "run --net=host @ID --user=/bin/busybox --group=/bin/busybox -- '/bin/busybox id -u'", 0, Is("0"), Any),
    ("stage1/init/common/users.go", "run --net=host @ID --user=nobody-here -- 'exit 0'", 254, No, Has(&["nobody-here"])),
    ("D:subcommands/run.md", "run --net=host @ID --working-dir=/bin -- '/bin/busybox pwd'", 0, Is("/bin"), Any),
    ("appc ace.md", "run --net=host @ID --working-dir=/absent -- '/bin/busybox pwd'", 254, No, Has(&["/absent"])),
    ("D:subcommands/run.md", "run --net=host @ID --readonly-rootfs=true -- 'echo x >/x; echo $?'", 0, Is("1"), Any),
    ("D:networking/dns.md", "run --net=host --dns=8.8.8.8,1.1.1.1 --dns-search=a --dns-search=b --dns-opt=rotate --dns-domain=d @ID -- '/bin/busybox cat /etc/resolv.conf'", 0, Is("# Generated by rkt run\n\nsearch a b\nnameserver 8.8.8.8\nnameserver 1.1.1.1\noptions rotate\ndomain d"), Any),
    ("D:networking/dns.md", "run --net=host --hosts-entry=1.2.3.4=x,5.6.7.8=y --hosts-entry=1.2.3.4=z @ID -- '/bin/busybox cat /etc/hosts'", 0, Has(&["127.0.0.1 localhost", "1.2.3.4 x z\n5.6.7.8 y\n"]), Any),
    ("D:subcommands/run.md", "run --net=host --volume=data,kind=empty,mode=0712,uid=3,gid=4 @ID -- '/bin/busybox stat -c %a:%u:%g /data'", 0, Is("712:3:4"), Any),
    ("D:subcommands/run.md", "run --net=host --volume=v,kind=host,source=@DIR/env,readOnly=true @ID --mount=volume=v,target=/f -- '/bin/busybox head -n1 /f; echo >/f'", 1, Is("# comment"), Has(&["Read-only"])),
    ("stage1/init/common/mount.go", "run --net=host @ID -- 'exit 0'", 0, No, Has(&["run: warning: no volume specified for mount point \"data\""])),
    ("stage0/run.go", "run --net=host --pod-manifest=@DIR/pod.json", 3, Is("uid=5 gid=6 groups=6"), Any),
    ("rkt/prepare.go", "prepare --pod-manifest=@DIR/pod.json", 0, Any, Any),
    ("rkt/run.go", "run --net=host --no-store @DIR/hello-1.0.0.aci --insecure-options=image -- 'exit 6'", 6, No, Has(&["Flag --no-store has been deprecated, please use --pull-policy=update"])),
    ("rkt/run.go", "run --net=host @ID --cap-retain=CAP_KILL -- '/bin/busybox grep CapBnd /proc/self/status'", 0, Is("CapBnd:\t0000000000000020"), Has(&["Flag --cap-retain has been deprecated, use --caps-retain instead"])),
    ("rkt/run.go", "run --net=host --ipc=parent @ID -- 'exit 0'", 0, No, Any),
    ("rkt/rkt.go", "--net=host run @ID -- 'exit 8'", 8, No, Any),
    ("rkt/cli_apps.go", "run @ID --net=host -- 'exit 8'", 8, No, Any),
    ("common/common.go", "run --net=host --no-overlay @ID -- 'echo x >/x; /bin/busybox cat /x'", 0, Is("x"), Any),
];

#[test]
fn usage_is_answered_as_by_rkt() {
    let Some(cast) = Cast::new() else { return };
    cast.check(USAGE);
    // Nothing of all that became a pod.
    assert_eq!(cast.world.pods().len(), 3, "{:?}", cast.world.pods());
}

#[test]
fn pods_are_looked_at_and_stopped_as_by_rkt() {
    let Some(cast) = Cast::new() else { return };
    cast.check(PODS);
}

#[test]
fn apps_run_as_asked() {
    let Some(cast) = Cast::new() else { return };
    cast.check(APPS);
}

/// Starts a pod, waits until it is ready, sends the signal to `rkt run`, and gives the exit status.
fn signalled(world: &World, id: &str, script: &str, signal: &str) -> Option<i32> {
    let _ = std::fs::remove_file(world.env.path("signalled"));
    let mut pod = world
        .rkt_command()
        .args(["run", "--net=host", "--volume=data,kind=empty,mode=0777"])
        .arg(format!(
            "--uuid-file-save={}",
            world.env.path("signalled").display()
        ))
        .args([id, "--", script])
        .stdout(Stdio::null())
        .spawn()
        .expect("rkt run");
    let uuid = wait_for_uuid(world, "signalled");
    let waiting = world
        .env
        .path(format!("rkt/pods/run/{uuid}/sharedVolumes/data/waiting"));
    let deadline = Instant::now() + Duration::from_secs(30);
    while !waiting.exists() {
        assert!(Instant::now() < deadline, "the app does not start");
        std::thread::sleep(Duration::from_millis(10));
    }
    let kill = std::process::Command::new("kill")
        .args([format!("-{signal}"), pod.id().to_string()])
        .status();
    assert!(kill.expect("kill").success());
    let status = pod.wait().expect("rkt run ends");
    world.rkt(["status", "--wait=20s", &uuid]).expect(0);
    status.code()
}

#[test]
fn signals_reach_the_apps_and_their_answer_comes_back() {
    if !can_run_pods() {
        return;
    }
    let Some(world) = World::new() else { return };
    let mount: &[&[&str]] = &[&["mount", "add", "data", "/data"]];
    let image = world.build_with("hello", "1.0.0", &["/bin/busybox", "sh", "-c"], mount);
    let id = world.import(&image);
    let wait = "echo >/data/waiting; while true; do /bin/busybox sleep 0.05; done";
    let trap = |signal: &str, then: &str| format!("trap '{then}' {signal}; {wait}");
    // Whoever ends when asked has done as asked; an answer of its own is the pod's.
    for signal in ["TERM", "INT", "HUP", "QUIT"] {
        assert_eq!(signalled(&world, &id, wait, signal), Some(0), "{signal}");
        assert_eq!(
            signalled(&world, &id, &trap("TERM", "exit 4"), signal),
            Some(4),
            "{signal}"
        );
    }
    // Signals that mean nothing to the pod are the app's own.
    for signal in ["USR1", "USR2"] {
        assert_eq!(
            signalled(&world, &id, &trap(signal, "exit 6"), signal),
            Some(6),
            "{signal}"
        );
    }
    assert_eq!(
        signalled(&world, &id, wait, "USR1"),
        Some(10),
        "the signal's own number"
    );
    // Killed itself, the pod goes with it, and is found to have exited.
    assert_eq!(signalled(&world, &id, wait, "KILL"), None);
    world.gc();
    assert_eq!(world.pods(), Vec::<String>::new());
    assert_eq!(world.processes(), Vec::<String>::new());
}
