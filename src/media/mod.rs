//! What bodies say of themselves: media types, charsets, transfer encodings and parts, read in one way wherever a body or a part
//! of one comes in.
//!
//! Clients write the same thing in many ways (`application/json ;charset=UTF-8`, `charset='utf8'`, `;;`), and none of them
//! is worth a refusal. Nothing here knows HTTP, a format or a vendor; whoever asks says which types it takes.

mod charset;
mod content_type;
mod parts;
mod transfer;

pub use charset::{Charset, READ, UnreadCharset, same_charset};
pub use content_type::{ContentType, Unclear};
pub use parts::{BrokenParts, Part, Parts, bare_id};
pub use transfer::TransferProblem;
