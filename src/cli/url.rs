//! Addresses of a running gateway, as commands are given them.

use ureq::http::Uri;
use ureq::http::uri::Authority;

/// The address that `--url` names, without slashes at its end; else what is wrong with it.
pub(super) fn base(url: &str) -> Result<&str, String> {
    let base = url.trim_end_matches('/');
    let fits = |uri: &Uri| {
        matches!(uri.scheme_str(), Some("http" | "https"))
            && uri.authority().is_some_and(names_a_host)
            && uri.query().is_none()
    };
    match base.parse::<Uri>() {
        Ok(uri) if fits(&uri) => Ok(base),
        _ => Err(format!(
            "--url {url}: must begin with http:// or https:// and name a host, perhaps with a port from 1 to 65535"
        )),
    }
}

/// Whether there is a host, and a port only if it is one: the HTTP client would call the default port in place of a
/// port that it cannot read.
fn names_a_host(authority: &Authority) -> bool {
    let host = authority.host();
    let address = authority.as_str().rsplit('@').next().unwrap_or_default();
    !host.is_empty() && (address == host || authority.port_u16().is_some_and(|port| port > 0))
}

#[cfg(test)]
mod tests {
    use super::base;

    #[test]
    fn an_address_loses_the_slashes_at_its_end() {
        let same = ["http://127.0.0.1:9090", "https://gateway.example.com", "http://[::1]:80", "http://a/base"];
        for url in same {
            assert_eq!(base(url), Ok(url));
            assert_eq!(base(&format!("{url}//")), Ok(url));
        }
    }

    #[test]
    fn what_cannot_be_called_is_told_with_what_is_needed() {
        let wrong = [
            "",
            "gopher",
            "127.0.0.1:9090",
            "ftp://x",
            "http://",
            "http:///x",
            "http://:80",
            "http://a:",
            "http://a:0",
            "http://a:99999",
            "http://a:x",
            "http://[::1",
            "http://a?b=c",
            "http://a b",
        ];
        for url in wrong {
            let told = base(url).unwrap_err();
            assert!(
                told.contains(&format!("--url {url}: must begin with http://")) && told.contains("65535"),
                "{told}"
            );
        }
    }
}
