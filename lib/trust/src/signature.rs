//! A signature file: one or more detached signatures and nothing else.

use std::fmt;

use gantry_types::{Diagnostic, Kind};
use sequoia_openpgp::packet::Tag;
use sequoia_openpgp::parse::{PacketParser, PacketParserResult, Parse};
use sequoia_openpgp::{KeyHandle, Packet};

use crate::{TrustedKey, armor};

/// Largest signature file accepted, in bytes.
pub const MAX_SIGNATURE_BYTES: usize = 1024 * 1024;

/// Most signatures accepted in one file. Each may need a hash of its own over the whole image.
pub const MAX_SIGNATURES: usize = 32;

/// A parsed signature file, armoured or binary.
#[derive(Clone, Debug)]
pub struct DetachedSignature {
    /// Signatures, read or of an unknown kind, and nothing else.
    packets: Vec<Packet>,
    issuers: Vec<Issuer>,
}

/// The key that a signature says it was made by: a fingerprint, or a 64-bit key ID in old signatures.
///
/// It is a claim; only verification with that key proves it. Displays as lower-case hex.
#[derive(Clone, Debug)]
pub struct Issuer(pub(crate) KeyHandle);

impl Issuer {
    /// Whether a file called `name` in a keystore, after the fingerprint of its key, is of this key and not
    /// of another, as far as the name tells: key IDs are the end or the beginning of fingerprints.
    pub(crate) fn names(&self, name: &str) -> bool {
        let digits = self.to_string();
        match (&self.0, name.len()) {
            (KeyHandle::Fingerprint(_), _) => name == digits,
            (KeyHandle::KeyID(_), 40) => name.ends_with(&digits),
            (KeyHandle::KeyID(_), 64) => name.starts_with(&digits),
            (KeyHandle::KeyID(_), _) => false,
        }
    }
}

impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_hex().to_ascii_lowercase())
    }
}

/// A file is not a detached signature.
#[derive(Debug, thiserror::Error)]
pub enum SignatureError {
    /// The file is larger than any signature.
    #[error("signature file has {found} bytes, more than the {MAX_SIGNATURE_BYTES} allowed")]
    TooLarge {
        /// Length of the file in bytes.
        found: usize,
    },
    /// There is no signature in the file.
    #[error("no valid signatures found in signature file")]
    Empty,
    /// The file holds something else.
    #[error("signature file holds {found}, not a detached signature")]
    NotDetached {
        /// What it holds, in words.
        found: String,
    },
    /// There are more signatures than anyone needs.
    #[error("signature file holds more than {MAX_SIGNATURES} signatures")]
    TooMany,
    /// The armour or the packets in it are damaged.
    #[error("signature file is damaged")]
    Malformed {
        /// What the parser says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Diagnostic for SignatureError {
    fn kind(&self) -> Kind {
        Kind::Refused
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NotDetached { .. } => {
                Some("sign with `gpg --armor --detach-sign FILE`".to_owned())
            }
            _ => None,
        }
    }
}

impl DetachedSignature {
    /// Reads a signature file, armoured or binary.
    ///
    /// Messages that carry their own content (cleartext-signed or inline-signed) are refused: what they
    /// vouch for is that content, and not the file they lie beside.
    ///
    /// # Errors
    ///
    /// [`SignatureError`] if the file holds no signature, anything beside signatures, or damage.
    pub fn parse(bytes: &[u8]) -> Result<Self, SignatureError> {
        if bytes.len() > MAX_SIGNATURE_BYTES {
            return Err(SignatureError::TooLarge { found: bytes.len() });
        }
        let packets = if armor::is_binary(bytes) {
            packets_of(bytes)?
        } else {
            packets_of(&dearmor(bytes)?)?
        };
        let issuers = issuers_of(&packets);
        Ok(Self { packets, issuers })
    }

    /// The keys that the signatures say they were made by, each once.
    pub fn issuers(&self) -> &[Issuer] {
        &self.issuers
    }

    /// Tells whether one of `keys` is named by one of the signatures, so that verification has a chance.
    ///
    /// Whoever is about to download an image asks this first.
    pub fn is_by_one_of(&self, keys: &[TrustedKey]) -> bool {
        self.issuers
            .iter()
            .any(|issuer| keys.iter().any(|key| key.key().answers_to(&issuer.0)))
    }

    pub(crate) fn packets(&self) -> &[Packet] {
        &self.packets
    }
}

/// Joins the packets of all blocks; gpg reads files made by `cat one.asc two.asc` the same way.
fn dearmor(text: &[u8]) -> Result<Vec<u8>, SignatureError> {
    let mut packets = Vec::new();
    let blocks = armor::blocks(text);
    if blocks.is_empty() && !text.trim_ascii().is_empty() {
        let found = if text.trim_ascii_start().starts_with(b"<") {
            "a web page"
        } else {
            "plain text"
        };
        return Err(SignatureError::NotDetached {
            found: found.to_owned(),
        });
    }
    for block in blocks {
        let found = match block.label {
            "SIGNATURE" => {
                let decoded = block.decode();
                packets.extend(decoded.map_err(|source| SignatureError::Malformed {
                    source: source.into(),
                })?);
                continue;
            }
            "SIGNED MESSAGE" => "a cleartext-signed message",
            "MESSAGE" => "a message with its own content",
            "PUBLIC KEY BLOCK" => "a public key",
            "PRIVATE KEY BLOCK" => "a private key",
            _ => "something unknown",
        };
        return Err(SignatureError::NotDetached {
            found: found.to_owned(),
        });
    }
    Ok(packets)
}

/// Reads the packets, and checks that there are only signatures.
fn packets_of(bytes: &[u8]) -> Result<Vec<Packet>, SignatureError> {
    let malformed = |source: sequoia_openpgp::anyhow::Error| SignatureError::Malformed {
        source: source.into(),
    };
    if bytes.is_empty() {
        return Err(SignatureError::Empty);
    }
    let mut packets = Vec::new();
    let mut rest = PacketParser::from_bytes(bytes).map_err(malformed)?;
    while let PacketParserResult::Some(parser) = rest {
        let (packet, next) = parser.next().map_err(malformed)?;
        // An unknown one is of another version or has unknown algorithms: verification will say so.
        if packet.tag() != Tag::Signature {
            return Err(SignatureError::NotDetached {
                found: name(packet.tag()),
            });
        }
        packets.push(packet);
        if packets.len() > MAX_SIGNATURES {
            return Err(SignatureError::TooMany);
        }
        rest = next;
    }
    match packets.is_empty() {
        true => Err(SignatureError::Empty),
        false => Ok(packets),
    }
}

/// Who made the signatures, each once.
fn issuers_of(packets: &[Packet]) -> Vec<Issuer> {
    let mut issuers: Vec<Issuer> = Vec::new();
    for packet in packets {
        let Packet::Signature(signature) = packet else {
            continue;
        };
        // Fingerprints come first; a key ID beside one says nothing more.
        for issuer in signature.get_issuers() {
            if !issuers.iter().any(|known| known.0.aliases(&issuer)) {
                issuers.push(Issuer(issuer));
            }
        }
    }
    issuers
}

fn name(tag: Tag) -> String {
    match tag {
        Tag::OnePassSig | Tag::Literal | Tag::CompressedData => {
            "a message with its own content".to_owned()
        }
        Tag::PublicKey | Tag::PublicSubkey => "a public key".to_owned(),
        Tag::SecretKey | Tag::SecretSubkey => "a private key".to_owned(),
        other => format!("a packet of type \"{other}\""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_are_no_signature_are_refused_by_name() {
        let cases: [(&[u8], &str); 9] = [
            (b"", "no valid signatures found in signature file"),
            (b" \n", "no valid signatures found in signature file"),
            (b"<!DOCTYPE html>", "holds a web page"),
            (b"not found", "holds plain text"),
            (
                b"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nx\n",
                "a cleartext-signed message",
            ),
            (
                b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n",
                "holds a public key",
            ),
            (
                b"-----BEGIN PGP MESSAGE-----\n\n",
                "a message with its own content",
            ),
            (
                b"-----BEGIN PGP SIGNATURE-----\n\n!!!!\n",
                "signature file is damaged",
            ),
            (b"\xff\xff\xff\xff", "signature file is damaged"),
        ];
        for (bytes, expected) in cases {
            let error = DetachedSignature::parse(bytes).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn a_huge_file_is_refused_unread() {
        let error = DetachedSignature::parse(&vec![b'x'; MAX_SIGNATURE_BYTES + 1]).unwrap_err();
        assert!(matches!(error, SignatureError::TooLarge { .. }));
    }
}
