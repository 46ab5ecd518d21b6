//! Why a document was refused: one list of reasons, each with a stable label and a sentence for a person.

use crate::text::{SHOWN, shorten};
use std::fmt;

use super::labelled::labelled;

/// A document that must not be read.
///
/// Displays as one sentence that says what is wrong, what is allowed, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    reason: Reason,
    offset: usize,
    found: Option<Box<str>>,
}

impl Refusal {
    pub(super) fn new(reason: Reason, offset: usize) -> Self {
        Self { reason, offset, found: None }
    }

    pub(super) fn naming(reason: Reason, offset: usize, found: &str) -> Self {
        let mut shown = shorten(found, SHOWN).replace(char::is_control, "\u{FFFD}");
        if found.chars().nth(SHOWN).is_some() {
            shown.push_str("...");
        }
        Self { reason, offset, found: Some(shown.into()) }
    }

    /// What is wrong.
    pub const fn reason(&self) -> Reason {
        self.reason
    }

    /// Where: bytes from the start of the document in its UTF-8 form, a byte order mark not counted.
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// The offending name, where there is one, shortened.
    pub fn found(&self) -> Option<&str> {
        self.found.as_deref()
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason.sentence())?;
        if let Some(found) = &self.found {
            write!(f, " (found '{found}')")?;
        }
        write!(f, ", at byte {}", self.offset)
    }
}

impl std::error::Error for Refusal {}

labelled! {
    /// What can be wrong with a document.
    Reason {
        /// Nothing, or nothing but blanks and comments.
        Empty, "empty_document", "the document is empty; one root element is needed";
        /// Something other than markup before the root element.
        NotXml, "not_xml", "the document does not begin with markup; an XML document is needed";
        /// An encoding that is none of those that are read.
        UnsupportedEncoding, "unsupported_encoding",
            "the encoding is not supported; UTF-8, UTF-16, ISO-8859-1 and windows-1252 are";
        /// An XML declaration that names UTF-16 in a document that is not written in it.
        ContradictedEncoding, "contradicted_encoding",
            "the XML declaration names an encoding that the document is not written in; leave it out or write encoding=\"utf-8\"";
        /// Bytes that are not what the encoding says.
        InvalidEncoding, "invalid_encoding", "the bytes are not valid in the document's encoding";
        /// A document type declaration, or a part of one.
        Dtd, "dtd", "a document type declaration is not allowed";
        /// A processing instruction.
        ProcessingInstruction, "processing_instruction", "a processing instruction is not allowed";
        /// A broken XML declaration.
        MalformedDeclaration, "malformed_declaration",
            "the XML declaration is malformed; version=\"1.0\", then encoding, then standalone are allowed";
        /// An XML declaration that is not the very first thing.
        MisplacedDeclaration, "misplaced_declaration", "the XML declaration is allowed only once, at the very beginning";
        /// Another version than XML 1.0.
        UnsupportedVersion, "unsupported_xml_version", "the XML version is not supported; 1.0 is";
        /// A second element beside the root.
        SecondRoot, "second_root", "a second root element is not allowed";
        /// Text, references or CDATA after the root.
        TextAfterRoot, "text_after_root", "text after the root element is not allowed";
        /// The document ends too early.
        Cut, "unexpected_end", "the document ends before its root element is closed";
        /// A character that XML cannot carry.
        ForbiddenCharacter, "forbidden_character", "the document holds a character that XML 1.0 does not allow";
        /// A reference to a character that XML cannot carry.
        ForbiddenReference, "forbidden_character_reference", "a character reference stands for no character XML 1.0 allows";
        /// An entity other than the five predefined ones.
        UnknownEntity, "unknown_entity", "an entity is unknown; amp, lt, gt, quot and apos are allowed";
        /// An ampersand that begins no reference.
        MalformedReference, "malformed_reference", "a bare ampersand or unfinished reference; write &amp; for the character";
        /// `]]>` in text.
        SectionEndInText, "cdata_end_in_text", "']]>' is not allowed in text; write ]]&gt; instead";
        /// Something that is no name where a name must be.
        BadName, "bad_name", "an element or attribute name is missing or malformed";
        /// Markup that is no tag, comment or CDATA section.
        MalformedMarkup, "malformed_markup", "the markup is malformed; a tag, a comment or a CDATA section is expected";
        /// Attributes without blank, equals sign or quotes.
        MalformedAttribute, "malformed_attribute",
            "an attribute is malformed; a blank, a name, an equals sign and a quoted value are needed";
        /// `<` in an attribute value.
        LessThanInAttribute, "less_than_in_attribute", "'<' is not allowed in an attribute value; write &lt; instead";
        /// One attribute twice, by its name or by two prefixes of one namespace.
        DuplicateAttribute, "duplicate_attribute", "an attribute is given twice in one element";
        /// An end tag that closes another element than the open one.
        MismatchedEndTag, "mismatched_end_tag", "an end tag does not match the element that is open";
        /// A prefix without declaration.
        UndeclaredPrefix, "undeclared_prefix", "a namespace prefix is not declared";
        /// The prefixes `xml` or `xmlns`, or their namespaces, used for something else; or a prefix bound to nothing.
        ReservedNamespace, "reserved_namespace",
            "a namespace declaration rebinds xml or xmlns, takes their namespace, or binds a prefix to nothing";
        /// `--` inside a comment.
        MalformedComment, "malformed_comment", "'--' is not allowed inside a comment";
        /// More bytes than [`super::limits::Limits::bytes`].
        TooLong, "document_too_long", "the document is longer than allowed";
        /// Deeper than [`super::limits::Limits::depth`].
        TooDeep, "too_deep", "the elements are nested deeper than allowed";
        /// More than [`super::limits::Limits::elements`].
        TooManyElements, "too_many_elements", "the document has more elements than allowed";
        /// More than [`super::limits::Limits::attributes`].
        TooManyAttributes, "too_many_attributes", "an element has more attributes than allowed";
        /// More than [`super::limits::Limits::namespaces`].
        TooManyNamespaces, "too_many_namespaces", "more namespace declarations are in scope than allowed";
        /// Longer than [`super::limits::Limits::name`].
        NameTooLong, "name_too_long", "a name is longer than allowed";
        /// Longer than [`super::limits::Limits::text`].
        TextTooLong, "text_too_long", "a text, comment or attribute value is longer than allowed";
        /// The guard and the reader behind it disagree; a safety net that no known document reaches.
        Unreadable, "unreadable", "the document could not be read";
    }
}
