//! `healthcheck`: for supervisors and container images without another HTTP client.

use std::time::Duration;

use clap::Args;

use super::http::Trust;
use super::{Failure, Outcome, output, url};

/// The path that says whether the gateway is ready.
const READY: &str = "/health/ready";

#[derive(Debug, Args)]
#[command(after_help = "Example: dnis-gateway healthcheck --url http://127.0.0.1:9090")]
pub(super) struct Healthcheck {
    /// Address of the admin listener
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:9090")]
    url: String,
    #[command(flatten)]
    trust: Trust,
}

impl Healthcheck {
    pub(super) fn run(self) -> Outcome {
        // Supervisors read the exit code: whatever keeps them from an answer is the same to them.
        let base = url::base(&self.url).map_err(Failure::Operation)?;
        let url = if base.ends_with(READY) { base.to_owned() } else { format!("{base}{READY}") };
        let agent = self.trust.agent(base, |config| config.timeout_global(Some(Duration::from_secs(5))))?;
        let answer = agent.get(&url).call();
        let mut answer = answer.map_err(|error| Failure::Operation(format!("{url}: {error}")))?;
        let text = answer.body_mut().read_to_string().unwrap_or_default();
        let text = text.trim();
        if answer.status().is_success() {
            output::result(text)
        } else {
            Err(Failure::Operation(format!("{url}: {} {text}", answer.status())))
        }
    }
}
