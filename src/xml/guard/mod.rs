//! The guard: proves that bytes are one well-formed XML document within limits before anything reads them.
//!
//! The reading library is no well-formedness checker: two roots, text after the root, `]]>` in text, control characters,
//! forbidden character references, unknown entities, `<` in attributes, attributes without a blank between, duplicates
//! by two prefixes, undeclared prefixes and documents cut inside text all pass it. The guard refuses them, and with them
//! everything an envelope may not have: document types and processing instructions.
//!
//! One pass from the first byte to the last; memory is bounded by the limits, not by the document (only what is
//! not in UTF-8 is copied, to turn it into that). It looks at markup alone and knows no vocabulary.

mod scanner;
mod tag;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use self::scanner::Scanner;
use super::encoding;
use super::limits::Limits;
use super::refusal::{Reason, Refusal};

pub use super::encoding::Encoding;

/// A document that has passed the guard: well-formed, namespace-well-formed, within limits, free of document types and
/// processing instructions. The only thing the reader accepts.
#[derive(Clone, Debug)]
pub struct Document<'t> {
    text: Cow<'t, str>,
    encoding: Encoding,
}

impl Document<'_> {
    /// The whole document as text, without byte order mark.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it was written in.
    pub const fn encoding(&self) -> Encoding {
        self.encoding
    }
}

/// No XML declaration is longer, in bytes, unless somebody pads it with blanks.
const LONGEST_DECLARATION: usize = 512;

/// Lets `bytes` pass if they are an XML document that is safe to read.
///
/// `charset` is what the transport says about the encoding; it beats the XML declaration, and a byte order mark beats
/// both. Nothing is copied of a document in UTF-8.
///
/// # Errors
/// The first thing that is wrong, with its place.
pub fn admit<'t>(bytes: &'t [u8], charset: Option<&str>, limits: &Limits) -> Result<Document<'t>, Refusal> {
    if bytes.len() > limits.bytes {
        return Err(Refusal::new(Reason::TooLong, limits.bytes));
    }
    let decoded = encoding::decode(bytes, charset, || declared(bytes, limits), limits.bytes)?;
    Scanner::new(&decoded.text, limits).document()?;
    Ok(Document { text: decoded.text, encoding: decoded.encoding })
}

/// The encoding that the XML declaration names, and where, if the bytes begin with one that can be read byte by byte.
fn declared<'t>(bytes: &'t [u8], limits: &'t Limits) -> Option<(&'t str, usize)> {
    if !bytes.starts_with(b"<?xml") {
        return None;
    }
    let end = bytes.iter().take(LONGEST_DECLARATION).position(|byte| *byte == b'>')?;
    let declaration = std::str::from_utf8(&bytes[..=end]).ok()?;
    Scanner::new(declaration, limits).declaration().ok()?
}
