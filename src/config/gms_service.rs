//! `[tenant.gms.service.NAME]`: a GMS service under an execution name, with the options of its section.
//!
//! Every option has the name that it has in GMS; what begins without an underscore, apart from the credentials, is the
//! gateway's own. A service takes only the options that mean something to it.

use super::Credentials;
use super::gms::YEAR;
use super::section::Section;
use super::tenant::KnownGroups;
use crate::domain::{Caller, GroupName, InteractionId, InvalidName, Seconds};

/// The statuses that an answer with a body can have.
const STATUSES: std::ops::RangeInclusive<u16> = 200..=599;

/// A service: a built-in one under an execution name, with the values that requests may leave out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// What the service does, `_service`.
    pub built_in: BuiltIn,
    /// `_id`: the instance that request-access works for.
    pub id: Option<InteractionId>,
    /// `_phone_number`: the caller's own number.
    pub phone_number: Option<Caller>,
    /// `_access_number`: the number that match-interaction takes for the dialled one.
    pub access_number: Option<String>,
    /// `_access_code`: the code that match-interaction takes for the caller's.
    pub access_code: Option<String>,
    /// `_resource_group`.
    pub resource_group: Option<GroupName>,
    /// `_provide_code`.
    pub provide_code: Option<bool>,
    /// `_access_code_length`, 1 to 16 digits.
    pub access_code_length: Option<u8>,
    /// `_booking_expiration_timeout`, 5 to 1800 s.
    pub booking_expiration_timeout: Option<Seconds>,
    /// `_ttl`.
    pub ttl: Option<Seconds>,
    /// `_return_pool_health`.
    pub return_pool_health: Option<bool>,
    /// `renew`: a second request-access for one instance and group extends its booking instead of adding one.
    pub renew: Option<bool>,
    /// `late_calls`: match-interaction recognises a call that comes while the number rests after its booking has expired.
    pub late_calls: Option<bool>,
    /// `_online_code`: the status by which `get` says that the gateway is ready. Default 200.
    pub online_code: u16,
    /// `_offline_code`: the status by which `get` says that it is not. Default 503.
    pub offline_code: u16,
    /// The pair of this service.
    pub credentials: Credentials,
}

/// The services that GMS brings along, as far as the gateway has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BuiltIn {
    /// Lends a number for an interaction.
    RequestAccess,
    /// Makes an interaction and lends a number for it.
    RequestInteraction,
    /// Recognises the interaction that a call belongs to.
    MatchInteraction,
    /// Says whether the gateway is ready.
    Get,
}

impl BuiltIn {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::RequestAccess, Self::RequestInteraction, Self::MatchInteraction, Self::Get];

    /// Those that deal with numbers; they are there without any configuration.
    pub const OF_NUMBERS: [Self; 3] = [Self::RequestAccess, Self::RequestInteraction, Self::MatchInteraction];

    /// The name that GMS gives it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RequestAccess => "request-access",
            Self::RequestInteraction => "request-interaction",
            Self::MatchInteraction => "match-interaction",
            Self::Get => "get",
        }
    }

    /// Reads the name that GMS gives it.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        BuiltIn::ALL.into_iter().find(|it| it.name() == text).ok_or_else(|| {
            let allowed = BuiltIn::ALL.map(|it| format!("\"{}\"", it.name())).join(" or ");
            let why = match text {
                "callback" | "request-chat" | "office-hours" | "capacity" | "query" => {
                    "; the gateway has the number services of GMS and no others"
                }
                url if url.contains("://") => "; the gateway runs no applications of an Orchestration Server",
                _ => "",
            };
            format!("must be {allowed}{why}")
        })
    }
}

impl Service {
    /// The service as it is without any option.
    pub fn new(built_in: BuiltIn) -> Self {
        Self {
            built_in,
            id: None,
            phone_number: None,
            access_number: None,
            access_code: None,
            resource_group: None,
            provide_code: None,
            access_code_length: None,
            booking_expiration_timeout: None,
            ttl: None,
            return_pool_health: None,
            renew: None,
            late_calls: None,
            online_code: 200,
            offline_code: 503,
            credentials: Credentials::default(),
        }
    }

    /// Reads the service called `name`, which needs to say what it does unless it has the name of a built-in one.
    pub(super) fn read(
        section: &mut Section<'_>,
        name: &str,
        credentials: Credentials,
        groups: &KnownGroups,
    ) -> Option<Self> {
        section.text("_type", service_type);
        let service = section.text("_service", BuiltIn::read);
        // Releases before 8.5.1 call it so.
        let service = service.or(section.text("_name", BuiltIn::read));
        let by_name = BuiltIn::ALL.into_iter().find(|it| it.name() == name);
        if by_name.is_none() && !section.has("_name") {
            section.require("_service");
        }
        let built_in = service.or(by_name);
        if name.is_empty() || name.contains('/') {
            section.problem("_service", "cannot be called: the name of a service must be one segment of a path");
        }
        // Where nobody knows what the service is, no option is held against it.
        let mut read = built_in.map_or_else(|| Self::new(BuiltIn::RequestAccess), Self::new);
        let is = |one: BuiltIn| built_in.is_none_or(|it| it == one);
        if is(BuiltIn::RequestAccess) {
            read.id = section.text("_id", InteractionId::new);
            read.renew = section.flag("renew");
        }
        if is(BuiltIn::RequestAccess) || is(BuiltIn::RequestInteraction) {
            read.read_lending(section, groups);
        }
        if is(BuiltIn::MatchInteraction) {
            read.access_number = section.text("_access_number", criterion);
            read.access_code = section.text("_access_code", criterion);
            read.late_calls = section.flag("late_calls");
        }
        if !is(BuiltIn::Get) || built_in.is_none() {
            read.phone_number = section.text("_phone_number", Caller::new);
        }
        if is(BuiltIn::Get) {
            read.online_code = section.whole("_online_code", STATUSES).unwrap_or(read.online_code);
            read.offline_code = section.whole("_offline_code", STATUSES).unwrap_or(read.offline_code);
        }
        Some(Self { built_in: built_in?, credentials, ..read })
    }

    /// Reads the options of the services that lend.
    fn read_lending(&mut self, section: &mut Section<'_>, groups: &KnownGroups) {
        self.resource_group = section.text("_resource_group", |text| groups.read(text));
        self.provide_code = section.flag("_provide_code");
        self.access_code_length = section.whole("_access_code_length", 1..=16);
        self.booking_expiration_timeout = section.whole("_booking_expiration_timeout", 5..=1800).map(Seconds::new);
        self.ttl = section.whole("_ttl", 1..=YEAR).map(Seconds::new);
        self.return_pool_health = section.flag("_return_pool_health");
    }
}

fn service_type(text: &str) -> Result<(), &'static str> {
    match text {
        "builtin" => Ok(()),
        "ors" => {
            Err("must be \"builtin\"; services of type \"ors\" run on an Orchestration Server, which is not part of \
                      the gateway")
        }
        _ => Err("must be \"builtin\""),
    }
}

/// What a match is looked for by; the request that it stands in for would be trimmed too.
fn criterion(text: &str) -> Result<String, InvalidName> {
    super::tenant::label(text)
}
