//! Lists of which a manifest tells whether they were ever set.

use std::ops::{Deref, DerefMut};

use crate::json::{Cursor, Decode, DecodeError, Encode, Writer};

/// A list that is written as `null` while nobody has set it, and as `[]` where a manifest said so: a slice
/// of Go, which keeps the two apart. It is used like the `Vec` it holds.
#[derive(Clone, Debug)]
pub struct List<T> {
    items: Vec<T>,
    /// Whether a manifest had a list there; of no account unless the list is empty.
    set: bool,
}

impl<T> List<T> {
    /// An empty list that is written as `[]`.
    pub fn set_empty() -> Self {
        Self {
            items: Vec::new(),
            set: true,
        }
    }

    /// Items that stood in a manifest, be it none.
    pub(crate) fn found(items: Vec<T>) -> Self {
        Self { items, set: true }
    }
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self::from(Vec::new())
    }
}

/// An empty `Vec` counts as never set.
impl<T> From<Vec<T>> for List<T> {
    fn from(items: Vec<T>) -> Self {
        Self { items, set: false }
    }
}

impl<T> From<List<T>> for Vec<T> {
    fn from(list: List<T>) -> Self {
        list.items
    }
}

impl<T> FromIterator<T> for List<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self::from(Vec::from_iter(items))
    }
}

impl<T> Deref for List<T> {
    type Target = Vec<T>;

    fn deref(&self) -> &Vec<T> {
        &self.items
    }
}

impl<T> DerefMut for List<T> {
    fn deref_mut(&mut self) -> &mut Vec<T> {
        &mut self.items
    }
}

impl<T> IntoIterator for List<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.into_iter()
    }
}

impl<'a, T> IntoIterator for &'a List<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.iter()
    }
}

impl<'a, T> IntoIterator for &'a mut List<T> {
    type Item = &'a mut T;
    type IntoIter = std::slice::IterMut<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.iter_mut()
    }
}

/// Two lists are equal if they are written alike.
impl<T: PartialEq> PartialEq for List<T> {
    fn eq(&self, other: &Self) -> bool {
        let alike = self.set == other.set || !self.items.is_empty();
        self.items == other.items && alike
    }
}

impl<T: Eq> Eq for List<T> {}

impl<T: std::hash::Hash> std::hash::Hash for List<T> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.items.hash(state);
    }
}

impl<T: Decode> Decode for List<T> {
    fn decode(cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        if cursor.is_null() {
            return Ok(Self::default());
        }
        Vec::decode(cursor).map(Self::found)
    }
}

impl<T: Encode> Encode for List<T> {
    fn encode(&self, out: &mut Writer) {
        if self.items.is_empty() && !self.set {
            out.raw("null");
        } else {
            out.array(&self.items);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest_error::from_json;

    #[test]
    fn an_empty_list_stays_what_it_was() {
        for text in ["null", "[]", r#"["a"]"#] {
            let list: List<String> = from_json(text.as_bytes()).unwrap();
            assert_eq!(Writer::text_of(&list), text);
        }
        let mut list = List::default();
        assert_eq!(Writer::text_of(&list), "null");
        assert_ne!(list, List::set_empty());
        list.push("a".to_owned());
        assert_eq!(Writer::text_of(&list), r#"["a"]"#);
        assert_eq!(list, from_json(br#"["a"]"#).unwrap());
        assert_eq!(Writer::text_of(&List::<String>::set_empty()), "[]");
    }
}
