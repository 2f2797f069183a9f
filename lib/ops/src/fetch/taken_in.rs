//! What is kept of the bytes of an image file when they are read for its signature.

use std::io;

use gantry_archive::seal::Seal;
use gantry_trust::SignedContent;

/// All that one reading of the file is for: what the signature needs, the digest that names the blob, and
/// whether the next reading finds the same bytes.
pub(super) struct TakenIn {
    pub(super) content: SignedContent,
    pub(super) seal: Seal,
}

impl TakenIn {
    /// No byte yet.
    ///
    /// # Errors
    ///
    /// Those of [`Seal::new`].
    pub(super) fn new(content: SignedContent) -> io::Result<Self> {
        let seal = Seal::new()?;
        Ok(Self { content, seal })
    }

    /// Appends bytes of the file.
    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.content.update(bytes);
        self.seal.update(bytes);
    }
}
