//! Keyrings, scopes, policies, verdicts.

#![forbid(unsafe_code)]
