//! What stage1 did about the isolators of a pod.

use gantry_types::{IsolatorReport, pod_layout};

use crate::info::InfoError;
use crate::pod::Pod;

impl Pod {
    /// What was done about each isolator when the pod was started; empty before, and for a stage1
    /// that does not tell.
    ///
    /// # Errors
    ///
    /// If the file is there and cannot be read or is none of stage1's.
    pub fn isolators(&self) -> Result<IsolatorReport, InfoError> {
        let path = || self.path().join(pod_layout::ISOLATORS);
        let text = self
            .read(pod_layout::ISOLATORS)
            .map_err(|source| InfoError::Read {
                path: path(),
                source,
            })?;
        match text {
            Some(text) => IsolatorReport::from_json(&text).map_err(|source| InfoError::Json {
                path: path(),
                source,
            }),
            None => Ok(IsolatorReport::default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{Sample, uuid};

    #[test]
    fn a_report_is_read_and_none_is_empty() {
        let sample = Sample::new();
        let pod = sample.pods.create(uuid(1)).unwrap();
        assert_eq!(pod.isolators().unwrap(), IsolatorReport::default());
        let file = pod.path().join("isolators.json");
        let text = r#"[{"app":"a","name":"resource/cpu","status":"enforced"}]"#;
        std::fs::write(&file, text).unwrap();
        assert_eq!(pod.isolators().unwrap().0[0].app.as_deref(), Some("a"));
        std::fs::write(&file, "{").unwrap();
        let error = pod.isolators().unwrap_err().to_string();
        assert!(
            error.ends_with("isolators.json is not valid JSON"),
            "{error}"
        );
    }
}
