//! WS-Addressing, as far as a service needs it that answers on the connection it was asked on: the headers that .NET's
//! wsHttpBinding and other stacks insist on.
//!
//! An `Action` must not contradict the payload, which alone decides what is asked for. A `MessageID` comes back as
//! `RelatesTo`. `To` is not judged: behind a proxy nobody knows what the address of the gateway is called. A reply to
//! another address is refused, since none would ever be sent. Both the recommendation of 2005 and the submission of 2004
//! are spoken, an answer in the one it was asked in. Reference parameters of a reply address are not given back.

use std::borrow::Cow;

use super::deviation::shorten;
use super::fault::Fault;
use crate::xml::reader::{Content, Element, Event, Name, Reader};
use crate::xml::refusal::Refusal;
use crate::xml::writer::escape_message;

/// More characters of an id are not given back.
const LONGEST_ID: usize = 1024;

/// A version of WS-Addressing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Edition {
    /// WS-Addressing 1.0, a recommendation since 2006.
    Recommendation,
    /// The submission of August 2004.
    Submission,
}

impl Edition {
    const ALL: [Self; 2] = [Self::Recommendation, Self::Submission];

    const fn namespace(self) -> &'static str {
        match self {
            Self::Recommendation => "http://www.w3.org/2005/08/addressing",
            Self::Submission => "http://schemas.xmlsoap.org/ws/2004/08/addressing",
        }
    }

    /// The address that means the connection of the request.
    const fn anonymous(self) -> &'static str {
        match self {
            Self::Recommendation => "http://www.w3.org/2005/08/addressing/anonymous",
            Self::Submission => "http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous",
        }
    }

    /// The action of a fault.
    const fn fault(self) -> &'static str {
        match self {
            Self::Recommendation => "http://www.w3.org/2005/08/addressing/soap/fault",
            Self::Submission => "http://schemas.xmlsoap.org/ws/2004/08/addressing/fault",
        }
    }
}

/// A header of WS-Addressing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Header {
    Action,
    MessageId,
    ReplyTo,
    FaultTo,
    /// One that changes nothing here.
    Other,
}

impl Header {
    fn of(local: &str) -> Option<Self> {
        Some(match local {
            "Action" => Self::Action,
            "MessageID" => Self::MessageId,
            "ReplyTo" => Self::ReplyTo,
            "FaultTo" => Self::FaultTo,
            "To" | "From" | "RelatesTo" => Self::Other,
            _ => return None,
        })
    }
}

/// What the headers of a message say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addressing {
    edition: Edition,
    action: Option<String>,
    message_id: Option<String>,
    replies_elsewhere: bool,
}

impl Addressing {
    /// Whether a header block is read here: one of WS-Addressing, in the edition of those before it.
    pub(super) fn is_block(before: Option<&Self>, name: &Name<'_>) -> bool {
        let edition = Edition::ALL.into_iter().find(|edition| *name.namespace == *edition.namespace());
        let same = |edition| before.is_none_or(|before| before.edition == edition);
        edition.is_some_and(same) && Header::of(name.local).is_some()
    }

    /// Reads a block just opened to its end. What is wrong with it is told apart, since other blocks come first.
    pub(super) fn read<'d>(
        before: &mut Option<Self>,
        block: &Element<'d>,
        reader: &mut Reader<'d>,
    ) -> Result<Result<(), Fault>, Refusal> {
        let edition = Edition::ALL.into_iter().find(|edition| *block.name.namespace == *edition.namespace());
        let (Some(edition), Some(header)) = (edition, Header::of(block.name.local)) else {
            return reader.content().map(|_| Ok(()));
        };
        let said = before.get_or_insert(Self { edition, action: None, message_id: None, replies_elsewhere: false });
        match header {
            Header::Action => Ok(once(&mut said.action, &text(reader)?, "Action")),
            Header::MessageId => Ok(once(&mut said.message_id, &text(reader)?, "MessageID")),
            Header::ReplyTo | Header::FaultTo => {
                let anonymous = address(reader, edition)?.is_none_or(|address| address.trim() == edition.anonymous());
                said.replies_elsewhere |= !anonymous;
                Ok(Ok(()))
            }
            Header::Other => reader.content().map(|_| Ok(())),
        }
    }

    /// Holds the headers against what the payload asks for.
    ///
    /// # Errors
    /// A Client fault for an Action of another operation, and for a reply to another address.
    pub fn hold(&self, payload: &str) -> Result<(), Fault> {
        if self.replies_elsewhere {
            return Err(Fault::client(format!(
                "A reply goes back on the connection of its request alone; Address of wsa:ReplyTo and wsa:FaultTo must \
                 be {}",
                self.edition.anonymous()
            )));
        }
        let Some(action) = &self.action else { return Ok(()) };
        let named = action.rsplit(['/', ':', '#']).next().unwrap_or_default();
        if operation(named) == operation(payload) {
            return Ok(());
        }
        let shown = shorten(action);
        Err(Fault::client(format!(
            "wsa:Action is '{shown}', but the payload '{payload}' asks for {}: they must not contradict each other",
            operation(payload)
        )))
    }

    /// The header blocks of an answer with this action; of a fault without one.
    pub fn answer(&self, action: Option<&str>) -> String {
        let (namespace, action) = (self.edition.namespace(), action.unwrap_or(self.edition.fault()));
        let mut headers = format!("<wsa:Action xmlns:wsa=\"{namespace}\">{}</wsa:Action>", escape_message(action));
        if let Some(id) = &self.message_id {
            headers
                .push_str(&format!("<wsa:RelatesTo xmlns:wsa=\"{namespace}\">{}</wsa:RelatesTo>", escape_message(id)));
        }
        headers
    }
}

/// The operation that an element or the end of an action names.
fn operation(name: &str) -> &str {
    name.strip_suffix("Request").unwrap_or(name)
}

/// Keeps the text of a header that may be given once; one with nothing in it counts as not given.
fn once(place: &mut Option<String>, text: &str, name: &str) -> Result<(), Fault> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(());
    }
    if text.chars().count() > LONGEST_ID {
        return Err(Fault::client(format!("wsa:{name} is too long; at most {LONGEST_ID} characters are allowed")));
    }
    match place.replace(text.to_owned()) {
        None => Ok(()),
        Some(_) => Err(Fault::client(format!("The wsa:{name} header is given more than once; once is allowed"))),
    }
}

/// The text of the element just opened; empty where it holds elements.
fn text<'d>(reader: &mut Reader<'d>) -> Result<Cow<'d, str>, Refusal> {
    Ok(match reader.content()? {
        Content::Text(text) => text,
        Content::Elements => Cow::Borrowed(""),
    })
}

/// The Address of the endpoint reference just opened, which is read to its end.
fn address<'d>(reader: &mut Reader<'d>, edition: Edition) -> Result<Option<Cow<'d, str>>, Refusal> {
    let mut address = None;
    loop {
        match reader.next()? {
            Event::Open(child) if child.name.is(edition.namespace(), "Address") => address = Some(text(reader)?),
            Event::Open(_) => drop(reader.content()?),
            Event::Text(_) => {}
            Event::Close | Event::End => return Ok(address),
        }
    }
}
