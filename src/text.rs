//! Texts that strangers wrote: what is done alike with them wherever they are read, or repeated in a message.

use std::str::FromStr;

/// What some programs write before a text in UTF-8.
pub const BYTE_ORDER_MARK: &str = "\u{FEFF}";

/// More characters of a sender's text than these are mostly not repeated.
pub const SHOWN: usize = 40;

/// The text without a byte order mark before it.
pub fn without_mark(text: &str) -> &str {
    text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text)
}

/// No more of a sender's text than a person needs to recognise it: at most `most` characters.
pub fn shorten(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

/// A name that a sender made up, as a message may repeat it: at most [`SHOWN`] characters, none of them a control
/// character.
pub fn shown_name(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(SHOWN).collect()
}

/// Whether the text is one or more decimal digits and nothing else.
pub fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The unsigned number that decimal digits are. The standard parser takes a plus sign, which a count does not have.
pub fn unsigned<N: FromStr>(text: &str) -> Option<N> {
    text.parse().ok().filter(|_| is_digits(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_digits_alone() {
        assert_eq!((unsigned::<u8>("0"), unsigned::<u8>("007"), unsigned::<u8>("255")), (Some(0), Some(7), Some(255)));
        for wrong in ["", "+1", "-1", " 1", "1 ", "256", "1.0", "\u{0663}"] {
            assert_eq!(unsigned::<u8>(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_text_is_shortened_at_a_character_and_a_name_has_no_control_characters() {
        assert_eq!(shorten("äöü", 2), "äö");
        assert_eq!(shorten("äöü", 9), "äöü");
        assert_eq!(shown_name(&format!("a\u{1}\n{}", "ü".repeat(50))), format!("a{}", "ü".repeat(39)));
    }

    #[test]
    fn one_byte_order_mark_before_a_text_is_passed_over() {
        assert_eq!((without_mark("\u{FEFF}a\u{FEFF}"), without_mark("a"), without_mark("")), ("a\u{FEFF}", "a", ""));
    }
}
