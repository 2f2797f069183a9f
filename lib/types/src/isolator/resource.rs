//! The values of the isolators for resources.

use super::IsolatorError;
use crate::json::{Cursor, DecodeError, Encode, Writer, read_all};
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

    /// Reads the value of `resource/cpu` or `resource/memory`.
    pub(super) fn decode_shared(cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        let fields = cursor.object()?;
        let rule = |default: &bool| match default {
            true => Err(IsolatorError::DefaultTrue),
            false => Ok(()),
        };
        let default = fields.checked("default", rule);
        let resource = read_all!(Self {
            request: fields.optional("request"),
            limit: fields.optional("limit"),
        });
        default.map(|_| resource)
    }

    /// Reads the value of a resource that has a limit only, for all devices at once.
    pub(super) fn decode_default(cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        let fields = cursor.object()?;
        let rule = |default: &bool| match default {
            true => Ok(()),
            false => Err(IsolatorError::DefaultFalse),
        };
        let default = fields.checked("default", rule);
        let request =
            fields
                .optional("request")
                .and_then(|request: Option<Quantity>| match request {
                    Some(_) => Err(fields.invalid_at("request", IsolatorError::Request)),
                    None => Ok(None),
                });
        let limit = fields.optional("limit");
        default?;
        Ok(Self {
            request: request?,
            limit: limit?,
        })
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
