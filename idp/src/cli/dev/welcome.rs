//! What the development mode says when it is ready.

use std::path::Path;

use super::facts::Facts;
use super::folder::Folder;
use crate::domain::redirect_uri::RedirectUri;

/// Where it is, who may sign in, and two lines to paste.
pub(in crate::cli) fn welcome(facts: &Facts, folder: &Folder, program: &Path) -> String {
    let Facts { issuer, admin, user, browser_client: browser, service_client: service } = facts;
    let redirects: Vec<&str> = browser.redirect_uris.iter().map(RedirectUri::as_str).collect();
    let token = format!(
        "curl -s -u {} -d grant_type=client_credentials {}",
        quoted(&format!("{}:{}", service.client_id, service.client_secret.expose())),
        quoted(&format!("{issuer}/token")),
    );
    format!(
        "\
Signet is ready at {issuer}

  Administrator    {admin_email:<18}  {admin_password}
  User             {user_email:<18}  {user_password}
  Browser client   {browser_id:<18}  {browser_secret}
                   redirects to {redirects}
  Service client   {service_id:<18}  {service_secret}

Get a token:
  {token}

Get one, decode and verify it:
  {token} | {program} token explain - --data {folder}

The same facts are in {facts_path}.
End with Ctrl-C; at the next start everything is still there.
",
        admin_email = admin.email.as_str(),
        admin_password = admin.password.expose(),
        user_email = user.email.as_str(),
        user_password = user.password.expose(),
        browser_id = browser.client_id.as_str(),
        browser_secret = browser.client_secret.expose(),
        redirects = redirects.join(", "),
        service_id = service.client_id.as_str(),
        service_secret = service.client_secret.expose(),
        program = quoted(&program.display().to_string()),
        folder = quoted(&folder.path().display().to_string()),
        facts_path = folder.facts_path().display(),
    )
}

/// A word of a shell, in quotes where it needs them.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn what_is_pasted_is_one_word() {
        assert_eq!(quoted("/usr/bin/signet"), "/usr/bin/signet");
        assert_eq!(quoted("demo-service:a_B-9"), "demo-service:a_B-9");
        assert_eq!(quoted("/home/o'neil/my data"), r"'/home/o'\''neil/my data'");
        assert_eq!(quoted(""), "''");
    }
}
