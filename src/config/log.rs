//! `[log]`: what is logged, and how.

use tracing_subscriber::EnvFilter;

use super::section::Section;

/// Section `log`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// The least level that is logged, or a filter such as `info,dnis_gateway::store=debug`. Default `info`.
    pub level: String,
    /// The form of a log line. Default: by where it goes.
    pub format: LogFormat,
    /// Which requests get a line of their own. Default: the failed ones.
    pub requests: LogRequests,
}

/// The form of a log line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// `Human` on a terminal, `Json` otherwise.
    #[default]
    Auto,
    /// Made to be read.
    Human,
    /// One JSON object a line.
    Json,
}

/// Which requests get a log line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogRequests {
    /// Those that were answered with a status from 400 on.
    #[default]
    Failed,
    /// Every request.
    All,
    /// No request.
    None,
}

impl Default for Log {
    fn default() -> Self {
        Self { level: "info".to_owned(), format: LogFormat::default(), requests: LogRequests::default() }
    }
}

impl Log {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let default = Self::default();
        let formats = [("auto", LogFormat::Auto), ("human", LogFormat::Human), ("json", LogFormat::Json)];
        let requests = [("failed", LogRequests::Failed), ("all", LogRequests::All), ("none", LogRequests::None)];
        Self {
            level: section.text("level", level).unwrap_or(default.level),
            format: section.choice("format", &formats).unwrap_or_default(),
            requests: section.choice("requests", &requests).unwrap_or_default(),
        }
    }
}

fn level(text: &str) -> Result<String, &'static str> {
    match EnvFilter::builder().parse(text) {
        Ok(_) if !text.trim().is_empty() => Ok(text.to_owned()),
        _ => Err("must be error, warn, info, debug or trace, or a filter such as \"info,dnis_gateway::store=debug\""),
    }
}
