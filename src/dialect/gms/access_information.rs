//! Access information: what an application is given so that its caller can reach the contact center.
//!
//! request-access and request-interaction lend it by the same parameters and answer with the same members; they differ
//! only in whose it is. A parameter that the request leaves out takes the value of the service's section, else the
//! built-in one.

use super::answer::Members;
use super::error::Error;
use super::parameters::{Parameters, time_to_live};
use crate::config::Service;
use crate::domain::state::{Holder, Lend, Lent, Repeat, Source};
use crate::domain::{Caller, CodeShape, GroupName, Origin, Seconds};

/// The group where neither the request nor the service's section names one.
const USUAL_GROUP: &str = "DNIS";
/// The booking time where nobody names one, and in place of a wrong one.
const USUAL_BOOKING: Seconds = Seconds::new(30);
/// The booking times that can be asked for, in seconds.
const BOOKING: std::ops::RangeInclusive<u64> = 5..=1800;

/// What the parameters of a request ask for, on behalf of `holder`. `interaction_ttl` is how long an interaction lives.
///
/// # Errors
/// [`Error::Parameter`] for a value that cannot be used.
pub(super) fn read(
    parameters: Parameters,
    holder: Holder,
    service: &Service,
    interaction_ttl: Seconds,
) -> Result<Lend, Error> {
    let code = code(&parameters, service)?;
    Ok(Lend {
        holder,
        source: Source::Group { name: group(&parameters, service)?, fallbacks: Vec::new() },
        origin: Origin::Gms,
        repeat: Repeat::AnotherNumber,
        lasting: booking(&parameters, service)?,
        interaction_ttl,
        code,
        caller: parameters.parse("_phone_number", Caller::new)?,
        data_ttl: parameters.text("_ttl")?.map(time_to_live).or(service.ttl),
        data: parameters.user_data()?,
    })
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

fn group(parameters: &Parameters, service: &Service) -> Result<GroupName, Error> {
    let asked = parameters.parse("_resource_group", GroupName::new)?.or_else(|| service.resource_group.clone());
    Ok(asked.unwrap_or_else(|| GroupName::new(USUAL_GROUP).expect("four letters are a valid name")))
}

/// The code's length if a code is wanted. A wrong length is refused also where no code is.
fn code(parameters: &Parameters, service: &Service) -> Result<Option<CodeShape>, Error> {
    const ALLOWED: &str = "must be a whole number from 1 to 16";
    let asked = parameters.text("_access_code_length")?.map(|text| text.parse().ok().and_then(shape));
    let length = match asked {
        Some(length) => length.ok_or_else(|| Error::parameter("_access_code_length", ALLOWED))?,
        None => service.access_code_length.map(u64::from).and_then(shape).unwrap_or(CodeShape::DEFAULT),
    };
    let wanted = parameters.flag("_provide_code")?.or(service.provide_code).unwrap_or(false);
    Ok(wanted.then_some(length))
}

/// How long the number is lent. A wrong time is no error in GMS: the booking then lasts 30 s, whatever is configured.
fn booking(parameters: &Parameters, service: &Service) -> Result<Seconds, Error> {
    let asked = parameters.text("_booking_expiration_timeout")?.map(|text| {
        let seconds = text.parse().ok().filter(|seconds| BOOKING.contains(seconds));
        seconds.map_or(USUAL_BOOKING, Seconds::new)
    });
    Ok(asked.or(service.booking_expiration_timeout).unwrap_or(USUAL_BOOKING))
}
fn shape(length: u64) -> Option<CodeShape> {
    CodeShape::new(length, None).ok()
}
