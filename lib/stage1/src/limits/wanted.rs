//! The limits that isolators and annotations ask for.

use gantry_types::{
    Annotations, Isolator, IsolatorOutcome, IsolatorStatus, IsolatorValue, PIDS_LIMIT_ANNOTATION,
    Quantity, Resource,
};

use super::controller::Controller;

/// A limit, in the order in which limits are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Limit {
    /// Bytes: the most, and what should be left when memory is short.
    Memory {
        limit: Option<u64>,
        request: Option<u64>,
    },
    /// Millionths of a core: the most, and the share that is asked for.
    Cpu {
        limit: Option<u64>,
        request: Option<u64>,
    },
    /// The weight of a group; 1024 is that of any group. After `Cpu`, whose share it replaces.
    CpuShares(u32),
    /// Bytes a second, of each device.
    BlockBandwidth(u64),
    /// Operations a second, of each device.
    BlockIops(u64),
    /// Processes and threads; `None` for any number.
    Pids(Option<u64>),
    /// Who is killed first when memory is short, -1000 to 1000.
    OomScoreAdj(i32),
}

impl Limit {
    /// The controller that enforces it; `None` for what belongs to a process.
    pub(crate) fn controller(self) -> Option<Controller> {
        Some(match self {
            Self::Memory { .. } => Controller::Memory,
            Self::Cpu { .. } | Self::CpuShares(_) => Controller::Cpu,
            Self::BlockBandwidth(_) | Self::BlockIops(_) => Controller::Block,
            Self::Pids(_) => Controller::Pids,
            Self::OomScoreAdj(_) => return None,
        })
    }

    /// What may not be more than the pod's.
    fn most(&mut self) -> Option<&mut u64> {
        match self {
            Self::Memory { limit, .. } | Self::Cpu { limit, .. } => limit.as_mut(),
            Self::BlockBandwidth(most) | Self::BlockIops(most) => Some(most),
            Self::CpuShares(_) | Self::Pids(_) | Self::OomScoreAdj(_) => None,
        }
    }
}

/// A limit that was asked for, and by what name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) name: String,
    /// Or why it cannot be understood.
    pub(crate) limit: Result<Limit, &'static str>,
    /// Why less is given than was asked for.
    pub(crate) narrowed: Option<String>,
}

impl Asked {
    /// What is reported about it.
    pub(crate) fn outcome(
        &self,
        app: Option<&str>,
        status: IsolatorStatus,
        detail: String,
    ) -> IsolatorOutcome {
        IsolatorOutcome {
            app: app.map(str::to_owned),
            name: self.name.clone(),
            status,
            detail,
        }
    }
}

/// Whether the limits here are what enforces an isolator, where it can be.
pub(crate) fn enforces(value: &IsolatorValue) -> bool {
    limit_of(value).is_some()
}

/// The limits of an app.
pub(crate) fn of_app<'a>(
    isolators: impl Iterator<Item = &'a Isolator>,
    annotations: &Annotations,
) -> Vec<Asked> {
    let mut asked = of_pod(isolators);
    if let Some(text) = annotations.get(PIDS_LIMIT_ANNOTATION) {
        asked.push(Asked {
            name: PIDS_LIMIT_ANNOTATION.to_owned(),
            limit: pids(text),
            narrowed: None,
        });
    }
    asked.sort_by_key(|asked| asked.limit);
    asked
}

/// The limits of a pod as a whole; what belongs to a process is none of them.
pub(crate) fn of_pod<'a>(isolators: impl Iterator<Item = &'a Isolator>) -> Vec<Asked> {
    let mut asked: Vec<Asked> = Vec::new();
    for isolator in isolators {
        let Some(limit) = limit_of(isolator.value()) else {
            continue;
        };
        let name = isolator.name().as_str().to_owned();
        // Of several with one name the last counts, as everywhere.
        asked.retain(|earlier| earlier.name != name);
        asked.push(Asked {
            name,
            limit,
            narrowed: None,
        });
    }
    asked.sort_by_key(|asked| asked.limit);
    asked
}

fn limit_of(value: &IsolatorValue) -> Option<Result<Limit, &'static str>> {
    Some(match value {
        IsolatorValue::Memory(memory) => {
            shared(memory, bytes).map(|(limit, request)| Limit::Memory { limit, request })
        }
        IsolatorValue::Cpu(cpu) => {
            shared(cpu, micros).map(|(limit, request)| Limit::Cpu { limit, request })
        }
        IsolatorValue::CpuShares(shares) => Ok(Limit::CpuShares(*shares)),
        IsolatorValue::OomScoreAdj(score) => Ok(Limit::OomScoreAdj(*score)),
        IsolatorValue::BlockBandwidth(resource) => most(resource).map(Limit::BlockBandwidth),
        IsolatorValue::BlockIops(resource) => most(resource).map(Limit::BlockIops),
        _ => return None,
    })
}

const NEGATIVE: &str = "the amount is negative";
const NOTHING: &str = "it names no limit";

fn shared(
    resource: &Resource,
    unit: impl Fn(Quantity) -> Result<u64, &'static str>,
) -> Result<(Option<u64>, Option<u64>), &'static str> {
    if resource.limit.is_none() && resource.request.is_none() {
        return Err(NOTHING);
    }
    let limit = resource.limit.map(&unit).transpose()?;
    let request = resource.request.map(&unit).transpose()?;
    Ok((limit, request))
}

fn most(resource: &Resource) -> Result<u64, &'static str> {
    resource.limit.map_or(Err(NOTHING), bytes)
}

fn bytes(quantity: Quantity) -> Result<u64, &'static str> {
    u64::try_from(quantity.value()).map_err(|_| NEGATIVE)
}

fn micros(quantity: Quantity) -> Result<u64, &'static str> {
    u64::try_from(quantity.nanos() / 1000).map_err(|_| NEGATIVE)
}

fn pids(text: &str) -> Result<Limit, &'static str> {
    match text {
        "unlimited" => Ok(Limit::Pids(None)),
        number => match number.parse() {
            Ok(0) | Err(_) => Err("it is neither a positive number nor \"unlimited\""),
            Ok(number) => Ok(Limit::Pids(Some(number))),
        },
    }
}

/// Narrows the limits of an app to those of its pod. Source: appc spec, ace.md, isolators.
pub(crate) fn narrow(app: &mut [Asked], pod: &[Asked]) {
    for asked in app {
        let Some(bound) = pod.iter().find(|bound| bound.name == asked.name) else {
            continue;
        };
        let (Ok(limit), Ok(mut bound)) = (&mut asked.limit, bound.limit) else {
            continue;
        };
        if let (Some(most), Some(bound)) = (limit.most(), bound.most())
            && *most > *bound
        {
            *most = *bound;
            asked.narrowed = Some("the pod as a whole may not have more".to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn isolator(name: &str, json: &str) -> Isolator {
        Isolator::from_json_value(name.parse().unwrap(), json.as_bytes()).unwrap()
    }

    fn limits(list: &[(&str, &str)]) -> Vec<Asked> {
        let isolators: Vec<_> = list
            .iter()
            .map(|(name, json)| isolator(name, json))
            .collect();
        of_pod(isolators.iter())
    }

    #[test]
    fn amounts_are_bytes_and_millionths_of_a_core() {
        let asked = limits(&[
            ("os/linux/cpu-shares", "512"),
            ("resource/cpu", r#"{"request":"250m","limit":"1500m"}"#),
            ("resource/memory", r#"{"limit":"1Gi"}"#),
            ("resource/block-iops", r#"{"default":true,"limit":"1k"}"#),
            ("os/linux/no-new-privileges", "true"),
        ]);
        let limits: Vec<Limit> = asked.iter().map(|asked| asked.limit.unwrap()).collect();
        let (limit, request) = (Some(1_500_000), Some(250_000));
        assert_eq!(
            limits,
            [
                Limit::Memory {
                    limit: Some(1 << 30),
                    request: None
                },
                Limit::Cpu { limit, request },
                Limit::CpuShares(512),
                Limit::BlockIops(1000),
            ]
        );
    }

    #[test]
    fn the_last_of_a_name_counts_and_nonsense_is_told() {
        let asked = limits(&[
            ("resource/memory", r#"{"limit":"1G"}"#),
            ("resource/memory", r#"{"limit":"2G"}"#),
        ]);
        assert_eq!(asked.len(), 1);
        let limit = Some(2_000_000_000);
        assert_eq!(
            asked[0].limit,
            Ok(Limit::Memory {
                limit,
                request: None
            })
        );
        assert_eq!(limits(&[("resource/memory", "{}")])[0].limit, Err(NOTHING));
        let negative = limits(&[("resource/cpu", r#"{"limit":"-1"}"#)]);
        assert_eq!(negative[0].limit, Err(NEGATIVE));
    }

    #[test]
    fn a_number_of_processes_is_positive() {
        assert_eq!(pids("64"), Ok(Limit::Pids(Some(64))));
        assert_eq!(pids("unlimited"), Ok(Limit::Pids(None)));
        for bad in ["0", "-1", "", "many", "18446744073709551616"] {
            assert!(pids(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_pod_bounds_its_apps() {
        let pod = limits(&[("resource/memory", r#"{"limit":"1G"}"#)]);
        let mut app = limits(&[
            ("resource/memory", r#"{"request":"1M","limit":"2G"}"#),
            ("resource/cpu", r#"{"limit":"2"}"#),
        ]);
        narrow(&mut app, &pod);
        let (limit, request) = (Some(1_000_000_000), Some(1_000_000));
        assert_eq!(app[0].limit, Ok(Limit::Memory { limit, request }));
        assert!(app[0].narrowed.is_some() && app[1].narrowed.is_none());
        let mut small = limits(&[("resource/memory", r#"{"limit":"1M"}"#)]);
        let before = small.clone();
        narrow(&mut small, &pod);
        assert_eq!(small, before);
    }
}
