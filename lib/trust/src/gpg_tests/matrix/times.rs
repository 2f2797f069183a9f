//! What was made too early or too late, and what was taken back.

use super::{ARMORED, Rows, THEN};

const OLD: &str = "--faked-system-time=20200101T010000";

pub(super) fn add(rows: &mut Rows<'_>) {
    let lab = rows.lab;
    let ed = &lab.key("timely", "ed25519", "sign", &[]);

    // Where we are stricter than gpg, which reports these with status 0.
    let expired = &lab.key("expired", "ed25519", "sign", THEN);
    let by_expired = rows.sign_at(expired, OLD, &[]);
    let found = (0, "bad key expired on 2020-01-02");
    rows.of("key expired since", &[expired], &by_expired, found);
    lab.extend(expired);
    rows.of(
        "key expired, and extended since",
        &[expired],
        &by_expired,
        (0, "good 1"),
    );

    let revoked = &lab.key("revoked", "ed25519", "sign", &[]);
    let by_revoked = rows.sign(&[revoked], ARMORED);
    let by_both = rows.sign(&[revoked, ed], ARMORED);
    lab.gpg.revoke(revoked);
    let found = (0, "bad key is revoked");
    rows.of("key revoked since", &[revoked], &by_revoked, found);
    rows.of(
        "two signatures, one by a revoked key",
        &[revoked, ed],
        &by_both,
        (0, "good 1"),
    );

    let future = rows.sign_at(ed, "--faked-system-time=20990101T000000", &[]);
    let found = (0, "bad signature was made in the future");
    rows.of("from the future", &[ed], &future, found);

    // A key of 2020 that still holds, for signatures with a past of their own.
    let born = "--faked-system-time=20200101T000001";
    let veteran = &lab.key("veteran", "ed25519", "sign", &[born]);
    let old = rows.sign_at(veteran, OLD, &[]);
    rows.of("signed years ago", &[veteran], &old, (0, "good 1"));
    let brief = rows.sign_at(veteran, OLD, &["--default-sig-expire=1d"]);
    let found = (1, "bad signature expired on 2020-01-02");
    rows.of("signature expired", &[veteran], &brief, found);
    let both = [brief, rows.sign(&[ed], ARMORED)].concat();
    rows.of(
        "two signatures, one expired",
        &[veteran, ed],
        &both,
        (1, "good 1"),
    );
    let before = "--faked-system-time=20190101T000000";
    let lenient = ["--ignore-time-conflict", "--ignore-valid-from"];
    let older = rows.sign_at(veteran, before, &lenient);
    let found = (2, "bad signature is older than the key");
    rows.of("older than its key", &[veteran], &older, found);

    // The subkey is of today, the signature of years before it.
    lab.gpg.add_subkey(veteran, "ed25519", "sign", "1d");
    let by_subkey = rows.sign(&[veteran], ARMORED);
    rows.of(
        "subkey that expires tomorrow",
        &[veteran],
        &by_subkey,
        (0, "good 1"),
    );
    let brief = &lab.key("brief", "ed25519", "cert", &[born]);
    lab.add_subkey_at(brief, OLD, "1d");
    let later = "--faked-system-time=20200101T020000";
    let by_expired = rows.sign_at(brief, later, &[]);
    let found = (0, "bad key expired on 2020-01-02");
    rows.of("subkey expired since", &[brief], &by_expired, found);
}
