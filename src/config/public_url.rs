//! The address by which clients reach the gateway.

use std::fmt;
use std::str::FromStr;

/// An absolute `http` or `https` address, without query, fragment, credentials and trailing slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl(String);

/// Why a text is no such address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be an http or https address such as \"https://gateway.example.com\", without query, fragment and user")]
pub struct InvalidUrl;

impl PublicUrl {
    /// The address, to which a path can be appended.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PublicUrl {
    type Err = InvalidUrl;

    fn from_str(text: &str) -> Result<Self, InvalidUrl> {
        let text = text.trim();
        let uri: actix_web::http::Uri = text.parse().map_err(|_| InvalidUrl)?;
        let web = matches!(uri.scheme_str(), Some("http" | "https"));
        let authority = uri.authority().ok_or(InvalidUrl)?;
        let host = !authority.host().is_empty() && !authority.as_str().contains('@');
        if web && host && uri.query().is_none() && !text.contains('#') {
            Ok(Self(text.trim_end_matches('/').to_owned()))
        } else {
            Err(InvalidUrl)
        }
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_kept_without_the_last_slash() {
        for (text, kept) in [
            ("https://gateway.example.com", "https://gateway.example.com"),
            ("http://10.0.0.1:8080/", "http://10.0.0.1:8080"),
            ("https://example.com/dnis/", "https://example.com/dnis"),
            ("http://[::1]:8080", "http://[::1]:8080"),
        ] {
            assert_eq!(text.parse::<PublicUrl>().unwrap().as_str(), kept);
        }
    }

    #[test]
    fn a_public_url_must_be_a_plain_web_address() {
        for text in [
            "",
            "gateway",
            "ftp://a",
            "/path",
            "https://a/?q=1",
            "https://a/#b",
            "https://u:p@a/",
            "http://",
            "https://a b",
        ] {
            assert_eq!(text.parse::<PublicUrl>(), Err(InvalidUrl), "{text}");
        }
    }
}
