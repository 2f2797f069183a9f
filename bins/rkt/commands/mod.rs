//! One file per command: its arguments, its help text and a short `run`.

pub(crate) mod app_args;
pub(crate) mod cat_manifest;
pub(crate) mod completion;
pub(crate) mod config;
pub(crate) mod fetch;
pub(crate) mod gc;
pub(crate) mod image;
mod image_export;
mod image_gc;
mod image_import;
mod image_list;
mod image_output;
mod image_verify;
pub(crate) mod list;
pub(crate) mod pod_args;
pub(crate) mod prepare;
pub(crate) mod rm;
pub(crate) mod run;
pub(crate) mod run_args;
pub(crate) mod run_prepared;
mod seccomp_arg;
pub(crate) mod status;
pub(crate) mod stop;
pub(crate) mod trust;
pub(crate) mod version;
