//! Verdicts beside those of `gpg --verify`, over keys and signatures that the real gpg made on the spot.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use gantry_testkit::gpg::{Gpg, KeySpec};

use crate::{PublicKey, Scope, TrustedKey, Unfit, Verdict, verify_detached};

const THEN: &[&str] = &["--faked-system-time=20200101T000000"];

/// What one row of the matrix checks.
struct Row {
    name: &'static str,
    /// Keys trusted by us and in the keyring of gpg.
    trusted: Vec<String>,
    signature: Vec<u8>,
    data: Vec<u8>,
    /// Exit status of gpg, and start of our finding. Where they disagree, `man/deviations.md` says why.
    expected: (i32, &'static str),
}

/// Our finding in a few words.
fn finding(row: &Row, keys: &[TrustedKey]) -> String {
    match verify_detached(row.data.as_slice(), &row.signature, keys, SystemTime::now()) {
        Ok(Verdict::Good { signers }) => {
            for signer in &signers {
                assert!(
                    row.trusted
                        .iter()
                        .any(|key| *key == signer.fingerprint.as_str())
                );
            }
            format!("good {}", signers.len())
        }
        Ok(Verdict::Unknown { issuers }) => format!("unknown {}", issuers.len()),
        Ok(Verdict::Bad { reasons }) => {
            let causes: Vec<String> = reasons
                .iter()
                .map(|reason| reason.cause.to_string())
                .collect();
            format!("bad {}", causes.join("; "))
        }
        Err(error) => format!("error {error}"),
    }
}

struct Lab {
    gpg: Gpg,
    dir: tempfile::TempDir,
}

impl Lab {
    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    fn key(&self, name: &str, algorithm: &str, usage: &str, options: &[&str]) -> String {
        let user_id = format!("{name} <{name}@example.com>");
        let expires = if options == THEN { "1d" } else { "never" };
        self.gpg.generate(&KeySpec {
            user_id: &user_id,
            algorithm,
            usage,
            expires,
            options,
        })
    }

    fn trusted(&self, keys: &[String]) -> Vec<TrustedKey> {
        let parse = |key: &String| PublicKey::parse(&self.gpg.export(key)).unwrap();
        keys.iter()
            .map(|key| TrustedKey::new(parse(key), Scope::Root, None))
            .collect()
    }

    fn gpg_status(&self, row: &Row) -> i32 {
        let names: Vec<&str> = row.trusted.iter().map(String::as_str).collect();
        let keyring = self.file("keyring.gpg", &self.gpg.export_binary(&names));
        let signature = self.file("row.sig", &row.signature);
        let data = self.file("row.data", &row.data);
        self.gpg
            .verify(&keyring, &signature, &data)
            .status
            .code()
            .unwrap_or(-1)
    }

    fn sign(&self, keys: &[&String], options: &[&str], data: &Path) -> Vec<u8> {
        let keys: Vec<&str> = keys.iter().map(|key| key.as_str()).collect();
        self.gpg.sign(&keys, options, data)
    }
}

const ARMORED: &[&str] = &["--armor", "--detach-sign"];
const BINARY: &[&str] = &["--detach-sign"];

#[test]
fn verdicts_stand_beside_those_of_gpg() {
    let Some(gpg) = Gpg::new() else { return };
    let lab = Lab {
        gpg,
        dir: tempfile::tempdir().unwrap(),
    };
    let rows = rows(&lab);
    let mut wrong = Vec::new();
    for row in &rows {
        let found = finding(row, &lab.trusted(&row.trusted));
        let status = lab.gpg_status(row);
        if status != row.expected.0 || !found.starts_with(row.expected.1) {
            wrong.push(format!(
                "{}: gpg {status}, we say {found:?}; expected {:?}",
                row.name, row.expected
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} rows:\n{}",
        wrong.len(),
        rows.len(),
        wrong.join("\n")
    );
}

fn rows(lab: &Lab) -> Vec<Row> {
    let ed = &lab.key("ed", "ed25519", "sign", &[]);
    let rsa = &lab.key("rsa", "rsa3072", "sign", &[]);
    let p256 = &lab.key("p256", "nistp256", "sign", &[]);
    let parent = &lab.key("parent", "ed25519", "cert", &[]);
    lab.gpg.add_subkey(parent, "ed25519", "sign", "never");
    let stranger = &lab.key("stranger", "ed25519", "sign", &[]);
    let expired = &lab.key("expired", "ed25519", "sign", THEN);
    let revoked = &lab.key("revoked", "ed25519", "sign", &[]);
    let sha1 = &lab.key("sha1", "rsa2048", "sign", &["--cert-digest-algo=SHA1"]);

    let bytes = b"one line\r\nand another\n".repeat(5_000);
    let data = &lab.file("data", &bytes);
    let other = &lab.file("other", b"something else");
    let sign = |keys: &[&String], options: &[&str]| lab.sign(keys, options, data);
    let faked = |key: &String, time: &str, more: &[&str]| {
        let mut options = vec![time];
        options.extend(more);
        options.extend(ARMORED);
        lab.sign(&[key], &options, data)
    };

    let by_ed = sign(&[ed], ARMORED);
    let by_ed_binary = sign(&[ed], BINARY);
    let by_revoked = sign(&[revoked], ARMORED);
    lab.gpg.revoke(revoked);

    let mut changed = bytes.clone();
    changed[7_777] ^= 1;
    let mut flipped = by_ed_binary.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let mut rows = Vec::new();
    let mut row = |name, trusted: &[&String], signature: &[u8], data: &[u8], expected| {
        let trusted = trusted.iter().map(|key| (*key).clone()).collect();
        let (signature, data) = (signature.to_vec(), data.to_vec());
        rows.push(Row {
            name,
            trusted,
            signature,
            data,
            expected,
        });
    };

    row("Ed25519, armoured", &[ed], &by_ed, &bytes, (0, "good 1"));
    row(
        "Ed25519, binary",
        &[ed],
        &by_ed_binary,
        &bytes,
        (0, "good 1"),
    );
    row(
        "RSA-3072, armoured",
        &[rsa],
        &sign(&[rsa], ARMORED),
        &bytes,
        (0, "good 1"),
    );
    let sha256 = ["--digest-algo=SHA256", "--detach-sign"];
    row(
        "RSA-3072, SHA-256, binary",
        &[rsa],
        &sign(&[rsa], &sha256),
        &bytes,
        (0, "good 1"),
    );
    row(
        "ECDSA P-256",
        &[p256],
        &sign(&[p256], ARMORED),
        &bytes,
        (0, "good 1"),
    );
    row(
        "signing subkey",
        &[parent],
        &sign(&[parent], ARMORED),
        &bytes,
        (0, "good 1"),
    );
    row(
        "among other keys",
        &[rsa, stranger, ed],
        &by_ed,
        &bytes,
        (0, "good 1"),
    );
    let empty = lab.file("empty", b"");
    row(
        "of an empty file",
        &[ed],
        &lab.sign(&[ed], ARMORED, &empty),
        b"",
        (0, "good 1"),
    );
    let prose = [b"Signed by us.\n\n".as_slice(), &by_ed].concat();
    row(
        "prose before the armour",
        &[ed],
        &prose,
        &bytes,
        (0, "good 1"),
    );

    let both = sign(&[ed, rsa], ARMORED);
    row("two signatures", &[ed, rsa], &both, &bytes, (0, "good 2"));
    row(
        "two signatures, one unknown",
        &[rsa],
        &both,
        &bytes,
        (2, "good 1"),
    );
    row(
        "two armoured files in one",
        &[ed, rsa],
        &{ [by_ed.clone(), sign(&[rsa], ARMORED)].concat() },
        &bytes,
        (0, "good 2"),
    );
    let one_bad = [lab.sign(&[rsa], BINARY, other), by_ed_binary.clone()].concat();
    row(
        "two signatures, one of another file",
        &[ed, rsa],
        &one_bad,
        &bytes,
        (1, "good 1"),
    );

    let mismatch = "bad the file or its signature was changed";
    row(
        "one byte of the file changed",
        &[ed],
        &by_ed,
        &changed,
        (1, mismatch),
    );
    row(
        "file cut short",
        &[ed],
        &by_ed,
        &bytes[..bytes.len() - 1],
        (1, mismatch),
    );
    row("file empty", &[ed], &by_ed, b"", (1, mismatch));
    row(
        "one bit of the signature changed",
        &[ed],
        &flipped,
        &bytes,
        (1, mismatch),
    );
    row(
        "signature of another file",
        &[ed],
        &lab.sign(&[ed], ARMORED, other),
        &bytes,
        (1, mismatch),
    );

    row("wrong key", &[rsa], &by_ed, &bytes, (2, "unknown 1"));
    row("no key", &[], &by_ed, &bytes, (2, "unknown 1"));
    row(
        "two wrong keys",
        &[stranger],
        &both,
        &bytes,
        (2, "unknown 2"),
    );

    let half = by_ed_binary.len() / 2;
    row(
        "binary signature cut short",
        &[ed],
        &by_ed_binary[..half],
        &bytes,
        (2, "error signature"),
    );
    row(
        "armour cut short",
        &[ed],
        &by_ed[..by_ed.len() / 2],
        &bytes,
        (2, "error signature"),
    );
    row(
        "empty signature",
        &[ed],
        b"",
        &bytes,
        (2, "error no valid signatures"),
    );
    row(
        "a web page",
        &[ed],
        b"<html>404</html>",
        &bytes,
        (2, "error signature file holds a web"),
    );
    row(
        "a public key",
        &[ed],
        &lab.gpg.export(ed),
        &bytes,
        (2, "error signature file holds a pub"),
    );
    let clear = sign(&[ed], &["--clearsign"]);
    row(
        "cleartext-signed",
        &[ed],
        &clear,
        &bytes,
        (2, "error signature file holds a cleartext"),
    );
    let inline = sign(&[ed], &["--sign"]);
    row(
        "inline-signed",
        &[ed],
        &inline,
        &bytes,
        (2, "error signature file holds a message"),
    );
    let inline = sign(&[ed], &["--armor", "--sign"]);
    row(
        "inline-signed, armoured",
        &[ed],
        &inline,
        &bytes,
        (2, "error signature file holds a mess"),
    );

    // Where we are stricter than gpg, which reports these with status 0.
    let old = "--faked-system-time=20200101T010000";
    let by_expired = faked(expired, old, &[]);
    row(
        "key expired since",
        &[expired],
        &by_expired,
        &bytes,
        (0, "bad key expired on 2020-01-02"),
    );
    row(
        "key revoked since",
        &[revoked],
        &by_revoked,
        &bytes,
        (0, "bad key is revoked"),
    );
    let text = sign(&[ed], &["--armor", "--textmode", "--detach-sign"]);
    row(
        "text mode",
        &[ed],
        &text,
        &bytes,
        (0, "bad signature was made in text mode"),
    );
    let weak = sign(&[rsa], &["--digest-algo=SHA1", "--detach-sign"]);
    row(
        "SHA-1",
        &[rsa],
        &weak,
        &bytes,
        (0, "bad signature is too weak: SHA1"),
    );
    let by_sha1 = sign(&[sha1], ARMORED);
    row(
        "key with SHA-1 self-signature",
        &[sha1],
        &by_sha1,
        &bytes,
        (0, "bad key is too weak"),
    );
    let future = faked(ed, "--faked-system-time=20990101T000000", &[]);
    row(
        "from the future",
        &[ed],
        &future,
        &bytes,
        (0, "bad signature was made in the future"),
    );
    rows
}

#[test]
fn a_key_file_is_one_public_key_in_armour() {
    let Some(gpg) = Gpg::new() else { return };
    let lab = Lab {
        gpg,
        dir: tempfile::tempdir().unwrap(),
    };
    let one = &lab.key("one", "ed25519", "cert", &[]);
    lab.gpg.add_subkey(one, "ed25519", "sign", "never");
    let two = &lab.key("two", "ed25519", "sign", THEN);
    let armored = lab.gpg.export(one);

    let key = PublicKey::parse(&armored).unwrap();
    assert_eq!(key.fingerprint().as_str(), one);
    assert_eq!(key.user_ids(), ["one <one@example.com>"]);
    assert_eq!(key.subkeys().len(), 1);
    assert_eq!(key.armored(), armored);
    assert_eq!(key.unfit(SystemTime::now()), None);
    let past = SystemTime::now() - std::time::Duration::from_secs(86_400);
    assert!(matches!(
        key.unfit(past),
        Some(Unfit::Invalid(_) | Unfit::NotYetValid(_))
    ));
    let old = PublicKey::parse(&lab.gpg.export(two)).unwrap();
    assert!(matches!(
        old.unfit(SystemTime::now()),
        Some(Unfit::Expired(_))
    ));

    let both = [armored.clone(), lab.gpg.export(two)].concat();
    let binary = lab.gpg.export_binary(&[one]);
    let secret = lab.gpg.export_secret(one);
    let signature = lab.gpg.detach_sign(one, &lab.file("data", b"x"));
    let bad: [(&[u8], &str); 7] = [
        (b"", "no ASCII-armored public key in it"),
        (b"fine words\n", "no ASCII-armored public key in it"),
        (&binary, "key is not ASCII-armored"),
        (&both, "it holds 2 keys, expected exactly one"),
        (&secret, "it holds a private key"),
        (
            &signature,
            "no ASCII-armored public key in it (found PGP SIGNATURE)",
        ),
        (
            &armored[..armored.len() / 2],
            "key is damaged or not understood",
        ),
    ];
    for (bytes, expected) in bad {
        assert_eq!(PublicKey::parse(bytes).unwrap_err().to_string(), expected);
    }
}
