//! The lines of a dump, one struct for each kind. A change of a member here is a change of the format.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Counts;
use super::bytes::Bytes;
use super::call_center::{NumberingLine, RouteLine, SigningKeyLine, SkillLine};
use super::remembered::{ForgottenLine, KeyLine, PastLine};
use crate::domain::{
    AccessCode, AllocationId, ApplicationName, Caller, DocumentId, EnvironmentName, GroupName, InteractionId, LentBy,
    Number, NumberId, Ownership, Sharing, TenantId, Timestamp, ValueId,
};

/// What the first line calls itself.
pub(super) const FORMAT: &str = "dnis-gateway-dump";
/// The format written today. The first number changes when older releases could misread a dump, the second when
/// something is added.
pub(super) const VERSION: &str = "1.1";
/// The major version that this release reads.
pub(super) const MAJOR: &str = "1";
/// Longest line that is read, in bytes; the longest that is written is far shorter.
pub(super) const MAX_LINE_BYTES: u64 = 1024 * 1024;
/// Bytes of a large value in one line.
pub(super) const PIECE_BYTES: usize = 48 * 1024;

/// The first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Always `dnis-gateway-dump`.
    pub(super) kind: String,
    /// The format, major and minor version.
    pub version: String,
    /// The release that wrote the dump.
    pub gateway: String,
    /// The store that it is of.
    pub store: Uuid,
    /// How many commits the store had seen.
    pub commits: u64,
    /// When it was taken.
    pub taken_ms: Timestamp,
}

/// Any other line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(super) enum Line {
    Counters(Counters),
    Ids(IdsLine),
    Number(NumberLine),
    Interaction(InteractionLine),
    Allocation(AllocationLine),
    Document(DocumentLine),
    Entry(EntryLine),
    Value(ValueLine),
    Numbering(NumberingLine),
    Skill(SkillLine),
    Route(RouteLine),
    SigningKey(SigningKeyLine),
    Key(KeyLine),
    Forgotten(ForgottenLine),
    Past(PastLine),
    End(End),
}

impl Line {
    /// The line's kind.
    pub(super) fn kind(&self) -> LineKind {
        match self {
            Self::Counters(_) => LineKind::Counters,
            Self::Ids(_) => LineKind::Ids,
            Self::Number(_) => LineKind::Number,
            Self::Interaction(_) => LineKind::Interaction,
            Self::Allocation(_) => LineKind::Allocation,
            Self::Document(_) => LineKind::Document,
            Self::Entry(_) => LineKind::Entry,
            Self::Value(_) => LineKind::Value,
            Self::Numbering(_) => LineKind::Numbering,
            Self::Skill(_) => LineKind::Skill,
            Self::Route(_) => LineKind::Route,
            Self::SigningKey(_) => LineKind::SigningKey,
            Self::Key(_) => LineKind::Key,
            Self::Forgotten(_) => LineKind::Forgotten,
            Self::Past(_) => LineKind::Past,
            Self::End(_) => LineKind::End,
        }
    }
}

/// What a line tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LineKind {
    /// The last ids given out that are counted for all scopes together.
    Counters,
    /// The last ids given out in a scope.
    Ids,
    /// A number.
    Number,
    /// An interaction.
    Interaction,
    /// An allocation.
    Allocation,
    /// A document without its entries.
    Document,
    /// An entry of the document before it.
    Entry,
    /// A piece of a large value.
    Value,
    /// The last numbers given out to routes and queues of a scope.
    Numbering,
    /// A skill queue.
    Skill,
    /// A called route.
    Route,
    /// The key that tokens are signed with.
    SigningKey,
    /// The key of a request that was to be carried out once.
    Key,
    /// Up to where the history is forgotten.
    Forgotten,
    /// An allocation that has ended.
    Past,
    /// The end of the dump.
    End,
}

impl fmt::Display for LineKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// The last ids given out that are counted for all scopes together. The first three are those of a release that counted
/// all ids so; every scope goes on above them.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Counters {
    pub(super) number: u64,
    pub(super) allocation: u64,
    pub(super) interaction: u64,
    pub(super) value: u64,
}

/// The last ids given out in a scope.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IdsLine {
    pub(super) tenant: TenantId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) environment: Option<EnvironmentName>,
    pub(super) number: u64,
    pub(super) allocation: u64,
    pub(super) interaction: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NumberLine {
    pub(super) tenant: TenantId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) environment: Option<EnvironmentName>,
    pub(super) number: Number,
    pub(super) id: NumberId,
    pub(super) dnid: Number,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) group: Option<GroupName>,
    pub(super) enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) freed: Option<Freed>,
}

/// The end of the number's last allocation.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Freed {
    pub(super) at_ms: Timestamp,
    pub(super) allocation: AllocationId,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InteractionLine {
    pub(super) tenant: TenantId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) environment: Option<EnvironmentName>,
    pub(super) id: InteractionId,
    pub(super) document: DocumentId,
    pub(super) since_ms: Timestamp,
    /// Not there where it never ends by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) deadline_ms: Option<Timestamp>,
    /// Not there where it is nobody's, as everything is in a dump that an older release made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) application: Option<ApplicationName>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AllocationLine {
    pub(super) tenant: TenantId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) environment: Option<EnvironmentName>,
    pub(super) id: AllocationId,
    pub(super) number: Number,
    pub(super) interaction: InteractionId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) code: Option<AccessCode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) caller: Option<Caller>,
    pub(super) origin: LentBy,
    pub(super) sharing: Sharing,
    pub(super) since_ms: Timestamp,
    pub(super) deadline_ms: Timestamp,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DocumentLine {
    pub(super) tenant: TenantId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) environment: Option<EnvironmentName>,
    pub(super) id: DocumentId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) interaction: Option<InteractionId>,
    pub(super) kept_until_ms: Timestamp,
    pub(super) ownership: Ownership,
    /// Not there where it is nobody's, as everything is in a dump that an older release made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) application: Option<ApplicationName>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EntryLine {
    pub(super) tenant: TenantId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) environment: Option<EnvironmentName>,
    pub(super) document: DocumentId,
    pub(super) key: String,
    /// Not there for a text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) file: Option<FileLine>,
    /// The value, if it is a text and small; one of this and the two members below is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<String>,
    /// The value, if it is a file and small.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) base64: Option<Bytes>,
    /// Where the value is, if it is large.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) value: Option<Large>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileLine {
    pub(super) media_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
}

/// The value is in lines of its own.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Large {
    pub(super) id: ValueId,
    pub(super) length: u64,
}

/// A piece of a large value.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ValueLine {
    pub(super) id: ValueId,
    /// Of the whole value.
    pub(super) length: u64,
    pub(super) offset: u64,
    pub(super) base64: Bytes,
}

/// The last line.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct End {
    /// How many lines come before.
    pub(super) lines: u64,
    /// How many of each kind, without the first.
    pub(super) counts: Counts,
    /// Of all bytes before this line, in hexadecimal digits.
    pub(super) sha256: String,
}
