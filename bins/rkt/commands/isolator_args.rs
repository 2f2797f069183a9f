//! `--isolators` and `--pids-limit`: limits, and how sure they have to be.

use clap::Args;
use gantry_cli::Failure;
use gantry_pod::PrepareRequest;
use gantry_types::{
    AcIdentifier, Annotations, ISOLATORS_ANNOTATION, PIDS_LIMIT_ANNOTATION, STRICT_ISOLATORS,
};

/// The flag for all isolators of a pod.
#[derive(Args, Debug)]
pub(crate) struct IsolatorArgs {
    /// What an isolator that cannot be enforced means: a warning, or that the pod does not run
    #[arg(long, value_name = "warn|strict", default_value = "warn")]
    isolators: Mode,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Warn,
    Strict,
}

impl std::str::FromStr for Mode {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "warn" => Ok(Self::Warn),
            STRICT_ISOLATORS => Ok(Self::Strict),
            _ => Err("it is warn or strict"),
        }
    }
}

impl IsolatorArgs {
    /// Leaves in the pod's manifest what was asked for: a prepared pod is run by another command.
    ///
    /// # Errors
    ///
    /// None that can happen to the annotation set here; they are passed on all the same.
    pub(crate) fn apply(&self, request: &mut PrepareRequest) -> Result<(), Failure> {
        if self.isolators == Mode::Warn {
            return Ok(());
        }
        let given = request.manifest.as_mut().map(|pod| &mut pod.annotations);
        for annotations in [Some(&mut request.annotations), given]
            .into_iter()
            .flatten()
        {
            set(annotations, ISOLATORS_ANNOTATION, STRICT_ISOLATORS)?;
        }
        Ok(())
    }
}

/// How many processes and threads an app may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PidsLimit(String);

impl std::str::FromStr for PidsLimit {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse() {
            Ok(1_u64..) => Ok(Self(text.to_owned())),
            _ if text == "unlimited" => Ok(Self(text.to_owned())),
            _ => Err("it is a positive number or unlimited"),
        }
    }
}

impl PidsLimit {
    /// Leaves the limit among the annotations of an app, since there is no isolator for it.
    ///
    /// # Errors
    ///
    /// None that can happen to the annotation set here; they are passed on all the same.
    pub(crate) fn apply(&self, annotations: &mut Annotations) -> Result<(), Failure> {
        set(annotations, PIDS_LIMIT_ANNOTATION, &self.0)
    }
}

fn set(annotations: &mut Annotations, name: &str, value: &str) -> Result<(), Failure> {
    let wrong = |error: &dyn std::fmt::Display| Failure::usage(format!("{name}: {error}"));
    let name: AcIdentifier = name.parse().map_err(|error| wrong(&error))?;
    annotations.set(name, value).map_err(|error| wrong(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_of_processes_is_a_number_or_none_at_all() {
        for good in ["1", "4096", "unlimited"] {
            assert!(good.parse::<PidsLimit>().is_ok(), "{good}");
        }
        for bad in ["0", "-1", "", "max", "1.5", "99999999999999999999"] {
            assert!(bad.parse::<PidsLimit>().is_err(), "{bad}");
        }
    }

    #[test]
    fn strict_stands_in_the_manifest_and_the_default_does_not() {
        let mut request = PrepareRequest {
            manifest: Some(gantry_types::PodManifest::default()),
            ..PrepareRequest::default()
        };
        let mode = |mode| IsolatorArgs { isolators: mode };
        mode(Mode::Warn).apply(&mut request).unwrap();
        assert!(request.annotations.is_empty());
        mode(Mode::Strict).apply(&mut request).unwrap();
        let given = &request.manifest.as_ref().unwrap().annotations;
        for annotations in [&request.annotations, given] {
            assert_eq!(annotations.get(ISOLATORS_ANNOTATION), Some("strict"));
        }
        assert!("maybe".parse::<Mode>().is_err());
    }
}
