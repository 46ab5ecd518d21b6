//! What a dialect asks of the store when it has a number lent: what is the same in all, and GMS's rules of groups, times
//! and codes, which the gateway's own API follows where it speaks of the same things.

use crate::config::{AccessCodePrefix, Settings, Tenant};
use crate::domain::code::InvalidShape;
use crate::domain::state::{Holder, Lend, Repeat, Source};
use crate::domain::{ApplicationName, CodeShape, GroupName, LentBy, Seconds};

/// The booking times that GMS lets callers ask for, in seconds.
pub(super) const BOOKING: std::ops::RangeInclusive<u64> = 5..=1800;
/// The booking time where nobody names one.
pub(super) const USUAL_BOOKING: Seconds = Seconds::new(30);
/// The group where nobody names one.
const USUAL_GROUP: &str = "DNIS";

/// Why a tenant's codes cannot have a length.
#[derive(Debug)]
pub(super) enum NoCode<'s> {
    /// What they are configured to begin with is no number; its digits.
    PrefixIsNoNumber(&'s str),
    /// There are none of that length, or the prefix leaves no digit to draw.
    Shape(InvalidShape),
}

/// A number for `holder` from `source`, another one at each request, without a code, a caller or data; as long as
/// Interact lends.
pub(super) fn lend(
    settings: &Settings,
    application: Option<ApplicationName>,
    origin: LentBy,
    holder: Holder,
    source: Source,
) -> Lend {
    Lend {
        holder,
        source,
        origin,
        repeat: Repeat::AnotherNumber,
        lasting: settings.interact.allocation_timeout,
        interaction_ttl: settings.gms.interaction_ttl,
        code: None,
        caller: None,
        data: Vec::new(),
        data_ttl: None,
        application,
    }
}

/// As [`lend`], as GMS lends: from a group or those that stand in for it, for the time that is asked for or, without
/// one, that the group has.
pub(super) fn booking(
    tenant: &Tenant,
    settings: &Settings,
    application: Option<ApplicationName>,
    holder: Holder,
    group: Option<GroupName>,
    lasting: Option<Seconds>,
) -> Lend {
    let name = group.unwrap_or_else(|| GroupName::new(USUAL_GROUP).expect("four letters are a valid name"));
    let of_group = || tenant.group(&name)?.booking_expiration_timeout;
    let lasting = lasting.or_else(of_group).unwrap_or(USUAL_BOOKING);
    let source = Source::Group { fallbacks: tenant.fallbacks(&name), name };
    Lend { lasting, ..lend(settings, application, LentBy::Gms, holder, source) }
}

/// What becomes of a second request of GMS: another number, unless the first one is to be renewed.
pub(super) const fn repeat(renew: bool) -> Repeat {
    if renew { Repeat::SameNumberOfGroup } else { Repeat::AnotherNumber }
}

/// The shape of codes of so many digits: they begin as all codes of the tenant do, so that gateways with prefixes of
/// their own never give out the same one.
///
/// # Errors
/// [`NoCode`].
pub(super) fn code_shape(tenant: &Tenant, length: u64) -> Result<CodeShape, NoCode<'_>> {
    let prefix = match &tenant.gms.access_code_prefix {
        None => None,
        Some(AccessCodePrefix::Usable(prefix)) => Some(*prefix),
        Some(AccessCodePrefix::NoNumber(digits)) => return Err(NoCode::PrefixIsNoNumber(digits)),
    };
    CodeShape::new(length, prefix).map_err(NoCode::Shape)
}
