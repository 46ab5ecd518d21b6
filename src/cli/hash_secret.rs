//! `hash-secret`: turns a password into what the configuration file may hold.

use std::io::{self, IsTerminal, Read};

use secrecy::SecretString;

use super::{Failure, Outcome, output};
use crate::access;

/// Longest secret that is read, in bytes.
const MAX_BYTES: u64 = 4096;

pub(super) fn run() -> Outcome {
    if io::stdin().is_terminal() {
        output::complain("type the secret, then press Enter and Ctrl-D (what you type is shown)");
    }
    let mut text = String::new();
    let read = io::stdin().lock().take(MAX_BYTES + 1).read_to_string(&mut text);
    let read = read.map_err(|error| Failure::Usage(format!("the secret must be UTF-8 text: {error}")))?;
    if read as u64 > MAX_BYTES {
        return Err(Failure::Usage(format!("the secret must have at most {MAX_BYTES} bytes")));
    }
    // `echo` and an editor end the text with a line break that nobody means.
    let secret = text.strip_suffix('\n').map_or(&*text, |text| text.strip_suffix('\r').unwrap_or(text));
    if secret.is_empty() {
        return Err(Failure::Usage("the secret on standard input is empty".to_owned()));
    }
    let hash = access::hash_secret(&SecretString::from(secret));
    output::result(&hash.map_err(|error| Failure::Operation(format!("the secret cannot be hashed: {error}")))?)
}
