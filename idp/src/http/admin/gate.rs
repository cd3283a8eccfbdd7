//! Who may: every endpoint of the admin API begins with a [`Gate`], which names the scope that it needs. What it checks
//! is in [`service::access`](crate::service::access).

use std::marker::PhantomData;
use std::ops::Deref;

use poem::{FromRequest, Request, RequestBody};
use poem_openapi::registry::Registry;
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};

use super::refusal;
use crate::http::api::refusal::{Refusal, Result};
use crate::http::extract::visit::Call;
use crate::http::extract::{bearer, query};
use crate::service::access::{self, Admitted, Need};

/// A right that an endpoint needs.
pub(super) trait Right: Send + Sync {
    /// The scope and role.
    const NEED: Need;
}

macro_rules! rights {
    ($($name:ident = $scope:literal),+ $(,)?) => {$(
        #[doc = concat!("`", $scope, "`")]
        #[derive(Debug)]
        pub(super) struct $name;

        impl Right for $name {
            const NEED: Need = Need { scope: $scope, role: access::ADMIN_ROLE };
        }
    )+};
}

rights! {
    UsersRead = "admin:users:read",
    UsersWrite = "admin:users:write",
    ClientsRead = "admin:clients:read",
    ClientsWrite = "admin:clients:write",
    KeysRead = "admin:keys:read",
    KeysWrite = "admin:keys:write",
    ConsentsRead = "admin:consents:read",
    ConsentsWrite = "admin:consents:write",
    AuditRead = "admin:audit:read",
    EventsRead = "admin:events:read",
    WebhooksRead = "admin:webhooks:read",
    WebhooksWrite = "admin:webhooks:write",
    SessionsRead = "admin:sessions:read",
    SessionsWrite = "admin:sessions:write",
}

/// A call by somebody who has the right `R`.
#[derive(Debug)]
pub(super) struct Gate<R> {
    call: Call,
    /// Who it is.
    pub(super) admitted: Admitted,
    right: PhantomData<R>,
}

impl<R> Deref for Gate<R> {
    type Target = Call;

    fn deref(&self) -> &Call {
        &self.call
    }
}

impl<R> Gate<R> {
    /// What an operation came to. That somebody who was let in may not do it all the same is in the audit log.
    pub(super) async fn noting<T>(&self, done: Result<T>) -> Result<T> {
        if done.as_ref().is_err_and(Refusal::is_forbidden) {
            let reason = "nobody hands on more than they have";
            access::note_forbidden(&self.ctx, self.tenant(), &self.caller, &self.admitted, reason).await?;
        }
        done
    }
}

/// What the scheme is called in the document.
const SCHEME: &str = "bearer";

impl<'a, R: Right> ApiExtractor<'a> for Gate<R> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        let scheme = bearer::scheme(
            "An access token of the tenant's issuer whose aud is the issuer or the issuer and /v1/admin, with the scope that \
             the operation names. A person also needs the role admin.",
        );
        registry.create_security_scheme(SCHEME, scheme);
    }

    fn security_schemes() -> Vec<&'static str> {
        vec![SCHEME]
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let call = <Call as FromRequest>::from_request(request, body).await?;
        let token = bearer::read(request.headers(), None).map_err(|error| refusal::bearer(error, R::NEED.scope))?;
        let admitted = access::admit(&call.ctx, call.tenant(), &call.caller, &token, R::NEED).await;
        let admitted = admitted.map_err(|error| refusal::access(error, R::NEED.scope))?;
        if let Some(name) = query::repeated(request) {
            let name: String = name.chars().filter(|c| !c.is_control()).take(100).collect();
            return Err(Refusal::bad_request(format!("{name}: was sent more than once; send it once")).into());
        }
        Ok(Self { call, admitted, right: PhantomData })
    }
}
