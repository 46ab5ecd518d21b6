//! Tokens: what the gateway says of a caller whose secret was right, signed, so that it needs to remember nothing and
//! every gateway with the same key takes it.
//!
//! A token is two texts in URL-safe Base64 with a dot between: the claims as JSON, and their HMAC-SHA256. Whoever has
//! a token can read its claims; nothing in them is secret.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::principal::Cause;
use crate::domain::{EnvironmentName, Scope, Seconds, SigningKey, TenantId, Timestamp};

/// What is signed before the claims, so that no other use of the key ever makes a token.
const PURPOSE: &[u8] = b"dnis-gateway AICC token 1\n";
/// Longest token that is looked at, in bytes; one of ours is far shorter.
const MAX_LENGTH: usize = 4096;
/// How far the clock of the gateway that made a token may be ahead of the clock of the one that reads it, in seconds.
const CLOCKS_APART: u64 = 60;

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The key of the application that it was made for.
    pub app_key: String,
    /// The tenant and the environment of that application.
    pub scope: Scope,
    /// When it was made, in whole seconds since the epoch.
    pub issued: u64,
    /// How long it is good for, from then on.
    pub lifetime: Seconds,
}

/// The claims as they travel.
#[derive(Serialize, Deserialize)]
struct Claims<'a> {
    key: std::borrow::Cow<'a, str>,
    tenant: TenantId,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    environment: Option<EnvironmentName>,
    issued: u64,
    lifetime: u64,
}

impl Token {
    /// The longest life that a token is given. One that says it lives longer is none of ours, whoever signed it.
    pub const LONGEST: Seconds = Seconds::new(3600);

    /// A token made at `now`.
    pub fn new(app_key: String, scope: Scope, now: Timestamp, lifetime: Seconds) -> Self {
        Self { app_key, scope, issued: now.as_millis() / 1000, lifetime }
    }

    /// The token as the caller gets it.
    pub fn signed(&self, key: &SigningKey) -> String {
        let claims = Claims {
            key: self.app_key.as_str().into(),
            tenant: self.scope.tenant.clone(),
            environment: self.scope.environment.clone(),
            issued: self.issued,
            lifetime: self.lifetime.get(),
        };
        let claims = serde_json::to_vec(&claims).expect("texts and numbers are always JSON");
        let claims = URL_SAFE_NO_PAD.encode(claims);
        let signature = URL_SAFE_NO_PAD.encode(mac(key, &claims).finalize().into_bytes());
        format!("{claims}.{signature}")
    }

    /// Reads a token that was signed with `key` and is still good at `now`. The signature alone does not do: whoever has
    /// read the key once must not make tokens that outlive every other one.
    ///
    /// # Errors
    /// [`Cause::Token`], also where it lives longer than tokens do or was made in the future; [`Cause::ExpiredToken`].
    pub(super) fn read(text: &str, key: &SigningKey, now: Timestamp) -> Result<Self, Cause> {
        let (claims, signature) = text.split_once('.').filter(|_| text.len() <= MAX_LENGTH).ok_or(Cause::Token)?;
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| Cause::Token)?;
        mac(key, claims).verify_slice(&signature).map_err(|_| Cause::Token)?;
        let claims = URL_SAFE_NO_PAD.decode(claims).map_err(|_| Cause::Token)?;
        let claims: Claims<'_> = serde_json::from_slice(&claims).map_err(|_| Cause::Token)?;
        let token = Self {
            app_key: claims.key.into_owned(),
            scope: Scope { tenant: claims.tenant, environment: claims.environment },
            issued: claims.issued,
            lifetime: Seconds::new(claims.lifetime),
        };
        let now = now.as_millis() / 1000;
        if token.lifetime > Self::LONGEST || token.issued > now.saturating_add(CLOCKS_APART) {
            return Err(Cause::Token);
        }
        let end = token.issued.saturating_add(token.lifetime.get());
        if now < end { Ok(token) } else { Err(Cause::ExpiredToken) }
    }
}

fn mac(key: &SigningKey, claims: &str) -> Hmac<Sha256> {
    let mac = Hmac::<Sha256>::new_from_slice(key.bytes()).expect("HMAC takes a key of any length");
    mac.chain_update(PURPOSE).chain_update(claims)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: SigningKey = SigningKey::new([7; 32]);

    fn token(environment: Option<&str>) -> Token {
        let environment = environment.map(|name| EnvironmentName::new(name).unwrap());
        let scope = Scope { tenant: TenantId::new("blue \"bank\"").unwrap(), environment };
        Token::new("demo-key-0001".to_owned(), scope, at(1_700_000_000), Seconds::new(600))
    }

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    #[test]
    fn a_token_is_read_back_by_every_gateway_with_the_same_key() {
        for token in [token(None), token(Some("Prod"))] {
            let text = token.signed(&KEY);
            assert_eq!(Token::read(&text, &KEY, at(1_700_000_001)), Ok(token));
            assert!(text.bytes().all(|byte| byte.is_ascii_graphic()), "{text}");
        }
    }

    #[test]
    fn a_token_ends_at_its_very_second() {
        let text = token(None).signed(&KEY);
        assert!(Token::read(&text, &KEY, Timestamp::from_millis(1_700_000_599_999)).is_ok());
        assert_eq!(Token::read(&text, &KEY, at(1_700_000_600)), Err(Cause::ExpiredToken));
    }

    #[test]
    fn a_token_that_lives_longer_than_any_is_worthless_although_its_signature_is_right() {
        let now = 1_700_000_000;
        let read = |issued: u64, lifetime: u64| {
            let token = Token { issued, lifetime: Seconds::new(lifetime), ..token(None) };
            Token::read(&token.signed(&KEY), &KEY, at(now)).map(drop)
        };
        assert_eq!(read(now, 3600), Ok(()));
        for lifetime in [3601, 10 * 365 * 86_400, u64::MAX] {
            assert_eq!(read(now, lifetime), Err(Cause::Token), "{lifetime}");
            assert_eq!(read(now - 10, lifetime), Err(Cause::Token), "{lifetime}");
        }
        assert_eq!(read(now + 60, 3600), Ok(()), "made by a gateway whose clock is ahead");
        for ahead in [61, 86_400, u64::MAX - now] {
            assert_eq!(read(now + ahead, 600), Err(Cause::Token), "{ahead}");
        }
    }

    #[test]
    fn whatever_is_changed_in_a_token_makes_it_worthless() {
        let text = token(None).signed(&KEY);
        assert_eq!(Token::read(&text, &SigningKey::new([8; 32]), at(0)), Err(Cause::Token));
        for at_byte in 0..text.len() {
            let mut other = text.clone().into_bytes();
            // The last characters of Base64 can carry bits that nobody reads, which the decoder refuses as well.
            other[at_byte] = if other[at_byte] == b'A' { b'B' } else { b'A' };
            let other = String::from_utf8(other).unwrap();
            assert_eq!(Token::read(&other, &KEY, at(0)), Err(Cause::Token), "{at_byte}");
        }
        for other in ["", ".", "a.b", &text[..text.len() - 1], &format!("{text}A"), &"a.".repeat(3_000)] {
            assert_eq!(Token::read(other, &KEY, at(0)), Err(Cause::Token), "{other}");
        }
    }

    #[test]
    fn another_use_of_the_key_makes_no_token() {
        let claims = URL_SAFE_NO_PAD.encode(r#"{"key":"k","tenant":"t","issued":1,"lifetime":600}"#);
        let plain = Hmac::<Sha256>::new_from_slice(KEY.bytes()).unwrap().chain_update(&claims).finalize();
        let text = format!("{claims}.{}", URL_SAFE_NO_PAD.encode(plain.into_bytes()));
        assert_eq!(Token::read(&text, &KEY, at(1)), Err(Cause::Token));
    }
}
