//! Which stage1 a pod gets: our own under any of the names that it stands in for, or an image.

use std::path::{Path, PathBuf};

use clap::Args;
use gantry_cli::{Context, Failure};
use gantry_ops::Lease;
use gantry_ops::config::Section;
use gantry_types::ImageId;

use crate::cli::Globals;
use crate::images::Fetcher;
use crate::setup::{Setup, configuration};

/// The images that our own stage1 stands in for. Source: rkt 1.30, stage1/aci/aci-manifest.in.
const OWN: [&str; 3] = ["stage1-coreos", "stage1-host", "stage1-src"];

/// Images of rkt whose ways of running pods are still to come.
const NOT_YET: [&str; 2] = ["stage1-fly", "stage1-kvm"];

/// What the names of rkt's stage1 images begin with.
const NAMES: &str = "coreos.com/rkt/";

/// Where stage1 images are unless the configuration says otherwise.
const IMAGES_DIR: &str = "/usr/lib/rkt/stage1-images";

/// Flags for the stage1 of a pod.
#[derive(Args, Debug, Default)]
pub(crate) struct Stage1Args {
    /// Image that runs the pod: a URL
    #[arg(long, value_name = "URL")]
    stage1_url: Vec<String>,
    /// Image that runs the pod: a file
    #[arg(long, value_name = "FILE")]
    stage1_path: Vec<String>,
    /// Image that runs the pod: a name; coreos.com/rkt/stage1-coreos and the like stand for the usual way
    #[arg(long, value_name = "NAME")]
    stage1_name: Vec<String>,
    /// Image that runs the pod: an image ID
    #[arg(long, value_name = "ID")]
    stage1_hash: Vec<String>,
    /// Image that runs the pod: a file in the directory of stage1 images
    #[arg(long, value_name = "FILE")]
    stage1_from_dir: Vec<String>,
}

/// An image to be found, and whether its signature counts.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    /// Our own stage1.
    Own,
    /// What the user or the configuration named.
    Image { image: String, trusted: bool },
}

impl Stage1Args {
    /// The image that is to run the pod, fetched; `None` for our own stage1.
    ///
    /// # Errors
    ///
    /// Flags that exclude each other, ways of running pods that are not there, and what fetching runs into.
    pub(crate) fn find(
        &self,
        setup: &Setup,
        globals: &Globals,
        quiet: bool,
        context: &mut Context<'_>,
    ) -> Result<Option<(ImageId, Lease)>, Failure> {
        let wanted = match self.given()? {
            Some(("stage1-path", path)) => by_path(Path::new(path), globals)?,
            Some(("stage1-from-dir", name)) => from_dir(name, globals)?,
            Some(("stage1-name", name)) => by_name(name)?,
            Some((_, image)) => Wanted::Image {
                image: image.to_owned(),
                trusted: false,
            },
            None => configured(globals)?,
        };
        let Wanted::Image { image, trusted } = wanted else {
            return Ok(None);
        };
        let mut fetcher = Fetcher::new(setup, globals, "new", quiet, context)?;
        if trusted {
            fetcher = fetcher.without_signatures();
        }
        fetcher.fetch_for_use(&image, None, context).map(Some)
    }

    /// The one flag that was given.
    fn given(&self) -> Result<Option<(&'static str, &str)>, Failure> {
        let flags = [
            ("stage1-url", &self.stage1_url),
            ("stage1-path", &self.stage1_path),
            ("stage1-name", &self.stage1_name),
            ("stage1-hash", &self.stage1_hash),
            ("stage1-from-dir", &self.stage1_from_dir),
        ];
        let mut found = None;
        for (flag, values) in flags {
            for value in values {
                match found.replace((flag, value.as_str())) {
                    None => {}
                    Some((other, _)) if other == flag => {
                        return Err(Failure::usage(format!("--{flag} already used")));
                    }
                    Some((other, _)) => {
                        return Err(Failure::usage(format!(
                            "flags --{flag} and --{other} are mutually exclusive"
                        )));
                    }
                }
            }
        }
        Ok(found)
    }
}

/// Whether a name without its beginning, version and ending is one that our own stage1 stands in for.
fn is_own(name: &str) -> Result<bool, Failure> {
    if NOT_YET.contains(&name) {
        return Err(
            Failure::environment(format!("{name} is not available yet")).with_hint(
                "leave out the flag, or the entry of stage1.d, for pods in namespaces of their own",
            ),
        );
    }
    Ok(OWN.contains(&name))
}

fn by_name(name: &str) -> Result<Wanted, Failure> {
    let bare = name.split([':', ',']).next().unwrap_or_default();
    if let Some(bare) = bare.strip_prefix(NAMES)
        && is_own(bare)?
    {
        return Ok(Wanted::Own);
    }
    Ok(Wanted::Image {
        image: name.to_owned(),
        trusted: false,
    })
}

fn from_dir(name: &str, globals: &Globals) -> Result<Wanted, Failure> {
    if is_own(name.strip_suffix(".aci").unwrap_or(name))? {
        return Ok(Wanted::Own);
    }
    let path = images_dir(globals)?.join(name);
    Ok(Wanted::Image {
        image: path.to_string_lossy().into_owned(),
        trusted: true,
    })
}

/// A file, or one of its name beside this program; one that is in neither place may be one of ours.
fn by_path(path: &Path, globals: &Globals) -> Result<Wanted, Failure> {
    let path = std::path::absolute(path)
        .map_err(|error| Failure::environment(format!("no working directory: {error}")))?;
    let program = std::env::current_exe()
        .map_err(|error| Failure::environment(format!("cannot find this program: {error}")))?;
    let name = path.file_name().unwrap_or_default();
    let beside = program.with_file_name(name);
    let image = |path: &PathBuf, trusted| Wanted::Image {
        image: path.to_string_lossy().into_owned(),
        trusted,
    };
    if path.is_file() {
        let trusted = path.parent() == beside.parent() || path.starts_with(images_dir(globals)?);
        return Ok(image(&path, trusted));
    }
    if beside.is_file() {
        return Ok(image(&beside, true));
    }
    let name = name.to_string_lossy();
    match name.strip_suffix(".aci") {
        Some(name) if is_own(name)? => Ok(Wanted::Own),
        _ => Ok(image(&path, false)),
    }
}

fn images_dir(globals: &Globals) -> Result<PathBuf, Failure> {
    let config = configuration(globals, &[Section::Paths])?;
    Ok(config
        .stage1_images
        .map_or_else(|| PathBuf::from(IMAGES_DIR), |dir| dir.value))
}

/// What `stage1.d` says: a name that the store has, or a place.
fn configured(globals: &Globals) -> Result<Wanted, Failure> {
    let config = configuration(globals, &[Section::Stage1])?;
    if let Some(name) = config.stage1_name {
        let wanted = by_name(&format!("{}:{}", name.value.name, name.value.version))?;
        if wanted == Wanted::Own || config.stage1_location.is_none() {
            return Ok(wanted);
        }
    }
    match config.stage1_location {
        None => Ok(Wanted::Own),
        Some(location) if location.value.starts_with('/') => {
            by_path(Path::new(&location.value), globals)
        }
        Some(location) => Ok(Wanted::Image {
            image: location.value,
            trusted: false,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(list: &[&str]) -> Vec<String> {
        list.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn one_flag_is_given_once() {
        let args = |path: &[&str], name: &[&str]| Stage1Args {
            stage1_path: words(path),
            stage1_name: words(name),
            ..Stage1Args::default()
        };
        assert_eq!(args(&[], &[]).given().unwrap(), None);
        assert_eq!(
            args(&["/a"], &[]).given().unwrap(),
            Some(("stage1-path", "/a"))
        );
        assert!(args(&["/a", "/b"], &[]).given().is_err());
        assert!(args(&["/a"], &["b"]).given().is_err());
    }

    #[test]
    fn names_of_rkts_images_are_ours() {
        for name in [
            "coreos.com/rkt/stage1-coreos",
            "coreos.com/rkt/stage1-host:1.30.0",
        ] {
            assert_eq!(by_name(name).unwrap(), Wanted::Own, "{name}");
        }
        assert!(by_name("coreos.com/rkt/stage1-fly:1.30.0").is_err());
        let other = Wanted::Image {
            image: "example.test/stage1-coreos".to_owned(),
            trusted: false,
        };
        assert_eq!(by_name("example.test/stage1-coreos").unwrap(), other);
    }
}
