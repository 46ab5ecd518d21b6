//! `numbers list`: numbers for the eye, one a line.

use clap::Args;
use serde_json::Value;

use crate::cli::client::Connection;
use crate::cli::{Outcome, output};

/// Numbers in one page.
const PAGE: usize = 1000;

#[derive(Debug, Args)]
#[command(after_help = "Example: dnis-gateway numbers list --group DNIS --user admin

The password comes from the variable DNIS_GATEWAY_PASSWORD, or is asked for. An application's key comes from \
    DNIS_GATEWAY_APPLICATION_KEY.")]
pub(super) struct List {
    /// Numbers of this group alone
    #[arg(long, value_name = "NAME")]
    group: Option<String>,
    /// Numbers in this state alone: free, allocated, cooling, reserved or disabled
    #[arg(long, value_name = "STATE")]
    state: Option<String>,
    /// Numbers that begin so
    #[arg(long, value_name = "DIGITS")]
    prefix: Option<String>,
    /// Show at most so many
    #[arg(long, value_name = "COUNT")]
    limit: Option<usize>,
    #[command(flatten)]
    connection: Connection,
}

impl List {
    pub(super) fn run(self) -> Outcome {
        let client = self.connection.open()?;
        let mut left = self.limit.unwrap_or(usize::MAX);
        let mut cursor = None;
        let mut heading = Some(line(["NUMBER", "DNID", "ENABLED", "STATE", "GROUP"]));
        while left > 0 {
            let page = client.json(&self.page(left.min(PAGE), cursor.as_deref()))?;
            // Only now: a refusal leaves nothing on standard output.
            if let Some(heading) = heading.take() {
                output::result(&heading)?;
            }
            for number in page["items"].as_array().into_iter().flatten() {
                output::result(&shown(number))?;
                left -= 1;
            }
            match page["next_cursor"].as_str() {
                Some(next) => cursor = Some(next.to_owned()),
                None => break,
            }
        }
        Ok(())
    }

    fn page(&self, limit: usize, cursor: Option<&str>) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("limit", &limit.to_string());
        let filters = [("group", &self.group), ("state", &self.state), ("prefix", &self.prefix)];
        for (name, value) in filters {
            query.extend_pairs(value.iter().map(|value| (name, value)));
        }
        query.extend_pairs(cursor.map(|cursor| ("cursor", cursor)));
        format!("/numbers?{}", query.finish())
    }
}

fn shown(number: &Value) -> String {
    let text = |member: &str| number[member].as_str().unwrap_or_default();
    let enabled = if number["enabled"] == true { "yes" } else { "no" };
    line([text("number"), text("dnid"), enabled, text("state"), text("group")])
}

/// A line in columns; the last one takes what it needs.
fn line([number, dnid, enabled, state, group]: [&str; 5]) -> String {
    format!("{number:<20} {dnid:<12} {enabled:<8} {state:<10} {group}").trim_end().to_owned()
}
