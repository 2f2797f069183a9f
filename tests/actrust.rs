//! `actrust`: what it says of keys, and how it changes and carries them.

mod support;

use support::ACTRUST;
use support::key_lab::{KeyLab, THEN, field};

#[test]
fn command_lines_end_with_the_status_that_says_whose_fault_it_is() {
    let Some(lab) = KeyLab::new() else { return };
    let key = lab.key("builder", "ed25519", "never", &[]);
    lab.key("release", "ed25519", "never", &[]);
    lab.env.write("plain.txt", "no key");
    lab.env.write("empty", "");
    lab.env.write("unsigned.aci", "no image");
    lab.env.write("page.aci", "x");
    lab.env.write("page.aci.asc", "<html>");
    let add = "add --root --skip-fingerprint-review";
    for (line, status, said) in [
        ("", 2, "Usage"),
        ("bogus", 2, "bogus"),
        ("list --format=xml", 2, "xml"),
        ("list extra", 2, "extra"),
        ("add builder.asc", 2, "implicit unbounded trust"),
        ("add --root", 2, "FILE"),
        (
            "add --root --prefix=a.b builder.asc",
            2,
            "mutually exclusive",
        ),
        ("add --prefix=https://a.b builder.asc", 2, "omit https://"),
        ("add --prefix=A builder.asc", 2, "invalid prefix"),
        ("add --prefix=a/../b builder.asc", 2, "\"..\""),
        ("add --root https://a.b/key", 2, "no network"),
        ("add --root builder.asc", 1, "lack of tty"),
        (&format!("{add} nowhere.asc"), 1, "nowhere.asc"),
        (
            &format!("{add} plain.txt"),
            2,
            "no ASCII-armored public key",
        ),
        (&format!("{add} --user builder.asc"), 2, "--user-config"),
        (
            &format!("{add} builder.asc"),
            0,
            "without fingerprint review",
        ),
        ("show 12", 2, "at least 8 hex digits"),
        ("show 0123456789", 2, "no key of the keystore"),
        (&format!("show 0x{}", key.to_uppercase()), 0, ""),
        (&format!("show {}", &key[32..]), 0, ""),
        (&format!("disable --prefix=a/../b {key}"), 2, "element"),
        (&format!("enable {key}"), 2, "not disabled"),
        ("verify nowhere.aci", 1, "nowhere.aci"),
        ("verify unsigned.aci", 1, "unsigned.aci.asc"),
        ("verify page.aci", 3, "holds a web page"),
        ("verify --name=A page.aci", 2, "--name"),
        ("verify-image sha512-0123", 2, ""),
        ("verify-image example.test/none", 2, "no image named"),
        ("explain A", 2, "neither a file nor a name"),
        ("explain example.test/app:1.0", 0, ""),
        ("check --within=soon", 2, "30d"),
        ("check --within=0d", 0, ""),
        ("export --prefix=other.org", 2, "no such key"),
        ("export --output=plain.txt", 2, "plain.txt exists"),
        ("import nowhere", 1, "nowhere"),
        ("import plain.txt", 2, "not a keyring"),
        ("import empty", 2, "not a keyring"),
        (&format!("remove --prefix=a.b {key}"), 2, "not there for"),
        (&format!("remove {key}"), 0, ""),
    ] {
        let outcome = lab.actrust(line).expect(status);
        let text = format!("{}{}", outcome.stderr, outcome.stdout);
        assert!(text.contains(said), "{line}\n{outcome}");
        assert!(!outcome.stderr.contains("panicked"), "{line}\n{outcome}");
    }
}

#[test]
fn the_list_says_of_every_file_whether_it_counts() {
    let Some(lab) = KeyLab::new() else { return };
    let good = lab.key("good", "ed25519", "never", &[]);
    let expired = lab.key("expired", "ed25519", "1d", THEN);
    let revoked = lab.key("revoked", "ed25519", "never", &[]);
    lab.gpg.revoke(&revoked);
    let weak = lab.key("weak", "dsa1024", "never", &[]);
    let curve = lab.key("curve", "brainpoolP256r1", "never", &[]);
    let masked = lab.key("masked", "rsa2048", "never", &[]);
    for key in [&good, &expired, &revoked, &weak, &curve, &masked] {
        lab.vendor("prefix.d/example.test", key);
    }
    lab.env.write("etc/trustedkeys/root.d/notes.txt", "x");
    let disable = format!("disable {masked}");
    lab.actrust(&disable).expect(0);
    let list = lab.json("list", 0);
    let find = |key: &str, layer: &str| {
        let rows = list.as_array().unwrap().iter();
        let mut found = rows.filter(|row| row["fingerprint"] == key && row["directory"] == layer);
        found
            .next()
            .unwrap_or_else(|| panic!("{key} {layer}"))
            .clone()
    };
    for (key, layer, status, reason) in [
        (&good, "system", "good", ""),
        (&expired, "system", "expired", "key expired on 2020-01-02"),
        (&revoked, "system", "revoked", "key is revoked"),
        (&weak, "system", "weak", "key is too weak"),
        (&curve, "system", "unsupported", "brainpoolP256r1"),
        (&masked, "system", "masked", "taken back by the empty file"),
        (&masked, "local", "disabled", "empty file"),
    ] {
        let row = find(key, layer);
        assert_eq!(row["status"], status, "{row}");
        let found = row["reason"].as_str().unwrap_or_default();
        assert!(found.contains(reason), "{row}");
        assert_eq!(row["prefix"], "example.test");
        assert_eq!(row["scope"], "prefix");
    }
    assert_eq!(list[0]["status"], "unreadable");
    assert_eq!(list[0]["scope"], "root");
    let row = find(&expired, "system");
    assert_eq!(row["algorithm"], "ed25519");
    assert_eq!(row["created"], "2020-01-01T00:00:00Z");
    assert_eq!(row["expires"], "2020-01-02T00:00:00Z");
    assert_eq!(row["identities"][0], "expired <expired@example.test>");
    assert_eq!(row["version"], 4);
    assert_eq!(row["legacy"], false);

    let table = lab.actrust("list --full").expect(0).stdout;
    assert!(table.starts_with("KEY"), "{table}");
    assert_eq!(table.lines().count(), 9, "{table}");
    let line = table.lines().find(|line| line.contains(&weak)).unwrap();
    assert!(line.contains("weak") && line.contains("dsa1024"), "{line}");
    let short = lab.actrust("list --no-legend").expect(0).stdout;
    assert!(
        short.contains(&good[..16]) && !short.contains(&good),
        "{short}"
    );

    let shown = lab.actrust(&format!("show {masked}")).expect(0).stdout;
    assert!(
        shown.contains("masked for prefix \"example.test\""),
        "{shown}"
    );
    assert!(shown.contains("algorithm: rsa2048 (version 4)"), "{shown}");
}

#[test]
fn a_check_finds_what_needs_attention_and_fails_for_what_is_wrong_today() {
    use std::os::unix::fs::PermissionsExt;
    let Some(lab) = KeyLab::new() else { return };
    let findings = |line: &str, status| {
        let list = lab.json(line, status);
        let pairs = field(&list, "severity")
            .into_iter()
            .zip(field(&list, "kind"));
        pairs
            .map(|(severity, kind)| format!("{severity} {kind}"))
            .collect::<Vec<_>>()
    };
    let soon = lab.key("soon", "ed25519", "10d", &[]);
    let path = lab.vendor("root.d", &soon);
    assert_eq!(findings("check", 0), ["warning expires-soon"]);
    assert!(findings("check --within=5d", 0).is_empty());
    let narrow = lab.vendor("prefix.d/example.test", &soon);
    assert_eq!(findings("check --within=5d", 0), ["warning duplicate"]);
    std::fs::remove_file(narrow).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
    assert_eq!(findings("check --within=5d", 3), ["error writable"]);
    std::fs::remove_file(&path).unwrap();

    let add = "add --root --skip-fingerprint-review";
    lab.key("dsa", "dsa2048", "never", &[]);
    lab.actrust(&format!("{add} dsa.asc"))
        .expect(0)
        .says("too weak");
    assert_eq!(findings("check", 3), ["error weak"]);
    lab.actrust(&format!("{add} --legacy dsa.asc"))
        .expect(0)
        .says("old algorithms");
    assert_eq!(findings("check", 0), ["warning legacy"]);
    let list = lab.actrust("list").expect(0).stdout;
    assert!(list.contains("good (legacy key)"), "{list}");

    for (kind, name) in [("unreadable", &*"0".repeat(40)), ("misnamed", "key.asc")] {
        let path = lab.env.write(format!("etc/trustedkeys/root.d/{name}"), "x");
        let found = findings("check", 3);
        assert!(found.contains(&format!("error {kind}")), "{found:?}");
        std::fs::remove_file(path).unwrap();
    }
    lab.env
        .write(format!("etc/trustedkeys/root.d/{}", "1".repeat(40)), "");
    assert!(findings("check", 0).contains(&"warning idle".to_owned()));
    for (name, kind, options) in [("old", "expired", THEN), ("gone", "revoked", &[])] {
        let expires = if kind == "expired" { "1d" } else { "never" };
        let key = lab.key(name, "ed25519", expires, options);
        if kind == "revoked" {
            lab.gpg.revoke(&key);
        }
        let path = lab.vendor("root.d", &key);
        assert!(findings("check", 3).contains(&format!("error {kind}")));
        std::fs::remove_file(path).unwrap();
    }
}

#[test]
fn a_keyring_is_carried_over_and_widens_nothing_unasked() {
    let Some(lab) = KeyLab::new() else { return };
    let one = lab.key("one", "ed25519", "never", &[]);
    let two = lab.key("two", "ed25519", "never", &[]);
    let old = lab.key("old", "dsa1024", "never", &[]);
    let add = "add --skip-fingerprint-review";
    lab.actrust(&format!("{add} --prefix=example.test/one one.asc"))
        .expect(0);
    lab.actrust(&format!("{add} --root two.asc")).expect(0);
    lab.actrust(&format!("{add} --prefix=old.test --legacy old.asc"))
        .expect(0);
    lab.actrust("export --output=keyring")
        .expect(0)
        .says("keys: 3\nsha256: ");
    let again = lab.actrust("export").expect(0);
    let keyring = std::fs::read_to_string(lab.env.path("keyring")).unwrap();
    assert_eq!(again.stdout, keyring, "the same keys, the same bytes");

    // A host without any key, and without anybody to ask.
    std::fs::rename(lab.env.path("etc"), lab.env.path("elsewhere")).unwrap();
    let untouched = || assert!(lab.env.tree("etc").is_empty(), "{:?}", lab.env.tree("etc"));
    lab.actrust("import keyring").expect(1).says("lack of tty");
    untouched();
    let plan = lab.json("import --dry-run keyring", 0);
    assert_eq!(field(&plan, "change"), ["new"; 3]);
    assert!(
        plan.as_array()
            .unwrap()
            .iter()
            .all(|row| row["imported"] == false)
    );
    untouched();
    // All or nothing: everything would be trust in every name, and old algorithms.
    let refused = lab.actrust("import --yes keyring").expect(3);
    refused.says("may sign every image").says("--root");
    lab.actrust("import --yes --root keyring")
        .expect(3)
        .says("--legacy");
    untouched();
    lab.actrust(&format!("import --fingerprint={} keyring", &one[..16]))
        .expect(2)
        .says("not a whole fingerprint");
    lab.actrust(&format!("import --fingerprint={} keyring", "0".repeat(40)))
        .expect(2)
        .says("is not in the file");
    untouched();
    // One by one.
    let done = lab
        .actrust(&format!("import --fingerprint={one} keyring"))
        .expect(0);
    assert!(
        done.line()
            .ends_with(&format!("prefix.d/example.test/one/{one}"))
    );
    let list = lab.json("list", 0);
    assert_eq!(field(&list, "fingerprint"), [one.as_str()]);
    lab.actrust(&format!("import --fingerprint={two} keyring"))
        .expect(3);
    lab.actrust(&format!("import --fingerprint={two} --root keyring"))
        .expect(0);
    // A key that is disabled here stays so.
    lab.actrust(&format!("disable {one}")).expect(0);
    let plan = lab.json("import --yes --root --legacy keyring", 0);
    assert_eq!(field(&plan, "change"), ["nothing", "disabled", "new"]);
    let list = lab.json("list", 0);
    assert_eq!(field(&list, "status"), ["good", "disabled", "good"]);
    assert_eq!(list[2]["legacy"], true);
    assert_eq!(list[2]["fingerprint"], old.as_str());
    let plan = lab.json("import --yes keyring", 0);
    assert!(
        plan.as_array()
            .unwrap()
            .iter()
            .all(|row| row["widens"] == false),
        "{plan}"
    );

    // An older copy of a key does not undo its revocation.
    lab.actrust(&format!("enable {one}")).expect(0);
    lab.gpg.revoke(&one);
    let revoked = lab.env.write("revoked.asc", lab.gpg.export(&one));
    lab.actrust(&format!(
        "{add} --prefix=example.test/one {}",
        revoked.display()
    ))
    .expect(0);
    lab.actrust("import --yes keyring").expect(0);
    let row = &lab.json(&format!("show {one}"), 0)[0];
    assert_eq!(row["status"], "revoked");
}

#[test]
fn a_key_is_reviewed_on_a_terminal() {
    let Some(lab) = KeyLab::new() else { return };
    let key = lab.key("builder", "ed25519", "never", &[]);
    let typed = |line: &str, answers: &str| {
        let line = format!("{ACTRUST} --local-config=etc --system-config=lib {line}");
        let script = format!(
            "{{ sleep 0.3; printf '{answers}'; sleep 0.3; }} | script -qec '{line}' /dev/null"
        );
        lab.env.run("bash", ["-c", &script])
    };
    let add = "add --prefix=example.test builder.asc";
    let outcome = typed(add, "no\\n");
    assert_eq!(outcome.status, 3, "{outcome}");
    assert!(
        outcome
            .stdout
            .contains("Are you sure you want to trust this key (yes/no)?")
    );
    let outcome = typed(add, "well\\nyes\\n").expect(0);
    assert!(
        outcome.stdout.contains("Please enter 'yes' or 'no'"),
        "{outcome}"
    );
    assert!(
        outcome.stdout.contains("after fingerprint review"),
        "{outcome}"
    );

    lab.actrust("export --output=keyring").expect(0);
    lab.actrust(&format!("remove {key}")).expect(0);
    typed("import keyring", "no\\n").expect(0);
    assert_eq!(lab.json("list", 0), serde_json::json!([]));
    let outcome = typed("import keyring", "yes\\n").expect(0);
    assert!(
        outcome.stdout.contains("asks to be trusted for prefix"),
        "{outcome}"
    );
    assert_eq!(field(&lab.json("list", 0), "fingerprint"), [key.as_str()]);
}

#[test]
fn every_change_can_be_told_to_a_program() {
    let Some(lab) = KeyLab::new() else { return };
    let key = lab.key("builder", "ed25519", "never", &[]);
    let told = |line: &str| -> serde_json::Value {
        let outcome = lab.actrust(line).expect(0);
        serde_json::from_str(&outcome.stdout).unwrap_or_else(|_| panic!("{line}\n{outcome}"))
    };
    let change = |line: &str, what: &str| {
        let told = told(line);
        let [change] = told.as_array().unwrap().as_slice() else {
            panic!("{line}: {told}")
        };
        assert_eq!(change["change"], what, "{line}");
        assert_eq!(change["fingerprint"], key.as_str(), "{line}");
        assert_eq!(change["scope"], "prefix", "{line}");
        assert_eq!(change["prefix"], "example.test", "{line}");
        change["path"].as_str().map(ToOwned::to_owned)
    };
    let add = "add --skip-fingerprint-review --prefix=example.test --format=json builder.asc";
    let path = change(add, "added").unwrap();
    assert!(lab.env.path(&path).is_file());
    let written = told("export --output=ring --format=json-pretty");
    assert_eq!(written["keys"], 1);
    assert_eq!(written["path"], "ring");
    assert_eq!(written["sha256"].as_str().unwrap().len(), 64);
    lab.actrust("export --format=json")
        .expect(2)
        .says("--output");
    assert_eq!(
        change(&format!("disable --format=json {key}"), "disabled").unwrap(),
        path
    );
    // Disabled already.
    let nothing = told(&format!(
        "disable --format=json --prefix=example.test {key}"
    ));
    assert_eq!(nothing, serde_json::json!([]));
    change(&format!("enable --format=json {key}"), "enabled");
    lab.actrust(add).expect(0);
    change(&format!("remove --format=json {key}"), "removed");
    let imported = told("import --yes --format=json ring");
    assert_eq!(imported[0]["imported"], true);
    let legacy = "add --legacy --skip-fingerprint-review --prefix=example.test builder.asc";
    lab.actrust(legacy).expect(0);
    change(
        &format!("remove --legacy --format=json {key}"),
        "legacy mark removed",
    );
}
