//! The files that pages load: one of style, one of script, one picture. A browser asks each time whether its copy is the
//! one of this release.

use std::sync::LazyLock;

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, ETAG, HeaderValue, IF_NONE_MATCH};
use sha2::{Digest, Sha256};

use super::request::Request;
use crate::dialect::Answer;

/// A file with the tag of its content.
struct Asset {
    path: &'static str,
    media_type: &'static str,
    content: &'static str,
    tag: HeaderValue,
}

static ASSETS: LazyLock<[Asset; 3]> = LazyLock::new(|| {
    [
        asset("/style.css", "text/css; charset=utf-8", include_str!("style.css")),
        asset("/script.js", "text/javascript; charset=utf-8", include_str!("script.js")),
        asset("/icon.svg", "image/svg+xml", include_str!("icon.svg")),
    ]
});

fn asset(path: &'static str, media_type: &'static str, content: &'static str) -> Asset {
    let digest = Sha256::digest(content.as_bytes());
    let tag: String = digest[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    let tag = HeaderValue::try_from(format!("\"{tag}\"")).expect("hexadecimal digits are visible");
    Asset { path, media_type, content, tag }
}

/// The file at a path; `None` where there is none.
pub(super) fn find(request: &Request<'_>) -> Option<Answer> {
    let asset = ASSETS.iter().find(|asset| asset.path == request.path)?;
    let known = request.headers.get_all(IF_NONE_MATCH).any(|tag| tag == asset.tag);
    let answer = match known {
        true => Answer::empty(StatusCode::NOT_MODIFIED, "ok"),
        false => Answer::new(StatusCode::OK, "ok", asset.media_type, asset.content),
    };
    Some(answer.with(ETAG, asset.tag.clone()).with(CACHE_CONTROL, HeaderValue::from_static("no-cache")))
}
