//! A command disturbed again and again, each time at another random point.

use std::process::Command;

use super::fault::{Call, Dice, Ending, Fault, Point, disturbed, record};
use super::{World, soak};

/// Kills and errors per command.
fn counts() -> (usize, usize) {
    if soak() { (84, 42) } else { (8, 4) }
}

const ERRORS: [(&str, &str); 3] = [
    ("ENOSPC", "No space left on device"),
    ("EIO", "Input/output error"),
    ("EINTR", "nterrupted"),
];

/// Runs `command` again and again, each time from what `begin` makes, disturbed at another point, and
/// lets `check` look at what is left.
pub fn disturb(
    world: &World,
    name: &str,
    begin: &dyn Fn(),
    command: &Command,
    check: &dyn Fn(&Ending, &Point),
) {
    begin();
    let (calls, stdout) = record(&world.env, command);
    assert!(!calls.is_empty(), "{name} changes nothing");
    let mut dice = Dice::new();
    let seed = dice.seed;
    let (kills, errors) = counts();
    let mut reached = 0;
    for round in 0..kills + errors {
        let point = pick(&mut dice, &calls, round < kills);
        let context = Context(format!(
            "{name}, GANTRY_SEED={seed}, round {round}: {point}"
        ));
        begin();
        let ending = disturbed(&world.env, command, &point);
        reached += usize::from(ending.disturbed);
        judge(&ending, &point, &stdout);
        check(&ending, &point);
        drop(context);
    }
    // Threads make it a matter of chance, but not so often.
    assert!(
        reached * 2 > kills + errors,
        "{name}: only {reached} points were reached"
    );
    if soak() {
        context(&format!(
            "{name}: {kills} kills and {errors} errors at {} calls, {reached} reached",
            calls.len()
        ));
    }
}

fn pick(dice: &mut Dice, calls: &[Call], kill: bool) -> Point {
    let fault = match kill {
        true => Fault::Kill,
        false => Fault::Error(dice.one_of(&ERRORS).0),
    };
    let call = dice.call(calls);
    // A new process may fail to start, but not for these reasons.
    let fault = match call.name.as_str() {
        "clone" | "clone3" | "vfork" => Fault::Kill,
        _ => fault,
    };
    Point { call, fault }
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

/// A command that was refused something fails and says why, or does all the same what it should.
fn judge(ending: &Ending, point: &Point, stdout: &str) {
    let Fault::Error(error) = point.fault else {
        return;
    };
    if !ending.disturbed {
        return;
    }
    let text = ERRORS.iter().find(|(name, _)| *name == error);
    let text = text.expect("one of ours").1;
    if ending.status == 0 && !ending.stderr.contains(text) {
        let printed = [&ending.stdout, stdout].map(without_uuids);
        assert_eq!(printed[0], printed[1], "{}", ending.stderr);
    } else {
        // 254 is that of rkt, 1 that of acbuild and actool. Collectors tell, go on and succeed.
        assert!(
            [0, 1, 254].contains(&ending.status) && ending.stderr.contains(text),
            "status {}: {}",
            ending.status,
            ending.stderr
        );
    }
}

/// Pods have other UUIDs every time.
fn without_uuids(text: &str) -> String {
    let is_uuid = |word: &&str| word.len() == 36 && word.matches('-').count() == 4;
    let words = text.split(|c: char| c != '-' && !c.is_ascii_alphanumeric());
    words
        .filter(is_uuid)
        .fold(text.to_owned(), |text, uuid| text.replace(uuid, "UUID"))
}
