//! Computing the digests that name blobs and trees.

use aws_lc_rs::digest::{Digest as Sum, SHA512, digest};
pub use gantry_types::oci::{Algorithm, Digest, DigestError};

/// SHA-512 of `data`.
#[must_use]
pub fn sha512_of(data: &[u8]) -> Digest {
    from_sum(Algorithm::Sha512, &digest(&SHA512, data))
}

/// The digest with a sum that `algorithm` made.
pub(crate) fn from_sum(algorithm: Algorithm, sum: &Sum) -> Digest {
    match algorithm {
        Algorithm::Sha256 => {
            let mut bytes = [0; 32];
            bytes.copy_from_slice(sum.as_ref());
            Digest::sha256(bytes)
        }
        Algorithm::Sha512 => {
            let mut bytes = [0; 64];
            bytes.copy_from_slice(sum.as_ref());
            Digest::sha512(bytes)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_of_nothing_is_the_known_one() {
        assert!(sha512_of(b"").hex().starts_with("cf83e1357eefb8bd"));
    }
}
