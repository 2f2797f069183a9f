//! Tests over keys and signatures that the real gpg makes on the spot.

mod keyring;
mod keys;
mod lab;
mod matrix;
