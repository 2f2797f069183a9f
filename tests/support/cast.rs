//! A table of command lines, and the pods and the image that its rows speak of.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use super::{World, can_run_pods, without_origin};

/// What one of the streams holds.
pub enum Text {
    /// Whatever.
    Any,
    /// Nothing.
    No,
    /// This, but for the last line break.
    Is(&'static str),
    /// All of these somewhere.
    Has(&'static [&'static str]),
}
impl Text {
    fn fits(&self, text: &str, place: &dyn Fn(&str) -> String) -> bool {
        match self {
            Self::Any => true,
            Self::No => text.is_empty(),
            Self::Is(expected) => text.trim_end_matches('\n') == place(expected),
            Self::Has(parts) => parts.iter().all(|part| text.contains(&place(part))),
        }
    }
}

/// What it rests on, the command line, the exit status, standard output, standard error.
pub type Row = (&'static str, &'static str, i32, Text, Text);

/// The pods and the image that rows speak of.
pub struct Cast {
    pub world: World,
    id: String,
    running: String,
    exited: String,
    prepared: String,
    sleeper: Child,
}

impl Cast {
    /// The image `hello`, a shell with a port and a mount point, and one pod in each of three states. `None`
    /// where no pods can be made.
    pub fn new() -> Option<Self> {
        if !can_run_pods() {
            return None;
        }
        let world = World::new()?;
        let more: &[&[&str]] = &[
            &["port", "add", "www", "tcp", "80"],
            &["mount", "add", "data", "/data"],
        ];
        let image = world.build_with("hello", "1.0.0", &["/bin/busybox", "sh", "-c"], more);
        let id = world.import(&image);
        world
            .env
            .write("env", "# comment\n; comment\n\nA=file\nB=file\nC=file\n");
        world.env.write("env-twice", "A=1\nA=2\n");
        world.env.write("env-bad", "A\n");
        world
            .env
            .write("gone", "00000000-0000-4000-8000-000000000000");
        let manifest = |apps: &str| {
            format!(r#"{{"acKind":"PodManifest","acVersion":"0.8.11","apps":[{apps}]}}"#)
        };
        let app = |name: &str, script: &str| {
            format!(
                r#"{{"name":"{name}","image":{{"id":"{id}"}},"app":{{"exec":["/bin/busybox","sh","-c","{script}"],"user":"5","group":"6"}}}}"#
            )
        };
        world
            .env
            .write("pod.json", manifest(&app("given", "id; exit 3")));
        world.env.write(
            "two.json",
            manifest(&format!("{},{}", app("a", "true"), app("b", "true"))),
        );
        world.env.write("none.json", manifest(""));
        world.env.write("no.json", "{");
        let exit = |script: &str| {
            world.rkt(["run", "--net=host", &id, "--", script]);
        };
        exit("exit 7");
        let exited = uuid_of(&world, "run");
        let prepared = world
            .rkt(["prepare", "--quiet", &id, "--", "exit 0"])
            .expect(0)
            .line()
            .to_owned();
        let sleeper = world
            .rkt_command()
            .args(["run", "--net=none"])
            .arg(format!(
                "--uuid-file-save={}",
                world.env.path("running").display()
            ))
            .args([&id, "--name=sleeper", "--", "exec /bin/busybox sleep 600"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("rkt run");
        let running = wait_for_uuid(&world, "running");
        world
            .rkt(["status", "--wait-ready=20s", &running])
            .expect(0);
        Some(Self {
            world,
            id,
            running,
            exited,
            prepared,
            sleeper,
        })
    }

    fn place(&self, text: &str) -> String {
        text.replace("@ID", &self.id)
            .replace("@RUNNING", &self.running)
            .replace("@EXITED", &self.exited)
            .replace("@PREPARED", &self.prepared)
            .replace("@DIR", &self.world.env.root().display().to_string())
    }

    /// Runs each row and tells of all that are not as they should be.
    pub fn check(&self, rows: &[Row]) {
        let mut wrong = Vec::new();
        for (source, line, status, out, err) in rows {
            let words: Vec<String> = words(line).iter().map(|word| self.place(word)).collect();
            let outcome = self.world.rkt(&words);
            // Outcomes show the directory of the test like that.
            let place = |text: &str| self.place(&text.replace("@DIR", "$TEST"));
            if outcome.status != *status
                || !out.fits(&without_origin(&outcome.stdout), &place)
                || !err.fits(&outcome.stderr, &place)
            {
                wrong.push(format!(
                    "{source}: rkt {line}\nexpected {status}\n{outcome}"
                ));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    }
}

impl Drop for Cast {
    fn drop(&mut self) {
        let _ = self.sleeper.kill();
        let _ = self.sleeper.wait();
    }
}

/// Splits at blanks; what stands between single quotes is one word.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (number, part) in line.split('\'').enumerate() {
        match number % 2 {
            0 => words.extend(part.split_whitespace().map(str::to_owned)),
            _ => words.push(part.to_owned()),
        }
    }
    words
}

fn uuid_of(world: &World, phase: &str) -> String {
    let pods = world.pods();
    let found = pods.iter().find(|path| path.starts_with(phase));
    let path = found.unwrap_or_else(|| panic!("no pod in {phase}: {pods:?}"));
    path.trim_end_matches('/')
        .rsplit('/')
        .next()
        .expect("a UUID")
        .to_owned()
}

/// Waits for the pod whose UUID is written to the file.
pub fn wait_for_uuid(world: &World, file: &str) -> String {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        if let Ok(uuid) = std::fs::read_to_string(world.env.path(file))
            && world.rkt(["status", &uuid]).status == 0
        {
            return uuid;
        }
        assert!(Instant::now() < deadline, "the pod does not start");
        std::thread::sleep(Duration::from_millis(20));
    }
}
