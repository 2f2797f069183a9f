//! Images are removed, and garbage is collected, while another command stands still at some system call: it goes on as
//! if nothing had happened, or says that the image is gone; and nothing is left half.

mod support;

use std::fs;
use std::path::Path;

use support::fault::{Call, Ending, record};
use support::golden::{
    Golden, all_is_whole, app_and_base, app_name, begin_with, content, goes_on_and_goes_away, keep,
    read, remove,
};
use support::stop::stopped_at;
use support::{HOST, World, soak};

/// What a command may say when its image was removed before it had a hold of it.
const GONE: [&str; 3] = [
    "no image named",
    "is not in the store",
    "no image IDs found",
];

/// Points of one command at which it stands still.
fn points() -> usize {
    if soak() { 60 } else { 7 }
}

/// Calls at equal distances, and the last ones, where what was made is about to be seen.
fn spread(calls: &[Call]) -> Vec<&Call> {
    let count = points().min(calls.len());
    let even = (0..count).map(|n| n * calls.len() / count);
    let last = calls.len().saturating_sub(points() / 2)..calls.len();
    let mut chosen: Vec<usize> = even.chain(last).collect();
    chosen.sort_unstable();
    chosen.dedup();
    chosen.into_iter().map(|n| &calls[n]).collect()
}

/// What happens while a command stands still.
struct Meanwhile<'a> {
    world: &'a World,
    golden: &'a Golden,
    from: &'a str,
    arguments: &'a [&'a str],
}

impl Meanwhile<'_> {
    /// Lets the command stand still here and there; `check` looks at what it made of it in the end.
    fn run(&self, may_say: &[&str], check: &dyn Fn(&Ending)) {
        let Self {
            world,
            golden,
            from,
            arguments,
        } = self;
        let mut command = world.rkt_command();
        command.args(*arguments);
        let out = world.env.path("out");
        let begin = || {
            remove(&out);
            fs::create_dir(&out).expect("a folder");
            begin_with(world, from);
        };
        begin();
        let (calls, stdout) = record(&world.env, &command);
        let (mut reached, mut refused) = (0, 0);
        for call in spread(&calls) {
            let context = Context(format!(
                "{arguments:?} from {from}, standing still after {}",
                call.shown
            ));
            begin();
            let Some(stopped) = stopped_at(&world.env, &command, call) else {
                continue;
            };
            reached += 1;
            world.rkt(["image", "gc", "--grace-period=0s"]).expect(0);
            world.rkt(["image", "gc", "--keep-storage=0"]).expect(0);
            for name in [app_name(), format!("{HOST}/base:1.0.0")] {
                let removed = world.rkt(["image", "rm", &name]);
                refused += usize::from(removed.stderr.contains("is in use by"));
                assert!(
                    removed.status == 0 || removed.stderr.contains("is in use by"),
                    "{removed}"
                );
            }
            world.rkt(["image", "list"]).expect(0);
            let ending = stopped.go_on();
            match ending.status {
                0 => assert_eq!(ending.stdout, stdout, "{}", ending.stderr),
                _ => assert!(
                    may_say
                        .iter()
                        .chain(&GONE)
                        .any(|text| ending.stderr.contains(text)),
                    "{}: {}",
                    ending.status,
                    ending.stderr
                ),
            }
            check(&ending);
            remove(&out);
            // One of the two may be gone, the other not.
            world.rkt(["image", "gc", "--grace-period=0s"]).expect(0);
            goes_on_and_goes_away(world, golden);
            drop(context);
        }
        // An unchanged image is not held while the server is asked for it.
        let holds = !(arguments[0] == "fetch" && *from == "both");
        assert!(
            reached > 0 && (refused > 0 || !holds),
            "{arguments:?}: {reached} points, {refused} refusals"
        );
        if soak() {
            context(&format!(
                "{arguments:?} from {from}: {reached} points, {refused} removals refused"
            ));
        }
    }
}

#[expect(clippy::print_stderr, reason = "shown with a failure, and by the soak")]
fn context(text: &str) {
    eprintln!("{text}");
}

/// Says where we are if the test fails there.
struct Context(String);

impl Drop for Context {
    fn drop(&mut self) {
        if std::thread::panicking() {
            context(&self.0);
        }
    }
}

#[test]
fn a_fetch_and_an_import_go_on() {
    let Some((world, golden)) = app_and_base() else {
        return;
    };
    let name = app_name();
    let file = world.env.path("app-1.0.0.aci");
    let file = file.to_str().expect("UTF-8");
    let fetch: &[&str] = &["fetch", "--quiet", &name];
    let from_file: &[&str] = &["fetch", "--quiet", file];
    for (from, arguments) in [
        ("empty", fetch),
        ("part", fetch),
        ("both", fetch),
        ("empty", from_file),
    ] {
        let meanwhile = Meanwhile {
            world: &world,
            golden: &golden,
            from,
            arguments,
        };
        meanwhile.run(&[], &|ending| {
            assert_eq!(ending.status, 0, "{}", ending.stderr);
            all_is_whole(&world, &golden);
        });
    }
    begin_with(&world, "empty");
    world
        .rkt(["fetch", &format!("{HOST}/base:1.0.0")])
        .expect(0);
    keep(&world, "base");
    let import = ["image", "import", file];
    let meanwhile = Meanwhile {
        world: &world,
        golden: &golden,
        from: "base",
        arguments: &import,
    };
    // The image beneath may be removed before it is needed, and the network is not asked.
    let dependency = "cannot fetch dependency example.test/base";
    meanwhile.run(&[dependency], &|_| all_is_whole(&world, &golden));
}

#[test]
fn what_reads_an_image_goes_on() {
    let Some((world, golden)) = app_and_base() else {
        return;
    };
    let name = app_name();
    let out = world.env.path("out");
    let (dir, file) = (out.join("dir"), out.join("file"));
    let [to, to_file] = [&dir, &file].map(|path| path.to_str().expect("UTF-8"));
    begin_with(&world, "both");
    let plain = world.env.path("plain");
    world
        .rkt(["image", "export", &name, plain.to_str().expect("UTF-8")])
        .expect(0);
    let plain = fs::read(plain).expect("the image");
    let run = |arguments: &[&str], check: &dyn Fn()| {
        let meanwhile = Meanwhile {
            world: &world,
            golden: &golden,
            from: "both",
            arguments,
        };
        meanwhile.run(&[], &|ending| {
            all_is_whole(&world, &golden);
            let left: Vec<_> = fs::read_dir(&out).expect("a folder").collect();
            match ending.status {
                0 => check(),
                _ => assert!(left.is_empty(), "{left:?}"),
            }
        });
    };
    run(&["image", "export", &name, to_file], &|| {
        assert!(fs::read(&file).expect("the image") == plain);
    });
    run(&["image", "render", &name, to], &|| {
        read(&dir).expect(&golden.rendered, "the app as rendered");
    });
    run(&["image", "extract", &name, to], &|| {
        assert!(dir.join("rootfs/own").is_file())
    });
    run(&["image", "verify", &name], &|| {});
}

#[test]
fn a_repair_goes_on() {
    let Some((world, golden)) = app_and_base() else {
        return;
    };
    begin_with(&world, "both");
    let damage = |path: &Path| {
        let mut bytes = fs::read(path).expect("a file");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(path, bytes).expect("a file");
    };
    for path in golden.content.keys() {
        let path = world.env.path("rkt/store").join(path);
        if path.is_file()
            && (path.ends_with("bin/busybox")
                || path.parent().is_some_and(|dir| dir.ends_with("sha512")))
        {
            damage(&path);
        }
    }
    keep(&world, "damaged");
    let name = app_name();
    let arguments = ["image", "verify", "--repair", &name];
    let meanwhile = Meanwhile {
        world: &world,
        golden: &golden,
        from: "damaged",
        arguments: &arguments,
    };
    // Trees and blobs that nobody refers to any more are not put back.
    let told = ["damaged or could not be verified"];
    meanwhile.run(&told, &|ending| {
        if ending.status == 0 {
            all_is_whole(&world, &golden);
        }
        let _ = content(&world);
    });
}
