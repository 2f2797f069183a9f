//! The hierarchies in which a pod gets groups.

use std::collections::BTreeSet;
use std::path::PathBuf;

use gantry_sys::cgroup::{Group, Hierarchies, Hierarchy, Version};

use super::base;
use super::controller::Controller;

/// A hierarchy in which the pod has a group.
#[derive(Clone, Debug)]
pub(crate) struct Lane {
    pub(crate) version: Version,
    pub(crate) pod: Group,
    /// The path of the pod's group in the hierarchy.
    pub(crate) path: PathBuf,
    controllers: Vec<Controller>,
}

/// All of them, and why what is missing is missing.
#[derive(Debug, Default)]
pub(crate) struct Lanes {
    list: Vec<Lane>,
    missing: Vec<(Controller, String)>,
}

impl Lanes {
    /// Chooses hierarchies that have the controllers, and one by which all processes are found.
    ///
    /// Makes nothing yet but what [`base::choose`] does.
    pub(crate) fn choose(
        hierarchies: &Hierarchies,
        needed: &BTreeSet<Controller>,
        name: &str,
        systemd: bool,
    ) -> Self {
        let mut lanes = Self::default();
        let mut rest = Vec::new();
        for controller in needed {
            match hierarchies.legacy(controller.name(Version::One)) {
                Some(hierarchy) => lanes.add(&hierarchy, name, Some(*controller)),
                None => rest.push(*controller),
            }
        }
        let Some(unified) = hierarchies.unified() else {
            lanes.miss(&rest, "no control groups have it on this machine");
            // By the name the pod is found, as rkt had it; frozen it cannot fork while it is killed.
            for way in ["name=systemd", "freezer"] {
                if let Some(hierarchy) = hierarchies.legacy(way) {
                    lanes.add(&hierarchy, name, None);
                }
            }
            return lanes;
        };
        let base = base::choose(&unified, &rest, systemd);
        let group = base.group.directory();
        rest.retain(|controller| !base.enabled.contains(controller));
        let is_root = group == unified.mount;
        lanes.miss(
            &rest,
            &match is_root {
                true => format!("the control group {} does not offer it", group.display()),
                false => format!(
                    "the control group {} does not offer it to groups beneath, as while other \
                     processes are in it",
                    group.display()
                ),
            },
        );
        let hierarchy = Hierarchy {
            own: base.group.directory().to_owned(),
            ..unified
        };
        lanes.add(&hierarchy, name, None);
        if let Some(lane) = lanes.list.last_mut() {
            lane.controllers = base.enabled;
        }
        lanes
    }

    fn add(&mut self, hierarchy: &Hierarchy, name: &str, controller: Option<Controller>) {
        // A scope that was made for the pod has its name already.
        let named = hierarchy.own.file_name().is_some_and(|own| own == name);
        let pod = hierarchy.own.join(if named { "pod" } else { name });
        if let Some(lane) = self
            .list
            .iter_mut()
            .find(|lane| lane.pod.directory() == pod)
        {
            lane.controllers.extend(controller);
            return;
        }
        self.list.push(Lane {
            version: hierarchy.version,
            path: hierarchy.path_of(&pod),
            pod: Group::new(pod),
            controllers: controller.into_iter().collect(),
        });
    }

    fn miss(&mut self, controllers: &[Controller], why: &str) {
        let missing = controllers
            .iter()
            .map(|controller| (*controller, why.to_owned()));
        self.missing.extend(missing);
    }

    /// Makes the pod's groups; a hierarchy that does not let us drops out.
    pub(crate) fn make(&mut self) {
        let mut kept = Vec::new();
        for lane in std::mem::take(&mut self.list) {
            match lane.pod.make() {
                Ok(()) => kept.push(lane),
                Err(error) => {
                    let group = lane.pod.directory().display();
                    self.miss(&lane.controllers, &format!("cannot make {group}: {error}"));
                }
            }
        }
        self.list = kept;
        let Some(lane) = self
            .list
            .iter_mut()
            .find(|lane| lane.version == Version::Two)
        else {
            return;
        };
        let enabled = base::enable(lane.pod.clone(), &lane.controllers).enabled;
        let asked = std::mem::replace(&mut lane.controllers, enabled);
        let refused: Vec<_> = asked
            .into_iter()
            .filter(|controller| !lane.controllers.contains(controller))
            .collect();
        let why = format!(
            "the control group {} does not offer it",
            lane.pod.directory().display()
        );
        self.miss(&refused, &why);
    }

    /// The lanes.
    pub(crate) fn list(&self) -> &[Lane] {
        &self.list
    }

    /// The lane whose path is the pod's: where all its processes are found.
    pub(crate) fn tracking(&self) -> Option<&Lane> {
        let unified = self.list.iter().find(|lane| lane.version == Version::Two);
        unified.or_else(|| self.list.iter().find(|lane| lane.controllers.is_empty()))
    }

    /// The pod's group that a controller limits, or why there is none.
    pub(crate) fn of(&self, controller: Controller) -> Result<&Lane, &str> {
        let lane = self
            .list
            .iter()
            .find(|lane| lane.controllers.contains(&controller));
        lane.ok_or_else(|| {
            let missing = self.missing.iter().find(|(one, _)| *one == controller);
            missing.map_or("nobody asked for it", |(_, why)| why)
        })
    }
}
