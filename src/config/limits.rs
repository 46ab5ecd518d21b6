//! `[server.limits]`: how large a request may be.

/// Section `server.limits`; all sizes are in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// A SOAP, XML, JSON or plain form body, after decompression. Default 64 KiB.
    pub body: usize,
    /// A multipart body. Default 8 MiB.
    pub multipart: usize,
    /// The request line and the headers together. Default 16 KiB.
    pub head: usize,
    /// Elements inside each other in an XML document. Default 64.
    pub xml_depth: usize,
    /// Elements in an XML document. Default 10 000.
    pub xml_elements: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { body: 64 * 1024, multipart: 8 * 1024 * 1024, head: 16 * 1024, xml_depth: 64, xml_elements: 10_000 }
    }
}
