//! JSON bodies: one object whose members are the parameters.
//!
//! A scalar is taken as the text it is written with, so that a long phone number given as a JSON number loses no digit.
//! An object or a list is kept as its JSON text. `null` counts as not given.

use serde_json::error::Category;
use serde_json::value::RawValue;

use super::{Error, Field, ParameterValue, malformed};
use crate::dialect::json::{self, Object};
use crate::media::Charset;

/// Reads the members of the object.
pub(super) fn read(body: &[u8], declared: Charset) -> Result<Vec<Field>, Error> {
    let text = json::text_of(body, declared).unwrap_or_default();
    let Object::<&RawValue, false>(members) = serde_json::from_slice(&text).map_err(|error| broken(&text, &error))?;
    let fields = members.into_iter().map(|(name, raw)| match text_of(raw) {
        Ok(text) => Ok(text.map(|text| Field { name, value: ParameterValue::Text(text) })),
        Err(problem) => Err(Error::parameter(&name, problem)),
    });
    fields.filter_map(Result::transpose).collect()
}

/// What the body breaks, without what was sent, which the library's own words could repeat.
fn broken(text: &[u8], error: &serde_json::Error) -> Error {
    match error.classify() {
        _ if std::str::from_utf8(text).is_err() => {
            malformed("body", "must be in UTF-8, unless its Content-Type declares another charset")
        }
        Category::Data => malformed("body", "must be one JSON object"),
        _ => malformed("body", format!("is no valid JSON in line {}, column {}", error.line(), error.column())),
    }
}

/// The text of a value; `None` for `null`.
fn text_of(raw: &RawValue) -> Result<Option<String>, &'static str> {
    let json = raw.get();
    match json.as_bytes().first() {
        Some(b'n') => Ok(None),
        Some(b'"') => serde_json::from_str(json).map(Some).map_err(|_| "must be a text of whole Unicode characters"),
        // The raw value was only skimmed; a whole reading finds broken texts and nesting that no reader bears.
        Some(b'{' | b'[') => serde_json::from_str::<serde_json::Value>(json)
            .map(|_| Some(json.to_owned()))
            .map_err(|_| "must be nested at most 127 deep and hold whole Unicode characters"),
        _ => Ok(Some(json.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(json: &str) -> Vec<(String, String)> {
        let text = |value| match value {
            ParameterValue::Text(text) => text,
            ParameterValue::File(..) => panic!("JSON has no files"),
        };
        read(json.as_bytes(), Charset::Utf8).unwrap().into_iter().map(|field| (field.name, text(field.value))).collect()
    }

    #[test]
    fn scalars_are_taken_as_they_are_written() {
        let json = r#"{"a":"x\u00e4\n","b":15550100123456789012345678,"c":1.10,"d":true,"e":null,"f":"","g":-0}"#;
        let expected =
            [("a", "xä\n"), ("b", "15550100123456789012345678"), ("c", "1.10"), ("d", "true"), ("f", ""), ("g", "-0")];
        let expected: Vec<_> = expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        assert_eq!(members(json), expected);
        assert_eq!(members("\u{FEFF} {} "), []);
    }

    #[test]
    fn objects_and_lists_are_kept_as_their_json_text() {
        let json = r#"{"basket":{"z":1,"a":[1, 2]},"list":["x"]}"#;
        let kept = [("basket", r#"{"z":1,"a":[1, 2]}"#), ("list", r#"["x"]"#)];
        assert_eq!(members(json), kept.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn anything_but_one_whole_object_is_refused() {
        for json in
            ["", "null", "[]", "\"a\"", "{", "{\"a\":1", "{}{}", "{a:1}", "{\"a\":01}", "{'a':1}", "{\"a\":\"\t\"}"]
        {
            assert!(
                matches!(read(json.as_bytes(), Charset::Utf8), Err(Error::Malformed { part: "body", .. })),
                "{json}"
            );
        }
        for json in [&b"{\"a\":\"\xff\"}"[..], b"\xff\xfe{\0}\0", b"[\xe9]"] {
            let told = read(json, Charset::Utf8);
            assert!(
                matches!(&told, Err(Error::Malformed { problem, .. }) if problem.starts_with("must be in UTF-8")),
                "{told:?}"
            );
        }
        for json in [r#"{"a":"\ud800"}"#, r#"{"a":["\ud800"]}"#] {
            assert!(matches!(read(json.as_bytes(), Charset::Utf8), Err(Error::Parameter { .. })), "{json}");
        }
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
        assert!(matches!(read(deep.as_bytes(), Charset::Utf8), Err(Error::Parameter { .. })));
    }
}
