//! The guard: proves that bytes are one well-formed XML document within limits before anything reads them.
//!
//! The reading library is no well-formedness checker: two roots, text after the root, `]]>` in text, control characters,
//! forbidden character references, unknown entities, `<` in attributes, attributes without a blank between, duplicates
//! by two prefixes, undeclared prefixes and documents cut inside text all pass it. The guard refuses them, and with them
//! everything an envelope may not have: document types and processing instructions.
//!
//! One pass from the first byte to the last; memory is bounded by the limits, not by the document (only UTF-16 is
//! copied, to turn it into UTF-8). It looks at markup alone and knows no vocabulary.

mod scanner;
mod tag;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use self::scanner::Scanner;
use super::encoding::{self, Authority};
use super::limits::Limits;
use super::refusal::{Reason, Refusal};

/// A document that has passed the guard: well-formed, namespace-well-formed, within limits, free of document types and
/// processing instructions. The only thing the reader accepts.
#[derive(Clone, Debug)]
pub struct Document<'t> {
    text: Cow<'t, str>,
}

impl Document<'_> {
    /// The whole document as text, without byte order mark.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// Lets `bytes` pass if they are an XML document that is safe to read.
///
/// `charset` is what the transport says about the encoding; it beats the XML declaration, and a byte order mark beats
/// both. Nothing is copied unless the document is in UTF-16.
///
/// # Errors
/// The first thing that is wrong, with its place.
pub fn admit<'t>(bytes: &'t [u8], charset: Option<&str>, limits: &Limits) -> Result<Document<'t>, Refusal> {
    if bytes.len() > limits.bytes {
        return Err(Refusal::new(Reason::TooLong, limits.bytes));
    }
    let decoded = encoding::decode(bytes, charset, limits.bytes);
    let decoded = decoded.map_err(|refusal| name_encoding(refusal, bytes, limits))?;
    Scanner::new(&decoded.text, limits).document(decoded.authority)?;
    Ok(Document { text: decoded.text })
}

/// Bytes that are no UTF-8 may be another encoding that the XML declaration owns up to: then the sender is told its name.
fn name_encoding(refusal: Refusal, bytes: &[u8], limits: &Limits) -> Refusal {
    let readable = bytes.get(..refusal.offset()).and_then(|start| std::str::from_utf8(start).ok());
    match readable.map(|start| Scanner::new(start, limits).declaration(Authority::Declaration)) {
        Some(Err(unsupported)) if unsupported.reason() == Reason::UnsupportedEncoding => unsupported,
        _ => refusal,
    }
}
