//! `[log]`: what is logged, and how.

use tracing_subscriber::EnvFilter;

use super::section::Section;
use crate::domain::watermark::Thresholds;

/// Section `log`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// The least level that is logged, or a filter such as `info,dnis_gateway::store=debug`. Default `info`.
    pub level: String,
    /// The form of a log line. Default: by where it goes.
    pub format: LogFormat,
    /// Which requests get a line of their own. Default: the failed ones.
    pub requests: LogRequests,
    /// Most lines of one kind in a second; the rest is counted. Default 50.
    pub lines_per_second: u32,
    /// From which utilisation of a group on the log warns. Default 75 and 90 %.
    pub pools: Thresholds,
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
        Self {
            level: "info".to_owned(),
            format: LogFormat::default(),
            requests: LogRequests::default(),
            lines_per_second: 50,
            pools: Thresholds::default(),
        }
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
            lines_per_second: section.whole("lines_per_second", 1..=1_000_000).unwrap_or(default.lines_per_second),
            pools: pools(section),
        }
    }
}

fn pools(section: &mut Section<'_>) -> Thresholds {
    let default = Thresholds::default();
    let mut percent = |key, default| section.whole(key, 1..=100_u8).map_or(default, usize::from);
    let read = Thresholds {
        warning: percent("pool_warning", default.warning),
        critical: percent("pool_critical", default.critical),
    };
    if read.warning > read.critical {
        let key = if section.has("pool_critical") { "pool_critical" } else { "pool_warning" };
        section.problem(key, "must not be lower for pool_critical (default 90) than for pool_warning (default 75)");
        return default;
    }
    read
}

/// The library takes a word that is no level for the name of a module and then logs nothing else, so every part of a
/// filter has to end with a level.
fn level(text: &str) -> Result<String, &'static str> {
    let known = |part: &str| {
        let level = part.rsplit('=').next().unwrap_or_default().trim();
        ["off", "error", "warn", "info", "debug", "trace"].iter().any(|known| known.eq_ignore_ascii_case(level))
    };
    match EnvFilter::builder().parse(text) {
        Ok(_) if text.split(',').all(known) => Ok(text.to_owned()),
        _ => Err("must be off, error, warn, info, debug or trace, or a filter such as \
                  \"info,dnis_gateway::store=debug\""),
    }
}
