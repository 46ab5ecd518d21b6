//! Reads that are current: where the log ends is asked once more for them, in a session of its own.
//!
//! One question serves all who wait for it. What the server answers counts only while a commit that this gateway sent in the
//! same session has returned a moment ago: a server that was deposed still answers questions, but it commits nothing.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use futures_util::future::{join, join3};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{sleep_until, timeout};
use tokio_postgres::Statement;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::connect::{Session, told};
use super::reading::{signed, unsigned};
use super::shared::{About, Part, Shared, lacks_standby};
use super::thread::Thread;
use crate::store::engine::Poke;

/// How often a gateway says that it is there.
const BEAT: Duration = Duration::from_secs(1);
/// How old a commit may be by which the server has shown that it is the one that counts.
const PROOF: Duration = Duration::from_secs(2);
/// How long a read waits for a database that cannot be reached.
const READ_WAITS: Duration = Duration::from_secs(3);
/// How often a gateway that nobody asks looks for what others have committed, and how long it waits before it tries again
/// to begin a session.
const POLL: Duration = Duration::from_millis(100);
/// How long a member that is not seen counts as being there, as PostgreSQL writes it.
pub(super) const LIVE: &str = "interval '15 seconds'";

const HEAD: &str = "SELECT seq, batch, (extract(epoch FROM clock_timestamp()) * 1000)::bigint \
                    FROM log ORDER BY seq DESC LIMIT 1";
pub(super) const SEEN: &str = "INSERT INTO members (id, name, address, version, rules, applied) \
                               VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO UPDATE SET \
                               applied = excluded.applied, rules = excluded.rules, seen_at = clock_timestamp()";

/// Where it is waited for how far the log has come.
type Waiting = oneshot::Sender<Result<u64, String>>;

/// Where the thread is asked that looks at the end of the log.
#[derive(Clone)]
pub(super) struct Asker(mpsc::UnboundedSender<Waiting>);

impl Asker {
    /// The number of the last record, as it is at a moment after this call.
    pub(super) async fn head(&self) -> Result<u64, String> {
        let (answer, answered) = oneshot::channel();
        let gone = || "the store is closed".to_owned();
        self.0.send(answer).map_err(|_| gone())?;
        answered.await.unwrap_or_else(|_| Err(gone()))
    }
}

/// Starts the thread that looks at the end of the log.
///
/// # Errors
/// The system has no thread for it.
pub(super) fn start(shared: Arc<Shared>) -> std::io::Result<(Thread, Asker)> {
    let (asker, asks) = mpsc::unbounded_channel();
    let following = Following { shared, session: None, tried: None };
    let thread = Thread::start("store-follower", move || following.work(asks))?;
    Ok((thread, Asker(asker)))
}

struct Following {
    shared: Arc<Shared>,
    session: Option<Head>,
    /// When a session was last tried in vain, and why there is none.
    tried: Option<(Instant, String)>,
}

impl Following {
    async fn work(mut self, mut asks: mpsc::UnboundedReceiver<Waiting>) {
        loop {
            let mut waiting = Vec::new();
            tokio::select! {
                biased;
                ask = asks.recv() => match ask {
                    Some(ask) => waiting.push(ask),
                    None => return,
                },
                () = sleep_until((Instant::now() + POLL).into()) => {}
            }
            while let Ok(ask) = asks.try_recv() {
                waiting.push(ask);
            }
            let began = Instant::now();
            let looked = timeout(READ_WAITS, self.look()).await;
            let looked = looked.unwrap_or_else(|_| Err("the database does not answer".to_owned()));
            match &looked {
                Ok(head) => {
                    let applied = self.shared.applied.load(Ordering::Acquire);
                    let behind = *head > applied;
                    self.shared.observer.behind(head.saturating_sub(applied));
                    // The writer's session may have ended as well: it comes about again without anybody's writing.
                    if !behind {
                        *self.shared.current.lock() = Some(began);
                    }
                    if behind || self.shared.health.is_wrong(Part::Writing) {
                        self.poke();
                    }
                }
                Err(reason) => {
                    self.session = None;
                    // Who is told what was found a moment ago does not put off the next look.
                    if self.tried.as_ref().is_none_or(|(tried, _)| tried.elapsed() >= POLL) {
                        self.tried = Some((Instant::now(), reason.clone()));
                    }
                    self.shared.health.set(Part::Reading, Some(reason.clone()));
                    self.poke();
                }
            }
            for answer in waiting {
                // Whoever has gone away does not hear it.
                let _ = answer.send(looked.clone());
            }
        }
    }

    fn poke(&self) {
        if let Some(poke) = &*self.shared.poke.lock() {
            Poke::poke(poke);
        }
    }

    /// How far the log has come.
    async fn look(&mut self) -> Result<u64, String> {
        if self.session.as_ref().is_none_or(|head| head.session.is_closed()) {
            if let Some((tried, reason)) = &self.tried
                && tried.elapsed() < POLL
            {
                return Err(reason.clone());
            }
            self.session = Some(Head::begin(&self.shared).await?);
        }
        let Some(head) = &mut self.session else { return Err("there is no session".to_owned()) };
        if head.proved.is_none_or(|proved| proved.elapsed() >= BEAT) {
            head.beat(&self.shared).await?;
        }
        // Known before the server is asked: what is committed while it answers it need not tell.
        let known = self.shared.chain.lock().last();
        let (seq, batch, clock) = head.end().await?;
        if head.proved.is_none_or(|proved| proved.elapsed() >= PROOF) {
            return Err("the database has not committed anything for too long".to_owned());
        }
        self.shared.time.saw(clock);
        match known {
            // The writer finds out what has become of the log.
            Some((known, _)) if seq < known => {
                Err(format!("the log ends at record {seq}, and record {known} was committed: the database lost it"))
            }
            Some((known, of)) if seq == known && batch != of => {
                Err(format!("record {seq} of the log is not the one that was committed"))
            }
            _ => Ok(seq),
        }
    }
}

/// Writes this gateway's row among the members by the prepared [`SEEN`]: who it is, its rules, how far it is, and when.
pub(super) async fn say_seen(
    session: &Session,
    seen: &Statement,
    shared: &Shared,
) -> Result<u64, tokio_postgres::Error> {
    let (About { name, address, version }, rules) = (&shared.about, shared.rules.lock().clone());
    let applied = signed(shared.applied.load(Ordering::Acquire));
    session.execute(seen, &[&shared.me, name, address, version, &rules, &applied]).await
}

/// The session that looks at the end of the log.
struct Head {
    session: Session,
    head: Statement,
    seen: Statement,
    upkeep: Statement,
    /// When the last commit was sent that has returned since.
    proved: Option<Instant>,
    /// How many different sets of rules there were.
    sets: u64,
}

impl Head {
    async fn begin(shared: &Shared) -> Result<Self, String> {
        let session = shared.target.connect().await.map_err(|refused| refused.0)?;
        let upkeep = format!(
            "SELECT current_setting('fsync'), current_setting('synchronous_standby_names'), \
             (SELECT id FROM members WHERE seen_at > clock_timestamp() - {LIVE} ORDER BY started_at, id LIMIT 1) = $1, \
             (SELECT count(DISTINCT rules) FROM members WHERE seen_at > clock_timestamp() - {LIVE}), \
             pg_has_role('pg_read_all_stats', 'USAGE'), $2 AND EXISTS (SELECT FROM pg_stat_replication \
             WHERE state = 'streaming' AND sync_state IN ('sync', 'quorum'))"
        );
        let (head, seen, upkeep) = join3(session.prepare(HEAD), session.prepare(SEEN), session.prepare(&upkeep)).await;
        let prepared = head.and_then(|head| Ok((head, seen?, upkeep?)));
        let (head, seen, upkeep) = prepared.map_err(|error| told(&error))?;
        shared.observer.connected();
        Ok(Self { session, head, seen, upkeep, proved: None, sets: 1 })
    }

    /// The last record, its batch, and the server's clock.
    async fn end(&self) -> Result<(u64, Uuid, i64), String> {
        let row = self.session.query_opt(&self.head, &[]).await.map_err(|error| told(&error))?;
        let row = row.ok_or_else(|| "the log is empty".to_owned())?;
        Ok((unsigned(row.get(0)), row.get(1), row.get(2)))
    }

    /// Commits that this gateway is there, and looks at what else has to be well.
    async fn beat(&mut self, shared: &Shared) -> Result<(), String> {
        let sent = Instant::now();
        self.session.take_warning();
        let asked: [&(dyn ToSql + Sync); 2] = [&shared.me, &shared.require_synchronous];
        let committed = say_seen(&self.session, &self.seen, shared);
        let (committed, upkeep) = join(committed, self.session.query_one(&self.upkeep, &asked)).await;
        committed.map_err(|error| format!("the database takes no commit: {}", told(&error)))?;
        let upkeep = upkeep.map_err(|error| told(&error))?;
        if self.session.take_warning() {
            return Err("the database has warned of a commit".to_owned());
        }
        self.proved = Some(sent);
        shared.does_upkeep.store(upkeep.get::<_, Option<bool>>(2).unwrap_or_default(), Ordering::Release);
        let server = Server {
            fsync: upkeep.get(0),
            standbys: upkeep.get(1),
            shows_replication: upkeep.get(4),
            replicates: upkeep.get(5),
        };
        shared.health.set(Part::Durability, server.weakness(shared.require_synchronous));
        shared.health.set(Part::Reading, None);
        let sets = unsigned(upkeep.get(3));
        if sets > 1 && self.sets <= 1 {
            tracing::warn!(
                sets,
                "the gateways of this database have different rules: see GET /gateway/v1/cluster, and give all of them the \
                 same configuration of tenants, groups and limits"
            );
        }
        self.sets = sets;
        shared.observer.rules(sets);
        Ok(())
    }
}

/// What the server says of how long a commit lasts.
#[derive(Clone, Copy)]
struct Server<'a> {
    fsync: &'a str,
    standbys: &'a str,
    /// Whether the role is shown who follows the server.
    shows_replication: bool,
    /// Whether somebody follows it on whom commits wait.
    replicates: bool,
}

impl Server<'_> {
    /// Why a commit would not last as it should, or would wait for somebody who is not there, if that is so.
    fn weakness(&self, synchronous: bool) -> Option<String> {
        if self.fsync != "on" {
            return Some(
                "the server runs with fsync = off and would lose commits with the power: switch it on".to_owned(),
            );
        }
        let reason = lacks_standby(synchronous, self.standbys);
        if reason.is_some() || !synchronous || (self.shows_replication && self.replicates) {
            return reason;
        }
        Some(if self.shows_replication {
            "store.postgres.require_synchronous: no synchronous standby follows the server: commits wait until one does"
                .to_owned()
        } else {
            "store.postgres.require_synchronous: the role may not see whether a standby follows the server: \
             GRANT pg_read_all_stats TO the_role"
                .to_owned()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_ready_while_its_commits_last_as_they_must() {
        let good = Server { fsync: "on", standbys: "ANY 1 (a, b)", shows_replication: true, replicates: true };
        assert_eq!(good.weakness(true), None);
        let alone = Server { standbys: "", shows_replication: false, replicates: false, ..good };
        assert_eq!(alone.weakness(false), None, "nobody asks for a standby");
        for (server, says) in [
            (Server { fsync: "off", ..good }, "fsync = off"),
            (alone, "synchronous_standby_names is empty"),
            (Server { replicates: false, ..good }, "no synchronous standby follows"),
            (Server { shows_replication: false, replicates: false, ..good }, "GRANT pg_read_all_stats"),
        ] {
            let weakness = server.weakness(true).unwrap_or_default();
            assert!(weakness.contains(says), "{weakness}");
        }
        assert!(Server { fsync: "off", ..good }.weakness(false).is_some());
    }
}
