//! Who is calling, or why nobody was let in.

use std::fmt;
use std::net::IpAddr;

use crate::config::{ApplicationKind, Role, Settings, Tenant};
use crate::domain::audit::Actor;
use crate::domain::{ApplicationName, Scope, Seconds};

/// A caller whose credentials were right, under the settings of the call.
#[derive(Clone, Debug)]
pub struct Principal<'s> {
    /// Whose call it is.
    pub tenant: &'s Tenant,
    /// Whose data the call is about.
    pub scope: Scope,
    /// How the caller is known.
    pub identity: Identity,
    /// What the caller may do; that of an operator where the call asks for no user, since its key or pair says what it opens.
    pub role: Role,
    /// What the role is of.
    pub extent: Extent,
}

impl Principal<'_> {
    /// Whether the caller may change or free anything.
    pub const fn may_change(&self) -> bool {
        self.role.may_change()
    }

    /// Who the audit says it was that came from `source`; `None` for callers who are no users.
    pub fn actor(&self, source: IpAddr) -> Option<Actor> {
        let user = self.identity.user()?;
        Some(Actor::person(user, self.identity.application(), Some(source.to_canonical().to_string().into())))
    }

    /// Whether the caller may read who changed what.
    pub fn sees_audit(&self) -> bool {
        self.role == Role::Admin
    }

    /// Whether the caller may see what is about the gateway itself: its members, its store, its configuration. That is who
    /// sees all tenants, and an admin of the tenant where there is no other.
    pub fn sees_gateway(&self, settings: &Settings) -> bool {
        self.extent == Extent::Gateway || self.role == Role::Admin && settings.tenants.len() == 1
    }
}

/// What a role is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// One tenant.
    Tenant,
    /// The gateway, and so every tenant.
    Gateway,
}

/// How a caller is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// By an application's key and, where the call needs one, a user's password.
    Application {
        /// The application's name in the configuration.
        name: ApplicationName,
        /// What its key opens.
        kind: ApplicationKind,
        /// The verified user; `None` where no user was asked for.
        user: Option<String>,
    },
    /// By a token of the AICC application that has this key.
    AiccApplication(String),
    /// By Basic authentication, as this user.
    Basic(String),
    /// Not at all: the configuration lets such calls in.
    Anonymous,
}

impl Identity {
    /// The user whose password was verified, if one was.
    pub fn user(&self) -> Option<&str> {
        match self {
            Self::Application { user, .. } => user.as_deref(),
            Self::Basic(user) => Some(user),
            Self::AiccApplication(_) | Self::Anonymous => None,
        }
    }

    /// The application whose key was presented, if one was.
    pub fn application(&self) -> Option<ApplicationName> {
        match self {
            Self::Application { name, .. } => Some(name.clone()),
            Self::AiccApplication(_) | Self::Basic(_) | Self::Anonymous => None,
        }
    }
}

/// What an Interact call is about to do, which decides the credentials it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// Lend a number: the key of an interaction application, or the dnis key.
    Allocate,
    /// See an allocation: the dnis key.
    Get,
    /// End an allocation: the dnis key and a user.
    Free,
    /// Make a number: the dnis key and a user.
    Create,
    /// List or read numbers: the dnis key and a user.
    Read,
    /// Change or delete numbers: the dnis key and a user.
    Manage,
}

impl Right {
    /// The kinds of keys that open it.
    pub(super) const fn keys(self) -> &'static [ApplicationKind] {
        match self {
            Self::Allocate => &[ApplicationKind::Interaction, ApplicationKind::Dnis],
            Self::Get | Self::Free | Self::Create | Self::Read | Self::Manage => &[ApplicationKind::Dnis],
        }
    }

    /// Whether a user must be verified too.
    pub(super) const fn users(self) -> Users {
        match self {
            Self::Allocate | Self::Get => Users::Ignored,
            Self::Free | Self::Create | Self::Read | Self::Manage => Users::Required,
        }
    }

    /// What it does to things.
    pub(super) const fn effect(self) -> Effect {
        match self {
            Self::Get | Self::Read => Effect::Reads,
            Self::Allocate | Self::Free | Self::Create | Self::Manage => Effect::Changes,
        }
    }
}

/// What a call does to things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It changes nothing.
    Reads,
    /// It changes, makes or frees something.
    Changes,
}

/// What the user headers mean for a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Users {
    /// They are not looked at.
    Ignored,
    /// They may be left out, and must be right when they are there.
    Optional,
    /// They must be there and right.
    Required,
}

/// A part of the GMS interface that can have credentials of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GmsSection<'a> {
    /// The service with this execution name, or an instance of it.
    Service(&'a str),
    /// The Storage API.
    Storage,
}

/// Nobody was let in. The answer is the same for every cause; the cause is for logs and metrics alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied {
    /// What the caller is told.
    pub refusal: Refusal,
    /// Why, for logs and metrics.
    pub cause: Cause,
}

/// What a caller who is not let in is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The credentials are missing or wrong; the realm is for dialects that challenge with Basic.
    Unauthorized {
        /// The realm of the challenge; the same whatever credentials were given.
        realm: String,
    },
    /// Too many attempts; the credentials were not looked at.
    TooManyAttempts {
        /// When to try again, at least one second.
        retry_after: Seconds,
    },
}

/// Why nobody was let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// No credentials, or not all that the call needs.
    Missing,
    /// Credentials that cannot be read: twice, not Base64, not UTF-8.
    Malformed,
    /// A tenant that is not configured.
    UnknownTenant,
    /// A key that none of the tenant's applications has.
    WrongKey,
    /// The right key of an application, but not of a kind that opens this.
    WrongKindOfKey,
    /// No environment, or one that the tenant does not have.
    Environment,
    /// An unknown user or a wrong password.
    WrongPassword,
    /// A user whose role does not allow it.
    Role,
    /// The source had too many failures just before.
    Blocked,
    /// More attempts are waiting for verification than may wait.
    Busy,
    /// A token that the gateway did not make, or that no longer names an application of the configuration.
    Token,
    /// A token whose time is over.
    ExpiredToken,
    /// A token beside the key of another application.
    KeyOfAnother,
    /// Right credentials of a tenant whose account is suspended.
    Suspended,
}

impl Cause {
    /// All causes in the order of their declaration, for metrics that want to start at zero.
    pub const ALL: [Self; 14] = [
        Self::Missing,
        Self::Malformed,
        Self::UnknownTenant,
        Self::WrongKey,
        Self::WrongKindOfKey,
        Self::Environment,
        Self::WrongPassword,
        Self::Role,
        Self::Blocked,
        Self::Busy,
        Self::Token,
        Self::ExpiredToken,
        Self::KeyOfAnother,
        Self::Suspended,
    ];

    /// The label in logs and metrics.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Malformed => "malformed",
            Self::UnknownTenant => "unknown_tenant",
            Self::WrongKey => "wrong_key",
            Self::WrongKindOfKey => "wrong_kind_of_key",
            Self::Environment => "environment",
            Self::WrongPassword => "wrong_password",
            Self::Role => "role",
            Self::Blocked => "blocked",
            Self::Busy => "busy",
            Self::Token => "token",
            Self::ExpiredToken => "expired_token",
            Self::KeyOfAnother => "key_of_another",
            Self::Suspended => "suspended",
        }
    }

    /// Whether it may have been a guess, which counts against the source. A header left out is a mistake, and a client
    /// that waits for the challenge before it sends its password makes it at every call.
    pub(super) const fn is_a_guess(self) -> bool {
        matches!(self, Self::UnknownTenant | Self::WrongKey | Self::WrongPassword)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}
