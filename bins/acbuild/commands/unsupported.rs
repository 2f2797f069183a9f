//! What the command line knows and the tool cannot do yet: it says so and changes nothing.

use gantry_cli::Failure;

/// The failure of everything that comes later.
pub(crate) fn not_yet(what: &str) -> Failure {
    Failure::environment(format!("{what} is not supported yet"))
}
