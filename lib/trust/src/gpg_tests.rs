//! Tests over keys and signatures that the real gpg makes on the spot.

mod keys;
mod lab;
mod matrix;
