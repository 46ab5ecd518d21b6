//! Access information: what an application is given so that its caller can reach the contact center.
//!
//! request-access and request-interaction lend it by the same parameters and answer with the same members; they differ
//! only in whose it is. A parameter that the request leaves out takes the value of the service's section, else the
//! group's where it has one, else the built-in one.

use super::answer::Members;
use super::error::Error;
use super::parameters::{Parameters, time_to_live};
use crate::config::{AccessCodePrefix, Service, Tenant};
use crate::domain::code::InvalidShape;
use crate::domain::state::{Holder, Lend, Lent, PoolHealth, Repeat, Source};
use crate::domain::{Caller, CodeShape, GroupName, LentBy, Seconds};

/// The group where neither the request nor the service's section names one.
const USUAL_GROUP: &str = "DNIS";
/// The booking time where nobody names one, and in place of a wrong one.
const USUAL_BOOKING: Seconds = Seconds::new(30);
/// The booking times that can be asked for, in seconds.
const BOOKING: std::ops::RangeInclusive<u64> = 5..=1800;
/// The lengths of an access code, in digits.
const LENGTHS: std::ops::RangeInclusive<u64> = 1..=16;

/// What the configuration says of a request.
#[derive(Clone, Copy)]
pub(super) struct Terms<'a> {
    /// Whose request it is.
    pub(super) tenant: &'a Tenant,
    /// The section of the service that is called.
    pub(super) service: &'a Service,
    /// How long an interaction lives after its last use.
    pub(super) interaction_ttl: Seconds,
}

/// What a request asks for.
pub(super) struct LendRequest {
    /// The number, and whose it is to be.
    pub(super) lend: Lend,
    /// Whether the answer is to tell how the group is.
    pub(super) pool_health: bool,
}

/// What the parameters of a request ask for, on behalf of `holder`.
///
/// # Errors
/// [`Error::Parameter`] for a value that cannot be used; [`Error::PrefixFillsCode`] and [`Error::PrefixIsNoNumber`].
pub(super) fn read(parameters: Parameters, holder: Holder, terms: Terms<'_>) -> Result<LendRequest, Error> {
    let Terms { tenant, service, interaction_ttl } = terms;
    let group = group(&parameters, service)?;
    let renew = parameters.flag("_renew")?.or(service.renew).unwrap_or(false);
    let lasting = booking(&parameters, terms, &group)?;
    let pool_health = parameters.flag("_return_pool_health")?.or(service.return_pool_health).unwrap_or(false);
    let lend = Lend {
        holder,
        source: Source::Group { fallbacks: tenant.fallbacks(&group), name: group },
        origin: LentBy::Gms,
        repeat: if renew { Repeat::SameNumberOfGroup } else { Repeat::AnotherNumber },
        lasting,
        interaction_ttl,
        code: code(&parameters, terms)?,
        caller: parameters.parse("_phone_number", Caller::new)?.or_else(|| service.phone_number.clone()),
        data_ttl: parameters.text("_ttl")?.map(time_to_live).or(service.ttl),
        data: parameters.user_data()?,
        application: None,
    };
    Ok(LendRequest { lend, pool_health })
}

/// The members of the answer: number, code if one was asked for, time left, and whose they are.
pub(super) fn members(lent: &Lent) -> Members {
    let members = Members::default()
        .with("_access_number", &lent.allocation.number)
        .with("_expiration_time", &lent.seconds_left.get())
        .with("_id", &lent.interaction.id);
    match &lent.allocation.code {
        Some(code) => members.with("_access_code", code.as_str()),
        None => members,
    }
}

/// The members by which an answer tells how a group is. Times are in whole seconds, and left out where nothing of the
/// group is booked.
pub(super) fn health(pool: &PoolHealth) -> Members {
    let members = Members::default()
        .with("group", pool.group.as_ref().map_or("", |group| group.as_str()))
        .with("total", &pool.total())
        .with("free", &pool.free)
        .with("allocated", &pool.allocated)
        .with("cooling", &pool.cooling)
        .with("reserved", &pool.reserved)
        .with("disabled", &pool.disabled)
        .with("bookings", &pool.allocations)
        .with("utilisation", &pool.utilisation());
    let members = match &pool.oldest {
        Some(oldest) => members.with("oldest_booking", &oldest.lasted.get()),
        None => members,
    };
    match pool.next_release {
        Some(next) => members.with("next_release", &next.get()),
        None => members,
    }
}

fn group(parameters: &Parameters, service: &Service) -> Result<GroupName, Error> {
    let asked = parameters.parse("_resource_group", GroupName::new)?.or_else(|| service.resource_group.clone());
    Ok(asked.unwrap_or_else(|| GroupName::new(USUAL_GROUP).expect("four letters are a valid name")))
}

/// The code's shape if a code is wanted. A wrong length is refused also where no code is.
fn code(parameters: &Parameters, terms: Terms<'_>) -> Result<Option<CodeShape>, Error> {
    let asked = parameters.text("_access_code_length")?.map(length).transpose()?;
    let length = asked.or(terms.service.access_code_length.map(u64::from));
    let length = length.unwrap_or_else(|| u64::from(CodeShape::DEFAULT.length()));
    if !parameters.flag("_provide_code")?.or(terms.service.provide_code).unwrap_or(false) {
        return Ok(None);
    }
    let prefix = match &terms.tenant.gms.access_code_prefix {
        None => None,
        Some(AccessCodePrefix::Usable(prefix)) => Some(*prefix),
        Some(AccessCodePrefix::NoNumber(digits)) => return Err(Error::PrefixIsNoNumber(digits.clone())),
    };
    CodeShape::new(length, prefix).map(Some).map_err(|invalid| match invalid {
        InvalidShape::Length => wrong_length(),
        InvalidShape::Prefix => Error::PrefixFillsCode,
    })
}

fn length(text: &str) -> Result<u64, Error> {
    text.parse().ok().filter(|length| LENGTHS.contains(length)).ok_or_else(wrong_length)
}

fn wrong_length() -> Error {
    Error::parameter("_access_code_length", "must be a whole number from 1 to 16")
}

/// How long the number is lent. A wrong time is no error in GMS: the booking then lasts 30 s, whatever is configured.
fn booking(parameters: &Parameters, terms: Terms<'_>, group: &GroupName) -> Result<Seconds, Error> {
    let asked = parameters.text("_booking_expiration_timeout")?.map(|text| {
        let seconds = text.parse().ok().filter(|seconds| BOOKING.contains(seconds));
        seconds.map_or(USUAL_BOOKING, Seconds::new)
    });
    let of_group = || terms.tenant.group(group)?.booking_expiration_timeout;
    Ok(asked.or(terms.service.booking_expiration_timeout).or_else(of_group).unwrap_or(USUAL_BOOKING))
}
