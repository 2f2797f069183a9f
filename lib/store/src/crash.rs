//! Points at which tests stop the process, to see what a killed one leaves behind.

/// Does nothing outside tests; in a test's child process, aborts at the point it was told.
#[inline]
pub(crate) fn point(name: &str) {
    #[cfg(test)]
    if std::env::var("GANTRY_CRASH_AT").is_ok_and(|at| at == name) {
        std::process::abort();
    }
    #[cfg(not(test))]
    let _ = name;
}
