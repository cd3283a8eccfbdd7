//! The endpoints of OpenID Connect and OAuth, a file each.

pub mod authorize;
pub mod check_session;
pub mod consent;
pub mod discovery;
pub mod introspect;
pub mod jwks;
pub mod login;
pub mod logout;
pub mod revoke;
pub mod select_account;
pub mod signup;
pub mod step;
pub mod token;
pub mod userinfo;
