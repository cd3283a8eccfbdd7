//! Signs people in at an OIDC provider, by the crates openidconnect and poem.

use std::env;
use std::error::Error;

use openidconnect::core::{CoreAuthenticationFlow, CoreClient, CoreProviderMetadata, CoreUserInfoClaims};
use openidconnect::{
    AuthorizationCode, ClientId, ClientSecret, CsrfToken, HttpRequest, HttpResponse, IssuerUrl, Nonce,
    OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope, TokenResponse,
};
use poem::http::{StatusCode, header};
use poem::listener::TcpListener;
use poem::middleware::CookieJarManager;
use poem::web::cookie::{Cookie, CookieJar, SameSite};
use poem::web::{Data, Html, Json, Query};
use poem::{EndpointExt, IntoResponse, Response, Route, Server, get, handler};
use serde::Deserialize;
use serde_json::{Value, json};

type Failure = Box<dyn Error + Send + Sync>;

/// Where the provider is, who we are to it, and where visitors find us.
#[derive(Clone)]
struct App {
    issuer: String,
    client_id: String,
    client_secret: String,
    base_url: String,
    http: reqwest::Client,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let address = format!("127.0.0.1:{}", env::var("PORT").unwrap_or_else(|_| "8090".to_owned()));
    let app = App {
        issuer: env::var("ISSUER")?,
        client_id: env::var("CLIENT_ID")?,
        client_secret: env::var("CLIENT_SECRET")?,
        base_url: env::var("BASE_URL").unwrap_or_else(|_| format!("http://{address}")),
        // A provider that redirects could send us anywhere, inside our own network too.
        http: reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?,
    };
    println!("Open {}", app.base_url);
    let routes = Route::new().at("/", get(home)).at("/login", get(login)).at("/callback", get(callback));
    Server::new(TcpListener::bind(address)).run(routes.data(app).with(CookieJarManager::new())).await?;
    Ok(())
}

#[handler]
fn home() -> Html<&'static str> {
    Html(r#"<a href="/login">Sign in</a>"#)
}

/// Sends the browser to the provider, with a cookie that says what to expect when it comes back.
#[handler]
async fn login(Data(app): Data<&App>, cookies: &CookieJar) -> Response {
    match begin(app).await {
        Ok((location, attempt)) => {
            cookies.add(attempt_cookie(app, &attempt));
            StatusCode::SEE_OTHER.with_header(header::LOCATION, location).into_response()
        }
        Err(error) => failed(error.as_ref()),
    }
}

#[handler]
async fn callback(Data(app): Data<&App>, cookies: &CookieJar, Query(answer): Query<Answer>) -> Response {
    let attempt = cookies.get("attempt").map(|cookie| cookie.value_str().to_owned()).unwrap_or_default();
    let mut used = attempt_cookie(app, "");
    used.make_removal();
    cookies.add(used);
    match sign_in(app, &attempt, answer).await {
        // Here your application begins a session of its own for the subject. This one shows what it got.
        Ok((claims, userinfo)) => Json(json!({ "id_token": claims, "userinfo": userinfo })).into_response(),
        Err(error) => failed(error.as_ref()),
    }
}

/// The provider's address to send the browser to, and what to remember until it comes back.
async fn begin(app: &App) -> Result<(String, String), Failure> {
    let client = CoreClient::from_provider_metadata(provider(app).await?, ClientId::new(app.client_id.clone()), None)
        .set_redirect_uri(redirect_url(app)?);
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (url, state, nonce) = client
        .authorize_url(CoreAuthenticationFlow::AuthorizationCode, CsrfToken::new_random, Nonce::new_random)
        .add_scopes(["profile", "email"].map(|scope| Scope::new(scope.to_owned())))
        .set_pkce_challenge(challenge)
        .url();
    Ok((url.into(), format!("{}.{}.{}", verifier.secret(), state.secret(), nonce.secret())))
}

/// The query string of the callback.
#[derive(Deserialize)]
struct Answer {
    code: Option<String>,
    state: Option<String>,
    iss: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

/// Checks what the browser brought, swaps the code for tokens, and verifies those.
async fn sign_in(app: &App, attempt: &str, answer: Answer) -> Result<(Value, Value), Failure> {
    let [verifier, state, nonce] = attempt.split('.').collect::<Vec<_>>()[..] else {
        return Err("this browser began no sign-in".into());
    };
    if answer.state.as_deref() != Some(state) {
        return Err("state isn't the one that this sign-in began with".into());
    }
    if answer.iss.as_ref() != Some(&app.issuer) {
        return Err("iss isn't the provider that was asked".into()); // RFC 9207
    }
    if let Some(error) = answer.error {
        return Err(format!("{error}: {}", answer.error_description.unwrap_or_default()).into());
    }
    let code = AuthorizationCode::new(answer.code.ok_or("the answer has no code")?);

    let secret = Some(ClientSecret::new(app.client_secret.clone()));
    let client = CoreClient::from_provider_metadata(provider(app).await?, ClientId::new(app.client_id.clone()), secret)
        .set_redirect_uri(redirect_url(app)?);
    let http = |request| send(app.http.clone(), request);
    let tokens = client
        .exchange_code(code)?
        .set_pkce_verifier(PkceCodeVerifier::new(verifier.to_owned()))
        .request_async(&http)
        .await?;

    // The signature, iss, aud, exp and nonce.
    let id_token = tokens.id_token().ok_or("there is no ID token")?;
    let claims = id_token.claims(&client.id_token_verifier(), &Nonce::new(nonce.to_owned()))?;

    // Naming the subject makes the crate refuse an answer about somebody else.
    let subject = Some(claims.subject().clone());
    let userinfo: CoreUserInfoClaims =
        client.user_info(tokens.access_token().clone(), subject)?.request_async(&http).await?;
    Ok((serde_json::to_value(claims)?, serde_json::to_value(userinfo)?))
}

/// Reads the discovery document and the provider's keys. A busy site keeps them for as long as `Cache-Control` allows.
async fn provider(app: &App) -> Result<CoreProviderMetadata, Failure> {
    let http = |request| send(app.http.clone(), request);
    Ok(CoreProviderMetadata::discover_async(IssuerUrl::new(app.issuer.clone())?, &http).await?)
}

/// How openidconnect reaches the provider: by the HTTP client of your choice.
async fn send(http: reqwest::Client, request: HttpRequest) -> Result<HttpResponse, reqwest::Error> {
    let mut answer = http.execute(request.try_into()?).await?;
    let (status, headers) = (answer.status(), std::mem::take(answer.headers_mut()));
    let mut response = HttpResponse::new(answer.bytes().await?.to_vec());
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}

fn redirect_url(app: &App) -> Result<RedirectUrl, Failure> {
    Ok(RedirectUrl::new(format!("{}/callback", app.base_url))?)
}

/// A cookie that scripts can't read and other sites' forms don't send.
fn attempt_cookie(app: &App, value: &str) -> Cookie {
    let mut cookie = Cookie::new_with_str("attempt", value);
    cookie.set_path("/callback");
    cookie.set_http_only(true);
    cookie.set_same_site(SameSite::Lax);
    cookie.set_secure(app.base_url.starts_with("https:"));
    cookie.set_max_age(std::time::Duration::from_mins(10));
    cookie
}

/// A sentence for the visitor, the error with its causes for the log.
fn failed(error: &(dyn Error + 'static)) -> Response {
    eprintln!("sign-in failed: {error:?}");
    (StatusCode::BAD_REQUEST, "You are not signed in.").into_response()
}
