//! What somebody may have meant.

/// Longest key that is compared with the known ones; longer ones are none of them misspelt.
const MAX_KEY: usize = 40;

/// The known key nearest to `key`, if it is near: a third of its letters may be wrong, two at most.
pub(super) fn nearest<'a>(key: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    if key.len() > MAX_KEY {
        return None;
    }
    let key = key.to_ascii_lowercase();
    let near = known.map(|known| (distance(&key, &known.to_ascii_lowercase()), known));
    let (distance, known) = near.min_by_key(|(distance, _)| *distance)?;
    (distance <= 2 && distance * 3 <= known.len()).then_some(known)
}

/// How many letters have to be put in, left out, replaced or swapped with their neighbour to make one of the
/// other.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut above: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for i in 0..a.len() {
        let mut next = vec![i + 1];
        for j in 0..b.len() {
            let replaced = row[j] + usize::from(a[i] != b[j]);
            let mut least = replaced.min(row[j + 1] + 1).min(next[j] + 1);
            if i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j] {
                least = least.min(above[j - 1] + 1);
            }
            next.push(least);
        }
        above = std::mem::replace(&mut row, next);
    }
    row[b.len()]
}

/// What to do about a text that is no JSON, for what editors and other formats often leave in it.
pub(super) fn syntax_hint(text: &[u8]) -> Option<String> {
    let hint = if text.starts_with(b"\xef\xbb\xbf") {
        "remove the byte order mark at the beginning"
    } else if text.starts_with(b"\xff\xfe") || text.starts_with(b"\xfe\xff") {
        "save the file as UTF-8: it looks like UTF-16"
    } else if text.iter().all(u8::is_ascii_whitespace) {
        "the file is empty"
    } else if text.starts_with(b"---") || text.starts_with(b"acKind") {
        "this looks like YAML; manifests are JSON"
    } else {
        return None;
    };
    Some(hint.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_another_word_is_not() {
        let known = ["exec", "user", "group", "workingDirectory", "mountPoints"];
        for (key, meant) in [
            ("usr", Some("user")),
            ("groups", Some("group")),
            ("gruop", Some("group")),
            ("uesr", Some("user")),
            ("workingdir", None),
            ("workDirectory", None),
            ("mountpoint", Some("mountPoints")),
            ("MountPonits", Some("mountPoints")),
            ("name", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest(key, known.into_iter()), meant, "{key}");
        }
        assert_eq!(nearest(&"x".repeat(1 << 20), known.into_iter()), None);
    }
}
