//! What is known as lines of JSON, one struct for each kind: what a dump is made of, and what a database has beside the
//! typed columns. A change of a member here is a change of the format.
//!
//! A line tells of one thing, whole; how lines follow each other is for whoever writes or reads them.

mod audit;
mod bytes;
mod call_center;
mod change;
mod remembered;
mod usage;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use audit::AuditLine;
pub(crate) use bytes::Bytes;
use call_center::{NumberingLine, RouteLine, SigningKeyLine, SkillLine};
pub(crate) use remembered::PastMembers;
use remembered::{ForgottenLine, KeyLine, PastLine};
use usage::{UnusedLine, UsageLine, UsedLine};

use crate::domain::{
    AccessCode, Allocation, AllocationId, ApplicationName, Caller, DocumentId, EnvironmentName, GroupName,
    InteractionId, LentBy, Number, NumberId, Ownership, Sharing, TenantId, Timestamp, ValueId,
};

/// How many lines of each kind there are.
pub type Counts = BTreeMap<LineKind, u64>;

/// What the first line calls itself.
pub(crate) const FORMAT: &str = "dnis-gateway-dump";
/// The format written today. The first number changes when older releases could misread a dump, the second when
/// something is added.
pub(crate) const VERSION: &str = "1.1";
/// The major version that this release reads.
pub(crate) const MAJOR: &str = "1";
/// Longest line that is read, in bytes; the longest that is written is far shorter.
pub(crate) const MAX_LINE_BYTES: u64 = 1024 * 1024;
/// Bytes of a large value in one line.
pub(crate) const PIECE_BYTES: usize = 48 * 1024;

/// The first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Always `dnis-gateway-dump`.
    pub(crate) kind: String,
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
pub(crate) enum Line {
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
    Audit(AuditLine),
    Usage(UsageLine),
    Used(UsedLine),
    Unused(UnusedLine),
    End(End),
}

impl Line {
    /// Reads a line.
    ///
    /// # Errors
    /// It is none that this release understands.
    pub(crate) fn from_json(json: &str) -> Result<Self, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    /// The line as it is written.
    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a line has only names as keys, and nothing in it fails to be written")
    }

    /// The line's kind.
    pub(crate) fn kind(&self) -> LineKind {
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
            Self::Audit(_) => LineKind::Audit,
            Self::Usage(_) => LineKind::Usage,
            Self::Used(_) => LineKind::Used,
            Self::Unused(_) => LineKind::Unused,
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
    /// What somebody did.
    Audit,
    /// What a group is used for in the quarter of an hour that runs.
    Usage,
    /// What a group was used for in a quarter of an hour, or an hour, that is over.
    Used,
    /// Up to where what groups were used for is forgotten.
    Unused,
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
pub(crate) struct Counters {
    pub(crate) number: u64,
    pub(crate) allocation: u64,
    pub(crate) interaction: u64,
    pub(crate) value: u64,
}

/// The last ids given out in a scope.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct IdsLine {
    pub(crate) tenant: TenantId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) environment: Option<EnvironmentName>,
    pub(crate) number: u64,
    pub(crate) allocation: u64,
    pub(crate) interaction: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NumberLine {
    pub(crate) tenant: TenantId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) environment: Option<EnvironmentName>,
    pub(crate) number: Number,
    pub(crate) id: NumberId,
    pub(crate) dnid: Number,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) group: Option<GroupName>,
    pub(crate) enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) freed: Option<Freed>,
}

/// The end of the number's last allocation.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Freed {
    pub(crate) at_ms: Timestamp,
    pub(crate) allocation: AllocationId,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct InteractionLine {
    pub(crate) tenant: TenantId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) environment: Option<EnvironmentName>,
    pub(crate) id: InteractionId,
    pub(crate) document: DocumentId,
    pub(crate) since_ms: Timestamp,
    /// Not there where it never ends by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) deadline_ms: Option<Timestamp>,
    /// Not there where it is nobody's, as everything is in a dump that an older release made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) application: Option<ApplicationName>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AllocationLine {
    pub(crate) tenant: TenantId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) environment: Option<EnvironmentName>,
    pub(crate) id: AllocationId,
    pub(crate) number: Number,
    pub(crate) interaction: InteractionId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<AccessCode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) caller: Option<Caller>,
    pub(crate) origin: LentBy,
    /// Not there where none is known, as in a dump that an older release made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) application: Option<ApplicationName>,
    pub(crate) sharing: Sharing,
    pub(crate) since_ms: Timestamp,
    pub(crate) deadline_ms: Timestamp,
}

impl AllocationLine {
    /// The allocation that the line tells of.
    fn allocation(self) -> Allocation {
        let Self { id, number, interaction, code, caller, origin, application, sharing, .. } = self;
        let (since, deadline) = (self.since_ms, self.deadline_ms);
        Allocation { id, number, interaction, code, caller, origin, application, sharing, since, deadline }
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DocumentLine {
    pub(crate) tenant: TenantId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) environment: Option<EnvironmentName>,
    pub(crate) id: DocumentId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) interaction: Option<InteractionId>,
    pub(crate) kept_until_ms: Timestamp,
    pub(crate) ownership: Ownership,
    /// Not there where it is nobody's, as everything is in a dump that an older release made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) application: Option<ApplicationName>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EntryLine {
    pub(crate) tenant: TenantId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) environment: Option<EnvironmentName>,
    pub(crate) document: DocumentId,
    pub(crate) key: String,
    /// Not there for a text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<FileLine>,
    /// The value, if it is a text and small; one of this and the two members below is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<String>,
    /// The value, if it is a file and small.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) base64: Option<Bytes>,
    /// Where the value is, if it is large.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) value: Option<Large>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileLine {
    pub(crate) media_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
}

/// The value is in lines of its own.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Large {
    pub(crate) id: ValueId,
    pub(crate) length: u64,
}

/// A piece of a large value.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ValueLine {
    pub(crate) id: ValueId,
    /// Of the whole value.
    pub(crate) length: u64,
    pub(crate) offset: u64,
    pub(crate) base64: Bytes,
}

/// The last line.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct End {
    /// How many lines come before.
    pub(crate) lines: u64,
    /// How many of each kind, without the first.
    pub(crate) counts: Counts,
    /// Of all bytes before this line, in hexadecimal digits.
    pub(crate) sha256: String,
}
