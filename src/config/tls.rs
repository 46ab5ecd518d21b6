//! `[server.tls]`: the certificate that the main listener shows.

use std::path::PathBuf;

use super::section::Section;

/// Section `server.tls`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The file with the certificate and those that lead to its authority (PEM).
    pub certificate: PathBuf,
    /// The file with the certificate's private key (PEM).
    pub key: PathBuf,
}

impl Tls {
    /// Reads the section; without any of its keys the listener speaks plain HTTP.
    pub(super) fn read(section: &mut Section<'_>) -> Option<Self> {
        let certificate = section.file("certificate");
        let key = section.file("key");
        if section.has("certificate") || section.has("key") {
            section.require("certificate");
            section.require("key");
        }
        Some(Self { certificate: certificate?, key: key? })
    }
}
