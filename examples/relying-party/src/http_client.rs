//! How the openidconnect crate reaches the provider.
//!
//! The crate takes any HTTP client that implements its trait. This one is reqwest 0.13; the crate's own feature would
//! bring an older reqwest with it.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};
use reqwest::redirect::Policy;

/// Longer than a healthy provider takes, shorter than a visitor waits.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A client that never follows a redirect: a provider that answers with one could send us anywhere, inside our network too.
pub(crate) struct HttpClient(reqwest::Client);

impl HttpClient {
    /// Fails when the system's TLS can't be set up.
    pub(crate) fn new() -> Result<Self, reqwest::Error> {
        reqwest::Client::builder().redirect(Policy::none()).timeout(TIMEOUT).build().map(Self)
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, reqwest::Error> {
        let mut answer = self.0.execute(request.try_into()?).await?;
        let status = answer.status();
        let headers = std::mem::take(answer.headers_mut());
        let mut response = HttpResponse::new(answer.bytes().await?.to_vec());
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Ok(response)
    }
}

impl<'c> AsyncHttpClient<'c> for HttpClient {
    type Error = reqwest::Error;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, reqwest::Error>> + Send + Sync + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}
