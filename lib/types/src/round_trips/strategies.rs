//! Values of every type, for property tests.

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;

use crate::{
    AcIdentifier, AcKind, AcName, Annotation, Annotations, App, ApparmorProfile, CapabilitySet,
    Date, Dependency, Environment, Event, EventHandler, ExposedPort, Hash, ImageId, ImageManifest,
    ImageName, Isolator, IsolatorValue, Isolators, Label, Labels, List, Mount, MountPoint,
    PodManifest, Port, Quantity, Resource, RuntimeApp, RuntimeImage, SeccompSet, SelinuxContext,
    SemVer, Uuid, Volume, VolumeKind, os_arch,
};

/// Text of any characters, those that JSON and Go treat in a way of their own among them.
pub(super) fn text() -> BoxedStrategy<String> {
    let odd =
        "[\"\\\\/<>&\u{0}\u{8}\u{c}\n\r\t\u{1f}\u{7f}\u{2028}\u{2029}\u{fffd}\u{10ffff}a]{0,6}";
    prop_oneof!["\\PC{0,8}", odd].boxed()
}

/// Text that the comma-separated forms can hold.
pub(super) fn plain_text() -> BoxedStrategy<String> {
    prop_oneof!["[^,:]{0,8}", "[a-z0-9.=/%+&;# -]{1,8}"].boxed()
}

pub(super) fn identifier() -> impl Strategy<Value = AcIdentifier> {
    "[a-z0-9]([a-z0-9._~/-]{0,8}[a-z0-9])?".prop_map(|text| text.parse().unwrap())
}

pub(super) fn name() -> impl Strategy<Value = AcName> {
    "[a-z0-9]([a-z0-9-]{0,6}[a-z0-9])?".prop_map(|text| text.parse().unwrap())
}

pub(super) fn kind() -> impl Strategy<Value = AcKind> {
    prop_oneof![Just(AcKind::ImageManifest), Just(AcKind::PodManifest)]
}

pub(super) fn sem_ver() -> impl Strategy<Value = SemVer> {
    let numbers = (0..=i64::MAX, 0..=i64::MAX, 1..=i64::MAX);
    let parts = (numbers, "(-[^+\\p{C}]{1,6})?", "(\\+\\PC{1,6})?");
    parts.prop_map(|((major, minor, patch), pre, metadata)| {
        let text = format!("{major}.{minor}.{patch}{pre}{metadata}");
        text.parse().unwrap()
    })
}

pub(super) fn date() -> impl Strategy<Value = Date> {
    let date = "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])";
    let time =
        "T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.,][0-9]{1,12})?(Z|[+-][0-9]{2}:[0-9]{2})";
    let text = (date, time).prop_map(|(date, time)| date + &time);
    text.prop_map(|text| text.parse().unwrap())
}

pub(super) fn hash() -> impl Strategy<Value = Hash> {
    "sha512-[^-]{1,12}".prop_map(|text| text.parse().unwrap())
}

pub(super) fn image_id() -> impl Strategy<Value = ImageId> {
    any::<([u8; 32], [u8; 32])>().prop_map(|(first, last)| {
        let mut digest = [0; 64];
        digest[..32].copy_from_slice(&first);
        digest[32..].copy_from_slice(&last);
        ImageId::from_digest(digest)
    })
}

pub(super) fn uuid() -> impl Strategy<Value = Uuid> {
    any::<[u8; 16]>().prop_map(Uuid::from_random_bytes)
}

/// Amounts of every notation, as they may be written.
pub(super) fn quantity() -> impl Strategy<Value = Quantity> {
    let text = prop_oneof![
        "[+-]?[0-9]{1,12}(\\.[0-9]{0,12})?[numkMGTPE]?",
        "[+-]?[0-9]{1,12}(\\.[0-9]{1,12})?[KMGTPE]i",
        "[+-]?[0-9]{1,9}(\\.[0-9]{1,9})?[eE][+-]?[0-9]",
    ];
    text.prop_filter_map("too large", |text| text.parse().ok())
}

fn label(value: BoxedStrategy<String>) -> impl Strategy<Value = Label> {
    let parts = (identifier(), value);
    parts.prop_filter_map("reserved", |(name, value)| {
        let reserved = matches!(name.as_str(), "name" | "os" | "arch");
        (!reserved).then_some(Label { name, value })
    })
}

/// Labels whose values are made by `value`.
pub(super) fn labels_of(value: BoxedStrategy<String>) -> impl Strategy<Value = Labels> {
    let systems: Vec<_> = ["linux", "freebsd", "darwin"]
        .into_iter()
        .flat_map(|os| {
            os_arch::architectures(os)
                .iter()
                .map(move |arch| (os, *arch))
        })
        .collect();
    let system = option::of(proptest::sample::select(systems));
    (vec(label(value), 0..4), system, any::<bool>()).prop_map(|(mut labels, system, first)| {
        labels.sort_by(|a, b| a.name.cmp(&b.name));
        labels.dedup_by(|a, b| a.name == b.name);
        if let Some((os, arch)) = system {
            let at = if first { 0 } else { labels.len() };
            for (name, value) in [("os", os), ("arch", arch)] {
                let name = name.parse().unwrap();
                let value = value.to_owned();
                labels.insert(at, Label { name, value });
            }
        }
        Labels::new(labels).unwrap()
    })
}

pub(super) fn labels() -> impl Strategy<Value = Labels> {
    labels_of(text())
}

pub(super) fn annotations() -> impl Strategy<Value = Annotations> {
    let free = (identifier(), text()).prop_map(|(name, value)| Annotation { name, value });
    let known = |name: &'static str, value: BoxedStrategy<String>| {
        value.prop_map(move |value| Annotation {
            name: name.parse().unwrap(),
            value,
        })
    };
    let one = prop_oneof![
        4 => free,
        1 => known("created", date().prop_map(|date| date.to_string()).boxed()),
        1 => known("homepage", "https?://[a-z]{1,4}(:[0-9]{0,3})?(/[a-z <>&?#]{0,6})?".boxed()),
    ];
    vec(one, 0..4).prop_map(|list| {
        let mut annotations = Annotations::default();
        for one in list {
            let _ = annotations.set(one.name, one.value); // a free one may break a known one's rule
        }
        annotations
    })
}

pub(super) fn environment() -> impl Strategy<Value = Environment> {
    btree_map("[A-Za-z_][A-Za-z0-9_.-]{0,6}", text(), 0..4).prop_map(|variables| {
        let mut environment = Environment::default();
        for (name, value) in variables {
            environment.set(name, value).unwrap();
        }
        environment
    })
}

/// A list that was never set, or has up to two items.
fn list<S: Strategy>(item: S) -> impl Strategy<Value = List<S::Value>>
where
    S::Value: Clone,
{
    let items = vec(item, 0..3).prop_map(List::from);
    prop_oneof![1 => Just(List::set_empty()), 5 => items]
}

pub(super) fn event_handler() -> impl Strategy<Value = EventHandler> {
    let event = prop_oneof![Just(Event::PreStart), Just(Event::PostStop)];
    (event, list(text())).prop_map(|(event, exec)| EventHandler { event, exec })
}

/// A mount point whose path is made by `path`.
pub(super) fn mount_point_of(path: BoxedStrategy<String>) -> impl Strategy<Value = MountPoint> {
    (name(), path, any::<bool>()).prop_map(|(name, path, read_only)| MountPoint {
        name,
        path,
        read_only,
    })
}

prop_compose! {
    /// A port as JSON has it, with a count.
    pub(super) fn port()(
        name in name(),
        protocol in plain_text(),
        (port, count) in (1..=65535_u16).prop_flat_map(|port| (Just(port), 1..=(65536 - u32::from(port)))),
        socket_activated: bool,
    ) -> Port {
        let count = u16::try_from(count).unwrap_or(u16::MAX);
        Port { name, protocol, port, count, socket_activated }
    }
}

prop_compose! {
    pub(super) fn exposed_port()(
        name in name(),
        host_port: u64,
        host_ip: Option<std::net::IpAddr>,
        pod_port in option::of(port()),
    ) -> ExposedPort {
        let host_ip = host_ip.map(|ip| ip.to_canonical());
        ExposedPort { name, host_port, host_ip, pod_port }
    }
}

/// A volume whose texts are made by `text`.
pub(super) fn volume_of(text: BoxedStrategy<String>) -> impl Strategy<Value = Volume> {
    let host = text.clone().prop_map(|path| VolumeKind::Host {
        source: format!("/{path}"),
    });
    let empty = (text, any::<i64>(), any::<i64>());
    let empty = empty.prop_map(|(mode, uid, gid)| VolumeKind::Empty { mode, uid, gid });
    let kind = prop_oneof![host, empty];
    let parts = (name(), kind, any::<Option<bool>>(), any::<Option<bool>>());
    parts.prop_map(|(name, kind, read_only, recursive)| Volume {
        name,
        kind,
        read_only,
        recursive,
    })
}

pub(super) fn volume() -> impl Strategy<Value = Volume> {
    volume_of(text())
}

prop_compose! {
    pub(super) fn mount()(volume_name in name(), path in text(), app_volume in option::of(volume())) -> Mount {
        Mount { volume: volume_name, path, app_volume }
    }
}

prop_compose! {
    pub(super) fn dependency()(
        image_name in identifier(),
        image_id in option::of(hash()),
        labels in labels(),
        size: u64,
    ) -> Dependency {
        Dependency { image_name, image_id, labels, size }
    }
}

/// A value of each isolator that there is.
pub(super) fn isolator_value() -> BoxedStrategy<IsolatorValue> {
    use IsolatorValue as V;
    let capabilities = || vec(text(), 1..3).prop_map(|set| CapabilitySet::new(set).unwrap());
    let seccomp = || {
        let parts = (vec(text(), 1..3), "(E[A-Z0-9]{0,5})?");
        parts.prop_map(|(set, errno)| SeccompSet::new(set, errno).unwrap())
    };
    let part = || "[^:]{1,5}";
    let selinux = (part(), part(), part(), ".{1,5}").prop_map(|(user, role, kind, level)| {
        V::SelinuxContext(SelinuxContext::new(user, role, kind, level).unwrap())
    });
    let shared = || {
        let amounts = (option::of(quantity()), option::of(quantity()));
        amounts.prop_map(|(request, limit)| Resource { request, limit })
    };
    let limited = || {
        option::of(quantity()).prop_map(|limit| Resource {
            request: None,
            limit,
        })
    };
    prop_oneof![
        seccomp().prop_map(V::SeccompRemoveSet),
        seccomp().prop_map(V::SeccompRetainSet),
        capabilities().prop_map(V::CapabilitiesRetainSet),
        capabilities().prop_map(V::CapabilitiesRemoveSet),
        any::<bool>().prop_map(V::NoNewPrivileges),
        (-1000..=1000_i32).prop_map(V::OomScoreAdj),
        (2..=262_144_u32).prop_map(V::CpuShares),
        selinux,
        ".{1,5}".prop_map(|profile| V::ApparmorProfile(ApparmorProfile::new(profile).unwrap())),
        btree_map(text(), text(), 0..3).prop_map(V::Sysctl),
        limited().prop_map(V::BlockBandwidth),
        limited().prop_map(V::BlockIops),
        limited().prop_map(V::NetworkBandwidth),
        shared().prop_map(V::Cpu),
        shared().prop_map(V::Memory),
    ]
    .boxed()
}

pub(super) fn isolator() -> impl Strategy<Value = Isolator> {
    isolator_value().prop_map(|value| Isolator::new(value).unwrap())
}

pub(super) fn isolators() -> impl Strategy<Value = Isolators> {
    vec(isolator(), 0..5).prop_map(|list| {
        let mut isolators = Isolators::default();
        for isolator in list {
            let _ = isolators.push(isolator); // one that may not stand beside the others is left out
        }
        isolators
    })
}

prop_compose! {
    pub(super) fn app()(
        exec in list(text()),
        handlers in vec(event_handler(), 0..3),
        (user, group) in ("\\PC{1,6}", "\\PC{1,6}"),
        supplementary_gids in vec(any::<i64>(), 0..3),
        working_directory in "(/\\PC{0,6})?",
        environment in environment(),
        mount_points in vec(mount_point_of(text()), 0..3),
        ports in vec(port(), 0..3),
        isolators in isolators(),
        (user_annotations, user_labels) in (btree_map(text(), text(), 0..3), btree_map(text(), text(), 0..3)),
    ) -> App {
        let mut event_handlers = handlers;
        event_handlers.sort_by_key(|handler| handler.event.as_str());
        event_handlers.dedup_by_key(|handler| handler.event);
        App {
            exec, event_handlers, user, group, supplementary_gids, working_directory, environment,
            mount_points, ports, isolators, user_annotations, user_labels,
        }
    }
}

prop_compose! {
    pub(super) fn image_manifest()(
        ac_version in sem_ver(),
        name in identifier(),
        labels in labels(),
        app in option::of(app()),
        annotations in annotations(),
        dependencies in vec(dependency(), 0..3),
        path_whitelist in vec(text(), 0..3),
    ) -> ImageManifest {
        ImageManifest { ac_version, name, labels, app, annotations, dependencies, path_whitelist }
    }
}

prop_compose! {
    pub(super) fn runtime_app()(
        name in name(),
        (image_name, id, labels) in (option::of(identifier()), hash(), labels()),
        app in option::of(app()),
        read_only_root_fs: bool,
        mounts in vec(mount(), 0..3),
        annotations in annotations(),
    ) -> RuntimeApp {
        let image = RuntimeImage { name: image_name, id, labels };
        RuntimeApp { name, image, app, read_only_root_fs, mounts, annotations }
    }
}

/// An isolator of a pod, which may be one that nobody knows.
fn pod_isolator() -> impl Strategy<Value = Isolator> {
    let unknown = (identifier(), text()).prop_map(|(name, value)| {
        let value = serde_json::json!({ "x": [value, null, 1.5] }).to_string();
        let name = format!("x/{name}").parse().unwrap();
        Isolator::from_json_value(name, value.as_bytes()).unwrap()
    });
    prop_oneof![3 => isolator(), 1 => unknown]
}

prop_compose! {
    pub(super) fn pod_manifest()(
        ac_version in sem_ver(),
        mut apps in list(runtime_app()),
        mut volumes in list(volume()),
        isolators in list(pod_isolator()),
        annotations in annotations(),
        ports in list(exposed_port()),
        (user_annotations, user_labels) in (btree_map(text(), text(), 0..3), btree_map(text(), text(), 0..3)),
    ) -> PodManifest {
        apps.sort_by(|a, b| a.name.cmp(&b.name));
        apps.dedup_by(|a, b| a.name == b.name);
        volumes.sort_by(|a, b| a.name.cmp(&b.name));
        volumes.dedup_by(|a, b| a.name == b.name);
        PodManifest {
            ac_version: Some(ac_version), apps, volumes, isolators, annotations, ports,
            user_annotations, user_labels,
        }
    }
}

/// An image name whose label values are made by `value`.
pub(super) fn image_name_of(value: BoxedStrategy<String>) -> impl Strategy<Value = ImageName> {
    (identifier(), labels_of(value)).prop_map(|(name, labels)| ImageName {
        name,
        labels: labels.sorted(),
    })
}
