//! Reads the forms of a hosted page, as far as a person without a browser needs them: hidden inputs, and which
//! controls each form has.
//!
//! Decided against an HTML parser: the pages are our own, well-formed, and a dozen of tags matter.

/// A form of a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Form {
    /// Where it is sent; empty means the page's own address.
    pub(crate) action: String,
    /// Names and values of the hidden inputs.
    pub(crate) hidden: Vec<(String, String)>,
    /// Names and ids of all other inputs and buttons.
    controls: Vec<String>,
}

impl Form {
    /// The form of a page that has an input or a button of this name or id.
    pub(crate) fn find(html: &str, control: &str) -> Option<Self> {
        forms(html).into_iter().find(|form| form.controls.iter().any(|known| known == control))
    }
}

/// All forms of a page, in order.
fn forms(html: &str) -> Vec<Form> {
    let mut found = Vec::new();
    let mut open: Option<Form> = None;
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        if let Some(comment) = rest.strip_prefix("!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after);
            continue;
        }
        let (tag, after) = Tag::read(rest);
        rest = after;
        match tag.name.as_str() {
            "form" => open = Some(Form { action: tag.attribute("action").unwrap_or_default(), ..Form::default() }),
            "/form" => found.extend(open.take()),
            "input" | "button" => {
                if let Some(form) = &mut open {
                    form.add(&tag);
                }
            }
            _ => {}
        }
    }
    found.extend(open);
    found
}

impl Form {
    fn add(&mut self, tag: &Tag) {
        let name = tag.attribute("name");
        let is_hidden = tag.attribute("type").is_some_and(|kind| kind.eq_ignore_ascii_case("hidden"));
        match name {
            Some(name) if is_hidden => self.hidden.push((name, tag.attribute("value").unwrap_or_default())),
            name => self.controls.extend(name.into_iter().chain(tag.attribute("id"))),
        }
    }
}

/// A tag with its attributes, names in lower case and values as written.
struct Tag {
    name: String,
    attributes: Vec<(String, String)>,
}

impl Tag {
    /// Reads from behind `<` and answers what follows `>`.
    fn read(text: &str) -> (Self, &str) {
        let end = text.find(|c: char| c.is_ascii_whitespace() || c == '>').unwrap_or(text.len());
        let name = text[..end].trim_end_matches('/').to_ascii_lowercase();
        let name = if text.starts_with('/') { format!("/{}", name.trim_start_matches('/')) } else { name };
        let mut attributes = Vec::new();
        let mut rest = &text[end..];
        loop {
            rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
            if let Some(after) = rest.strip_prefix('>') {
                return (Self { name, attributes }, after);
            }
            let end =
                rest.find(|c: char| c.is_ascii_whitespace() || matches!(c, '=' | '>' | '/')).unwrap_or(rest.len());
            if end == 0 && !rest.starts_with('=') {
                return (Self { name, attributes }, rest);
            }
            let attribute = rest[..end].to_ascii_lowercase();
            rest = rest[end..].trim_start();
            let mut value = "";
            if let Some(after) = rest.strip_prefix('=') {
                (value, rest) = read_value(after.trim_start());
            }
            attributes.push((attribute, value.to_owned()));
        }
    }

    fn attribute(&self, name: &str) -> Option<String> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| decode(value))
    }
}

/// An attribute's value, quoted or not, and what follows it.
fn read_value(text: &str) -> (&str, &str) {
    for quote in ['"', '\''] {
        if let Some(quoted) = text.strip_prefix(quote) {
            return quoted.split_once(quote).unwrap_or((quoted, ""));
        }
    }
    text.split_at(text.find(|c: char| c.is_ascii_whitespace() || c == '>').unwrap_or(text.len()))
}

/// Resolves the character references that a template engine writes.
fn decode(value: &str) -> String {
    let mut decoded = String::with_capacity(value.len());
    let mut rest = value;
    while let Some(start) = rest.find('&') {
        decoded.push_str(&rest[..start]);
        rest = &rest[start..];
        let reference = rest.find(';').map(|end| (&rest[1..end], &rest[end + 1..]));
        if let Some((character, after)) = reference.and_then(|(name, after)| Some((character(name)?, after))) {
            decoded.push(character);
            rest = after;
        } else {
            decoded.push('&');
            rest = &rest[1..];
        }
    }
    decoded + rest
}

fn character(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?)
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    const SIGN_IN: &str = r#"<!doctype html><html><!-- <form action="/comment"> --><body>
        <form id=leave method=post action='/login?a=1&amp;b=2'><input type=hidden name=flow value=one>
          <input type="submit" name="action" value="cancel"/></form>
        <FORM method="post" action="/login"  class="wide" novalidate>
          <input type="hidden" name="flow" value="018f&#x2d;7">
          <input value='a&quot;b&#39;c' name=csrf type=HIDDEN />
          <input type="email" id="email" name="email" required autofocus>
          <input type="password" id="password" name="password">
          <button type="submit">Sign in &rarr;</button>
        </FORM></body></html>"#;

    #[test]
    fn the_form_with_the_password_is_found_with_its_hidden_inputs() {
        let form = Form::find(SIGN_IN, "password").unwrap();
        assert_eq!(form.action, "/login");
        assert_eq!(form.hidden, [("flow".into(), "018f-7".into()), ("csrf".into(), "a\"b'c".into())]);
    }

    #[test]
    fn another_form_of_the_page_is_found_by_its_own_control() {
        let form = Form::find(SIGN_IN, "action").unwrap();
        assert_eq!(form.action, "/login?a=1&b=2");
        assert_eq!(form.hidden, [("flow".into(), "one".into())]);
    }

    #[test]
    fn a_button_is_found_by_its_id() {
        let html = r#"<form action=/consent><input type=hidden name=flow value=2><button id="allow" name="decision" value="allow">Allow</button></form>"#;
        assert_eq!(Form::find(html, "allow").unwrap().action, "/consent");
        assert_eq!(Form::find(html, "decision").unwrap().hidden, [("flow".into(), "2".into())]);
        assert_eq!(Form::find(html, "deny"), None);
    }

    #[test]
    fn unfinished_html_ends_the_reading() {
        for html in
            ["<", "<form", "<form action", "<form action=", "<form action=\"x", "<form><input name=", "<!--", "a < b"]
        {
            assert_eq!(Form::find(html, "password"), None, "{html}");
        }
    }

    #[test]
    fn unknown_references_stay() {
        assert_eq!(decode("a&b &nosuch; &#xZZ; &amp"), "a&b &nosuch; &#xZZ; &amp");
    }
}
