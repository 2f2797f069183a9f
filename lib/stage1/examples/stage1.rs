//! The program as the root package builds it, for the tests of this crate.
fn main() -> std::process::ExitCode {
    gantry_stage1::main()
}
