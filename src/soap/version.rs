//! The two versions of SOAP and what differs between them in words.

/// A version of SOAP, told by the namespace of its envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// SOAP 1.1, the version of both vendors' documents.
    V11,
    /// SOAP 1.2.
    V12,
}

impl Version {
    /// Both.
    pub const ALL: [Self; 2] = [Self::V11, Self::V12];

    /// The version whose envelope namespace this is.
    pub fn of_namespace(namespace: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.namespace() == namespace)
    }

    /// The namespace of the envelope.
    pub const fn namespace(self) -> &'static str {
        match self {
            Self::V11 => "http://schemas.xmlsoap.org/soap/envelope/",
            Self::V12 => "http://www.w3.org/2003/05/soap-envelope",
        }
    }

    /// The Content-Type an envelope of this version travels under.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::V11 => "text/xml; charset=UTF-8",
            Self::V12 => "application/soap+xml; charset=UTF-8",
        }
    }

    /// The prefix our answers use for the envelope namespace.
    pub(super) const fn prefix(self) -> &'static str {
        match self {
            Self::V11 => "SOAP-ENV",
            Self::V12 => "env",
        }
    }

    /// Whether a header block for this actor (1.1) or role (1.2) is for us: without one it is for the last receiver,
    /// which we are, and `next` means whoever receives.
    pub(super) fn addresses_us(self, actor: Option<&str>) -> bool {
        match (self, actor.map_or("", str::trim)) {
            (_, "") => true,
            (Self::V11, actor) => actor == "http://schemas.xmlsoap.org/soap/actor/next",
            (Self::V12, role) => matches!(
                role,
                "http://www.w3.org/2003/05/soap-envelope/role/next"
                    | "http://www.w3.org/2003/05/soap-envelope/role/ultimateReceiver"
            ),
        }
    }

    /// The attribute that says whom a header block is for.
    pub(super) const fn actor_attribute(self) -> &'static str {
        match self {
            Self::V11 => "actor",
            Self::V12 => "role",
        }
    }

    /// What a `mustUnderstand` attribute says; `None` for a value this version does not allow.
    pub(super) fn must_understand(self, value: &str) -> Option<bool> {
        match (self, value.trim()) {
            (_, "1") => Some(true),
            (_, "0") => Some(false),
            (Self::V12, "true") => Some(true),
            (Self::V12, "false") => Some(false),
            _ => None,
        }
    }
}
