//! Charsets: which ones texts are read in, and under which names.
//!
//! ISO-8859-1 is read as windows-1252, as the WHATWG's standard of encodings has it: what differs are 27 places which in
//! ISO-8859-1 are control characters that nobody sends, and in windows-1252 the euro sign and the quotes that people do.

use crate::text::{SHOWN, shorten};
use std::borrow::Cow;
use std::fmt;
use std::str::Utf8Error;

/// The charsets that texts are read in, for messages.
pub const READ: &str = "UTF-8, ISO-8859-1 and windows-1252";

/// Names of UTF-8 and of ASCII, which is a part of it, as [`letters`] sees them.
const UTF_8: [&str; 6] = ["", "utf8", "usascii", "ascii", "ansix341968", "iso646us"];
/// Names of ISO-8859-1 and windows-1252, as [`letters`] sees them.
const WINDOWS_1252: [&str; 12] = [
    "iso88591",
    "latin1",
    "windows1252",
    "cp1252",
    "l1",
    "88591",
    "iso885911987",
    "isoir100",
    "csisolatin1",
    "cp819",
    "ibm819",
    "xcp1252",
];

/// A charset that texts are read in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charset {
    /// UTF-8, and with it ASCII.
    Utf8,
    /// windows-1252, and ISO-8859-1 read as it.
    Windows1252,
}

/// A charset that nothing is read in. Displays as a sentence that names it and those that are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadCharset(Box<str>);

impl Charset {
    /// The charset of a name, which is written with upper or lower case, hyphens, underscores or without. An empty name is
    /// UTF-8.
    ///
    /// # Errors
    /// Every other charset.
    pub fn named(name: &str) -> Result<Self, UnreadCharset> {
        // Nearly everybody who names one writes this.
        if name.eq_ignore_ascii_case("utf-8") || UTF_8.iter().any(|known| same_charset(name, known)) {
            Ok(Self::Utf8)
        } else if WINDOWS_1252.iter().any(|known| same_charset(name, known)) {
            Ok(Self::Windows1252)
        } else {
            let shown = shorten(name, SHOWN).replace(|c| !matches!(c, ' '..='~'), "?");
            Err(UnreadCharset(shown.into()))
        }
    }

    /// The text of bytes in this charset; every byte is a character of windows-1252.
    ///
    /// # Errors
    /// Bytes that are no UTF-8 where that is the charset.
    pub fn decode(self, bytes: &[u8]) -> Result<Cow<'_, str>, Utf8Error> {
        match self {
            Self::Utf8 => std::str::from_utf8(bytes).map(Cow::Borrowed),
            Self::Windows1252 => Ok(encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0),
        }
    }
}

impl fmt::Display for UnreadCharset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the charset '{}' is not read; {READ} are", self.0)
    }
}

/// Whether two names are of one charset but for case, hyphens and underscores.
pub fn same_charset(one: &str, other: &str) -> bool {
    letters(one).eq(letters(other))
}

fn letters(name: &str) -> impl Iterator<Item = u8> {
    name.bytes().filter(|byte| !matches!(byte, b'-' | b'_' | b' ' | b':' | b'.')).map(|byte| byte.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, prop_assert_eq, proptest};

    #[test]
    fn charsets_are_known_under_all_names_that_clients_have_for_them() {
        for name in ["utf-8", "UTF-8", "utf8", "UTF_8", "", "us-ascii", "ASCII", "US_ASCII", "ansi_x3.4-1968"] {
            assert_eq!(Charset::named(name), Ok(Charset::Utf8), "{name}");
        }
        for name in [
            "ISO-8859-1",
            "iso8859-1",
            "ISO8859_1",
            "iso_8859-1:1987",
            "latin1",
            "Latin-1",
            "l1",
            "8859_1",
            "windows-1252",
            "Windows-1252",
            "cp1252",
            "CP-1252",
            "iso-ir-100",
        ] {
            assert_eq!(Charset::named(name), Ok(Charset::Windows1252), "{name}");
        }
    }

    #[test]
    fn every_other_charset_is_named_with_those_that_are_read() {
        for name in ["koi8-r", "utf-16", "UTF-7", "iso-8859-15", "iso-8859-2", "windows-1251", "shift_jis", "utf-88"] {
            let told = Charset::named(name).unwrap_err().to_string();
            assert_eq!(told, format!("the charset '{name}' is not read; UTF-8, ISO-8859-1 and windows-1252 are"));
        }
        let told = Charset::named(&format!("{}\u{1}\u{e4}", "x".repeat(38))).unwrap_err().to_string();
        assert!(told.contains("xx??'"), "{told}");
    }

    #[test]
    fn windows_1252_has_the_signs_that_iso_8859_1_leaves_to_control_characters() {
        assert_eq!(Charset::Windows1252.decode(b"M\xfcller \x80 \x93x\x94").unwrap(), "Müller € “x”");
        assert!(Charset::Utf8.decode(b"M\xfcller").is_err());
    }

    proptest! {
        #[test]
        fn all_bytes_are_text_in_windows_1252_and_ascii_is_the_same_in_both(bytes in proptest::collection::vec(any::<u8>(), 0..99)) {
            let text = Charset::Windows1252.decode(&bytes).unwrap();
            prop_assert_eq!(text.chars().count(), bytes.len());
            let ascii: Vec<u8> = bytes.iter().map(|byte| byte & 0x7f).collect();
            prop_assert_eq!(Charset::Windows1252.decode(&ascii).unwrap(), Charset::Utf8.decode(&ascii).unwrap());
        }
    }
}
