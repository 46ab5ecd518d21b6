//! One request, written in every way that XML and SOAP allow, means one thing; with one thing wrong in it, it is that
//! thing's fault.
//!
//! A request is rendered by a writer that takes every liberty a client may take (prefixes, default namespaces, order,
//! blanks, comments, CDATA sections, references, quotes, attribute order, header blocks, encodings). Which liberty is
//! taken where is drawn from a tape of random bytes, so that a failure shrinks to a plain request.

use std::collections::BTreeMap;

use dnis_gateway::media::ContentType;
use dnis_gateway::soap::envelope::{Envelope, FieldLookup, FieldValue, Rejected, admit};
use dnis_gateway::soap::fault::Code;
use dnis_gateway::soap::media::Media;
use dnis_gateway::soap::tally::Tally;
use dnis_gateway::soap::version::Version;
use dnis_gateway::xml::limits::Limits;
use proptest::prelude::*;

/// The namespaces that a field may be in besides none: the services'.
const NAMESPACES: [&str; 2] = ["http://com/jacada/interact/dnis/soap", "http://com/jacada/interact/agent/soap"];
const FIELDS: [&str; 4] = ["phoneNumber", "dnId", "groupName", "enabled"];

/// What a request says, however it is written.
#[derive(Clone, Debug, PartialEq)]
struct Meaning {
    version: Version,
    namespace: &'static str,
    operation: String,
    fields: BTreeMap<&'static str, String>,
}

/// One thing that is wrong, and what must be said of it.
#[derive(Clone, Copy, Debug)]
enum Wrong {
    MandatoryHeader,
    SecondPayload,
    SecondBody,
    NoPayload,
    TextBesideFields,
    UndeclaredPrefix,
    DocumentType,
    Instruction,
    UnknownEntity,
    Version,
}

impl Wrong {
    const ALL: [Self; 10] = [
        Self::MandatoryHeader,
        Self::SecondPayload,
        Self::SecondBody,
        Self::NoPayload,
        Self::TextBesideFields,
        Self::UndeclaredPrefix,
        Self::DocumentType,
        Self::Instruction,
        Self::UnknownEntity,
        Self::Version,
    ];

    /// The fault's code and the reason in its detail.
    fn fault(self) -> (Code, Option<&'static str>) {
        match self {
            Self::MandatoryHeader => (Code::MustUnderstand, None),
            Self::Version => (Code::VersionMismatch, None),
            Self::SecondPayload => (Code::Client, Some("second_payload")),
            Self::SecondBody => (Code::Client, Some("unexpected_element")),
            Self::NoPayload => (Code::Client, Some("empty_body")),
            Self::TextBesideFields => (Code::Client, Some("text_in_payload")),
            Self::UndeclaredPrefix => (Code::Client, Some("undeclared_prefix")),
            Self::DocumentType => (Code::Client, Some("dtd")),
            Self::Instruction => (Code::Client, Some("processing_instruction")),
            Self::UnknownEntity => (Code::Client, Some("unknown_entity")),
        }
    }
}

/// Where the liberties are drawn from; an empty tape draws the plainest.
struct Tape<'t>(std::slice::Iter<'t, u8>);

impl Tape<'_> {
    fn choose(&mut self, among: usize) -> usize {
        self.0.next().map_or(0, |byte| usize::from(*byte) % among)
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.choose(from.len())]
    }
}

/// Writes a request in some way.
struct Scribe<'t> {
    tape: Tape<'t>,
    wrong: Option<Wrong>,
    /// Prefixes of the envelope and of the payload's namespace; empty for the default namespace.
    prefixes: [&'static str; 2],
}

impl Scribe<'_> {
    fn is(&self, wrong: Wrong) -> bool {
        self.wrong.is_some_and(|it| it as u8 == wrong as u8)
    }

    fn document(&mut self, meaning: &Meaning) -> String {
        let declaration = ["", "<?xml version=\"1.0\"?>", "<?xml version='1.0' encoding='UTF-8' standalone='yes'?>\n"];
        let mut text = self.tape.pick(&declaration).to_owned();
        if self.is(Wrong::DocumentType) {
            text.push_str("<!DOCTYPE Envelope>");
        }
        text.push_str(&self.between());
        text.push_str(&self.envelope(meaning));
        text.push_str(&self.between());
        text
    }

    fn envelope(&mut self, meaning: &Meaning) -> String {
        let namespace = if self.is(Wrong::Version) { "urn:soap" } else { meaning.version.namespace() };
        let declared = self.declaration(self.prefixes[0], namespace);
        let header = self.header(meaning.version);
        let mut body = self.body(meaning);
        if self.is(Wrong::SecondBody) {
            body = format!("{body}{body}");
        }
        let inside = [self.between(), header, self.between(), body, self.between()].concat();
        self.element(self.prefixes[0], "Envelope", vec![declared], &inside)
    }

    /// Header blocks that nobody need understand, or that are meant for somebody else; and a mandatory one if that is
    /// what is wrong.
    fn header(&mut self, version: Version) -> String {
        let mandatory = self.is(Wrong::MandatoryHeader);
        let blocks = self.tape.choose(3);
        if blocks == 0 && !mandatory {
            return self.tape.pick(&["", "<!-- no header -->"]).to_owned();
        }
        let (prefix, namespace) = ("h1", version.namespace());
        let actor = if version == Version::V11 { "actor" } else { "role" };
        // Declared by each block: the envelope may have these prefixes for something else.
        let declared = vec![format!("xmlns:{prefix}='{namespace}'"), "xmlns:x1='urn:x1'".to_owned()];
        let mut inside = self.between();
        for _ in 0..blocks {
            let meant = self.tape.pick(&["", "0", "1"]);
            let mut attributes = declared.clone();
            match meant {
                "1" => {
                    attributes.extend([format!("{prefix}:{actor}='urn:else'"), format!("{prefix}:mustUnderstand='1'")]);
                }
                "0" => attributes.push(format!("{prefix}:mustUnderstand='0'")),
                _ => {}
            }
            let content = self.tape.pick(&["", "text", "<Envelope xmlns=''/>", "<![CDATA[</Header>]]>"]);
            inside += &self.element("x1", "block", attributes, content);
            inside += &self.between();
        }
        if mandatory {
            let attributes = [declared, vec![format!("{prefix}:mustUnderstand=\"1\"")]].concat();
            inside += &self.element("x1", "Security", attributes, "");
        }
        self.element(self.prefixes[0], "Header", vec![], &inside)
    }

    fn body(&mut self, meaning: &Meaning) -> String {
        let payload = self.payload(meaning);
        let inside = match self.wrong {
            Some(Wrong::NoPayload) => self.between(),
            Some(Wrong::SecondPayload) => [&*payload, &self.between(), &payload].concat(),
            _ => [self.between(), payload, self.between()].concat(),
        };
        let style = format!("encodingStyle='{}'", self.tape.pick(&["", "http://schemas.xmlsoap.org/soap/encoding/"]));
        let attributes = if self.tape.choose(2) == 0 { vec![] } else { vec![style] };
        self.element(self.prefixes[0], "Body", attributes, &inside)
    }

    fn payload(&mut self, meaning: &Meaning) -> String {
        let mut names: Vec<_> = meaning.fields.keys().copied().collect();
        for last in (1..names.len()).rev() {
            // An empty tape leaves the order as it is.
            let other = last - self.tape.choose(last + 1);
            names.swap(last, other);
        }
        let mut inside = self.between();
        for name in names {
            if self.tape.choose(4) == 1 {
                inside += "<unknown xmlns=''><phoneNumber>9</phoneNumber></unknown>";
            }
            inside += &self.field(meaning.namespace, name, &meaning.fields[name]);
            inside += &self.between();
        }
        match self.wrong {
            Some(Wrong::TextBesideFields) => inside += "beside",
            Some(Wrong::UndeclaredPrefix) => inside += "<nobody:declared/>",
            Some(Wrong::Instruction) => inside += "<?do it?>",
            Some(Wrong::UnknownEntity) => inside += "<e>&eacute;</e>",
            _ => {}
        }
        let declared = self.declaration(self.prefixes[1], meaning.namespace);
        self.element(self.prefixes[1], &meaning.operation, vec![declared], &inside)
    }

    fn field(&mut self, namespace: &str, name: &str, value: &str) -> String {
        let text = self.text(value);
        match self.tape.choose(4) {
            0 => self.element(self.prefixes[1], name, vec![], &text),
            1 => self.element("", name, vec!["xmlns=''".to_owned()], &text),
            2 => {
                let other = NAMESPACES.into_iter().find(|other| *other != namespace).unwrap_or_default();
                let declared = self.declaration("other", other);
                self.element("other", name, vec![declared], &text)
            }
            _ => {
                let kind = "t:type='s:string' xmlns:t='http://www.w3.org/2001/XMLSchema-instance'".to_owned();
                self.element(self.prefixes[1], name, vec![kind, "xmlns:s='urn:s'".to_owned()], &text)
            }
        }
    }

    /// A value's characters, each in one of its spellings.
    fn text(&mut self, value: &str) -> String {
        value.chars().map(|c| self.character(c)).collect()
    }

    fn character(&mut self, c: char) -> String {
        match self.tape.choose(8) {
            1 => format!("&#{};", u32::from(c)),
            2 => format!("&#x{:X};", u32::from(c)),
            // A raw carriage return would be read as a line feed.
            3 if c != '\r' => format!("<![CDATA[{c}]]>"),
            4 => format!("<!-- in the middle -->{}", escaped(c)),
            5 => format!("{}<![CDATA[]]>", escaped(c)),
            _ => escaped(c),
        }
    }

    /// `xmlns`, the namespace's name perhaps with a reference in it.
    fn declaration(&mut self, prefix: &str, namespace: &str) -> String {
        let name = if prefix.is_empty() { "xmlns".to_owned() } else { format!("xmlns:{prefix}") };
        let namespace = if self.tape.choose(4) == 1 { namespace.replace(':', "&#58;") } else { namespace.to_owned() };
        let quote = self.tape.pick(&['"', '\'']);
        format!("{name}{}{quote}{namespace}{quote}", self.tape.pick(&["=", " = ", "\n="]))
    }

    fn element(&mut self, prefix: &str, name: &str, mut attributes: Vec<String>, inside: &str) -> String {
        let name = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}:{name}") };
        if self.tape.choose(3) == 1 {
            attributes.push(self.tape.pick(&["xml:lang='en'", "id=\"a>b\"", "k = '&lt;&#10;'"]).to_owned());
        }
        if self.tape.choose(2) == 1 {
            attributes.reverse();
        }
        let blank = self.tape.pick(&[" ", "  ", "\n\t"]);
        let attributes: String = attributes.iter().map(|attribute| format!("{blank}{attribute}")).collect();
        let tail = self.tape.pick(&["", " ", "\r\n"]);
        if inside.is_empty() && self.tape.choose(2) == 1 {
            return format!("<{name}{attributes}{tail}/>");
        }
        format!("<{name}{attributes}{tail}>{inside}</{name}{tail}>")
    }

    /// What may stand between two elements and means nothing.
    fn between(&mut self) -> String {
        self.tape.pick(&["", "\n", " \t\r\n ", "<!-- a > b & c -->", "\n<!---->\n"]).to_owned()
    }
}

/// A character of a text in the shortest spelling that keeps it.
fn escaped(c: char) -> String {
    match c {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        '\r' => "&#13;".to_owned(),
        other => other.to_string(),
    }
}

fn write(meaning: &Meaning, wrong: Option<Wrong>, tape: &[u8]) -> String {
    let mut tape = Tape(tape.iter());
    // The default namespace can be the envelope's or the payload's; fields without a prefix are declared as such.
    let prefixes = tape.pick(&[["soapenv", "soap"], ["", "p"], ["e", ""], ["", ""], ["A.-_1", "ü"], ["x1", "h1"]]);
    Scribe { tape, wrong, prefixes }.document(meaning)
}

/// The text in an encoding that needs no word of the transport.
fn encode(text: &str, encoding: usize) -> Vec<u8> {
    let marked = || format!("\u{FEFF}{text}");
    match encoding {
        0 => text.as_bytes().to_vec(),
        1 => marked().into_bytes(),
        2 => marked().encode_utf16().flat_map(u16::to_le_bytes).collect(),
        _ => marked().encode_utf16().flat_map(u16::to_be_bytes).collect(),
    }
}

fn read(bytes: &[u8]) -> Result<Meaning, Rejected> {
    let media = Media::of(Some(ContentType::parse("text/xml"))).expect("an XML type");
    let document = admit(bytes, &media, &Limits::default(), &Tally::default())?;
    let envelope = Envelope::open(&document, &media)?;
    let version = envelope.version();
    let found = envelope.fields().map_err(|fault| Rejected::new(version, fault))?;
    let text = |name| match found.find(name, &NAMESPACES) {
        FieldLookup::Missing => None,
        FieldLookup::Once(FieldValue::Text(text)) => Some((name, text.to_string())),
        other => panic!("{name} is {other:?}"),
    };
    let payload = envelope.payload();
    Ok(Meaning {
        version,
        namespace: NAMESPACES.into_iter().find(|namespace| **namespace == *payload.namespace).unwrap_or("another"),
        operation: payload.local.to_owned(),
        fields: FIELDS.into_iter().filter_map(text).collect(),
    })
}

/// Any request: a few of the fields, with values of whatever XML can carry.
fn meaning() -> impl Strategy<Value = Meaning> {
    let value = "[ -~\t\n\rà-ÿ€\u{85}\u{2028}\u{1F600}]{0,12}";
    (
        prop::sample::select(vec![Version::V11, Version::V12]),
        prop::sample::select(NAMESPACES.to_vec()),
        "[A-Za-z_][A-Za-z0-9_.-]{0,20}",
        prop::collection::btree_map(prop::sample::select(FIELDS.to_vec()), value, 0..=4),
    )
        .prop_map(|(version, namespace, operation, fields)| Meaning { version, namespace, operation, fields })
}

fn tape() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..200)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_request_means_the_same_however_it_is_written(meaning in meaning(), tape in tape(), encoding in 0..4_usize) {
        let text = write(&meaning, None, &tape);
        prop_assert_eq!(read(&encode(&text, encoding)), Ok(meaning), "{}", text);
    }

    #[test]
    fn a_request_with_one_thing_wrong_is_told_that_thing_however_it_is_written(
        meaning in meaning(),
        wrong in prop::sample::select(Wrong::ALL.to_vec()),
        tape in tape(),
        encoding in 0..4_usize,
    ) {
        let text = write(&meaning, Some(wrong), &tape);
        let rejected = read(&encode(&text, encoding)).expect_err(&text);
        let reason = rejected.fault.detail().map(|detail| detail.reason.to_string());
        let (code, expected) = wrong.fault();
        prop_assert_eq!((rejected.fault.code(), reason.as_deref()), (code, expected), "{}", text);
        let told = if code == Code::VersionMismatch { Version::V11 } else { meaning.version };
        // What is no XML has no version but the one of its Content-Type.
        let readable = !matches!(
            wrong,
            Wrong::UndeclaredPrefix | Wrong::DocumentType | Wrong::Instruction | Wrong::UnknownEntity
        );
        prop_assert_eq!(rejected.version, if readable { told } else { Version::V11 });
    }

    #[test]
    fn a_request_cut_anywhere_is_refused_or_whole(meaning in meaning(), tape in tape(), cut in 0.0..1.0_f64) {
        let text = write(&meaning, None, &tape);
        let mut end = (text.len() as f64 * cut) as usize;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        match read(&text.as_bytes()[..end]) {
            // Only what means nothing may be missing.
            Ok(read) => prop_assert_eq!(read, meaning),
            Err(rejected) => prop_assert_eq!(rejected.fault.code(), Code::Client),
        }
    }
}
