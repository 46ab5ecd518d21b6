//! Text from strangers is shown as text: markup and script in every field that can hold any, on every page.

use super::*;
use crate::domain::document::FileLabel;
use crate::domain::{ApplicationName, EnvironmentName};

const HOSTILE: &str = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>&amp;";

/// A tenant in which everything that has a name has that one.
fn settings() -> String {
    let name = HOSTILE.replace('\'', "\\u0027").replace('"', "\\\"");
    let short = "<img src=x onerror=alert(1)>";
    format!(
        "
[[tenant]]
id = \"<b>{{t}}</b>\"
environments = [\"<i>\\\"e\\u0027</i>\"]
users = [{{ name = \"{name}\", password_hash = '{{hash}}', role = 'admin' }}]
groups = [{{ name = \"{name}\" }}]
[tenant.aicc]
access_codes = [{{ code = '5550100', media_type = 5, description = \"{short}\" }}]
skills = [{{ id = 7, name = \"{short}\", media_type = 5 }}]
ivr_flows = [{{ id = 12, access_code = 'T12', description = \"{short}\", flow_file_name = 'main.vxml', flow_type = 4 }}]
[[tenant]]
id = 'other'
users = [{{ name = 'x', password_hash = '{{hash}}' }}]
"
    )
}

fn scope() -> Scope {
    Scope {
        tenant: TenantId::new("<b>{t}</b>").unwrap(),
        environment: Some(EnvironmentName::new("<i>\"e'</i>").unwrap()),
    }
}

async fn gateway() -> Gateway {
    let gateway = Gateway::of(&settings());
    let number = Number::new("111").unwrap();
    let group = GroupName::new(HOSTILE).unwrap();
    let new = NewNumber { number, dnid: Number::new("1").unwrap(), group: Some(group.clone()), enabled: true };
    gateway.store.create_number(&scope(), new, None).await.unwrap();
    let entry = |key: &str, content, bytes: &str| NewEntry {
        key: EntryKey::new(key).unwrap(),
        content,
        bytes: bytes.as_bytes().to_vec().into(),
    };
    let label = FileLabel::new(HOSTILE, Some(HOSTILE)).unwrap();
    let lend = Lend {
        holder: Holder::Any(InteractionId::new(HOSTILE).unwrap()),
        source: Source::group(group),
        origin: LentBy::Native,
        repeat: Repeat::AnotherNumber,
        lasting: Seconds::new(300),
        interaction_ttl: Seconds::new(3600),
        code: Some(CodeShape::DEFAULT),
        caller: Some(Caller::new(&HOSTILE[..60]).unwrap()),
        data: vec![entry(HOSTILE, Content::Text, HOSTILE), entry("file", Content::File(label), HOSTILE)],
        data_ttl: None,
        application: Some(ApplicationName::new(HOSTILE).unwrap()),
    };
    gateway.store.lend(&scope(), lend, None).await.unwrap();
    gateway
}

fn is_harmless(what: &str, page: &str) {
    assert_eq!(page.matches("<script").count(), 1, "{what}: the page's own script alone: {page}");
    assert!(page.contains("<script src=\"/console/script.js\" defer>"), "{what}: {page}");
    for tag in ["<img", "<b>", "<i>"] {
        assert!(!page.contains(tag), "{what}: {tag}: {page}");
    }
    // An attribute ends at the first quotation mark, and every one that is ours is followed by a blank or an end.
    for piece in page.split("=\"").skip(1) {
        let rest = piece.split_once('"').unwrap_or_else(|| panic!("{what}: {piece}")).1;
        assert!(rest.starts_with([' ', '>', '/']), "{what}: {}", &rest[..rest.len().min(80)]);
    }
}

fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[tokio::test]
async fn markup_and_script_in_every_name_is_text_on_every_page() {
    let gateway = gateway().await;
    let mut browser = gateway.browser(HOSTILE).await;
    let hostile = encoded(HOSTILE);
    let (mut shown, caller) = (0, encoded(&HOSTILE[..60]));
    for target in [
        "/console".to_owned(),
        format!("/console/group?name={hostile}"),
        format!("/console/group?name={hostile}&text={hostile}"),
        format!("/console/find?q={hostile}"),
        format!("/console/find?q={caller}"),
        "/console/find?q=111".to_owned(),
        "/console/find?q=1".to_owned(),
        format!("/console/explain?dialled=111&caller={caller}"),
        "/console/explain".to_owned(),
        "/console/routes".to_owned(),
        "/console/audit".to_owned(),
        format!("/console/audit?user={hostile}&thing={hostile}"),
    ] {
        let page = gateway.page(&mut browser, &target).await;
        is_harmless(&target, &page);
        shown += usize::from(page.contains("&lt;img src=x onerror=alert(1)&gt;"));
    }
    assert!(shown >= 7, "the text is there, as text: on {shown} pages");
    for (path, fields) in [
        ("/console/data", vec![("interaction", HOSTILE), ("q", HOSTILE)]),
        ("/console/data", vec![("interaction", HOSTILE), ("q", "111")]),
        ("/console/explain", vec![("dialled", HOSTILE), ("caller", HOSTILE), ("code", HOSTILE), ("at", HOSTILE)]),
        ("/console/number", vec![("do", "delete 111"), ("back", HOSTILE)]),
        ("/console/number", vec![("do", HOSTILE)]),
        (
            "/console/routes",
            vec![("do", "create"), ("hotline", "5550100"), ("extension", HOSTILE), ("destination", "skill 7")],
        ),
    ] {
        let answer = gateway.post(&mut browser, path, &fields).await;
        is_harmless(path, &text(&answer));
    }
    let page = gateway.done(&mut browser, "/console/data", &[("interaction", "<b>nobody</b>"), ("q", HOSTILE)]).await;
    is_harmless("what is told once", &page);
    let new = [("do", "create"), ("hotline", "5550100"), ("extension", "1"), ("destination", "flow 12")];
    let routes = gateway.done(&mut browser, "/console/routes", &new).await;
    is_harmless("a route", &routes);
    assert!(routes.contains("55501001"), "the route was made: {routes}");
    let held = gateway.page(&mut browser, "/console/find?q=111").await;
    let button = held.split_once("name=\"do\" value=\"free ").unwrap().1.split_once('"').unwrap().0.to_owned();
    let page = gateway.done(&mut browser, "/console/number", &[("do", &format!("free {button}"))]).await;
    is_harmless("what was freed", &page);
    assert!(page.contains("111 is no longer lent to &lt;script&gt;"), "{page}");
}

#[tokio::test]
async fn markup_and_script_in_what_a_stranger_sends_is_text_on_the_sign_in() {
    let gateway = gateway().await;
    let fields = [("user", HOSTILE), ("password", "wrong"), ("tenant", HOSTILE), ("back", HOSTILE)];
    let answer = gateway.sign_in(&mut Browser::default(), &fields).await;
    is_harmless("a wrong name", &text(&answer));
    let target = format!("/console/sign-in?back={0}&over={0}", encoded(HOSTILE));
    is_harmless("an address", &gateway.page(&mut Browser::default(), &target).await);
    let mut browser = Browser::default();
    browser
        .cookies
        .insert("dnis_gateway_sign_in".to_owned(), "\"><script>alert(1)</script>0123456789012345678".to_owned());
    is_harmless("a cookie", &gateway.page(&mut browser, "/console").await);
}
