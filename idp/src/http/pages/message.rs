//! Short pages that tell the reader where things stand.

use askama::Template;
use poem::{Response, http::StatusCode};

use super::{ClientDisplay, Link, PageContext, Person, headers::Answer, layout::Chrome, texts::Texts};

/// What a short page says.
#[derive(Clone, Debug)]
pub enum Message {
    /// The tenant's own address, opened by somebody who isn't signed in.
    Landing,
    /// The tenant's own address, opened by somebody who is.
    SignedIn(Person),
    /// The reader has signed out.
    SignedOut,
    /// The sign-in that this page belongs to is already finished.
    FlowFinished,
}

/// A page with a headline and a sentence.
#[derive(Clone, Debug)]
pub struct MessagePage {
    message: Message,
    client: Option<ClientDisplay>,
    /// Whether the page can't be asked for again.
    still: bool,
}

#[derive(Template)]
#[template(path = "message.html")]
struct View<'a> {
    chrome: Chrome<'a>,
    t: Texts,
    page: &'a MessagePage,
    title: String,
    lead: String,
    icon: &'static str,
    /// Class of the picture above the headline.
    picture: &'static str,
}

impl View<'_> {
    /// The client's home page.
    fn home(&self) -> Option<&Link> {
        self.page.client.as_ref()?.home.as_ref()
    }
}

impl MessagePage {
    /// A page that says this.
    pub fn new(message: Message) -> Self {
        Self { message, client: None, still: false }
    }

    /// With a way back to the client, if its home page is known.
    #[must_use]
    pub fn client(self, client: ClientDisplay) -> Self {
        Self { client: Some(client), ..self }
    }

    /// Whether the reader has an account to look after.
    fn is_signed_in(&self) -> bool {
        matches!(self.message, Message::SignedIn(_))
    }

    /// As the answer to a form, which can't be asked for again: without links to other languages.
    #[must_use]
    pub fn still(self) -> Self {
        Self { still: true, ..self }
    }

    /// The page as a response: 200, or 410 for a sign-in that is finished.
    pub fn render(&self, context: &PageContext) -> Response {
        let t = Texts(context.language);
        let brand = context.brand.name();
        let (title, lead) = match &self.message {
            Message::Landing => (t.with("landing-title", "brand", brand), t.text("landing-lead").into_owned()),
            Message::SignedIn(person) => {
                let person = person.name.as_deref().unwrap_or(&person.login);
                (t.text("signed-in-title").into_owned(), t.with("signed-in-lead", "person", person))
            }
            Message::SignedOut => (t.text("signed-out-title").into_owned(), t.with("signed-out-lead", "brand", brand)),
            Message::FlowFinished => {
                (t.text("flow-finished-title").into_owned(), t.text("flow-finished-lead").into_owned())
            }
        };
        let (status, icon, picture) = match self.message {
            Message::Landing => (StatusCode::OK, "i-key", "tile-brand"),
            Message::SignedIn(_) => (StatusCode::OK, "i-user", "tile-success"),
            Message::SignedOut => (StatusCode::OK, "i-check", "tile-success"),
            Message::FlowFinished => (StatusCode::GONE, "i-check", "tile-success"),
        };
        let chrome = if self.still { Chrome::still(context) } else { Chrome::of_request(context) };
        let view = View { chrome, t, page: self, title, lead, icon, picture };
        Answer::new(status).render(&view, context)
    }
}
