//! Which keys an object of a manifest may have. Source: appc aci.md and pods.md, and what the code adds.

/// What a value is made of.
pub(super) enum Shape {
    /// Something without keys.
    Leaf,
    /// An object whose keys are anyone's.
    Map,
    /// An array.
    List(&'static Shape),
    /// An object with these keys.
    Object(&'static [(&'static str, &'static Shape)]),
    /// An isolator: its value has the keys that go with its name.
    Isolator,
}

use Shape::{Isolator, Leaf, List, Map, Object};

static PAIRS: Shape = List(&Object(&[("name", &Leaf), ("value", &Leaf)]));
static ISOLATORS: Shape = List(&Isolator);
static VOLUME: Shape = Object(&[
    ("name", &Leaf),
    ("kind", &Leaf),
    ("source", &Leaf),
    ("readOnly", &Leaf),
    ("recursive", &Leaf),
    ("mode", &Leaf),
    ("uid", &Leaf),
    ("gid", &Leaf),
]);
static PORT: Shape = Object(&[
    ("name", &Leaf),
    ("protocol", &Leaf),
    ("port", &Leaf),
    ("count", &Leaf),
    ("socketActivated", &Leaf),
]);
static APP: Shape = Object(&[
    ("exec", &Leaf),
    (
        "eventHandlers",
        &List(&Object(&[("name", &Leaf), ("exec", &Leaf)])),
    ),
    ("user", &Leaf),
    ("group", &Leaf),
    ("supplementaryGIDs", &Leaf),
    ("workingDirectory", &Leaf),
    ("environment", &PAIRS),
    (
        "mountPoints",
        &List(&Object(&[
            ("name", &Leaf),
            ("path", &Leaf),
            ("readOnly", &Leaf),
        ])),
    ),
    ("ports", &List(&PORT)),
    ("isolators", &ISOLATORS),
    ("userAnnotations", &Map),
    ("userLabels", &Map),
]);

/// An image manifest.
pub(super) static IMAGE: Shape = Object(&[
    ("acKind", &Leaf),
    ("acVersion", &Leaf),
    ("name", &Leaf),
    ("labels", &PAIRS),
    ("app", &APP),
    ("annotations", &PAIRS),
    (
        "dependencies",
        &List(&Object(&[
            ("imageName", &Leaf),
            ("imageID", &Leaf),
            ("labels", &PAIRS),
            ("size", &Leaf),
        ])),
    ),
    ("pathWhitelist", &Leaf),
]);

/// A pod manifest.
pub(super) static POD: Shape = Object(&[
    ("acVersion", &Leaf),
    ("acKind", &Leaf),
    (
        "apps",
        &List(&Object(&[
            ("name", &Leaf),
            (
                "image",
                &Object(&[("name", &Leaf), ("id", &Leaf), ("labels", &PAIRS)]),
            ),
            ("app", &APP),
            ("readOnlyRootFS", &Leaf),
            (
                "mounts",
                &List(&Object(&[
                    ("volume", &Leaf),
                    ("path", &Leaf),
                    ("appVolume", &VOLUME),
                ])),
            ),
            ("annotations", &PAIRS),
        ])),
    ),
    ("volumes", &List(&VOLUME)),
    ("isolators", &ISOLATORS),
    ("annotations", &PAIRS),
    (
        "ports",
        &List(&Object(&[
            ("name", &Leaf),
            ("hostPort", &Leaf),
            ("hostIP", &Leaf),
            ("podPort", &PORT),
        ])),
    ),
    ("userAnnotations", &Map),
    ("userLabels", &Map),
]);

/// An isolator as such.
pub(super) static ISOLATOR_KEYS: [&str; 2] = ["name", "value"];

/// The value of an isolator.
pub(super) fn isolator_value(name: &str) -> &'static Shape {
    static SETS: Shape = Object(&[("set", &Leaf)]);
    static SECCOMP: Shape = Object(&[("set", &Leaf), ("errno", &Leaf)]);
    static SELINUX: Shape = Object(&[
        ("user", &Leaf),
        ("role", &Leaf),
        ("type", &Leaf),
        ("level", &Leaf),
    ]);
    static APPARMOR: Shape = Object(&[("profile", &Leaf)]);
    static RESOURCE: Shape = Object(&[("default", &Leaf), ("request", &Leaf), ("limit", &Leaf)]);
    match name {
        "os/linux/seccomp-remove-set" | "os/linux/seccomp-retain-set" => &SECCOMP,
        "os/linux/capabilities-remove-set" | "os/linux/capabilities-retain-set" => &SETS,
        "os/linux/selinux-context" => &SELINUX,
        "os/linux/apparmor-profile" => &APPARMOR,
        resource if resource.starts_with("resource/") => &RESOURCE,
        _ => &Map,
    }
}
