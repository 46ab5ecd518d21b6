//! Who is signed in. Sessions are in memory alone: a restart, another gateway of a cluster, a change of the user's password or
//! of the configuration's users each ask for signing in anew.
//!
//! A browser holds a random id; what is kept of it is its hash, so that nothing here can be used as one, and finding a
//! session takes a time that tells nothing of the ids that there are.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::access::Person;
use crate::domain::Scope;

/// How long somebody stays signed in at most.
const LONGEST: Duration = Duration::from_secs(12 * 60 * 60);
/// How long without asking for anything.
const IDLE: Duration = Duration::from_secs(60 * 60);
/// Most sessions, of all users and of one. The one that was used longest ago gives way, one of the same user first.
const MOST: usize = 1_000;
const MOST_OF_USER: usize = 20;

/// Where the time comes from; tests bring their own.
pub(super) type Time = Arc<dyn Fn() -> Instant + Send + Sync>;
type Key = [u8; 32];

/// 256 bits that nobody can guess, as text.
pub(super) fn secret() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<Key>())
}

/// Whether two texts are the same, in a time that does not tell where they differ.
pub(super) fn same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

/// What is told to somebody on the next page: once, and not again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Notice {
    /// What was asked for was done.
    Done(String),
    /// Nothing was changed, and why.
    Refused(String),
}

/// A person at a browser.
pub(super) struct Session {
    key: Key,
    pub(super) person: Person,
    /// What every form of the session carries.
    pub(super) token: String,
    begun: Instant,
    now: Mutex<Now>,
}

/// What changes about a session.
struct Now {
    used: Instant,
    scope: Scope,
    notice: Option<Notice>,
}

impl Session {
    /// Whose data is looked at.
    pub(super) fn scope(&self) -> Scope {
        self.now.lock().scope.clone()
    }

    /// Looks at other data from now on.
    pub(super) fn turn_to(&self, scope: Scope) {
        self.now.lock().scope = scope;
    }

    /// Leaves word for the next page.
    pub(super) fn tell(&self, notice: Notice) {
        self.now.lock().notice = Some(notice);
    }

    /// What the next page tells.
    pub(super) fn told(&self) -> Option<Notice> {
        self.now.lock().notice.take()
    }

    fn is_over(&self, now: Instant) -> bool {
        now.duration_since(self.begun) >= LONGEST || now.duration_since(self.now.lock().used) >= IDLE
    }
}

/// Everybody who is signed in.
pub(super) struct Sessions {
    time: Time,
    table: Mutex<HashMap<Key, Arc<Session>>>,
}

impl Sessions {
    pub(super) fn new(time: Time) -> Self {
        Self { time, table: Mutex::default() }
    }

    /// Begins a session; gives the id that the browser is told, and nobody else.
    pub(super) fn begin(&self, person: Person, scope: Scope) -> String {
        let (id, now) = (secret(), (self.time)());
        let key = key(&id);
        let session = Session {
            key,
            person,
            token: secret(),
            begun: now,
            now: Mutex::new(Now { used: now, scope, notice: None }),
        };
        let mut table = self.table.lock();
        table.retain(|_, session| !session.is_over(now));
        let user = |session: &Session| (session.person.name.clone(), session.person.home.clone());
        let own = user(&session);
        make_room(&mut table, MOST_OF_USER, |other| user(other) == own);
        make_room(&mut table, MOST, |_| true);
        table.insert(key, Arc::new(session));
        id
    }

    /// The session of an id, if it is not over; `touch` where a person has asked for something.
    pub(super) fn find(&self, id: &str, touch: bool) -> Option<Arc<Session>> {
        let now = (self.time)();
        let mut table = self.table.lock();
        let session = Arc::clone(table.get(&key(id))?);
        if session.is_over(now) {
            table.remove(&session.key);
            return None;
        }
        if touch {
            session.now.lock().used = now;
        }
        Some(session)
    }

    /// Ends a session.
    pub(super) fn end(&self, session: &Session) {
        self.table.lock().remove(&session.key);
    }
}

fn key(id: &str) -> Key {
    Sha256::digest(id.as_bytes()).into()
}

/// Ends the sessions that were used longest ago, until there is room for one more among `most` of a kind.
fn make_room(table: &mut HashMap<Key, Arc<Session>>, most: usize, is_one: impl Fn(&Session) -> bool) {
    let mut kind: Vec<_> =
        table.values().filter(|it| is_one(it)).map(|session| (session.now.lock().used, session.key)).collect();
    kind.sort_unstable();
    let surplus = (kind.len() + 1).saturating_sub(most);
    for (_, key) in kind.into_iter().take(surplus) {
        table.remove(&key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::TenantId;

    struct Table {
        sessions: Sessions,
        now: Arc<Mutex<Instant>>,
    }

    impl Table {
        fn new() -> Self {
            let now = Arc::new(Mutex::new(Instant::now()));
            let time = Arc::clone(&now);
            Self { sessions: Sessions::new(Arc::new(move || *time.lock())), now }
        }

        fn later(&self, minutes: u64) {
            *self.now.lock() += Duration::from_secs(minutes * 60);
        }

        fn begin(&self, user: &str) -> String {
            let scope = Scope { tenant: TenantId::new("one").unwrap(), environment: None };
            self.sessions.begin(Person::for_tests(user), scope)
        }

        fn knows(&self, id: &str) -> bool {
            self.sessions.find(id, false).is_some()
        }
    }

    #[test]
    fn an_id_has_256_bits_that_are_others_each_time_and_no_other_text_finds_the_session() {
        let table = Table::new();
        let (one, other) = (table.begin("ann"), table.begin("ann"));
        assert_eq!((one.len(), one == other), (43, false));
        assert!(table.knows(&one) && table.knows(&other));
        assert!(!table.knows("") && !table.knows(&one[1..]) && !table.knows(&format!("{one}A")));
        let tokens = [&one, &other].map(|id| table.sessions.find(id, false).unwrap().token.clone());
        assert!(tokens[0] != tokens[1] && tokens[0] != one && tokens[0].len() == 43);
    }

    #[test]
    fn a_session_ends_after_an_hour_without_use_and_after_twelve_with_it() {
        let table = Table::new();
        let (used, left) = (table.begin("ann"), table.begin("bob"));
        for minutes in (0..12 * 60).step_by(30).skip(1) {
            table.later(30);
            assert!(table.sessions.find(&used, true).is_some(), "after {minutes} minutes");
            assert_eq!(table.knows(&left), minutes < 60, "looking does not count as use, after {minutes} minutes");
        }
        table.later(30);
        assert!(!table.knows(&used));
    }

    #[test]
    fn sessions_are_bounded_and_one_user_pushes_out_only_its_own() {
        let table = Table::new();
        let other = table.begin("bob");
        let many: Vec<_> = (0..MOST_OF_USER + 5)
            .map(|_| {
                *table.now.lock() += Duration::from_secs(1);
                table.begin("ann")
            })
            .collect();
        assert!(table.knows(&other));
        let left = many.iter().filter(|id| table.knows(id)).count();
        assert_eq!((left, table.knows(&many[4]), table.knows(&many[5])), (MOST_OF_USER, false, true));
        for user in 0..MOST + 10 {
            table.begin(&format!("user {user}"));
        }
        assert_eq!(table.sessions.table.lock().len(), MOST);
    }

    #[test]
    fn word_is_left_for_one_page_alone() {
        let table = Table::new();
        let session = table.sessions.find(&table.begin("ann"), true).unwrap();
        session.tell(Notice::Done("freed".to_owned()));
        assert_eq!(session.told(), Some(Notice::Done("freed".to_owned())));
        assert_eq!(session.told(), None);
        table.sessions.end(&session);
        assert!(table.sessions.table.lock().is_empty());
    }
}
