//! Access information: what an application is given so that its caller can reach the contact center.
//!
//! request-access and request-interaction lend it by the same parameters and answer with the same members; they differ
//! only in whose it is. A parameter that the request leaves out takes the value of the service's section, else the
//! group's where it has one, else the built-in one.

use super::Client;
use super::answer::Members;
use super::error::Error;
use super::parameters::{Parameters, time_to_live};
use crate::config::{Service, Settings};
use crate::dialect::lending::{self, BOOKING, NoCode, USUAL_BOOKING};
use crate::domain::code::InvalidShape;
use crate::domain::state::{Holder, Lend, Lent, PoolHealth};
use crate::domain::{Caller, CodeShape, GroupName, Seconds};

/// The lengths of an access code, in digits.
const LENGTHS: std::ops::RangeInclusive<u64> = 1..=16;

/// What the configuration says of a request.
#[derive(Clone, Copy)]
pub(super) struct Terms<'a> {
    /// Whose request it is.
    pub(super) client: &'a Client<'a>,
    /// The section of the service that is called.
    pub(super) service: &'a Service,
    /// The settings in force for the request.
    pub(super) settings: &'a Settings,
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
    let Terms { client: Client { tenant, asker, .. }, service, settings } = terms;
    let group = parameters.parse("_resource_group", GroupName::new)?.or_else(|| service.resource_group.clone());
    let lasting = lasting(&parameters)?.or(service.booking_expiration_timeout);
    let lend = lending::booking(tenant, settings, asker.application.clone(), holder, group, lasting);
    let renew = parameters.flag("_renew")?.or(service.renew).unwrap_or(false);
    let pool_health = parameters.flag("_return_pool_health")?.or(service.return_pool_health).unwrap_or(false);
    let lend = Lend {
        repeat: lending::repeat(renew),
        code: code(&parameters, terms)?,
        caller: parameters.parse("_phone_number", Caller::new)?.or_else(|| service.phone_number.clone()),
        data_ttl: parameters.text("_ttl")?.map(time_to_live).or(service.ttl),
        data: parameters.user_data()?,
        ..lend
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

/// The code's shape if a code is wanted. A wrong length is refused also where no code is.
fn code(parameters: &Parameters, terms: Terms<'_>) -> Result<Option<CodeShape>, Error> {
    let asked = parameters.text("_access_code_length")?.map(length).transpose()?;
    let length = asked.or(terms.service.access_code_length.map(u64::from));
    let length = length.unwrap_or_else(|| u64::from(CodeShape::DEFAULT.length()));
    if !parameters.flag("_provide_code")?.or(terms.service.provide_code).unwrap_or(false) {
        return Ok(None);
    }
    lending::code_shape(terms.client.tenant, length).map(Some).map_err(|no_code| match no_code {
        NoCode::PrefixIsNoNumber(digits) => Error::PrefixIsNoNumber(digits.to_owned()),
        NoCode::Shape(InvalidShape::Length) => wrong_length(),
        NoCode::Shape(InvalidShape::Prefix) => Error::PrefixFillsCode,
    })
}

fn length(text: &str) -> Result<u64, Error> {
    text.parse().ok().filter(|length| LENGTHS.contains(length)).ok_or_else(wrong_length)
}

fn wrong_length() -> Error {
    Error::parameter("_access_code_length", "must be a whole number from 1 to 16")
}

/// How long a request wants the number. A wrong time is no error in GMS: the booking then lasts 30 s, whatever is
/// configured.
fn lasting(parameters: &Parameters) -> Result<Option<Seconds>, Error> {
    Ok(parameters.text("_booking_expiration_timeout")?.map(|text| {
        let seconds = text.parse().ok().filter(|seconds| BOOKING.contains(seconds));
        seconds.map_or(USUAL_BOOKING, Seconds::new)
    }))
}
