//! The web application: four routes, and a cookie for each of the two things that it remembers.

use std::sync::Arc;
use std::time::Duration;

use poem::http::{StatusCode, header};
use poem::listener::TcpListener;
use poem::middleware::{CookieJarManager, SetHeader};
use poem::web::cookie::{Cookie, CookieJar, SameSite};
use poem::web::{Data, Query};
use poem::{EndpointExt, IntoEndpoint, IntoResponse, Response, Route, Server, get, handler, post};

use crate::config::Config;
use crate::pages::{self, Failure, Profile, Welcome};
use crate::provider::{AuthorizationResponse, Provider, SignInError};
use crate::visitors::Visitors;

/// Finds a sign-in under way; only our callback gets to see it.
const ATTEMPT_COOKIE: &str = "poems-attempt";
/// Finds a person who signed in.
const SESSION_COOKIE: &str = "poems-session";

/// All that the handlers need.
struct App {
    issuer: String,
    secure: bool,
    provider: Provider,
    visitors: Visitors,
}

/// Serves until Ctrl-C or SIGTERM, then lets the requests under way finish.
pub(crate) async fn serve(config: &Config, provider: Provider) -> std::io::Result<()> {
    let app = Arc::new(App {
        issuer: config.issuer.clone(),
        secure: config.base_url.starts_with("https://"),
        provider,
        visitors: Visitors::new(),
    });
    println!("Open {} (signs in at {})", config.base_url, config.issuer);
    Server::new(TcpListener::bind(config.listen))
        .run_with_graceful_shutdown(routes(app), shutdown(), Some(Duration::from_secs(5)))
        .await
}

fn routes(app: Arc<App>) -> impl IntoEndpoint {
    Route::new()
        .at("/", get(home))
        .at("/login", get(login))
        .at("/callback", get(callback))
        .at("/logout", post(logout))
        .at("/style.css", get(style))
        .data(app)
        .with(CookieJarManager::new())
        .with(
            SetHeader::new()
                .overriding(
                    header::CONTENT_SECURITY_POLICY,
                    "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
                )
                // A callback's address holds a code: neither caches nor other sites shall see it.
                .overriding(header::REFERRER_POLICY, "no-referrer")
                .overriding(header::CACHE_CONTROL, "no-store"),
        )
}

/// `GET /`: a welcome, or what we know of you.
#[handler]
fn home(Data(app): Data<&Arc<App>>, cookies: &CookieJar) -> Response {
    let person = cookies.get(SESSION_COOKIE).and_then(|cookie| app.visitors.find(cookie.value_str()));
    match person {
        Some(person) => pages::respond(StatusCode::OK, &Profile::new(&person)),
        None => pages::respond(StatusCode::OK, &Welcome { issuer: &app.issuer }),
    }
}

/// `GET /login`: to the provider.
#[handler]
async fn login(Data(app): Data<&Arc<App>>, cookies: &CookieJar) -> Response {
    match app.provider.begin().await {
        Ok((url, attempt)) => {
            cookies.add(app.cookie(ATTEMPT_COOKIE, "/callback", app.visitors.remember_attempt(attempt)));
            see_other(url.as_str())
        }
        Err(error) => failure(&error),
    }
}

/// `GET /callback`: back from the provider, with a code or an error.
#[handler]
async fn callback(
    Data(app): Data<&Arc<App>>,
    cookies: &CookieJar,
    Query(response): Query<AuthorizationResponse>,
) -> Response {
    let attempt = cookies.get(ATTEMPT_COOKIE).and_then(|cookie| app.visitors.take_attempt(cookie.value_str()));
    cookies.add(app.removal(ATTEMPT_COOKIE, "/callback"));
    let Some(attempt) = attempt else {
        return failure(&SignInError::State);
    };
    match app.provider.finish(attempt, response).await {
        Ok(person) => {
            cookies.add(app.cookie(SESSION_COOKIE, "/", app.visitors.sign_in(person)));
            see_other("/")
        }
        Err(error) => failure(&error),
    }
}

/// `POST /logout`: forgets you here; you stay signed in at the provider.
#[handler]
fn logout(Data(app): Data<&Arc<App>>, cookies: &CookieJar) -> Response {
    if let Some(cookie) = cookies.get(SESSION_COOKIE) {
        app.visitors.sign_out(cookie.value_str());
    }
    cookies.add(app.removal(SESSION_COOKIE, "/"));
    see_other("/")
}

/// `GET /style.css`.
#[handler]
fn style() -> Response {
    include_str!("../static/style.css").with_content_type("text/css; charset=utf-8").into_response()
}

impl App {
    /// A cookie that scripts can't read and other sites' forms don't send.
    fn cookie(&self, name: &str, path: &str, value: String) -> Cookie {
        let mut cookie = Cookie::new_with_str(name, value);
        cookie.set_path(path);
        cookie.set_http_only(true);
        cookie.set_same_site(SameSite::Lax);
        cookie.set_secure(self.secure);
        cookie
    }

    /// The same cookie, gone.
    fn removal(&self, name: &str, path: &str) -> Cookie {
        let mut cookie = self.cookie(name, path, String::new());
        cookie.set_max_age(Duration::ZERO);
        cookie
    }
}

fn see_other(location: &str) -> Response {
    StatusCode::SEE_OTHER.with_header(header::LOCATION, location).into_response()
}

/// The page for the visitor, the details for the log.
fn failure(error: &SignInError) -> Response {
    eprintln!("relying-party: {error}");
    let status = match error {
        SignInError::Refused { .. } | SignInError::State | SignInError::Issuer | SignInError::NoCode => {
            StatusCode::BAD_REQUEST
        }
        SignInError::Provider { .. } | SignInError::IdToken(_) => StatusCode::BAD_GATEWAY,
    };
    pages::respond(status, &Failure::new(error))
}

/// Ends with Ctrl-C or SIGTERM.
async fn shutdown() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
        }
        Err(_) => {
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}
