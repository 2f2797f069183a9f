//! Definitions of networks and programs of plugins on the host.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use gantry_sys::regular_file::read_regular_files;
use gantry_types::net::{Catalog, MAX_DEFINITION_BYTES, is_definition_file};

/// Where plugins lie, after the local configuration: rkt's own place, that of a stage1 image, those of
/// distributions (Debian; Fedora and SUSE), that of the plugins' own releases.
const PLUGIN_DIRECTORIES: [&str; 5] = [
    "/usr/lib/rkt/plugins/net",
    "stage1/rootfs/usr/lib/rkt/plugins/net",
    "/usr/lib/cni",
    "/usr/libexec/cni",
    "/opt/cni/bin",
];

/// What the files of this host define.
pub(super) fn catalog(local_config: &Path) -> Catalog {
    Catalog::of_host(local_config, |directory| {
        read_regular_files(directory, MAX_DEFINITION_BYTES, is_definition_file)
    })
}

/// The directories in which plugins are looked for, in this order.
#[derive(Clone, Debug)]
pub(super) struct PluginDirectories(pub(super) Vec<PathBuf>);

impl PluginDirectories {
    /// Those of a host with this local configuration; the working directory is the pod directory.
    pub(super) fn new(local_config: &Path) -> Self {
        let own = local_config.join("net.d");
        let others = PLUGIN_DIRECTORIES.iter().map(|directory| {
            // Plugins are called from another working directory.
            std::path::absolute(directory).unwrap_or_else(|_| directory.into())
        });
        Self(std::iter::once(own).chain(others).collect())
    }

    /// The program of a plugin.
    pub(super) fn find(&self, plugin: &str) -> Option<PathBuf> {
        let candidates = self.0.iter().map(|directory| directory.join(plugin));
        let mut programs = candidates.filter(|path| path.is_file());
        programs.next()
    }

    /// The value of `CNI_PATH`, with which plugins find each other.
    pub(super) fn as_path(&self) -> OsString {
        let mut text = OsString::new();
        for (number, directory) in self.0.iter().enumerate() {
            if number > 0 {
                text.push(":");
            }
            text.push(directory);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn definitions_are_read_and_what_cannot_be_read_is_told() {
        let temp = tempfile::tempdir().unwrap();
        let net = temp.path().join("net.d");
        assert!(catalog(temp.path()).find("default").is_some());
        fs::create_dir(&net).unwrap();
        fs::write(net.join("a.conf"), r#"{"name":"mine","type":"x"}"#).unwrap();
        fs::write(net.join("README"), "no definition").unwrap();
        fs::create_dir(net.join("c.conf")).unwrap();
        let all = catalog(temp.path());
        assert!(all.find("mine").is_some());
        let errors: Vec<String> = all.errors.iter().map(|(_, e)| e.to_string()).collect();
        let directory = net.join("c.conf");
        let expected = format!(
            "network configuration {} cannot be read: it is not a regular file",
            directory.display()
        );
        assert!(errors.contains(&expected), "{errors:?}");
    }

    #[test]
    fn the_first_directory_with_a_plugin_counts() {
        let temp = tempfile::tempdir().unwrap();
        let directories = PluginDirectories::new(temp.path());
        fs::create_dir(temp.path().join("net.d")).unwrap();
        let own = temp.path().join("net.d/some-plugin");
        assert_eq!(directories.find("some-plugin"), None);
        fs::write(&own, "").unwrap();
        assert_eq!(directories.find("some-plugin"), Some(own));
        let path = directories.as_path().into_string().unwrap();
        let first = temp.path().join("net.d");
        assert!(path.starts_with(&format!("{}:/usr/lib/rkt/plugins/net:/", first.display())));
        assert!(path.ends_with(":/usr/lib/cni:/usr/libexec/cni:/opt/cni/bin"));
    }
}
