//! Resolving calls, however they are asked about: JSON and SOAP share this and differ only in telling it.

use crate::dialect::native::framework::error::Failure;
use crate::dialect::native::framework::operation::RequestContext;
use crate::domain::refusal::Miss;
use crate::domain::{Evidence, Refusal, Resolve};
use crate::store::{Recognised, Resolved};

/// What becomes of a call that is resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::dialect::native) enum Purpose {
    /// It is looked at.
    Look,
    /// Its number is freed, if it is certain whose call it is.
    Take,
}

impl From<Option<bool>> for Purpose {
    fn from(take: Option<bool>) -> Self {
        if take.unwrap_or_default() { Self::Take } else { Self::Look }
    }
}

/// Why a candidate is one, in a word that stays.
pub(in crate::dialect::native) fn reason(found: &Recognised) -> &'static str {
    match found.candidate.evidence {
        _ if found.candidate.late => "late",
        Evidence::Number => "number",
        Evidence::Caller => "number-and-caller",
        Evidence::Code => "number-and-code",
        Evidence::CodeAndCaller => "number-code-and-caller",
    }
}

/// How sure it is that the call belongs to a candidate: low for a late call and where others fit as well, high where the
/// code or the caller's number was right, medium where the number alone tells.
pub(in crate::dialect::native) fn confidence(found: &Recognised, resolved: &Resolved) -> &'static str {
    match found.candidate.evidence {
        _ if found.candidate.late || is_ambiguous(resolved) => "low",
        Evidence::Number => "medium",
        Evidence::Caller | Evidence::Code | Evidence::CodeAndCaller => "high",
    }
}

/// Whether several candidates fit, so that nobody can tell whose call it is.
pub(in crate::dialect::native) fn is_ambiguous(resolved: &Resolved) -> bool {
    resolved.candidates.len() > 1
}

/// Resolves a call.
///
/// A look comes first even where the call is to be taken: it tells which number is meant, and so whose guesses a wrong
/// code counts among, and `deliverable` may refuse an answer that could not be told, before anything is freed.
///
/// # Errors
/// [`Failure::Role`] where the caller may not take it; [`Failure::TooManyGuesses`]; [`Refusal::NoMatch`] where neither a candidate nor a route was found; and whatever
/// `deliverable` says.
pub(in crate::dialect::native) async fn resolve(
    context: &RequestContext<'_>,
    call: Resolve,
    purpose: Purpose,
    deliverable: impl Fn(&Resolved) -> Result<(), Failure>,
) -> Result<Resolved, Failure> {
    if purpose == Purpose::Take {
        context.may_change()?;
    }
    let limit = context.settings.gms.guesses;
    let seen = context.store.resolve(context.scope(), &call).await?;
    if let Some(number) = seen.number {
        let guess = context.guesses.begin(context.scope(), number, call.code.as_deref(), call.caller.as_ref(), limit);
        guess.map_err(|retry_after| Failure::TooManyGuesses { retry_after })?.ended(seen.miss);
    }
    let resolved = match purpose {
        Purpose::Take if !seen.candidates.is_empty() => {
            deliverable(&seen)?;
            context.store.take_call(context.scope(), call).await?
        }
        Purpose::Take | Purpose::Look => seen,
    };
    if resolved.is_empty() {
        return Err(Refusal::NoMatch(resolved.miss.unwrap_or(Miss::NotLent)).into());
    }
    Ok(resolved)
}
