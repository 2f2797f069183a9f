//! The corpus of hostile archives against the tools: each ends in time, with the right status and in
//! words, and leaves what lies around it alone.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use gantry_testkit::TestEnv;
use gantry_testkit::hostile::{Verdict, corpus};
use gantry_testkit::tree::Tree;

const ACTOOL: &str = env!("CARGO_BIN_EXE_actool");
const RKT: &str = env!("CARGO_BIN_EXE_rkt");

/// Far more than any of these archives can need: only what hangs takes so long.
const GUARD: Duration = Duration::from_secs(60);

fn wait(mut child: Child) -> Option<Output> {
    let start = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if start.elapsed() > GUARD {
            child.kill().unwrap();
            child.wait().unwrap();
            return None;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    Some(child.wait_with_output().unwrap())
}

/// What is wrong with how a tool ended, if anything.
fn check(command: &mut Command, statuses: &[i32], words: &[&str]) -> Result<(), String> {
    let child = command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let output = wait(child).ok_or("does not end")?;
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    let status = output.status.code();
    if stderr.contains("panicked") || !status.is_some_and(|status| statuses.contains(&status)) {
        return Err(format!("ends with {:?}: {stderr}", output.status));
    }
    match words.iter().find(|word| !stderr.contains(**word)) {
        Some(word) => Err(format!("does not say {word:?}: {stderr}")),
        None => Ok(()),
    }
}

#[test]
fn tools_refuse_hostile_images_in_words_and_in_time() {
    let env = TestEnv::new();
    let outside = env.path("outside");
    env.write("outside/victim", "untouched");
    env.write("outside/etc/passwd", "untouched");
    env.write("victim", "untouched");
    let before = Tree::exact(&outside, &[]);
    let root = rustix::process::geteuid().is_root();
    let mut wrong = String::new();
    for case in corpus(&outside) {
        let image = env.write("case.aci", &case.archive);
        let (fetched, words) = match &case.verdict {
            Verdict::Extracted if root || !case.makes_devices => (vec![0], vec![]),
            Verdict::Refused { entry, rule } if root || !case.makes_devices => {
                (vec![254], vec![entry.as_str(), rule])
            }
            _ => (vec![254], vec![]),
        };
        let mut rkt = env.command(RKT);
        rkt.arg(format!("--dir={}", env.path("rkt").display()))
            .args(["--insecure-options=image", "fetch"])
            .arg(&image);
        let mut actool = env.command(ACTOOL);
        actool.arg("validate").arg(&image);
        // Some rules hold for a tree that is being made only, so that validation may find nothing.
        let valid = match case.verdict {
            Verdict::Extracted => vec![0],
            Verdict::Refused { .. } => vec![0, 1],
        };
        for (tool, outcome) in [
            ("rkt fetch", check(&mut rkt, &fetched, &words)),
            ("actool validate", check(&mut actool, &valid, &[])),
        ] {
            if let Err(what) = outcome {
                wrong += &format!("{}: {tool} {what}\n", case.attack);
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    Tree::exact(&outside, &[]).expect(&before, "what lies outside");
    assert_eq!(std::fs::read(env.path("victim")).unwrap(), b"untouched");
    let staged = env.tree("rkt/store/ingest");
    assert!(staged.is_empty(), "left behind: {staged:?}");
    assert!(Path::new("/etc/passwd").exists());
}
