//! Verdicts beside those of `gpg --verify`, over keys and signatures that the real gpg made on the spot.

use std::time::SystemTime;

use super::lab::{Lab, THEN};
use crate::{TrustedKey, Verdict, verify_detached};

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

/// Exit status of gpg.
fn gpg_status(lab: &Lab, row: &Row) -> i32 {
    let names: Vec<&str> = row.trusted.iter().map(String::as_str).collect();
    let keyring = lab.file("keyring.gpg", &lab.gpg.export_binary(&names));
    let signature = lab.file("row.sig", &row.signature);
    let data = lab.file("row.data", &row.data);
    lab.gpg
        .verify(&keyring, &signature, &data)
        .status
        .code()
        .unwrap_or(-1)
}

const ARMORED: &[&str] = &["--armor", "--detach-sign"];
const BINARY: &[&str] = &["--detach-sign"];

#[test]
fn verdicts_stand_beside_those_of_gpg() {
    let Some(lab) = Lab::new() else { return };
    let rows = rows(&lab);
    let mut wrong = Vec::new();
    for row in &rows {
        let found = finding(row, &lab.trusted(&row.trusted));
        let status = gpg_status(&lab, row);
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

    // A key of 2020 that still holds, for signatures with a past of their own.
    let veteran = &lab.key(
        "veteran",
        "ed25519",
        "sign",
        &["--faked-system-time=20200101T000001"],
    );
    let brief = faked(veteran, old, &["--default-sig-expire=1d"]);
    row(
        "signature expired",
        &[veteran],
        &brief,
        &bytes,
        (1, "bad signature expired on 2020-01-02"),
    );
    let before = "--faked-system-time=20190101T000000";
    let older = faked(
        veteran,
        before,
        &["--ignore-time-conflict", "--ignore-valid-from"],
    );
    row(
        "older than its key",
        &[veteran],
        &older,
        &bytes,
        (2, "bad signature is older than the key"),
    );
    rows
}
