//! The way from an image down to the dependency that is being looked for.

use crate::dependency::Dependency;
use crate::diagnostic::{Diagnostic, Kind};
use crate::image_id::ImageId;
use crate::image_name::ImageName;

/// The images whose dependencies are being looked for, outermost first.
#[derive(Clone, Debug, Default)]
pub struct Chain(Vec<(ImageId, ImageName)>);

/// Dependencies have no end, or none that we would reach.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// An image depends on itself, maybe by way of others.
    #[error("image {} depends on itself: {}", names.last().map_or("", String::as_str), names.join(" -> "))]
    Cycle {
        /// The way from the first image to the one that was there before.
        names: Vec<String>,
    },
    /// An image needs too many images below it.
    #[error("image {name} has dependencies more than {limit} deep", limit = Chain::MAX_DEPTH)]
    TooDeep {
        /// The image.
        name: String,
    },
}

impl Diagnostic for ChainError {
    fn kind(&self) -> Kind {
        Kind::Refused
    }
}

impl Chain {
    /// Longest way from an image down to the last of its dependencies.
    pub const MAX_DEPTH: usize = 32;

    /// Goes down into the dependencies of an image.
    ///
    /// # Errors
    ///
    /// [`ChainError::TooDeep`].
    pub fn enter(&mut self, id: ImageId, name: ImageName) -> Result<(), ChainError> {
        if self.0.len() >= Self::MAX_DEPTH {
            return Err(ChainError::TooDeep {
                name: name.name.to_string(),
            });
        }
        self.0.push((id, name));
        Ok(())
    }

    /// Comes back from the dependencies of the image entered last.
    pub fn leave(&mut self) {
        self.0.pop();
    }

    /// Whether no image is being looked into.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Checks that none of the images above would do for `wanted`: then it would be beneath itself.
    ///
    /// A dependency that gives an image ID is that image and no other; else name and labels decide.
    ///
    /// # Errors
    ///
    /// [`ChainError::Cycle`].
    pub fn check(&self, wanted: &Dependency) -> Result<(), ChainError> {
        let answers = |(id, image): &(ImageId, ImageName)| match &wanted.image_id {
            Some(hash) => id.hex().starts_with(hash.value()),
            None => image.name == wanted.image_name && image.labels.satisfy(&wanted.labels),
        };
        match self.0.iter().any(answers) {
            true => Err(self.cycle(wanted.image_name.as_str())),
            false => Ok(()),
        }
    }

    /// The error for a chain that is known to lead from `name` back to an image above.
    pub fn cycle(&self, name: &str) -> ChainError {
        let above = self.0.iter().map(|(_, image)| image.name.to_string());
        ChainError::Cycle {
            names: above.chain([name.to_owned()]).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(images: &[(u8, &str)]) -> Chain {
        let mut chain = Chain::default();
        for (byte, name) in images {
            let id = ImageId::from_digest([*byte; 64]);
            chain.enter(id, name.parse().unwrap()).unwrap();
        }
        chain
    }

    fn wanted(name: &str, id: Option<&str>) -> Dependency {
        let name: ImageName = name.parse().unwrap();
        Dependency {
            image_name: name.name,
            image_id: id.map(|id| id.parse().unwrap()),
            labels: name.labels,
            size: 0,
        }
    }

    #[test]
    fn an_image_above_that_would_do_closes_a_circle() {
        let chain = chain(&[(0xa, "test/a:2,os=linux"), (0xb, "test/b:1")]);
        for (name, id, refused) in [
            ("test/a", None, true),
            ("test/a:2", None, true),
            ("test/a:1", None, false),
            ("test/a,arch=amd64", None, false),
            ("test/b", None, true),
            ("test/c", None, false),
            // With an ID nothing else matters.
            ("test/a", Some("sha512-0b0b"), true),
            ("test/other", Some("sha512-0a"), true),
            ("test/a", Some("sha512-0c0c"), false),
        ] {
            let result = chain.check(&wanted(name, id));
            assert_eq!(result.is_err(), refused, "{name} {id:?}");
        }
        assert!(Chain::default().check(&wanted("test/a", None)).is_ok());
    }

    #[test]
    fn the_error_shows_the_way() {
        let chain = chain(&[(1, "test/a"), (2, "test/b"), (3, "test/c")]);
        let error = chain.check(&wanted("test/b", None)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "image test/b depends on itself: test/a -> test/b -> test/c -> test/b"
        );
    }

    #[test]
    fn the_way_down_ends_somewhere_and_can_be_gone_again() {
        let mut chain = Chain::default();
        let enter = |chain: &mut Chain, n: usize| {
            let id = ImageId::from_digest([u8::try_from(n).unwrap(); 64]);
            chain.enter(id, format!("test/i{n}").parse().unwrap())
        };
        for n in 0..Chain::MAX_DEPTH {
            enter(&mut chain, n).unwrap();
        }
        let error = enter(&mut chain, 32).unwrap_err();
        assert_eq!(
            error.to_string(),
            "image test/i32 has dependencies more than 32 deep"
        );
        chain.leave();
        enter(&mut chain, 32).unwrap();
    }
}
