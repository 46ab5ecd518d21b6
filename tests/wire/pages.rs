//! Web pages and browsers: the pages for people of both listeners, and what pages of other sites may make a browser do.

use std::ffi::OsStr;
use std::time::Duration;

use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use tempfile::TempDir;

use crate::binary::Binary;
use crate::callers::{Caller, DNIS_KEY, INTERACTION, Reply, send};
use crate::gateway::Gateway;
use crate::raw::exchange;

const APP: &str = "https://app.example";

fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
    lines.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())).collect()
}

/// What a page of another site makes a browser send.
fn cross_site() -> HeaderMap {
    headers(&[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors"), ("origin", "https://evil.example")])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_another_site_changes_nothing_over_gms_and_the_own_api_whatever_it_sends() {
    let gateway = Gateway::demo().start().await;
    let caller = gateway.caller();
    let before = gateway.state().await;
    let gms = "/genesys/1/service";
    let requests = [
        (Method::GET, format!("{gms}/request-interaction?_resource_group=DNIS")),
        (Method::POST, format!("{gms}/request-interaction")),
        (Method::GET, format!("{gms}/request-access?_id={INTERACTION}")),
        (Method::GET, format!("{gms}/match-interaction?_access_number=6504664130")),
        (Method::DELETE, format!("{gms}/{INTERACTION}")),
        (Method::POST, "/genesys/1/storage/60".to_owned()),
        (Method::POST, "/gateway/v1/numbers".to_owned()),
        (Method::DELETE, "/gateway/v1/numbers/111".to_owned()),
        (Method::POST, "/gateway/v1/calls/resolve".to_owned()),
        (Method::POST, "/gateway/v1/soap".to_owned()),
    ];
    for site in ["cross-site", "same-site"] {
        for (method, path) in &requests {
            let request = caller.user(method.clone(), path).header("Sec-Fetch-Site", site);
            let reply = send(request).await;
            assert_eq!(reply.status, 403, "{site} {method} {path}: {reply:?}");
            let named = reply.text().contains("javax.ws.rs.ForbiddenException")
                || reply.text().contains("urn:dnis-gateway:problem:foreign-page")
                || reply.text().contains("foreign_page");
            assert!(named, "in the form of the dialect: {reply:?}");
        }
    }
    let plain =
        caller.request(Method::POST, &format!("{gms}/request-interaction")).header("Origin", "http://evil.example");
    assert_eq!(send(plain).await.status, 403, "over plain HTTP a browser tells the origin alone");
    assert_eq!(gateway.state().await, before);

    for site in ["same-origin", "none"] {
        let request = caller.request(Method::POST, &format!("{gms}/request-access")).header("Sec-Fetch-Site", site);
        assert_eq!(send(request.form(&[("_id", INTERACTION)])).await.status, 200, "{site}");
    }
    let read = caller.user(Method::GET, "/gateway/v1/numbers").headers(cross_site());
    assert_eq!(send(read).await.status, 200, "what changes nothing is answered, and no page can read it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_the_allow_list_calls_and_reads_and_nobody_else_does() {
    let gateway =
        Gateway::demo().with(|settings| settings.server.cors_origins.push(APP.parse().unwrap())).start().await;
    let caller = gateway.caller();
    let path = "/genesys/1/service/request-interaction";
    let preflight = |origin: &str, path: &str| {
        let request = caller.request(Method::OPTIONS, path).header("Origin", origin);
        let request = request.header("Access-Control-Request-Method", "POST");
        send(request.header("Access-Control-Request-Headers", "application-key,content-type"))
    };
    let shared = |reply: &Reply| reply.header("access-control-allow-origin").to_owned();
    for path in [path, "/gateway/v1/numbers", "/gateway/v1/soap"] {
        let reply = preflight(APP, path).await;
        assert_eq!((reply.status, shared(&reply).as_str()), (204, APP), "{path}: {reply:?}");
        let said = reply.headers.get_all("access-control-allow-origin").iter().count();
        assert_eq!(said, 1, "a browser takes two for a refusal: {reply:?}");
        assert!(reply.header("access-control-allow-methods").contains("POST"), "{reply:?}");
        assert_eq!(reply.header("access-control-allow-headers"), "application-key,content-type");
        assert!(reply.header("vary").starts_with("Origin"), "{reply:?}");
        let other = preflight("https://evil.example", path).await;
        assert!(other.status >= 400 && shared(&other).is_empty(), "{path}: {other:?}");
    }
    for path in ["/interact/version/2/dnis", "/apiaccess/rest/cc-management/v1/calledroute"] {
        assert_eq!(shared(&preflight(APP, path).await), "", "{path}: pages have no business there");
    }

    let call = |origin: &'static str| {
        let request =
            caller.request(Method::POST, path).header("Origin", origin).header("Sec-Fetch-Site", "cross-site");
        send(request.form(&[("_resource_group", "DNIS")]))
    };
    let reply = call(APP).await;
    assert_eq!((reply.status, shared(&reply).as_str(), reply.header("vary")), (200, APP, "Origin"), "{reply:?}");
    assert!(reply.header("access-control-expose-headers").contains("Retry-After"));
    let reply = call("https://evil.example").await;
    assert_eq!((reply.status, shared(&reply).as_str(), reply.header("vary")), (403, "", "Origin"), "{reply:?}");
    let denied = caller.request(Method::GET, "/gateway/v1/numbers").header("Origin", APP);
    let denied = send(denied).await;
    assert_eq!((denied.status, shared(&denied).as_str()), (401, APP), "a page may read why it was refused");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_admin_listener_answers_no_foreign_host_and_no_page_of_another_site_on_any_path() {
    let gateway =
        Gateway::demo().with(|settings| settings.admin.hosts.push("gw.example".parse().unwrap())).start().await;
    let address = gateway.admin_address();
    let ask = async |path: &str, lines: &str| {
        let request = format!("GET {path} HTTP/1.1\r\n{lines}Connection: close\r\n\r\n");
        exchange(address, request).await.unwrap().status
    };
    for path in ["/", "/health/live", "/metrics", "/backup", "/console", "/nowhere"] {
        for own in ["Host: 127.0.0.1\r\n", "Host: localhost:9090\r\n", "Host: [::1]\r\n"] {
            assert_ne!(ask(path, own).await, 403, "{path} {own}");
        }
        for foreign in [
            "Host: evil.example\r\n",
            "Host: [::1].evil.example\r\n",
            "Host: 127.0.0.1.evil.example\r\n",
            "Host: 127.0.0.1\r\nOrigin: https://evil.example\r\n",
            "Host: 127.0.0.1\r\nOrigin: null\r\n",
            "Host: 127.0.0.1\r\nSec-Fetch-Site: cross-site\r\n",
            "Host: 127.0.0.1\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe\r\n",
        ] {
            assert_eq!(ask(path, foreign).await, 403, "{path} {foreign}");
        }
        let followed =
            "Host: 127.0.0.1\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n";
        let let_in = matches!(path, "/" | "/console");
        assert_eq!(ask(path, followed).await != 403, let_in, "{path}: a link");
        assert!(ask(path, "").await < 500, "no host");
    }
    for path in ["/", "/metrics"] {
        assert_eq!(ask(path, "Host: gw.example\r\n").await, 200, "{path}");
    }
    let broken = exchange(address, b"GET /metrics HTTP/1.1\r\nHost: local\xffhost\r\n\r\n").await;
    let status = broken.map(|reply| reply.status);
    assert!(matches!(status, None | Some(400 | 403)), "a host that is no UTF-8: {status:?}");
    for browser in ["Origin: http://127.0.0.1", "Referer: http://127.0.0.1/", "Sec-Fetch-Site: none"] {
        assert_eq!(ask("/backup", &format!("Host: 127.0.0.1\r\n{browser}\r\n")).await, 403, "{browser}");
    }
    // One at a time, and those above may still be ending.
    while ask("/backup", "Host: 127.0.0.1\r\n").await != 200 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_listeners_begin_with_a_page_for_people_that_loads_nothing() {
    let gateway = Gateway::demo().start().await;
    let main = gateway.caller().get("/").await;
    let admin = gateway.admin("/").await;
    for reply in [&main, &admin] {
        assert_eq!((reply.status, reply.header("content-type")), (200, "text/html; charset=utf-8"));
        let text = reply.text();
        assert!(reply.header("content-security-policy").starts_with("default-src 'none'"), "{reply:?}");
        assert_eq!(reply.header("x-content-type-options"), "nosniff");
        assert!(text.contains(env!("CARGO_PKG_VERSION")) && text.contains("prefers-color-scheme: dark"), "{text}");
        assert!(!text.contains("<script") && !text.contains("src="), "{text}");
    }
    let text = main.text();
    for said in ["12345678", "admin", DNIS_KEY, "demo-secret-0001", "request-interaction -d _resource_group=DNIS"] {
        assert!(text.contains(said), "{said}: {text}");
    }
    let links: Vec<&str> = text.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert!(links.len() >= 7, "{links:?}");
    for link in links {
        assert_eq!(gateway.caller().get(link).await.status, 200, "{link}");
    }
    let text = admin.text();
    assert!(!text.contains(DNIS_KEY), "{text}");
    for link in text.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        assert_eq!(gateway.admin(&format!("/{link}")).await.status, 200, "{link}");
    }
    let other = Gateway::demo().with(|settings| settings.demo = false).start().await;
    let text = other.caller().get("/").await.text();
    assert!(!text.contains(DNIS_KEY) && text.contains("openapi.json"), "{text}");
    for reply in [gateway.caller().get("/nowhere").await, gateway.admin("/nowhere").await] {
        assert_eq!(reply.status, 404);
        assert!(reply.text().ends_with(".\n"), "{reply:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_answers_to_no_name_that_a_web_page_could_have() {
    let data = TempDir::new().unwrap();
    let binary = Binary::serve(&[OsStr::new("--demo"), OsStr::new("--data"), data.path().as_os_str()]);
    let lend = |host: &str| {
        let request = Caller::of(binary.url()).request(Method::POST, "/genesys/1/service/request-interaction");
        send(request.header("Host", host).form(&[("_resource_group", "DNIS")]))
    };
    for rebound in ["rebound.example", "127.0.0.1.rebound.example:8080", "[::1].rebound.example"] {
        let reply = lend(rebound).await;
        assert_eq!((reply.status, reply.text().contains("server.hosts")), (403, true), "{rebound}: {reply:?}");
    }
    for own in ["localhost:8080", "127.0.0.1", "gateway"] {
        assert_eq!(lend(own).await.status, 200, "{own}");
    }
    assert_eq!(binary.stop().code(), Some(0));
}
