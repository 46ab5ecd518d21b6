//! `[server.limits]`: how large a request may be, how much of them is held, and how many connections there are.

use super::section::Section;

const MIB: u32 = 1024 * 1024;
/// What is less serves nobody, what is more no kernel is set up for.
const CONNECTIONS: std::ops::RangeInclusive<u32> = 16..=1_000_000;
/// Larger heads are refused by the HTTP library before the gateway sees them.
const HEAD_OF_LIBRARY: u32 = 128 * 1024;

/// Section `server.limits`; all sizes are in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// A SOAP, XML, JSON or plain form body, after decompression. Default 64 KiB.
    pub body: usize,
    /// A multipart body. Default 8 MiB.
    pub multipart: usize,
    /// A file of numbers to be imported. Default 64 MiB.
    pub import: usize,
    /// Connections at a time, as far as there are descriptors for them. Default 8 192.
    pub connections: usize,
    /// Connections at a time from one source: an IPv4 address or an IPv6 /64, trusted proxies excepted. Without it, half
    /// of all.
    pub connections_per_source: Option<usize>,
    /// All request bodies and answers above 64 KiB that are held at a time. Default 128 MiB.
    pub bodies_in_flight: usize,
    /// The request line and the headers together. Default 16 KiB.
    pub head: usize,
    /// Elements inside each other in an XML document. Default 64.
    pub xml_depth: usize,
    /// Elements in an XML document; the fields of a payload are kept, so they decide what one takes of memory. Default 1 024.
    pub xml_elements: usize,
    /// Attributes of one XML element, namespace declarations included. Default 64.
    pub xml_attributes: usize,
    /// Namespace declarations that are in scope at one time. Default 64.
    pub xml_namespaces: usize,
    /// One name of an element or attribute, prefix included. Default 256.
    pub xml_name: usize,
    /// One run of text, CDATA section, comment or attribute value. Default 32 KiB.
    pub xml_text: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 64 * 1024,
            multipart: 8 * 1024 * 1024,
            import: 64 * 1024 * 1024,
            connections: 8192,
            connections_per_source: None,
            bodies_in_flight: 128 * 1024 * 1024,
            head: 16 * 1024,
            xml_depth: 64,
            xml_elements: 1_024,
            xml_attributes: 64,
            xml_namespaces: 64,
            xml_name: 256,
            xml_text: 32 * 1024,
        }
    }
}

impl Limits {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let default = Self::default();
        let of_source = section.whole::<u32>("connections_per_source", CONNECTIONS);
        let mut size = |key, range, default| section.whole::<u32>(key, range).map_or(default, |size| size as usize);
        let limits = Self {
            body: size("body", 1024..=64 * MIB, default.body),
            multipart: size("multipart", 1024..=1024 * MIB, default.multipart),
            import: size("import", 1024..=1024 * MIB, default.import),
            connections: size("connections", CONNECTIONS, default.connections),
            connections_per_source: of_source.map(|most| most as usize),
            bodies_in_flight: size("bodies_in_flight", MIB..=1024 * MIB, default.bodies_in_flight),
            head: size("head", 1024..=HEAD_OF_LIBRARY, default.head),
            xml_depth: size("xml_depth", 8..=1000, default.xml_depth),
            xml_elements: size("xml_elements", 16..=1_000_000, default.xml_elements),
            // Attributes and declarations are compared with each other, so these two stay small.
            xml_attributes: size("xml_attributes", 8..=512, default.xml_attributes),
            xml_namespaces: size("xml_namespaces", 8..=512, default.xml_namespaces),
            xml_name: size("xml_name", 32..=64 * 1024, default.xml_name),
            xml_text: size("xml_text", 256..=64 * MIB, default.xml_text),
        };
        let longest = limits.body.max(limits.multipart);
        if limits.bodies_in_flight < longest {
            section.problem(
                "bodies_in_flight",
                format!("must be at least {longest}, which one body may have by `body` and `multipart`, or none such could ever come"),
            );
        }
        limits
    }
}
