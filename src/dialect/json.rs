//! JSON bodies as the vendors' dialects read them: one object, every member once. Members that nobody asks for are
//! ignored, as the vendors' servers do, and `null` counts as not given.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::marker::PhantomData;

use actix_web::http::header::HeaderMap;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::declared;
use crate::media::{Charset, UnreadCharset};
use crate::text::{BYTE_ORDER_MARK, shown_name};

/// The members of a JSON object.
#[derive(Debug, Default)]
pub(super) struct Members(Vec<(String, Value)>);

/// Why a body was not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unread {
    /// Its media type is another one.
    NotJson,
    /// Its charset is none that is read.
    Charset(UnreadCharset),
    /// It has nothing in it.
    Empty,
    /// It is no JSON object whose members have different names; the text says where.
    Malformed(String),
}

impl Members {
    /// Reads the body of a request. A body without a media type is read as JSON.
    ///
    /// # Errors
    /// [`Unread`].
    pub(super) fn read(headers: &HeaderMap, body: &[u8]) -> Result<Self, Unread> {
        let charset = charset_of(headers)?;
        let text = text_of(body, charset).ok_or(Unread::Empty)?;
        let read = serde_json::from_slice(&text).map(|Object::<_, true>(members)| Self(members));
        read.map_err(|error| Unread::Malformed(objection(&text, &error)))
    }

    /// The value of a member; `None` if it was not given or is `null`.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value).filter(|value| !value.is_null())
    }

    /// Every member, `null` or not, in the order of the body.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.0.iter().map(|(name, value)| (name, value))
    }

    /// Whether a member is there and `null`.
    pub(super) fn is_null(&self, name: &str) -> bool {
        self.0.iter().any(|(known, value)| known == name && value.is_null())
    }
}

/// The charset that a body of JSON is declared in: UTF-8 where it declares none. A body without a media type is JSON.
///
/// # Errors
/// [`Unread::NotJson`], [`Unread::Charset`].
pub(super) fn charset_of(headers: &HeaderMap) -> Result<Charset, Unread> {
    match declared(headers) {
        Ok(None) => Ok(Charset::Utf8),
        Ok(Some(json)) if json.is("application/json") => {
            json.charset().map(|charset| charset.unwrap_or(Charset::Utf8)).map_err(Unread::Charset)
        }
        _ => Err(Unread::NotJson),
    }
}

/// The text of a body, in UTF-8 if that is what the body is in, whatever it declares, and otherwise as the body is;
/// `None` if there is nothing in it but blanks.
pub(super) fn text_of(body: &[u8], declared: Charset) -> Option<Cow<'_, [u8]>> {
    // RFC 8259 lets a reader ignore a byte order mark, and some senders write one.
    let text = body.strip_prefix(BYTE_ORDER_MARK.as_bytes()).unwrap_or(body);
    if text.iter().all(u8::is_ascii_whitespace) {
        return None;
    }
    Some(match declared {
        Charset::Windows1252 if std::str::from_utf8(text).is_err() => match declared.decode(text) {
            Ok(text) => text.into_owned().into_bytes().into(),
            Err(_) => text.into(),
        },
        _ => text.into(),
    })
}

/// What is wrong with a text that is no JSON. A sender of Latin-1 or UTF-16 is told so, and not of a place where the
/// reader gave up.
pub(super) fn objection(text: &[u8], error: &serde_json::Error) -> String {
    match std::str::from_utf8(text) {
        Ok(_) => error.to_string(),
        Err(place) => {
            format!("it is not in UTF-8, from byte {} on, and declares no other charset", place.valid_up_to())
        }
    }
}

/// The objection to a member that an object names a second time.
fn given_twice<E: serde::de::Error>(name: &str) -> E {
    E::custom(format_args!("the member \"{}\" is given twice", shown_name(name)))
}

/// The members of an object, in the order of the text; where `ONCE`, each has a name of its own.
pub(super) struct Object<V, const ONCE: bool>(pub(super) Vec<(String, V)>);

impl<'de, V: Deserialize<'de>, const ONCE: bool> Deserialize<'de> for Object<V, ONCE> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reading<V, const ONCE: bool>(PhantomData<V>);

        impl<'de, V: Deserialize<'de>, const ONCE: bool> Visitor<'de> for Reading<V, ONCE> {
            type Value = Object<V, ONCE>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                let mut names = HashSet::new();
                while let Some((name, value)) = map.next_entry::<String, V>()? {
                    if ONCE && !names.insert(name.clone()) {
                        return Err(given_twice(&name));
                    }
                    members.push((name, value));
                }
                Ok(Object(members))
            }
        }

        deserializer.deserialize_map(Reading(PhantomData))
    }
}

/// What people call the type of a JSON value.
pub(super) fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::{CONTENT_TYPE, HeaderValue};

    fn headers(content_types: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in content_types {
            headers.append(CONTENT_TYPE, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    fn refusal(body: &[u8]) -> String {
        match Members::read(&headers(&[]), body) {
            Err(Unread::Malformed(text)) => text,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_body_is_json_unless_another_media_type_is_stated() {
        let accepted: [&[&str]; 13] = [
            &[],
            &["application/json"],
            &["Application/JSON; Charset=UTF-8"],
            &["application/json;charset=\"utf-8\""],
            &["application/json; charset=us-ascii"],
            &["application/json ;charset=UTF-8"],
            &["application/json;;"],
            &["application/json; charset=utf8"],
            &["application/json; charset='utf-8'"],
            &["application/json; charset="],
            &["application/json; charset=ISO-8859-1"],
            &["application/json; charset=windows-1252"],
            &["application/json", "application/json"],
        ];
        for types in accepted {
            assert!(Members::read(&headers(types), b"{}").is_ok(), "{types:?}");
        }
        let refused: [&[&str]; 6] = [
            &["text/plain"],
            &["application/xml"],
            &["application/x-www-form-urlencoded"],
            &["json"],
            &[""],
            &["application/json", "text/plain"],
        ];
        for types in refused {
            assert_eq!(Members::read(&headers(types), b"{}").unwrap_err(), Unread::NotJson, "{types:?}");
        }
        for charset in ["utf-16", "koi8-r", "iso-8859-15"] {
            let types = format!("application/json; charset={charset}");
            match Members::read(&headers(&[&types]), b"{}") {
                Err(Unread::Charset(unread)) => assert!(unread.to_string().contains(charset), "{unread}"),
                other => panic!("{charset}: {other:?}"),
            }
        }
    }

    #[test]
    fn what_is_utf_8_as_a_whole_is_utf_8_whatever_is_declared_and_otherwise_the_declared_charset_counts() {
        let read = |content_type: &str, body: &[u8]| {
            let types = headers(&[content_type]);
            Members::read(&types, body).map(|members| members.get("id").and_then(Value::as_str).map(str::to_owned))
        };
        let latin = b"{\"id\":\"M\xfcller \x80\"}";
        for charset in ["ISO-8859-1", "latin1", "windows-1252"] {
            let content_type = format!("application/json; charset={charset}");
            assert_eq!(read(&content_type, latin), Ok(Some("Müller €".to_owned())));
            assert_eq!(read(&content_type, "{\"id\":\"Müller\"}".as_bytes()), Ok(Some("Müller".to_owned())));
        }
        for content_type in
            ["application/json", "application/json; charset=utf-8", "application/json; charset=us-ascii"]
        {
            let told = read(content_type, latin).unwrap_err();
            let expected = "it is not in UTF-8, from byte 8 on, and declares no other charset";
            assert_eq!(told, Unread::Malformed(expected.to_owned()));
        }
    }

    #[test]
    fn only_one_object_with_different_members_is_read() {
        for empty in [&b""[..], b" \n", b"\xEF\xBB\xBF"] {
            assert_eq!(Members::read(&headers(&[]), empty).unwrap_err(), Unread::Empty);
        }
        assert!(refusal(b"[1]").contains("expected a JSON object"), "{}", refusal(b"[1]"));
        assert!(refusal(b"{} {}").contains("trailing characters"));
        assert!(refusal(b"{\"a\":1").contains("line 1 column"));
        assert!(refusal(b"{\"id\":\"a\",\"id\":\"b\"}").contains("the member \"id\" is given twice"));
        assert!(refusal(b"{\"id\":\"a\",\"\\u0069d\":\"b\"}").contains("twice"));
        let not_utf8: [(&[u8], usize); 3] = [(b"{\"id\":\"\xFF\"}", 7), (b"\xFF\xFE{\0", 0), (b"{}\xE9", 2)];
        for (body, place) in not_utf8 {
            assert_eq!(
                refusal(body),
                format!("it is not in UTF-8, from byte {place} on, and declares no other charset")
            );
        }
        assert!(refusal(b"{\"id\":\"a\0b\"}").contains("control character"));
        assert!(refusal(&[b'['; 10_000]).contains("JSON object"));
        let deep = [b"{\"x\":".as_slice(), &[b'['; 10_000]].concat();
        assert!(refusal(&deep).contains("recursion limit"), "{}", refusal(&deep));
    }

    #[test]
    fn a_byte_order_mark_is_passed_over_and_null_is_not_given() {
        let members = Members::read(&headers(&[]), "\u{FEFF}{\"id\":\"x\",\"z\":null}".as_bytes()).unwrap();
        assert_eq!(members.get("id"), Some(&Value::from("x")));
        assert_eq!(members.get("z"), None);
        assert_eq!(members.get("absent"), None);
        assert!(members.is_null("z") && !members.is_null("id") && !members.is_null("absent"));
    }
}
