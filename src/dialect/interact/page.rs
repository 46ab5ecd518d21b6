//! The description of a SOAP service for people: its operations, each with a request that can be sent as it stands.
//!
//! Everything on it comes from elsewhere, so that it cannot tell another story: the operations from the WSDL, the
//! requests and their headers from the samples, the address from the reader's own request. It needs no script and loads
//! nothing.

use std::fmt::Write as _;

use actix_web::http::header::{CONTENT_SECURITY_POLICY, HeaderValue, X_CONTENT_TYPE_OPTIONS};

use super::endpoint::Service;
use super::error::Failure;
use super::soap::Operation;
use super::wsdl;
use crate::dialect::{Answer, Call};
use crate::soap::version::Version;
use crate::soap::wsdl::{self as description, Presence};
use crate::xml::writer::{escape_attribute, escape_message};

const STYLE: &str = include_str!("page.css");
/// Nothing but the style in the page itself.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

/// A sample request as it lies in the samples.
struct Sample {
    envelope: &'static str,
    /// The headers with the credentials it needs, one a line.
    headers: &'static str,
}

/// The page of `service`.
pub(super) fn answer(service: Service, prefix: &str, call: &Call<'_>) -> Result<Answer, Failure> {
    let address = wsdl::address(service, prefix, call.head.origin);
    let page = page(service, &address).ok_or(Failure::NotWritable)?;
    let answer = wsdl::unless_known(call, "text/html; charset=utf-8", page);
    Ok(answer
        .with(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY))
        .with(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")))
}

/// The whole page; `None` where the address has a character that a page cannot carry.
fn page(service: Service, address: &str) -> Option<String> {
    let link = escape_attribute(address).ok()?;
    let shown = escape_message(address);
    let name = service.name();
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{name}: SOAP service</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n<h1>{name}: SOAP service</h1>\n\
         <p>Numbers lent to digital interactions. Send envelopes with POST to <code>{shown}</code>, in SOAP 1.1 or 1.2.</p>\n\
         <ul>\n<li><a href=\"{link}?wsdl\">WSDL</a> with a SOAP 1.1 port, what nearly every tool takes</li>\n\
         <li><a href=\"{link}?wsdl12\">WSDL</a> with a SOAP 1.2 port</li>\n</ul>\n\
         <p>Credentials travel in HTTP headers; a WS-Security UsernameToken may stand for <code>User-Id</code> and \
         <code>User-Password</code>. The ones below are the demo's.</p>\n"
    );
    let described = wsdl::document(service, Version::V11).operations().ok()?;
    for operation in &described {
        let sample = Operation::ALL.into_iter().find(|known| known.name() == operation.name)?.sample();
        write_operation(&mut page, service, address, operation, &sample);
    }
    page.push_str("</body>\n</html>\n");
    Some(page)
}

fn write_operation(
    page: &mut String,
    service: Service,
    address: &str,
    operation: &description::Operation,
    sample: &Sample,
) {
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
    let command = command(service, address, &operation.action, sample);
    let command = escape_message(&command);
    write!(
        page,
        "<h2 id=\"{name}\">{name}</h2>\n<p>{documentation}</p>\n<ul>\n{parameters}</ul>\n<pre>{command}</pre>\n"
    )
    .expect("writing to a string cannot fail");
}

/// A line for a shell that sends the sample to this service.
fn command(service: Service, address: &str, action: &str, sample: &Sample) -> String {
    let mut command = format!("curl -sSi {} \\\n", shell_quoted(address));
    for header in sample.headers.lines() {
        writeln!(command, "  -H {} \\", shell_quoted(header)).expect("writing to a string cannot fail");
    }
    let envelope = envelope(service, sample);
    write!(
        command,
        "  -H 'Content-Type: text/xml; charset=utf-8' \\\n  -H {} \\\n  --data-binary @- <<'ENVELOPE'\n{envelope}\nENVELOPE",
        shell_quoted(&format!("SOAPAction: \"{action}\""))
    )
    .expect("writing to a string cannot fail");
    command
}

/// The sample in the namespace of this service; either service has all operations.
fn envelope(service: Service, sample: &Sample) -> String {
    let other = match service {
        Service::Agent => Service::Dnis,
        Service::Dnis => Service::Agent,
    };
    sample.envelope.trim_end().replace(other.namespace(), service.namespace())
}

/// A text as one word of a shell.
fn shell_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

impl Operation {
    const fn sample(self) -> Sample {
        match self {
            Self::Allocate => Sample {
                envelope: include_str!("../../../samples/interact/allocate.xml"),
                headers: include_str!("../../../samples/interact/headers-interaction.txt"),
            },
            Self::Get => Sample {
                envelope: include_str!("../../../samples/interact/get.xml"),
                headers: include_str!("../../../samples/interact/headers-ivr.txt"),
            },
            Self::Free => Sample {
                envelope: include_str!("../../../samples/interact/free.xml"),
                headers: include_str!("../../../samples/interact/headers-user.txt"),
            },
            Self::Create => Sample {
                envelope: include_str!("../../../samples/interact/create.xml"),
                headers: include_str!("../../../samples/interact/headers-user.txt"),
            },
        }
    }
}
