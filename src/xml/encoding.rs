//! From bytes to text: which encoding a document is in, and its UTF-8 form.
//!
//! A byte order mark settles it, then the charset of the transport, and only without both the XML declaration has a say
//! (it is checked by the scanner, which reads it). us-ascii is part of UTF-8 and treated as such.

use std::borrow::Cow;

use super::refusal::{Reason, Refusal};

/// A document as text, and whether its XML declaration may still contradict.
pub(super) struct Decoded<'t> {
    pub(super) text: Cow<'t, str>,
    pub(super) authority: Authority,
}

/// Who said which encoding the document is in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Authority {
    /// A byte order mark or the transport: what the XML declaration says does not count.
    Outside,
    /// Nobody yet: UTF-8 unless the XML declaration names something else, which is then refused.
    Declaration,
}

#[derive(Clone, Copy)]
enum Encoding {
    Utf8,
    Utf16 { read: fn([u8; 2]) -> u16 },
}

const LITTLE: Encoding = Encoding::Utf16 { read: u16::from_le_bytes };
const BIG: Encoding = Encoding::Utf16 { read: u16::from_be_bytes };

/// Whether an encoding of this name can be read as UTF-8.
pub(super) fn counts_as_utf8(name: &str) -> bool {
    ["utf-8", "utf8", "us-ascii", "ascii"].iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// Turns `bytes` into text. `charset` is what the transport said, if it said anything.
///
/// # Errors
/// An unknown charset, bytes that are not valid in the encoding found, and text that is longer than `limit` bytes.
pub(super) fn decode<'t>(bytes: &'t [u8], charset: Option<&str>, limit: usize) -> Result<Decoded<'t>, Refusal> {
    let named = charset.map(|name| by_name(name, bytes)).transpose()?;
    let (encoding, rest) = match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => (Some(Encoding::Utf8), rest),
        [0xFF, 0xFE, rest @ ..] => (Some(LITTLE), rest),
        [0xFE, 0xFF, rest @ ..] => (Some(BIG), rest),
        rest => (named, rest),
    };
    let authority = if encoding.is_some() { Authority::Outside } else { Authority::Declaration };
    let text = match encoding.unwrap_or(Encoding::Utf8) {
        Encoding::Utf8 => Cow::Borrowed(std::str::from_utf8(rest).map_err(|error| invalid_at(error.valid_up_to()))?),
        Encoding::Utf16 { read } => Cow::Owned(from_utf16(rest, read, limit)?),
    };
    Ok(Decoded { text, authority })
}

fn by_name(name: &str, bytes: &[u8]) -> Result<Encoding, Refusal> {
    if counts_as_utf8(name) {
        Ok(Encoding::Utf8)
    } else if name.eq_ignore_ascii_case("utf-16le") {
        Ok(LITTLE)
    } else if name.eq_ignore_ascii_case("utf-16be") {
        Ok(BIG)
    } else if name.eq_ignore_ascii_case("utf-16") {
        // Without a byte order mark big-endian is the rule, but a document begins with `<` and so tells.
        Ok(if bytes.starts_with(b"<\0") { LITTLE } else { BIG })
    } else {
        Err(Refusal::naming(Reason::UnsupportedEncoding, 0, name))
    }
}

/// UTF-16 can grow by half when it becomes UTF-8, so its length there is found before anything is copied.
fn from_utf16(bytes: &[u8], read: fn([u8; 2]) -> u16, limit: usize) -> Result<String, Refusal> {
    let (pairs, odd) = bytes.as_chunks::<2>();
    let characters = || char::decode_utf16(pairs.iter().map(|pair| read(*pair)));
    let mut length = 0;
    for unit in characters() {
        length += unit.map_err(|_| invalid_at(length))?.len_utf8();
    }
    if !odd.is_empty() {
        return Err(invalid_at(length));
    }
    if length > limit {
        return Err(Refusal::new(Reason::TooLong, limit));
    }
    let mut text = String::with_capacity(length);
    text.extend(characters().flatten());
    Ok(text)
}

fn invalid_at(offset: usize) -> Refusal {
    Refusal::new(Reason::InvalidEncoding, offset)
}
