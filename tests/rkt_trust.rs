//! `rkt trust`, line by line: what it takes, says, prints and writes.

mod support;

use std::path::Path;

use gantry_testkit::gpg::KeySpec;
use support::{HOST, RKT, World};

const SKIP: &str = "--skip-fingerprint-review";

/// One command line, and what has to come of it.
struct Line {
    arguments: String,
    status: i32,
    stdout: &'static str,
    stderr: &'static str,
    /// Keys in the keystore afterwards.
    keys: usize,
}

fn line(
    arguments: impl Into<String>,
    status: i32,
    stdout: &'static str,
    stderr: &'static str,
    keys: usize,
) -> Line {
    Line {
        arguments: arguments.into(),
        status,
        stdout,
        stderr,
        keys,
    }
}

fn keys(world: &World) -> usize {
    let tree = world.env.tree("etc");
    tree.iter().filter(|path| !path.ends_with('/')).count()
}

/// Key files of every kind, beside the test and on the server.
fn prepare(world: &World) {
    let gpg = &world.gpg;
    let other = gpg.generate(&KeySpec {
        user_id: "Other <other@example.test>",
        ..KeySpec::default()
    });
    let old = gpg.generate(&KeySpec {
        user_id: "Old <old@example.test>",
        expires: "1d",
        options: &["--faked-system-time=20200101T000000"],
        ..KeySpec::default()
    });
    gpg.add_subkey(&world.key, "ed25519", "sign", "never");
    let armored = gpg.export(&world.key);
    world.env.write("key.asc", &armored);
    world.env.write("other.asc", gpg.export(&other));
    world.env.write("old.asc", gpg.export(&old));
    let both = [armored.clone(), gpg.export(&other)].concat();
    world.env.write("two.asc", both);
    world
        .env
        .write("binary.gpg", gpg.export_binary(&[&world.key]));
    world.env.write("secret.asc", gpg.export_secret(&world.key));
    world.env.write("cut.asc", &armored[..armored.len() / 2]);
    let data = world.env.write("data", "x");
    world
        .env
        .write("sig.asc", gpg.detach_sign(&world.key, &data));
    world.server.put("/pubkeys.asc", armored);
    let binary = gpg.export_binary(&[&world.key]);
    world.server.put("/binary.gpg", binary);
}

fn lines() -> Vec<Line> {
    let implicit = "aborting due to implicit unbounded trust";
    let tty = "error adding keys: error reviewing key: unable to ask user to review fingerprint \
               due to lack of tty";
    let prefix = format!("trust --prefix={HOST}");
    let skip = format!("{prefix} {SKIP}");
    vec![
        // What the keys may sign has to be said, once and rightly.
        line("trust", 254, "Usage: rkt trust", "", 0),
        line("trust key.asc", 254, "", implicit, 0),
        line("trust --prefix= key.asc", 254, "", implicit, 0),
        line(
            "trust --skip-fingerprint-review key.asc",
            254,
            "",
            "rkt trust --root PUBKEY",
            0,
        ),
        line(
            "trust --root --prefix=a.b key.asc",
            254,
            "",
            "mutually exclusive",
            0,
        ),
        line(
            "trust --prefix=https://example.test key.asc",
            254,
            "",
            "omit https://",
            0,
        ),
        line(
            "trust --prefix=ftp://example.test",
            254,
            "",
            "omit ftp://",
            0,
        ),
        line(
            "trust --prefix=Example key.asc",
            254,
            "",
            "invalid prefix \"Example\"",
            0,
        ),
        line(
            "trust --prefix=example.test/* key.asc",
            254,
            "",
            "leave out the `/*`",
            0,
        ),
        line("trust --prefix", 254, "", "--prefix", 0),
        line("trust --bogus", 254, "", "--bogus", 0),
        line(
            "--insecure-options=image trust --root key.asc",
            254,
            "",
            "could not get the keystore",
            0,
        ),
        // Without a key it is looked for at the prefix, never for every name.
        line(
            "trust --root",
            254,
            "",
            "error determining key location: empty prefix",
            0,
        ),
        line(
            "trust --prefix=none.example.test/x",
            254,
            "",
            "error determining key location: prefix meta discovery error",
            0,
        ),
        line(&prefix, 254, "gpg key fingerprint is: ", tty, 0),
        line(format!("{prefix} {SKIP}=false"), 254, "", tty, 0),
        // Files that are no key, or more than one.
        line(
            format!("{skip} nowhere.asc"),
            254,
            "",
            "error adding keys: error accessing the key nowhere.asc",
            0,
        ),
        line(
            format!("{skip} binary.gpg"),
            254,
            "",
            "key is not ASCII-armored",
            0,
        ),
        line(
            format!("{skip} two.asc"),
            254,
            "",
            "it holds 2 keys, expected exactly one",
            0,
        ),
        line(
            format!("{skip} secret.asc"),
            254,
            "",
            "it holds a private key",
            0,
        ),
        line(format!("{skip} sig.asc"), 254, "", "found PGP SIGNATURE", 0),
        line(format!("{skip} cut.asc"), 254, "", "key is damaged", 0),
        line(format!("{skip} ."), 254, "", "error accessing the key .", 0),
        // Places that keys do not come from.
        line(
            format!("{skip} http://{HOST}/pubkeys.asc"),
            254,
            "",
            "--insecure-allow-http required for http URLs",
            0,
        ),
        line(
            format!("{skip} ftp://{HOST}/pubkeys.asc"),
            254,
            "",
            "only local files and http or https URLs supported",
            0,
        ),
        line(
            format!("{skip} file:///etc/passwd"),
            254,
            "",
            "only local files and http or https URLs supported",
            0,
        ),
        line(
            format!("{skip} https://{HOST}/none.asc"),
            254,
            "",
            "bad HTTP status code: 404",
            0,
        ),
        line(
            format!("{skip} https://{HOST}/binary.gpg"),
            254,
            "",
            "key is not ASCII-armored",
            0,
        ),
        // Keys that are taken.
        line(
            &skip,
            0,
            "Trusting \"https://example.test/pubkeys.asc\" for prefix \"example.test\" without fingerprint review.",
            "pubkey: prefix: \"example.test\"\nkey: \"https://example.test/pubkeys.asc\"",
            1,
        ),
        line(
            format!("{prefix}/hello --trust-keys-from-https"),
            0,
            "without fingerprint review.\nAdded key for prefix \"example.test/hello\" at \"",
            "",
            2,
        ),
        line(
            format!("{skip} https://{HOST}/pubkeys.asc"),
            0,
            "Added key for prefix \"example.test\" at \"",
            "",
            2,
        ),
        line(
            format!("{skip} --insecure-allow-http http://{HOST}/pubkeys.asc"),
            0,
            "Added key",
            "",
            2,
        ),
        line(
            format!(
                "{prefix} --trust-keys-from-https --insecure-allow-http http://{HOST}/pubkeys.asc"
            ),
            254,
            "",
            tty,
            2,
        ),
        line(
            format!("{skip} key.asc"),
            0,
            "    Subkey fingerprint: ",
            "",
            2,
        ),
        line(
            format!("{skip}=true ./other.asc"),
            0,
            "\tOther <other@example.test>\n",
            "",
            3,
        ),
        line(
            format!("trust --root {SKIP} key.asc other.asc"),
            0,
            "Added root key at \"",
            "pubkey: prefix: \"\"",
            5,
        ),
        line(format!("tru --roo {SKIP} key.asc"), 254, "", "--roo", 5),
        line(
            format!("tru --root {SKIP} key.asc"),
            0,
            "Trusting \"key.asc\" for prefix \"\"",
            "",
            5,
        ),
        line(
            format!("trust --root {SKIP} old.asc"),
            0,
            "Added root key",
            "key expired on 2020-01-02",
            6,
        ),
        // Those before the first that cannot be had stay added.
        line(
            format!("trust --prefix=a.b {SKIP} key.asc two.asc other.asc"),
            254,
            "Added key for prefix \"a.b\"",
            "error reading the key two.asc",
            7,
        ),
    ]
}

#[test]
fn every_line_says_what_the_original_says() {
    let Some(world) = World::new() else { return };
    prepare(&world);
    let lines = lines();
    assert!(lines.len() >= 25);
    for expected in lines {
        let words = expected.arguments.split(' ');
        let outcome = world.rkt(words).expect(expected.status);
        let shown = &expected.arguments;
        assert!(
            outcome.stdout.contains(expected.stdout),
            "{shown}\n{outcome}"
        );
        assert!(
            outcome.stderr.contains(expected.stderr),
            "{shown}\n{outcome}"
        );
        assert_eq!(keys(&world), expected.keys, "{shown}\n{outcome}");
    }
}

/// The keystore as rkt's own documentation describes it.
#[test]
fn a_key_lies_where_and_as_the_original_puts_it() {
    use std::os::unix::fs::PermissionsExt;
    let Some(world) = World::new() else { return };
    world.trust();
    let dir = format!("etc/trustedkeys/prefix.d/{HOST}");
    let file = world.env.path(format!("{dir}/{}", world.key));
    assert_eq!(std::fs::read(&file).unwrap(), world.gpg.export(&world.key));
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o644, 0o755));
}

#[test]
fn the_question_is_asked_on_a_terminal_and_takes_yes_or_no() {
    let Some(world) = World::new() else { return };
    prepare(&world);
    let dirs = "--dir=rkt --local-config=etc --system-config=lib";
    let typed = |answers: &str, line: &str| {
        let line = format!("{RKT} {dirs} trust --prefix={HOST} {line}");
        let script = format!(
            "{{ sleep 0.3; printf '{answers}'; sleep 0.3; }} | script -qec '{line}' /dev/null"
        );
        world.env.run("bash", ["-c", &script])
    };
    let question = "Are you sure you want to trust this key (yes/no)?";
    let outcome = typed("no\\n", "key.asc").expect(0);
    assert!(outcome.stdout.contains(question), "{outcome}");
    assert!(
        outcome.stdout.contains("pubkey: not trusting \"key.asc\""),
        "{outcome}"
    );
    assert_eq!(keys(&world), 0);
    let outcome = typed("y\\nyes\\n", "key.asc").expect(0);
    assert!(
        outcome.stdout.contains("Please enter 'yes' or 'no'"),
        "{outcome}"
    );
    assert!(
        outcome.stdout.contains("after fingerprint review."),
        "{outcome}"
    );
    assert_eq!(outcome.stdout.matches(question).count(), 2);
    assert_eq!(keys(&world), 1);
    // Each of several keys is asked about.
    typed("no\\nyes\\n", "key.asc other.asc").expect(0);
    assert_eq!(keys(&world), 2);
}
