//! From bytes to text: which encoding a document is in, and its UTF-8 form.
//!
//! A byte order mark settles it, then the charset of the transport, and only without both the XML declaration has a say.

use std::borrow::Cow;

use super::refusal::{Reason, Refusal};
use crate::media::{Charset, same_charset};

/// A document as text, and what it was written in.
pub(super) struct Decoded<'t> {
    pub(super) text: Cow<'t, str>,
    pub(super) encoding: Encoding,
}

/// What a document was written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8, and with it us-ascii.
    Utf8,
    /// UTF-16 of either byte order.
    Utf16,
    /// windows-1252, and ISO-8859-1 read as it.
    Windows1252,
}

/// How bytes become text.
#[derive(Clone, Copy)]
enum Written {
    In(Charset),
    Utf16(fn([u8; 2]) -> u16),
}

const LITTLE: Written = Written::Utf16(u16::from_le_bytes);
const BIG: Written = Written::Utf16(u16::from_be_bytes);

/// Turns `bytes` into text. `charset` is what the transport said, if it said anything; `declared` finds what the XML
/// declaration says, and where.
///
/// # Errors
/// An unknown encoding, bytes that are not valid in the encoding found, and text that is longer than `limit` bytes.
pub(super) fn decode<'t, 'd>(
    bytes: &'t [u8],
    charset: Option<&str>,
    declared: impl FnOnce() -> Option<(&'d str, usize)>,
    limit: usize,
) -> Result<Decoded<'t>, Refusal> {
    let named = charset.map(|name| by_name(name, bytes)).transpose()?;
    let (written, rest) = match (bytes, named) {
        ([0xEF, 0xBB, 0xBF, rest @ ..], _) => (Written::In(Charset::Utf8), rest),
        ([0xFF, 0xFE, rest @ ..], _) => (LITTLE, rest),
        ([0xFE, 0xFF, rest @ ..], _) => (BIG, rest),
        (rest, Some(named)) => (named, rest),
        (rest, None) => (declared().map_or(Ok(Written::In(Charset::Utf8)), own_word)?, rest),
    };
    let (text, encoding) = match written {
        Written::In(charset) => {
            let text = charset.decode(rest).map_err(|error| invalid_at(error.valid_up_to()))?;
            let encoding = if charset == Charset::Utf8 { Encoding::Utf8 } else { Encoding::Windows1252 };
            (text, encoding)
        }
        Written::Utf16(read) => (Cow::Owned(from_utf16(rest, read, limit)?), Encoding::Utf16),
    };
    if text.len() > limit {
        return Err(Refusal::new(Reason::TooLong, limit));
    }
    Ok(Decoded { text, encoding })
}

/// The encoding that the transport names.
fn by_name(name: &str, bytes: &[u8]) -> Result<Written, Refusal> {
    match Charset::named(name) {
        Ok(charset) => Ok(Written::In(charset)),
        Err(_) if same_charset(name, "utf-16le") => Ok(LITTLE),
        Err(_) if same_charset(name, "utf-16be") => Ok(BIG),
        // Without a byte order mark big-endian is the rule, but a document begins with `<` and so tells.
        Err(_) if same_charset(name, "utf-16") => Ok(if bytes.starts_with(b"<\0") { LITTLE } else { BIG }),
        Err(_) => Err(Refusal::naming(Reason::UnsupportedEncoding, 0, name)),
    }
}

/// The encoding that the XML declaration names, which could be read byte by byte, and so is not in UTF-16.
fn own_word((name, at): (&str, usize)) -> Result<Written, Refusal> {
    let contradicted = ["utf-16", "utf-16le", "utf-16be"].iter().any(|wide| same_charset(name, wide));
    let reason = if contradicted { Reason::ContradictedEncoding } else { Reason::UnsupportedEncoding };
    Charset::named(name).map(Written::In).map_err(|_| Refusal::naming(reason, at, name))
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
