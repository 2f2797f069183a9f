//! The rules that findings name.

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Severity {
    /// The manifest is not valid.
    Error,
    /// The manifest is valid, and something about it is hardly meant.
    Warning,
}

impl Severity {
    /// The name in JSON: `error` or `warning`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// A rule. Its identifier never changes its meaning.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Rule {
    /// The identifier, such as `appc/name-missing`.
    pub id: &'static str,
    /// What breaking it means.
    pub severity: Severity,
    /// What must be, in a sentence.
    pub summary: &'static str,
    /// What to do; empty where that depends.
    pub hint: &'static str,
}

macro_rules! rules {
    ($($name:ident $severity:ident $id:literal $summary:literal $hint:literal)+) => {
        $(#[doc = concat!("`", $id, "`: ", $summary)]
        pub static $name: Rule = Rule {
            id: $id,
            severity: Severity::$severity,
            summary: $summary,
            hint: $hint,
        };)+

        /// Every rule about manifests, in the order of the documentation.
        pub static RULES: &[&Rule] = &[$(&$name),+];
    };
}

rules! {
    SYNTAX Error "json/syntax" "The text is JSON." ""
    TOO_LARGE Error "json/too-large" "The text has at most 4 MiB." "put large data into a file of the image"
    TYPE Error "json/type" "Every value has the JSON type that its field wants, and numbers fit." ""
    DUPLICATE_KEY Warning "json/duplicate-key" "No key stands twice in an object." "keep one of them: readers differ in which one counts"
    KEY_SPELLING Warning "json/key-spelling" "Keys are written as the specification writes them; case is passed over." ""
    UNKNOWN_FIELD Warning "json/unknown-field" "Every key is one that the specification knows; others are ignored." ""
    NOT_UTF8 Warning "json/not-utf8" "The text is UTF-8; other bytes are read as U+FFFD." "save the file as UTF-8"

    KIND_MISSING Error "appc/kind-missing" "`acKind` is set." "add \"acKind\": \"ImageManifest\" or \"PodManifest\""
    KIND_UNKNOWN Error "appc/kind-unknown" "`acKind` is `ImageManifest` or `PodManifest`." ""
    KIND_WRONG Error "appc/kind-wrong" "`acKind` is there and the one that is wanted; an image holds an `ImageManifest`." ""
    AC_VERSION_MISSING Error "appc/ac-version-missing" "An image manifest has an `acVersion`." "add \"acVersion\": \"0.8.11\""
    AC_VERSION Error "appc/ac-version" "`acVersion` is MAJOR.MINOR.PATCH with an optional -PRE and +META, and not zero." "such as 0.8.11"
    AC_VERSION_OLD Warning "appc/ac-version-old" "`acVersion` is 0.8.0 or later: before that fields had other names." "update the manifest to 0.8.11"
    AC_VERSION_NEW Warning "appc/ac-version-new" "`acVersion` is a version that exists; the last one is 0.8.11." ""
    NAME_MISSING Error "appc/name-missing" "An image has a name." "add \"name\", such as example.com/app"

    IDENTIFIER_EMPTY Error "appc/identifier-empty" "Names of images, labels, annotations and isolators are not empty." ""
    IDENTIFIER_CHARACTER Error "appc/identifier-character" "Names of images, labels, annotations and isolators hold lower-case letters, digits and `-._~/` only." ""
    IDENTIFIER_EDGE Error "appc/identifier-edge" "Names of images, labels, annotations and isolators begin and end with a letter or digit." ""
    IDENTIFIER_CANONICAL Warning "appc/identifier-canonical" "Separators in names of images, labels and annotations stand alone, as in `a/b` and unlike `a//b`." "the specification forbids it and the tools pass it over; use one separator"
    AC_NAME_EMPTY Error "appc/ac-name-empty" "Names of apps, ports, volumes and mount points are not empty." ""
    AC_NAME_CHARACTER Error "appc/ac-name-character" "Names of apps, ports, volumes and mount points hold lower-case letters, digits and `-` only." ""
    AC_NAME_EDGE Error "appc/ac-name-edge" "Names of apps, ports, volumes and mount points begin and end with a letter or digit." ""
    AC_NAME_CANONICAL Warning "appc/ac-name-canonical" "Dashes in names of apps, ports, volumes and mount points stand alone." "the specification forbids it and the tools pass it over; use one dash"

    LABEL_RESERVED Error "appc/label-reserved" "No label is called `name`." "the name of an image is its field `name`"
    LABEL_DUPLICATE Error "appc/label-duplicate" "Every label stands once." ""
    OS_UNKNOWN Error "appc/os-unknown" "The label `os` is one of those that appc knows." ""
    ARCH_UNKNOWN Error "appc/arch-unknown" "The label `arch` is one that appc knows for the `os`." ""
    OS_AND_ARCH Warning "appc/os-and-arch" "The labels `os` and `arch` come together." "add the other one: alone, `arch` is not checked and `os` says little"
    LABEL_VERSION Warning "appc/label-version" "An image has a label `version`, by which discovery asks for it." "add a label \"version\""
    ANNOTATION_DUPLICATE Error "appc/annotation-duplicate" "Every annotation stands once." ""
    ANNOTATION_CREATED Error "appc/annotation-created" "The annotation `created` is a date of RFC 3339." "such as 2014-10-27T19:32:27Z"
    ANNOTATION_URL Error "appc/annotation-url" "The annotations `homepage` and `documentation` are http or https addresses." ""
    ANNOTATION_NOTIFY Warning "appc/annotation-notify" "The annotation `appc.io/executor/supports-systemd-notify` is `true` or `false`." ""

    USER_MISSING Error "appc/user-missing" "An app has a user." "add \"user\": \"0\" for root"
    GROUP_MISSING Error "appc/group-missing" "An app has a group." "add \"group\": \"0\" for root"
    WORKING_DIRECTORY Error "appc/working-directory" "The working directory is an absolute path." ""
    ENVIRONMENT_EMPTY Error "appc/environment-empty" "Variables have names." ""
    ENVIRONMENT_NAME Error "appc/environment-name" "Names of variables are letters, digits and `_.-`, beginning with a letter or `_`." ""
    ENVIRONMENT_DUPLICATE Error "appc/environment-duplicate" "Every variable stands once." ""
    EVENT_MISSING Error "appc/event-missing" "An event handler names its event." "pre-start or post-stop"
    EVENT_UNKNOWN Error "appc/event-unknown" "Events are `pre-start` and `post-stop`." ""
    EVENT_DUPLICATE Error "appc/event-duplicate" "Every event has one handler at most." ""
    MOUNT_POINT_PATH Warning "appc/mount-point-path" "The path of a mount point is absolute." ""
    MOUNT_POINT_DUPLICATE Warning "appc/mount-point-duplicate" "Every mount point has a name of its own." ""
    PORT_RANGE Error "appc/port-range" "Ports are numbers from 1 to 65535." ""
    PORT_RANGE_END Error "appc/port-range-end" "The last port of a range is at most 65535." ""
    PORT_DUPLICATE Warning "appc/port-duplicate" "Every port has a name of its own." ""
    PORT_PROTOCOL Warning "appc/port-protocol" "The protocol of a port is `tcp` or `udp`." ""
    DEPENDENCY_NAME Error "appc/dependency-name" "A dependency names its image." "add \"imageName\""
    DEPENDENCY_SIZE Warning "appc/dependency-size" "The size of a dependency is not written as 0, which says nothing." "leave \"size\" out, or set the size of the image file in bytes"
    IMAGE_ID Error "appc/image-id" "An image ID is sha512- and a value." ""
    PATH_WHITELIST Warning "appc/path-whitelist" "Paths of the white list are absolute." ""

    ISOLATOR_UNKNOWN Error "appc/isolator-unknown" "The isolators of an app are those that the specification knows." ""
    ISOLATOR_UNKNOWN_POD Warning "appc/isolator-unknown-pod" "The isolators of a pod are those that the specification knows; others are kept and ignored." ""
    ISOLATOR_VALUE Error "appc/isolator-value" "An isolator has a value." ""
    ISOLATOR_REPEATED Error "appc/isolator-repeated" "Isolators that may stand once stand once." ""
    ISOLATOR_AGAIN Warning "appc/isolator-again" "Isolators that may stand several times stand once: only the last one counts." "keep one of them"
    ISOLATOR_CONFLICT Error "appc/isolator-conflict" "Isolators that exclude each other do not stand together." ""
    CAPABILITIES_BOTH Warning "appc/capabilities-both" "Capabilities are either retained or removed." "keep one of the two isolators"
    CAPABILITY_NAME Warning "appc/capability-name" "Capabilities are called CAP_ and capital letters." "such as CAP_NET_ADMIN"
    SET_DUPLICATE Warning "appc/set-duplicate" "Nothing stands twice in a set of capabilities or system calls." ""
    SET_EMPTY Error "appc/set-empty" "A set of capabilities or system calls is not empty." ""
    ERRNO Error "appc/errno" "The errno of seccomp is E and capital letters or digits." "such as EPERM"
    ISOLATOR_RANGE Error "appc/isolator-range" "Numbers of isolators lie in their range." ""
    SELINUX Error "appc/selinux" "The parts of an SELinux context are not empty, and only the level holds colons." ""
    APPARMOR Error "appc/apparmor" "An AppArmor profile has a name." ""
    RESOURCE_DEFAULT Error "appc/resource-default" "`default` is true for bandwidths and block I/O, and false or absent for cpu and memory." ""
    RESOURCE_REQUEST Error "appc/resource-request" "Bandwidths and block I/O have a limit only." "remove \"request\""
    RESOURCE_ORDER Warning "appc/resource-order" "What is requested is not more than the limit." ""
    QUANTITY Error "appc/quantity" "A quantity is a number and a suffix." "such as 500m, 64M or 1.5Gi"

    APP_DUPLICATE Error "appc/app-duplicate" "Every app of a pod has a name of its own." ""
    VOLUME_DUPLICATE Error "appc/volume-duplicate" "Every volume of a pod has a name of its own." ""
    VOLUME_KIND Error "appc/volume-kind" "A volume is of the kind `host` or `empty`." ""
    VOLUME_SOURCE Error "appc/volume-source" "A host volume has an absolute path as its source, an empty one has none." ""
    VOLUME_EMPTY_ONLY Error "appc/volume-empty-only" "Only an empty volume has mode, uid and gid." ""
    HOST_IP Error "appc/host-ip" "The address of the host is an IP address." ""
    HOST_PORT Warning "appc/host-port" "The port of the host is a number from 1 to 65535." ""
    MOUNT_VOLUME Warning "appc/mount-volume" "A mount refers to a volume of the pod, or has one of its own." ""
    MOUNT_PATH Warning "appc/mount-path" "The path of a mount is absolute." ""

    INVALID Error "appc/invalid" "A rule without a name of its own holds." ""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_unique_and_well_formed() {
        let mut seen = std::collections::BTreeSet::new();
        for rule in RULES {
            assert!(seen.insert(rule.id), "{}", rule.id);
            let (family, name) = rule.id.split_once('/').unwrap();
            assert!(matches!(family, "json" | "appc"), "{}", rule.id);
            assert!(name.parse::<crate::AcName>().is_ok(), "{}", rule.id);
            assert!(rule.summary.ends_with('.') && !rule.hint.ends_with('.'));
        }
    }
}
