//! Forms and queries: `name=value` pairs, percent-encoded.
//!
//! The vendor's examples print a body with one pair a line. Such a body is accepted as it is printed: a line break
//! separates pairs just as `&` does where the line after it holds a `=`. A proper form has no line breaks at all, they
//! are `%0A` in it, so nothing a form can say is read differently. A line without `=` goes on with the value before it,
//! so that a sloppy client's text of several lines is kept whole.
//!
//! What is UTF-8 as a whole, once it is decoded, is UTF-8 whatever it declares, since most libraries encode in UTF-8 and
//! declare something else or nothing. Otherwise the declared charset counts; without one it is windows-1252, which is
//! what clients mean that are too old for UTF-8.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, percent_decode_str, percent_encode};

use super::{Error, Field, ParameterValue, malformed};
use crate::media::Charset;

/// What a form or a query says.
#[derive(Debug)]
pub(super) struct Form {
    pub(super) fields: Vec<Field>,
    /// Nobody said which charset it is in, and it is not UTF-8.
    pub(super) guessed: bool,
}

/// Why a form is not read in a charset.
enum Unreadable {
    /// It is not in that charset.
    Charset,
    /// It is in none.
    Broken(&'static str),
}

/// Reads the pairs of a form or a query; `part` names it in errors, `declared` is the charset it names.
pub(super) fn read(part: &'static str, bytes: &[u8], declared: Option<Charset>) -> Result<Form, Error> {
    let utf8 = std::str::from_utf8(bytes).map_err(|_| Unreadable::Charset);
    let mut guessed = false;
    let read = match (utf8.and_then(|text| read_in(Charset::Utf8, text)), declared) {
        (Err(Unreadable::Charset), None | Some(Charset::Windows1252)) => {
            guessed = declared.is_none();
            // As if every byte that is not ASCII had been percent-encoded.
            let text: Cow<'_, str> = percent_encode(bytes, &AsciiSet::EMPTY).into();
            read_in(Charset::Windows1252, &text)
        }
        (read, _) => read,
    };
    let fields = read.map_err(|unreadable| match unreadable {
        Unreadable::Charset => malformed(part, "must be in UTF-8, which its Content-Type says it is"),
        Unreadable::Broken(problem) => malformed(part, problem),
    })?;
    Ok(Form { fields, guessed })
}

fn read_in(charset: Charset, text: &str) -> Result<Vec<Field>, Unreadable> {
    text.split('&').flat_map(lines).filter(|pair| !pair.is_empty()).map(|pair| read_pair(charset, pair)).collect()
}

/// Cuts what stands between two `&` where a line begins that holds a pair. The line breaks in between belong to none.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let whole = rest?;
        let next_pair = whole.match_indices('\n').map(|(at, _)| at + 1).find(|at| {
            let line = whole[*at..].split('\n').next().unwrap_or_default();
            line.contains('=')
        });
        let (pair, after) = next_pair.map_or((whole, None), |at| (&whole[..at], Some(&whole[at..])));
        rest = after;
        Some(pair.trim_matches(['\r', '\n']))
    })
}

fn read_pair(charset: Charset, pair: &str) -> Result<Field, Unreadable> {
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    Ok(Field { name: decode(charset, name)?, value: ParameterValue::Text(decode(charset, value)?) })
}

fn decode(charset: Charset, text: &str) -> Result<String, Unreadable> {
    if !text.bytes().any(|byte| matches!(byte, b'%' | b'+')) {
        return Ok(text.to_owned());
    }
    if !is_percent_encoded(text) {
        return Err(Unreadable::Broken("has a % that is not followed by two hexadecimal digits"));
    }
    let spaced = text.replace('+', " ");
    let bytes: Cow<'_, [u8]> = percent_decode_str(&spaced).into();
    charset.decode(&bytes).map(Cow::into_owned).map_err(|_| Unreadable::Charset)
}

/// Whether every `%` is followed by two hexadecimal digits.
pub(in crate::dialect::gms) fn is_percent_encoded(text: &str) -> bool {
    text.split('%').skip(1).all(|after| after.len() >= 2 && after.bytes().take(2).all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pairs(form: &str) -> Vec<(String, String)> {
        let (pairs, guessed) = pairs_in(form.as_bytes(), None);
        assert!(!guessed, "{form}");
        pairs
    }

    fn pairs_in(form: &[u8], declared: Option<Charset>) -> (Vec<(String, String)>, bool) {
        let text = |value| match value {
            ParameterValue::Text(text) => text,
            ParameterValue::File(..) => panic!("a form has no files"),
        };
        let Form { fields, guessed } = read("form", form, declared).unwrap();
        (fields.into_iter().map(|field| (field.name, text(field.value))).collect(), guessed)
    }

    fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn pairs_are_decoded_and_empty_ones_left_out() {
        assert_eq!(
            pairs("a=1&&b=x+y%26z&c&d==%C3%A4&e=ä&"),
            owned(&[("a", "1"), ("b", "x y&z"), ("c", ""), ("d", "=ä"), ("e", "ä")])
        );
        assert_eq!(pairs(""), []);
    }

    #[test]
    fn one_pair_a_line_is_read_as_the_vendor_prints_it() {
        let expected = owned(&[("_id", "1212-8"), ("_resource_group", "DNIS")]);
        for body in [
            "_id=1212-8\n_resource_group=DNIS",
            "_id=1212-8\r\n_resource_group=DNIS\r\n",
            "\n_id=1212-8\n\n_resource_group=DNIS\n\n",
            "_id=1212-8&\n_resource_group=DNIS\n",
        ] {
            assert_eq!(pairs(body), expected, "{body:?}");
        }
    }

    #[test]
    fn a_line_without_a_pair_goes_on_with_the_value_before() {
        assert_eq!(pairs("note=one\ntwo\n\nthree\nb=2\n"), owned(&[("note", "one\ntwo\n\nthree"), ("b", "2")]));
        assert_eq!(pairs("note=one%0Atwo=2%0D%0A"), owned(&[("note", "one\ntwo=2\r\n")]));
    }

    #[test]
    fn broken_encodings_are_refused() {
        for form in ["a=%", "a=%2", "a=%zz", "%=1", "a=%e4&b=%4", "a=\u{e4}%"] {
            for declared in [None, Some(Charset::Utf8), Some(Charset::Windows1252)] {
                let told = read("form", form.as_bytes(), declared);
                assert!(matches!(told, Err(Error::Malformed { part: "form", .. })), "{form}: {told:?}");
            }
        }
        for form in [&b"a=%e4"[..], b"a=%C3%28", b"a=\xff"] {
            let told = read("form", form, Some(Charset::Utf8)).map(|form| form.fields);
            assert!(matches!(&told, Err(Error::Malformed { problem, .. }) if problem.contains("UTF-8")), "{told:?}");
        }
    }

    #[test]
    fn a_form_that_is_no_utf_8_is_in_its_declared_charset_or_in_windows_1252() {
        let umlauts = owned(&[("name", "M\u{fc}ller"), ("\u{f6}", "\u{20ac} 5"), ("plain", "x")]);
        for form in [&b"name=M%FCller&%F6=%80+5&plain=x"[..], b"name=M\xfcller&\xf6=\x80+5&plain=x"] {
            assert_eq!(pairs_in(form, Some(Charset::Windows1252)), (umlauts.clone(), false));
            assert_eq!(pairs_in(form, None), (umlauts.clone(), true), "nobody said so");
        }
        let lines = b"name=M%FCller\n\xf6=\x80+5\r\nplain=x\n";
        assert_eq!(pairs_in(lines, None), (umlauts, true));
    }

    #[test]
    fn a_form_that_is_utf_8_as_a_whole_is_utf_8_whatever_it_declares() {
        let expected = owned(&[("a", "\u{fc}"), ("b", "\u{fc}")]);
        for form in ["a=%C3%BC&b=\u{fc}", "a=%c3%bc&b=%C3%BC"] {
            for declared in [None, Some(Charset::Utf8), Some(Charset::Windows1252)] {
                assert_eq!(pairs_in(form.as_bytes(), declared), (expected.clone(), false), "{form}");
            }
        }
        let mixed = owned(&[("a", "\u{c3}\u{bc}"), ("b", "\u{fc}")]);
        assert_eq!(pairs_in(b"a=%C3%BC&b=%FC", None), (mixed, true), "one byte that is not UTF-8 decides for all");
    }

    proptest! {
        #[test]
        fn every_text_survives_a_form(list in proptest::collection::vec((".+", ".*"), 0..6)) {
            let mut form = form_urlencoded::Serializer::new(String::new());
            form.extend_pairs(&list);
            prop_assert_eq!(pairs(&form.finish()), list);
        }

        #[test]
        fn every_text_of_windows_1252_survives_a_form_in_it(bytes in proptest::collection::vec(1u8.., 1..40)) {
            let text = Charset::Windows1252.decode(&bytes).unwrap().into_owned();
            let form = format!("a={}&b=%FC", percent_encode(&bytes, percent_encoding::NON_ALPHANUMERIC));
            let (read, _) = pairs_in(form.as_bytes(), Some(Charset::Windows1252));
            prop_assert_eq!(&read[0].1, &text);
        }
    }
}
