//! Faults: what went wrong, once, and its wording in either version of SOAP.
//!
//! Every fault travels under HTTP 500, in both versions, because the widest used clients read faults only there.

use std::borrow::Cow;

use super::answer;
use super::version::Version;
use crate::text::shorten;
use crate::xml::reader::Name;
use crate::xml::writer::escape_message;

/// The namespace of the machine-readable part of our faults.
///
/// The detail element holds one `problem` with, in this order and each at most once: `reason` (a stable snake_case
/// label, always), `field`, `expected`, `found`, `code` (a vendor's code where it is not the fault code itself). Its
/// schema lies in the documentation folder, and a test holds it against what is written here.
pub const DETAIL_NAMESPACE: &str = "urn:dnis-gateway:fault";

/// The HTTP status every fault travels under.
pub const HTTP_STATUS: u16 = 500;

/// Who has to change something, in SOAP's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// The envelope is of no version we know.
    VersionMismatch,
    /// A mandatory header is not understood.
    MustUnderstand,
    /// The message is wrong; sending it again will not help. `Sender` in SOAP 1.2.
    Client,
    /// The message is right, but we failed. `Receiver` in SOAP 1.2.
    Server,
    /// A vendor's own code, bare in SOAP 1.1 as the vendor documents it; `Sender` with the code in the detail in 1.2.
    Vendor(VendorCode),
    /// A vendor's own code in the detail, under the standard code of either version.
    Qualified(VendorCode),
}

/// A vendor's code, and what it stands for where it travels in the detail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VendorCode {
    /// The code as the vendor prints it.
    pub code: &'static str,
    /// The label that the detail gives as reason.
    pub label: &'static str,
}

/// The machine-readable part of a fault.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Detail {
    /// Stable snake_case label of the problem.
    pub reason: Cow<'static, str>,
    /// The field that is wrong.
    pub field: Option<Cow<'static, str>>,
    /// What is allowed there.
    pub expected: Option<Cow<'static, str>>,
    /// What was there.
    pub found: Option<Cow<'static, str>>,
}

/// A header block that we were told to understand and do not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotUnderstood {
    /// Its namespace; empty for none.
    pub namespace: String,
    /// Its local name.
    pub local: String,
}

/// More characters of a sender's namespace are not repeated in a fault.
const LONGEST_NAMESPACE: usize = 256;

impl From<Name<'_>> for NotUnderstood {
    fn from(block: Name<'_>) -> Self {
        Self { namespace: shorten(&block.namespace, LONGEST_NAMESPACE), local: block.local.to_owned() }
    }
}

/// A fault, before it is known in which version it will be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    code: Code,
    reason: Cow<'static, str>,
    detail: Option<Box<Detail>>,
    not_understood: Box<[NotUnderstood]>,
    detail_namespace: &'static str,
}

impl Fault {
    /// The message is wrong, for the reason given in words.
    pub fn client(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::Client, reason.into())
    }

    /// We failed, for the reason given in words.
    pub fn server(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::Server, reason.into())
    }

    /// A fault with a vendor's own code.
    pub fn vendor(code: VendorCode, reason: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::Vendor(code), reason.into())
    }

    /// The envelope's namespace is of no version we know.
    pub fn version_mismatch() -> Self {
        Self::new(Code::VersionMismatch, "The envelope is neither SOAP 1.1 nor SOAP 1.2".into())
    }

    /// Mandatory headers that we do not understand.
    pub fn must_understand(not_understood: Vec<NotUnderstood>) -> Self {
        let names: Vec<_> =
            not_understood.iter().map(|block| format!("{{{}}}{}", block.namespace, block.local)).collect();
        let reason = format!("A mandatory header is not understood: {}", names.join(", "));
        Self { not_understood: not_understood.into(), ..Self::new(Code::MustUnderstand, reason.into()) }
    }

    /// The same fault with a standard code in either version; a vendor's code goes to the detail.
    #[must_use]
    pub fn qualified(mut self) -> Self {
        if let Code::Vendor(code) = self.code {
            self.code = Code::Qualified(code);
        }
        self
    }

    /// The same fault with a machine-readable part.
    #[must_use]
    pub fn with_detail(mut self, detail: Detail) -> Self {
        self.detail = Some(Box::new(detail));
        self
    }

    /// The same fault with its detail in the namespace of a service that describes it there.
    #[must_use]
    pub fn detailed_in(mut self, namespace: &'static str) -> Self {
        self.detail_namespace = namespace;
        self
    }

    /// Who has to change something.
    pub const fn code(&self) -> Code {
        self.code
    }

    /// What is wrong, in words.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// The machine-readable part.
    pub fn detail(&self) -> Option<&Detail> {
        self.detail.as_deref()
    }

    /// The whole envelope around this fault. Characters that XML cannot carry become U+FFFD, for a fault must go out.
    pub fn write(&self, version: Version) -> String {
        match version {
            Version::V11 => answer::envelope(version, "", &self.body_11()),
            Version::V12 => answer::envelope(version, &self.headers_12(), &self.body_12()),
        }
    }

    fn new(code: Code, reason: Cow<'static, str>) -> Self {
        Self { code, reason, detail: None, not_understood: Box::default(), detail_namespace: DETAIL_NAMESPACE }
    }

    fn body_11(&self) -> String {
        let (code, in_detail): (Cow<'_, str>, _) = match self.code {
            Code::VersionMismatch => ("SOAP-ENV:VersionMismatch".into(), None),
            Code::MustUnderstand => ("SOAP-ENV:MustUnderstand".into(), None),
            Code::Client => ("SOAP-ENV:Client".into(), None),
            Code::Server => ("SOAP-ENV:Server".into(), None),
            Code::Vendor(vendor) => (escape_message(vendor.code), None),
            Code::Qualified(vendor) => ("SOAP-ENV:Client".into(), Some(vendor)),
        };
        let reason = escape_message(&self.reason);
        let detail = self.problem(in_detail).map(|problem| format!("<detail>{problem}</detail>")).unwrap_or_default();
        format!(
            "<SOAP-ENV:Fault><faultcode>{code}</faultcode><faultstring>{reason}</faultstring>{detail}</SOAP-ENV:Fault>"
        )
    }

    fn body_12(&self) -> String {
        let (code, in_detail) = match self.code {
            Code::VersionMismatch => ("VersionMismatch", None),
            Code::MustUnderstand => ("MustUnderstand", None),
            Code::Client => ("Sender", None),
            Code::Vendor(vendor) | Code::Qualified(vendor) => ("Sender", Some(vendor)),
            Code::Server => ("Receiver", None),
        };
        let detail =
            self.problem(in_detail).map(|problem| format!("<env:Detail>{problem}</env:Detail>")).unwrap_or_default();
        let reason = escape_message(&self.reason);
        format!(
            "<env:Fault><env:Code><env:Value>env:{code}</env:Value></env:Code>\
             <env:Reason><env:Text xml:lang=\"en\">{reason}</env:Text></env:Reason>{detail}</env:Fault>"
        )
    }

    /// What the detail holds, with a vendor's code if one belongs there; `None` for nothing.
    fn problem(&self, vendor: Option<VendorCode>) -> Option<String> {
        let of_code = || vendor.map(|vendor| Detail { reason: vendor.label.into(), ..Detail::default() });
        let detail = self.detail.as_deref().cloned().or_else(of_code)?;
        Some(problem(&detail, vendor.map(|vendor| vendor.code), self.detail_namespace))
    }

    /// SOAP 1.2 says in headers which versions we know and which headers we do not.
    fn headers_12(&self) -> String {
        match self.code {
            Code::VersionMismatch => {
                let supported: String = [Version::V12, Version::V11]
                    .iter()
                    .map(|version| {
                        let namespace = version.namespace();
                        format!("<env:SupportedEnvelope qname=\"s:Envelope\" xmlns:s=\"{namespace}\"/>")
                    })
                    .collect();
                format!("<env:Upgrade>{supported}</env:Upgrade>")
            }
            Code::MustUnderstand => self.not_understood.iter().map(not_understood_12).collect(),
            Code::Client | Code::Server | Code::Vendor(_) | Code::Qualified(_) => String::new(),
        }
    }
}

fn not_understood_12(block: &NotUnderstood) -> String {
    let local = escape_message(&block.local);
    if block.namespace.is_empty() {
        return format!("<env:NotUnderstood qname=\"{local}\"/>");
    }
    let namespace = answer::attribute(&block.namespace);
    format!("<env:NotUnderstood qname=\"n:{local}\" xmlns:n=\"{namespace}\"/>")
}

fn problem(detail: &Detail, code: Option<&str>, namespace: &str) -> String {
    let members = [
        ("reason", Some(&*detail.reason)),
        ("field", detail.field.as_deref()),
        ("expected", detail.expected.as_deref()),
        ("found", detail.found.as_deref()),
        ("code", code),
    ];
    let members: String = members
        .into_iter()
        .filter_map(|(name, text)| text.map(|text| format!("<f:{name}>{}</f:{name}>", escape_message(text))))
        .collect();
    format!("<f:problem xmlns:f=\"{namespace}\">{members}</f:problem>")
}

#[cfg(test)]
mod tests {
    use super::*;
    use insta::assert_snapshot;

    fn unauthorized() -> Fault {
        let code = VendorCode { code: "0x7000000", label: "unauthorized" };
        Fault::vendor(code, "Request is unauthorized, missing or wrong credentials")
    }

    fn headers() -> Vec<NotUnderstood> {
        vec![
            NotUnderstood { namespace: "urn:a&b".into(), local: "Security".into() },
            NotUnderstood { namespace: String::new(), local: "bare".into() },
        ]
    }

    fn detailed() -> Fault {
        Fault::client("phone is missing <here>\u{1}").with_detail(Detail {
            reason: "missing_field".into(),
            field: Some("phone".into()),
            expected: Some("1 to 32 of 0-9 + * #".into()),
            found: Some("a&b".into()),
        })
    }

    #[test]
    fn the_vendors_authentication_fault_is_written_as_documented() {
        assert_snapshot!(unauthorized().write(Version::V11), @r#"<?xml version="1.0" encoding="UTF-8"?><SOAP-ENV:Envelope xmlns:SOAP-ENV="http://schemas.xmlsoap.org/soap/envelope/"><SOAP-ENV:Header/><SOAP-ENV:Body><SOAP-ENV:Fault><faultcode>0x7000000</faultcode><faultstring>Request is unauthorized, missing or wrong credentials</faultstring></SOAP-ENV:Fault></SOAP-ENV:Body></SOAP-ENV:Envelope>"#);
    }

    #[test]
    fn a_qualified_fault_has_the_standard_code_in_both_versions_and_the_vendors_in_the_detail() {
        assert_snapshot!(unauthorized().qualified().write(Version::V11), @r#"<?xml version="1.0" encoding="UTF-8"?><SOAP-ENV:Envelope xmlns:SOAP-ENV="http://schemas.xmlsoap.org/soap/envelope/"><SOAP-ENV:Header/><SOAP-ENV:Body><SOAP-ENV:Fault><faultcode>SOAP-ENV:Client</faultcode><faultstring>Request is unauthorized, missing or wrong credentials</faultstring><detail><f:problem xmlns:f="urn:dnis-gateway:fault"><f:reason>unauthorized</f:reason><f:code>0x7000000</f:code></f:problem></detail></SOAP-ENV:Fault></SOAP-ENV:Body></SOAP-ENV:Envelope>"#);
        assert_eq!(unauthorized().qualified().write(Version::V12), unauthorized().write(Version::V12));
        assert_eq!(detailed().qualified(), detailed());
    }

    #[test]
    fn in_soap_1_2_the_vendors_code_moves_to_the_detail() {
        assert_snapshot!(unauthorized().write(Version::V12), @r#"<?xml version="1.0" encoding="UTF-8"?><env:Envelope xmlns:env="http://www.w3.org/2003/05/soap-envelope"><env:Header/><env:Body><env:Fault><env:Code><env:Value>env:Sender</env:Value></env:Code><env:Reason><env:Text xml:lang="en">Request is unauthorized, missing or wrong credentials</env:Text></env:Reason><env:Detail><f:problem xmlns:f="urn:dnis-gateway:fault"><f:reason>unauthorized</f:reason><f:code>0x7000000</f:code></f:problem></env:Detail></env:Fault></env:Body></env:Envelope>"#);
    }

    #[test]
    fn a_client_fault_says_in_its_detail_what_is_wrong() {
        assert_snapshot!(detailed().write(Version::V11), @r#"<?xml version="1.0" encoding="UTF-8"?><SOAP-ENV:Envelope xmlns:SOAP-ENV="http://schemas.xmlsoap.org/soap/envelope/"><SOAP-ENV:Header/><SOAP-ENV:Body><SOAP-ENV:Fault><faultcode>SOAP-ENV:Client</faultcode><faultstring>phone is missing &lt;here&gt;�</faultstring><detail><f:problem xmlns:f="urn:dnis-gateway:fault"><f:reason>missing_field</f:reason><f:field>phone</f:field><f:expected>1 to 32 of 0-9 + * #</f:expected><f:found>a&amp;b</f:found></f:problem></detail></SOAP-ENV:Fault></SOAP-ENV:Body></SOAP-ENV:Envelope>"#);
        assert_snapshot!(detailed().write(Version::V12), @r#"<?xml version="1.0" encoding="UTF-8"?><env:Envelope xmlns:env="http://www.w3.org/2003/05/soap-envelope"><env:Header/><env:Body><env:Fault><env:Code><env:Value>env:Sender</env:Value></env:Code><env:Reason><env:Text xml:lang="en">phone is missing &lt;here&gt;�</env:Text></env:Reason><env:Detail><f:problem xmlns:f="urn:dnis-gateway:fault"><f:reason>missing_field</f:reason><f:field>phone</f:field><f:expected>1 to 32 of 0-9 + * #</f:expected><f:found>a&amp;b</f:found></f:problem></env:Detail></env:Fault></env:Body></env:Envelope>"#);
    }

    #[test]
    fn a_server_fault_is_the_receivers_in_soap_1_2() {
        assert_snapshot!(Fault::server("exception").write(Version::V11), @r#"<?xml version="1.0" encoding="UTF-8"?><SOAP-ENV:Envelope xmlns:SOAP-ENV="http://schemas.xmlsoap.org/soap/envelope/"><SOAP-ENV:Header/><SOAP-ENV:Body><SOAP-ENV:Fault><faultcode>SOAP-ENV:Server</faultcode><faultstring>exception</faultstring></SOAP-ENV:Fault></SOAP-ENV:Body></SOAP-ENV:Envelope>"#);
        assert_snapshot!(Fault::server("exception").write(Version::V12), @r#"<?xml version="1.0" encoding="UTF-8"?><env:Envelope xmlns:env="http://www.w3.org/2003/05/soap-envelope"><env:Header/><env:Body><env:Fault><env:Code><env:Value>env:Receiver</env:Value></env:Code><env:Reason><env:Text xml:lang="en">exception</env:Text></env:Reason></env:Fault></env:Body></env:Envelope>"#);
    }

    #[test]
    fn a_version_mismatch_names_the_supported_envelopes_in_soap_1_2() {
        assert_snapshot!(Fault::version_mismatch().write(Version::V11), @r#"<?xml version="1.0" encoding="UTF-8"?><SOAP-ENV:Envelope xmlns:SOAP-ENV="http://schemas.xmlsoap.org/soap/envelope/"><SOAP-ENV:Header/><SOAP-ENV:Body><SOAP-ENV:Fault><faultcode>SOAP-ENV:VersionMismatch</faultcode><faultstring>The envelope is neither SOAP 1.1 nor SOAP 1.2</faultstring></SOAP-ENV:Fault></SOAP-ENV:Body></SOAP-ENV:Envelope>"#);
        assert_snapshot!(Fault::version_mismatch().write(Version::V12), @r#"<?xml version="1.0" encoding="UTF-8"?><env:Envelope xmlns:env="http://www.w3.org/2003/05/soap-envelope"><env:Header><env:Upgrade><env:SupportedEnvelope qname="s:Envelope" xmlns:s="http://www.w3.org/2003/05/soap-envelope"/><env:SupportedEnvelope qname="s:Envelope" xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"/></env:Upgrade></env:Header><env:Body><env:Fault><env:Code><env:Value>env:VersionMismatch</env:Value></env:Code><env:Reason><env:Text xml:lang="en">The envelope is neither SOAP 1.1 nor SOAP 1.2</env:Text></env:Reason></env:Fault></env:Body></env:Envelope>"#);
    }

    #[test]
    fn headers_not_understood_are_named() {
        assert_snapshot!(Fault::must_understand(headers()).write(Version::V11), @r#"<?xml version="1.0" encoding="UTF-8"?><SOAP-ENV:Envelope xmlns:SOAP-ENV="http://schemas.xmlsoap.org/soap/envelope/"><SOAP-ENV:Header/><SOAP-ENV:Body><SOAP-ENV:Fault><faultcode>SOAP-ENV:MustUnderstand</faultcode><faultstring>A mandatory header is not understood: {urn:a&amp;b}Security, {}bare</faultstring></SOAP-ENV:Fault></SOAP-ENV:Body></SOAP-ENV:Envelope>"#);
        assert_snapshot!(Fault::must_understand(headers()).write(Version::V12), @r#"<?xml version="1.0" encoding="UTF-8"?><env:Envelope xmlns:env="http://www.w3.org/2003/05/soap-envelope"><env:Header><env:NotUnderstood qname="n:Security" xmlns:n="urn:a&amp;b"/><env:NotUnderstood qname="bare"/></env:Header><env:Body><env:Fault><env:Code><env:Value>env:MustUnderstand</env:Value></env:Code><env:Reason><env:Text xml:lang="en">A mandatory header is not understood: {urn:a&amp;b}Security, {}bare</env:Text></env:Reason></env:Fault></env:Body></env:Envelope>"#);
    }

    /// The names in a document's `attribute` of every element called `element`, in their order.
    fn names(text: &str, element: &str, attribute: &str) -> Vec<String> {
        use crate::xml::reader::{Event, Reader};
        let document = crate::xml::guard::admit(text.as_bytes(), None, &crate::xml::limits::Limits::default()).unwrap();
        let mut reader = Reader::new(&document);
        let mut names = Vec::new();
        loop {
            match reader.next().unwrap() {
                Event::Open(open) if open.name.local == element => {
                    names.extend(reader.attribute(&open, "", attribute).map(std::borrow::Cow::into_owned));
                }
                Event::Open(_) | Event::Text(_) | Event::Close => {}
                Event::End => return names,
            }
        }
    }

    #[test]
    fn the_documented_schema_of_the_detail_is_what_is_written() {
        let schema = include_str!("../../docs/fault-detail.xsd");
        assert_eq!(names(schema, "schema", "targetNamespace"), [DETAIL_NAMESPACE]);
        let code = VendorCode { code: "0x1", label: "code" };
        let fault = Fault::vendor(code, "x").with_detail(detailed().detail().unwrap().clone());
        let written = fault.write(Version::V12);
        let (_, detail) = written.split_once("<env:Detail>").unwrap();
        let elements: Vec<_> = detail.split("<f:").skip(1).map(|rest| rest.split(['>', ' ']).next().unwrap()).collect();
        assert_eq!(names(schema, "element", "name"), elements);
        let optional = names(schema, "element", "minOccurs");
        assert_eq!(optional.len(), elements.len() - 2, "problem and reason are always there");
    }

    #[test]
    fn every_fault_is_well_formed_xml() {
        use crate::xml::{guard::admit, limits::Limits};
        let faults = [
            unauthorized(),
            unauthorized().qualified(),
            detailed(),
            Fault::version_mismatch(),
            Fault::must_understand(headers()),
        ];
        for (fault, version) in faults.iter().flat_map(|fault| [(fault, Version::V11), (fault, Version::V12)]) {
            let written = fault.write(version);
            assert!(admit(written.as_bytes(), None, &Limits::default()).is_ok(), "{written}");
        }
    }
}
