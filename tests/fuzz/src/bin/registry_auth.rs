//! Files with logins for registries: no bytes make a reader panic, and no error shows what is in them.

#![cfg_attr(feature = "libfuzzer", no_main)]

use gantry_remote::registry::{AuthFile, Entry};

gantry_fuzz::fuzz_target!(|data: &[u8]| {
    for parsed in [AuthFile::parse(data), AuthFile::parse_legacy(data)] {
        let Ok(file) = parsed else { continue };
        for (registry, repository) in [
            ("docker.io", "library/a"),
            ("a.test:5000", "b/c/d"),
            ("", ""),
        ] {
            if let Some(Entry::Helper(name)) = file.find(registry, repository) {
                assert!(!name.is_empty() && !name.contains('/'));
            }
        }
    }
});
