//! A browser as far as a sign-in needs one: one connection, cookies, pages with forms.

use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Method, Request,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, ORIGIN},
};

use crate::{
    client::{Answer, Connection},
    cookies::Cookies,
    error::Failure,
};

/// A browser that knows one site.
#[derive(Debug)]
pub(crate) struct Browser {
    connection: Connection,
    cookies: Cookies,
    host: String,
    origin: String,
}

impl Browser {
    /// A new one, without cookies.
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self {
            connection: Connection::new(address),
            cookies: Cookies::default(),
            host: address.to_string(),
            origin: format!("http://{address}"),
        }
    }

    /// Another window of the same browser: its own connection, the same cookies.
    pub(crate) fn another_window(&self) -> Self {
        Self { cookies: self.cookies.clone(), ..Self::new(self.connection.address()) }
    }

    /// Forgets the cookies.
    pub(crate) fn forget(&mut self) {
        self.cookies.clear();
    }

    /// The path and query of an address at this site, be it absolute or relative to the root; none for another site.
    pub(crate) fn local<'a>(&self, location: &'a str) -> Option<&'a str> {
        location.strip_prefix(&self.origin).or(Some(location)).filter(|path| path.starts_with('/'))
    }

    /// Opens a page.
    pub(crate) async fn open(&mut self, step: &'static str, path: &str) -> Result<Answer, Failure> {
        let request = Request::get(path).header(ACCEPT, "text/html").header(HOST, &self.host);
        self.send(step, request.body(Full::default())).await
    }

    /// Submits a form.
    pub(crate) async fn submit(
        &mut self,
        step: &'static str,
        path: &str,
        fields: &[(String, String)],
    ) -> Result<Answer, Failure> {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = Request::post(path)
            .header(ACCEPT, "text/html")
            .header(HOST, &self.host)
            .header(ORIGIN, &self.origin)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(step, request.body(Full::new(Bytes::from(form)))).await
    }

    /// What the client behind the browser asks the server directly, without cookies; on the same connection, so that
    /// a load has as many connections as it says.
    pub(crate) async fn call(
        &mut self,
        step: &'static str,
        method: Method,
        path: &str,
        authorization: &str,
        form: &[(&str, &str)],
    ) -> Result<Answer, Failure> {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let mut request =
            Request::builder().method(method).uri(path).header(HOST, &self.host).header(AUTHORIZATION, authorization);
        if !form.is_empty() {
            request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        let request = request.body(Full::new(Bytes::from(form))).map_err(|error| problem(step, &error))?;
        self.connection.send(step, request).await
    }

    async fn send(
        &mut self,
        step: &'static str,
        request: Result<Request<Full<Bytes>>, hyper::http::Error>,
    ) -> Result<Answer, Failure> {
        let mut request = request.map_err(|error| problem(step, &error))?;
        self.cookies.write(request.headers_mut());
        let answer = self.connection.send(step, request).await?;
        self.cookies.take_over(&answer.headers);
        Ok(answer)
    }
}

fn problem(step: &'static str, error: &hyper::http::Error) -> Failure {
    Failure::Problem { step, problem: error.to_string() }
}
