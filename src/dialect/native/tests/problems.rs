//! How every problem is told, and that the page about them lists them all.

use std::fmt::Write as _;

use super::*;
use crate::access;
use crate::config::Role;
use crate::dialect::HttpRefusal;
use crate::dialect::native::framework::error::Failure;
use crate::dialect::native::framework::problem::{Problem, TYPE_PREFIX};
use crate::domain::refusal::{Miss, RouteRefusal};
use crate::domain::{AllocationId, DocumentId, GroupName, IdempotencyKey, InteractionId, Number, Refusal, RouteId};
use crate::media::Charset;

fn failures() -> Vec<Failure> {
    let number = Number::new("4711").unwrap();
    let group = GroupName::new("sales").unwrap();
    let document = DocumentId(uuid::Uuid::nil());
    let interaction = || InteractionId::new("visit 3").unwrap();
    let refused = [
        Refusal::NumberUnknown(number),
        Refusal::NumberExists(number),
        Refusal::NumberAllocated(number),
        Refusal::GroupUnknown(group.clone()),
        Refusal::AllocationUnknown(AllocationId(17)),
        Refusal::InteractionUnknown(interaction()),
        Refusal::InteractionExists(interaction()),
        Refusal::NoMatch(Miss::NotLent),
        Refusal::DocumentUnknown(document),
        Refusal::EntryUnknown(document),
        Refusal::DocumentsFull { limit: 1024 },
        Refusal::TooManyEntries { limit: 2 },
        Refusal::ValueTooLarge { limit: 512 },
        Refusal::Exhausted { group: Some(group), next_release: Some(Seconds::new(7)), pools: Vec::new() },
        Refusal::CodesUsedUp { length: 4 },
        Refusal::KeyReused(IdempotencyKey::new("k-1").unwrap()),
        Refusal::KeyExpired(IdempotencyKey::new("k-1").unwrap()),
        Refusal::Route(RouteRefusal::RouteUnknown(RouteId(7))),
        Refusal::Route(RouteRefusal::FlowForMultimedia),
    ];
    let own = [
        Failure::NoSuchPath,
        Failure::NoSuchMethod(vec![Method::GET, Method::HEAD]),
        Failure::MediaType("application/json"),
        Failure::Charset { wanted: "application/json", unread: Charset::named("koi8-r").unwrap_err() },
        Failure::Denied(access::Refusal::Unauthorized { realm: "never told".to_owned() }),
        Failure::Denied(access::Refusal::TooManyAttempts { retry_after: Seconds::new(60) }),
        Failure::Malformed("The body is empty; a JSON object is required".to_owned()),
        Failure::of_member("number", "must be a string"),
        Failure::TenantUnknown,
        Failure::ForOperator,
        Failure::Role(Role::Operator),
        Failure::Unavailable,
        Failure::Http(HttpRefusal::HeadTooLarge { limit: 16_384 }),
        Failure::Http(HttpRefusal::BodyTooLarge { limit: 65_536 }),
        Failure::Http(HttpRefusal::ContentCoding),
        Failure::Http(HttpRefusal::BodyUnreadable),
        Failure::Http(HttpRefusal::ForeignPage),
        Failure::Http(HttpRefusal::Crowded),
        Failure::Http(HttpRefusal::Panicked),
    ];
    own.into_iter().chain(refused.map(Failure::Refused)).collect()
}

#[test]
fn every_problem_is_told_in_these_words() {
    let mut told = String::new();
    for failure in failures() {
        let answer = failure.answer();
        let headers = answer.headers.iter().filter(|(name, _)| name != "content-type");
        write!(told, "{}", answer.status.as_u16()).unwrap();
        for (name, value) in headers {
            write!(told, " {name}: {}", value.to_str().unwrap()).unwrap();
        }
        writeln!(told, "\n{}\n", std::str::from_utf8(&answer.body).unwrap()).unwrap();
    }
    insta::assert_snapshot!(told);
}

/// The rows of the table of problems in the documentation: names and status.
fn documented() -> Vec<(String, u16)> {
    let page = include_str!("../../../../docs/native.md");
    let (_, table) = page.split_once("| name | status | when |\n").unwrap();
    let rows = table.lines().skip(1).map_while(|line| line.strip_prefix("| "));
    let mut documented = Vec::new();
    for row in rows {
        let (names, rest) = row.split_once(" | ").unwrap();
        let status = rest.split_once(" | ").unwrap().0.parse().unwrap();
        documented.extend(names.split('`').skip(1).step_by(2).map(|name| (format!("{TYPE_PREFIX}{name}"), status)));
    }
    documented.sort();
    documented
}

#[test]
fn the_documentation_lists_every_problem_with_its_status() {
    let mut known: Vec<_> = Problem::ALL.iter().map(|problem| (problem.kind(), problem.code())).collect();
    known.sort();
    assert_eq!(documented(), known);
}
