//! tokenByAkSk: an application's key and secret for a token.

use actix_web::http::StatusCode;
use actix_web::http::header::HeaderMap;
use secrecy::SecretString;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::Aicc;
use super::error::{Failure, json};
use super::fields::{self, Objection, required, text};
use crate::access::Token;
use crate::dialect::{Answer, Call};
use crate::domain::{Scope, Seconds};

/// The header for the wanted lifetime.
const EXPIRE: &str = "X-Token-Expire";
/// What a key and a secret may be.
const PAIR: &str = "a string of 1 to 255 characters";

/// The answer: all values are texts.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Granted<'a> {
    access_token: String,
    apply_type: &'static str,
    create_time: String,
    expires: String,
    scope: String,
    app_key: &'a str,
    #[serde(rename = "UserID")]
    user_id: &'static str,
}

/// Gives a token.
pub(super) async fn grant(aicc: &Aicc, call: &Call<'_>) -> Result<Answer, Failure> {
    let lifetime = lifetime(call.head.headers)?;
    let members = fields::of(call)?;
    let key = pair(&members, "app_key")?;
    let secret = SecretString::from(pair(&members, "app_secret")?);
    let signing = aicc.signing_key(call.head.settings).await?;
    let scope = aicc.access.aicc_application(call.head.attempt(), key, &secret)?;
    let granted = scope_id(&scope);
    let token = Token::new(key.to_owned(), scope, aicc.clock.now(), lifetime);
    let body = Granted {
        access_token: token.signed(&signing),
        apply_type: "Bearer",
        create_time: token.issued.to_string(),
        expires: lifetime.get().to_string(),
        scope: granted,
        app_key: key,
        user_id: "Anonymous",
    };
    Ok(json(StatusCode::OK, "ok", &body))
}

fn pair<'m>(members: &'m crate::dialect::json::Members, field: &'static str) -> Result<&'m str, Objection> {
    let value = required(field, text(members, field, PAIR), PAIR)?;
    if (1..=255).contains(&value.chars().count()) {
        Ok(value)
    } else {
        Err(Objection::new(field, format!("must be {PAIR}")))
    }
}

/// The lifetime of the token: what was asked for, at most an hour; an hour where nothing was.
fn lifetime(headers: &HeaderMap) -> Result<Seconds, Objection> {
    let mut values = headers.get_all(EXPIRE);
    let Some(value) = values.next() else { return Ok(Token::LONGEST) };
    let text = value.to_str().ok().map(str::trim).filter(|text| !text.is_empty());
    let digits = text.filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()) && values.next().is_none());
    let wrong = || Objection::new(EXPIRE, "must be a positive whole number of seconds, given once");
    let digits = digits.map(|digits| digits.trim_start_matches('0')).filter(|digits| !digits.is_empty());
    // A number with too many digits to be read is more than the longest.
    let seconds: u64 = digits.ok_or_else(wrong)?.parse().unwrap_or(u64::MAX);
    Ok(Seconds::new(seconds).min(Token::LONGEST))
}

/// The 32 characters that the vendor calls `Scope`, without saying what they mean: here they stand for the tenant and
/// its environment.
fn scope_id(scope: &Scope) -> String {
    let digest = Sha256::digest(scope.to_string());
    digest.iter().take(16).fold(String::with_capacity(32), |mut id, byte| {
        use std::fmt::Write as _;
        write!(id, "{byte:02X}").expect("writing to a string cannot fail");
        id
    })
}
