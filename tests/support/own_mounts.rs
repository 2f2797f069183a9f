//! Tests that mount something do so where nobody else sees it.

use std::process::Command;

/// Set in the process that has mounts of its own.
const INSIDE: &str = "GANTRY_TEST_INSIDE";

/// Runs the test of this name again with mounts of its own; true in there.
pub fn with_own_mounts(test: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    if !super::can_run_pods() {
        return false;
    }
    let output = Command::new("unshare")
        .args(["--mount", "--propagation", "private"])
        .arg(std::env::current_exe().expect("this program"))
        .args(["--exact", test, "--nocapture"])
        .env(INSIDE, "1")
        .output()
        .expect("unshare");
    let shown = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && shown.contains("1 passed"),
        "{shown}"
    );
    false
}
