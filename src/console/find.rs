//! The one box: a number, a DNID, a caller, a code or an id goes in, and whose call it is comes out.

use std::sync::Arc;

use actix_web::http::StatusCode;
use futures_util::future::try_join_all;
use maud::{Markup, html};

use super::pools::{self, encoded};
use super::sessions::Notice;
use super::visit::Visit;
use super::{Outcome, PATH, group, words};
use crate::domain::audit::{Action, Deed};
use crate::domain::document::{Loaded, LoadedValue};
use crate::domain::history::Held;
use crate::domain::tables::FoundNumber;
use crate::domain::{
    Allocation, AllocationId, Caller, Dialled, Explain, GroupName, HistoryFilter, HistoryQuery, HistorySearch,
    Interaction, InteractionId, Number, Refusal, Timestamp,
};
use crate::store::Error;
use crate::text::unsigned;

/// Most allocations on the page.
const MOST: usize = 100;

/// Everything that a text may mean.
#[derive(Default)]
struct Found {
    numbers: Vec<FoundNumber>,
    group: Option<GroupName>,
    interaction: Option<Arc<Interaction>>,
    calls: Vec<Held>,
    /// Whether there is more than is told.
    more: bool,
}

impl Found {
    /// Looks up everything that `text` may mean.
    async fn of(visit: &Visit<'_>, text: &str) -> Result<Self, Error> {
        let mut found = Self::default();
        found.look_at_numbers(visit, text).await?;
        found.look_at_ids(visit, text).await?;
        found.calls.sort_by_key(|held| (std::cmp::Reverse(held.allocation.id), held.ended.is_none()));
        found.calls.dedup_by_key(|held| held.allocation.id);
        found.more |= found.calls.len() > MOST;
        found.calls.truncate(MOST);
        Ok(found)
    }

    /// What the text is as something dialled, as a caller and as a code.
    async fn look_at_numbers(&mut self, visit: &Visit<'_>, text: &str) -> Result<(), Error> {
        if let Ok(dialled) = Dialled::new(text) {
            let call = Explain { dialled, code: Some(text.to_owned()), caller: Caller::new(text).ok(), at: None };
            let told = visit.store.explain(visit.scope(), &call).await?;
            self.more |= told.more;
            self.numbers.extend(told.numbers.into_iter().map(|number| number.found));
            self.calls.extend(told.near.into_iter().map(|near| near.held));
        }
        if let Ok(number) = Number::new(text) {
            let query = HistoryQuery { number, from: None, to: None, after: None, limit: MOST };
            let page = visit.store.history(visit.scope(), query).await?;
            self.more |= page.next.is_some();
            self.calls.extend(page.entries);
        }
        Ok(())
    }

    /// What the text is as the name or id of something.
    async fn look_at_ids(&mut self, visit: &Visit<'_>, text: &str) -> Result<(), Error> {
        let scope = visit.scope();
        let mut filters = Vec::new();
        if let Ok(id) = InteractionId::new(text) {
            self.interaction = visit.store.interaction(scope, &id).await?;
            filters.push(HistoryFilter { interaction: Some(id), ..HistoryFilter::default() });
        }
        if let Ok(caller) = Caller::new(text) {
            filters.push(HistoryFilter { caller: Some(caller), ..HistoryFilter::default() });
        }
        if let Some(id) = unsigned(text) {
            filters.push(HistoryFilter { allocation: Some(AllocationId(id)), ..HistoryFilter::default() });
        }
        // Each may go through all of the history, so they do it beside each other.
        let searches = filters.into_iter().map(|filter| {
            visit.store.search_history(scope, HistorySearch { filter, limit: MOST, ..HistorySearch::default() })
        });
        for page in try_join_all(searches).await? {
            self.more |= page.next.is_some();
            self.calls.extend(page.entries);
        }
        if let Ok(name) = GroupName::new(text) {
            self.group = visit.store.group(scope, &name).await?.and_then(|pool| pool.group);
        }
        Ok(())
    }

    fn is_empty(&self) -> bool {
        self.numbers.is_empty() && self.calls.is_empty() && self.interaction.is_none() && self.group.is_none()
    }
}

/// The user data of an interaction that is shown.
struct Shown {
    interaction: InteractionId,
    data: Loaded,
}

/// The page of the box, with what it finds.
pub(super) async fn show(visit: &Visit<'_>) -> Outcome {
    page(visit, None).await
}

/// The same with the user data of one interaction.
pub(super) async fn show_data(visit: &Visit<'_>) -> Outcome {
    let Ok(id) = InteractionId::new(visit.fields.get("interaction")) else {
        return Ok(visit.problem(
            StatusCode::UNPROCESSABLE_ENTITY,
            "There is nothing to show",
            "The form names no interaction.",
        ));
    };
    let data = match visit.store.interaction(visit.scope(), &id).await? {
        Some(interaction) => visit.store.document(visit.scope(), interaction.data.into()).await?,
        None => None,
    };
    match data {
        Some(data) => {
            // Before anything is shown: what is seen and not known of would be no use.
            visit.store.note(visit.scope(), Deed::new(Action::DataShown, &id)).await?;
            page(visit, Some(Shown { interaction: id, data })).await
        }
        None => Ok(visit.return_with(Notice::Refused(format!(
            "{}, so there is no data to show.",
            Refusal::InteractionUnknown(id)
        )))),
    }
}

async fn page(visit: &Visit<'_>, shown: Option<Shown>) -> Outcome {
    let text = visit.fields.get("q");
    let found = if text.is_empty() { None } else { Some(Found::of(visit, text).await?) };
    let body = html! {
        h1 { "Find a call" }
        form .find action={ (PATH) "/find" } {
            label for="q" { "Number, DNID, caller, code, interaction or allocation" }
            div .box {
                input #q type="search" name="q" value=(text) autofocus[text.is_empty()] autocomplete="off" spellcheck="false";
                button .primary { "Find" }
            }
        }
        @if let Some(found) = &found {
            // What is shown by a form is not asked for again.
            div #found data-live[shown.is_none()] { (results(visit, text, found, shown.as_ref())) }
        }
    };
    Ok(visit.page("Find a call", &body))
}

fn results(visit: &Visit<'_>, text: &str, found: &Found, shown: Option<&Shown>) -> Markup {
    html! {
        @if found.is_empty() {
            p .empty { "Nothing is known of " q { (text) } "." }
            @if Dialled::new(text).is_ok() { p { a href=(why(text, None, None)) { "Ask why a call to it was not recognised" } } }
        }
        @if let Some(group) = &found.group {
            p { "It is a group: " a href=(pools::address(Some(group))) { (group) } "." }
        }
        @if !found.numbers.is_empty() { (numbers(visit, text, &found.numbers)) }
        @if let Some(interaction) = &found.interaction {
            p { "The interaction " code { (interaction.id) } " has lived since " (words::time(interaction.since)) (maker(interaction)) "." }
        }
        @if !found.calls.is_empty() {
            h2 { "Calls" }
            @for held in &found.calls { (call(visit, text, held, shown)) }
            @if found.more { p .hint { "There is more than is listed here." } }
        } @else if let (Some(shown), Some(_)) = (shown, &found.interaction) {
            (data(&shown.data))
        } @else if let Some(interaction) = &found.interaction {
            (ask_for_data(visit, text, &interaction.id))
        }
    }
}

fn maker(interaction: &Interaction) -> Markup {
    html! { @if let Some(application) = &interaction.application { "; " (application) " made it" } }
}

fn numbers(visit: &Visit<'_>, text: &str, numbers: &[FoundNumber]) -> Markup {
    html! {
        h2 { "Numbers" }
        form method="post" action={ (PATH) "/number" } {
            (visit.hidden())
            input type="hidden" name="back" value=(address(text));
            ul .numbers {
                @for found in numbers {
                    @let record = &found.record;
                    @let state = found.state(&visit.rules(record.group.as_ref()), visit.now());
                    li {
                        strong { (record.number) }
                        @if record.dnid != record.number { " DNID " (record.dnid) }
                        " of " a href=(pools::address(record.group.as_ref())) { (pools::name(record.group.as_ref())) } " "
                        span .state .(words::state(state)) { (words::state(state)) }
                        @if visit.may_change() { span .actions { (group::actions(found)) } }
                    }
                }
            }
        }
    }
}

/// One allocation, running or ended.
fn call(visit: &Visit<'_>, text: &str, held: &Held, shown: Option<&Shown>) -> Markup {
    let allocation = &held.allocation;
    let now = visit.now();
    let shown = shown.filter(|shown| shown.interaction == allocation.interaction);
    html! {
        article .call .past[held.ended.is_some()] aria-labelledby={ "call-" (allocation.id.0) } {
            h3 id={ "call-" (allocation.id.0) } {
                (allocation.number) " "
                @match held.ended {
                    None => { span .state .lent { "lent, " (words::span(allocation.deadline.seconds_left(now))) " left" } }
                    Some((at, end)) => { span .state { (words::end(end)) } " " (words::time(at)) }
                }
            }
            dl {
                div { dt { "Interaction" } dd .long { a href=(address(allocation.interaction.as_str())) { (allocation.interaction) } } }
                div { dt { "Lent" } dd { (words::time(allocation.since)) " by " (words::lent_by(allocation.origin)) @if let Some(application) = &allocation.application { ", " (application) } } }
                div { dt { "Until" } dd { (words::time(held.ended.map_or(allocation.deadline, |(at, _)| at))) } }
                div { dt { "Caller" } dd { (allocation.caller.as_ref().map_or("not told", Caller::as_str)) } }
                div { dt { "Code" } dd { (code(allocation, shown)) } }
                div { dt { "Allocation" } dd { (allocation.id.0) } }
            }
            @if let Some(shown) = shown { (data(&shown.data)) }
            div .actions {
                @if held.ended.is_none() && visit.may_change() {
                    form method="post" action={ (PATH) "/number" } {
                        (visit.hidden())
                        input type="hidden" name="back" value=(address(text));
                        button id={ "end-" (allocation.id.0) } name="do" value={ "free " (allocation.number) " " (allocation.id.0) } { "Free " (allocation.number) }
                    }
                }
                @if held.ended.is_none() && shown.is_none() { (ask_for_data(visit, text, &allocation.interaction)) }
                a href=(why(&allocation.number.to_string(), allocation.caller.as_ref(), held.ended.map(|(at, _)| at))) { "Why was a call not recognised?" }
            }
        }
    }
}

/// The code that the caller must give: secret until it is shown with the data.
fn code(allocation: &Allocation, shown: Option<&Shown>) -> Markup {
    html! {
        @match (&allocation.code, shown) {
            (None, _) => { "none" }
            (Some(code), Some(_)) => { code { (code.as_str()) } }
            (Some(code), None) => { span .secret { (words::count(code.as_str().len(), "digit")) } }
        }
    }
}

fn ask_for_data(visit: &Visit<'_>, text: &str, interaction: &InteractionId) -> Markup {
    html! {
        form method="post" action={ (PATH) "/data" } {
            (visit.hidden())
            input type="hidden" name="q" value=(text);
            input type="hidden" name="back" value=(address(text));
            input type="hidden" name="interaction" value=(interaction);
            button .quiet { "Show data and code" }
        }
    }
}

fn data(loaded: &Loaded) -> Markup {
    html! {
        @if loaded.entries.is_empty() { p .empty { "There is no user data." } } @else {
            div .scroll role="region" aria-label="User data" tabindex="0" {
                table .data {
                    thead { tr { th scope="col" { "Key" } th scope="col" { "Value" } } }
                    tbody {
                        @for (key, value) in &loaded.entries {
                            tr {
                                th scope="row" { (key.as_str()) }
                                td .text {
                                    @match value {
                                        LoadedValue::Text(text) => { (text) }
                                        LoadedValue::File { label, length } => {
                                            "file " (label.name().unwrap_or("without a name")) ", " (label.media_type()) ", " (length) " bytes"
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Where the box is with a text in it.
pub(super) fn address(text: &str) -> String {
    format!("{PATH}/find?q={}", encoded(text))
}

/// Where it is told why a call was not recognised.
pub(super) fn why(dialled: &str, caller: Option<&Caller>, at: Option<Timestamp>) -> String {
    let caller = caller.map(|caller| format!("&caller={}", encoded(caller.as_str()))).unwrap_or_default();
    let at = at.map(|at| format!("&at={}", encoded(&words::plain_time(at)))).unwrap_or_default();
    format!("{PATH}/explain?dialled={}{caller}{at}", encoded(dialled))
}
