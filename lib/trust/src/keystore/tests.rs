use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::{MAX_KEY_BYTES, PublicKey};

const BUILDER: &[u8] = include_bytes!("../../../../fixtures/fuzz/public_key/builder.asc");
const RELEASE: &[u8] = include_bytes!("../../../../fixtures/fuzz/public_key/release.asc");
const BUILDER_NAME: &str = "9a137db7d8540918809c2daeccb759081a7734fd";
const RELEASE_NAME: &str = "2b5a02d2a790b894e0d209b05ba444885e0c38d0";

struct Dirs(tempfile::TempDir);

impl Dirs {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn keystore(&self) -> Keystore {
        Keystore::new(
            Some(self.0.path().join("system")),
            self.0.path().join("local"),
        )
    }

    /// Writes `SIDE/trustedkeys/PATH`.
    fn write(&self, side: &str, path: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(side).join("trustedkeys").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }
}

fn name(text: &str) -> AcIdentifier {
    text.parse().unwrap()
}

/// The scopes under which a name finds keys, in order.
fn scopes(keystore: &Keystore, text: &str) -> Vec<String> {
    let set = keystore.keys_for(&name(text));
    assert!(set.problems.is_empty(), "{:?}", set.problems);
    set.keys.iter().map(|key| key.scope().to_string()).collect()
}

#[test]
fn a_name_finds_the_keys_of_its_whole_leading_parts() {
    let dirs = Dirs::new();
    dirs.write("system", &format!("root.d/{RELEASE_NAME}"), RELEASE);
    dirs.write(
        "system",
        &format!("prefix.d/example.com/{BUILDER_NAME}"),
        BUILDER,
    );
    dirs.write(
        "local",
        &format!("prefix.d/example.com/app/{BUILDER_NAME}"),
        BUILDER,
    );
    let keystore = dirs.keystore();
    let (root, all, app) = (
        "every name",
        "prefix \"example.com\"",
        "prefix \"example.com/app\"",
    );
    for (name, expected) in [
        ("example.com/app", vec![root, all, app]),
        ("example.com/app/worker", vec![root, all, app]),
        ("example.com/application", vec![root, all]),
        ("example.com/app-2", vec![root, all]),
        ("example.com", vec![root, all]),
        ("example.community/app", vec![root]),
        ("other.org", vec![root]),
        // Not a way back into a directory beside.
        ("other.org/../example.com/app", vec![root]),
        ("example.com/x/../app", vec![root, all]),
        ("example.com//app", vec![root, all]),
    ] {
        assert_eq!(scopes(&keystore, name), expected, "{name}");
    }
}

#[test]
fn every_key_is_found_where_no_name_is_known() {
    let dirs = Dirs::new();
    dirs.write("system", &format!("root.d/{RELEASE_NAME}"), RELEASE);
    let path = format!("prefix.d/example.com/deep/app/{BUILDER_NAME}");
    dirs.write("local", &path, BUILDER);
    let set = dirs.keystore().all_keys();
    let scopes: Vec<String> = set.keys.iter().map(|key| key.scope().to_string()).collect();
    assert_eq!(scopes, ["every name", "prefix \"example.com/deep/app\""]);
    assert!(set.problems.is_empty());
}

#[test]
fn without_any_directory_nothing_is_trusted_and_nothing_is_wrong() {
    let dirs = Dirs::new();
    assert!(scopes(&dirs.keystore(), "example.com/app").is_empty());
    assert!(!dirs.keystore().has_keys_for(&name("example.com/app")));
}

#[test]
fn an_empty_local_file_takes_trust_back() {
    let dirs = Dirs::new();
    dirs.write("system", &format!("root.d/{BUILDER_NAME}"), BUILDER);
    dirs.write("system", &format!("root.d/{RELEASE_NAME}"), RELEASE);
    let keystore = dirs.keystore();
    assert_eq!(scopes(&keystore, "example.com/app").len(), 2);

    // For one prefix, whatever made the key trusted before.
    dirs.write(
        "local",
        &format!("prefix.d/example.com/{BUILDER_NAME}"),
        b"",
    );
    assert_eq!(scopes(&keystore, "example.com/app").len(), 1);
    assert_eq!(scopes(&keystore, "other.org").len(), 2);

    // For every name; but a key for a prefix is still one.
    dirs.write("local", &format!("root.d/{RELEASE_NAME}"), b"");
    assert!(!keystore.has_keys_for(&name("example.com/app")));
    dirs.write(
        "system",
        &format!("prefix.d/other.org/{RELEASE_NAME}"),
        RELEASE,
    );
    assert_eq!(
        scopes(&keystore, "other.org"),
        ["every name", "prefix \"other.org\""]
    );
}

#[test]
fn a_bad_file_is_reported_by_path_and_stops_no_other_key() {
    let dirs = Dirs::new();
    dirs.write("local", &format!("root.d/{BUILDER_NAME}"), BUILDER);
    dirs.write("local", "root.d/.notes", b"skipped without a word");
    let cases: [(&str, &[u8], &str); 6] = [
        (RELEASE_NAME, BUILDER, "fingerprint mismatch"),
        ("builder.asc", BUILDER, "its name is wrong"),
        (
            &"0".repeat(40),
            b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n@@@@",
            "damaged",
        ),
        (&"1".repeat(40), b"no key", "no ASCII-armored public key"),
        (
            &"2".repeat(40),
            &vec![b'x'; MAX_KEY_BYTES + 1],
            "more than the",
        ),
        (&"A".repeat(40), b"", "its name is wrong"),
    ];
    for (file, bytes, expected) in cases {
        let path = dirs.write("local", &format!("root.d/{file}"), bytes);
        let set = dirs.keystore().keys_for(&name("example.com"));
        assert_eq!(set.keys.len(), 1, "{file}");
        let [problem] = set.problems.as_slice() else {
            panic!("{file}: {:?}", set.problems)
        };
        assert!(
            problem.to_string().contains(&path.display().to_string()),
            "{problem}"
        );
        assert!(
            problem.source.to_string().contains(expected),
            "{}",
            problem.source
        );
        fs::remove_file(path).unwrap();
    }
}

#[test]
fn odd_files_neither_hang_nor_count() {
    let dirs = Dirs::new();
    let key = dirs.write("elsewhere", "key.asc", BUILDER);
    let root = dirs
        .write("local", "root.d/x", b"")
        .parent()
        .unwrap()
        .to_owned();
    fs::remove_file(root.join("x")).unwrap();
    // A link to a key is what configuration management makes, and works.
    symlink(key, root.join(BUILDER_NAME)).unwrap();
    fs::create_dir(root.join("a-directory")).unwrap();
    assert_eq!(scopes(&dirs.keystore(), "example.com"), ["every name"]);
    symlink("nowhere", root.join(RELEASE_NAME)).unwrap();
    let status = std::process::Command::new("mkfifo")
        .arg(root.join("3".repeat(40)))
        .status();
    assert!(status.unwrap().success());
    let set = dirs.keystore().keys_for(&name("example.com"));
    assert_eq!(
        (set.keys.len(), set.problems.len()),
        (1, 2),
        "{:?}",
        set.problems
    );
    assert!(matches!(set.problems[1].source, KeyProblemCause::NotAFile));
}

#[test]
fn added_keys_have_the_modes_and_names_that_rkt_gives_them() {
    let dirs = Dirs::new();
    let keystore = dirs.keystore();
    let key = PublicKey::parse(BUILDER).unwrap();
    let path = keystore
        .add_prefix_key(&name("example.com/app"), &key)
        .unwrap();
    let local = dirs.0.path().join("local/trustedkeys");
    assert_eq!(
        path,
        local.join("prefix.d/example.com/app").join(BUILDER_NAME)
    );
    assert_eq!(fs::read(&path).unwrap(), BUILDER);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(&path), 0o644);
    let dirs_above = path
        .ancestors()
        .skip(1)
        .take_while(|dir| dir.starts_with(&local));
    assert!(dirs_above.map(mode).all(|mode| mode == 0o755));
    // Nothing but the key is left beside it, also when it is written again.
    keystore
        .add_prefix_key(&name("example.com/app"), &key)
        .unwrap();
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    assert!(keystore.has_keys_for(&name("example.com/app/worker")));

    let root = keystore.add_root_key(&key).unwrap();
    assert_eq!(root, local.join("root.d").join(BUILDER_NAME));
    assert_eq!(keystore.root_keys().keys.len(), 1);
}

#[test]
fn a_prefix_never_leaves_its_directory() {
    let dirs = Dirs::new();
    let key = PublicKey::parse(BUILDER).unwrap();
    for prefix in ["a/../../root.d", "a/..", "a//b", "a/./b"] {
        let Ok(prefix) = prefix.parse::<AcIdentifier>() else {
            continue;
        };
        let error = dirs.keystore().add_prefix_key(&prefix, &key).unwrap_err();
        assert!(matches!(error, WriteError::Prefix { .. }), "{error}");
    }
    assert_eq!(fs::read_dir(dirs.0.path()).unwrap().count(), 0);
}

#[test]
fn a_directory_that_cannot_be_made_is_named() {
    let dirs = Dirs::new();
    dirs.write("local", "root.d", b"a file in the way");
    let key = PublicKey::parse(BUILDER).unwrap();
    let error = dirs.keystore().add_root_key(&key).unwrap_err();
    assert!(
        error.to_string().contains("local/trustedkeys/root.d"),
        "{error}"
    );
}

proptest! {
    #[test]
    fn keys_are_looked_for_only_where_the_scope_covers_the_name(text in "[a-c./-]{1,12}") {
        let Ok(name) = text.parse::<AcIdentifier>() else { return Ok(()) };
        for part in leading_parts(&name) {
            prop_assert!(part.covers(&name), "{part} {name}");
            prop_assert!(part.as_str().split('/').all(is_plain));
        }
    }
}

/// What each file of the keystore says, in order: layer, scope, and a word.
fn said(keystore: &Keystore) -> Vec<(Layer, String, &'static str)> {
    let word = |content: &KeyContent| match content {
        KeyContent::Key(_) => "key",
        KeyContent::Empty(_) => "empty",
        KeyContent::Problem(_) => "problem",
    };
    let files = keystore.files();
    files
        .iter()
        .map(|file| {
            (
                file.dir.layer,
                file.dir.scope.to_string(),
                word(&file.content),
            )
        })
        .collect()
}

#[test]
fn a_key_is_disabled_by_an_empty_file_and_comes_back_whole() {
    let dirs = Dirs::new();
    let keystore = dirs.keystore();
    let key = PublicKey::parse(BUILDER).unwrap();
    let (fingerprint, scope) = (key.fingerprint(), Scope::Prefix(name("example.com")));
    // A key of the machine: its bytes wait beside.
    let path = keystore.add(&scope, &key).unwrap();
    assert_eq!(
        keystore.disable(&scope, &fingerprint).unwrap(),
        Change::Disabled(path.clone())
    );
    assert_eq!(fs::read(&path).unwrap(), b"");
    assert!(keystore.disabled_key(&scope, &fingerprint).is_some());
    assert_eq!(
        keystore.disable(&scope, &fingerprint).unwrap(),
        Change::Nothing
    );
    assert!(!keystore.has_keys_for(&name("example.com/app")));
    assert_eq!(
        keystore.enable(&scope, &fingerprint).unwrap(),
        Change::Enabled(path.clone())
    );
    assert_eq!(fs::read(&path).unwrap(), BUILDER);
    assert_eq!(
        keystore.enable(&scope, &fingerprint).unwrap(),
        Change::Nothing
    );
    assert!(keystore.disabled_key(&scope, &fingerprint).is_none());
    // Removed, and there is nothing to remove twice; nothing of it is left.
    keystore.disable(&scope, &fingerprint).unwrap();
    assert_eq!(
        keystore.remove(&scope, &fingerprint).unwrap(),
        Change::Removed(path)
    );
    assert_eq!(
        keystore.remove(&scope, &fingerprint).unwrap(),
        Change::Nothing
    );
    assert!(keystore.disabled_key(&scope, &fingerprint).is_none());

    // A key of the vendor is left alone.
    let vendor = dirs.write("system", &format!("root.d/{BUILDER_NAME}"), BUILDER);
    keystore.disable(&Scope::Root, &fingerprint).unwrap();
    assert!(keystore.root_keys().keys.is_empty() && keystore.all_keys().keys.is_empty());
    let root = Scope::Root.to_string();
    assert_eq!(
        said(&keystore),
        [
            (Layer::System, root.clone(), "key"),
            (Layer::Local, root, "empty")
        ]
    );
    keystore.enable(&Scope::Root, &fingerprint).unwrap();
    assert_eq!(fs::read(vendor).unwrap(), BUILDER);
    assert_eq!(keystore.root_keys().keys.len(), 1);
}

#[test]
fn the_user_has_the_last_word_and_a_directory_of_their_own() {
    let dirs = Dirs::new();
    let user = dirs.0.path().join("user");
    assert!(dirs.keystore().writing_to_user().is_none());
    let keystore = dirs.keystore().with_user(Some(user.clone()));
    let key = PublicKey::parse(BUILDER).unwrap();
    keystore.add_root_key(&key).unwrap();
    let own = keystore.clone().writing_to_user().unwrap();
    own.disable(&Scope::Root, &key.fingerprint()).unwrap();
    assert!(user.join("trustedkeys/root.d").join(BUILDER_NAME).exists());
    assert!(keystore.root_keys().keys.is_empty());
    assert_eq!(dirs.keystore().root_keys().keys.len(), 1);
}

#[test]
fn only_a_whole_mark_makes_a_key_legacy() {
    let dirs = Dirs::new();
    let keystore = dirs.keystore();
    let key = PublicKey::parse(BUILDER).unwrap();
    keystore.add_root_key(&key).unwrap();
    let is_legacy = || keystore.root_keys().keys[0].is_legacy();
    assert!(!is_legacy());
    let mark = format!("legacy.d/{BUILDER_NAME}");
    for bad in [b"".as_slice(), b"accept", b"yes\n", BUILDER] {
        dirs.write("local", &mark, bad);
        assert!(!is_legacy());
    }
    keystore.mark_legacy(&key.fingerprint()).unwrap();
    assert!(is_legacy());
    assert!(keystore.unmark_legacy(&key.fingerprint()).unwrap());
    assert!(!keystore.unmark_legacy(&key.fingerprint()).unwrap());
    assert!(!is_legacy());
    // The vendor's mark is taken back by an empty one.
    dirs.write("system", &mark, b"accept legacy algorithms\n");
    assert!(is_legacy());
    assert!(keystore.unmark_legacy(&key.fingerprint()).unwrap());
    assert!(!is_legacy());
}

#[test]
fn what_everybody_may_write_is_noticed() {
    let dirs = Dirs::new();
    let key = dirs.write("local", &format!("root.d/{BUILDER_NAME}"), BUILDER);
    let exposed = || dirs.keystore().files()[0].exposed;
    assert!(!exposed());
    for (path, mode, expected) in [
        (key.clone(), 0o646, true),
        (key.clone(), 0o664, false),
        (key.parent().unwrap().to_owned(), 0o777, true),
        (key.parent().unwrap().to_owned(), 0o775, false),
    ] {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(exposed(), expected, "{mode:o}");
    }
}
