//! `check`: validates a configuration without starting anything.

use std::path::PathBuf;

use clap::Args;

use super::{Failure, NO_TENANT, Outcome, output};
use crate::config::{self, Overrides, Settings};

#[derive(Debug, Args)]
#[command(after_help = "Example: dnis-gateway check --config gateway.toml")]
pub(super) struct Check {
    /// Configuration file (TOML)
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

impl Check {
    pub(super) fn run(self) -> Outcome {
        match Settings::load(Some(&self.config), config::environment(), &Overrides::default()) {
            Ok(settings) => {
                for warning in &settings.warnings {
                    output::complain(&format!("warning: {warning}"));
                }
                if settings.tenants.is_empty() {
                    output::complain(&format!("warning: {}: {NO_TENANT}", self.config.display()));
                }
                let tenants = settings.tenants.len();
                output::result(&format!("{}: valid, {tenants} tenant(s)", self.config.display()))
            }
            Err(problems) => Err(Failure::Operation(problems.to_string())),
        }
    }
}
