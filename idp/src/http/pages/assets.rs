//! Static files of the hosted pages: part of the binary, named after their content, kept by browsers for a year.

use std::{fmt::Write as _, sync::LazyLock};

use bytes::Bytes;
use openssl::sha::sha256;
use poem::{
    Response,
    http::{StatusCode, header},
};

/// How many bytes of the content's SHA-256 are in a file's name.
const HASH_BYTES: usize = 8;

static FILES: LazyLock<Files> = LazyLock::new(|| {
    let css: &'static [u8] = include_bytes!("../../../assets/signet.css");
    let script: &'static [u8] = include_bytes!("../../../assets/reveal.js");
    let form_post: &'static [u8] = include_bytes!("../../../assets/form-post.js");
    let frontchannel_logout: &'static [u8] = include_bytes!("../../../assets/frontchannel-logout.js");
    let check_session: &'static [u8] = include_bytes!("../../../assets/check-session.js");
    let reference_css: &'static [u8] = include_bytes!("../../../assets/reference.css");
    let reference_script: &'static [u8] = include_bytes!("../../../assets/reference.js");
    let console_css: &'static [u8] = include_bytes!("../../../assets/console.css");
    let console_script: &'static [u8] = include_bytes!("../../../assets/times.js");
    let icon: &'static [u8] = include_bytes!("../../../assets/icon.svg");
    Files {
        style: Asset::new("signet", "css", "text/css; charset=utf-8", css),
        script: Asset::new("reveal", "js", "text/javascript; charset=utf-8", script),
        form_post: Asset::new("form-post", "js", "text/javascript; charset=utf-8", form_post),
        frontchannel_logout: Asset::new(
            "frontchannel-logout",
            "js",
            "text/javascript; charset=utf-8",
            frontchannel_logout,
        ),
        check_session: Asset::new("check-session", "js", "text/javascript; charset=utf-8", check_session),
        reference_style: Asset::new("reference", "css", "text/css; charset=utf-8", reference_css),
        reference_script: Asset::new("reference", "js", "text/javascript; charset=utf-8", reference_script),
        console_style: Asset::new("console", "css", "text/css; charset=utf-8", console_css),
        console_script: Asset::new("times", "js", "text/javascript; charset=utf-8", console_script),
        icon: Asset::new("icon", "svg", "image/svg+xml", icon),
    }
});

/// The files that every page may ask for.
pub(in crate::http) struct Files {
    /// The one stylesheet.
    pub(in crate::http) style: Asset,
    /// Shows and hides a password; pages work without it.
    pub(super) script: Asset,
    /// Posts an answer to the client; without it the reader does.
    pub(super) form_post: Asset,
    /// Goes on when the clients' frames are there; without it the page goes on after a while.
    pub(super) frontchannel_logout: Asset,
    /// Answers clients' pages that have `/check-session` in a frame.
    pub(super) check_session: Asset,
    /// What the reference of the API needs beside the one stylesheet.
    pub(in crate::http) reference_style: Asset,
    /// Search and copy buttons of the reference; it works without them.
    pub(in crate::http) reference_script: Asset,
    /// What a console needs beside the one stylesheet.
    pub(super) console_style: Asset,
    /// Puts times into the reader's zone; pages work without it.
    pub(super) console_script: Asset,
    /// The icon in the browser's tab.
    pub(in crate::http) icon: Asset,
}

/// The files, hashed at the first use.
pub(in crate::http) fn files() -> &'static Files {
    &FILES
}

/// Answers `GET /assets/{file}`: 200, 304 when the browser has it, 404 when no file has that name (or not any more).
pub fn serve(file: &str, if_none_match: Option<&str>) -> Response {
    match all().find(|asset| asset.name == file) {
        Some(asset) => asset.respond(if_none_match),
        None => not_found(),
    }
}

/// Every file, for a copy of the pages outside a running server.
pub fn all() -> impl Iterator<Item = &'static Asset> {
    [
        &FILES.style,
        &FILES.script,
        &FILES.form_post,
        &FILES.icon,
        &FILES.reference_style,
        &FILES.reference_script,
        &FILES.console_style,
        &FILES.console_script,
        &FILES.frontchannel_logout,
        &FILES.check_session,
    ]
    .into_iter()
}

/// A file whose name changes with its content.
#[derive(Clone, Debug)]
pub struct Asset {
    name: String,
    content_type: &'static str,
    bytes: Bytes,
    etag: String,
}

impl Asset {
    /// Names `bytes` after their content: `{stem}.{hash}.{extension}`.
    pub(super) fn new(stem: &str, extension: &str, content_type: &'static str, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let mut hash = String::with_capacity(HASH_BYTES * 2);
        for byte in sha256(&bytes).into_iter().take(HASH_BYTES) {
            // Writing to a `String` can't fail.
            let _ = write!(hash, "{byte:02x}");
        }
        Self { name: format!("{stem}.{hash}.{extension}"), content_type, bytes, etag: format!("\"{hash}\"") }
    }

    /// The file's name, with the hash of its content.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file's content.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// 200 with the file, or 304 when `If-None-Match` names it.
    pub(super) fn respond(&self, if_none_match: Option<&str>) -> Response {
        let known = if_none_match.is_some_and(|header| {
            header.split(',').map(|tag| tag.trim().trim_start_matches("W/")).any(|tag| tag == self.etag || tag == "*")
        });
        let response = Response::builder()
            .header(header::CACHE_CONTROL, "public, max-age=31536000, immutable")
            .header(header::ETAG, &self.etag)
            .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
        if known {
            return response.status(StatusCode::NOT_MODIFIED).finish();
        }
        response.content_type(self.content_type).body(self.bytes.clone())
    }
}

/// 404 for a file that isn't there; short, as nobody reads it.
pub(super) fn not_found() -> Response {
    Response::builder()
        .status(StatusCode::NOT_FOUND)
        .header(header::CACHE_CONTROL, "no-store")
        .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
        .content_type("text/plain; charset=utf-8")
        .body("There is no such file.\n")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[tokio::test]
    async fn a_file_is_served_for_a_year_under_the_hash_of_its_content() {
        let asset = &files().style;
        let response = serve(asset.name(), None);
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[header::CACHE_CONTROL], "public, max-age=31536000, immutable");
        assert_eq!(response.content_type(), Some("text/css; charset=utf-8"));
        assert_eq!(response.into_body().into_bytes().await.unwrap(), asset.bytes());
    }

    #[test]
    fn what_the_browser_has_isnt_sent_again() {
        let asset = &files().style;
        let etag = serve(asset.name(), None).headers()[header::ETAG].to_str().unwrap().to_owned();
        for header in [etag.clone(), format!("W/{etag}"), format!("\"other\", {etag}"), "*".to_owned()] {
            assert_eq!(serve(asset.name(), Some(&header)).status(), StatusCode::NOT_MODIFIED, "{header}");
        }
        assert_eq!(serve(asset.name(), Some("\"other\"")).status(), StatusCode::OK);
    }

    #[test]
    fn an_unknown_name_is_404() {
        for name in ["", "signet.css", "../signet.css", "signet.0000000000000000.css"] {
            assert_eq!(serve(name, None).status(), StatusCode::NOT_FOUND, "{name}");
        }
    }

    #[test]
    fn the_stylesheet_is_small() {
        assert!(files().style.bytes().len() < 20_000, "{} bytes", files().style.bytes().len());
        // A console loads both.
        let both = files().style.bytes().len() + files().console_style.bytes().len();
        assert!(both < 25_000, "{both} bytes");
    }
}
