//! A request, as handlers see it.

use std::net::IpAddr;
use std::ops::Deref;
use std::sync::Arc;

use poem::http::{HeaderMap, HeaderValue, StatusCode, header};
use poem::{FromRequest, Request, RequestBody, Response};

use crate::domain::TenantId;
use crate::domain::tenant::Tenant;
use crate::http::page_context;
use crate::http::pages::{Language, PageContext};
use crate::http::server::ClientAddress;
use crate::http::site::Site;
use crate::service::ctx::{Caller, Ctx};

/// A call by a client: the tenant that it is for, and where it comes from.
#[derive(Clone, Debug)]
pub struct Call {
    /// Everything ambient.
    pub ctx: Ctx,
    /// The tenant.
    pub site: Arc<Site>,
    /// Who calls.
    pub caller: Caller,
}

impl Call {
    /// The tenant.
    pub fn tenant(&self) -> &Tenant {
        &self.site.tenant
    }

    /// The tenant's id.
    pub fn tenant_id(&self) -> TenantId {
        self.site.tenant.id
    }
}

impl<'a> FromRequest<'a> for Call {
    async fn from_request(request: &'a Request, _body: &mut RequestBody) -> poem::Result<Self> {
        Self::of(request)
    }
}

impl Call {
    /// Reads it off a request that the tenant's gate has let in.
    ///
    /// # Errors
    /// Status 500 for one that came by another way.
    pub fn of(request: &Request) -> poem::Result<Self> {
        let missing = || poem::Error::from_status(StatusCode::INTERNAL_SERVER_ERROR);
        let ctx = request.data::<Ctx>().cloned().ok_or_else(missing)?;
        let site = request.data::<Arc<Site>>().cloned().ok_or_else(missing)?;
        let address = ClientAddress::of(request).ok_or_else(missing)?.ip();
        Ok(Self { ctx, site, caller: caller(request.headers(), address) })
    }
}

/// Who is at the other end of a request with these header fields.
pub fn caller(headers: &HeaderMap, address: IpAddr) -> Caller {
    let user_agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    // What a header's text is made of is ASCII.
    Caller { address, user_agent: user_agent.map(|text| text.get(..512).unwrap_or(text).to_owned()) }
}

/// A person's visit to a page: a [`Call`], and what the page is to look like.
#[derive(Clone, Debug)]
pub struct Visit {
    call: Call,
    /// What the page needs to know.
    pub page: PageContext,
    chosen: Option<Language>,
}

impl Deref for Visit {
    type Target = Call;

    fn deref(&self) -> &Call {
        &self.call
    }
}

impl Visit {
    /// Takes the languages that the client asked for into account (`ui_locales`).
    #[must_use]
    pub fn in_languages(mut self, ui_locales: Option<&str>, request: &Request) -> Self {
        self.page.language = page_context::negotiate(request, &self.call.site, ui_locales);
        self
    }

    /// Keeps the language that the person chose on this page.
    pub fn remember_language(&self, mut response: Response) -> Response {
        if let Some(language) = self.chosen
            && let Ok(cookie) = HeaderValue::try_from(language.cookie(&self.page.base))
        {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        response
    }
}

impl<'a> FromRequest<'a> for Visit {
    async fn from_request(request: &'a Request, body: &mut RequestBody) -> poem::Result<Self> {
        let call = Call::from_request(request, body).await?;
        let page = page_context::of_site(request, &call.site);
        let chosen = page_context::chosen_language(request).and_then(Language::from_code);
        Ok(Self { call, page, chosen })
    }
}
