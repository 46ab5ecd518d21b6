//! How the groups stand: what is free and what is not, where it gets tight, and why nothing is lent where nothing is.

use maud::{Markup, html};

use super::visit::Visit;
use super::{Outcome, PATH, words};
use crate::domain::state::PoolHealth;
use crate::domain::{GroupName, NumberState, Sharing};

/// Most groups on a page.
const MOST: usize = 1_000;
/// From which part of the lendable numbers a group is filling up, and from which it is nearly used up, in percent.
const FILLING: usize = 75;
const NEARLY_USED_UP: usize = 90;

/// The page of all groups.
pub(super) async fn show(visit: &Visit<'_>) -> Outcome {
    let after = visit.fields.given("after").and_then(|name| GroupName::new(name).ok()).map(Some);
    let part = visit.store.groups_after(visit.scope(), after, MOST).await?;
    let numbers: usize = part.items.iter().map(PoolHealth::total).sum();
    let exhausted: Vec<_> = part.items.iter().filter(|pool| is_exhausted(pool)).collect();
    let body = html! {
        h1 { "Pools" }
        // What is told aloud changes only when another group runs empty, and not with every second that is left.
        p #alarms .unseen role="status" data-live {
            @for pool in &exhausted { "Exhausted: " (name(pool.group.as_ref())) ". " }
        }
        div #pools data-live {
            @for pool in &exhausted { (banner(pool)) }
            @if part.items.is_empty() {
                p .empty { "There are no groups yet: numbers make them, and the configuration names them." }
            } @else {
                p .summary {
                    (words::count(part.items.len(), "group")) " with " (words::count(numbers, "number")) ". " (legend())
                }
                (table(&part.items))
            }
            @if let Some(Some(last)) = &part.next {
                p { a href={ (PATH) "?after=" (encoded(last.as_str())) } { "More groups" } }
            }
        }
    };
    Ok(visit.page("Pools", &body))
}

fn table(pools: &[PoolHealth]) -> Markup {
    html! {
        div .scroll role="region" aria-label="Groups" tabindex="0" {
            table .pools {
                thead {
                    tr {
                        th scope="col" { "Group" }
                        th scope="col" .bar-column { "Numbers" }
                        th scope="col" { "Level" }
                        @for state in words::STATES {
                            th scope="col" .count .wide[rare(state)] { (words::state(state)) }
                        }
                        th scope="col" { "Next free" }
                    }
                }
                tbody { @for pool in pools { (row(pool)) } }
            }
        }
    }
}

fn row(pool: &PoolHealth) -> Markup {
    html! {
        tr {
            th scope="row" {
                a href=(address(pool.group.as_ref())) { (name(pool.group.as_ref())) }
                @if pool.sharing == Sharing::Shared { " " span .tag { "shared" } }
            }
            td .bar-column { (bar(pool)) }
            td { (level(pool)) }
            @for (state, count) in counts(pool) { td .count .wide[rare(state)] { (count) } }
            td { (next_free(pool)) }
        }
    }
}

/// States that a narrow screen has no room for; the bar has them.
const fn rare(state: NumberState) -> bool {
    matches!(state, NumberState::Reserved | NumberState::Disabled)
}

/// What people call a group.
pub(super) fn name(group: Option<&GroupName>) -> &str {
    group.map_or("(no group)", GroupName::as_str)
}

/// Where the page of a group is.
pub(super) fn address(group: Option<&GroupName>) -> String {
    match group {
        Some(group) => format!("{PATH}/group?name={}", encoded(group.as_str())),
        None => format!("{PATH}/group"),
    }
}

/// A text as a value in a query.
pub(super) fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// How many numbers of a group are in each state.
pub(super) fn counts(pool: &PoolHealth) -> [(NumberState, usize); 5] {
    let PoolHealth { free, allocated, cooling, reserved, disabled, .. } = *pool;
    let counts = [free, allocated, cooling, reserved, disabled];
    std::array::from_fn(|place| (words::STATES[place], counts[place]))
}

/// The numbers of a group as parts of a bar.
pub(super) fn bar(pool: &PoolHealth) -> Markup {
    let total = pool.total().max(1);
    let told: Vec<_> = counts(pool).into_iter().filter(|(_, count)| *count > 0).collect();
    let label: Vec<_> = told.iter().map(|(state, count)| format!("{count} {}", words::state(*state))).collect();
    let label = if label.is_empty() { "no numbers".to_owned() } else { label.join(", ") };
    // What is busy comes first, so that a full bar is a full group.
    let free = |(state, _): &&(NumberState, usize)| *state == NumberState::Free;
    let (last, first): (Vec<_>, Vec<_>) = told.iter().partition(free);
    let mut begin = 0;
    let parts = first.into_iter().chain(last).map(|(state, count)| {
        let part = (words::state(state), percent(begin, total), percent(count, total));
        begin += count;
        part
    });
    html! {
        svg .bar role="img" aria-label=(label) width="100%" height="14" {
            @for (state, x, width) in parts { rect class=(state) x=(x) width=(width) height="14" {} }
        }
    }
}

fn percent(part: usize, total: usize) -> String {
    format!("{:.2}%", part as f64 * 100.0 / total as f64)
}

/// What the colours of bars stand for.
pub(super) fn legend() -> Markup {
    html! {
        span .legend {
            @for state in words::STATES {
                span .key { svg width="10" height="10" aria-hidden="true" { rect class=(words::state(state)) width="10" height="10" rx="2" {} } (words::state(state)) }
            }
        }
    }
}

/// How much of what may be lent is lent or rests, in a word where it matters.
pub(super) fn level(pool: &PoolHealth) -> Markup {
    let percent = pool.utilisation();
    html! {
        @if is_exhausted(pool) {
            span .level .exhausted { "exhausted" }
        } @else if pool.total() == 0 {
            span .level { "no numbers" }
        } @else if pool.sharing == Sharing::Shared {
            span .level { (words::count(pool.allocations, "allocation")) }
        } @else if percent >= NEARLY_USED_UP {
            span .level .high { (percent) " %, nearly used up" }
        } @else if percent >= FILLING {
            span .level .filling { (percent) " %, filling" }
        } @else {
            span .level { (percent) " %" }
        }
    }
}

fn next_free(pool: &PoolHealth) -> Markup {
    html! {
        @match pool.next_release {
            Some(left) => { "in " (words::span(left)) }
            None => { span .nothing { "-" } }
        }
    }
}

/// Whether the group has numbers and can lend none. A shared number that is lent can be lent again.
pub(super) fn is_exhausted(pool: &PoolHealth) -> bool {
    let lends = pool.free > 0 || pool.sharing == Sharing::Shared && pool.allocated > 0;
    pool.total() > 0 && !lends
}

/// Says that a group is exhausted, and why.
pub(super) fn banner(pool: &PoolHealth) -> Markup {
    html! {
        div .banner {
            strong { "Exhausted: " a href=(address(pool.group.as_ref())) { (name(pool.group.as_ref())) } }
            p { (reason(pool)) }
        }
    }
}

/// Why an exhausted group lends nothing.
fn reason(pool: &PoolHealth) -> String {
    let busy = counts(pool).into_iter().filter(|(_, count)| *count > 0);
    let parts: Vec<_> = busy.map(|(state, count)| format!("{count} {}", words::state(state))).collect();
    let back = match pool.next_release {
        Some(left) => format!("the next comes back in {}", words::span(left)),
        None => "none comes back by itself".to_owned(),
    };
    let oldest = pool.oldest.as_ref().map(|oldest| {
        let (number, lasted) = (oldest.allocation.number, words::span(oldest.lasted));
        format!(" The oldest allocation is that of {number}: {lasted}.")
    });
    format!(
        "Of {} none is free: {}; {back}.{}",
        words::count(pool.total(), "number"),
        parts.join(", "),
        oldest.unwrap_or_default()
    )
}
