//! `stage1`: the program that a pod runs in. See [`gantry_stage1`].

#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    gantry_stage1::main()
}
