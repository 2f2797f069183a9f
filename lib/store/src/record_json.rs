//! How names and labels stand in a record: names as text, labels as a list of name and value.

/// A value that is its own text.
pub(crate) mod text {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<T: Display, S: Serializer>(
        value: &T,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_str(value)
    }

    pub(crate) fn deserialize<'de, T, D>(from: D) -> Result<T, D::Error>
    where
        T: FromStr,
        T::Err: Display,
        D: Deserializer<'de>,
    {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

/// Labels as `[{"name": …, "value": …}]`.
pub(crate) mod labels {
    use gantry_types::{AcIdentifier, Label, Labels};
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    #[derive(Serialize, Deserialize)]
    struct Pair {
        #[serde(with = "super::text")]
        name: AcIdentifier,
        value: String,
    }

    pub(crate) fn serialize<S: Serializer>(labels: &Labels, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(labels.iter().map(|l| Pair {
            name: l.name.clone(),
            value: l.value.clone(),
        }))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Labels, D::Error> {
        let pairs = Vec::<Pair>::deserialize(from)?;
        let labels = pairs
            .into_iter()
            .map(|p| Label {
                name: p.name,
                value: p.value,
            })
            .collect();
        Labels::new(labels).map_err(D::Error::custom)
    }
}

/// A name with labels as `{"name": …, "labels": […]}`.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(remote = "gantry_types::ImageName")]
pub(crate) struct ImageNameJson {
    #[serde(with = "text")]
    name: gantry_types::AcIdentifier,
    #[serde(with = "labels")]
    labels: gantry_types::Labels,
}

/// A name that may be missing.
pub(crate) mod optional_name {
    use gantry_types::ImageName;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Named(#[serde(with = "super::ImageNameJson")] ImageName);

    pub(crate) fn serialize<S: Serializer>(
        name: &Option<ImageName>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        name.clone().map(Named).serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<ImageName>, D::Error> {
        Ok(Option::<Named>::deserialize(from)?.map(|named| named.0))
    }
}

/// A list of names.
pub(crate) mod names {
    use gantry_types::ImageName;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Named(#[serde(with = "super::ImageNameJson")] ImageName);

    pub(crate) fn serialize<S: Serializer>(names: &[ImageName], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(names.iter().cloned().map(Named))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Vec<ImageName>, D::Error> {
        Ok(Vec::<Named>::deserialize(from)?
            .into_iter()
            .map(|named| named.0)
            .collect())
    }
}
