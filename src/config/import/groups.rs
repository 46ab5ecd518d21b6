//! Pools: the sections in the Annex of the list object `GMS_Resources`, one for each group.
//!
//! The keys that begin with an underscore are options of the group; every other one holds numbers: one, several with
//! commas between them, or a range `first-last`. A key without a value is itself the number.

use std::collections::BTreeSet;

use super::Conversion;
use super::options::{Export, Opt, Section};
use crate::domain::{GroupName, Number};
use crate::text::is_digits;

/// Most numbers that one range may stand for; a longer one is a slip.
const MOST_IN_A_RANGE: u64 = 100_000;

/// Whether a section describes a pool: it has a pool's options, or nothing but numbers.
pub(super) fn is_pool(section: &Section) -> bool {
    let (options, numbers): (Vec<&Opt>, Vec<&Opt>) =
        section.options.iter().partition(|option| option.key.starts_with('_'));
    options.iter().any(|option| ["_allocation_strategy", "_booking_expiration_timeout"].contains(&&*option.key))
        || (!numbers.is_empty() && numbers.iter().all(|option| numbers_of(option).is_ok()))
}

/// The numbers of an option.
fn numbers_of(option: &Opt) -> Result<Vec<Number>, String> {
    let text = if option.value.is_empty() { &option.key } else { &option.value };
    let mut numbers = Vec::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        match part.split_once('-') {
            Some((first, last)) => numbers.extend(range(first.trim(), last.trim())?),
            None => numbers.push(Number::new(part).map_err(|invalid| format!("{invalid}"))?),
        }
    }
    if numbers.is_empty() { Err("must hold numbers".to_owned()) } else { Ok(numbers) }
}

/// The numbers from `first` to `last`, of as many digits as `first` has.
fn range(first: &str, last: &str) -> Result<Vec<Number>, String> {
    const ALLOWED: &str = "must be a range of digits such as 8005550100-8005550199, of at most 100000 numbers";
    if !is_digits(first) || !is_digits(last) || first.len() != last.len() {
        return Err(ALLOWED.to_owned());
    }
    let (Ok(low), Ok(high)) = (first.parse::<u64>(), last.parse::<u64>()) else { return Err(ALLOWED.to_owned()) };
    if high.checked_sub(low).is_none_or(|more| more >= MOST_IN_A_RANGE) {
        return Err(ALLOWED.to_owned());
    }
    let width = first.len();
    let numbers = (low..=high).map(|number| Number::new(&format!("{number:0width$}")));
    numbers.collect::<Result<_, _>>().map_err(|invalid| invalid.to_string())
}

impl Conversion<'_> {
    /// The options of a pool.
    pub(super) fn group(&mut self, section: &Section) {
        self.writer.section("[[tenant.groups]]");
        self.text(section, "name", &section.name);
        for option in section.options.iter().filter(|option| option.key.starts_with('_')) {
            match option.key.as_str() {
                _ if option.value.is_empty() => {}
                "_allocation_strategy" => self.strategy(section, &option.value),
                "_booking_expiration_timeout" => self.whole(section, &option.key, &option.value, 5..=1800),
                "_backup_resource" => self.leave_out(
                    section,
                    &option.key,
                    "a number for an empty group; give the group a `fallback` group with that number instead",
                ),
                _ => self.leave_out(section, &option.key, "has no counterpart in the gateway"),
            }
        }
        self.writer.text("policy", "random");
        self.writer.text("sharing", "exclusive");
    }

    /// `_allocation_strategy`. `LOCAL` and `CLUSTER` are the vendor's words for booking a number, on one node or on all.
    /// Neither the option's name nor the value that books nothing is in the vendor's public documents, so a group is never
    /// made shared by it: that would let two callers have one number at a time.
    fn strategy(&mut self, section: &Section, value: &str) {
        match value.to_ascii_uppercase().as_str() {
            "LOCAL" | "CLUSTER" => {}
            "RANDOM" => self.leave_out(
                section,
                "_allocation_strategy",
                "the group is made exclusive; if your GMS gives one of its numbers to several callers at a time, which \
                 its public documents do not say of this value, set sharing = \"shared\"",
            ),
            _ => self.leave_out(
                section,
                "_allocation_strategy",
                "must be LOCAL, CLUSTER or RANDOM; the group is made exclusive",
            ),
        }
    }

    /// The groups that services name without a pool of theirs in the export: without numbers, so that the result is
    /// valid and somebody notices.
    pub(super) fn groups_without_pool(&mut self, export: &Export) {
        let mut made: BTreeSet<&str> = export.sections.iter().map(|section| section.name.as_str()).collect();
        for section in export.sections.iter().filter(|section| section.name.starts_with("service.")) {
            let Some(name) = section.value("_resource_group").filter(|name| GroupName::new(name).is_ok()) else {
                continue;
            };
            if made.insert(name) {
                self.writer.section("[[tenant.groups]]");
                self.text(section, "name", name);
                let why = format!("the export has no numbers of the group {name}; it is made without any");
                self.leave_out(section, "_resource_group", &why);
            }
        }
    }

    /// The numbers of a pool. GMS does not know what the telephone exchange delivers, so the short form is the number.
    pub(super) fn numbers(&mut self, section: &Section) {
        for option in section.options.iter().filter(|option| !option.key.starts_with('_')) {
            let numbers = match numbers_of(option) {
                Ok(numbers) => numbers,
                Err(problem) => {
                    self.leave_out(section, &option.key, &problem);
                    continue;
                }
            };
            for number in numbers {
                if !self.taken.insert(number) {
                    self.leave_out(section, &option.key, &format!("{number} is in a group already"));
                    continue;
                }
                self.writer.section("[[tenant.numbers]]");
                self.writer.text("number", &number.to_string());
                self.writer.text("dnid", &number.to_string());
                self.text(section, "group", &section.name);
            }
        }
    }
}
