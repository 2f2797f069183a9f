//! Which keys speak for a name, where that is written, and why the others do not.

use std::path::PathBuf;
use std::time::SystemTime;

use gantry_trust::{KeyContent, KeyDir, Keystore};
use gantry_types::AcIdentifier;

use super::KeyRow;
use super::status::{KeyStatus, row};

/// What decides about images of a name.
#[derive(Debug)]
pub struct Explanation {
    /// The directories that are read, in their order.
    pub dirs: Vec<ExplainedDir>,
}

/// A directory of keys that is read for a name.
#[derive(Debug)]
pub struct ExplainedDir {
    /// Whose it is, what for, and where.
    pub dir: KeyDir,
    /// Whether it is there.
    pub exists: bool,
    /// What lies in it. A key that a later file takes back is [`KeyStatus::Masked`].
    pub keys: Vec<KeyRow>,
}

impl Explanation {
    /// The keys whose signatures count for the name, from the widest scope to the narrowest.
    pub fn accepted(&self) -> impl Iterator<Item = &KeyRow> {
        let keys = self.dirs.iter().flat_map(|dir| &dir.keys);
        keys.filter(|key| key.status == KeyStatus::Good)
    }
}

/// Explains what decides about images named `name`.
pub fn explain(keystore: &Keystore, name: &AcIdentifier, now: SystemTime) -> Explanation {
    let files = keystore.files_for(name);
    let mut rows: Vec<KeyRow> = files.iter().map(|file| row(file, now)).collect();
    for (index, file) in files.iter().enumerate() {
        let KeyContent::Empty(masked) = &file.content else {
            continue;
        };
        for earlier in &mut rows[..index] {
            let key = earlier.facts.is_some() && earlier.fingerprint.as_ref() == Some(masked);
            if key && earlier.status != KeyStatus::Masked {
                earlier.status = KeyStatus::Masked;
                earlier.reason = Some(format!(
                    "taken back by the empty file {}",
                    file.path.display()
                ));
                earlier.hint = None;
            }
        }
    }
    let mut found = files.into_iter().map(|file| file.dir).zip(rows).peekable();
    let dirs = keystore.dirs_for(name).into_iter().map(|dir| {
        let mut keys = Vec::new();
        while let Some((_, key)) = found.next_if(|(of, _)| *of == dir) {
            keys.push(key);
        }
        ExplainedDir {
            exists: exists(&dir.path),
            dir,
            keys,
        }
    });
    Explanation {
        dirs: dirs.collect(),
    }
}

fn exists(path: &PathBuf) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|data| data.is_dir() || data.is_symlink())
}
