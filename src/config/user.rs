//! `[[tenant.users]]` and `[[admin.users]]`: people who sign in with a name and a password, and what each of them may do.

use std::collections::{BTreeMap, BTreeSet};

use super::PasswordHash;
use super::section::Section;
use super::tenant::label;

/// Users by their names.
pub type Users = BTreeMap<String, User>;

/// A user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The hash of the password.
    pub hash: PasswordHash,
    /// What the user may do.
    pub role: Role,
}

/// What a user may do; each role may do what those before it may.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Look at everything but the audit, and change nothing.
    Viewer,
    /// Change whatever the interfaces can change.
    #[default]
    Operator,
    /// Read the audit as well.
    Admin,
}

impl Role {
    /// All roles, the one that may do least first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Operator, Self::Admin];

    /// The word for it in the configuration and in answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }

    /// Whether it may change or free anything.
    pub const fn may_change(self) -> bool {
        matches!(self, Self::Operator | Self::Admin)
    }
}

/// Reads the users of a section. `whose` says whom they belong to, and `taken` what is wrong with a name that others have.
pub(super) fn read(section: &mut Section<'_>, whose: &str, taken: impl Fn(&str) -> Option<String>) -> Users {
    let mut names = BTreeSet::new();
    let roles = Role::ALL.map(|role| (role.name(), role));
    let users = section.sections("users", |section| {
        section.require("name");
        section.require("password_hash");
        let name = section.text("name", label);
        let hash = section.secret("password_hash", PasswordHash::new);
        let role = section.choice("role", &roles).unwrap_or_default();
        if let Some(name) = &name {
            if !names.insert(name.clone()) {
                section.problem("name", format!("is the name of another user of {whose} too"));
            } else if let Some(text) = taken(name) {
                section.problem("name", text);
            }
        }
        Some((name?, User { hash: hash?, role }))
    });
    users.into_iter().collect()
}
