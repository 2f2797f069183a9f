//! `actrust verify`, `verify-image` and `explain`: what keys mean for files and images, without a network.

mod support;

use support::key_lab::{KeyLab, field};
use support::{RKT, with_asc};

#[test]
fn every_verb_works_where_no_socket_can_be_made() {
    let Some(lab) = KeyLab::new() else { return };
    let key = lab.key("builder", "ed25519", "never", &[]);
    let file = lab.image("app");
    lab.sign(&key, &file);
    // The thread and all that it starts get EPERM from socket(2).
    std::thread::scope(|scope| {
        let denied = scope.spawn(|| {
            gantry_sys::socket_filter::deny_sockets().unwrap();
            std::net::UdpSocket::bind("127.0.0.1:0").expect_err("the filter works");
            for (line, status) in [
                (
                    "add --prefix=example.test --skip-fingerprint-review builder.asc",
                    0,
                ),
                ("list", 0),
                (&format!("show {key}"), 0),
                ("verify example.test-app.aci", 1),
                ("verify app.aci", 0),
                ("explain app.aci", 0),
                ("explain example.test/app", 0),
                ("export --output=keyring", 0),
                (&format!("disable {key}"), 0),
                ("verify app.aci", 3),
                (&format!("enable {key}"), 0),
                ("check", 0),
            ] {
                lab.actrust(line).expect(status);
            }
            let id = lab.run(RKT, "fetch ./app.aci").expect(0);
            lab.actrust(&format!("verify-image {}", id.line()))
                .expect(0);
            lab.actrust(&format!("remove {key}")).expect(0);
            lab.actrust("import --yes keyring").expect(0);
            lab.actrust("verify app.aci").expect(0);
            // The tool that does use the network notices.
            let url = "fetch https://127.0.0.1/app.aci";
            lab.run(RKT, url).expect(254).says("not permitted");
        });
        denied.join().unwrap();
    });
}

#[test]
fn a_file_is_judged_as_a_fetch_would_and_the_reason_is_told() {
    let Some(lab) = KeyLab::new() else { return };
    let key = lab.key("builder", "ed25519", "never", &[]);
    let other = lab.key("other", "ed25519", "never", &[]);
    let file = lab.image("app");
    lab.sign(&key, &file);
    let verdict = |line: &str, status| {
        let report = lab.json(line, status);
        let word = report["verdict"].as_str().unwrap().to_owned();
        (word, report)
    };
    let add = "add --skip-fingerprint-review";
    assert_eq!(verdict("verify app.aci", 3).0, "unknown");
    lab.actrust(&format!(
        "{add} --prefix=example.test/application builder.asc"
    ))
    .expect(0);
    let (word, report) = verdict("verify app.aci", 3);
    assert_eq!(word, "out-of-scope");
    assert_eq!(report["name"], "example.test/app");
    let text = lab.actrust("verify app.aci").expect(3);
    assert!(
        text.stdout.contains("is not trusted for example.test/app"),
        "{text}"
    );
    text.says("rkt trust --prefix");

    lab.actrust(&format!("{add} --prefix=example.test builder.asc"))
        .expect(0);
    let (word, report) = verdict("verify app.aci", 0);
    assert_eq!(
        (word.as_str(), &report["signers"][0]["prefix"]),
        ("good", &"example.test".into())
    );
    assert_eq!(report["signers"][0]["fingerprint"], key.as_str());
    assert_eq!(
        verdict("verify --name=example.test/app app.aci", 0).0,
        "good"
    );
    assert_eq!(
        verdict("verify --name=example.test/other app.aci", 3).0,
        "other-name"
    );
    assert_eq!(
        verdict("verify --name=example.org/app app.aci", 3).0,
        "unknown"
    );

    // Something that is no image has no name.
    let plain = lab.env.write("data.bin", "some data");
    lab.sign(&key, &plain);
    assert_eq!(verdict("verify data.bin", 3).0, "no-name");
    assert_eq!(
        verdict("verify --name=example.test/x data.bin", 0).0,
        "good"
    );
    lab.actrust(&format!("{add} --root builder.asc")).expect(0);
    assert_eq!(verdict("verify data.bin", 0).0, "good");

    // Changed bytes, and a signature of another file given by hand.
    let mut bytes = std::fs::read(&file).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    let changed = lab.env.write("changed.aci", bytes);
    std::fs::copy(with_asc(&file), with_asc(&changed)).unwrap();
    let (word, report) = verdict("verify changed.aci", 3);
    assert_eq!(word, "bad");
    assert_eq!(report["reasons"][0]["fingerprint"], key.as_str());
    assert_eq!(
        verdict("verify --signature=app.aci.asc data.bin", 3).0,
        "bad"
    );

    // Why: the directories in their order, and what waives all this.
    lab.vendor("root.d", &other);
    lab.actrust(&format!("disable {other}")).expect(0);
    let report = lab.json("explain example.test/app", 0);
    assert_eq!(report["accepted_keys"], serde_json::json!([key]));
    assert_eq!(report["masked"], serde_json::json!([other]));
    assert_eq!(report["waived_by"], "--insecure-options=image");
    let dirs = &report["directories"];
    let expected = ["system", "local", "system", "system", "local", "local"];
    assert_eq!(field(dirs, "directory"), expected);
    let text = lab.actrust("explain app.aci").expect(0).stdout;
    for part in [
        "app.aci: accepted: good signature by",
        "name: example.test/app",
        "keys for every name: lib/trustedkeys/root.d (system)",
        &format!("masked: {other} (other <other@example.test>): taken back by the empty file"),
        "waived by: --insecure-options=image",
    ] {
        assert!(text.contains(part), "no {part:?} in\n{text}");
    }
    let text = lab.actrust("explain changed.aci").expect(0).stdout;
    assert!(text.contains("changed.aci: refused: "), "{text}");
    let text = lab.actrust("explain example.org/none").expect(0).stdout;
    assert!(text.contains("accepted: images with a signature"), "{text}");
    lab.actrust(&format!("disable {key}")).expect(0);
    let text = lab.actrust("explain example.org/none").expect(0).stdout;
    assert!(text.contains("no key speaks for it"), "{text}");
}

#[test]
fn an_image_of_the_store_is_verified_with_the_keys_of_today() {
    use std::os::unix::fs::PermissionsExt;
    let Some(lab) = KeyLab::new() else { return };
    let key = lab.key("builder", "ed25519", "never", &[]);
    let file = lab.image("app");
    lab.sign(&key, &file);
    let add = "add --skip-fingerprint-review --prefix=example.test builder.asc";
    lab.actrust(add).expect(0);
    let id = lab
        .run(RKT, "fetch --full ./app.aci")
        .expect(0)
        .line()
        .to_owned();
    let verify = format!("verify-image {id}");
    // Signature and blob are in the store; the files are not needed any more.
    std::fs::remove_file(&file).unwrap();
    let report = lab.json(&verify, 0);
    assert_eq!(report["verdict"], "good");
    assert_eq!(report["name"], "example.test/app");
    assert_eq!(report["recorded"]["signed"][0]["fingerprint"], key.as_str());
    let by_name = lab.actrust("verify-image example.test/app").expect(0);
    assert!(
        by_name
            .stdout
            .contains("example.test/app: good signature by")
    );

    lab.actrust(&format!("disable {key}")).expect(0);
    assert_eq!(lab.json(&verify, 3)["verdict"], "unknown");
    lab.actrust(&format!("enable {key}")).expect(0);
    lab.gpg.revoke(&key);
    lab.env.write("builder.asc", lab.gpg.export(&key));
    lab.actrust(add).expect(0);
    let text = lab.actrust(&verify).expect(3).stdout;
    assert!(text.contains("key is revoked"), "{text}");

    // Bytes that rotted on the disk.
    let blobs = lab.env.path("rkt/store/blobs/sha512");
    let largest = std::fs::read_dir(&blobs).unwrap().flatten();
    let blob = largest
        .max_by_key(|entry| entry.metadata().unwrap().len())
        .unwrap()
        .path();
    let mut bytes = std::fs::read(&blob).unwrap();
    bytes[100] ^= 1;
    std::fs::set_permissions(&blob, std::fs::Permissions::from_mode(0o644)).unwrap();
    std::fs::write(&blob, bytes).unwrap();
    lab.actrust(&verify)
        .expect(3)
        .says("is damaged")
        .says("rkt image rm");

    let file = lab.image("waived");
    let waived = format!("--insecure-options=image fetch {}", file.display());
    let id = lab.run(RKT, &waived).expect(0).line().to_owned();
    let report = lab.json(&format!("verify-image {id}"), 3);
    assert_eq!(report["verdict"], "unsigned");
    assert_eq!(report["recorded"]["waived"], "--insecure-options=image");
}

#[test]
fn an_image_signed_by_an_old_key_is_refused_until_the_key_is_marked() {
    let Some(lab) = KeyLab::new() else { return };
    let key = lab.key("old", "dsa1024", "never", &[]);
    let file = lab.image("app");
    lab.sign(&key, &file);
    let add = "add --skip-fingerprint-review --prefix=example.test";
    lab.actrust(&format!("{add} old.asc"))
        .expect(0)
        .says("too weak");
    let refused = lab.run(RKT, "fetch ./app.aci").expect(254);
    refused.says("key is too weak").says("actrust add --legacy");
    lab.actrust(&format!("{add} --legacy old.asc")).expect(0);
    lab.run(RKT, "fetch ./app.aci").expect(0);
    let list = lab
        .run(RKT, "image list --fields=name,verdict")
        .expect(0)
        .stdout;
    assert!(
        list.contains(&format!("signed by {key} (legacy key)")),
        "{list}"
    );
    let text = lab.actrust("explain example.test/app").expect(0).stdout;
    assert!(
        text.contains(&format!("good (legacy key): {key}")),
        "{text}"
    );
    assert_eq!(lab.json("verify app.aci", 0)["signers"][0]["legacy"], true);

    lab.actrust(&format!("remove --legacy {key}")).expect(0);
    assert_eq!(lab.json("verify app.aci", 3)["verdict"], "bad");
}

#[test]
fn a_user_without_root_has_keys_of_their_own() {
    let Some(lab) = KeyLab::new() else { return };
    let key = lab.key("own", "ed25519", "never", &[]);
    let file = lab.image("app");
    lab.sign(&key, &file);
    let add =
        "--user-config=mine add --user --skip-fingerprint-review --prefix=example.test own.asc";
    let path = lab.actrust(add).expect(0);
    assert!(
        path.line()
            .starts_with("mine/trustedkeys/prefix.d/example.test/")
    );
    lab.actrust("verify app.aci").expect(3);
    lab.actrust("--user-config=mine verify app.aci").expect(0);
    let fetch = "--user-config=mine fetch ./app.aci";
    lab.run(RKT, "fetch ./app.aci").expect(254);
    lab.run(RKT, fetch).expect(0);
    let list = lab.json("--user-config=mine list", 0);
    assert_eq!(field(&list, "directory"), ["user"]);
}
