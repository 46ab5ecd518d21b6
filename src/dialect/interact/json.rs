//! Reading JSON bodies: one object, every member once, every value of the type that is documented.
//!
//! Members that nobody asks for are ignored, as the vendor's server does. `null` counts as not given.

use std::fmt;

use actix_web::http::header::{CONTENT_TYPE, HeaderMap};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::Value;

use super::error::Failure;
use super::parameters::{Invalid, Kind, Parameters};

/// The members of a JSON object.
#[derive(Debug)]
pub(super) struct Members(Vec<(String, Value)>);

/// Reads the body of a request. A body without a media type is read as JSON.
///
/// # Errors
/// [`Failure::NotJson`] for another media type or a charset other than UTF-8, [`Failure::Unreadable`] for anything
/// but one JSON object whose members have different names.
pub(super) fn read(headers: &HeaderMap, body: &[u8]) -> Result<Members, Failure> {
    check_media_type(headers)?;
    // RFC 8259 lets a reader ignore a byte order mark, and some senders write one.
    let text = body.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(body);
    if text.iter().all(u8::is_ascii_whitespace) {
        return Err(Failure::Unreadable("the body is empty; a JSON object is required".into()));
    }
    serde_json::from_slice(text)
        .map_err(|error| Failure::Unreadable(format!("the body is not as required: {error}").into()))
}

fn check_media_type(headers: &HeaderMap) -> Result<(), Failure> {
    let mut values = headers.get_all(CONTENT_TYPE);
    let Some(value) = values.next() else { return Ok(()) };
    let media_type = value.to_str().ok().and_then(|text| text.parse::<mime::Mime>().ok());
    let json = media_type.is_some_and(|media_type| {
        let charset = media_type.get_param(mime::CHARSET);
        media_type.essence_str() == mime::APPLICATION_JSON.essence_str()
            && charset.is_none_or(|charset| charset == "utf-8" || charset == "us-ascii")
    });
    if json && values.next().is_none() { Ok(()) } else { Err(Failure::NotJson) }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                let mut names = std::collections::HashSet::new();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    if !names.insert(name.clone()) {
                        let shown: String = name.chars().filter(|c| !c.is_control()).take(40).collect();
                        return Err(A::Error::custom(format_args!("the member \"{shown}\" is given twice")));
                    }
                    members.push((name, value));
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Object)
    }
}

impl Members {
    fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value).filter(|value| !value.is_null())
    }

    /// Whether a member is there and `null`.
    pub(super) fn is_null(&self, name: &str) -> bool {
        self.0.iter().any(|(known, value)| known == name && value.is_null())
    }
}

impl Parameters for Members {
    fn text(&self, name: &'static str, kind: Kind) -> Result<Option<&str>, Invalid> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(Invalid::not(name, kind, type_of(other))),
        }
    }

    fn flag(&self, name: &'static str) -> Result<Option<bool>, Invalid> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(other) => Err(Invalid::not(name, Kind::Flag, type_of(other))),
        }
    }
}

/// What people call the type of a JSON value.
fn type_of(value: &Value) -> &'static str {
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
    use actix_web::http::header::HeaderValue;

    fn headers(content_types: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in content_types {
            headers.append(CONTENT_TYPE, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    fn refusal(body: &[u8]) -> String {
        match read(&headers(&[]), body) {
            Err(Failure::Unreadable(text)) => text.into_owned(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_body_is_json_unless_another_media_type_is_stated() {
        let accepted: [&[&str]; 5] = [
            &[],
            &["application/json"],
            &["Application/JSON; Charset=UTF-8"],
            &["application/json;charset=\"utf-8\""],
            &["application/json; charset=us-ascii"],
        ];
        for types in accepted {
            assert!(read(&headers(types), b"{}").is_ok(), "{types:?}");
        }
        let refused: [&[&str]; 7] = [
            &["text/plain"],
            &["application/xml"],
            &["application/x-www-form-urlencoded"],
            &["application/json; charset=utf-16"],
            &["json"],
            &[""],
            &["application/json", "text/plain"],
        ];
        for types in refused {
            assert!(matches!(read(&headers(types), b"{}"), Err(Failure::NotJson)), "{types:?}");
        }
    }

    #[test]
    fn only_one_object_with_different_members_is_read() {
        assert_eq!(refusal(b""), "the body is empty; a JSON object is required");
        assert!(refusal(b"[1]").contains("expected a JSON object"), "{}", refusal(b"[1]"));
        assert!(refusal(b"{} {}").contains("trailing characters"));
        assert!(refusal(b"{\"a\":1").contains("line 1 column"));
        assert!(refusal(b"{\"id\":\"a\",\"id\":\"b\"}").contains("the member \"id\" is given twice"));
        assert!(refusal(b"{\"id\":\"a\",\"\\u0069d\":\"b\"}").contains("twice"));
        assert!(refusal(b"{\"id\":\"\xFF\"}").contains("line 1"));
        assert!(refusal(b"{\"id\":\"a\0b\"}").contains("control character"));
        assert!(refusal(&[b'['; 10_000]).contains("JSON object"));
        let deep = [b"{\"x\":".as_slice(), &[b'['; 10_000]].concat();
        assert!(refusal(&deep).contains("recursion limit"), "{}", refusal(&deep));
    }

    #[test]
    fn a_byte_order_mark_is_passed_over() {
        let members = read(&headers(&[]), "\u{FEFF}{\"id\":\"x\"}".as_bytes()).unwrap();
        assert_eq!(members.text("id", Kind::Name), Ok(Some("x")));
    }

    #[test]
    fn types_are_strict_and_null_is_not_given() {
        let members = read(&headers(&[]), br#"{"n":2111230002,"t":"true","f":true,"z":null,"o":{},"a":[]}"#).unwrap();
        let text = |name| members.text(name, Kind::Number).map_err(|invalid| invalid.to_string());
        assert_eq!(
            text("n").unwrap_err(),
            "missing or invalid parameter n: must be a string of 1 to 32 characters of 0-9 + * #, not a number"
        );
        assert!(text("o").unwrap_err().ends_with("not an object"));
        assert!(text("a").unwrap_err().ends_with("not an array"));
        assert!(text("f").unwrap_err().ends_with("not a boolean"));
        assert_eq!(text("z"), Ok(None));
        assert_eq!(text("absent"), Ok(None));
        assert_eq!(members.flag("f"), Ok(Some(true)));
        assert_eq!(
            members.flag("t").unwrap_err().to_string(),
            "missing or invalid parameter t: must be true or false, not a string"
        );
        assert!(members.is_null("z") && !members.is_null("n") && !members.is_null("absent"));
    }
}
