//! The values that labels have. Each label is an enum, so that nothing that somebody sends can become a value: who could
//! add values could fill the memory of whoever collects them.

use http::{Method, StatusCode};

use crate::domain::session::EndReason;

/// A label with a fixed set of values.
pub trait Label: Copy + Send + Sync + 'static {
    /// All of them, each at its index.
    const ALL: &'static [Self];

    /// The place in [`Self::ALL`].
    fn index(self) -> usize;

    /// How it is written.
    fn text(self) -> &'static str;
}

macro_rules! label {
    ($(#[$about:meta])* $name:ident { $($(#[$value_about:meta])* $value:ident = $text:literal,)+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$value_about])* $value,)+ }

        impl Label for $name {
            const ALL: &'static [Self] = &[$(Self::$value,)+];

            fn index(self) -> usize {
                self as usize
            }

            fn text(self) -> &'static str {
                match self { $(Self::$value => $text,)+ }
            }
        }
    };
}

label! {
    /// What somebody came for.
    Operation {
        /// An account was to be made.
        Register = "register",
        /// Sign-in by password.
        Login = "login",
        /// A refresh token was to be spent.
        Refresh = "refresh",
        /// Sessions were to end.
        Logout = "logout",
        /// A code was to be redeemed.
        Code = "authorization_code",
        /// A service came for its own token.
        Service = "client_credentials",
        /// A token was to be revoked.
        Revoke = "revoke",
    }
}

label! {
    /// What came of it.
    Status {
        /// It was done.
        Success = "success",
        /// It was refused, or failed.
        Failure = "failure",
    }
}

impl<T, E> From<&Result<T, E>> for Status {
    fn from(result: &Result<T, E>) -> Self {
        if result.is_ok() { Self::Success } else { Self::Failure }
    }
}

label! {
    /// Kinds of tokens.
    TokenKind {
        /// Access tokens.
        Access = "access",
        /// Refresh tokens.
        Refresh = "refresh",
        /// ID tokens.
        Id = "id",
    }
}

impl Label for EndReason {
    const ALL: &'static [Self] = &Self::ALL;

    fn index(self) -> usize {
        self as usize
    }

    fn text(self) -> &'static str {
        self.as_str()
    }
}

label! {
    /// What a presented access token was found to be.
    Validity {
        /// It holds.
        Valid = "valid",
        /// It isn't one of ours, is too old, or was revoked.
        Invalid = "invalid",
        /// It couldn't be checked.
        Error = "error",
    }
}

label! {
    /// Whether a copy was there.
    Lookup {
        /// It was.
        Hit = "hit",
        /// It wasn't, or might have been out of date.
        Miss = "miss",
    }
}

label! {
    /// What became of a span.
    SpanFate {
        /// The collector took it.
        Exported = "exported",
        /// There was no room to keep it until it could be given.
        Dropped = "dropped",
        /// The collector didn't take it.
        Failed = "failed",
    }
}

label! {
    /// Methods of HTTP.
    HttpMethod {
        /// `GET`.
        Get = "GET",
        /// `HEAD`.
        Head = "HEAD",
        /// `POST`.
        Post = "POST",
        /// `PUT`.
        Put = "PUT",
        /// `PATCH`.
        Patch = "PATCH",
        /// `DELETE`.
        Delete = "DELETE",
        /// `OPTIONS`.
        Options = "OPTIONS",
        /// Any other.
        Other = "_OTHER",
    }
}

impl From<&Method> for HttpMethod {
    fn from(method: &Method) -> Self {
        match method.as_str() {
            "GET" => Self::Get,
            "HEAD" => Self::Head,
            "POST" => Self::Post,
            "PUT" => Self::Put,
            "PATCH" => Self::Patch,
            "DELETE" => Self::Delete,
            "OPTIONS" => Self::Options,
            _ => Self::Other,
        }
    }
}

label! {
    /// Classes of status codes.
    StatusClass {
        /// 100 to 199.
        Informational = "1xx",
        /// 200 to 299.
        Success = "2xx",
        /// 300 to 399.
        Redirection = "3xx",
        /// 400 to 499.
        ClientError = "4xx",
        /// 500 to 599.
        ServerError = "5xx",
        /// The client went away before there was one.
        Abandoned = "abandoned",
    }
}

impl From<Option<StatusCode>> for StatusClass {
    fn from(status: Option<StatusCode>) -> Self {
        match status.map(|status| status.as_u16()) {
            None => Self::Abandoned,
            Some(..=199) => Self::Informational,
            Some(200..=299) => Self::Success,
            Some(300..=399) => Self::Redirection,
            Some(400..=499) => Self::ClientError,
            Some(500..) => Self::ServerError,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{HttpMethod, Label, Lookup, Operation, SpanFate, Status, StatusClass, TokenKind, Validity};
    use crate::domain::session::EndReason;

    fn check<L: Label>() {
        assert!(L::ALL.iter().enumerate().all(|(place, value)| value.index() == place));
        let texts: BTreeSet<&str> = L::ALL.iter().map(|value| value.text()).collect();
        assert_eq!(texts.len(), L::ALL.len());
    }

    #[test]
    fn each_value_is_at_its_index_and_has_a_text_of_its_own() {
        check::<EndReason>();
        check::<HttpMethod>();
        check::<Lookup>();
        check::<Operation>();
        check::<SpanFate>();
        check::<Status>();
        check::<StatusClass>();
        check::<TokenKind>();
        check::<Validity>();
    }
}
