//! One group with its numbers: a hundred at a time, by state and by digits.

use actix_web::http::StatusCode;
use maud::{Markup, html};

use super::pools::{self, encoded};
use super::visit::Visit;
use super::{Outcome, PATH, words};
use crate::domain::state::PoolHealth;
use crate::domain::tables::FoundNumber;
use crate::domain::{GroupName, GroupRules, Number, NumberFilter, NumberState, Policy, Seconds, Sharing, Timestamp};
use crate::store::Error;

/// How many numbers a page has.
const ROWS: usize = 100;
/// How many are looked at for one page: of a filter that fewer pass, the page is short and leads on.
const LOOKED_AT: usize = 200_000;
/// How many are asked for at a time.
const AT_A_TIME: usize = 10_000;

/// What of the group is shown.
struct Wanted {
    group: Option<GroupName>,
    state: Option<NumberState>,
    /// Digits that the number or its DNID contains.
    text: String,
    after: Option<Number>,
}

impl Wanted {
    fn of(visit: &Visit<'_>) -> Option<Self> {
        let fields = &visit.fields;
        let group = match fields.given("name") {
            Some(name) => Some(GroupName::new(name).ok()?),
            None => None,
        };
        let state = words::STATES.into_iter().find(|state| words::state(*state) == fields.get("state"));
        let after = Number::new(fields.get("after")).ok();
        Some(Self { group, state, text: fields.get("text").to_owned(), after })
    }

    /// The address of the same from another number on.
    fn address(&self, after: Option<Number>) -> String {
        let mut address = format!("{PATH}/group?text={}", encoded(&self.text));
        let state = self.state.map(words::state).map(str::to_owned);
        let name = self.group.as_ref().map(|group| encoded(group.as_str()));
        let after = after.map(|after| encoded(&after.to_string()));
        for (field, value) in [("name", name), ("state", state), ("after", after)] {
            if let Some(value) = value {
                address.push_str(&format!("&{field}={value}"));
            }
        }
        address
    }

    fn takes(&self, found: &FoundNumber) -> bool {
        let record = &found.record;
        self.text.is_empty() || [record.number, record.dnid].iter().any(|it| it.to_string().contains(&self.text))
    }

    /// The numbers of a page, and after which one there is more.
    async fn rows(&self, visit: &Visit<'_>) -> Result<(Vec<FoundNumber>, Option<Number>), Error> {
        let filter = NumberFilter { group: Some(self.group.clone()), state: self.state, ..NumberFilter::default() };
        // Without digits to look for, the store ends a page where it is full.
        let at_a_time = if self.text.is_empty() { ROWS + 1 } else { AT_A_TIME };
        let (mut rows, mut after) = (Vec::new(), self.after);
        for _ in 0..LOOKED_AT / AT_A_TIME {
            let part = visit.store.numbers_after(visit.scope(), &filter, after, at_a_time).await?;
            for found in part.items {
                if self.takes(&found) {
                    if rows.len() == ROWS {
                        return Ok((rows, after));
                    }
                    after = Some(found.record.number);
                    rows.push(found);
                }
            }
            let Some(next) = part.next else { return Ok((rows, None)) };
            after = Some(next);
        }
        Ok((rows, after))
    }
}

/// The page of a group.
pub(super) async fn show(visit: &Visit<'_>) -> Outcome {
    let Some(wanted) = Wanted::of(visit) else { return Ok(unknown(visit)) };
    let pool = match &wanted.group {
        Some(group) => visit.store.group(visit.scope(), group).await?,
        None => visit.store.groups_after(visit.scope(), None, 1).await?.items.pop().filter(|it| it.group.is_none()),
    };
    let Some(pool) = pool else { return Ok(unknown(visit)) };
    let (rows, next) = wanted.rows(visit).await?;
    let rules = visit.rules(wanted.group.as_ref());
    let name = pools::name(wanted.group.as_ref());
    let body = html! {
        p .way { a href=(PATH) { "Pools" } " /" }
        h1 { (name) }
        div #group data-live { (head(&pool, &rules)) }
        (filter(&wanted))
        div #numbers data-live { (list(visit, &wanted, &rules, &rows, next)) }
    };
    Ok(visit.page(name, &body))
}

fn unknown(visit: &Visit<'_>) -> crate::dialect::Answer {
    let text =
        "No number is in it and the configuration does not name it. It may have been emptied since the page before.";
    visit.problem(StatusCode::NOT_FOUND, "There is no such group", text)
}

fn head(pool: &PoolHealth, rules: &GroupRules) -> Markup {
    html! {
        @if pools::is_exhausted(pool) { (pools::banner(pool)) }
        div .head {
            (pools::bar(pool))
            dl .figures {
                @for (state, count) in pools::counts(pool) {
                    div { dt { svg width="10" height="10" aria-hidden="true" { rect class=(words::state(state)) width="10" height="10" rx="2" {} } (words::state(state)) } dd { (count) } }
                }
                div { dt { "level" } dd { (pools::level(pool)) } }
                div { dt { "next free" } dd { (pool.next_release.map_or("-".to_owned(), |left| format!("in {}", words::span(left)))) } }
            }
            p .rules { (told(rules)) }
        }
    }
}

/// How a group lends, in a sentence.
fn told(rules: &GroupRules) -> String {
    let next = match rules.policy {
        Policy::RoundRobin => "the one after the last",
        Policy::Random => "any free one",
        Policy::LeastRecentlyFreed => "the one that has been free for longest",
    };
    let shared = match rules.sharing {
        Sharing::Exclusive => "A number serves one interaction at a time",
        Sharing::Shared => "A number serves many interactions at a time, told apart by code or caller",
    };
    let rest = match rules.cool_down {
        none if none == Seconds::new(0) => "it does not rest afterwards".to_owned(),
        rest => format!("it rests for {} afterwards", words::span(rest)),
    };
    format!("{shared}; {rest}. The next that is lent is {next}.")
}

fn filter(wanted: &Wanted) -> Markup {
    html! {
        form .filter action={ (PATH) "/group" } {
            @if let Some(group) = &wanted.group { input type="hidden" name="name" value=(group); }
            div {
                label for="state" { "State" }
                select #state name="state" {
                    option value="" { "any" }
                    @for state in words::STATES {
                        option value=(words::state(state)) selected[wanted.state == Some(state)] { (words::state(state)) }
                    }
                }
            }
            div {
                label for="text" { "Number or DNID contains" }
                input #text type="search" name="text" value=(wanted.text) inputmode="tel" autocomplete="off";
            }
            button { "Show" }
        }
    }
}

fn list(visit: &Visit<'_>, wanted: &Wanted, rules: &GroupRules, rows: &[FoundNumber], next: Option<Number>) -> Markup {
    let now = visit.now();
    html! {
        @if rows.is_empty() {
            p .empty { @if next.is_some() { "None of those that were looked at." } @else { "No number is like that." } }
        } @else {
            form method="post" action={ (PATH) "/number" } {
                (visit.hidden())
                input type="hidden" name="back" value=(wanted.address(wanted.after));
                div .scroll role="region" aria-label="Numbers" tabindex="0" {
                    table {
                        thead {
                            tr {
                                th scope="col" { "Number" }
                                th scope="col" { "DNID" }
                                th scope="col" { "State" }
                                th scope="col" { "Lent to" }
                                th scope="col" { "Since" }
                                th scope="col" { "Left" }
                                @if visit.may_change() { th scope="col" { "Change" } }
                            }
                        }
                        tbody { @for found in rows { (row(visit, found, rules, now)) } }
                    }
                }
            }
        }
        p .pages {
            @if wanted.after.is_some() { a href=(wanted.address(None)) { "First page" } " " }
            @if let Some(next) = next { a href=(wanted.address(Some(next))) rel="next" { "Next page" } }
        }
    }
}

fn row(visit: &Visit<'_>, found: &FoundNumber, rules: &GroupRules, now: Timestamp) -> Markup {
    let record = &found.record;
    let state = found.state(rules, now);
    html! {
        tr {
            th scope="row" { a href={ (PATH) "/find?q=" (encoded(&record.number.to_string())) } { (record.number) } }
            td { (record.dnid) }
            td {
                span .state .(words::state(state)) { (words::state(state)) }
                @if state == NumberState::Allocated && !record.enabled { " " span .tag { "disabled" } }
            }
            @match &found.allocation {
                Some(held) => {
                    td .long { a href={ (PATH) "/find?q=" (encoded(held.interaction.as_str())) } { (held.interaction) } }
                    td { (words::time(held.since)) }
                    td { (words::span(held.deadline.seconds_left(now))) }
                }
                None => { td {} td {} td {} }
            }
            @if visit.may_change() { td .actions { (actions(found)) } }
        }
    }
}

/// What can be done with a number. Each button says what it was made for, so that an old page does nothing to something new.
pub(super) fn actions(found: &FoundNumber) -> Markup {
    let (number, enabled) = (found.record.number, found.record.enabled);
    let button = |verb: &str, id: String, name: &str| {
        html! {
            button .quiet id={ (verb) "-" (number) } name="do" value={ (verb) " " (number) (id) }
                aria-label={ (name) " " (number) } { (name) }
        }
    };
    html! {
        @if let Some(held) = &found.allocation { (button("free", format!(" {}", held.id.0), "Free")) }
        @if enabled { (button("disable", String::new(), "Disable")) } @else { (button("enable", String::new(), "Enable")) }
        @if found.allocation.is_none() { (button("delete", String::new(), "Delete")) }
    }
}
