//! Configuration files: no bytes make the reader panic, what it accepts it accepts again, and no error
//! shows a secret.

#![cfg_attr(feature = "libfuzzer", no_main)]

use gantry_types::config_file::{AuthCredentials, ConfigFile, ConfigKind};

const ALL: [ConfigKind; 5] = [
    ConfigKind::Auth,
    ConfigKind::DockerAuth,
    ConfigKind::Paths,
    ConfigKind::Stage1,
    ConfigKind::Isolators,
];

gantry_fuzz::fuzz_target!(|data: &[u8]| {
    let Ok(file) = ConfigFile::from_json(data, &ALL) else {
        return;
    };
    assert_eq!(ConfigFile::from_json(data, &ALL), Ok(file.clone()));
    match file {
        ConfigFile::Auth(auth) => {
            assert!(!auth.domains.is_empty());
            match auth.credentials {
                AuthCredentials::Basic(basic) => assert!(!basic.password.is_empty()),
                AuthCredentials::OAuth { token } => assert!(!token.is_empty()),
                AuthCredentials::Aws {
                    secret_access_key, ..
                } => assert!(!secret_access_key.is_empty()),
            }
        }
        ConfigFile::DockerAuth(auth) => assert!(!auth.registries.is_empty()),
        ConfigFile::Paths(paths) => {
            let both = [paths.data, paths.stage1_images];
            assert!(both.iter().flatten().all(|path| path.is_absolute()));
        }
        ConfigFile::Stage1(stage1) => assert_ne!(stage1.location.as_deref(), Some("")),
        ConfigFile::Isolators(isolators) => {
            // Nothing but the two words is taken for one of them.
            if let Some(said) = isolators.unverified_images {
                let text = String::from_utf8_lossy(data);
                assert!(text.contains('\\') || text.contains(said.as_str()));
            }
        }
    }
});
