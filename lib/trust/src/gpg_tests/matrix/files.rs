//! Signature files, and what is none.

use super::{ARMORED, BINARY, Rows};

pub(super) fn add(rows: &mut Rows<'_>) {
    let lab = rows.lab;
    let ed = &lab.key("one", "ed25519", "sign", &[]);
    let rsa = &lab.key("two", "rsa2048", "sign", &[]);
    let stranger = &lab.key("stranger", "ed25519", "sign", &[]);
    let armored = rows.sign(&[ed], ARMORED);
    let binary = rows.sign(&[ed], BINARY);
    let bytes = rows.bytes.clone();
    let other = &lab.file("other", b"something else");

    rows.of("binary", &[ed], &binary, (0, "good 1"));
    rows.of(
        "among other keys",
        &[rsa, stranger, ed],
        &armored,
        (0, "good 1"),
    );
    let empty = lab.file("empty", b"");
    let of_empty = lab.sign(&[ed], ARMORED, &empty);
    rows.over("of an empty file", &[ed], &of_empty, b"", (0, "good 1"));
    let prose = [b"Signed by us.\n\n".as_slice(), &armored].concat();
    rows.of("prose before the armour", &[ed], &prose, (0, "good 1"));
    let text = String::from_utf8(armored.clone()).unwrap();
    let crlf = text.replace('\n', "\r\n");
    rows.of(
        "armour with CR and LF",
        &[ed],
        crlf.as_bytes(),
        (0, "good 1"),
    );
    // RFC 9580, 6.1: a wrong checksum is no reason to refuse.
    let line = text.lines().find(|line| line.starts_with('=')).unwrap();
    let wrong = text.replace(line, "=AAAA");
    rows.of(
        "checksum of the armour wrong",
        &[ed],
        wrong.as_bytes(),
        (2, "good 1"),
    );

    let both = rows.sign(&[ed, rsa], ARMORED);
    rows.of("two signatures", &[ed, rsa], &both, (0, "good 2"));
    rows.of("two signatures, one unknown", &[rsa], &both, (2, "good 1"));
    let joined = [armored.clone(), rows.sign(&[rsa], ARMORED)].concat();
    rows.of(
        "two armoured files in one",
        &[ed, rsa],
        &joined,
        (0, "good 2"),
    );
    let of_other = lab.sign(&[rsa], BINARY, other);
    let one_bad = [of_other, binary.clone()].concat();
    rows.of(
        "two signatures, one of another file",
        &[ed, rsa],
        &one_bad,
        (1, "good 1"),
    );

    let mismatch = "bad the file or its signature was changed";
    let mut changed = bytes.clone();
    changed[7_777] ^= 1;
    rows.over(
        "one byte of the file changed",
        &[ed],
        &armored,
        &changed,
        (1, mismatch),
    );
    let cut = &bytes[..bytes.len() - 1];
    rows.over("file cut short", &[ed], &armored, cut, (1, mismatch));
    rows.over("file empty", &[ed], &armored, b"", (1, mismatch));
    let mut flipped = binary.clone();
    *flipped.last_mut().unwrap() ^= 1;
    rows.of(
        "one bit of the signature changed",
        &[ed],
        &flipped,
        (1, mismatch),
    );
    let of_other = lab.sign(&[ed], ARMORED, other);
    rows.of("signature of another file", &[ed], &of_other, (1, mismatch));

    rows.of("wrong key", &[rsa], &armored, (2, "unknown 1"));
    rows.of("no key", &[], &armored, (2, "unknown 1"));
    rows.of("two wrong keys", &[stranger], &both, (2, "unknown 2"));

    let damaged = (2, "error signature");
    let half = &binary[..binary.len() / 2];
    rows.of("binary signature cut short", &[ed], half, damaged);
    let half = &armored[..armored.len() / 2];
    rows.of("armour cut short", &[ed], half, damaged);
    let none = (2, "error no valid signatures");
    rows.of("empty signature", &[ed], b"", none);
    let page = (2, "error signature file holds a web");
    rows.of("a web page", &[ed], b"<html>404</html>", page);
    let key = lab.gpg.export(ed);
    let found = (2, "error signature file holds a pub");
    rows.of("a public key", &[ed], &key, found);
    let clear = rows.sign(&[ed], &["--clearsign"]);
    let found = (2, "error signature file holds a cleartext");
    rows.of("cleartext-signed", &[ed], &clear, found);
    let found = (2, "error signature file holds a message");
    let inline = rows.sign(&[ed], &["--sign"]);
    rows.of("inline-signed", &[ed], &inline, found);
    let inline = rows.sign(&[ed], &["--armor", "--sign"]);
    rows.of("inline-signed, armoured", &[ed], &inline, found);
    let text = rows.sign(&[ed], &["--armor", "--textmode", "--detach-sign"]);
    let found = (0, "bad signature was made in text mode");
    rows.of("text mode", &[ed], &text, found);
}
