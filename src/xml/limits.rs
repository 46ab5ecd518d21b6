//! How much of everything a document may have.

/// What one document may hold at most.
///
/// The guard's work is linear in the document's length; namespace declarations and attributes are compared with their
/// neighbours, so those two limits are the constant in front.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the whole document, as received and as UTF-8. Default 65 536.
    pub bytes: usize,
    /// Elements open at one time, the root included. Default 64.
    pub depth: usize,
    /// Elements in the whole document. Default 1 024.
    pub elements: usize,
    /// Attributes of one element, namespace declarations included. Default 64.
    pub attributes: usize,
    /// Namespace declarations in scope at one time. Default 64.
    pub namespaces: usize,
    /// Bytes of one element or attribute name, prefix included. Default 256.
    pub name: usize,
    /// Bytes of one run of text, one CDATA section, one comment or one attribute value, as written. Default 32 768.
    pub text: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 65_536, depth: 64, elements: 1_024, attributes: 64, namespaces: 64, name: 256, text: 32_768 }
    }
}
