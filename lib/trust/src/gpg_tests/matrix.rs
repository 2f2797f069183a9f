//! Verdicts beside those of `gpg --verify`, over keys and signatures that the real gpg made on the spot.

mod algorithms;
mod files;
mod legacy;
mod times;
mod version6;

use std::time::SystemTime;

use super::lab::{Lab, THEN};
use crate::{PublicKey, Scope, TrustedKey, Verdict, verify_detached};

/// What one row of the matrix checks.
struct Row {
    name: &'static str,
    /// Keys trusted by us and in the keyring of gpg: fingerprint and armoured bytes.
    trusted: Vec<(String, Vec<u8>)>,
    /// The keys are marked as legacy.
    marked: bool,
    signature: Vec<u8>,
    data: Vec<u8>,
    /// Exit status of gpg, and start of our finding. Where they disagree, `man/deviations.md` says why.
    expected: (i32, &'static str),
}

/// The rows, and what they are made of.
struct Rows<'a> {
    lab: &'a Lab,
    /// The signed bytes of most rows.
    bytes: Vec<u8>,
    rows: Vec<Row>,
}

impl Rows<'_> {
    /// Adds a row about the usual bytes.
    fn of(
        &mut self,
        name: &'static str,
        trusted: &[&String],
        signature: &[u8],
        expected: (i32, &'static str),
    ) {
        let bytes = self.bytes.clone();
        self.over(name, trusted, signature, &bytes, expected);
    }

    /// Adds a row about other bytes.
    fn over(
        &mut self,
        name: &'static str,
        trusted: &[&String],
        signature: &[u8],
        data: &[u8],
        expected: (i32, &'static str),
    ) {
        let exported = |key: &&String| ((*key).clone(), self.lab.gpg.export(key));
        let row = Row {
            name,
            trusted: trusted.iter().map(exported).collect(),
            marked: false,
            signature: signature.to_vec(),
            data: data.to_vec(),
            expected,
        };
        self.rows.push(row);
    }

    /// Adds a row about the usual bytes whose keys are marked as legacy.
    fn marked(
        &mut self,
        name: &'static str,
        trusted: &[&String],
        signature: &[u8],
        expected: (i32, &'static str),
    ) {
        self.of(name, trusted, signature, expected);
        if let Some(row) = self.rows.last_mut() {
            row.marked = true;
        }
    }

    /// Signs the usual bytes.
    fn sign(&self, keys: &[&String], options: &[&str]) -> Vec<u8> {
        let data = self.lab.file("data", &self.bytes);
        self.lab.sign(keys, options, &data)
    }

    /// Signs the usual bytes at another time.
    fn sign_at(&self, key: &String, time: &str, more: &[&str]) -> Vec<u8> {
        let mut options = vec![time];
        options.extend(more);
        options.extend(ARMORED);
        self.sign(&[key], &options)
    }
}

/// Our finding in a few words.
fn finding(row: &Row) -> String {
    let parse = |(_, armored): &(String, Vec<u8>)| PublicKey::parse(armored).unwrap();
    let trust = |key| TrustedKey::new(key, Scope::Root, None).with_legacy(row.marked);
    let keys: Vec<TrustedKey> = row.trusted.iter().map(parse).map(trust).collect();
    match verify_detached(
        row.data.as_slice(),
        &row.signature,
        &keys,
        SystemTime::now(),
    ) {
        Ok(Verdict::Good { signers }) => {
            for signer in &signers {
                let name = signer.fingerprint.as_str();
                assert!(row.trusted.iter().any(|(key, _)| key == name));
            }
            let legacy = signers.iter().any(|signer| signer.legacy);
            let how = if legacy { " legacy" } else { "" };
            format!("good {}{how}", signers.len())
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
    let mut keyring = Vec::new();
    for (_, armored) in &row.trusted {
        keyring.extend(crate::armor::blocks(armored)[0].decode().unwrap());
    }
    let keyring = lab.file("keyring.gpg", &keyring);
    let signature = lab.file("row.sig", &row.signature);
    let data = lab.file("row.data", &row.data);
    let output = lab.gpg.verify(&keyring, &signature, &data);
    output.status.code().unwrap_or(-1)
}

const ARMORED: &[&str] = &["--armor", "--detach-sign"];
const BINARY: &[&str] = &["--detach-sign"];

#[test]
fn verdicts_stand_beside_those_of_gpg() {
    let Some(lab) = Lab::new() else { return };
    let mut rows = Rows {
        lab: &lab,
        bytes: b"one line\r\nand another\n".repeat(5_000),
        rows: Vec::new(),
    };
    algorithms::add(&mut rows);
    files::add(&mut rows);
    times::add(&mut rows);
    legacy::add(&mut rows);
    version6::add(&mut rows);
    let rows = rows.rows;
    let mut wrong = Vec::new();
    for row in &rows {
        let (found, status) = (finding(row), gpg_status(&lab, row));
        if status != row.expected.0 || !found.starts_with(row.expected.1) {
            wrong.push(format!(
                "{}: gpg {status}, we say {found:?}; expected {:?}",
                row.name, row.expected
            ));
        }
    }
    let count = rows.len();
    assert!(count >= 60, "only {count} rows");
    let wrong_count = wrong.len();
    assert!(
        wrong.is_empty(),
        "{wrong_count} of {count} rows:\n{}",
        wrong.join("\n")
    );
}
