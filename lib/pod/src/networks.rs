//! Networks that are defined on a host: looked at early, so that a mistake is told before anything is fetched.

use std::path::Path;

use gantry_sys::regular_file::read_regular_files;
use gantry_types::net::{Catalog, MAX_DEFINITION_BYTES, is_definition_file};

/// The networks that the files in `net.d` of the local configuration and in `/etc/cni/net.d` define, and
/// those that need no file.
///
/// What cannot be read is an error in the catalogue, which matters only to who wants that network.
#[must_use]
pub fn network_catalog(local_config: &Path) -> Catalog {
    Catalog::of_host(local_config, |directory| {
        read_regular_files(directory, MAX_DEFINITION_BYTES, is_definition_file)
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn definitions_are_found_and_other_files_are_not() {
        let temp = tempfile::tempdir().unwrap();
        let directory = temp.path().join("net.d");
        assert!(network_catalog(temp.path()).find("default").is_some());
        fs::create_dir(&directory).unwrap();
        fs::write(directory.join("a.conf"), r#"{"name":"mine","type":"x"}"#).unwrap();
        fs::write(directory.join("b.txt"), r#"{"name":"other","type":"x"}"#).unwrap();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            directory.join("c.conf"),
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::from_raw_mode(0o600),
            0,
        )
        .unwrap();
        let catalog = network_catalog(temp.path());
        assert!(catalog.find("mine").is_some() && catalog.find("other").is_none());
        let ours = |path: &Path| path.starts_with(&directory);
        let errors: Vec<String> = catalog
            .errors
            .iter()
            .filter(|(_, error)| ours(&error.file))
            .map(|(_, error)| error.to_string())
            .collect();
        assert_eq!(errors.len(), 1);
        assert!(
            errors[0].ends_with("c.conf cannot be read: it is not a regular file"),
            "{errors:?}"
        );
    }
}
