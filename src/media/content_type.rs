//! Media types with their parameters, as `Content-Type` and headers of its form declare them.

use std::borrow::Cow;

use super::charset::{Charset, UnreadCharset};

/// A type and the parameters behind it, or anything else of that form, such as a `Content-Disposition`.
///
/// Names are the same in any case; blanks around `;` and `=` and empty parameters do not count. A value may stand in
/// quotes; without them it reaches to the next semicolon, so that a boundary may hold whatever it likes. Of a parameter
/// that is given twice the first counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentType<'h> {
    essence: &'h str,
    parameters: &'h str,
}

/// The header is given twice with different values, or is no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unclear;

impl<'h> ContentType<'h> {
    /// Reads the value of a header.
    pub fn parse(value: &'h str) -> Self {
        let (essence, parameters) = value.split_once(';').unwrap_or((value, ""));
        Self { essence: essence.trim_ascii(), parameters }
    }

    /// Reads all values of the header; one that comes several times with the same value counts as one. `None` where
    /// there is none.
    ///
    /// # Errors
    /// [`Unclear`].
    pub fn of(mut values: impl Iterator<Item = &'h [u8]>) -> Result<Option<Self>, Unclear> {
        let Some(first) = values.next() else { return Ok(None) };
        if values.any(|other| other.trim_ascii() != first.trim_ascii()) {
            return Err(Unclear);
        }
        std::str::from_utf8(first).map(|text| Some(Self::parse(text))).map_err(|_| Unclear)
    }

    /// Whether this is the type `essence`, which is written in lower case.
    pub fn is(&self, essence: &str) -> bool {
        self.essence.eq_ignore_ascii_case(essence)
    }

    /// The type without its parameters, in the case that it came in.
    pub const fn essence(&self) -> &'h str {
        self.essence
    }

    /// The value of a parameter without its quotes.
    pub fn parameter(&self, name: &str) -> Option<Cow<'h, str>> {
        Parameters(self.parameters).find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The name of the charset, without quotes of either kind; empty where the parameter is.
    pub fn charset_name(&self) -> Option<Cow<'h, str>> {
        self.parameter("charset").map(without_apostrophes)
    }

    /// The charset of the text, if one is declared.
    ///
    /// # Errors
    /// One that is not read.
    pub fn charset(&self) -> Result<Option<Charset>, UnreadCharset> {
        self.charset_name().map(|name| Charset::named(&name)).transpose()
    }
}

/// A value without apostrophes around it, which some programs take for quotes.
fn without_apostrophes(value: Cow<'_, str>) -> Cow<'_, str> {
    match value {
        plain if !plain.starts_with('\'') => plain,
        Cow::Borrowed(text) => text.trim_matches(['\'', ' ', '\t']).into(),
        Cow::Owned(text) => text.trim_matches(['\'', ' ', '\t']).to_owned().into(),
    }
}

/// The parameters, one after the other.
struct Parameters<'h>(&'h str);

impl<'h> Iterator for Parameters<'h> {
    type Item = (&'h str, Cow<'h, str>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            // By bytes, which are quicker to look at than characters; all that is looked for is ASCII.
            let begin = self.0.bytes().position(|byte| !matches!(byte, b';' | b' ' | b'\t'))?;
            self.0 = &self.0[begin..];
            let end = self.0.bytes().position(|byte| matches!(byte, b';' | b'='));
            let (name, rest) = self.0.split_at(end.unwrap_or(self.0.len()));
            let Some(value) = rest.strip_prefix('=') else {
                // A word without a value says nothing.
                self.0 = rest;
                continue;
            };
            let (value, rest) = match value.trim_ascii_start().strip_prefix('"') {
                Some(quoted) => within_quotes(quoted),
                None => {
                    let end = value.bytes().position(|byte| byte == b';');
                    let (plain, rest) = value.split_at(end.unwrap_or(value.len()));
                    (plain.trim_ascii().into(), rest)
                }
            };
            self.0 = rest;
            return Some((name.trim_ascii(), value));
        }
    }
}

/// What stands before the closing quote, and what after the parameter. Only `\"` is taken for an escape: a backslash
/// before anything else is one of a Windows path that its sender did not escape.
fn within_quotes(quoted: &str) -> (Cow<'_, str>, &str) {
    let closing = quoted.match_indices('"').map(|(at, _)| at).find(|at| !quoted[..*at].ends_with('\\'));
    let (value, rest) = quoted.split_at(closing.unwrap_or(quoted.len()));
    let rest = rest.find(';').map_or("", |at| &rest[at..]);
    if value.contains("\\\"") { (value.replace("\\\"", "\"").into(), rest) } else { (value.into(), rest) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{prop_assert_eq, proptest};

    fn charset(value: &str) -> Result<Option<Charset>, UnreadCharset> {
        ContentType::parse(value).charset()
    }

    #[test]
    fn a_type_is_known_however_it_is_spelt() {
        for value in [
            "application/json",
            "Application/JSON",
            " application/json ",
            "application/json;",
            "application/json ;charset=UTF-8",
            "application/json;;charset=utf-8",
            "application/json; charset = \"utf-8\" ;",
            "application/json; charset='utf-8'",
            "application/json;charset=utf8",
            "application/json; Charset=UTF_8; q=1",
            "application/json; odata=verbose; charset=",
            "application/json; charset; charset=us-ascii",
        ] {
            let declared = ContentType::parse(value);
            assert!(declared.is("application/json"), "{value}");
            assert!(matches!(declared.charset(), Ok(None | Some(Charset::Utf8))), "{value}");
        }
        for value in
            ["", "json", "application/jsonx", "application/ json", "x;application/json", "application/json,a/b"]
        {
            assert!(!ContentType::parse(value).is("application/json"), "{value}");
        }
    }

    #[test]
    fn a_charset_is_one_that_is_read_or_is_named() {
        assert_eq!(charset("text/plain"), Ok(None));
        assert_eq!(charset("text/plain;charset="), Ok(Some(Charset::Utf8)));
        assert_eq!(charset("text/plain; charset=ISO-8859-1"), Ok(Some(Charset::Windows1252)));
        assert_eq!(charset("text/plain; charset='latin1'; charset=utf-8"), Ok(Some(Charset::Windows1252)));
        assert!(charset("text/plain; charset=\"koi8-r\"").unwrap_err().to_string().contains("'koi8-r'"));
        assert_eq!(charset("text/plain; note=\"; charset=koi8-r\""), Ok(None));
    }

    #[test]
    fn a_boundary_needs_no_quotes_whatever_is_in_it() {
        for (value, boundary) in [
            ("multipart/form-data; boundary=----=_Part_1_2.3:4?5/6", "----=_Part_1_2.3:4?5/6"),
            ("multipart/form-data; boundary=\"a b;c\"; charset=utf-8", "a b;c"),
            ("multipart/form-data; charset=utf-8 ; Boundary = 'x' ", "'x'"),
            ("multipart/form-data;boundary=\"un\\\"quoted\\x\"", "un\"quoted\\x"),
            ("multipart/form-data; boundary=\"never closed", "never closed"),
        ] {
            assert_eq!(ContentType::parse(value).parameter("boundary").as_deref(), Some(boundary), "{value}");
        }
        assert_eq!(ContentType::parse("multipart/form-data; a=boundary").parameter("boundary"), None);
    }

    #[test]
    fn a_header_that_says_the_same_twice_counts_as_one() {
        let of = |values: &[&'static str]| ContentType::of(values.iter().map(|value| value.as_bytes()));
        assert_eq!(of(&[]), Ok(None));
        assert_eq!(of(&["text/xml", " text/xml"]), Ok(Some(ContentType::parse("text/xml"))));
        assert_eq!(of(&["text/xml", "text/xml", "text/plain"]), Err(Unclear));
        assert_eq!(ContentType::of([b"text/\xff".as_slice()].into_iter()), Err(Unclear));
    }

    proptest! {
        #[test]
        fn what_is_quoted_is_read_back_and_anything_is_borne(value in "[^\"\\\\]{0,20}", noise in ".{0,60}") {
            let written = format!("a/b; x=\"{value}\";y=1");
            let read = ContentType::parse(&written);
            prop_assert_eq!(read.parameter("x"), Some(value.as_str().into()));
            prop_assert_eq!(read.parameter("Y"), Some("1".into()));
            let _ = ContentType::parse(&noise).charset();
        }
    }
}
