//! What is known of one connection: what it is doing, since when, and whether it is to end.
//!
//! The worker that serves it writes most of it; the registry reads it, and tells it to give way. Both meet in one
//! atomic word, so that a connection whose next request is just arriving is never told to go.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::task::AtomicWaker;

/// From the connection to the end of its first head, a TLS handshake included.
const FIRST_HEAD: Duration = Duration::from_secs(10);
/// From the first byte of a later head to its end.
const HEAD: Duration = Duration::from_secs(10);
/// How long a connection may wait for its next request: longer than the pools of clients and proxies usually keep one,
/// so that it is they who close it, and no request meets a connection that is just being closed.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// How long nothing of an answer may be taken.
pub(super) const UNTAKEN: Duration = Duration::from_secs(30);
/// Whoever needs longer than this for a head, in milliseconds, or for beginning with the first one, is no honest client
/// that has something to ask.
const SLOW_HEAD: u64 = 1000;

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// It has not sent a whole head yet.
    Opening,
    /// It waits for its next request.
    Waiting,
    /// The head of a next request has begun to arrive.
    Head,
    /// A request is being answered whose body may still be arriving.
    Body,
    /// A request is being answered that has arrived whole.
    Handling,
    /// An answer is being sent.
    Answering,
    /// The last answer was sent; nothing of what comes is looked at.
    Closing,
    /// It gives way to another one.
    GivingWay,
}

const PHASES: [Phase; 8] = [
    Phase::Opening,
    Phase::Waiting,
    Phase::Head,
    Phase::Body,
    Phase::Handling,
    Phase::Answering,
    Phase::Closing,
    Phase::GivingWay,
];

/// A phase and when it began, as one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment(u64);

impl Moment {
    fn new(phase: Phase, since: u64) -> Self {
        Self(since << 3 | phase as u64)
    }

    pub(super) fn phase(self) -> Phase {
        PHASES[(self.0 & 7) as usize]
    }

    /// In milliseconds of the [`Clock`].
    pub(super) fn since(self) -> u64 {
        self.0 >> 3
    }
}

/// Milliseconds since the listeners started.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock(Instant);

impl Clock {
    pub(super) fn start() -> Self {
        Self(Instant::now())
    }

    pub(super) fn now(self) -> u64 {
        u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// Why the gateway ends a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server) enum End {
    /// Too many are open, and this one has been idle for longest.
    GaveWay,
    /// Too many are open, and none is idle.
    Refused,
    /// A TLS handshake or a head took too long.
    HeadLate,
    /// A head was longer than any that is answered in a dialect's form, or had too many headers.
    HeadTooLarge,
    /// What came is no HTTP.
    NoHttp,
    /// No request came.
    Idle,
    /// Nothing of an answer was taken.
    AnswerUntaken,
}

impl End {
    pub(in crate::server) const ALL: [Self; 7] = [
        Self::GaveWay,
        Self::Refused,
        Self::HeadLate,
        Self::HeadTooLarge,
        Self::NoHttp,
        Self::Idle,
        Self::AnswerUntaken,
    ];

    /// The label for metrics.
    pub(in crate::server) fn label(self) -> &'static str {
        match self {
            Self::GaveWay => "gave_way",
            Self::Refused => "refused",
            Self::HeadLate => "head_late",
            Self::HeadTooLarge => "head_too_large",
            Self::NoHttp => "no_http",
            Self::Idle => "idle",
            Self::AnswerUntaken => "answer_untaken",
        }
    }
}

/// The answer to a head that no dialect was asked about, with the connection's end.
pub(super) struct Farewell {
    pub(super) status: u16,
    reason: &'static str,
    text: String,
}

impl Farewell {
    /// What is answered to whoever sent something of a head when its connection ends; `limit` is how long a head may be,
    /// in bytes.
    pub(super) fn to(end: End, limit: usize) -> Option<Self> {
        let (status, reason, text) = match end {
            End::HeadLate => (
                408,
                "Request Timeout",
                format!("the request line and the headers must be here {} s after their first byte\n", HEAD.as_secs()),
            ),
            End::HeadTooLarge => (
                431,
                "Request Header Fields Too Large",
                format!("the request line and the headers are too long; at most {limit} bytes together are allowed\n"),
            ),
            End::GaveWay | End::Refused | End::NoHttp | End::Idle | End::AnswerUntaken => return None,
        };
        Some(Self { status, reason, text })
    }

    /// The whole answer.
    pub(super) fn answer(&self) -> String {
        let Self { status, reason, text } = self;
        format!(
            "HTTP/1.1 {status} {reason}\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {}\r\n\
             connection: close\r\n\r\n{text}",
            text.len()
        )
    }
}

/// Who has connections in common: an IPv4 address, or the /64 that an IPv6 address is in, since whoever has one has all
/// of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Source(IpAddr);

impl Source {
    pub(super) fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(v6) => Self(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into()),
            v4 => Self(v4),
        }
    }
}

/// One connection.
#[derive(Debug)]
pub(super) struct Connection {
    /// Tells it from all others of its registry.
    pub(super) id: u64,
    pub(super) peer: SocketAddr,
    pub(super) clock: Clock,
    moment: AtomicU64,
    /// Since when nothing of an answer was taken; 0 while it is.
    untaken: AtomicU64,
    /// Whether somebody thinks that it should end: it then looks for itself.
    called: AtomicBool,
    task: AtomicWaker,
}

impl Connection {
    pub(super) fn new(id: u64, peer: SocketAddr, clock: Clock) -> Self {
        Self {
            id,
            peer,
            clock,
            moment: AtomicU64::new(Moment::new(Phase::Opening, clock.now()).0),
            untaken: AtomicU64::new(0),
            called: AtomicBool::new(false),
            task: AtomicWaker::new(),
        }
    }

    pub(super) fn source(&self) -> Source {
        Source::of(self.peer.ip())
    }

    pub(super) fn moment(&self) -> Moment {
        Moment(self.moment.load(Ordering::Acquire))
    }

    pub(super) fn phase(&self) -> Phase {
        self.moment().phase()
    }

    /// Goes on to another phase, unless it has been told to give way.
    pub(super) fn enter(&self, phase: Phase) -> bool {
        let next = Moment::new(phase, self.clock.now()).0;
        let told = |moment: u64| (Moment(moment).phase() != Phase::GivingWay).then_some(next);
        self.moment.fetch_update(Ordering::AcqRel, Ordering::Acquire, told).is_ok()
    }

    /// Notes whether the other side takes what is sent.
    pub(super) fn taken(&self, taken: bool) {
        if taken {
            if self.untaken.load(Ordering::Relaxed) != 0 {
                self.untaken.store(0, Ordering::Relaxed);
            }
        } else if self.untaken.load(Ordering::Relaxed) == 0 {
            self.untaken.store(self.clock.now().max(1), Ordering::Relaxed);
        }
    }

    /// Whether it is idle, and its rank among those that are: what has not come to the end of a head for a while gives
    /// way before what waits between requests.
    pub(super) fn idle(&self, now: u64) -> Option<(Moment, u8)> {
        let moment = self.moment();
        let slow = now.saturating_sub(moment.since()) >= SLOW_HEAD;
        match moment.phase() {
            Phase::Opening | Phase::Head if slow => Some((moment, 0)),
            Phase::Opening | Phase::Waiting | Phase::Closing => Some((moment, 1)),
            Phase::Head | Phase::Body | Phase::Handling | Phase::Answering | Phase::GivingWay => None,
        }
    }

    /// Tells it to give way if it still is what it was at that moment.
    pub(super) fn give_way(&self, was: Moment) -> bool {
        let to = Moment::new(Phase::GivingWay, was.since()).0;
        let told = self.moment.compare_exchange(was.0, to, Ordering::AcqRel, Ordering::Acquire).is_ok();
        if told {
            self.task.wake();
        }
        told
    }

    /// Ends it: from now on it gives way to nobody. Tells whether it had not been told to before.
    pub(super) fn leave(&self) -> bool {
        let gone = Moment::new(Phase::GivingWay, 0).0;
        Moment(self.moment.swap(gone, Ordering::AcqRel)).phase() != Phase::GivingWay
    }

    /// Why it has to end now.
    pub(super) fn verdict(&self, now: u64) -> Option<End> {
        let moment = self.moment();
        let over = |since: u64, limit: Duration| u128::from(now.saturating_sub(since)) >= limit.as_millis();
        let untaken = self.untaken.load(Ordering::Relaxed);
        if untaken != 0 && over(untaken, UNTAKEN) {
            return Some(End::AnswerUntaken);
        }
        match moment.phase() {
            Phase::GivingWay => Some(End::GaveWay),
            Phase::Opening if over(moment.since(), FIRST_HEAD) => Some(End::HeadLate),
            Phase::Head if over(moment.since(), HEAD) => Some(End::HeadLate),
            Phase::Waiting if over(moment.since(), KEEP_ALIVE) => Some(End::Idle),
            _ => None,
        }
    }

    /// Calls on it if it has to end.
    pub(super) fn call_on(&self, now: u64) {
        if self.verdict(now).is_some() {
            self.called.store(true, Ordering::Release);
            self.task.wake();
        }
    }

    /// What [`Connection::verdict`] says, asked for only where there is a reason: this is looked at with every poll.
    pub(super) fn ending(&self) -> Option<End> {
        if self.called.load(Ordering::Acquire) || self.phase() == Phase::GivingWay {
            self.called.store(false, Ordering::Relaxed);
            return self.verdict(self.clock.now());
        }
        None
    }

    /// Names the task that serves it.
    pub(super) fn served_by(&self, task: &std::task::Waker) {
        self.task.register(task);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection() -> Connection {
        Connection::new(1, "192.0.2.1:1000".parse().unwrap(), Clock::start())
    }

    #[test]
    fn every_phase_keeps_its_name_and_its_time() {
        for phase in PHASES {
            let moment = Moment::new(phase, 123_456_789);
            assert_eq!((moment.phase(), moment.since()), (phase, 123_456_789));
        }
    }

    #[test]
    fn each_phase_has_its_own_time_limit() {
        let late = |phase: Phase, after: u64| {
            let connection = connection();
            assert!(connection.enter(phase));
            connection.verdict(connection.moment().since() + after)
        };
        assert_eq!((late(Phase::Opening, 9_999), late(Phase::Opening, 10_000)), (None, Some(End::HeadLate)));
        assert_eq!((late(Phase::Head, 9_999), late(Phase::Head, 10_000)), (None, Some(End::HeadLate)));
        assert_eq!((late(Phase::Waiting, 74_999), late(Phase::Waiting, 75_000)), (None, Some(End::Idle)));
        for phase in [Phase::Body, Phase::Handling, Phase::Answering, Phase::Closing] {
            assert_eq!(late(phase, 1_000_000), None, "{phase:?}");
        }
    }

    #[test]
    fn an_answer_may_wait_as_long_as_some_of_it_is_taken() {
        let connection = connection();
        assert!(connection.enter(Phase::Answering));
        connection.taken(false);
        let since = connection.untaken.load(Ordering::Relaxed);
        assert_eq!(connection.verdict(since + 29_999), None);
        assert_eq!(connection.verdict(since + 30_000), Some(End::AnswerUntaken));
        connection.taken(true);
        assert_eq!(connection.verdict(since + 90_000), None);
    }

    #[test]
    fn a_connection_that_went_on_does_not_give_way_and_one_that_gives_way_does_not_go_on() {
        let went_on = connection();
        let was = went_on.moment();
        assert!(went_on.enter(Phase::Handling));
        assert!(!went_on.give_way(was));
        let idle = connection();
        assert!(idle.give_way(idle.moment()));
        assert!(!idle.enter(Phase::Handling));
        assert_eq!(idle.verdict(0), Some(End::GaveWay));
    }

    #[test]
    fn the_addresses_of_a_64_are_one_source_and_ipv4_is_the_same_in_both_forms() {
        let of = |text: &str| Source::of(text.parse().unwrap());
        assert_eq!(of("2001:db8:0:1::1"), of("2001:db8:0:1:ffff::9"));
        assert_ne!(of("2001:db8:0:1::1"), of("2001:db8:0:2::1"));
        assert_eq!(of("192.0.2.1"), of("::ffff:192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }
}
