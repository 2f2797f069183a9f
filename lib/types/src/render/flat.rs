//! An image and all that it depends on, in a row.

use serde::{Deserialize, Serialize};

use super::chain::Chain;
use crate::diagnostic::{Diagnostic, Kind};
use crate::image_id::ImageId;

/// Most places in a list. Where every image has two dependencies that have the same two in their turn,
/// each further level doubles the list.
pub const MAX_PLACES: usize = 4096;

/// One place in a flat list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlatImage {
    /// The image.
    pub id: ImageId,
    /// Number of dependencies from the top image to this place; 0 for the top image itself.
    pub level: u16,
}

/// An image and all that it depends on, highest priority first.
///
/// An image is followed by its dependencies, the last of them first, each followed by its own. An image
/// that several others depend on has as many places. Where A depends on B and C, and C on D, the list is
/// A, C, D, B, with the levels 0, 1, 2, 1. Source: appc spec, pkg/acirenderer/resolve.go.
///
/// The levels tell who depends on whom: above an image is the nearest one before it that is a level
/// higher up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<FlatImage>", into = "Vec<FlatImage>")]
pub struct FlatList(Vec<FlatImage>);

/// A list is none, or too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FlatListError {
    /// Too many places.
    #[error("it and its dependencies need more than {MAX_PLACES} places in one list")]
    TooLong,
    /// Too many levels.
    #[error("it has dependencies more than {limit} deep", limit = Chain::MAX_DEPTH)]
    TooDeep,
    /// The levels are not those of any image.
    #[error("the levels of a list of dependencies do not follow from one another")]
    Levels,
}

impl Diagnostic for FlatListError {
    fn kind(&self) -> Kind {
        Kind::Refused
    }
}

/// A place in the list, seen from above.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Index of the image among [`FlatList::distinct`].
    pub(super) image: usize,
    /// Indices of the images that depend on this place, in no order, each once.
    pub(super) above: Vec<usize>,
}

impl FlatList {
    /// The list of an image that depends on nothing.
    #[must_use]
    pub fn single(id: ImageId) -> Self {
        Self(vec![FlatImage { id, level: 0 }])
    }

    /// The list of an image whose dependencies have these lists, in the order of its manifest.
    ///
    /// # Errors
    ///
    /// [`FlatListError::TooLong`], [`FlatListError::TooDeep`].
    pub fn over(id: ImageId, dependencies: &[Self]) -> Result<Self, FlatListError> {
        let mut list = Self::single(id);
        for dependency in dependencies.iter().rev() {
            if list.0.len() + dependency.0.len() > MAX_PLACES {
                return Err(FlatListError::TooLong);
            }
            for place in &dependency.0 {
                list.0.push(FlatImage {
                    level: place.level + 1,
                    ..*place
                });
            }
        }
        match list.0.iter().all(is_near) {
            true => Ok(list),
            false => Err(FlatListError::TooDeep),
        }
    }

    /// The places.
    #[must_use]
    pub fn places(&self) -> &[FlatImage] {
        &self.0
    }

    /// The image that all others are dependencies of.
    #[must_use]
    pub fn top(&self) -> ImageId {
        self.0[0].id
    }

    /// Every image once, where it stands highest.
    #[must_use]
    pub fn distinct(&self) -> Vec<ImageId> {
        let mut images: Vec<ImageId> = Vec::new();
        for place in &self.0 {
            if !images.contains(&place.id) {
                images.push(place.id);
            }
        }
        images
    }

    pub(super) fn seen_from_above(&self) -> Vec<Place> {
        let images = self.distinct();
        let mut way: Vec<usize> = Vec::new();
        let mut places = Vec::with_capacity(self.0.len());
        for place in &self.0 {
            way.truncate(usize::from(place.level));
            let image = images.iter().position(|id| *id == place.id).unwrap_or(0);
            let mut above = way.clone();
            above.sort_unstable();
            above.dedup();
            places.push(Place { image, above });
            way.push(image);
        }
        places
    }
}

fn is_near(place: &FlatImage) -> bool {
    usize::from(place.level) <= Chain::MAX_DEPTH
}

impl TryFrom<Vec<FlatImage>> for FlatList {
    type Error = FlatListError;

    fn try_from(places: Vec<FlatImage>) -> Result<Self, FlatListError> {
        if places.len() > MAX_PLACES {
            return Err(FlatListError::TooLong);
        }
        if !places.iter().all(is_near) {
            return Err(FlatListError::TooDeep);
        }
        let follows = |pair: &[FlatImage]| pair[1].level >= 1 && pair[1].level <= pair[0].level + 1;
        let first = places.first().is_some_and(|place| place.level == 0);
        match first && places.windows(2).all(follows) {
            true => Ok(Self(places)),
            false => Err(FlatListError::Levels),
        }
    }
}

impl From<FlatList> for Vec<FlatImage> {
    fn from(list: FlatList) -> Self {
        list.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(byte: u8) -> ImageId {
        ImageId::from_digest([byte; 64])
    }

    fn over(top: u8, dependencies: &[&FlatList]) -> FlatList {
        let dependencies: Vec<FlatList> = dependencies.iter().map(|list| (*list).clone()).collect();
        FlatList::over(id(top), &dependencies).unwrap()
    }

    fn shown(list: &FlatList) -> String {
        let place = |place: &FlatImage| {
            let letter = char::from(place.id.digest()[0]);
            format!("{letter}{}", place.level)
        };
        list.places()
            .iter()
            .map(place)
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn later_dependencies_come_first_and_each_is_followed_by_its_own() {
        let [b, d] = [b'B', b'D'].map(|letter| FlatList::single(id(letter)));
        let c = over(b'C', &[&d]);
        assert_eq!(shown(&over(b'A', &[&b, &c])), "A0 C1 D2 B1");
        assert_eq!(shown(&over(b'A', &[&c, &b])), "A0 B1 C1 D2");
    }

    #[test]
    fn an_image_with_two_above_it_has_two_places() {
        let d = FlatList::single(id(b'D'));
        let [b, c] = [b'B', b'C'].map(|letter| over(letter, &[&d]));
        let list = over(b'A', &[&b, &c]);
        assert_eq!(shown(&list), "A0 C1 D2 B1 D2");
        assert_eq!(list.distinct(), [b'A', b'C', b'D', b'B'].map(id));
        let above: Vec<_> = list
            .seen_from_above()
            .into_iter()
            .map(|p| p.above)
            .collect();
        assert_eq!(above, [vec![], vec![0], vec![0, 1], vec![0], vec![0, 3]]);
    }

    #[test]
    fn a_list_that_doubles_with_every_level_ends_with_an_error() {
        let mut list = FlatList::single(id(0));
        let mut levels = 0;
        let error = loop {
            levels += 1;
            match FlatList::over(id(levels), &[list.clone(), list]) {
                Ok(next) => list = next,
                Err(error) => break error,
            }
        };
        assert_eq!((levels, error), (12, FlatListError::TooLong));
    }

    #[test]
    fn a_list_that_grows_downward_ends_with_an_error() {
        let mut list = FlatList::single(id(0));
        for n in 1..=u8::try_from(Chain::MAX_DEPTH).unwrap() {
            list = over(n, &[&list]);
        }
        assert_eq!(FlatList::over(id(99), &[list]), Err(FlatListError::TooDeep));
    }

    #[test]
    fn a_list_is_read_as_it_was_written_and_others_are_refused() {
        let b = FlatList::single(id(2));
        let list = over(1, &[&b, &b]);
        let json = serde_json::to_string(&list).unwrap();
        assert_eq!(serde_json::from_str::<FlatList>(&json).unwrap(), list);
        let levels = |levels: &[u16]| {
            let places: Vec<_> = levels
                .iter()
                .map(|level| FlatImage {
                    id: id(1),
                    level: *level,
                })
                .collect();
            FlatList::try_from(places)
        };
        for good in [&[0][..], &[0, 1], &[0, 1, 2, 1], &[0, 1, 2, 3, 1]] {
            assert!(levels(good).is_ok(), "{good:?}");
        }
        for bad in [&[][..], &[1], &[0, 0], &[0, 2], &[0, 1, 0], &[0, 1, 3]] {
            assert_eq!(levels(bad), Err(FlatListError::Levels), "{bad:?}");
        }
        assert_eq!(
            levels(&vec![1; MAX_PLACES + 1]),
            Err(FlatListError::TooLong)
        );
    }
}
