//! The values of the isolators for resources.

use super::IsolatorError;
use crate::json::{Cursor, DecodeError, Encode, Fields, Writer};
use crate::quantity::Quantity;

/// How much of a resource an app asks for and may have at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resource {
    /// What is asked for; the limit if unset. Never set for bandwidths and block I/O.
    pub request: Option<Quantity>,
    /// The most there may be.
    pub limit: Option<Quantity>,
}

impl Resource {
    /// Makes a resource whose request is its limit, as `rkt run --memory` does.
    pub fn exactly(quantity: Quantity) -> Self {
        Self {
            request: Some(quantity),
            limit: Some(quantity),
        }
    }

    /// What is asked for, or else the limit.
    pub fn request_or_limit(&self) -> Option<Quantity> {
        self.request.or(self.limit)
    }

    fn read(fields: &Fields<'_>) -> Result<(bool, Self), DecodeError> {
        let resource = Self {
            request: fields.optional("request")?,
            limit: fields.optional("limit")?,
        };
        Ok((fields.or_default("default")?, resource))
    }

    /// Reads the value of `resource/cpu` or `resource/memory`.
    pub(super) fn decode_shared(cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        match Self::read(&cursor.object()?)? {
            (true, _) => Err(cursor.invalid(IsolatorError::DefaultTrue)),
            (false, resource) => Ok(resource),
        }
    }

    /// Reads the value of a resource that has a limit only, for all devices at once.
    pub(super) fn decode_default(cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        match Self::read(&cursor.object()?)? {
            (false, _) => Err(cursor.invalid(IsolatorError::DefaultFalse)),
            (
                true,
                Self {
                    request: Some(_), ..
                },
            ) => Err(cursor.invalid(IsolatorError::Request)),
            (true, resource) => Ok(resource),
        }
    }

    pub(super) fn encode_with(&self, default: bool, out: &mut Writer) {
        let quantity = |out: &mut Writer, key: &str, value: Option<Quantity>| {
            out.key(key);
            match value {
                Some(value) => value.encode(out),
                None => out.raw("null"),
            }
        };
        out.object(|out| {
            out.member("default", &default);
            quantity(out, "request", self.request);
            quantity(out, "limit", self.limit);
        });
    }
}
