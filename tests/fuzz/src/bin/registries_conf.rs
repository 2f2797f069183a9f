//! registries.conf: no bytes make the reader panic, and every name leads to at least one place or to an error.

#![cfg_attr(feature = "libfuzzer", no_main)]

use gantry_remote::registry::{RegistriesConf, parse};

gantry_fuzz::fuzz_target!(|data: &[u8]| {
    let Ok(said) = parse(data) else { return };
    let mut conf = RegistriesConf::default();
    conf.override_with(said);
    for name in ["busybox", "a.test/b:1", "a.b.test:5000/c/d", "localhost/x"] {
        let reference = name.parse().expect("a reference");
        let Ok(candidates) = conf.candidates(&reference) else {
            continue;
        };
        assert!(!candidates.is_empty());
        for candidate in candidates {
            assert!(
                conf.endpoints(&candidate)
                    .map_or(true, |found| !found.is_empty())
            );
        }
    }
});
