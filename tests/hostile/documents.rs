//! Hostile and broken SOAP bodies, each with what it must be told.
//!
//! The first lines of defence are tried case by case where they stand; this list is for attacks: documents made to cost
//! time or memory, to be read twice in two ways, or to smuggle something past a check. Two tests use it: one measures
//! what the guard and the envelope reader spend on each, the other sends each to a running gateway.

/// What a document must be told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Told {
    /// A Client fault whose detail gives this reason.
    Client(&'static str),
    /// A fault with this code, which says nothing of the Body.
    Code(&'static str),
    /// It is an envelope; only what it asks for is unknown.
    UnknownOperation,
}

/// A body and what becomes of it.
pub(crate) struct Case {
    pub(crate) what: &'static str,
    pub(crate) content_type: &'static str,
    pub(crate) body: Vec<u8>,
    pub(crate) told: Told,
}

use Told::{Client, Code, UnknownOperation};

const V11: &str = "http://schemas.xmlsoap.org/soap/envelope/";
const V12: &str = "http://www.w3.org/2003/05/soap-envelope";
pub(crate) const TEXT: &str = "text/xml";
/// The longest body that the server reads.
pub(crate) const LIMIT: usize = 65_536;

/// An envelope around what `inside` holds, its payload asking for nothing known.
fn envelope(inside: &str) -> String {
    format!("<e:Envelope xmlns:e='{V11}' xmlns:p='urn:p'>{inside}</e:Envelope>")
}

/// An envelope whose payload holds what `inside` holds.
pub(crate) fn payload(inside: &str) -> String {
    envelope(&format!("<e:Body><p:A>{inside}</p:A></e:Body>"))
}

/// An envelope that asks for something known, for what is found only by whoever reads the fields.
fn free(inside: &str) -> String {
    let operation = "FreeDnisAllocationRequest";
    envelope(&format!(
        "<e:Body><f:{operation} xmlns:f='http://com/jacada/interact/dnis/soap'>{inside}</f:{operation}></e:Body>"
    ))
}

/// `piece` as often as fits into a body of the longest length, between what stands around it.
pub(crate) fn filled(around: fn(&str) -> String, piece: &str) -> String {
    let room = LIMIT - around("").len();
    around(&piece.repeat(room / piece.len()))
}

fn utf_16(text: &str) -> Vec<u8> {
    format!("\u{FEFF}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// Every case.
pub(crate) fn cases() -> Vec<Case> {
    let mut all = Vec::new();
    for (what, content_type, body, told) in entities().into_iter().chain(sizes()).chain(names()).chain(encodings()) {
        all.push(Case { what, content_type, body, told });
    }
    for (what, text, told) in structures().into_iter().chain(markup()) {
        all.push(Case { what, content_type: TEXT, body: text.into_bytes(), told });
    }
    all
}

type Row = (&'static str, &'static str, Vec<u8>, Told);

/// Document types and entities, in every place and spelling.
fn entities() -> Vec<Row> {
    let body = payload("<p:a>&e;</p:a>");
    let laughs: String =
        (1..10).map(|level| format!("<!ENTITY l{level} \"{}\">", format!("&l{};", level - 1).repeat(10))).collect();
    let long = "x".repeat(30_000);
    let dtd = |text: String| format!("{text}{body}").into_bytes();
    vec![
        ("a billion laughs", TEXT, dtd(format!("<!DOCTYPE x [<!ENTITY l0 \"ha\">{laughs}]>")), Client("dtd")),
        ("a quadratic blow-up", TEXT, dtd(format!("<!DOCTYPE x [<!ENTITY e \"{long}\">]>")), Client("dtd")),
        (
            "an external entity",
            TEXT,
            dtd("<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>".into()),
            Client("dtd"),
        ),
        (
            "a parameter entity",
            TEXT,
            dtd("<!DOCTYPE x [<!ENTITY % p SYSTEM \"http://127.0.0.1:9/\">%p;]>".into()),
            Client("dtd"),
        ),
        ("an entity that holds itself", TEXT, dtd("<!DOCTYPE x [<!ENTITY e \"&e;\">]>".into()), Client("dtd")),
        (
            "a public identifier",
            TEXT,
            dtd("<!DOCTYPE x PUBLIC \"-//W3C//DTD XHTML 1.0//EN\" \"x.dtd\">".into()),
            Client("dtd"),
        ),
        ("a document type without an end", TEXT, b"<!DOCTYPE x [<!ENTITY e \"".to_vec(), Client("dtd")),
        ("a document type in other letters", TEXT, dtd("<!dOcTyPe x>".into()), Client("dtd")),
        ("a document type in UTF-16", TEXT, utf_16(&format!("<!DOCTYPE x>{body}")), Client("dtd")),
        ("a document type behind a comment", TEXT, dtd("<!-- - --><!DOCTYPE x>".into()), Client("dtd")),
        ("a document type inside the envelope", TEXT, payload("<!DOCTYPE x>").into_bytes(), Client("dtd")),
        ("an entity declared inside the envelope", TEXT, payload("<!ENTITY e 'x'>").into_bytes(), Client("dtd")),
        ("an entity of HTML", TEXT, payload("&nbsp;").into_bytes(), Client("unknown_entity")),
        (
            "an entity with a name without end",
            TEXT,
            payload(&format!("&{long}")).into_bytes(),
            Client("malformed_reference"),
        ),
        (
            "a reference to an instruction",
            TEXT,
            format!("<?xml-stylesheet href='file:///etc/passwd'?>{body}").into_bytes(),
            Client("processing_instruction"),
        ),
        (
            "an inclusion",
            TEXT,
            payload("<i:include xmlns:i='http://www.w3.org/2001/XInclude' href='file:///etc/passwd'/>").into_bytes(),
            UnknownOperation,
        ),
        (
            "a schema to be fetched",
            TEXT,
            payload(
                "<p:a xmlns:x='http://www.w3.org/2001/XMLSchema-instance' x:schemaLocation='u http://127.0.0.1:9/'/>",
            )
            .into_bytes(),
            UnknownOperation,
        ),
    ]
}

/// Much of something.
fn sizes() -> Vec<Row> {
    let text = "x".repeat(33_000);
    let deep = |depth: usize| format!("{}{}", "<d>".repeat(depth), "</d>".repeat(depth));
    let attributes =
        |count: usize, name: fn(usize) -> String| (0..count).map(|at| format!(" {}=''", name(at))).collect::<String>();
    vec![
        ("a million siblings", TEXT, payload(&"<a/>".repeat(1_000_000)).into_bytes(), Client("document_too_long")),
        ("more fields than are allowed", TEXT, payload(&"<a/>".repeat(257)).into_bytes(), Client("too_many_fields")),
        ("siblings to the brim", TEXT, filled(payload, "<a/>").into_bytes(), Client("too_many_elements")),
        (
            "as many siblings as are allowed, but more than a field keeps",
            TEXT,
            free(&format!("<p:a>{}</p:a>", "<a/>".repeat(1_020))).into_bytes(),
            Client("too_many_fields"),
        ),
        ("siblings that are open", TEXT, filled(payload, "<a>").into_bytes(), Client("too_deep")),
        ("elements within each other", TEXT, payload(&deep(9_000)).into_bytes(), Client("too_deep")),
        ("as deep as is allowed", TEXT, payload(&deep(61)).into_bytes(), UnknownOperation),
        (
            "depth in a header",
            TEXT,
            envelope(&format!("<e:Header>{}</e:Header><e:Body/>", deep(5_000))).into_bytes(),
            Client("too_deep"),
        ),
        (
            "many attributes",
            TEXT,
            payload(&format!("<a{}/>", attributes(6_000, |at| format!("k{at}")))).into_bytes(),
            Client("too_many_attributes"),
        ),
        (
            "attributes as many as allowed, again and again",
            TEXT,
            filled(payload, &format!("<a{}/>", attributes(64, |at| format!("k{at}")))).into_bytes(),
            UnknownOperation,
        ),
        (
            "one attribute over and over",
            TEXT,
            payload(&format!("<a{}/>", attributes(6_000, |_| "k".into()))).into_bytes(),
            Client("too_many_attributes"),
        ),
        ("a long text", TEXT, payload(&text).into_bytes(), Client("text_too_long")),
        ("a long comment", TEXT, payload(&format!("<!--{text}-->")).into_bytes(), Client("text_too_long")),
        ("a long section", TEXT, payload(&format!("<![CDATA[{text}]]>")).into_bytes(), Client("text_too_long")),
        ("a long attribute", TEXT, payload(&format!("<a k='{text}'/>")).into_bytes(), Client("text_too_long")),
        (
            "a section in countless pieces",
            TEXT,
            filled(|inside| payload(&format!("<p:a>{inside}</p:a>")), "<![CDATA[x]]>").into_bytes(),
            UnknownOperation,
        ),
        (
            "two long sections",
            TEXT,
            filled(|inside| payload(&format!("<p:a>{inside}</p:a>")), &format!("<![CDATA[{}]]>", &text[..32_500]))
                .into_bytes(),
            UnknownOperation,
        ),
        (
            "references alone",
            TEXT,
            filled(|inside| payload(&format!("<p:a>{inside}</p:a>")), "&lt;&#65;").into_bytes(),
            Client("text_too_long"),
        ),
        (
            "a reference of many digits",
            TEXT,
            payload(&format!("&#{}65;", "0".repeat(40_000))).into_bytes(),
            Client("malformed_reference"),
        ),
        ("comments alone", TEXT, filled(payload, "<!---->").into_bytes(), UnknownOperation),
        ("closing brackets", TEXT, filled(payload, "]").into_bytes(), Client("text_too_long")),
        (
            "hyphens in a comment",
            TEXT,
            filled(|inside| payload(&format!("<!-- {inside}-->")), "- ").into_bytes(),
            Client("text_too_long"),
        ),
        (
            "blanks before the envelope",
            TEXT,
            filled(|inside| format!("{inside}{}", payload("")), " ").into_bytes(),
            UnknownOperation,
        ),
        (
            "a tag full of blanks",
            TEXT,
            filled(|inside| payload(&format!("<a{inside}/>")), "\n").into_bytes(),
            UnknownOperation,
        ),
        ("an angle bracket over and over", TEXT, "<".repeat(LIMIT).into_bytes(), Client("bad_name")),
        ("one byte more than allowed", TEXT, vec![b' '; LIMIT + 1], Client("document_too_long")),
        ("blanks alone", TEXT, vec![b' '; LIMIT], Client("empty_document")),
        ("zeros alone", TEXT, vec![0; LIMIT], Client("forbidden_character")),
    ]
}

/// Names and namespaces.
fn names() -> Vec<Row> {
    let long = "n".repeat(30_000);
    let declared = |count: usize, name: &str| (0..count).map(|at| format!(" xmlns:q{at}='{name}'")).collect::<String>();
    let under = |declarations: String, piece: &str| {
        let around = |inside: &str| payload(&format!("<a{declarations}>{inside}</a>"));
        let room = LIMIT - around("").len();
        around(&piece.repeat((room / piece.len()).min(1_000))).into_bytes()
    };
    let like = format!("&#117;{}", "n".repeat(500));
    vec![
        ("a long element name", TEXT, payload(&format!("<{long}/>")).into_bytes(), Client("name_too_long")),
        ("a long attribute name", TEXT, payload(&format!("<a {long}=''/>")).into_bytes(), Client("name_too_long")),
        ("a long prefix", TEXT, payload(&format!("<a xmlns:{long}='u'/>")).into_bytes(), Client("name_too_long")),
        (
            "a flood of namespaces",
            TEXT,
            payload(&format!("<a{}/>", declared(3_000, "u"))).into_bytes(),
            Client("too_many_attributes"),
        ),
        (
            "a flood of namespaces over the depth",
            TEXT,
            payload(&(0..60).map(|_| format!("<a{}>", declared(30, "u"))).collect::<String>()).into_bytes(),
            Client("too_many_namespaces"),
        ),
        (
            "elements that all declare one namespace",
            TEXT,
            filled(payload, "<a xmlns='urn:a&amp;b' xmlns:q='urn:a&#38;b'/>").into_bytes(),
            Client("too_many_elements"),
        ),
        (
            "a long namespace for a thousand fields",
            TEXT,
            free(&format!("<a xmlns='&#117;{long}'>{}</a>", "<b/>".repeat(1_000))).into_bytes(),
            Client("too_many_fields"),
        ),
        (
            "a long namespace for as many fields as are allowed",
            TEXT,
            envelope(&format!("<e:Body><A xmlns='&#117;{long}'>{}</A></e:Body>", "<b/>".repeat(256))).into_bytes(),
            UnknownOperation,
        ),
        (
            "all that is kept at once: fields, a long namespace and a long text of pieces",
            TEXT,
            filled(
                |inside| {
                    let (fields, long) = ("<b/>".repeat(255), "n".repeat(16_000));
                    envelope(&format!("<e:Body><A xmlns='&#117;{long}'>{fields}<b>{inside}</b></A></e:Body>"))
                },
                &format!("{}\r\n<![CDATA[{}]]>", "x".repeat(14_000), "x".repeat(1_900)),
            )
            .into_bytes(),
            UnknownOperation,
        ),
        (
            "like namespaces declared over and over",
            TEXT,
            under((0..58).map(|at| format!(" xmlns:q{at}='{like}{at}'")).collect(), &format!("<a xmlns='{like}'/>")),
            UnknownOperation,
        ),
        (
            "one attribute under many prefixes",
            TEXT,
            under(
                (0..60).map(|at| format!(" xmlns:q{at}='urn:{at}'")).collect(),
                &format!("<a{}/>", (0..60).map(|at| format!(" q{at}:nil='1'")).collect::<String>()),
            ),
            UnknownOperation,
        ),
        (
            "one attribute under two prefixes",
            TEXT,
            payload("<a xmlns:q='u' xmlns:r='&#117;' q:k='' r:k=''/>").into_bytes(),
            Client("duplicate_attribute"),
        ),
        ("a prefix bound to nothing", TEXT, payload("<q:a xmlns:q=''/>").into_bytes(), Client("reserved_namespace")),
        (
            "the prefix xmlns rebound",
            TEXT,
            payload("<a xmlns:xmlns='urn:u'/>").into_bytes(),
            Client("reserved_namespace"),
        ),
        (
            "a header for every element, all mandatory",
            TEXT,
            envelope(&format!(
                "<e:Header xmlns:l='{long}'>{}</e:Header><e:Body><p:A/></e:Body>",
                "<l:h e:mustUnderstand='1'/>".repeat(1_000)
            ))
            .into_bytes(),
            Code("MustUnderstand"),
        ),
        (
            "a payload with a long name",
            TEXT,
            envelope(&format!("<e:Body><p:{}/></e:Body>", "n".repeat(254))).into_bytes(),
            UnknownOperation,
        ),
    ]
}

/// Bytes that are read one way by one and another way by the next.
fn encodings() -> Vec<Row> {
    let good = payload("");
    let latin = format!("<?xml version='1.0' encoding='ISO-8859-1'?>{good}").into_bytes();
    let with = |bytes: &[u8]| [payload("").split("</p:A>").next().unwrap_or_default().as_bytes(), bytes].concat();
    vec![
        ("an encoding of the declaration's own", TEXT, latin.clone(), UnknownOperation),
        ("two encodings, of which the head's counts", "text/xml; charset=utf-8", latin, UnknownOperation),
        (
            "UTF-7",
            TEXT,
            format!("<?xml version='1.0' encoding='UTF-7'?>{good}").into_bytes(),
            Client("unsupported_encoding"),
        ),
        (
            "a charset that nobody reads",
            "text/xml; charset=ebcdic-cp-us",
            good.clone().into_bytes(),
            Client("unsupported_encoding"),
        ),
        (
            "UTF-8 that calls itself UTF-16",
            TEXT,
            format!("<?xml version='1.0' encoding='UTF-16'?>{good}").into_bytes(),
            Client("contradicted_encoding"),
        ),
        ("UTF-16 that the head calls UTF-8", "text/xml; charset=utf-8", utf_16(&good), UnknownOperation),
        (
            "UTF-8 that the head calls UTF-16",
            "text/xml; charset=utf-16",
            good.clone().into_bytes(),
            Client("invalid_encoding"),
        ),
        ("UTF-16 without a mark or a word", TEXT, utf_16(&good)[2..].to_vec(), Client("bad_name")),
        ("half a character of UTF-16", TEXT, [&utf_16(&good)[..], &[0x3c]].concat(), Client("invalid_encoding")),
        ("a surrogate alone", TEXT, [&utf_16("<a>")[..], &[0, 0xd8, 0x41, 0]].concat(), Client("invalid_encoding")),
        (
            "UTF-16 that grows in UTF-8",
            TEXT,
            utf_16(&payload(&format!("<p:a>{}</p:a>", "\u{20AC}".repeat(10_000)))),
            UnknownOperation,
        ),
        (
            "UTF-16 that outgrows the limit in UTF-8",
            TEXT,
            utf_16(&payload(&format!("<![CDATA[{}]]>", "\u{20AC}".repeat(20)).repeat(990))),
            Client("document_too_long"),
        ),
        ("an overlong slash", TEXT, with(b"\xC0\xAF"), Client("invalid_encoding")),
        ("a surrogate in UTF-8", TEXT, with(b"\xED\xA0\x80"), Client("invalid_encoding")),
        ("a character beyond Unicode", TEXT, with(b"\xF4\x90\x80\x80"), Client("invalid_encoding")),
        ("two marks", TEXT, [b"\xEF\xBB\xBF\xEF\xBB\xBF", good.as_bytes()].concat(), Client("not_xml")),
        (
            "a NUL between every two letters",
            TEXT,
            good.bytes().flat_map(|byte| [byte, 0]).collect(),
            Client("bad_name"),
        ),
    ]
}

type TextRow = (&'static str, String, Told);

/// Envelopes of a wrong shape.
fn structures() -> Vec<TextRow> {
    let body = "<e:Body><p:A/></e:Body>";
    let mandatory = "<e:Header><p:h e:mustUnderstand='1'/></e:Header>";
    vec![
        ("another root", "<p:A xmlns:p='urn:p'/>".into(), Client("not_an_envelope")),
        ("an envelope of no version", payload("").replace(V11, "urn:soap"), Code("VersionMismatch")),
        ("an envelope in no namespace", "<Envelope><Body><A/></Body></Envelope>".into(), Code("VersionMismatch")),
        (
            "a Body of the other version",
            envelope(&format!("<f:Body xmlns:f='{V12}'><p:A/></f:Body>")),
            Client("unexpected_element"),
        ),
        ("two Bodies", envelope(&format!("{body}{body}")), Client("unexpected_element")),
        ("no Body", envelope(""), Client("missing_body")),
        ("nothing in the Body", envelope("<e:Body/>"), Client("empty_body")),
        ("two payloads", envelope("<e:Body><p:A/><p:A/></e:Body>"), Client("second_payload")),
        ("an element behind the Body", envelope(&format!("{body}<p:after/>")), Client("unexpected_element")),
        ("a Header behind the Body", envelope(&format!("{body}<e:Header/>")), Client("misplaced_header")),
        ("two Headers", envelope(&format!("<e:Header/><e:Header/>{body}")), Client("misplaced_header")),
        ("a mandatory header before two Bodies", envelope(&format!("{mandatory}{body}{body}")), Code("MustUnderstand")),
        ("text in the envelope", envelope(&format!("text{body}")), Client("unexpected_text")),
        ("a payload of text", envelope("<e:Body>AllocateDnisRequest</e:Body>"), Client("unexpected_text")),
        ("an envelope within the Body", envelope(&format!("<e:Body>{}</e:Body>", payload(""))), UnknownOperation),
        (
            "a fault as a request",
            envelope("<e:Body><e:Fault><faultcode>e:Server</faultcode></e:Fault></e:Body>"),
            UnknownOperation,
        ),
        (
            "an encodingStyle",
            payload("").replace("<e:Body>", &format!("<e:Body e:encodingStyle='{V11}'>")),
            UnknownOperation,
        ),
        ("a reference to a part elsewhere", payload("<p:a href='#id1'/>"), UnknownOperation),
    ]
}

/// Markup that is no XML although many readers take it.
fn markup() -> Vec<TextRow> {
    vec![
        ("two roots", format!("{0}{0}", payload("")), Client("second_root")),
        ("text behind the root", format!("{}x", payload("")), Client("text_after_root")),
        ("an attribute without quotes", payload("<a k=1/>"), Client("malformed_attribute")),
        ("an attribute twice", payload("<a k='1' k='2'/>"), Client("duplicate_attribute")),
        ("a tag in an attribute", payload("<a k='<b/>'/>"), Client("less_than_in_attribute")),
        ("an end tag of another", payload("<a></b>"), Client("mismatched_end_tag")),
        ("the end of a section in text", payload("]]>"), Client("cdata_end_in_text")),
        ("two hyphens in a comment", payload("<!-- -- -->"), Client("malformed_comment")),
        ("a reference to NUL", payload("&#0;"), Client("forbidden_character_reference")),
        ("a reference to half a character", payload("&#xD800;"), Client("forbidden_character_reference")),
        ("a reference beyond Unicode", payload("&#x110000;"), Client("forbidden_character_reference")),
        ("a reference to U+FFFF", payload("&#xFFFF;"), Client("forbidden_character_reference")),
        ("a reference with a sign", payload("&#-65;"), Client("malformed_reference")),
        ("a control character", payload("\u{1}"), Client("forbidden_character")),
        ("an undeclared prefix", payload("<q:a/>"), Client("undeclared_prefix")),
        (
            "the declaration twice",
            format!("<?xml version='1.0'?><?xml version='1.0'?>{}", payload("")),
            Client("misplaced_declaration"),
        ),
        ("XML 1.1", format!("<?xml version='1.1'?>{}", payload("&#1;")), Client("unsupported_xml_version")),
        ("JSON", r#"{"AllocateDnisRequest":{}}"#.into(), Client("not_xml")),
    ]
}
