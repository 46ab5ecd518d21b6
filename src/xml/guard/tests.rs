use std::time::Duration;

use super::super::refusal::Reason::{self, *};
use super::*;
use proptest::prelude::*;

/// The request that the vendor documents for freeing a number.
const SAMPLE: &str = r#"<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:soap="http://com/jacada/interact/dnis/soap">
<soapenv:Header/>
<soapenv:Body>
<soap:FreeDnisAllocationRequest>
<soap:phone>222</soap:phone>
</soap:FreeDnisAllocationRequest>
</soapenv:Body>
</soapenv:Envelope>"#;

fn verdict(bytes: &[u8], charset: Option<&str>) -> Result<String, Reason> {
    admit(bytes, charset, &Limits::default())
        .map(|document| document.text().to_owned())
        .map_err(|refusal| refusal.reason())
}

fn refused(text: &str) -> Option<Reason> {
    verdict(text.as_bytes(), None).err()
}

fn utf16(text: &str, write: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(write).collect()
}

#[test]
fn well_formed_documents_pass_unchanged() {
    for text in [
        SAMPLE,
        "<a/>",
        " \n<a/>\n ",
        "<?xml version=\"1.0\"?><a/>",
        "<?xml version='1.0' encoding='utf-8' standalone='yes' ?>\n<!-- before --><a></a><!-- after --> ",
        "<a b='>' c=\"'\" d = '\"' ></a >",
        "<a>]] ]> &amp;&lt;&gt;&quot;&apos;&#9;&#xA;&#x10FFFF;</a>",
        "<a><![CDATA[<b>&nbsp;]]]]><![CDATA[>]]></a>",
        "<a><!----><!-- - --></a>",
        "<größe ñ-1.2='ü'>\u{7F}\u{85}\u{FFFD}\u{10000}</größe>",
        "<a xml:lang='en' xmlns:xml='http://www.w3.org/XML/1998/namespace'/>",
        "<p:a xmlns:p='urn:1' xmlns='urn:1' p:b='1' b='2'/>",
        "<a xmlns:p='urn:1'><b xmlns:p='urn:2' p:c=''/><p:d/></a>",
        "<a xmlns='urn:1'><b xmlns=''/></a>",
        "<a xmlns:p='urn:1' xmlns:q='urn:2' p:b='1' q:b='2'/>",
    ] {
        assert_eq!(verdict(text.as_bytes(), None).as_deref(), Ok(text));
    }
}

#[test]
fn whatever_is_not_well_formed_is_refused_for_its_reason() {
    for (text, reason) in [
        // nothing, or no XML
        ("", Empty),
        (" \n", Empty),
        ("<?xml version='1.0'?>", Empty),
        ("<!-- alone -->", Empty),
        ("hello", NotXml),
        ("{\"phone\":\"222\"}", NotXml),
        ("\u{FEFF}\u{FEFF}<a/>", NotXml),
        ("\u{0}", ForbiddenCharacter),
        // declaration, document type, processing instructions
        (" <?xml version='1.0'?><a/>", MisplacedDeclaration),
        ("<?xml version='1.0'?><?xml version='1.0'?><a/>", MisplacedDeclaration),
        ("<a><?xml version='1.0'?></a>", MisplacedDeclaration),
        ("<a/><?xml version='1.0'?>", MisplacedDeclaration),
        ("<?xml version='1.1'?><a/>", UnsupportedVersion),
        ("<?xml encoding='utf-8'?><a/>", MalformedDeclaration),
        ("<?xml ?><a/>", MalformedDeclaration),
        ("<?xml?><a/>", MalformedDeclaration),
        ("<?xml version=1.0?><a/>", MalformedDeclaration),
        ("<?xml version='1.0'encoding='utf-8'?><a/>", MalformedDeclaration),
        ("<?xml version='1.0' encoding=''?><a/>", MalformedDeclaration),
        ("<?xml version='1.0' standalone='yes' encoding='utf-8'?><a/>", MalformedDeclaration),
        ("<?xml version='1.0' standalone='maybe'?><a/>", MalformedDeclaration),
        ("<?xml version='1.0' other='x'?><a/>", MalformedDeclaration),
        ("<?xml version='1.0'><a/>", MalformedDeclaration),
        ("<?xml-stylesheet href='x'?><a/>", ProcessingInstruction),
        ("<a><?php echo 1 ?></a>", ProcessingInstruction),
        ("<a/><?end?>", ProcessingInstruction),
        ("<?XML version='1.0'?><a/>", ProcessingInstruction),
        ("<!DOCTYPE a><a/>", Dtd),
        ("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", Dtd),
        ("<!doctype a><a/>", Dtd),
        ("<a><!ENTITY b 'c'></a>", Dtd),
        ("<a/><!DOCTYPE a>", Dtd),
        // one root, nothing behind it
        ("<a/><b/>", SecondRoot),
        ("<a></a><a></a>", SecondRoot),
        ("<a/>text", TextAfterRoot),
        ("<a/>é", TextAfterRoot),
        ("<a/>&#32;", TextAfterRoot),
        ("<a/><![CDATA[]]>", TextAfterRoot),
        ("<a/>\u{0}", ForbiddenCharacter),
        ("<a/></a>", MismatchedEndTag),
        // characters and references
        ("<a>\u{0}</a>", ForbiddenCharacter),
        ("<a>\u{1F}</a>", ForbiddenCharacter),
        ("<a>\u{B}</a>", ForbiddenCharacter),
        ("<a>\u{FFFE}</a>", ForbiddenCharacter),
        ("<a>\u{FFFF}</a>", ForbiddenCharacter),
        ("<a b='\u{8}'/>", ForbiddenCharacter),
        ("<a><!--\u{1}--></a>", ForbiddenCharacter),
        ("<a><![CDATA[\u{1}]]></a>", ForbiddenCharacter),
        ("<a>&#0;</a>", ForbiddenReference),
        ("<a>&#x1F;</a>", ForbiddenReference),
        ("<a>&#xFFFF;</a>", ForbiddenReference),
        ("<a>&#xD800;</a>", ForbiddenReference),
        ("<a>&#x110000;</a>", ForbiddenReference),
        ("<a>&#99999999999999999999;</a>", ForbiddenReference),
        ("<a b='&#0;'/>", ForbiddenReference),
        ("<a>&nbsp;</a>", UnknownEntity),
        ("<a b='&copy;'/>", UnknownEntity),
        ("<a>&AMP;</a>", UnknownEntity),
        ("<a>&</a>", MalformedReference),
        ("<a>&;</a>", MalformedReference),
        ("<a>a & b</a>", MalformedReference),
        ("<a>&amp</a>", MalformedReference),
        ("<a>&#;</a>", MalformedReference),
        ("<a>&#x;</a>", MalformedReference),
        ("<a>&#X41;</a>", MalformedReference),
        ("<a>&#+65;</a>", MalformedReference),
        ("<a>&#-1;</a>", MalformedReference),
        ("<a>]]></a>", SectionEndInText),
        ("<a>]]]></a>", SectionEndInText),
        // tags and attributes
        ("<a><b></a></b>", MismatchedEndTag),
        ("<a></b>", MismatchedEndTag),
        ("<a></A>", MismatchedEndTag),
        ("<p:a xmlns:p='u' xmlns:q='u'></q:a>", MismatchedEndTag),
        ("</a>", BadName),
        ("<1/>", BadName),
        ("< a/>", BadName),
        ("<a></ a>", BadName),
        ("<-a/>", BadName),
        ("<a:/>", BadName),
        ("<:a/>", BadName),
        ("<a:b:c xmlns:a='u'/>", MalformedAttribute),
        ("<a\u{D7}/>", BadName),
        ("<a 1='2'/>", BadName),
        ("<a =''/>", BadName),
        ("<>", BadName),
        ("<a><></a>", BadName),
        ("<a/ >", MalformedMarkup),
        ("<a></a b='c'>", MalformedMarkup),
        ("<a><!></a>", MalformedMarkup),
        ("<a><![cdata[]]></a>", MalformedMarkup),
        ("<a b='1'c='2'/>", MalformedAttribute),
        ("<a b/>", MalformedAttribute),
        ("<a b=c/>", MalformedAttribute),
        ("<a b 'c'/>", MalformedAttribute),
        ("<a'b'/>", MalformedAttribute),
        ("<a<b/>", MalformedAttribute),
        ("<a b='<'/>", LessThanInAttribute),
        ("<a b='1' b='2'/>", DuplicateAttribute),
        ("<a xmlns='u' xmlns='u'/>", DuplicateAttribute),
        ("<a xmlns:p='u' xmlns:p='v'/>", DuplicateAttribute),
        ("<a xmlns:p='u' xmlns:q='u' p:b='' q:b=''/>", DuplicateAttribute),
        ("<a xmlns:p='u'><c xmlns:q='&#117;' p:b='' q:b=''/></a>", DuplicateAttribute),
        ("<a><!-- -- --></a>", MalformedComment),
        ("<a><!-- ---></a>", MalformedComment),
        // namespaces
        ("<p:a/>", UndeclaredPrefix),
        ("<a p:b=''/>", UndeclaredPrefix),
        ("<a><b xmlns:p='u'/><p:c/></a>", UndeclaredPrefix),
        ("<xmlns:a/>", UndeclaredPrefix),
        ("<a xmlns:p=''/>", ReservedNamespace),
        ("<a xmlns:xml='urn:other'/>", ReservedNamespace),
        ("<a xmlns:xmlns='urn:other'/>", ReservedNamespace),
        ("<a xmlns:xmlns='http://www.w3.org/2000/xmlns/'/>", ReservedNamespace),
        ("<a xmlns:p='http://www.w3.org/2000/xmlns/'/>", ReservedNamespace),
        ("<a xmlns='http://www.w3.org/2000/xmlns/'/>", ReservedNamespace),
        ("<a xmlns:p='http://www.w3.org/XML/1998/namespace'/>", ReservedNamespace),
        ("<a xmlns='http://www.w3.org/XML/1998/namespac&#101;'/>", ReservedNamespace),
        // cut
        ("<", Cut),
        ("<a", Cut),
        ("<a>", Cut),
        ("<a>text", Cut),
        ("<a b='", Cut),
        ("<a><!-- ", Cut),
        ("<a><![CDATA[ ]]", Cut),
        ("<a><![CD", Cut),
        ("<a>&am", Cut),
        ("<a/><!--", Cut),
    ] {
        assert_eq!(refused(text), Some(reason), "{text:?}");
    }
}

#[test]
fn every_byte_of_a_request_is_needed() {
    for end in 0..SAMPLE.len() {
        let reason = refused(&SAMPLE[..end]);
        assert!(matches!(reason, Some(Cut | Empty)), "cut at {end}: {reason:?}");
    }
}

#[test]
fn utf_8_and_utf_16_are_read_with_and_without_mark() {
    let text = "<a>ü\u{1F600}</a>";
    let little = utf16(text, u16::to_le_bytes);
    let big = utf16(text, u16::to_be_bytes);
    for (bytes, charset) in [
        (text.as_bytes().to_vec(), None),
        (text.as_bytes().to_vec(), Some("UTF-8")),
        (text.as_bytes().to_vec(), Some("us-ascii")),
        ([b"\xEF\xBB\xBF", text.as_bytes()].concat(), None),
        ([b"\xFF\xFE", &little[..]].concat(), None),
        ([b"\xFE\xFF", &big[..]].concat(), Some("utf-16")),
        ([b"\xFE\xFF", &big[..]].concat(), Some("utf-8")),
        (little.clone(), Some("utf-16")),
        (little, Some("UTF-16LE")),
        (big.clone(), Some("utf-16")),
        (big, Some("utf-16be")),
    ] {
        assert_eq!(verdict(&bytes, charset).as_deref(), Ok(text), "{charset:?} {bytes:?}");
    }
}

#[test]
fn the_transports_charset_beats_the_declaration() {
    let declared = "<?xml version='1.0' encoding='ISO-8859-1'?><a>é</a>";
    assert_eq!(verdict(declared.as_bytes(), Some("utf-8")).as_deref(), Ok(declared));
    let mistaken = verdict(declared.as_bytes(), None);
    assert_eq!(mistaken.as_deref(), Ok("<?xml version='1.0' encoding='ISO-8859-1'?><a>Ã©</a>"));
    let utf_16 = "<?xml version='1.0' encoding='UTF-16'?><a/>";
    assert_eq!(verdict(&utf16(utf_16, u16::to_le_bytes), Some("utf-16le")).as_deref(), Ok(utf_16));
    assert_eq!(verdict(utf_16.as_bytes(), Some("utf-8")).as_deref(), Ok(utf_16));
}

#[test]
fn iso_8859_1_is_read_as_windows_1252_whoever_names_it() {
    let text = "<a b='ü'>M\u{fc}ller \u{20ac}</a>";
    let bytes = b"<a b='\xfc'>M\xfcller \x80</a>";
    for charset in ["ISO-8859-1", "iso8859-1", "latin1", "windows-1252", "CP1252"] {
        assert_eq!(verdict(bytes, Some(charset)).as_deref(), Ok(text), "{charset}");
    }
    for name in ["ISO-8859-1", "windows-1252", "latin1"] {
        let declaration = format!("<?xml version=\"1.0\"  encoding = '{name}' standalone='yes' ?>");
        let document = [declaration.as_bytes(), bytes].concat();
        assert_eq!(verdict(&document, None), Ok(format!("{declaration}{text}")), "{name}");
        let admitted = admit(&document, None, &Limits::default()).unwrap();
        assert_eq!(admitted.encoding(), Encoding::Windows1252);
    }
    let grown = [b"<a>", &[0x80; 50][..], b"</a>"].concat();
    let limits = Limits { bytes: 100, ..Limits::default() };
    let refusal = admit(&grown, Some("latin1"), &limits).unwrap_err();
    assert_eq!(refusal.reason(), TooLong, "a character of windows-1252 has up to three bytes in UTF-8");
}

#[test]
fn another_encoding_is_refused_by_name_and_told_which_are_read() {
    let cyrillic = b"<?xml version='1.0' encoding='KOI8-R'?><a>\xC1</a>";
    let refusal = admit(cyrillic, None, &Limits::default()).unwrap_err();
    assert_eq!((refusal.reason(), refusal.found()), (UnsupportedEncoding, Some("KOI8-R")));
    let refusal = admit(b"<a/>", Some("iso-8859-15"), &Limits::default()).unwrap_err();
    assert_eq!((refusal.reason(), refusal.found()), (UnsupportedEncoding, Some("iso-8859-15")));
    assert!(refusal.to_string().contains("UTF-8, UTF-16, ISO-8859-1 and windows-1252 are"), "{refusal}");
}

#[test]
fn a_declaration_of_utf_16_in_another_encoding_is_called_a_contradiction() {
    for name in ["utf-16", "UTF-16LE", "UTF16"] {
        let text = format!("<?xml version='1.0' encoding='{name}'?><a/>");
        let refusal = admit(text.as_bytes(), None, &Limits::default()).unwrap_err();
        assert_eq!((refusal.reason(), refusal.found()), (ContradictedEncoding, Some(name)));
        assert!(!refusal.to_string().contains("UTF-16 are"), "{refusal}");
    }
}

#[test]
fn bytes_that_are_not_their_encoding_are_refused_with_their_place() {
    for (bytes, charset, offset) in [
        (&b"<a>\xFF</a>"[..], None, 3),
        (b"<a>\xC0\x80</a>", None, 3),
        (b"<a>\xED\xA0\x80</a>", None, 3),
        (b"<a>\xC3", None, 3),
        (b"\xFF\xFE<\0a\0/\0>", None, 3),
        (b"\xFF\xFE<\0\0\xD8/\0>\0", None, 1),
        (b"<\0a\0", Some("utf-16be"), 0),
    ] {
        let outcome = admit(bytes, charset, &Limits::default()).map_err(|refusal| (refusal.reason(), refusal.offset()));
        match outcome {
            Err((InvalidEncoding, at)) => assert_eq!(at, offset, "{bytes:?}"),
            // Swapped bytes are valid text of another script, which is no markup.
            Err((NotXml, _)) => assert_eq!(charset, Some("utf-16be")),
            other => panic!("{bytes:?}: {other:?}"),
        }
    }
}

#[test]
fn limits_hold_to_the_unit() {
    let limits = Limits { bytes: 200, depth: 3, elements: 5, attributes: 2, namespaces: 2, name: 7, text: 6 };
    for (text, reason) in [
        ("<a><b><c/></b></a>", None),
        ("<a><b><c><d/></c></b></a>", Some(TooDeep)),
        ("<a><b/><b/><b/><b/></a>", None),
        ("<a><b/><b/><b/><b/><b/></a>", Some(TooManyElements)),
        ("<a b='' c=''/>", None),
        ("<a b='' c='' d=''/>", Some(TooManyAttributes)),
        ("<a xmlns:p='1' xmlns:q='2'/>", None),
        ("<a xmlns:p='1' xmlns:q='2'><b xmlns:r='3'/></a>", Some(TooManyNamespaces)),
        ("<a xmlns:p='1'><b xmlns:r='3'/><b xmlns:r='3'/></a>", None),
        ("<abcdefg hijklmn=''/>", None),
        ("<abcdefgh/>", Some(NameTooLong)),
        ("<a p:abcdef='' xmlns:p='1'/>", Some(NameTooLong)),
        ("<a>123456</a>", None),
        ("<a>1234567</a>", Some(TextTooLong)),
        ("<a>12&lt;3</a>", Some(TextTooLong)),
        ("<a><![CDATA[1234567]]></a>", Some(TextTooLong)),
        ("<a><!--1234567--></a>", Some(TextTooLong)),
        ("<a b='1234567'/>", Some(TextTooLong)),
    ] {
        let found = admit(text.as_bytes(), None, &limits).err().map(|refusal| refusal.reason());
        assert_eq!(found, reason, "{text}");
    }
    let long = format!("<a>{}</a>", " <b/>".repeat(50));
    assert_eq!(admit(long.as_bytes(), None, &limits).unwrap_err().reason(), TooLong);
}

#[test]
fn deep_nesting_is_refused_at_the_limit_without_recursion() {
    let deep = format!("{}{}", "<a>".repeat(10_000), "</a>".repeat(10_000));
    let wide = Limits { bytes: 1 << 20, depth: 20_000, elements: 20_000, ..Limits::default() };
    assert!(admit(deep.as_bytes(), None, &wide).is_ok());
    let refusal = admit(deep.as_bytes(), None, &Limits { bytes: 1 << 20, ..Limits::default() }).unwrap_err();
    assert_eq!((refusal.reason(), refusal.offset()), (TooDeep, 64 * 3));
}

/// What the processors have given this thread so far: however busy the machine is, others are not counted in.
fn processor_time() -> Duration {
    let counted = std::fs::read_to_string("/proc/thread-self/schedstat").expect("a kernel that counts a thread's time");
    Duration::from_nanos(counted.split(' ').next().unwrap().parse().unwrap())
}

/// What one reading takes. The kernel counts in coarse steps, so readings are counted together.
fn time_of(text: &str) -> Duration {
    let limits = Limits { bytes: usize::MAX, elements: usize::MAX, text: usize::MAX, ..Limits::default() };
    let before = processor_time();
    for readings in 1.. {
        assert!(admit(text.as_bytes(), None, &limits).is_ok());
        let spent = processor_time() - before;
        if spent >= Duration::from_millis(40) {
            return spent / readings;
        }
    }
    unreachable!("time passes");
}

#[test]
fn the_work_grows_with_the_document_and_no_faster() {
    let long = "n".repeat(200);
    let declarations: String = (0..60).map(|i| format!(" xmlns:p{i}='{long}{i}'")).collect();
    let attributes: String = (0..60).map(|i| format!(" p{i}:a=''")).collect();
    for (open, piece, count) in [
        ("<r>".to_owned(), "text &amp; ]] more ".to_owned(), 1_000),
        ("<r>".to_owned(), "<a b='c'/><!-- - -->".to_owned(), 1_000),
        (format!("<r{declarations}>"), format!("<a{attributes}/>"), 40),
    ] {
        let document = |times: usize| format!("{open}{}</r>", piece.repeat(times));
        let (small, large) = (time_of(&document(count)), time_of(&document(count * 8)));
        // Eight times the document: eight times the work if linear, sixty-four times if quadratic.
        assert!(large < small * 24, "{piece}: {small:?} became {large:?}");
    }
}

#[test]
fn a_refusal_says_what_is_wrong_what_is_allowed_and_where() {
    let refusal = admit(b"<a>&nbsp;</a>", None, &Limits::default()).unwrap_err();
    insta::assert_snapshot!(
        refusal,
        @"an entity is unknown; amp, lt, gt, quot and apos are allowed (found 'nbsp'), at byte 3"
    );
    let mut labels: Vec<_> = Reason::ALL.iter().map(|reason| reason.label()).collect();
    labels.sort_unstable();
    labels.dedup();
    assert_eq!(labels.len(), Reason::ALL.len());
}

/// Strings made of the pieces that markup is made of: they reach far deeper than random bytes.
fn markup() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "<",
        ">",
        "/",
        "a",
        "b:c",
        "xmlns",
        "xmlns:b='u'",
        "='1'",
        " ",
        "\n",
        "&",
        "amp;",
        "#x41;",
        ";",
        "<!--",
        "-->",
        "--",
        "<![CDATA[",
        "]]>",
        "<?xml version='1.0'?>",
        "<?",
        "?>",
        "<!DOCTYPE",
        "'",
        "\"",
        "é",
        "\u{FFFE}",
        "\u{1}",
        "<a>",
        "</a>",
        "<b:c>",
        "</b:c>",
        "<a/>",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn arbitrary_bytes_get_a_verdict(bytes in prop::collection::vec(any::<u8>(), 0..300), charset in prop::option::of("utf-(8|16(le|be)?)|latin1")) {
        let _ = verdict(&bytes, charset.as_deref());
    }

    #[test]
    fn markup_in_any_order_gets_a_verdict_and_what_passes_can_be_read(text in markup()) {
        use super::super::reader::{Event, Reader};
        if let Ok(document) = admit(text.as_bytes(), None, &Limits::default()) {
            let mut reader = Reader::new(&document);
            while !matches!(reader.next().expect("the reader agrees with the guard"), Event::End) {}
        }
    }

    #[test]
    fn one_byte_changed_never_upsets_the_reader(at in 0..SAMPLE.len(), byte in any::<u8>()) {
        use super::super::reader::{Event, Reader};
        let mut bytes = SAMPLE.as_bytes().to_vec();
        bytes[at] = byte;
        if let Ok(document) = admit(&bytes, None, &Limits::default()) {
            let mut reader = Reader::new(&document);
            while !matches!(reader.next().expect("the reader agrees with the guard"), Event::End) {}
        }
    }
}
