//! Forms and queries: `name=value` pairs, percent-encoded.
//!
//! The vendor's examples print a body with one pair a line. Such a body is accepted as it is printed: a line break
//! separates pairs just as `&` does where the line after it holds a `=`. A proper form has no line breaks at all, they
//! are `%0A` in it, so nothing a form can say is read differently. A line without `=` goes on with the value before it,
//! so that a sloppy client's text of several lines is kept whole.

use percent_encoding::percent_decode_str;

use super::{Error, Field, Value, malformed};

/// Reads the pairs of a form or a query; `part` names it in errors.
pub(super) fn read(part: &'static str, bytes: &[u8]) -> Result<Vec<Field>, Error> {
    let text = std::str::from_utf8(bytes).map_err(|_| malformed(part, NOT_UTF8))?;
    text.split('&').flat_map(lines).filter(|pair| !pair.is_empty()).map(|pair| read_pair(part, pair)).collect()
}

const NOT_UTF8: &str = "must be in UTF-8";

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

fn read_pair(part: &'static str, pair: &str) -> Result<Field, Error> {
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    Ok(Field { name: decode(part, name)?, value: Value::Text(decode(part, value)?) })
}

fn decode(part: &'static str, text: &str) -> Result<String, Error> {
    if !text.bytes().any(|byte| matches!(byte, b'%' | b'+')) {
        return Ok(text.to_owned());
    }
    if !is_percent_encoded(text) {
        return Err(malformed(part, "has a % that is not followed by two hexadecimal digits"));
    }
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8().map(std::borrow::Cow::into_owned).map_err(|_| malformed(part, NOT_UTF8))
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
        let text = |value| match value {
            Value::Text(text) => text,
            Value::File(..) => panic!("a form has no files"),
        };
        read("form", form.as_bytes()).unwrap().into_iter().map(|field| (field.name, text(field.value))).collect()
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
        for form in ["a=%", "a=%2", "a=%zz", "%=1", "a=%e4", "a=%C3%28"] {
            assert!(matches!(read("form", form.as_bytes()), Err(Error::Malformed { part: "form", .. })), "{form}");
        }
        assert!(matches!(read("form", b"a=\xff"), Err(Error::Malformed { .. })));
    }

    proptest! {
        #[test]
        fn every_text_survives_a_form(list in proptest::collection::vec((".+", ".*"), 0..6)) {
            let mut form = form_urlencoded::Serializer::new(String::new());
            form.extend_pairs(&list);
            prop_assert_eq!(pairs(&form.finish()), list);
        }
    }
}
