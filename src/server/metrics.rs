//! What the gateway counts, for Prometheus.
//!
//! Labels come from small fixed sets, or from the configuration; of what callers send only the first few names of groups
//! become labels.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use prometheus::{
    Encoder, Gauge, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry, TextEncoder,
};

use super::connections::Connections;
use super::labels::GroupLabels;
use super::number_watch::NumberWatch;
use super::watch::Watch;
use crate::access::Access;
use crate::config::Settings;
use crate::domain::state::PoolHealth;
use crate::domain::watermark::Level;
use crate::domain::{Sharing, TenantUsage};
use crate::log;
use crate::soap::tally::Tally;
use crate::store::Observer;

/// The media type of the text format.
pub(super) const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// All metrics of a gateway.
pub(super) struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    latency: HistogramVec,
    numbers: IntGaugeVec,
    utilisation: IntGaugeVec,
    level: IntGaugeVec,
    crossings: IntCounterVec,
    batch_commands: Histogram,
    sync: Histogram,
    followed: IntCounter,
    lock_wait: Histogram,
    sessions: IntCounter,
    behind: IntGauge,
    rule_sets: IntGauge,
    ready: IntGauge,
    clock_difference: Gauge,
    denied: IntCounterVec,
    verifications: IntCounter,
    refused: IntCounterVec,
    tolerated: IntCounterVec,
    guessed: IntCounter,
    unlogged: IntCounterVec,
    connections: IntGaugeVec,
    ended: IntCounterVec,
    in_flight: IntGauge,
    usage: IntGaugeVec,
    limit: IntGaugeVec,
    unhealthy: IntGaugeVec,
    labels: GroupLabels,
}

/// What is asked of the layers below at every scrape.
pub(super) struct Readings<'a> {
    /// How every group is.
    pub(super) pools: &'a [PoolHealth],
    /// What the tenants have and may have.
    pub(super) usages: &'a [TenantUsage],
    /// The settings in force, which name groups.
    pub(super) settings: &'a Settings,
    /// Which of them run out of numbers.
    pub(super) watch: &'a Watch,
    /// With which numbers something seems to be wrong.
    pub(super) number_watch: &'a NumberWatch,
    /// Whether the store takes writes.
    pub(super) ready: bool,
    /// By how many milliseconds the wall clock is ahead of the clock that deadlines follow.
    pub(super) wall_ahead: i64,
    /// Who was turned away, and how much it cost to find out.
    pub(super) access: &'a Access,
    /// What was wrong with envelopes.
    pub(super) soap: [&'a Tally; 2],
    /// Forms whose charset had to be guessed.
    pub(super) guessed_charsets: u64,
    /// The connections of the main listener, and of the admin listener.
    pub(super) connections: &'a [Arc<Connections>; 2],
    /// How many bytes of long bodies and answers are held.
    pub(super) in_flight: usize,
}

impl Metrics {
    /// Fresh metrics with a registry of their own.
    ///
    /// # Errors
    /// None in practice: the names are fixed and distinct, which the tests hold.
    pub(super) fn new() -> prometheus::Result<Self> {
        let metrics = Self {
            registry: Registry::new(),
            requests: IntCounterVec::new(
                Opts::new("dnis_gateway_requests_total", "Requests by dialect, operation and outcome."),
                &["dialect", "operation", "outcome"],
            )?,
            latency: HistogramVec::new(
                HistogramOpts::new("dnis_gateway_request_seconds", "Time from the head of a request to its answer.")
                    .buckets(vec![
                        0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0,
                    ]),
                &["dialect", "operation"],
            )?,
            numbers: IntGaugeVec::new(
                Opts::new(
                    "dnis_gateway_numbers",
                    "Numbers by group and state (free, allocated, cooling, reserved, disabled).",
                ),
                &["tenant", "environment", "group", "state"],
            )?,
            utilisation: IntGaugeVec::new(
                Opts::new(
                    "dnis_gateway_group_utilisation_percent",
                    "The part of the numbers of an exclusive group that may be lent which is lent or rests.",
                ),
                &["tenant", "environment", "group"],
            )?,
            level: IntGaugeVec::new(
                Opts::new(
                    "dnis_gateway_group_level",
                    "The level of utilisation that an exclusive group has reached: 0, 1 (warning) or 2 (critical).",
                ),
                &["tenant", "environment", "group"],
            )?,
            crossings: IntCounterVec::new(
                Opts::new("dnis_gateway_group_crossings_total", "How often groups have risen to a level."),
                &["tenant", "environment", "group", "level"],
            )?,
            batch_commands: Histogram::with_opts(
                HistogramOpts::new("dnis_gateway_store_batch_commands", "Commands that share one commit.")
                    .buckets(vec![1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 1024.0]),
            )?,
            sync: Histogram::with_opts(
                HistogramOpts::new("dnis_gateway_store_sync_seconds", "Time to make one commit safe on disk.")
                    .buckets(vec![0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.05, 0.25, 1.0]),
            )?,
            followed: IntCounter::new(
                "dnis_gateway_store_foreign_commits_total",
                "Commits of other gateways over the same database that were taken in.",
            )?,
            lock_wait: Histogram::with_opts(
                HistogramOpts::new(
                    "dnis_gateway_store_lock_wait_seconds",
                    "Time until the database's log was this gateway's for one batch, with what others had committed.",
                )
                .buckets(vec![0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.0, 5.0]),
            )?,
            sessions: IntCounter::new(
                "dnis_gateway_store_sessions_total",
                "Sessions with the database that have begun; more than two mean that some were lost.",
            )?,
            behind: IntGauge::new(
                "dnis_gateway_store_behind_commits",
                "Commits of other gateways that are there and were not taken in yet.",
            )?,
            rule_sets: IntGauge::new(
                "dnis_gateway_cluster_rule_sets",
                "Different sets of rules on the gateways of the same database; more than 1 is a mistake.",
            )?,
            ready: IntGauge::new("dnis_gateway_ready", "1 while the store takes writes.")?,
            clock_difference: Gauge::new(
                "dnis_gateway_clock_difference_seconds",
                "By how much the wall clock is ahead of the clock that deadlines follow; negative where it is behind.",
            )?,
            denied: IntCounterVec::new(
                Opts::new("dnis_gateway_denied_total", "Callers who were not let in, by cause."),
                &["cause"],
            )?,
            verifications: IntCounter::new(
                "dnis_gateway_password_verifications_total",
                "Passwords that were held against a hash.",
            )?,
            refused: IntCounterVec::new(
                Opts::new("dnis_gateway_xml_refused_total", "XML documents that were not read, by reason."),
                &["reason"],
            )?,
            tolerated: IntCounterVec::new(
                Opts::new(
                    "dnis_gateway_soap_tolerated_total",
                    "SOAP requests that were understood although they are not as the WSDL describes them, by reason.",
                ),
                &["reason"],
            )?,
            guessed: IntCounter::new(
                "dnis_gateway_form_charset_guessed_total",
                "Forms that declared no charset, were not UTF-8 and were read as windows-1252.",
            )?,
            unlogged: IntCounterVec::new(
                Opts::new("dnis_gateway_log_lines_lost_total", "Lines of the log that were not written, by cause."),
                &["cause"],
            )?,
            connections: IntGaugeVec::new(
                Opts::new("dnis_gateway_connections", "Connections that are open, by listener (main, admin)."),
                &["listener"],
            )?,
            ended: IntCounterVec::new(
                Opts::new(
                    "dnis_gateway_connections_ended_total",
                    "Connections that the gateway closed and not the client, by listener and reason.",
                ),
                &["listener", "reason"],
            )?,
            in_flight: IntGauge::new(
                "dnis_gateway_bodies_in_flight_bytes",
                "Bytes of request bodies and answers above 64 KiB that are held.",
            )?,
            usage: IntGaugeVec::new(
                Opts::new("dnis_gateway_tenant_usage", "What a tenant has of that which limits are set for."),
                &["tenant", "kind"],
            )?,
            limit: IntGaugeVec::new(
                Opts::new("dnis_gateway_tenant_limit", "How much of it the tenant may have."),
                &["tenant", "kind"],
            )?,
            unhealthy: IntGaugeVec::new(
                Opts::new(
                    "dnis_gateway_unhealthy_numbers",
                    "Numbers with which something seems to be wrong, by kind: suspect (lent and never dialled although \
                     others of the group are), stray (dialled, and nobody holds it).",
                ),
                &["tenant", "kind"],
            )?,
            labels: GroupLabels::default(),
        };
        metrics.registry.register(Box::new(metrics.requests.clone()))?;
        metrics.registry.register(Box::new(metrics.latency.clone()))?;
        metrics.registry.register(Box::new(metrics.numbers.clone()))?;
        metrics.registry.register(Box::new(metrics.utilisation.clone()))?;
        metrics.registry.register(Box::new(metrics.level.clone()))?;
        metrics.registry.register(Box::new(metrics.crossings.clone()))?;
        metrics.registry.register(Box::new(metrics.batch_commands.clone()))?;
        metrics.registry.register(Box::new(metrics.followed.clone()))?;
        metrics.registry.register(Box::new(metrics.lock_wait.clone()))?;
        metrics.registry.register(Box::new(metrics.sessions.clone()))?;
        metrics.registry.register(Box::new(metrics.behind.clone()))?;
        metrics.registry.register(Box::new(metrics.rule_sets.clone()))?;
        metrics.registry.register(Box::new(metrics.sync.clone()))?;
        metrics.registry.register(Box::new(metrics.ready.clone()))?;
        metrics.registry.register(Box::new(metrics.clock_difference.clone()))?;
        metrics.registry.register(Box::new(metrics.denied.clone()))?;
        metrics.registry.register(Box::new(metrics.verifications.clone()))?;
        metrics.registry.register(Box::new(metrics.refused.clone()))?;
        metrics.registry.register(Box::new(metrics.tolerated.clone()))?;
        metrics.registry.register(Box::new(metrics.guessed.clone()))?;
        metrics.registry.register(Box::new(metrics.unlogged.clone()))?;
        metrics.registry.register(Box::new(metrics.connections.clone()))?;
        metrics.registry.register(Box::new(metrics.ended.clone()))?;
        metrics.registry.register(Box::new(metrics.in_flight.clone()))?;
        metrics.registry.register(Box::new(metrics.usage.clone()))?;
        metrics.registry.register(Box::new(metrics.limit.clone()))?;
        metrics.registry.register(Box::new(metrics.unhealthy.clone()))?;
        Ok(metrics)
    }

    /// Counts an answered request.
    pub(super) fn answered(&self, dialect: &str, operation: &str, outcome: &str, took: Duration) {
        self.requests.with_label_values(&[dialect, operation, outcome]).inc();
        self.latency.with_label_values(&[dialect, operation]).observe(took.as_secs_f64());
    }

    /// Counts that a group has risen to a level.
    pub(super) fn crossed(&self, pool: &PoolHealth, level: Level, settings: &Settings) {
        let name = match level {
            Level::Normal => "normal",
            Level::Warning => "warning",
            Level::Critical => "critical",
        };
        let [tenant, environment, group] = self.labels.of(pool, settings);
        self.crossings.with_label_values(&[tenant, environment, group, name]).inc();
    }

    /// All metrics in Prometheus' text format, with the readings of now.
    pub(super) fn text(&self, readings: &Readings<'_>) -> prometheus::Result<Vec<u8>> {
        self.ready.set(i64::from(readings.ready));
        self.clock_difference.set(readings.wall_ahead as f64 / 1000.0);
        let denials = readings.access.denials().map(|(cause, count)| (cause.label(), count));
        follow(&self.denied, denials);
        let [one, other] = readings.soap;
        let refused = one.refused().zip(other.refused());
        follow(&self.refused, refused.map(|((reason, one), (_, other))| (reason.label(), one + other)));
        let tolerated = one.tolerated().zip(other.tolerated());
        follow(&self.tolerated, tolerated.map(|((kind, one), (_, other))| (kind.label(), one + other)));
        self.guessed.inc_by(readings.guessed_charsets.saturating_sub(self.guessed.get()));
        follow(&self.unlogged, log::lost().into_iter());
        self.verifications.inc_by(readings.access.verifications().saturating_sub(self.verifications.get()));
        self.in_flight.set(i64::try_from(readings.in_flight).unwrap_or(i64::MAX));
        for (listener, registry) in ["main", "admin"].into_iter().zip(readings.connections) {
            let open = i64::try_from(registry.open()).unwrap_or(i64::MAX);
            self.connections.with_label_values(&[listener]).set(open);
            for (end, count) in registry.ends() {
                let counter = self.ended.with_label_values(&[listener, end.label()]);
                counter.inc_by(count.saturating_sub(counter.get()));
            }
        }
        self.tell_pools(readings.pools, readings.watch, readings.settings);
        self.tell_usages(readings.usages);
        self.unhealthy.reset();
        for (tenant, kind, count) in readings.number_watch.counts() {
            self.unhealthy.with_label_values(&[tenant.as_str(), kind]).set(gauge(count));
        }
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }

    /// Tells how the groups are, each under its label.
    fn tell_pools(&self, pools: &[PoolHealth], watch: &Watch, settings: &Settings) {
        let mut shown = BTreeMap::<[&str; 3], LabelCounts>::new();
        for pool in pools {
            let shown = shown.entry(self.labels.of(pool, settings)).or_default();
            shown.add(pool, watch.level(pool));
        }
        // Groups come and go with their numbers; what is gone must not be reported on.
        self.numbers.reset();
        self.utilisation.reset();
        self.level.reset();
        for ([tenant, environment, group], LabelCounts { states, exclusive }) in shown {
            if let Some(Exclusive { busy, free, level }) = exclusive {
                let labels = [tenant, environment, group];
                let utilisation = (busy * 100).checked_div(busy + free).unwrap_or_default();
                self.utilisation.with_label_values(&labels).set(gauge(utilisation));
                self.level.with_label_values(&labels).set(level as i64);
            }
            for (state, count) in ["free", "allocated", "cooling", "reserved", "disabled"].into_iter().zip(states) {
                self.numbers.with_label_values(&[tenant, environment, group, state]).set(gauge(count));
            }
        }
    }

    /// Tells what each tenant has and may have.
    fn tell_usages(&self, usages: &[TenantUsage]) {
        self.usage.reset();
        self.limit.reset();
        for TenantUsage { tenant, usage, quotas } in usages {
            let kinds = [
                ("documents", usage.documents, quotas.documents),
                ("document_bytes", usage.document_bytes, quotas.document_bytes),
                ("interactions", usage.interactions, quotas.interactions),
                ("bookings", usage.bookings, quotas.bookings),
                ("keys", usage.keys, quotas.keys),
                ("history", usage.history, quotas.history),
            ];
            for (kind, has, may_have) in kinds {
                let labels = [tenant.as_str(), kind];
                self.usage.with_label_values(&labels).set(gauge(has));
                self.limit.with_label_values(&labels).set(gauge(may_have));
            }
        }
    }
}

/// The groups that have one label.
#[derive(Default)]
struct LabelCounts {
    /// Their numbers: free, allocated, cooling, reserved, disabled.
    states: [usize; 5],
    /// Those of them that are exclusive; a shared number serves as many as call.
    exclusive: Option<Exclusive>,
}

#[derive(Default)]
struct Exclusive {
    busy: usize,
    free: usize,
    /// The highest level that any of them has reached.
    level: Level,
}

impl LabelCounts {
    fn add(&mut self, pool: &PoolHealth, level: Level) {
        let states = [pool.free, pool.allocated, pool.cooling, pool.reserved, pool.disabled];
        for (sum, count) in self.states.iter_mut().zip(states) {
            *sum += count;
        }
        if pool.sharing == Sharing::Exclusive {
            let exclusive = self.exclusive.get_or_insert_default();
            exclusive.busy += pool.allocated + pool.cooling;
            exclusive.free += pool.free;
            exclusive.level = exclusive.level.max(level);
        }
    }
}

fn gauge(count: impl TryInto<i64>) -> i64 {
    count.try_into().unwrap_or(i64::MAX)
}

/// Brings counters up to what a layer below has counted, those that stand at zero included.
fn follow(counters: &IntCounterVec, counts: impl Iterator<Item = (&'static str, u64)>) {
    for (label, count) in counts {
        let counter = counters.with_label_values(&[label]);
        counter.inc_by(count.saturating_sub(counter.get()));
    }
}

impl Observer for Metrics {
    fn committed(&self, commands: usize, sync: Duration) {
        self.batch_commands.observe(commands as f64);
        self.sync.observe(sync.as_secs_f64());
    }

    fn followed(&self, commits: usize) {
        self.followed.inc_by(commits as u64);
    }

    fn locked(&self, wait: Duration) {
        self.lock_wait.observe(wait.as_secs_f64());
    }

    fn connected(&self) {
        self.sessions.inc();
    }

    fn behind(&self, commits: u64) {
        self.behind.set(i64::try_from(commits).unwrap_or(i64::MAX));
    }

    fn rules(&self, sets: u64) {
        self.rule_sets.set(i64::try_from(sets).unwrap_or(i64::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{GroupName, Scope, TenantId};

    const SETTINGS: &str = "[[tenant]]\nid = \"t\"\ngroups = [{ name = \"sales\" }]\n[[tenant]]\nid = \"u\"\n";

    fn pool(tenant: &str, group: &str) -> PoolHealth {
        PoolHealth {
            scope: Arc::new(Scope { tenant: TenantId::new(tenant).unwrap(), environment: None }),
            group: GroupName::new(group).ok(),
            sharing: Sharing::Exclusive,
            free: 1,
            allocated: 3,
            cooling: 0,
            reserved: 0,
            disabled: 0,
            allocations: 3,
            oldest: None,
            next_release: None,
        }
    }

    fn told(metrics: &Metrics, pools: &[PoolHealth]) -> Vec<String> {
        metrics.tell_pools(pools, &Watch::default(), &Settings::from_toml(SETTINGS).unwrap());
        let text = TextEncoder::new().encode_to_string(&metrics.registry.gather()).unwrap();
        text.lines().filter(|line| line.starts_with("dnis_gateway_")).map(str::to_owned).collect()
    }

    #[test]
    fn groups_beyond_the_first_hundred_that_nobody_configured_share_one_label() {
        let metrics = Metrics::new().unwrap();
        let mut pools: Vec<_> = (0..1_000).map(|at| pool("t", &format!("g{at}"))).collect();
        pools.extend([pool("t", "sales"), pool("t", ""), pool("u", "other")]);
        pools.iter().for_each(|pool| {
            metrics.crossed(pool, Level::Warning, &Settings::from_toml(SETTINGS).unwrap());
        });
        let lines = told(&metrics, &pools);
        let of = |name: &str| lines.iter().filter(|line| line.starts_with(name)).count();
        assert_eq!(of("dnis_gateway_group_utilisation_percent{"), 104);
        assert_eq!(of("dnis_gateway_group_crossings_total{"), 104);
        for wanted in [
            r#"dnis_gateway_numbers{environment="",group="(others)",state="allocated",tenant="t"} 2700"#,
            r#"dnis_gateway_numbers{environment="",group="(others)",state="free",tenant="t"} 900"#,
            r#"dnis_gateway_group_utilisation_percent{environment="",group="(others)",tenant="t"} 75"#,
            r#"dnis_gateway_numbers{environment="",group="sales",state="free",tenant="t"} 1"#,
            r#"dnis_gateway_numbers{environment="",group="other",state="free",tenant="u"} 1"#,
        ] {
            assert!(lines.iter().any(|line| line == wanted), "{wanted}");
        }
        assert!(!lines.iter().any(|line| line.contains("\"g500\"")), "a group that came later has no label");
        let again = told(&metrics, &pools[50..60]);
        assert!(again.iter().any(|line| line.contains("\"g55\"")), "a label stays as it was given");
    }
}
