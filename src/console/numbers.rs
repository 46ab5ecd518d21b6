//! What people change about a number: free it, enable or disable it, delete it.
//!
//! A form says what it was made for: the allocation that is to end, the state that it saw. So a double click frees once, and
//! a page that is out of date is told so instead of changing what has changed meanwhile.

use actix_web::http::StatusCode;
use maud::html;

use super::sessions::Notice;
use super::visit::Visit;
use super::{Outcome, PATH, answers, layout, words};
use crate::domain::{AllocationId, HistoryQuery, Number, NumberPatch, Refusal};
use crate::store::Error;
use crate::text::unsigned;

/// What a button asks for.
enum Wish {
    Free(AllocationId),
    Enable(bool),
    Delete,
    /// As [`Self::Delete`], and asked twice.
    DeleteSurely,
}

/// The wish that a button's value says, and for which number.
fn wish(text: &str) -> Option<(Wish, Number)> {
    let mut parts = text.split(' ');
    let (verb, number, id) = (parts.next()?, parts.next()?, parts.next());
    let wish = match (verb, id) {
        ("free", Some(id)) => Wish::Free(AllocationId(unsigned(id)?)),
        ("enable", None) => Wish::Enable(true),
        ("disable", None) => Wish::Enable(false),
        ("delete", None) => Wish::Delete,
        ("delete-surely", None) => Wish::DeleteSurely,
        _ => return None,
    };
    parts.next().is_none().then_some((wish, Number::new(number).ok()?))
}

/// Does what a button asks for, and leads back with word of it.
pub(super) async fn change(visit: &Visit<'_>) -> Outcome {
    if !visit.may_change() {
        return Ok(visit.refused());
    }
    let Some((wish, number)) = wish(visit.fields.raw("do")) else {
        let text = "The form asks for nothing that can be done. Load the page again.";
        return Ok(visit.problem(StatusCode::UNPROCESSABLE_ENTITY, "Nothing was changed", text));
    };
    let notice = match wish {
        Wish::Delete => return Ok(ask(visit, number)),
        Wish::DeleteSurely => delete(visit, number).await?,
        Wish::Enable(enabled) => enable(visit, number, enabled).await?,
        Wish::Free(id) => free(visit, number, id).await?,
    };
    Ok(visit.return_with(notice))
}

async fn free(visit: &Visit<'_>, number: Number, id: AllocationId) -> Result<Notice, Error> {
    match visit.store.free_allocation(visit.scope(), id).await {
        Ok(ended) => Ok(Notice::Done(format!("{} is no longer lent to {}.", ended.number, ended.interaction))),
        Err(Error::Refused(Refusal::AllocationUnknown(_))) => ended_before(visit, number, id).await,
        Err(error) => Err(error),
    }
}

/// That an allocation had ended already, and how.
async fn ended_before(visit: &Visit<'_>, number: Number, id: AllocationId) -> Result<Notice, Error> {
    let query = HistoryQuery { number, from: None, to: None, after: None, limit: 20 };
    let page = visit.store.history(visit.scope(), query).await?;
    let ended = page.entries.iter().find(|held| held.allocation.id == id).and_then(|held| held.ended);
    let how = ended.map(|(at, end)| format!(" at {} ({})", words::plain_time(at), words::end(end)));
    let how = how.unwrap_or_default();
    Ok(stale(&format!("the allocation of {number} had ended{how}, and nothing else was freed")))
}

async fn enable(visit: &Visit<'_>, number: Number, enabled: bool) -> Result<Notice, Error> {
    let word = if enabled { "enabled" } else { "disabled" };
    match visit.store.number(visit.scope(), number).await? {
        None => return Ok(gone(number)),
        Some(found) if found.record.enabled == enabled => {
            return Ok(stale(&format!("{number} is {word} already")));
        }
        Some(_) => {}
    }
    let patch = NumberPatch { enabled: Some(enabled), ..NumberPatch::default() };
    match visit.store.update_number(visit.scope(), number, patch).await {
        Ok(_) => Ok(Notice::Done(format!("{number} is {word}."))),
        Err(Error::Refused(Refusal::NumberUnknown(_))) => Ok(gone(number)),
        Err(error) => Err(error),
    }
}

async fn delete(visit: &Visit<'_>, number: Number) -> Result<Notice, Error> {
    match visit.store.delete_number(visit.scope(), number).await {
        Ok(()) => Ok(Notice::Done(format!("{number} is deleted."))),
        Err(Error::Refused(Refusal::NumberUnknown(_))) => Ok(gone(number)),
        Err(Error::Refused(Refusal::NumberAllocated(_))) => {
            Ok(Notice::Refused(format!("{number} is lent, so it was not deleted. Free it first.")))
        }
        Err(error) => Err(error),
    }
}

/// That a page was out of date, and nothing was changed.
fn stale(why: &str) -> Notice {
    Notice::Refused(format!("The page was out of date: {why}. Nothing was changed."))
}

fn gone(number: Number) -> Notice {
    stale(&format!("there is no number {number} any more"))
}

/// Asks whether a number is really to go.
fn ask(visit: &Visit<'_>, number: Number) -> crate::dialect::Answer {
    let title = format!("Delete {number}?");
    let body = html! {
        h1 { (title) }
        p { "It is lent to nobody from then on, and a call to it is no longer recognised. Who held it before stays known." }
        form .ask method="post" action={ (PATH) "/number" } {
            (visit.hidden())
            input type="hidden" name="back" value=(visit.back());
            button .danger name="do" value={ "delete-surely " (number) } { "Delete it" }
            " " a href=(visit.back()) { "Keep it" }
        }
    };
    answers::page(StatusCode::OK, layout::page(visit, &title, &body))
}
