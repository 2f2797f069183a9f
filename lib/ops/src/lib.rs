//! One module per verb: discover, fetch, trust, build, image.

#![forbid(unsafe_code)]
