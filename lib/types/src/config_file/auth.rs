//! The kinds `auth` and `dockerAuth`: who we are for which servers.

use super::Secret;
use crate::json::{Cursor, Decode, DecodeError, Fields};

/// A file of kind `auth`: one credential for some web servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthConfig {
    /// The servers, each `HOST` or `HOST:PORT`; at least one.
    pub domains: Vec<String>,
    /// How to tell them who asks.
    pub credentials: AuthCredentials,
}

/// A way to tell a web server who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthCredentials {
    /// Type `basic`.
    Basic(BasicCredentials),
    /// Type `oauth`.
    OAuth {
        /// The bearer token; not empty.
        token: Secret,
    },
    /// Type `aws`: requests are signed.
    Aws {
        /// Not empty.
        access_key_id: String,
        /// Not empty.
        secret_access_key: Secret,
        /// To be guessed from the server's name if empty.
        region: String,
    },
}

/// User and password; neither is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BasicCredentials {
    /// The user.
    pub user: String,
    /// The password.
    pub password: Secret,
}

/// A file of kind `dockerAuth`: user and password for some docker registries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DockerAuthConfig {
    /// The registries, by the name of their index; at least one.
    pub registries: Vec<String>,
    /// The user and the password.
    pub credentials: BasicCredentials,
}

impl Decode for AuthConfig {
    fn decode(cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        let fields = cursor.object()?;
        let domains = list(&fields, "domains", "no domains specified")?;
        let kind: String = some(&fields, "type", "no auth type specified")?;
        let credentials = match kind.as_str() {
            "basic" => AuthCredentials::Basic(fields.required("credentials")?),
            "oauth" => fields.required::<OAuth>("credentials")?.0,
            "aws" => fields.required::<Aws>("credentials")?.0,
            _ => {
                let reason = format!("unknown auth type: {kind:?}");
                return Err(fields.invalid_at("type", reason));
            }
        };
        Ok(Self {
            domains,
            credentials,
        })
    }
}

impl Decode for DockerAuthConfig {
    fn decode(cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        let fields = cursor.object()?;
        Ok(Self {
            registries: list(&fields, "registries", "no registries specified")?,
            credentials: fields.required("credentials")?,
        })
    }
}

impl Decode for BasicCredentials {
    fn decode(cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        let fields = cursor.object()?;
        Ok(Self {
            user: some(&fields, "user", "user not specified")?,
            password: some(&fields, "password", "password not specified")?,
        })
    }
}

struct OAuth(AuthCredentials);

impl Decode for OAuth {
    fn decode(cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        let fields = cursor.object()?;
        let token = some(&fields, "token", "no oauth bearer token specified")?;
        Ok(Self(AuthCredentials::OAuth { token }))
    }
}

struct Aws(AuthCredentials);

impl Decode for Aws {
    fn decode(cursor: Cursor<'_>) -> Result<Self, DecodeError> {
        let fields = cursor.object()?;
        let secret = "no AWS Secret Access Key specified";
        Ok(Self(AuthCredentials::Aws {
            access_key_id: some(&fields, "accessKeyID", "no AWS Access Key ID specified")?,
            secret_access_key: some(&fields, "secretAccessKey", secret)?,
            region: fields.or_default("awsRegion")?,
        }))
    }
}

/// A member that must not be empty.
fn some<'a, T: Decode + Default + PartialEq>(
    fields: &Fields<'a>,
    key: &'a str,
    reason: &'static str,
) -> Result<T, DecodeError> {
    let value: T = fields.or_default(key)?;
    match value == T::default() {
        true => Err(fields.invalid_at(key, reason)),
        false => Ok(value),
    }
}

fn list<'a>(
    fields: &Fields<'a>,
    key: &'a str,
    reason: &'static str,
) -> Result<Vec<String>, DecodeError> {
    some(fields, key, reason)
}
