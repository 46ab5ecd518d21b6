//! Who is let in, for how long, and that no other site takes part in it.

use super::*;

#[tokio::test]
async fn whoever_has_no_session_meets_the_sign_in_and_comes_back_to_where_they_wanted() {
    let (gateway, mut browser) = (Gateway::new(), Browser::default());
    let first = gateway.page(&mut browser, "/console").await;
    assert!(first.contains("<h1>dnis-gateway</h1>") && first.contains("name=\"password\""), "{first}");
    let asked = gateway.get(&mut browser, "/console/find?q=%2B49").await;
    assert_eq!(
        (asked.status.as_u16(), one(&asked, "location")),
        (303, "/console/sign-in?back=%2Fconsole%2Ffind%3Fq%3D%252B49")
    );
    let form = gateway.page(&mut browser, one(&asked, "location")).await;
    let back = hidden(&form, "back");
    assert_eq!(back, "/console/find?q=%2B49");
    let answer = gateway.sign_in(&mut browser, &[("user", "ann"), ("back", &back)]).await;
    assert_eq!((answer.status.as_u16(), one(&answer, "location")), (303, back.as_str()));
    assert!(gateway.page(&mut browser, &back).await.contains("ann (operator)"));
}

#[tokio::test]
async fn the_way_back_leads_nowhere_but_into_the_console() {
    let gateway = Gateway::new();
    for elsewhere in ["https://evil.example/console", "//evil.example", "/metrics", "/console/../backup", "/console\\x"]
    {
        let mut browser = Browser::default();
        let answer = gateway.sign_in(&mut browser, &[("user", "ann"), ("back", elsewhere)]).await;
        assert_eq!((answer.status.as_u16(), one(&answer, "location")), (303, "/console"), "{elsewhere}");
        let answer = gateway.done(&mut browser, "/console/number", &[("do", "free 111 9"), ("back", elsewhere)]).await;
        assert!(answer.contains("<h1>Pools</h1>"), "{elsewhere}");
    }
}

#[tokio::test]
async fn the_cookie_is_kept_from_scripts_and_other_sites_and_from_plain_http_where_tls_is() {
    let gateway = Gateway::new();
    for secure in [false, true] {
        let mut browser = Browser { secure, ..Browser::default() };
        let answer = gateway.sign_in(&mut browser, &[("user", "ann")]).await;
        let cookie = one(&answer, "set-cookie");
        assert!(cookie.starts_with("dnis_gateway_console="), "{cookie}");
        for said in ["; Path=/console", "; HttpOnly", "; SameSite=Strict"] {
            assert!(cookie.contains(said), "{cookie}");
        }
        assert_eq!(cookie.contains("; Secure"), secure, "{cookie}");
        assert!(!cookie.contains("Max-Age") && !cookie.contains("Expires"), "it ends with the browser: {cookie}");
    }
}

#[tokio::test]
async fn a_wrong_name_and_a_wrong_password_are_told_alike_and_too_many_are_blocked() {
    let gateway = Gateway::new();
    let mut said = Vec::new();
    for (user, password) in [("ann", "wrong"), ("nobody", "password"), ("both", "password")] {
        let fields = [("user", user), ("password", password)];
        let answer = gateway.sign_in(&mut Browser::default(), &fields).await;
        assert_eq!(answer.status.as_u16(), 403, "{user}");
        let page = text(&answer);
        said.push(page.split_once("role=\"alert\">").unwrap().1.split_once('<').unwrap().0.to_owned());
    }
    assert_eq!(said, ["The name or the password is wrong, or the tenant."; 3]);
    let named = gateway.sign_in(&mut Browser::default(), &[("user", "both"), ("tenant", "two")]).await;
    assert_eq!(named.status.as_u16(), 303, "the tenant tells two users of a name apart");
    for _ in 0..7 {
        gateway.sign_in(&mut Browser::default(), &[("user", "ann"), ("password", "wrong")]).await;
    }
    let answer = gateway.sign_in(&mut Browser::default(), &[("user", "ann")]).await;
    assert_eq!((answer.status.as_u16(), one(&answer, "retry-after")), (429, "60"), "{}", text(&answer));
    assert!(text(&answer).contains("Too many attempts"), "{}", text(&answer));
}

#[tokio::test]
async fn a_form_without_the_token_of_its_browser_signs_nobody_in() {
    let (gateway, mut browser) = (Gateway::new(), Browser::default());
    let form = "user=ann&password=password";
    let answer = gateway.send(&mut browser, Method::POST, "/console/sign-in", form).await;
    assert_eq!(answer.status.as_u16(), 403, "no token and no cookie");
    let of_another = gateway.page(&mut Browser::default(), "/console").await;
    gateway.page(&mut browser, "/console").await;
    let form = format!("{form}&token={}", hidden(&of_another, "token"));
    let answer = gateway.send(&mut browser, Method::POST, "/console/sign-in", &form).await;
    assert_eq!(answer.status.as_u16(), 403, "the token of another browser");
    assert!(!browser.cookies.contains_key("dnis_gateway_console"));
}

#[tokio::test]
async fn a_session_ends_when_it_is_idle_when_it_is_old_and_when_it_is_ended() {
    let gateway = Gateway::new();
    let mut browser = gateway.browser("ann").await;
    gateway.later(3599);
    gateway.page(&mut browser, "/console/find").await;
    gateway.later(3599);
    browser.headers.push(("x-console-live", "1"));
    gateway.page(&mut browser, "/console").await;
    gateway.later(1);
    assert_eq!(
        gateway.get(&mut browser, "/console").await.status.as_u16(),
        401,
        "what the script asks is no use of it"
    );
    browser.headers.clear();
    assert_eq!(gateway.get(&mut browser, "/console/find").await.status.as_u16(), 303);

    let mut browser = gateway.browser("ann").await;
    for _ in 0..23 {
        gateway.later(1800);
        gateway.page(&mut browser, "/console/find").await;
    }
    gateway.later(1800);
    assert_eq!(gateway.get(&mut browser, "/console/find").await.status.as_u16(), 303, "after twelve hours");

    let mut browser = gateway.browser("ann").await;
    let kept = browser.cookies.clone();
    let answer = gateway.post(&mut browser, "/console/sign-out", &[]).await;
    assert_eq!((answer.status.as_u16(), one(&answer, "location")), (303, "/console"));
    assert!(one(&answer, "set-cookie").ends_with("; Max-Age=0"), "{answer:?}");
    let mut thief = Browser { cookies: kept, ..Browser::default() };
    assert_eq!(
        gateway.get(&mut thief, "/console/find").await.status.as_u16(),
        303,
        "signing out ends it for everybody"
    );
}

#[tokio::test]
async fn a_form_of_a_session_that_is_over_changes_nothing_and_leads_back_after_signing_in() {
    let gateway = Gateway::new();
    gateway.number("111", "g").await;
    let (id, _) = gateway.lend("g", "chat-1", "555", None).await;
    let mut browser = gateway.browser("ann").await;
    let page = gateway.page(&mut browser, "/console/group?name=g").await;
    gateway.later(3600);
    let form = format!("token={}&of=one%09&back=%2Fconsole%2Fgroup%3Fname%3Dg&do=disable+111", hidden(&page, "token"));
    let answer = gateway.send(&mut browser, Method::POST, "/console/number", &form).await;
    assert_eq!(one(&answer, "location"), "/console/sign-in?back=%2Fconsole%2Fgroup%3Fname%3Dg&over=1");
    let shown = gateway.page(&mut browser, one(&answer, "location")).await;
    assert!(shown.contains("nothing was changed"), "{shown}");
    assert!(
        gateway.store.number(&one_scope(), Number::new("111").unwrap()).await.unwrap().unwrap().record.enabled,
        "{id}"
    );
}

#[tokio::test]
async fn a_user_who_is_taken_away_or_has_another_password_is_signed_out_by_the_reload() {
    for change in ["{ name = 'ann2', password_hash = '{hash}' }", "{ name = 'ann', password_hash = '{other}' }"] {
        let mut gateway = Gateway::new();
        let mut browser = gateway.browser("ann").await;
        let other = HASH.replace("F9clZu", "F9clZv");
        let tenants = TENANTS.replace("{ name = 'ann', password_hash = '{hash}' }", &change.replace("{other}", &other));
        gateway.settings = Settings::from_toml(&tenants.replace("{hash}", HASH)).unwrap();
        assert_eq!(gateway.get(&mut browser, "/console/find").await.status.as_u16(), 303, "{change}");
    }
}

#[tokio::test]
async fn a_role_follows_the_reload() {
    let mut gateway = Gateway::new();
    gateway.number("111", "g").await;
    let mut browser = gateway.browser("ann").await;
    assert!(gateway.page(&mut browser, "/console/group?name=g").await.contains("disable 111"));
    let tenants = TENANTS.replace("{ name = 'ann',", "{ name = 'ann', role = 'viewer',");
    gateway.settings = Settings::from_toml(&tenants.replace("{hash}", HASH)).unwrap();
    let page = gateway.page(&mut browser, "/console/group?name=g").await;
    assert!(page.contains("ann (viewer)") && !page.contains("disable 111"), "{page}");
}

#[tokio::test]
async fn who_sees_all_tenants_turns_from_one_to_another_and_nobody_else_does() {
    let gateway = Gateway::new();
    gateway.number("111", "g").await;
    let mut root = gateway.browser("root").await;
    assert!(gateway.page(&mut root, "/console").await.contains(">g</a>"), "the first tenant is shown first");
    let page = gateway.done(&mut root, "/console/scope", &[("scope", "two\ttest")]).await;
    assert!(
        page.contains("<option value=\"two\ttest\" selected>two/test</option>") && !page.contains(">g</a>"),
        "{page}"
    );
    let mut bob = gateway.browser("bob").await;
    let page = gateway.page(&mut bob, "/console").await;
    assert!(page.contains("two/prod") && !page.contains(">one</option>"), "{page}");
    let page = gateway.done(&mut bob, "/console/scope", &[("scope", "one\t")]).await;
    assert!(page.contains("no such tenant") && page.contains("selected>two/prod"), "{page}");
}

#[tokio::test]
async fn a_form_that_was_made_for_other_data_changes_nothing() {
    let gateway = Gateway::new();
    gateway.number("111", "g").await;
    let mut root = gateway.browser("root").await;
    let page = gateway.page(&mut root, "/console/group?name=g").await;
    gateway.done(&mut root, "/console/scope", &[("scope", "two\ttest")]).await;
    let form = format!("token={}&of=one%09&do=disable+111", hidden(&page, "token"));
    let answer = gateway.send(&mut root, Method::POST, "/console/number", &form).await;
    assert_eq!(answer.status.as_u16(), 409, "{}", text(&answer));
    assert!(gateway.store.number(&one_scope(), Number::new("111").unwrap()).await.unwrap().unwrap().record.enabled);
}

#[tokio::test]
async fn every_answer_has_the_headers_that_keep_a_browser_in_bounds() {
    let gateway = Gateway::new();
    let mut browser = gateway.browser("ann").await;
    for (target, kept) in [
        ("/console", "no-store"),
        ("/console/find?q=1", "no-store"),
        ("/console/nowhere", "no-store"),
        ("/console/sign-in", "no-store"),
        ("/console/style.css", "no-cache"),
        ("/console/script.js", "no-cache"),
    ] {
        let answer = gateway.get(&mut browser, target).await;
        let policy = one(&answer, "content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self';") && !policy.contains("unsafe"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'") && policy.contains("form-action 'self'"), "{policy}");
        assert_eq!(one(&answer, "x-content-type-options"), "nosniff");
        assert_eq!(one(&answer, "referrer-policy"), "same-origin");
        assert_eq!(one(&answer, "cache-control"), kept, "{target}");
    }
    let page = gateway.page(&mut browser, "/console").await;
    for forbidden in ["style=", "onclick", "<style", "javascript:", "http://", "https://", "data:"] {
        assert!(!page.contains(forbidden), "{forbidden}: {page}");
    }
}

#[tokio::test]
async fn so_many_pages_follow_what_happens_and_no_more_and_nobody_without_a_session() {
    let gateway = Gateway::new();
    let browser = gateway.browser("ann").await;
    let follow = async |browser: &Browser| {
        let cookie =
            browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::try_from(cookie).unwrap());
        let request = Request {
            method: &Method::GET,
            path: "/events",
            query: "",
            headers: &headers,
            source: [192, 0, 2, 1].into(),
            secure: false,
            settings: &gateway.settings,
            body: b"",
        };
        gateway.console.answer(request).await
    };
    assert_eq!(follow(&Browser::default()).await.answer.status.as_u16(), 401);
    let mut following = Vec::new();
    for _ in 0..super::super::events::FOLLOWERS {
        let streamed = follow(&browser).await;
        assert_eq!((streamed.answer.status.as_u16(), streamed.body.is_some()), (200, true));
        following.push(streamed);
    }
    assert_eq!(follow(&browser).await.answer.status.as_u16(), 204);
    drop(following.pop());
    assert_eq!(follow(&browser).await.answer.status.as_u16(), 200, "a place that is given back is taken");
}

#[tokio::test]
async fn files_are_asked_for_anew_only_where_they_have_changed() {
    let (gateway, mut browser) = (Gateway::new(), Browser::default());
    let answer = gateway.get(&mut browser, "/console/style.css").await;
    assert_eq!((answer.status.as_u16(), one(&answer, "content-type")), (200, "text/css; charset=utf-8"));
    let tag: &'static str = Box::leak(one(&answer, "etag").to_owned().into_boxed_str());
    browser.headers.push(("if-none-match", tag));
    let answer = gateway.get(&mut browser, "/console/style.css").await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (304, 0));
    assert_eq!(gateway.get(&mut browser, "/console/script.js").await.status.as_u16(), 200);
}

#[tokio::test]
async fn an_address_takes_only_the_requests_that_it_is_for() {
    let gateway = Gateway::new();
    let mut browser = gateway.browser("ann").await;
    for (method, target, allow) in [
        (Method::GET, "/console/number", "POST"),
        (Method::GET, "/console/sign-out", "POST"),
        (Method::POST, "/console/find", "GET, HEAD"),
        (Method::DELETE, "/console/explain", "GET, HEAD, POST"),
    ] {
        let answer = gateway.send(&mut browser, method, target, "").await;
        assert_eq!((answer.status.as_u16(), one(&answer, "allow")), (405, allow), "{target}");
    }
    assert_eq!(gateway.get(&mut browser, "/console/nowhere").await.status.as_u16(), 404);
}
