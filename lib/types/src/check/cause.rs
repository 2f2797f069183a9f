//! Which rule an error says is broken.

use std::error::Error;

use super::rule::{self, Rule};
use crate::json::Problem;
use crate::os_arch::OsArchError;
use crate::{
    AcIdentifierError, AcKindError, AcNameError, AnnotationsError, AppError, DateError,
    DependencyError, EnvironmentError, EventHandlerError, ExposedPortError, HashError,
    HttpUrlError, ImageManifestError, IsolatorError, LabelsError, PodManifestError, PortError,
    QuantityError, SemVerError, VolumeError,
};

/// The rule that a problem breaks.
pub(super) fn rule_of(problem: &Problem) -> &'static Rule {
    match problem {
        Problem::Type { .. } => &rule::TYPE,
        Problem::Kind(error) => match error {
            AcKindError::Unset => &rule::KIND_MISSING,
            AcKindError::Unknown(_) => &rule::KIND_UNKNOWN,
            AcKindError::Wrong { .. } => &rule::KIND_WRONG,
        },
        Problem::Invalid(cause) => of_cause(&**cause).unwrap_or(&rule::INVALID),
    }
}

fn of_cause(cause: &(dyn Error + Send + Sync + 'static)) -> Option<&'static Rule> {
    let image = |error: &ImageManifestError| match error {
        ImageManifestError::NoVersion => &rule::AC_VERSION_MISSING,
        ImageManifestError::NoName => &rule::NAME_MISSING,
    };
    let identifier = |error: &AcIdentifierError| match error {
        AcIdentifierError::Empty | AcIdentifierError::NothingLeft => &rule::IDENTIFIER_EMPTY,
        AcIdentifierError::Character => &rule::IDENTIFIER_CHARACTER,
        AcIdentifierError::Edge => &rule::IDENTIFIER_EDGE,
    };
    let name = |error: &AcNameError| match error {
        AcNameError::Empty | AcNameError::NothingLeft => &rule::AC_NAME_EMPTY,
        AcNameError::Character => &rule::AC_NAME_CHARACTER,
        AcNameError::Edge => &rule::AC_NAME_EDGE,
    };
    let app = |error: &AppError| match error {
        AppError::NoUser => &rule::USER_MISSING,
        AppError::NoGroup => &rule::GROUP_MISSING,
        AppError::WorkingDirectory => &rule::WORKING_DIRECTORY,
    };
    let environment = |error: &EnvironmentError| match error {
        EnvironmentError::EmptyName => &rule::ENVIRONMENT_EMPTY,
        EnvironmentError::Name(_) => &rule::ENVIRONMENT_NAME,
        EnvironmentError::Duplicate(_) => &rule::ENVIRONMENT_DUPLICATE,
    };
    let event = |error: &EventHandlerError| match error {
        EventHandlerError::Empty => &rule::EVENT_MISSING,
        EventHandlerError::Unknown(_) => &rule::EVENT_UNKNOWN,
        EventHandlerError::Repeated(_) => &rule::EVENT_DUPLICATE,
    };
    let pod = |error: &PodManifestError| match error {
        PodManifestError::DuplicateApp(_) => &rule::APP_DUPLICATE,
        PodManifestError::DuplicateVolume(_) => &rule::VOLUME_DUPLICATE,
    };
    of(cause, image)
        .or_else(|| of(cause, identifier))
        .or_else(|| of(cause, name))
        .or_else(|| of(cause, app))
        .or_else(|| of(cause, environment))
        .or_else(|| of(cause, event))
        .or_else(|| of(cause, pod))
        .or_else(|| of(cause, labels))
        .or_else(|| of(cause, annotations))
        .or_else(|| of(cause, port))
        .or_else(|| of(cause, volume))
        .or_else(|| of(cause, isolator))
        .or_else(|| of(cause, |_: &SemVerError| &rule::AC_VERSION))
        .or_else(|| of(cause, |_: &HashError| &rule::IMAGE_ID))
        .or_else(|| of(cause, |_: &DependencyError| &rule::DEPENDENCY_NAME))
        .or_else(|| of(cause, |_: &ExposedPortError| &rule::HOST_IP))
        .or_else(|| of(cause, |_: &QuantityError| &rule::QUANTITY))
}

/// What `rule` says if the cause is an error of its type.
fn of<E: Error + 'static>(
    cause: &(dyn Error + Send + Sync + 'static),
    rule: impl Fn(&E) -> &'static Rule,
) -> Option<&'static Rule> {
    cause.downcast_ref().map(rule)
}

fn labels(error: &LabelsError) -> &'static Rule {
    match error {
        LabelsError::ReservedName => &rule::LABEL_RESERVED,
        LabelsError::Duplicate(_) => &rule::LABEL_DUPLICATE,
        LabelsError::OsArch(OsArchError::Os { .. }) => &rule::OS_UNKNOWN,
        LabelsError::OsArch(OsArchError::Arch { .. } | OsArchError::Tuple { .. }) => {
            &rule::ARCH_UNKNOWN
        }
    }
}

fn annotations(error: &AnnotationsError) -> &'static Rule {
    match error {
        AnnotationsError::Duplicate(_) => &rule::ANNOTATION_DUPLICATE,
        AnnotationsError::Created(DateError { .. }) => &rule::ANNOTATION_CREATED,
        AnnotationsError::Url(HttpUrlError::Scheme | HttpUrlError::Bad(_)) => &rule::ANNOTATION_URL,
    }
}

fn port(error: &PortError) -> &'static Rule {
    match error {
        PortError::Range => &rule::PORT_RANGE,
        PortError::EndOfRange => &rule::PORT_RANGE_END,
        // The rest is about the text form, which manifests do not have.
        _ => &rule::INVALID,
    }
}

fn volume(error: &VolumeError) -> &'static Rule {
    match error {
        VolumeError::Kind => &rule::VOLUME_KIND,
        VolumeError::NoSource | VolumeError::RelativeSource | VolumeError::Source => {
            &rule::VOLUME_SOURCE
        }
        VolumeError::OnlyEmpty(_) => &rule::VOLUME_EMPTY_ONLY,
        // The rest is about the text form, which manifests do not have.
        _ => &rule::INVALID,
    }
}

fn isolator(error: &IsolatorError) -> &'static Rule {
    match error {
        IsolatorError::Unknown => &rule::ISOLATOR_UNKNOWN,
        IsolatorError::NoValue(_) => &rule::ISOLATOR_VALUE,
        IsolatorError::TooMany(_) => &rule::ISOLATOR_REPEATED,
        IsolatorError::Incompatible => &rule::ISOLATOR_CONFLICT,
        IsolatorError::EmptySet => &rule::SET_EMPTY,
        IsolatorError::ErrnoStart | IsolatorError::ErrnoCharacter => &rule::ERRNO,
        IsolatorError::Range { .. } => &rule::ISOLATOR_RANGE,
        IsolatorError::SelinuxEmpty(_) | IsolatorError::SelinuxColon(_) => &rule::SELINUX,
        IsolatorError::ApparmorEmpty => &rule::APPARMOR,
        IsolatorError::DefaultTrue | IsolatorError::DefaultFalse => &rule::RESOURCE_DEFAULT,
        IsolatorError::Request => &rule::RESOURCE_REQUEST,
    }
}
