//! How a document is shown: texts as they are, a file as the path where its bytes can be fetched.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::answer::Members;
use super::error::Error;
use super::parameters::Parameters;
use crate::domain::DocumentId;
use crate::domain::document::{Loaded, LoadedValue};

/// What stands unencoded in a word of a path.
const PATH_WORD: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The path under which the data of a document are found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address(String);

impl Address {
    /// The path of the data that a user keeps under an id of its own choice.
    pub(super) fn custom(id: &str) -> Self {
        Self(format!("/genesys/1/storage/custom/{}", utf8_percent_encode(id, PATH_WORD)))
    }

    fn of_key(&self, key: &str) -> String {
        format!("{self}/{}", utf8_percent_encode(key, PATH_WORD))
    }
}

impl From<DocumentId> for Address {
    fn from(id: DocumentId) -> Self {
        Self(format!("/genesys/1/storage/{id}"))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a request wants the user data in its answer. The vendor's page has two names for one thing.
///
/// # Errors
/// [`Error::Parameter`] for what is neither true nor false.
pub(super) fn wanted(parameters: &Parameters) -> Result<bool, Error> {
    let asked = [parameters.flag("_return_data")?, parameters.flag("_return_user_data")?];
    Ok(asked.contains(&Some(true)))
}

/// The members of a document that is found at `address`.
pub(super) fn members(document: &Loaded, address: &Address) -> Members {
    document.entries.iter().fold(Members::default(), |members, (key, value)| match value {
        LoadedValue::Text(text) => members.with(key.as_str().to_owned(), &**text),
        LoadedValue::File { .. } => members.with(key.as_str().to_owned(), &address.of_key(key.as_str())),
    })
}
