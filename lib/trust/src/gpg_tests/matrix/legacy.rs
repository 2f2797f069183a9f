//! Keys of the years of rkt, refused by themselves and accepted when marked.

use super::{ARMORED, BINARY, Rows};

pub(super) fn add(rows: &mut Rows<'_>) {
    let lab = rows.lab;
    let sha1 = "--cert-digest-algo=SHA1";
    let weak = (0, "bad key is too weak");
    let legacy = (0, "good 1 legacy");
    for (name, again, key, algorithm, options) in [
        (
            "key with SHA-1 self-signature",
            "the same, marked",
            "sha1",
            "rsa2048",
            &[sha1][..],
        ),
        ("RSA-1024", "RSA-1024, marked", "rsa1k", "rsa1024", &[]),
        ("DSA-1024", "DSA-1024, marked", "dsa1k", "dsa1024", &[]),
        ("DSA-2048", "DSA-2048, marked", "dsa2k", "dsa2048", &[]),
    ] {
        let key = &lab.key(key, algorithm, "sign", options);
        let signature = rows.sign(&[key], ARMORED);
        rows.of(name, &[key], &signature, weak);
        rows.marked(again, &[key], &signature, legacy);
    }

    // What a mark does not accept, and where it changes nothing.
    let key = &lab.key("marked", "rsa2048", "sign", &[]);
    let good = rows.sign(&[key], BINARY);
    rows.marked("current key, marked", &[key], &good, (0, "good 1"));
    let by_sha1 = rows.sign(&[key], &["--digest-algo=SHA1", "--detach-sign"]);
    rows.marked("SHA-1, key marked", &[key], &by_sha1, legacy);
    let md5 = [
        "--digest-algo=MD5",
        "--allow-weak-digest-algos",
        "--detach-sign",
    ];
    let by_md5 = rows.sign(&[key], &md5);
    let found = (2, "bad signature is too weak: MD5");
    rows.marked("MD5, key marked", &[key], &by_md5, found);
    let mut changed = rows.bytes.clone();
    changed[0] ^= 1;
    rows.over(
        "another file, key marked",
        &[key],
        &by_sha1,
        &changed,
        (1, "bad "),
    );
    if let Some(row) = rows.rows.last_mut() {
        row.marked = true;
    }
    lab.gpg.revoke(key);
    let found = (0, "bad key is revoked");
    rows.marked("revoked key, marked", &[key], &good, found);
}
