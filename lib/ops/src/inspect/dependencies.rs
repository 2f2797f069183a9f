//! The tree of dependencies, as far as their files are at hand.

use std::collections::HashSet;
use std::path::PathBuf;

use gantry_archive::list::{ListOptions, list};
use gantry_types::{Dependency, ImageId, ImageManifest};

use super::InspectError;

/// One dependency, in the order of the manifests, each followed by its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DependencyLine {
    /// 0 for what the image itself depends on.
    pub level: usize,
    /// What is asked for.
    pub dependency: Dependency,
    /// Which file it is.
    pub resolution: Resolution,
}

/// Which file a dependency is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution {
    /// None of those given has its name. What it depends on itself is unknown.
    NotGiven,
    /// Those that have its name are not what is asked for: each with the reason.
    Mismatch(Vec<(PathBuf, String)>),
    /// This file; what it depends on follows.
    Found(PathBuf, ImageId),
    /// This file, which was told above with what it depends on.
    Repeated(PathBuf, ImageId),
    /// This file, which depends on itself by way of this line: no image can be rendered of it.
    Cycle(PathBuf, ImageId),
}

/// A file that may be a dependency.
struct Candidate {
    path: PathBuf,
    manifest: ImageManifest,
    image_id: ImageId,
    size: u64,
}

impl Candidate {
    fn read(path: PathBuf) -> Result<Self, InspectError> {
        let opening = |source| InspectError::Open {
            path: path.clone(),
            source,
        };
        let file = crate::open_input(&path).map_err(opening)?;
        let size = file.metadata().map_err(opening)?.len();
        let listing =
            list(file, &ListOptions::default()).map_err(|source| InspectError::Image {
                path: path.clone(),
                source,
            })?;
        let manifest = ImageManifest::from_json(&listing.manifest).map_err(|source| {
            InspectError::Manifest {
                path: path.clone(),
                source,
            }
        })?;
        Ok(Self {
            path,
            manifest,
            image_id: listing.image_id,
            size,
        })
    }

    /// Why it is not what is asked for, if it is not.
    fn mismatch(&self, dependency: &Dependency) -> Option<String> {
        if let Some(wanted) = &dependency.image_id
            && !is_id(&wanted.to_string(), &self.image_id)
        {
            return Some(format!("its image ID is {}", self.image_id));
        }
        for label in dependency.labels.iter() {
            let found = self.manifest.labels.get(label.name.as_str());
            if found != Some(label.value.as_str()) {
                let found = found.unwrap_or("not set");
                return Some(format!("its label {} is {found}", label.name));
            }
        }
        (dependency.size != 0 && dependency.size != self.size)
            .then(|| format!("its size is {}", self.size))
    }
}

/// Old manifests may have their IDs cut short, as stores print them.
fn is_id(wanted: &str, found: &ImageId) -> bool {
    wanted.len() > ImageId::PREFIX.len() && found.to_string().starts_with(wanted)
}

/// Follows the dependencies of `manifest` among the image files `given`.
pub(super) fn resolve(
    manifest: &ImageManifest,
    given: &[PathBuf],
) -> Result<Vec<DependencyLine>, InspectError> {
    let given = given.iter().cloned();
    let mut walk = Walk {
        candidates: given.map(Candidate::read).collect::<Result<_, _>>()?,
        told: HashSet::new(),
        lines: Vec::new(),
    };
    walk.follow(&manifest.dependencies, &mut Vec::new());
    Ok(walk.lines)
}

struct Walk {
    candidates: Vec<Candidate>,
    /// Candidates whose dependencies were told.
    told: HashSet<usize>,
    lines: Vec<DependencyLine>,
}

impl Walk {
    /// Adds a line for each dependency, and those of what it is. `above` are the candidates on the way.
    fn follow(&mut self, dependencies: &[Dependency], above: &mut Vec<usize>) {
        for dependency in dependencies {
            let level = above.len();
            let (resolution, next) = self.resolution(dependency, above);
            self.lines.push(DependencyLine {
                level,
                dependency: dependency.clone(),
                resolution,
            });
            if let Some(next) = next {
                self.told.insert(next);
                let deeper = self.candidates[next].manifest.dependencies.clone();
                above.push(next);
                self.follow(&deeper, above);
                above.pop();
            }
        }
    }

    fn resolution(&self, dependency: &Dependency, above: &[usize]) -> (Resolution, Option<usize>) {
        let mut mismatches = Vec::new();
        for (index, candidate) in self.candidates.iter().enumerate() {
            if candidate.manifest.name != dependency.image_name {
                continue;
            }
            match candidate.mismatch(dependency) {
                Some(reason) => mismatches.push((candidate.path.clone(), reason)),
                None => {
                    let (path, id) = (candidate.path.clone(), candidate.image_id);
                    return if above.contains(&index) {
                        (Resolution::Cycle(path, id), None)
                    } else if self.told.contains(&index) {
                        (Resolution::Repeated(path, id), None)
                    } else {
                        (Resolution::Found(path, id), Some(index))
                    };
                }
            }
        }
        match mismatches.is_empty() {
            true => (Resolution::NotGiven, None),
            false => (Resolution::Mismatch(mismatches), None),
        }
    }
}
