//! XML for a gateway that reads it from strangers: a guard in front, a reader behind it, a writer for the way out.
//!
//! [`guard`] is why this layer exists: the XML library used for reading is fast and forgiving, and accepts much that is
//! not XML. So every document is first proven well-formed and within limits, and only the proof, a
//! [`guard::Document`], can be read. Nothing here knows which vocabulary is being spoken; envelopes, operations and
//! vendors live above.

mod chars;
mod encoding;
pub mod guard;
pub(crate) mod labelled;
pub mod limits;
pub mod reader;
pub mod refusal;
mod scope;
pub mod writer;
