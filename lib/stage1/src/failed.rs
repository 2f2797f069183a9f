//! Steps of a set-up that failed, and lines on stderr.

use std::error::Error;
use std::fmt;
use std::io;

/// A step towards a running app that the kernel refused.
#[derive(Debug, thiserror::Error)]
#[error("cannot {step}")]
pub(crate) struct Failed {
    /// What was to be done, as it continues "cannot …".
    step: String,
    source: io::Error,
}

/// Names the step that a result belongs to.
pub(crate) trait Step<T> {
    /// Wraps an error into a [`Failed`] whose step is `name()`, which runs only then.
    fn step<S: Into<String>>(self, name: impl FnOnce() -> S) -> Result<T, Failed>;
}

impl<T, E: Into<io::Error>> Step<T> for Result<T, E> {
    fn step<S: Into<String>>(self, name: impl FnOnce() -> S) -> Result<T, Failed> {
        self.map_err(|source| Failed {
            step: name().into(),
            source: source.into(),
        })
    }
}

/// Writes one line of prose to stderr, unbuffered, so that lines of several processes stay whole.
pub(crate) fn report(line: fmt::Arguments<'_>) {
    let line = format!("stage1: {line}\n");
    // There is nobody to tell that stderr is closed.
    let _ = rustix::io::write(rustix::stdio::stderr(), line.as_bytes());
}

/// An error and its sources, in one line.
pub(crate) struct Chain<'a>(pub(crate) &'a dyn Error);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut next = self.0.source();
        while let Some(error) = next {
            write!(f, ": {error}")?;
            next = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_names_the_step_and_then_the_cause() {
        let failed = Err::<(), _>(rustix::io::Errno::PERM)
            .step(|| "mount /proc")
            .unwrap_err();
        assert_eq!(
            Chain(&failed).to_string(),
            "cannot mount /proc: Operation not permitted (os error 1)"
        );
    }
}
