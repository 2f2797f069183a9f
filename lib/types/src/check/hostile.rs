//! Documents made to hurt: each is read or refused at once, and findings agree with the parser.

use super::*;
use crate::MAX_MANIFEST_BYTES;

/// A valid image manifest with `member` in it.
fn with(member: impl AsRef<[u8]>) -> Vec<u8> {
    let start = br#"{"acKind":"ImageManifest","acVersion":"0.8.11","name":"a","#;
    [start, member.as_ref(), b"}"].concat()
}

fn nested(depth: usize) -> Vec<u8> {
    with(format!("\"x\":{}{}", "[".repeat(depth), "]".repeat(depth)))
}

#[test]
fn each_is_read_or_refused_at_once() {
    let many = |item: &str, times: usize| vec![item; times].join(",");
    let list = |items: String| with(format!("\"x\":[{items}]"));
    // What the original makes of each was found as for fixtures/appc/verdicts.json: `original` says whether
    // it takes it. It differs by our limits on depth, number and size alone.
    let table: [(&str, Vec<u8>, bool, bool); 34] = [
        ("100 levels", nested(100), true, true),
        ("127 levels beneath the manifest", nested(127), true, true),
        ("128 levels beneath the manifest", nested(128), false, true),
        ("9,000 levels", nested(9_000), false, true),
        ("10,001 levels", nested(10_001), false, false),
        (
            "brackets without end",
            with(vec![b'['; 1 << 20]),
            false,
            false,
        ),
        (
            "four megabytes of brackets",
            vec![b'['; MAX_MANIFEST_BYTES],
            false,
            false,
        ),
        (
            "objects without end",
            with("\"x\":{".repeat(200_000)),
            false,
            false,
        ),
        ("100,000 values", list(many("0", 100_000)), true, true),
        ("300,000 values", list(many("0", 300_000)), false, true),
        ("10,000 empty arrays", list(many("[]", 10_000)), true, true),
        (
            "more than four megabytes",
            with(format!("\"x\":\"{}\"", "x".repeat(MAX_MANIFEST_BYTES))),
            false,
            true,
        ),
        (
            "a key of half a megabyte",
            with(format!("\"{}\":1", "k".repeat(1 << 19))),
            true,
            true,
        ),
        (
            "a number of a million digits",
            with(format!("\"x\":{}", "9".repeat(1 << 20))),
            true,
            true,
        ),
        (
            "a size of a million digits",
            with(format!(
                "\"dependencies\":[{{\"imageName\":\"b\",\"size\":{}}}]",
                "9".repeat(1 << 20)
            )),
            false,
            false,
        ),
        (
            "20,000 unknown keys",
            with(
                (0..20_000)
                    .map(|i| format!("\"k{i}\":0"))
                    .collect::<Vec<_>>()
                    .join(","),
            ),
            true,
            true,
        ),
        (
            "20,000 times one key",
            with(many("\"x\":0", 20_000)),
            true,
            true,
        ),
        (
            "10,000 times a name",
            with(many("\"name\":\"b\"", 10_000)),
            true,
            true,
        ),
        (
            "a bad name before a good one",
            with("\"name\":\"B\",\"name\":\"b\""),
            false,
            false,
        ),
        (
            "10,000 bad labels",
            with(format!("\"labels\":[{}]", many("{\"name\":\"A\"}", 10_000))),
            false,
            false,
        ),
        (
            "10,000 equal labels",
            with(format!("\"labels\":[{}]", many("{\"name\":\"b\"}", 10_000))),
            false,
            false,
        ),
        (
            "10,000 equal isolators",
            with(format!(
                "\"app\":{{\"user\":\"0\",\"group\":\"0\",\"isolators\":[{}]}}",
                many("{\"name\":\"os/linux/cpu-shares\",\"value\":2}", 10_000)
            )),
            false,
            false,
        ),
        (
            "100,000 escapes",
            with(format!("\"x\":\"{}\"", "\\u0000".repeat(100_000))),
            true,
            true,
        ),
        (
            "surrogates in the wrong order",
            with(r#""x":"\udc00\ud800\ud800""#),
            true,
            true,
        ),
        (
            "half a surrogate at the end",
            with(r#""x":"\ud800\u""#),
            false,
            false,
        ),
        (
            "bytes that are no UTF-8",
            with(b"\"x\":\"\xff\xfe\xc0\x80\xed\xa0\x80\""),
            true,
            true,
        ),
        (
            "a name that is no UTF-8",
            with(b"\"name\":\"a\xff\""),
            false,
            false,
        ),
        ("a zero byte", with(b"\"x\":\"\0\""), false, false),
        (
            "a zero byte after the document",
            [with("\"x\":1"), vec![0]].concat(),
            false,
            false,
        ),
        (
            "a byte order mark",
            [b"\xef\xbb\xbf".to_vec(), with("\"x\":1")].concat(),
            false,
            false,
        ),
        ("UTF-16", b"\xff\xfe{\0\"\0".to_vec(), false, false),
        ("not a number", with("\"x\":NaN"), false, false),
        ("infinity", with("\"x\":-Infinity"), false, false),
        (
            "an exponent beyond all numbers",
            with("\"x\":1e999999999"),
            true,
            true,
        ),
    ];
    for (what, text, taken, original) in table {
        let parsed = ImageManifest::from_json(&text);
        assert_eq!(parsed.is_ok(), taken, "{what}: {parsed:?}");
        let found = findings(&text, None);
        assert_eq!(found.valid(), taken, "{what}");
        // What is found stays small however large the text is.
        assert!(found.list.len() <= 2000, "{what}");
        let limited = match &parsed {
            Err(ManifestError::TooLarge { .. }) => true,
            Err(error) => {
                let error = error.to_string();
                error.contains("nested deeper") || error.contains(" values")
            }
            Ok(_) => false,
        };
        assert!(taken == original || limited, "{what}: {parsed:?}");
    }
}
