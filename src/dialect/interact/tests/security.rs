//! WS-Security: a user's name and password in the envelope instead of the HTTP headers, and how long a message holds.

use actix_web::http::Method;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{DNIS, Gateway, Reply, Who, envelope, payload};

const WSSE: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd";
const WSU: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd";
const PROFILE: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0";
const UNAUTHORIZED: &str = "Request is unauthorized, missing or wrong credentials";

/// A request that frees `111`, with `header` in its Header.
fn free(header: &str) -> String {
    let free = envelope(&payload(DNIS, "FreeDnisAllocationRequest", &[("phone", "111")]));
    free.replace("<soapenv:Header/>", &format!("<soapenv:Header>{header}</soapenv:Header>"))
}

fn security(attributes: &str, inside: &str) -> String {
    format!("<w:Security xmlns:w=\"{WSSE}\" xmlns:u=\"{WSU}\" {attributes}>{inside}</w:Security>")
}

fn token(user: &str, password: &str) -> String {
    let kind = format!("{PROFILE}#PasswordText");
    format!(
        "<w:UsernameToken u:Id=\"t\"><w:Username>{user}</w:Username><w:Password Type=\"{kind}\">{password}</w:Password>\
         <w:Nonce>AAAA</w:Nonce><u:Created>2020-01-01T00:00:00Z</u:Created></w:UsernameToken>"
    )
}

const MANDATORY: &str = "soapenv:mustUnderstand=\"1\"";

async fn lent(settings: &str) -> Gateway {
    let gateway = Gateway::documented_with(settings).await;
    assert_eq!(gateway.lend("a").await, "111");
    gateway
}

impl Gateway {
    async fn as_ivr(&self, header: &str) -> Reply {
        self.soap_at("/dnis/soap", Who::Ivr, "text/xml", &free(header)).await
    }
}

#[actix_web::test]
async fn a_token_stands_for_the_user_headers() {
    let bare = token("admin", "password").replace(&format!(" Type=\"{PROFILE}#PasswordText\""), "");
    let old = token("admin", "password").replace(&format!("{PROFILE}#"), "w:");
    for header in [
        security(MANDATORY, &token("admin", "password")),
        security("", &token("admin", "password")),
        security(MANDATORY, &token(" admin\n", "<![CDATA[pass]]>w&#111;rd")),
        security(MANDATORY, &bare),
        security(MANDATORY, &old),
    ] {
        assert_eq!(lent("").await.as_ivr(&header).await.result(), "Success", "{header}");
    }
    let gateway = lent("").await;
    let soap12 = free(&security(MANDATORY, &token("admin", "password")))
        .replace("http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope");
    let reply = gateway.soap_at("/dnis/soap", Who::Ivr, "application/soap+xml", &soap12).await;
    assert_eq!(reply.result(), "Success");
}

#[actix_web::test]
async fn a_wrong_token_is_the_vendors_fault_for_credentials() {
    for header in [
        String::new(),
        security(MANDATORY, ""),
        security(MANDATORY, &token("admin", "wrong")),
        security(MANDATORY, &token("admin", " password")),
        security(MANDATORY, &token("nobody", "password")),
        security(MANDATORY, "<w:UsernameToken><w:Username>admin</w:Username></w:UsernameToken>"),
        security(MANDATORY, "<w:UsernameToken><w:Password>password</w:Password></w:UsernameToken>"),
        security("soapenv:actor=\"urn:somebody\"", &token("admin", "password")),
    ] {
        let gateway = lent("").await;
        let before = gateway.phones().await;
        let reply = gateway.as_ivr(&header).await;
        assert_eq!((reply.fault(), reply.outcome), (UNAUTHORIZED, "unauthorized"), "{header}");
        assert!(reply.body.contains("<faultcode>0x7000000</faultcode>"));
        assert_eq!(gateway.phones().await, before);
    }
}

#[actix_web::test]
async fn a_token_beside_the_user_headers_must_name_the_same_user() {
    let gateway = lent("").await;
    let send = |header: String| {
        let gateway = &gateway;
        async move { gateway.soap_at("/dnis/soap", Who::Admin, "text/xml", &free(&header)).await }
    };
    assert_eq!(send(security("", &token("other", "password"))).await.fault(), UNAUTHORIZED);
    assert_eq!(send(security("", &token("admin", "other"))).await.fault(), UNAUTHORIZED);
    assert_eq!(send(security("", &token("admin", "password"))).await.result(), "Success");
}

#[actix_web::test]
async fn tenant_and_key_are_needed_beside_a_token() {
    let gateway = lent("").await;
    let header = security(MANDATORY, &token("admin", "password"));
    let reply = gateway.soap_at("/dnis/soap", Who::Nobody, "text/xml", &free(&header)).await;
    assert_eq!(reply.fault(), UNAUTHORIZED);
}

#[actix_web::test]
async fn tokens_share_the_limit_on_failures_and_the_memory_of_passwords_with_headers() {
    let gateway = lent("[access]\nfailures = 3\n").await;
    assert_eq!(gateway.as_ivr(&security("", &token("admin", "password"))).await.result(), "Success");
    for _ in 0..2 {
        assert_eq!(gateway.as_ivr(&security("", &token("admin", "wrong"))).await.fault(), UNAUTHORIZED);
    }
    let wrong = [("User-Id", STANDARD.encode("admin")), ("User-Password", STANDARD.encode("wrong"))];
    let mut headers = Who::Ivr.headers().to_vec();
    headers.extend(wrong.iter().map(|(name, value)| (*name, value.as_str())));
    headers.push(("Content-Type", "text/xml"));
    let send = gateway.send(Method::POST, "/dnis/soap", &headers, free(""));
    assert_eq!(send.await.fault(), UNAUTHORIZED);
    let blocked = gateway.as_ivr(&security("", &token("admin", "another"))).await;
    assert_eq!((blocked.status, blocked.header("retry-after")), (429, Some("60")));
    // The right password is remembered, so the block does not meet it, in whichever form it comes.
    assert_eq!(gateway.as_ivr(&security("", &token("admin", "password"))).await.status, 200);
    assert_eq!(gateway.soap_at("/dnis/soap", Who::Admin, "text/xml", &free("")).await.status, 200);
}

#[actix_web::test]
async fn a_digest_is_refused_with_a_reason_and_other_kinds_too() {
    for kind in [format!("{PROFILE}#PasswordDigest"), "w:PasswordDigest".into(), "urn:other".into()] {
        let header = security(MANDATORY, &token("admin", "x").replace(&format!("{PROFILE}#PasswordText"), &kind));
        let gateway = lent("").await;
        let reply = gateway.as_ivr(&header).await;
        assert!(reply.fault().contains("PasswordText is"), "{}", reply.body);
        assert!(reply.body.contains("<faultcode>SOAP-ENV:Client</faultcode>"));
        assert!(!reply.body.contains("<detail>"), "a detail is for errors in the Body alone");
    }
}

#[actix_web::test]
async fn what_is_not_checked_is_refused_where_the_sender_insists() {
    let signature = "<d:Signature xmlns:d=\"http://www.w3.org/2000/09/xmldsig#\"/>";
    let both = format!("{}{signature}", token("admin", "password"));
    let reply = lent("").await.as_ivr(&security(MANDATORY, &both)).await;
    assert!(reply.fault().contains("'Signature', which is not supported"), "{}", reply.body);
    assert_eq!(lent("").await.as_ivr(&security("", &both)).await.result(), "Success");
    for twice in [
        security("", &token("admin", "password").repeat(2)),
        security("", &token("admin", "password")).repeat(2),
        security("", &token("admin", "password").replace("</w:Username>", "</w:Username><w:Username>b</w:Username>")),
    ] {
        assert!(lent("").await.as_ivr(&twice).await.fault().contains("more than once; once is allowed"));
    }
}

#[actix_web::test]
async fn a_mandatory_header_that_is_not_understood_goes_before_what_is_wrong_with_security() {
    let other = format!("<h xmlns=\"urn:h\" {MANDATORY}/>");
    let expired = security(MANDATORY, "<u:Timestamp><u:Expires>1970-01-01T00:00:01Z</u:Expires></u:Timestamp>");
    for header in [format!("{expired}{other}"), format!("{other}{expired}")] {
        let reply = lent("").await.as_ivr(&header).await;
        assert_eq!(reply.fault(), "A mandatory header is not understood: {urn:h}h");
        assert!(reply.body.contains("<faultcode>SOAP-ENV:MustUnderstand</faultcode>"));
    }
}

#[actix_web::test]
async fn a_timestamp_is_held_against_the_clock() {
    // The clock of these tests stands at 00:16:40.
    let stamp = |created: &str, expires: &str| {
        let created = if created.is_empty() { String::new() } else { format!("<u:Created>{created}</u:Created>") };
        let expires = if expires.is_empty() { String::new() } else { format!("<u:Expires>{expires}</u:Expires>") };
        let stamp = format!("<u:Timestamp u:Id=\"s\">{created}{expires}</u:Timestamp>");
        security(MANDATORY, &format!("{stamp}{}", token("admin", "password")))
    };
    for (created, expires) in [
        ("", ""),
        ("1970-01-01T00:16:00Z", "1970-01-01T00:16:40.001Z"),
        ("1970-01-01T00:21:40Z", ""),
        ("1970-01-01T01:16:00+01:00", "1970-01-01T00:20:00Z"),
    ] {
        assert_eq!(lent("").await.as_ivr(&stamp(created, expires)).await.result(), "Success", "{created} {expires}");
    }
    for (created, expires, reason) in [
        ("", "1970-01-01T00:16:40Z", "The message has expired: Expires of its wsu:Timestamp has passed"),
        (
            "1970-01-01T00:00:00Z",
            "1970-01-01T00:10:00Z",
            "The message has expired: Expires of its wsu:Timestamp has passed",
        ),
        (
            "1970-01-01T00:21:40.001Z",
            "",
            "The message is not valid yet: Created of its wsu:Timestamp is more than 300 s ahead",
        ),
        ("yesterday", "", "Created of the wsu:Timestamp is no time; 2030-01-31T12:00:00Z is one"),
    ] {
        let gateway = lent("").await;
        let before = gateway.phones().await;
        assert_eq!(gateway.as_ivr(&stamp(created, expires)).await.fault(), reason, "{created} {expires}");
        assert_eq!(gateway.phones().await, before);
    }
    let skewed = stamp("1970-01-01T00:17:00Z", "");
    assert!(lent("[soap]\nclock_skew = 10\n").await.as_ivr(&skewed).await.fault().contains("more than 10 s ahead"));
}

#[actix_web::test]
async fn operations_that_need_no_user_do_not_look_at_the_token() {
    let gateway = lent("").await;
    let request = free(&security(MANDATORY, &token("admin", "wrong"))).replace("FreeDnis", "GetDnis");
    assert_eq!(gateway.soap_at("/dnis/soap", Who::Ivr, "text/xml", &request).await.result(), "a");
}
