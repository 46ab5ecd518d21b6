//! WS-Security, as far as it is spoken here: a user's name and password in a header block, and how long a message holds.
//!
//! A `wsse:Security` block that holds nothing else counts as understood. Signatures, encryption and other tokens are not
//! checked, so a sender who insists on them is refused instead of being believed. Whether the password is right is for
//! others to find out.
//!
//! Faults about header blocks have no detail: in SOAP 1.1 that is for errors in the Body alone.

use std::borrow::Cow;

use secrecy::SecretString;

use super::datetime;
use super::fault::Fault;
use crate::domain::{Seconds, Timestamp};
use crate::text::{SHOWN, shorten};
use crate::xml::reader::{Content, Element, Event, Name, Reader};
use crate::xml::refusal::Refusal;

/// The namespace of the Security block and its tokens.
const SECURITY: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd";
/// The namespace of the Timestamp and what it holds.
const UTILITY: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd";

/// What a Security block says.
#[derive(Clone, Debug, Default)]
pub struct Security {
    token: Option<UsernameToken>,
    created: Option<Timestamp>,
    expires: Option<Timestamp>,
}

/// A user's name and password as they were sent, not verified.
#[derive(Clone, Debug)]
pub struct UsernameToken {
    /// The name.
    pub user: String,
    /// The password in plain text, as its type `PasswordText` says.
    pub password: SecretString,
}

/// Whether a sender insists on being understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Demand {
    /// `mustUnderstand` is set.
    Mandatory,
    /// It is not.
    Optional,
}

impl Security {
    /// The user and password; `None` where there is no token, or one without a name or a password.
    pub fn token(&self) -> Option<&UsernameToken> {
        self.token.as_ref()
    }

    /// Holds the Timestamp against the clock; a message without one holds for ever.
    ///
    /// # Errors
    /// A Client fault where it has expired, or was created later than `skew` from `now`.
    pub fn hold(&self, now: Timestamp, skew: Seconds) -> Result<(), Fault> {
        if self.expires.is_some_and(|expires| expires <= now) {
            return Err(Fault::client("The message has expired: Expires of its wsu:Timestamp has passed"));
        }
        if self.created.is_some_and(|created| created > now.after(skew)) {
            return Err(Fault::client(format!(
                "The message is not valid yet: Created of its wsu:Timestamp is more than {} s ahead",
                skew.get()
            )));
        }
        Ok(())
    }
}

/// Whether a header block is read here.
pub(super) fn is_block(name: &Name<'_>) -> bool {
    name.is(SECURITY, "Security")
}

/// A Security block while it is read; it is read to its end whatever is wrong with it.
pub(super) struct Block {
    demand: Demand,
    security: Security,
    problem: Option<Fault>,
}

impl Block {
    /// Reads the block just opened to its end.
    pub(super) fn read(reader: &mut Reader<'_>, demand: Demand) -> Result<Self, Refusal> {
        let mut block = Self { demand, security: Security::default(), problem: None };
        let (mut tokens, mut timestamps) = (0, 0);
        while let Some(child) = next_child(reader)? {
            if child.name.is(SECURITY, "UsernameToken") {
                tokens += 1;
                block.once(tokens == 1, "UsernameToken");
                block.token(reader)?;
            } else if child.name.is(UTILITY, "Timestamp") {
                timestamps += 1;
                block.once(timestamps == 1, "Timestamp");
                block.timestamp(reader)?;
            } else {
                if block.demand == Demand::Mandatory {
                    block.refuse(format!(
                        "wsse:Security holds '{}', which is not supported; UsernameToken and Timestamp are",
                        shorten(child.name.local, SHOWN)
                    ));
                }
                reader.content()?;
            }
        }
        Ok(block)
    }

    /// What the block says.
    ///
    /// # Errors
    /// The first thing that was wrong with it.
    pub(super) fn finish(self) -> Result<Security, Fault> {
        self.problem.map_or(Ok(self.security), Err)
    }

    fn refuse(&mut self, reason: impl Into<Cow<'static, str>>) {
        self.problem.get_or_insert_with(|| Fault::client(reason));
    }

    /// Refuses what is not the first of its name.
    fn once(&mut self, first: bool, name: &str) {
        if !first {
            self.refuse(format!("wsse:Security holds {name} more than once; once is allowed"));
        }
    }

    fn token(&mut self, reader: &mut Reader<'_>) -> Result<(), Refusal> {
        let (mut user, mut password) = (None, None);
        while let Some(child) = next_child(reader)? {
            if child.name.is(SECURITY, "Username") {
                self.once(user.is_none(), "Username");
                user = Some(text(reader)?.trim().to_owned());
            } else if child.name.is(SECURITY, "Password") {
                self.once(password.is_none(), "Password");
                if !is_plain_text(reader.attribute(&child, "", "Type").as_deref()) {
                    self.refuse(
                        "The password type of the wsse:UsernameToken is not supported; PasswordText is, since \
                         passwords are kept as hashes that a digest cannot be held against",
                    );
                }
                password = Some(SecretString::from(text(reader)?.into_owned()));
            } else {
                // Nonce and Created guard a digest against replay; with a plain password they say nothing.
                reader.content()?;
            }
        }
        if let (Some(user), Some(password)) = (user, password) {
            self.security.token = Some(UsernameToken { user, password });
        }
        Ok(())
    }

    fn timestamp(&mut self, reader: &mut Reader<'_>) -> Result<(), Refusal> {
        while let Some(child) = next_child(reader)? {
            let name = child.name.local;
            let content = text(reader)?;
            if *child.name.namespace != *UTILITY || !matches!(name, "Created" | "Expires") {
                continue;
            }
            let Some(time) = datetime::read(content.trim()) else {
                self.refuse(format!("{name} of the wsu:Timestamp is no time; 2030-01-31T12:00:00Z is one"));
                continue;
            };
            let place = if name == "Created" { &mut self.security.created } else { &mut self.security.expires };
            let first = place.replace(time).is_none();
            self.once(first, name);
        }
        Ok(())
    }
}

/// The next child of the open element, or `None` when it ends; text between children means nothing.
fn next_child<'d>(reader: &mut Reader<'d>) -> Result<Option<Element<'d>>, Refusal> {
    loop {
        match reader.next()? {
            Event::Open(element) => return Ok(Some(element)),
            Event::Text(_) => {}
            Event::Close | Event::End => return Ok(None),
        }
    }
}

/// The text of the element just opened; empty where it holds elements.
fn text<'d>(reader: &mut Reader<'d>) -> Result<Cow<'d, str>, Refusal> {
    Ok(match reader.content()? {
        Content::Text(text) => text,
        Content::Elements => Cow::Borrowed(""),
    })
}

/// Whether a password type says plain text, as a URI or as the qualified name that old toolkits send; it is the default.
fn is_plain_text(kind: Option<&str>) -> bool {
    let kind = kind.map_or("", str::trim);
    kind.is_empty() || kind.rsplit(['#', ':']).next() == Some("PasswordText")
}
