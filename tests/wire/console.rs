//! The console as a browser meets it, over HTTP.

use reqwest::Method;

use crate::callers::{Caller, Reply, send};
use crate::gateway::Gateway;
use crate::raw::exchange;

/// A browser at the console: it keeps its cookies and follows nothing by itself.
struct Browser {
    caller: Caller,
    cookies: Vec<String>,
}

impl Browser {
    fn at(gateway: &Gateway) -> Self {
        Self { caller: Caller::staying(&format!("http://{}", gateway.admin_address())), cookies: Vec::new() }
    }

    async fn send(&mut self, method: Method, path: &str, fields: &[(&str, &str)]) -> Reply {
        let mut request = self.caller.request(method.clone(), path).header("Cookie", self.cookies.join("; "));
        if method == Method::POST {
            request = request.form(fields);
        }
        let reply = send(request).await;
        for set in reply.headers.get_all("set-cookie") {
            let pair = set.to_str().unwrap().split(';').next().unwrap().to_owned();
            let name = pair.split('=').next().unwrap().to_owned();
            self.cookies.retain(|known| !known.starts_with(&format!("{name}=")));
            self.cookies.push(pair);
        }
        reply
    }

    async fn get(&mut self, path: &str) -> Reply {
        self.send(Method::GET, path, &[]).await
    }

    /// Sends a form with the token of the page before it.
    async fn form(&mut self, page: &Reply, path: &str, fields: &[(&str, &str)]) -> Reply {
        let (token, of) = (hidden(page, "token"), hidden(page, "of"));
        let fields = [&[("token", token.as_str()), ("of", of.as_str())], fields].concat();
        self.send(Method::POST, path, &fields).await
    }

    async fn sign_in(&mut self) -> Reply {
        let page = self.get("/console").await;
        let reply = self.form(&page, "/console/sign-in", &[("user", "admin"), ("password", "password")]).await;
        assert_eq!((reply.status, reply.header("location")), (303, "/console"), "{reply:?}");
        reply
    }
}

/// The value of a hidden field of a page; empty where there is none.
fn hidden(page: &Reply, name: &str) -> String {
    let field = format!("<input type=\"hidden\" name=\"{name}\" value=\"");
    let text = page.text();
    let value = text.split_once(&field).and_then(|(_, rest)| rest.split_once('"'));
    value.map(|(value, _)| value.to_owned()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_signs_in_finds_a_lend_frees_it_and_signs_out() {
    let gateway = Gateway::demo().start().await;
    let mut browser = Browser::at(&gateway);
    let page = browser.get("/console").await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    assert!(page.text().contains("This is the demo") && !page.text().contains("<h1>Pools</h1>"), "{page:?}");
    browser.sign_in().await;
    let lend = [("_resource_group", "DNIS"), ("_phone_number", "15550100"), ("note", "call back")];
    let lent = gateway.caller().request(Method::POST, "/genesys/1/service/request-interaction").form(&lend);
    assert_eq!(send(lent).await.status, 200);
    let pools = browser.get("/console/").await;
    assert!(pools.text().contains("aria-label=\"9 free, 1 lent\""), "{pools:?}");
    let found = browser.get("/console/find?q=15550100").await;
    assert!(found.text().contains("6504664130") && found.text().contains("by GMS"), "{found:?}");
    let button = found.text().split_once("value=\"free ").unwrap().1.split_once('"').unwrap().0.to_owned();
    let free = [("do", format!("free {button}")), ("back", "/console/find?q=15550100".to_owned())];
    let free: Vec<_> = free.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let freed = browser.form(&found, "/console/number", &free).await;
    assert_eq!((freed.status, freed.header("location")), (303, "/console/find?q=15550100"), "{freed:?}");
    let after = browser.get("/console/find?q=15550100").await;
    assert!(after.text().contains("6504664130 is no longer lent to"), "{after:?}");
    let again = browser.form(&found, "/console/number", &free).await;
    assert_eq!(again.status, 303);
    let told = browser.get("/console/find?q=15550100").await;
    assert!(told.text().contains("The page was out of date"), "{told:?}");
    browser.form(&found, "/console/sign-out", &[]).await;
    assert_eq!(browser.get("/console/find").await.status, 303);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_another_site_sends_no_form_and_is_shown_no_page_but_the_first() {
    let gateway = Gateway::demo().start().await;
    let mut browser = Browser::at(&gateway);
    let signed_in = browser.sign_in().await;
    assert!(signed_in.header("set-cookie").contains("SameSite=Strict"), "{signed_in:?}");
    let cookie = browser.cookies.join("; ");
    let ask = async |method: &str, path: &str, lines: &str| {
        let head = format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie}\r\n{lines}");
        let request = format!("{head}Content-Length: 0\r\nConnection: close\r\n\r\n");
        exchange(gateway.admin_address(), request).await.unwrap().status
    };
    let navigated = "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n";
    assert_eq!(ask("GET", "/console", navigated).await, 200);
    assert_eq!(ask("GET", "/console/find?q=1", navigated).await, 403);
    assert_eq!(ask("POST", "/console/sign-out", navigated).await, 403);
    assert_eq!(ask("POST", "/console/number", "Origin: https://evil.example\r\n").await, 403);
    assert_eq!(ask("POST", "/console/number", "Origin: http://127.0.0.1\r\n").await, 403, "without the token");
    assert_eq!(ask("GET", "/console/find", "Sec-Fetch-Site: same-origin\r\n").await, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_cookie_is_secure_behind_a_trusted_proxy_that_says_tls() {
    let cookie_of = async |gateway: &Gateway, lines: &str| {
        let request = format!("GET /console HTTP/1.1\r\nHost: 127.0.0.1\r\n{lines}Connection: close\r\n\r\n");
        let reply = exchange(gateway.admin_address(), request).await.unwrap();
        reply.header("set-cookie").to_owned()
    };
    let gateway = Gateway::demo().start().await;
    assert!(!cookie_of(&gateway, "").await.contains("Secure"));
    assert!(!cookie_of(&gateway, "X-Forwarded-Proto: https\r\n").await.contains("Secure"), "no proxy is trusted");
    let proxied = Gateway::demo()
        .with(|settings| settings.server.trusted_proxies = ["127.0.0.0/8".parse().unwrap()].into_iter().collect())
        .start()
        .await;
    assert!(cookie_of(&proxied, "X-Forwarded-Proto: HTTPS\r\n").await.contains("; Secure"));
    assert!(!cookie_of(&proxied, "X-Forwarded-Proto: http\r\n").await.contains("Secure"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guessing_at_the_console_is_limited_as_everywhere_and_together_with_everything_else() {
    let gateway = Gateway::demo().with(|settings| settings.access.failures = 4).start().await;
    for _ in 0..2 {
        let request = gateway.caller().request(Method::GET, "/gateway/v1/groups").basic_auth("admin", Some("wrong"));
        assert_eq!(send(request).await.status, 401);
    }
    let mut browser = Browser::at(&gateway);
    let page = browser.get("/console").await;
    for status in [403, 403, 429] {
        let fields = [("user", "admin"), ("password", "guessed")];
        assert_eq!(browser.form(&page, "/console/sign-in", &fields).await.status, status);
    }
    let right = browser.form(&page, "/console/sign-in", &[("user", "admin"), ("password", "password")]).await;
    assert_eq!(right.status, 429, "the right password is told apart from a wrong one by nobody who guesses");
    assert!(!right.header("retry-after").is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_that_is_too_long_is_refused_and_the_connection_goes_on() {
    let gateway = Gateway::demo().start().await;
    let mut browser = Browser::at(&gateway);
    let long = "x".repeat(70_000);
    let reply = browser.send(Method::POST, "/console/sign-in", &[("user", &long)]).await;
    assert_eq!(reply.status, 400, "{reply:?}");
    browser.sign_in().await;
}
