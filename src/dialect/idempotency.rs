//! The header `Idempotency-Key`, which keeps a call that lends or creates from being carried out twice.
//!
//! It is read as the IETF's draft "The Idempotency-Key HTTP Header Field" has it, the quotes of the draft's string being
//! optional, and in one way for all dialects. Calls that neither lend nor create do not look at it. What was asked for is
//! told by method, path, query and body, so a repetition has to be the same byte for byte.

use actix_web::http::header::{HeaderName, HeaderValue};

use super::Call;
use crate::domain::{Digest, IdempotencyKey, IdempotentRequest};

/// The header's name as it is usually written.
pub const NAME: &str = "Idempotency-Key";
/// What is wrong with the header where its key belongs to another request; to follow its name.
pub const REUSED: &str = "has a key that another request had before; a new request needs a new key";
/// What is wrong with the header where the key's time is over; to follow its name.
pub const SPENT: &str = "has a key whose request was carried out, and what it made has ended since: freed, matched, \
                         deleted or expired; ask anew under a new key";

/// What is wrong with the header where there is no room for one key more; to follow its name.
pub const FULL: &str = "cannot be honoured: the tenant has as many keys of things that live as it may have; nothing was \
                        done, so ask again later, or without it";

const HEADER: HeaderName = HeaderName::from_static("idempotency-key");

/// What is wrong with the header itself; to follow its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WrongIdempotencyKey {
    /// The header is there more than once.
    #[error("is given more than once; once is allowed")]
    Repeated,
    /// It holds no key.
    #[error("must be 1 to 255 visible ASCII characters, in double quotes or without them")]
    NoKey,
}

impl Call<'_> {
    /// The key that the call came under, if it came under one.
    ///
    /// # Errors
    /// [`WrongIdempotencyKey`].
    pub fn idempotency(&self) -> Result<Option<IdempotentRequest>, WrongIdempotencyKey> {
        self.idempotent_request_as(&[self.body])
    }

    /// As [`Self::idempotency`], where something else than the whole body tells what is asked for.
    ///
    /// # Errors
    /// [`WrongIdempotencyKey`].
    pub fn idempotent_request_as(&self, asked: &[&[u8]]) -> Result<Option<IdempotentRequest>, WrongIdempotencyKey> {
        let mut values = self.head.headers.get_all(HEADER);
        let Some(value) = values.next() else { return Ok(None) };
        if values.next().is_some() {
            return Err(WrongIdempotencyKey::Repeated);
        }
        let key = key(value).ok_or(WrongIdempotencyKey::NoKey)?;
        let head = [self.head.method.as_str(), self.head.path, self.head.query].map(str::as_bytes);
        Ok(Some(IdempotentRequest { key, digest: Digest::of(head.into_iter().chain(asked.iter().copied())) }))
    }
}

/// The key in a header: the content of a string in quotes, or all of it.
fn key(value: &HeaderValue) -> Option<IdempotencyKey> {
    let text = value.to_str().ok()?.trim();
    match text.strip_prefix('"') {
        Some(quoted) => IdempotencyKey::new(&unescape(quoted.strip_suffix('"')?)?).ok(),
        None if text.contains(['"', ',']) => None,
        None => IdempotencyKey::new(text).ok(),
    }
}

/// What a string says between its quotes: a quote or a backslash in it has a backslash before it.
fn unescape(quoted: &str) -> Option<String> {
    let mut characters = quoted.chars();
    let mut text = String::with_capacity(quoted.len());
    while let Some(character) = characters.next() {
        match character {
            '"' => return None,
            '\\' => text.push(characters.next().filter(|escaped| matches!(escaped, '"' | '\\'))?),
            _ => text.push(character),
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;
    use crate::dialect::{PublicAddress, sending};
    use actix_web::http::Method;
    use actix_web::http::header::HeaderMap;
    use bytes::Bytes;

    fn idempotency(
        keys: &[&'static [u8]],
        query: &str,
        body: &'static str,
    ) -> Result<Option<IdempotentRequest>, WrongIdempotencyKey> {
        let mut headers = HeaderMap::new();
        for key in keys {
            headers.append(HEADER, HeaderValue::from_bytes(key).unwrap());
        }
        let origin = PublicAddress::http("gateway");
        let settings = Settings::default();
        let head = sending::head((&Method::POST, "/x", query), &headers, &origin, &settings);
        Call { head, body: &Bytes::from_static(body.as_bytes()) }.idempotency()
    }

    fn key_of(key: &'static [u8]) -> Option<String> {
        idempotency(&[key], "", "").ok().flatten().map(|idempotency| idempotency.key.to_string())
    }

    #[test]
    fn a_key_is_read_with_quotes_or_without() {
        assert_eq!(idempotency(&[], "", "body"), Ok(None));
        assert_eq!(key_of(b"8e03978e-40d5").as_deref(), Some("8e03978e-40d5"));
        assert_eq!(key_of(b" \"8e03978e-40d5\" ").as_deref(), Some("8e03978e-40d5"));
        assert_eq!(key_of(br#""a\"b\\c""#).as_deref(), Some(r#"a"b\c"#));
        assert_eq!(key_of(br"a\b;c=d").as_deref(), Some(r"a\b;c=d"));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let wrong: [&'static [u8]; 12] = [
            b"",
            b" ",
            b"\"\"",
            b"\"a",
            b"a\"",
            b"\"a\"b\"",
            b"\"a\";p=1",
            b"\"a\\n\"",
            b"a b",
            b"a, b",
            b"\xc3\xa4",
            b"\"a b\"",
        ];
        for key in wrong {
            assert_eq!(idempotency(&[key], "", ""), Err(WrongIdempotencyKey::NoKey), "{}", key.escape_ascii());
        }
        assert_eq!(idempotency(&[b"a", b"a"], "", ""), Err(WrongIdempotencyKey::Repeated));
    }

    #[test]
    fn another_query_or_body_is_another_request_and_the_quotes_are_not() {
        let of = |key: &'static [u8], query, body| idempotency(&[key], query, body).unwrap().unwrap();
        assert_eq!(of(b"a", "q=1", "b"), of(b"\"a\"", "q=1", "b"));
        assert_ne!(of(b"a", "q=1", "b").digest, of(b"a", "q=2", "b").digest);
        assert_ne!(of(b"a", "q=1", "b").digest, of(b"a", "q=1", "c").digest);
        assert_eq!(of(b"a", "q=1", "b").digest, of(b"z", "q=1", "b").digest);
    }
}
