//! The description of a SOAP service for people: its operations, each with a request that can be sent as it stands.
//!
//! Everything on it comes from elsewhere, so that it cannot tell another story: the operations from the WSDL, the
//! requests and their headers from the samples, the address from the reader's own request. It needs no script and loads
//! nothing.

use std::fmt::Write as _;

use super::description::{self, Description};
use crate::dialect::html::{self, HTML};
use crate::dialect::{Answer, Call};
use crate::soap::version::Version;
use crate::soap::wsdl::{Presence, WsdlOperation};
use crate::xml::writer::{escape_attribute, escape_message};

/// A sample request as it lies in the samples.
pub(in crate::dialect) struct Sample {
    /// The whole envelope, in the namespace of the service.
    pub(in crate::dialect) envelope: String,
    /// The headers with the credentials it needs, one a line.
    pub(in crate::dialect) headers: &'static str,
}

/// What a page tells of its service besides what is in the WSDL.
#[derive(Clone, Copy)]
pub(in crate::dialect) struct Page {
    /// What the service is called.
    pub(in crate::dialect) name: &'static str,
    /// What it is for, in one sentence.
    pub(in crate::dialect) about: &'static str,
    /// How a caller shows who it is, as HTML.
    pub(in crate::dialect) credentials: &'static str,
    /// The documents that describe it.
    pub(in crate::dialect) description: Description,
}

impl Page {
    /// The page for a reader who reaches the service at `address`; `None` where the address has a character that a page
    /// cannot carry, or an operation has no sample.
    pub(in crate::dialect) fn answer(
        &self,
        address: &str,
        call: &Call<'_>,
        sample: impl Fn(&str) -> Option<Sample>,
    ) -> Option<Answer> {
        let page = self.write(address, sample)?;
        Some(html::secured(description::unless_known(call, HTML, page)))
    }

    fn write(&self, address: &str, sample: impl Fn(&str) -> Option<Sample>) -> Option<String> {
        let link = escape_attribute(address).ok()?;
        let shown = escape_message(address);
        let Self { name, about, credentials, .. } = self;
        let mut body = format!(
            "<h1>{name}: SOAP service</h1>\n\
             <p>{about} Send envelopes with POST to <code>{shown}</code>, in SOAP 1.1 or 1.2.</p>\n\
             <ul>\n<li><a href=\"{link}?wsdl\">WSDL</a> with a SOAP 1.1 port, what nearly every tool takes</li>\n\
             <li><a href=\"{link}?wsdl12\">WSDL</a> with a SOAP 1.2 port</li>\n</ul>\n\
             <p>{credentials} The ones below are the demo's.</p>\n"
        );
        for operation in &self.description.document(Version::V11).operations().ok()? {
            write_operation(&mut body, address, operation, &sample(&operation.name)?);
        }
        Some(html::page(&format!("{name}: SOAP service"), &body))
    }
}

fn write_operation(page: &mut String, address: &str, operation: &WsdlOperation, sample: &Sample) {
    let parameters: String = operation
        .parameters
        .iter()
        .map(|parameter| {
            let presence = match parameter.presence {
                Presence::Needed => "needed",
                Presence::Optional => "optional",
            };
            format!("<li><code>{}</code> ({presence})</li>\n", escape_message(&parameter.name))
        })
        .collect();
    let name = escape_message(&operation.name);
    let documentation = escape_message(&operation.documentation);
    let command = command(address, &operation.action, sample);
    let command = escape_message(&command);
    write!(
        page,
        "<h2 id=\"{name}\">{name}</h2>\n<p>{documentation}</p>\n<ul>\n{parameters}</ul>\n<pre>{command}</pre>\n"
    )
    .expect("writing to a string cannot fail");
}

/// A line for a shell that sends the sample to this service.
fn command(address: &str, action: &str, sample: &Sample) -> String {
    let mut command = format!("curl -sSi {} \\\n", shell_quoted(address));
    for header in sample.headers.lines() {
        writeln!(command, "  -H {} \\", shell_quoted(header)).expect("writing to a string cannot fail");
    }
    let envelope = sample.envelope.trim_end();
    write!(
        command,
        "  -H 'Content-Type: text/xml; charset=utf-8' \\\n  -H {} \\\n  --data-binary @- <<'ENVELOPE'\n{envelope}\nENVELOPE",
        shell_quoted(&format!("SOAPAction: \"{action}\""))
    )
    .expect("writing to a string cannot fail");
    command
}

/// A text as one word of a shell.
fn shell_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
