//! `groups sizing`: how many numbers a group needs.

use clap::Args;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::cli::client::Connection;
use crate::cli::{Outcome, output};

#[derive(Debug, Args)]
#[command(after_help = "Example: dnis-gateway groups sizing DNIS --refused 0.001 --user admin

The load of each hour of the time that is looked at is what was asked for, refused requests among it, times the time for \
    which a number is taken; Erlang's formula B tells how many numbers that needs. \
    The password comes from the variable DNIS_GATEWAY_PASSWORD, or is asked for. An application's key comes from \
    DNIS_GATEWAY_APPLICATION_KEY.")]
pub(super) struct Sizing {
    /// The group
    group: String,
    /// Which part of the requests may be refused, from 0.000001 to 0.5
    #[arg(long, value_name = "PART", default_value = "0.001")]
    refused: String,
    /// From when on the group is looked at, such as 2026-03-01T00:00:00Z [default: a day ago]
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Up to when [default: now]
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    #[command(flatten)]
    connection: Connection,
}

impl Sizing {
    pub(super) fn run(self) -> Outcome {
        let client = self.connection.open()?;
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("refused", &self.refused);
        let times = [("from", &self.from), ("to", &self.to)];
        for (name, time) in times {
            query.extend_pairs(time.iter().map(|time| (name, time)));
        }
        let group = utf8_percent_encode(&self.group, NON_ALPHANUMERIC);
        let sizing = client.json(&format!("/groups/{group}/sizing?{}", query.finish()))?;
        output::result(&told(&sizing))
    }
}

/// The advice as a small table.
fn told(sizing: &Value) -> String {
    let text = |member: &str| sizing[member].as_str().unwrap_or_default().to_owned();
    let seconds = |value: &Value| value.as_f64().map_or("-".to_owned(), |seconds| format!("{seconds:.0} s"));
    let mut lines = vec![
        format!("group {}, {} to {}", text("group"), text("from"), text("to")),
        format!("it has {} numbers; one is taken for {} on average", sizing["numbers"], seconds(&sizing["taken"])),
        format!("numbers with which no more than {} of the requests are refused:", sizing["refused"]),
    ];
    for (member, about) in [("now", "now"), ("peak", "busiest hour"), ("grown", "a fifth more than that")] {
        let need = &sizing[member];
        let numbers = need["numbers"].as_u64().map_or("one is enough".to_owned(), |numbers| numbers.to_string());
        let erlang = need["erlang"].as_f64().unwrap_or_default();
        let begin = need["begin"].as_str().unwrap_or_default();
        lines.push(format!("  {about:<24}{numbers:<16}{erlang:.2} erlang, from {begin}"));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_advice_is_told_in_a_few_lines() {
        let need = |numbers: Option<u64>| json!({ "begin": "B", "erlang": 5.0, "numbers": numbers });
        let sizing = json!({
            "group": "DNIS", "refused": 0.001, "from": "F", "to": "T", "numbers": 10, "taken": 59.6,
            "now": need(Some(3)), "peak": need(Some(14)), "grown": need(None),
        });
        let expected = "group DNIS, F to T\n\
            it has 10 numbers; one is taken for 60 s on average\n\
            numbers with which no more than 0.001 of the requests are refused:\n  \
            now                     3               5.00 erlang, from B\n  \
            busiest hour            14              5.00 erlang, from B\n  \
            a fifth more than that  one is enough   5.00 erlang, from B";
        assert_eq!(told(&sizing), expected);
    }
}
