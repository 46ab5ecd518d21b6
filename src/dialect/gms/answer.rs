//! Answers: a small tree of named members, written as JSON or as XML.
//!
//! Both formats show the same tree: members in alphabetical order, every scalar a text. In XML the root is `Response`,
//! or `Fault` for an error, in a namespace made of scheme, host and path of the request; a list is its element
//! repeated. That is how the one XML answer in the vendor's documents looks.

use std::borrow::Cow;
use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue, PRAGMA};
use serde::Serialize;

use super::error::Fault;
use crate::config::Format;
use crate::dialect::{Answer, Outcome, PublicAddress};
use crate::xml::writer::{Unrepresentable, Writer, escape_name, presentable};

const JSON: &str = "application/json";
const XML: &str = "application/xml;charset=UTF-8";

/// A value of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(super) enum Node {
    /// A scalar.
    Text(String),
    /// An object.
    Members(Members),
    /// A list of objects.
    List(Vec<Members>),
}

/// Named values in alphabetical order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(super) struct Members(BTreeMap<Cow<'static, str>, Node>);

impl Members {
    /// The same members with one more text.
    pub(super) fn with(mut self, name: impl Into<Cow<'static, str>>, text: &(impl ToString + ?Sized)) -> Self {
        self.insert(name, Node::Text(text.to_string()));
        self
    }

    /// Adds a value.
    pub(super) fn insert(&mut self, name: impl Into<Cow<'static, str>>, value: Node) {
        self.0.insert(name.into(), value);
    }

    /// The first character that XML cannot carry, if there is one.
    pub(super) fn not_xml(&self) -> Option<char> {
        self.write_xml(&mut Writer::fragment()).err().map(|Unrepresentable(character)| character)
    }

    fn write_xml(&self, writer: &mut Writer) -> Result<(), Unrepresentable> {
        for (name, value) in &self.0 {
            let name = escape_name(name).expect("only the empty text has no name, and no key of a document is empty");
            match value {
                Node::Text(text) => writer.text_element(&name, text)?,
                Node::Members(members) => writer.element(&name, &[], |writer| members.write_xml(writer))?,
                Node::List(items) => {
                    for item in items {
                        writer.element(&name, &[], |writer| item.write_xml(writer))?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// How an answer is to be written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Form<'a> {
    /// The format.
    pub(super) format: Format,
    /// How the client addressed the gateway.
    pub(super) origin: &'a PublicAddress,
    /// The path of the request as it was sent.
    pub(super) path: &'a str,
}

impl Form<'_> {
    /// Writes a good answer.
    ///
    /// # Errors
    /// The first character that XML cannot carry.
    pub(super) fn response(self, members: &Members) -> Result<Answer, Unrepresentable> {
        let body = match self.format {
            Format::Json => json(members),
            Format::Xml => self.document("Response", |writer| members.write_xml(writer))?,
        };
        Ok(self.finish(StatusCode::OK, "ok", body))
    }

    /// Writes an error.
    pub(super) fn fault(self, fault: Fault) -> Answer {
        let members = |message: &str| Members::default().with("exception", fault.exception).with("message", message);
        let body = match self.format {
            Format::Json => json(&members(&fault.message)),
            Format::Xml => {
                // A message may repeat a caller's own words; what XML cannot carry is replaced in them.
                let written = self.document("Fault", |writer| {
                    writer.text_element("exception", fault.exception)?;
                    writer.text_element("message", &presentable(&fault.message))
                });
                written.expect("a presentable message has nothing that XML cannot carry")
            }
        };
        self.finish(fault.status, fault.outcome, body).hinting(fault.hint)
    }

    fn document(
        self,
        root: &str,
        content: impl FnOnce(&mut Writer) -> Result<(), Unrepresentable>,
    ) -> Result<String, Unrepresentable> {
        let mut writer = Writer::fragment();
        writer.element(root, &[("xmlns", &self.namespace())], content)?;
        Ok(writer.finish())
    }

    /// Scheme, host and path of the request; the port is left out.
    fn namespace(self) -> String {
        let origin = self.origin;
        [origin.scheme, "://", origin.host(), &origin.prefix, self.path].concat()
    }

    fn finish(self, status: StatusCode, outcome: Outcome, body: String) -> Answer {
        let media_type = match self.format {
            Format::Json => JSON,
            Format::Xml => XML,
        };
        uncached(Answer::new(status, outcome, media_type, body))
    }
}

/// The answer with the headers by which GMS keeps every cache away.
pub(super) fn uncached(answer: Answer) -> Answer {
    answer
        .with(CACHE_CONTROL, HeaderValue::from_static("no-cache, no-store"))
        .with(PRAGMA, HeaderValue::from_static("no-cache"))
}

fn json(members: &Members) -> String {
    serde_json::to_string(members).expect("texts under text keys can always be written")
}
