//! Why a call was not recognised, as a form, and the answer in sentences.

use actix_web::http::StatusCode;
use maud::{Markup, html};

use super::visit::Visit;
use super::{Outcome, PATH, answers, find, layout, words};
use crate::domain::explanation::{Near, Outcome as Told, Verdict};
use crate::domain::names::MAX_CODE_DIGITS;
use crate::domain::{Caller, Dialled, Explain, Explanation, Timestamp};
use crate::soap::datetime;
use crate::store::events::What;

/// Most calls that are listed.
const MOST_REFUSED: usize = 50;
const HOUR_MILLIS: u64 = 60 * 60 * 1000;

/// The form as it was filled in, with what is wrong at each field.
struct Form<'a> {
    dialled: &'a str,
    caller: &'a str,
    code: &'a str,
    at: &'a str,
    wrong: Vec<(&'static str, String)>,
}

impl<'a> Form<'a> {
    fn of(visit: &'a Visit<'_>) -> Self {
        let [dialled, caller, code, at] = ["dialled", "caller", "code", "at"].map(|name| visit.fields.get(name));
        Self { dialled, caller, code, at, wrong: Vec::new() }
    }

    fn is_empty(&self) -> bool {
        [self.dialled, self.caller, self.code, self.at].iter().all(|field| field.is_empty())
    }

    /// The call that is asked about; `None` where a field is wrong, which is noted.
    fn call(&mut self, now: Timestamp) -> Option<Explain> {
        let dialled = match Dialled::new(self.dialled) {
            Ok(dialled) => Some(dialled),
            Err(invalid) => self.object("dialled", invalid.to_string()),
        };
        let caller = match Some(self.caller).filter(|caller| !caller.is_empty()).map(Caller::new) {
            None => None,
            Some(Ok(caller)) => Some(caller),
            Some(Err(invalid)) => self.object("caller", invalid.to_string()),
        };
        let code = Some(self.code).filter(|code| !code.is_empty());
        if code.is_some_and(|code| code.chars().count() > MAX_CODE_DIGITS * 2) {
            self.object::<()>("code", format!("must have at most {} characters", MAX_CODE_DIGITS * 2));
        }
        let at = match self.at {
            "" => None,
            text => match read_time(text, now) {
                Some(at) if at <= now => Some(at),
                Some(_) => self.object("at", "must not be later than now".to_owned()),
                None => self
                    .object("at", "must be a time such as 2026-03-01 09:30:00, or 09:30 of today, in UTC".to_owned()),
            },
        };
        let call = dialled.map(|dialled| Explain { dialled, caller, code: code.map(str::to_owned), at });
        call.filter(|_| self.wrong.is_empty())
    }

    fn object<T>(&mut self, field: &'static str, why: String) -> Option<T> {
        self.wrong.push((field, why));
        None
    }

    fn why(&self, field: &str) -> Option<&str> {
        self.wrong.iter().find(|(wrong, _)| *wrong == field).map(|(_, why)| why.as_str())
    }
}

/// A point in time as people write it: with a date or of today, with seconds or without, in UTC where no zone is said.
fn read_time(text: &str, now: Timestamp) -> Option<Timestamp> {
    let text = text.replacen(' ', "T", 1);
    let dated = if text.contains('T') { text } else { format!("{}T{text}", &now.to_string()[..10]) };
    let (_, clock) = dated.split_once('T')?;
    let without_seconds = clock.len() == 5;
    datetime::read(&if without_seconds { format!("{dated}:00") } else { dated })
}

/// The form and, where it is filled in, the answer.
pub(super) async fn show(visit: &Visit<'_>) -> Outcome {
    let mut form = Form::of(visit);
    let call = if form.is_empty() { None } else { form.call(visit.now()) };
    let told = match &call {
        Some(call) => Some(visit.store.explain(visit.scope(), call).await?),
        None => None,
    };
    let status = if form.wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let title = "Why was a call not recognised?";
    let body = html! {
        h1 { (title) }
        @if !form.wrong.is_empty() {
            p .notice .refused role="alert" { "The form is not filled in right: see below." }
        }
        (fields(visit, &form))
        @match &told {
            Some(told) => { (answer(told)) }
            None => { div #refused data-live { (refused(visit)) } }
        }
    };
    Ok(answers::page(status, layout::page(visit, title, &body)))
}

/// The calls of the last hour that were not recognised, as far as this gateway was asked, each with a way to its explanation.
fn refused(visit: &Visit<'_>) -> Markup {
    let hour_ago = Timestamp::from_millis(visit.now().as_millis().saturating_sub(HOUR_MILLIS));
    let events = visit.store.events().refused_since(visit.scope(), hour_ago, MOST_REFUSED);
    html! {
        h2 { "Not recognised in the last hour" }
        @if events.is_empty() { p .empty { "None that this gateway was asked about." } } @else {
            div .scroll role="region" aria-label="Calls that were not recognised" tabindex="0" {
                table {
                    thead {
                        tr {
                            th scope="col" { "Time" } th scope="col" { "Dialled" } th scope="col" { "Caller" }
                            th scope="col" { "Reason" } th scope="col" { "More" }
                        }
                    }
                    tbody {
                        @for event in &events {
                            @if let What::Refused { number, caller, miss } = &event.what {
                                tr {
                                    th scope="row" { (words::time(event.at)) }
                                    td { (number) }
                                    td { (caller.as_ref().map_or("not told", Caller::as_str)) }
                                    td { (words::miss(*miss)) }
                                    td {
                                        a href=(find::why(&number.to_string(), caller.as_ref(), Some(event.at)))
                                            aria-label={ "Explain the call to " (number) " at " (words::plain_time(event.at)) } { "Explain" }
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

fn fields(visit: &Visit<'_>, form: &Form<'_>) -> Markup {
    html! {
        // A code does not belong into addresses, which browsers remember.
        form .explain method="post" action={ (PATH) "/explain" } {
            (visit.hidden())
            (field(form, "dialled", "Dialled number", "As the switch tells it: number, DNID or hotline", form.dialled, true))
            (field(form, "caller", "Caller's number", "Left empty: not told", form.caller, false))
            (field(form, "code", "Code", "What the caller typed; left empty: none", form.code, false))
            (field(form, "at", "Time in UTC", "Such as 2026-03-01 09:30:00; left empty: now", form.at, false))
            button .primary { "Explain" }
        }
    }
}

fn field(form: &Form<'_>, name: &'static str, label: &str, hint: &str, value: &str, required: bool) -> Markup {
    let why = form.why(name);
    let described = if why.is_some() { format!("{name}-why {name}-hint") } else { format!("{name}-hint") };
    html! {
        div .field {
            label for=(name) { (label) }
            input id=(name) name=(name) value=(value) required[required] autocomplete="off" spellcheck="false"
                aria-describedby=(described) aria-invalid=[why.map(|_| "true")];
            @if let Some(why) = why { p .why id={ (name) "-why" } { (why) } }
            p .hint id={ (name) "-hint" } { (hint) }
        }
    }
}

fn answer(told: &Explanation) -> Markup {
    let recognised = matches!(told.outcome, Told::Recognised);
    html! {
        section .answer aria-labelledby="answer" {
            h2 #answer { (outcome(told.outcome)) }
            p .sentence .good[recognised] { (told.sentence) "." }
            @if !told.near.is_empty() {
                h2 { "What was near" }
                ol .near { @for near in &told.near { (near_by(near, &told.sentence)) } }
            }
            @if told.more { p .hint { "There is more than could be looked through." } }
            @if let Some(from) = told.history_from {
                p .hint { "What ended before " (words::time(from)) " is no longer known." }
            }
        }
    }
}

/// An allocation near the call; what the answer has said of it already is not said again.
fn near_by(near: &Near, said: &str) -> Markup {
    let allocation = &near.held.allocation;
    html! {
        li {
            span .state .lent[near.held.ended.is_none()] { (verdict(near.verdict)) }
            @if said.ends_with(&near.sentence) {
                " " strong { (allocation.number) } " lent to " (allocation.interaction)
            } @else {
                p { (near.sentence) "." }
            }
            p .hint {
                a href=(find::address(allocation.interaction.as_str())) { "The interaction" } ", "
                a href=(find::address(&allocation.number.to_string())) { "the number" }
            }
        }
    }
}

const fn outcome(outcome: Told) -> &'static str {
    match outcome {
        Told::Recognised => "The call is recognised",
        Told::Ambiguous => "Several calls fit",
        Told::Late => "The call came late",
        Told::Missed(_) => "The call is not recognised",
    }
}

const fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Recognised => "recognised",
        Verdict::OneOfSeveral => "fits, as others do",
        Verdict::RecognisedLate => "recognised where late calls are",
        Verdict::WrongCode => "wrong code",
        Verdict::WrongCaller => "another caller",
        Verdict::TooLate => "too late",
        Verdict::Ended => "had ended",
        Verdict::TooEarly => "lent later",
        Verdict::OtherNumber => "another number",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_may_be_of_today_and_without_seconds() {
        let now = Timestamp::from_millis(1_700_000_000_000);
        for (text, told) in [
            ("2023-11-14 09:30:01", Some("2023-11-14T09:30:01.000Z")),
            ("2023-11-14T09:30:01+01:00", Some("2023-11-14T08:30:01.000Z")),
            ("2023-11-14 09:30", Some("2023-11-14T09:30:00.000Z")),
            ("09:30", Some("2023-11-14T09:30:00.000Z")),
            ("09:30:05", Some("2023-11-14T09:30:05.000Z")),
            ("yesterday", None),
            ("2023-11-14", None),
            ("9:30", None),
        ] {
            assert_eq!(read_time(text, now).map(|at| at.to_string()).as_deref(), told, "{text}");
        }
    }
}
