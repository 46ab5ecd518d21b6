//! The console in process, over the pure store: what a browser sends, and the pages that it is given.

mod changing;
mod hostile;
mod pages;
mod routes;
mod signing;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::http::Method;
use actix_web::http::header::{COOKIE, HeaderMap, HeaderName, HeaderValue};
use parking_lot::Mutex;

use super::{Console, PATH, Request};
use crate::access::Access;
use crate::config::Settings;
use crate::dialect::Answer;
use crate::domain::state::{Holder, Lend, Repeat, Source};
use crate::domain::{
    Caller, CodeShape, Content, EntryKey, GroupName, InteractionId, LentBy, NewEntry, NewNumber, Number, Scope,
    Seconds, TenantId, Timestamp,
};
use crate::store::memory::MemoryStore;
use crate::store::{ManualClock, Store};

/// The password is `password`, hashed cheaply.
const HASH: &str = "$argon2id$v=19$m=8,t=1,p=1$muM/Ycl/N/yy9qB4rJKzSw$F9clZuJVvQ1Z/qqEC0bS1STBby6I1e7MhzChdS3bhaI";
const TENANTS: &str = "
[[admin.users]]
name = 'root'
password_hash = '{hash}'
role = 'admin'

[[tenant]]
id = 'one'
users = [
    { name = 'ann', password_hash = '{hash}' },
    { name = 'vic', password_hash = '{hash}', role = 'viewer' },
    { name = 'both', password_hash = '{hash}' },
]
groups = [
    { name = 'resting', cool_down = 60, policy = 'least-recently-freed', reserved = ['909'] },
    { name = 'shared', sharing = 'shared', policy = 'random' },
]

[[tenant]]
id = 'two'
environments = ['prod', 'test']
users = [{ name = 'bob', password_hash = '{hash}' }, { name = 'both', password_hash = '{hash}' }]
";

/// The console with a store and clocks behind it.
struct Gateway {
    console: Console,
    settings: Settings,
    store: Arc<dyn Store>,
    clock: Arc<ManualClock>,
    /// The time of sessions.
    now: Arc<Mutex<Instant>>,
}

/// Somebody's browser: it keeps cookies.
#[derive(Default)]
struct Browser {
    cookies: BTreeMap<String, String>,
    headers: Vec<(&'static str, &'static str)>,
    secure: bool,
}

impl Gateway {
    fn new() -> Self {
        Self::of(TENANTS)
    }

    fn of(settings: &str) -> Self {
        let settings =
            Settings::from_toml(&settings.replace("{hash}", HASH)).unwrap_or_else(|problems| panic!("{problems}"));
        let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1_700_000_000_000)));
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new(clock.clone(), settings.rules(), 1));
        let now = Arc::new(Mutex::new(Instant::now()));
        let time = Arc::clone(&now);
        let access = Arc::new(Access::new(&settings.access));
        let console = Console::with_time(Arc::clone(&store), access, Arc::new(move || *time.lock()));
        Self { console, settings, store, clock, now }
    }

    async fn send(&self, browser: &mut Browser, method: Method, target: &str, body: &str) -> Answer {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut headers = HeaderMap::new();
        for (name, value) in &browser.cookies {
            headers.append(COOKIE, HeaderValue::try_from(format!("{name}={value}")).unwrap());
        }
        for (name, value) in &browser.headers {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        let request = Request {
            method: &method,
            path: path.strip_prefix(PATH).unwrap_or_else(|| panic!("{target}")),
            query,
            headers: &headers,
            source: [192, 0, 2, 1].into(),
            secure: browser.secure,
            settings: &self.settings,
            body: body.as_bytes(),
        };
        let answer = self.console.answer(request).await.answer;
        for line in all(&answer, "set-cookie") {
            let (pair, rest) = line.split_once("; ").unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            match rest.contains("Max-Age=0") {
                true => browser.cookies.remove(name),
                false => browser.cookies.insert(name.to_owned(), value.to_owned()),
            };
        }
        answer
    }

    async fn get(&self, browser: &mut Browser, target: &str) -> Answer {
        self.send(browser, Method::GET, target, "").await
    }

    /// The page at an address, which must be one.
    async fn page(&self, browser: &mut Browser, target: &str) -> String {
        let answer = self.get(browser, target).await;
        assert_eq!(answer.status.as_u16(), 200, "{target}: {}", text(&answer));
        text(&answer)
    }

    /// Sends a form with the token that a page shows.
    async fn post(&self, browser: &mut Browser, path: &str, fields: &[(&str, &str)]) -> Answer {
        let shown = self.get(browser, "/console/explain").await;
        let (token, of) = (hidden(&text(&shown), "token"), hidden(&text(&shown), "of"));
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("token", &token).append_pair("of", &of).extend_pairs(fields);
        self.send(browser, Method::POST, path, &form.finish()).await
    }

    /// Sends a form and follows the way back, to the page that says what came of it.
    async fn done(&self, browser: &mut Browser, path: &str, fields: &[(&str, &str)]) -> String {
        let answer = self.post(browser, path, fields).await;
        assert_eq!(answer.status.as_u16(), 303, "{}", text(&answer));
        self.page(browser, one(&answer, "location")).await
    }

    /// Signs in with the usual password.
    async fn sign_in(&self, browser: &mut Browser, fields: &[(&str, &str)]) -> Answer {
        let shown = self.get(browser, "/console/sign-in").await;
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("token", &hidden(&text(&shown), "token")).extend_pairs(fields);
        if !fields.iter().any(|(name, _)| *name == "password") {
            form.append_pair("password", "password");
        }
        self.send(browser, Method::POST, "/console/sign-in", &form.finish()).await
    }

    /// A browser in which somebody is signed in.
    async fn browser(&self, user: &str) -> Browser {
        let mut browser = Browser::default();
        let answer = self.sign_in(&mut browser, &[("user", user)]).await;
        assert_eq!(answer.status.as_u16(), 303, "{}", text(&answer));
        browser
    }

    fn later(&self, seconds: u64) {
        self.clock.advance(Seconds::new(seconds));
        *self.now.lock() += Duration::from_secs(seconds);
    }

    /// Makes a number in a group of tenant `one`.
    async fn number(&self, number: &str, group: &str) {
        let number = Number::new(number).unwrap();
        let new = NewNumber { number, dnid: number, group: Some(GroupName::new(group).unwrap()), enabled: true };
        self.store.create_number(&one_scope(), new, None).await.unwrap();
    }

    /// Lends a number of a group of tenant `one` for 300 seconds; gives the allocation's id and the code.
    async fn lend(&self, group: &str, holder: &str, caller: &str, code: Option<CodeShape>) -> (u64, String) {
        let note = NewEntry {
            key: EntryKey::new("note").unwrap(),
            content: Content::Text,
            bytes: b"call back".to_vec().into(),
        };
        let lend = Lend {
            holder: Holder::Any(InteractionId::new(holder).unwrap()),
            source: Source::group(GroupName::new(group).unwrap()),
            origin: LentBy::Gms,
            repeat: Repeat::AnotherNumber,
            lasting: Seconds::new(300),
            interaction_ttl: Seconds::new(0),
            code,
            caller: Some(Caller::new(caller).unwrap()),
            data: vec![note],
            data_ttl: None,
            application: None,
        };
        let lent = self.store.lend(&one_scope(), lend, None).await.unwrap();
        let code = lent.allocation.code.as_ref().map(|code| code.as_str().to_owned());
        (lent.allocation.id.0, code.unwrap_or_default())
    }
}

fn one_scope() -> Scope {
    Scope { tenant: TenantId::new("one").unwrap(), environment: None }
}

fn text(answer: &Answer) -> String {
    String::from_utf8(answer.body.to_vec()).unwrap()
}

fn all<'a>(answer: &'a Answer, name: &str) -> Vec<&'a str> {
    let named = answer.headers.iter().filter(|(known, _)| known == name);
    named.map(|(_, value)| value.to_str().unwrap()).collect()
}

/// The only header of a name.
fn one<'a>(answer: &'a Answer, name: &str) -> &'a str {
    let [value] = all(answer, name)[..] else { panic!("{name}: {:?}", answer.headers) };
    value
}

/// The value of the first hidden field of a name; empty where there is none.
fn hidden(page: &str, name: &str) -> String {
    let field = format!("<input type=\"hidden\" name=\"{name}\" value=\"");
    page.split_once(&field)
        .and_then(|(_, rest)| rest.split_once('"'))
        .map(|(value, _)| unescaped(value))
        .unwrap_or_default()
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

/// A page as it is compared: an element to a line, and what is another each time left out.
fn golden(page: &str) -> String {
    let mut page = page.replace(env!("CARGO_PKG_VERSION"), "VERSION");
    while let Some((before, rest)) = page.split_once("name=\"token\" value=\"")
        && let Some((_, after)) = rest.split_once('"')
    {
        page = format!("{before}name=\"token\" value={after}");
    }
    page.replace("><", ">\n<")
}
