//! `WWW-Authenticate`: no line makes the reader panic, and what it reads is bounded and in lower case where it
//! has to be.

#![cfg_attr(feature = "libfuzzer", no_main)]

use gantry_remote::registry::Challenge;

gantry_fuzz::fuzz_target!(|data: &[u8]| {
    let Ok(line) = std::str::from_utf8(data) else {
        return;
    };
    let challenges = Challenge::parse(line);
    assert!(challenges.len() <= 16);
    for challenge in challenges {
        assert!(!challenge.scheme.is_empty());
        assert!(
            !challenge
                .scheme
                .bytes()
                .any(|byte| byte.is_ascii_uppercase())
        );
        assert!(challenge.parameters.len() <= 32);
        for (name, value) in &challenge.parameters {
            assert!(value.len() <= line.len());
            assert!(challenge.get(name).is_some());
        }
    }
});
