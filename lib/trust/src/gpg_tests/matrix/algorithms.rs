//! Kinds of keys, and hashes.

use super::{ARMORED, BINARY, Rows};

pub(super) fn add(rows: &mut Rows<'_>) {
    let kinds: [(&str, &str, &str); 7] = [
        ("Ed25519", "ed25519", "ed"),
        ("RSA-2048", "rsa2048", "rsa2k"),
        ("RSA-3072", "rsa3072", "rsa3k"),
        ("RSA-4096", "rsa4096", "rsa4k"),
        ("ECDSA P-256", "nistp256", "p256"),
        ("ECDSA P-384", "nistp384", "p384"),
        ("ECDSA P-521", "nistp521", "p521"),
    ];
    for (name, algorithm, key) in kinds {
        let key = rows.lab.key(key, algorithm, "sign", &[]);
        let signature = rows.sign(&[&key], ARMORED);
        rows.of(name, &[&key], &signature, (0, "good 1"));
    }

    // gpg checks them, the library here has no code for them.
    let unknown: [(&str, &str, &str); 4] = [
        ("Brainpool P-256", "brainpoolP256r1", "bp256"),
        ("Brainpool P-384", "brainpoolP384r1", "bp384"),
        ("Brainpool P-512", "brainpoolP512r1", "bp512"),
        ("secp256k1", "secp256k1", "k1"),
    ];
    for (name, algorithm, key) in unknown {
        let key = rows.lab.key(key, algorithm, "sign", &[]);
        let signature = rows.sign(&[&key], ARMORED);
        let expected = (0, "bad key is of a kind this program cannot check: ");
        rows.of(name, &[&key], &signature, expected);
    }

    let rsa = &rows.lab.key("rsa", "rsa2048", "sign", &[]);
    let hashes: [(&str, &str, (i32, &str)); 7] = [
        ("SHA-224", "--digest-algo=SHA224", (0, "good 1")),
        ("SHA-256", "--digest-algo=SHA256", (0, "good 1")),
        ("SHA-384", "--digest-algo=SHA384", (0, "good 1")),
        ("SHA-512", "--digest-algo=SHA512", (0, "good 1")),
        (
            "SHA-1",
            "--digest-algo=SHA1",
            (0, "bad signature is too weak: SHA1"),
        ),
        (
            "RIPEMD-160",
            "--digest-algo=RIPEMD160",
            (0, "bad signature is too weak: RipeMD"),
        ),
        (
            "MD5",
            "--digest-algo=MD5",
            (2, "bad signature is too weak: MD5"),
        ),
    ];
    for (name, option, expected) in hashes {
        let mut options = vec![option, "--allow-weak-digest-algos"];
        options.extend(BINARY);
        let signature = rows.sign(&[rsa], &options);
        rows.of(name, &[rsa], &signature, expected);
    }

    let parent = &rows.lab.key("parent", "ed25519", "cert", &[]);
    rows.lab.gpg.add_subkey(parent, "ed25519", "sign", "never");
    let signature = rows.sign(&[parent], ARMORED);
    rows.of("signing subkey", &[parent], &signature, (0, "good 1"));
    rows.lab.revoke_subkey(parent);
    rows.of(
        "subkey revoked since",
        &[parent],
        &signature,
        (0, "bad key is revoked"),
    );

    let renamed = &rows.lab.key("renamed", "ed25519", "sign", &[]);
    let signature = rows.sign(&[renamed], ARMORED);
    rows.lab.add_and_revoke_user_id(renamed);
    rows.of(
        "one of two user IDs revoked",
        &[renamed],
        &signature,
        (0, "good 1"),
    );

    let notation = |mark: &str| format!("--sig-notation={mark}build@example.com=7");
    for (name, option, expected) in [
        ("notation", notation(""), (0, "good 1")),
        (
            "critical notation",
            notation("!"),
            (1, "bad signature is not understood: "),
        ),
        (
            "critical policy URL",
            "--sig-policy-url=!https://example.com/policy".to_owned(),
            (0, "good 1"),
        ),
    ] {
        let signature = rows.sign(&[rsa], &[&option, "--detach-sign"]);
        rows.of(name, &[rsa], &signature, expected);
    }
}
