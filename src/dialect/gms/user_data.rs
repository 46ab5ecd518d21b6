//! How a document is shown: texts as they are, a file as the path where its bytes can be fetched.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::answer::Members;
use crate::domain::DocumentId;
use crate::domain::document::{Loaded, LoadedValue};

/// What stands unencoded in a word of a path.
const PATH_WORD: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The members of a document.
pub(super) fn members(document: &Loaded) -> Members {
    document.entries.iter().fold(Members::default(), |members, (key, value)| match value {
        LoadedValue::Text(text) => members.with(key.as_str().to_owned(), &**text),
        LoadedValue::File { .. } => members.with(key.as_str().to_owned(), &path(document.id, key.as_str())),
    })
}

fn path(document: DocumentId, key: &str) -> String {
    format!("/genesys/1/storage/{document}/{}", utf8_percent_encode(key, PATH_WORD))
}
