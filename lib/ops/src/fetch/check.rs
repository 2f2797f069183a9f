//! Whether what came is what was asked for.

use gantry_types::{ImageManifest, ImageName};

use super::FetchError;

/// Compares name and labels of a manifest with those asked for.
///
/// # Errors
///
/// [`FetchError::Name`], [`FetchError::Label`] or [`FetchError::LabelMissing`] for the first difference.
pub(super) fn check_identity(
    wanted: &ImageName,
    manifest: &ImageManifest,
) -> Result<(), FetchError> {
    if wanted.name != manifest.name {
        let (wanted, found) = (wanted.name.clone(), manifest.name.clone());
        return Err(FetchError::Name { wanted, found });
    }
    for label in wanted.labels.iter() {
        let name = label.name.as_str();
        match manifest.labels.get(name) {
            Some(value) if value == label.value => {}
            Some(found) => {
                return Err(FetchError::Label {
                    label: name.to_owned(),
                    wanted: label.value.clone(),
                    found: found.to_owned(),
                });
            }
            None => {
                return Err(FetchError::LabelMissing {
                    label: name.to_owned(),
                });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(name: &str) -> ImageManifest {
        let name: ImageName = name.parse().unwrap();
        ImageManifest {
            labels: name.labels,
            ..ImageManifest::new(name.name)
        }
    }

    fn check(wanted: &str, found: &str) -> Result<(), String> {
        check_identity(&wanted.parse().unwrap(), &manifest(found)).map_err(|e| e.to_string())
    }

    #[test]
    fn differences_are_told_in_the_words_that_scripts_know() {
        let have = "example.com/app:1.2.0,os=linux,arch=amd64";
        assert_eq!(check("example.com/app:1.2.0,os=linux", have), Ok(()));
        assert_eq!(check("example.com/app", have), Ok(()));
        assert_eq!(
            check("example.com/app:2.0", have).unwrap_err(),
            "requested value for label \"version\": \"2.0\" differs from fetched aci label value: \"1.2.0\""
        );
        assert_eq!(
            check("example.com/app,x=y", have).unwrap_err(),
            "requested label \"x\" not provided by the image manifest"
        );
        assert!(
            check("example.com/ap", have)
                .unwrap_err()
                .contains("example.com/app")
        );
    }
}
