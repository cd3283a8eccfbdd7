//! How the members of bodies are described in the OpenAPI document: texts with a format, and closed lists of words.

use std::borrow::Cow;

use keys::{Algorithm, ClientAlgorithm};
use poem_openapi::registry::{MetaSchema, MetaSchemaRef};
use poem_openapi::types::{ParseError, ParseFromJSON, ParseFromParameter, ParseResult, ToJSON, Type};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::Timestamp;
use crate::domain::client::{
    ClientAuthMethod, ClientProfile, ClientStatus, ConsentPolicy, GrantType, PkcePolicy, RefreshTokenPolicy,
    SecretTransport, SubjectType,
};
use crate::domain::user::UserStatus;
use crate::domain::webhook::EndpointStatus;

macro_rules! described_text {
    ($($(#[$doc:meta])* $name:ident = $format:literal),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl Type for $name {
            const IS_REQUIRED: bool = true;
            type RawValueType = Self;
            type RawElementValueType = Self;

            fn name() -> Cow<'static, str> {
                concat!("string_", $format).into()
            }

            fn schema_ref() -> MetaSchemaRef {
                MetaSchemaRef::Inline(Box::new(MetaSchema::new_with_format("string", $format)))
            }

            fn as_raw_value(&self) -> Option<&Self> {
                Some(self)
            }

            fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
                Box::new(std::iter::once(self))
            }
        }

        impl ParseFromJSON for $name {
            fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
                String::parse_from_json(value).map(Self).map_err(ParseError::propagate)
            }
        }

        impl ToJSON for $name {
            fn to_json(&self) -> Option<Value> {
                Some(self.0.clone().into())
            }
        }
    )+};
}

described_text! {
    /// A point in time, RFC 3339 in UTC, to the second.
    DateTime = "date-time",
    /// A UUID.
    Id = "uuid",
    /// A URI.
    Uri = "uri",
    /// An e-mail address.
    EmailAddress = "email",
    /// A password: to be hidden where it is typed.
    Password = "password",
}

impl From<Timestamp> for DateTime {
    fn from(at: Timestamp) -> Self {
        Self(at.rfc3339())
    }
}

/// A type whose values are a closed list of words.
pub trait Words: Copy + Send + Sync + Serialize + DeserializeOwned + 'static {
    /// All of them.
    const ALL: &'static [Self];
}

macro_rules! words {
    ($($name:ty: $all:expr),+ $(,)?) => {$(
        impl Words for $name {
            const ALL: &'static [Self] = $all;
        }
    )+};
}

words! {
    GrantType: Self::ALL,
    ClientAuthMethod: Self::ALL,
    ClientProfile: Self::ALL,
    SubjectType: Self::ALL,
    Algorithm: &Self::ALL,
    ClientAlgorithm: &Self::ALL,
    SecretTransport: &[Self::AsRegistered, Self::Either],
    ConsentPolicy: &[Self::Ask, Self::Implied],
    PkcePolicy: &[Self::Required, Self::Optional],
    RefreshTokenPolicy: &[Self::Offline, Self::Session],
    UserStatus: &[Self::Active, Self::Disabled, Self::Locked],
    EndpointStatus: &[Self::Active, Self::Disabled],
    ClientStatus: &[Self::Active, Self::Disabled],
}

/// One of a closed list of words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent, bound = "T: Words")]
pub struct Word<T>(pub T);

impl<T: Words> Word<T> {
    /// The word itself.
    pub fn text(self) -> String {
        match self.to_json() {
            Some(Value::String(text)) => text,
            _ => String::new(),
        }
    }
}

impl<T: Words> Type for Word<T> {
    const IS_REQUIRED: bool = true;
    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        std::any::type_name::<T>().into()
    }

    fn schema_ref() -> MetaSchemaRef {
        let enum_items = T::ALL.iter().filter_map(|word| serde_json::to_value(word).ok()).collect();
        MetaSchemaRef::Inline(Box::new(MetaSchema { enum_items, ..MetaSchema::new("string") }))
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

impl<T: Words> ParseFromJSON for Word<T> {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        serde_json::from_value(value.unwrap_or_default()).map(Self).map_err(ParseError::custom)
    }
}

impl<T: Words> ToJSON for Word<T> {
    fn to_json(&self) -> Option<Value> {
        serde_json::to_value(self.0).ok()
    }
}

impl<T: Words> ParseFromParameter for Word<T> {
    fn parse_from_parameter(value: &str) -> ParseResult<Self> {
        serde_json::from_value(value.into()).map(Self).map_err(ParseError::custom)
    }
}
