//! The log of a command that runs on: to standard error.

use super::Failure;
use crate::config::Log;
use crate::log::{self, Logging, StartError};

/// Sets up logging, for as long as what is given back is kept.
pub(super) fn start(log: &Log) -> Result<Logging, Failure> {
    log::start(log).map_err(|error| match error {
        StartError::Level(_) => Failure::Usage(error.to_string()),
        StartError::System(_) => Failure::Operation(error.to_string()),
    })
}
