//! The SOAP service: every answer and fault as a golden file, and what it shares with the JSON API.

use actix_web::http::header::{HeaderMap, WWW_AUTHENTICATE};

use super::*;
use crate::dialect::native::soap::NAMESPACE;
use crate::dialect::{PublicAddress, bare, sending};
use crate::domain::{
    CallCenter, Content, EntryKey, Flow, FlowId, Hotline, InteractionId, MediaType, NewEntry, NewSkill, SkillId,
    call_center::Direction, document::FileLabel,
};
use crate::domain::{GroupRules, NewInteraction, Rules, Sharing};
use crate::soap::version::Version;

const XML: (&str, &str) = ("Content-Type", "text/xml; charset=utf-8");

/// A payload of the service's namespace around these fields.
fn payload(name: &str, fields: &str) -> String {
    format!("<{name} xmlns=\"{NAMESPACE}\">{fields}</{name}>")
}

fn envelope(version: Version, payload: &str) -> String {
    let namespace = version.namespace();
    format!("<e:Envelope xmlns:e=\"{namespace}\"><e:Body>{payload}</e:Body></e:Envelope>")
}

/// A gateway with numbers, an interaction with data, and a contact center.
struct Service {
    gateway: Gateway,
}

impl Service {
    async fn new(settings: &str) -> Self {
        let gateway = Gateway::with(settings);
        let hotline = Hotline {
            id: 1,
            media: MediaType::VoiceAndVideo,
            service_number: None,
            description: None,
            direction: Direction::Both,
        };
        let about = NewSkill {
            name: "sales".into(),
            description: "".into(),
            media: MediaType::VoiceAndVideo,
            max_wait: 60,
            max_waiting: 10,
            wrap_up: 5,
            settings: "".into(),
        };
        let flow = Flow {
            code: String::new(),
            description: "menu".into(),
            loaded: true,
            max_calls: 1,
            file: String::new(),
            kind: 0,
        };
        let mut center = CallCenter {
            hotlines: [("111".parse().unwrap(), hotline)].into(),
            flows: [(FlowId(12), flow)].into(),
            ..CallCenter::default()
        };
        center.add_skill(SkillId(7), about);
        let shared = GroupRules { sharing: Sharing::Shared, ..GroupRules::default() };
        let groups = [("shared".parse().unwrap(), shared)].into();
        let rules = Rules {
            call_centers: [(scope().tenant, Arc::new(center))].into(),
            groups: [(scope().tenant, groups)].into(),
            ..Rules::default()
        };
        gateway.store.set_rules(rules).await.unwrap();
        gateway.number("111", "g").await;
        let id = InteractionId::new("chat-1").unwrap();
        gateway.store.create_interaction(&scope(), NewInteraction::from(id), None).await.unwrap();
        Self { gateway }
    }

    async fn send(&self, headers: &[(&str, &str)], body: String) -> Answered {
        let answer =
            send(&self.gateway.native, &self.gateway.live, Method::POST, "/gateway/v1/soap", headers, body).await;
        let text = String::from_utf8(answer.body.to_vec()).unwrap();
        Answered { status: answer.status.as_u16(), headers: answer.headers, outcome: answer.outcome, text }
    }

    async fn post(&self, payload: &str) -> Answered {
        self.send(&[ADMIN[0], XML], envelope(Version::V11, payload)).await
    }

    async fn lend(&self, fields: &str) -> Answered {
        self.post(&payload("RequestAccessRequest", &format!("<group>g</group>{fields}"))).await
    }

    async fn resolve(&self, fields: &str) -> Answered {
        self.post(&payload("ResolveCallRequest", &format!("<dialled>111</dialled>{fields}"))).await
    }
}

/// What came back over SOAP.
#[derive(Debug)]
struct Answered {
    status: u16,
    headers: Vec<(HeaderName, HeaderValue)>,
    outcome: &'static str,
    text: String,
}

impl Answered {
    /// The text of the first element of this name.
    fn value(&self, name: &str) -> &str {
        let tag = format!(":{name}>");
        let (_, rest) = self.text.split_once(&tag).unwrap_or_else(|| panic!("{name} in {self:?}"));
        rest.split('<').next().unwrap()
    }

    fn reason(&self) -> &str {
        assert_eq!(self.status, 500, "{self:?}");
        assert!(self.text.contains(&format!("<f:problem xmlns:f=\"{NAMESPACE}\">")), "{self:?}");
        self.value("reason")
    }

    /// Holds it against its golden file; ids follow from the seed of the store.
    fn golden(&self, name: &str) {
        let mut shown = format!("{}\n", self.status);
        for (name, value) in &self.headers {
            shown.push_str(&format!("{name}: {}\n", value.to_str().unwrap()));
        }
        shown.push_str(&format!("\n{}", self.text));
        insta::with_settings!({
            omit_expression => true,
            prepend_module_to_snapshot => false,
        }, {
            insta::assert_snapshot!(name, shown);
        });
    }
}

#[tokio::test]
async fn every_operation_answers_as_the_golden_files_show() {
    let service = Service::new("").await;
    let data = "<entry><key>name</key><value> Ann &lt;1&gt; </value></entry>";
    let fields = "<interaction>chat-1</interaction><seconds>120</seconds><codeLength>4</codeLength>\
                  <caller>5551</caller>";
    let lent = service.lend(&format!("{fields}{data}")).await;
    assert_eq!((lent.value("number"), lent.outcome), ("111", "ok"));
    let code = lent.value("code").to_owned();
    assert_eq!(code.len(), 4);
    let route = payload("CreateCalledRouteRequest", "<accessCode>111</accessCode><kind>skill</kind><id>7</id>");
    service.post(&route).await.golden("soap_create_called_route");
    let seen = service.resolve(&format!("<caller>5551</caller><code>{code}</code>")).await;
    seen.golden("soap_resolve_call");
    assert_eq!((seen.value("reason"), seen.value("confidence")), ("number-code-and-caller", "high"));
    let twelve = payload("ResolveCallRequest", "<dialled>111</dialled>");
    let twelve = envelope(Version::V12, &twelve);
    let soap12 = ("Content-Type", "application/soap+xml; charset=utf-8");
    service.send(&[ADMIN[0], soap12], twelve).await.golden("soap_resolve_call_12");
    let matched = payload("MatchInteractionRequest", &format!("<number>111</number><code>{code}</code>"));
    service.post(&matched).await.golden("soap_match_interaction");
    service.post(&matched).await.golden("soap_no_match");
    let lent = service.lend("").await;
    lent.golden("soap_request_access_new");
    let taken = service.resolve("<take>1</take>").await;
    taken.golden("soap_resolve_call_taken");
    service.resolve("").await.golden("soap_resolve_call_route_only");
    let unknown = payload("ResolveCallRequest", "<dialled>999</dialled>");
    service.post(&unknown).await.golden("soap_resolve_call_nothing");
    service.post(&route).await.golden("soap_route_exists");
    let ivr = "<accessCode>111</accessCode><extension>2</extension><mediaType>5</mediaType><kind>ivr</kind><id>12</id>";
    let ivr = service.post(&payload("CreateCalledRouteRequest", ivr)).await;
    ivr.golden("soap_create_called_route_ivr");
}

#[tokio::test]
async fn files_are_told_by_label_and_length() {
    let service = Service::new("").await;
    service.lend("<interaction>chat-1</interaction>").await;
    let store = &service.gateway.store;
    let interaction = store.interaction(&scope(), &InteractionId::new("chat-1").unwrap()).await.unwrap().unwrap();
    let label = FileLabel::new("image/png", Some("a.png")).unwrap();
    let file = NewEntry {
        key: EntryKey::new("p").unwrap(),
        content: Content::File(label),
        bytes: [1, 2, 3].as_slice().into(),
    };
    store.merge_document(&scope(), interaction.data.into(), vec![file], None, None).await.unwrap();
    let seen = service.resolve("").await;
    let expected = "<ns2:file><ns2:key>p</ns2:key><ns2:mediaType>image/png</ns2:mediaType>\
                    <ns2:name>a.png</ns2:name><ns2:length>3</ns2:length></ns2:file>";
    assert!(seen.text.contains(expected), "{seen:?}");
}

#[tokio::test]
async fn what_xml_cannot_carry_is_refused_before_anything_is_freed() {
    let service = Service::new("").await;
    service.lend("<interaction>chat-1</interaction>").await;
    let store = &service.gateway.store;
    let interaction = store.interaction(&scope(), &InteractionId::new("chat-1").unwrap()).await.unwrap().unwrap();
    let bell = NewEntry { key: EntryKey::new("k").unwrap(), content: Content::Text, bytes: b"\x07".as_slice().into() };
    store.merge_document(&scope(), interaction.data.into(), vec![bell], None, None).await.unwrap();
    assert_eq!(service.resolve("<take>true</take>").await.reason(), "not_xml");
    let matched = service.post(&payload("MatchInteractionRequest", "<number>111</number>")).await;
    assert_eq!(matched.reason(), "not_xml");
    let over_json = service.gateway.post("/calls/resolve", json!({ "dialled": "111", "take": true })).await;
    assert_eq!(
        (&over_json.body["taken"], &over_json.body["candidates"][0]["data"]["k"]),
        (&json!(true), &json!("\u{7}"))
    );
}

#[tokio::test]
async fn every_refusal_is_a_fault_that_the_wsdl_describes() {
    let service = Service::new("").await;
    for (name, fields, reason, field) in [
        ("ResolveCallRequest", "", "invalid", Some("dialled")),
        ("ResolveCallRequest", "<dialled>x</dialled>", "invalid", Some("dialled")),
        ("ResolveCallRequest", "<dialled>1</dialled><dialled>1</dialled>", "invalid", Some("dialled")),
        ("ResolveCallRequest", "<dialled><a/></dialled>", "invalid", Some("dialled")),
        ("ResolveCallRequest", "<dialled>1</dialled><take>yes</take>", "invalid", Some("take")),
        ("ResolveCallRequest", "<dialled>1</dialled><code/>", "invalid", Some("code")),
        ("RequestAccessRequest", "<seconds>4</seconds>", "invalid", Some("seconds")),
        ("RequestAccessRequest", "<codeLength>17</codeLength>", "invalid", Some("codeLength")),
        ("RequestAccessRequest", "<entry>x</entry>", "invalid", Some("entry")),
        ("RequestAccessRequest", "<entry><key>k</key></entry>", "invalid", Some("entry")),
        ("RequestAccessRequest", "<entry><key/><value>v</value></entry>", "invalid", Some("entry")),
        ("RequestAccessRequest", "<interaction>none</interaction><group>g</group>", "interaction_unknown", None),
        ("RequestAccessRequest", "", "group_unknown", None),
        ("MatchInteractionRequest", "<number>111</number>", "no_match", None),
        ("CreateCalledRouteRequest", "<accessCode>1</accessCode><kind>fax</kind><id>1</id>", "invalid", Some("kind")),
        ("CreateCalledRouteRequest", "<accessCode>1</accessCode><kind>ivr</kind><id>0</id>", "invalid", Some("id")),
        ("CreateCalledRouteRequest", "<accessCode>9</accessCode><kind>ivr</kind><id>12</id>", "route_refused", None),
        ("DeleteEverythingRequest", "", "unknown_operation", None),
    ] {
        let fault = service.post(&payload(name, fields)).await;
        assert_eq!(fault.reason(), reason, "{name} {fields}");
        assert_eq!(fault.text.contains("<f:field>").then(|| fault.value("field")), field, "{name} {fields}");
        assert!(fault.text.contains("<faultcode>SOAP-ENV:Client</faultcode>"), "{fault:?}");
    }
    service.lend("").await;
    let none = service.lend("").await;
    assert_eq!(none.reason(), "exhausted");
    assert!(none.text.contains("<faultcode>SOAP-ENV:Server</faultcode>"), "it may be otherwise later");
    assert!(none.headers.iter().any(|(name, _)| name == "retry-after"));
    none.golden("soap_exhausted");
}

/// A request with fields that are right, and the wrong values of each of its fields.
type Case<'a> = (&'a str, &'a str, &'a [(&'a str, &'a [String])]);

#[tokio::test]
async fn every_field_of_every_operation_is_held_to_the_wsdl_and_named() {
    let service = Service::new("").await;
    let before = service.gateway.get("/numbers").await.body;
    let long = |length: usize| "1".repeat(length);
    let (number, dialled, code, caller) = ([long(33)], [long(45)], [long(65)], [long(65), "a&#9;b".to_owned()]);
    let names = [long(256), "a&#9;b".to_owned()];
    let digits = |most: usize| vec!["a".to_owned(), "+1".to_owned(), long(most + 1)];
    let whole = |wrong: &[&str]| wrong.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let flags = whole(&["yes", "TRUE", "2"]);
    let call = "<dialled>1</dialled>";
    let matched = "<number>111</number>";
    let route = "<accessCode>111</accessCode><kind>ivr</kind><id>12</id>";
    let cases: &[Case<'_>] = &[
        (
            "ResolveCallRequest",
            call,
            &[
                ("dialled", &[&dialled[..], &digits(44)[..1]].concat()),
                ("caller", &caller),
                ("code", &code),
                ("take", &flags),
            ],
        ),
        (
            "RequestAccessRequest",
            "",
            &[
                ("interaction", &names),
                ("group", &names),
                ("seconds", &whole(&["4", "1801", "-5", "30.5", "x"])),
                ("codeLength", &whole(&["0", "17", "x"])),
                ("caller", &caller),
                ("renew", &flags),
            ],
        ),
        (
            "MatchInteractionRequest",
            matched,
            &[
                ("number", &[&number[..], &digits(32)[..1]].concat()),
                ("code", &code),
                ("caller", &caller),
                ("all", &flags),
                ("end", &flags),
                ("late", &flags),
            ],
        ),
        (
            "CreateCalledRouteRequest",
            route,
            &[
                ("accessCode", &digits(32)),
                ("extension", &digits(12)),
                ("mediaType", &whole(&["4", "x", "-5", "5.0"])),
                ("kind", &whole(&["IVR", "1", "queue"])),
                ("id", &whole(&["0", "-1", "4294967296", "x"])),
            ],
        ),
    ];
    for (name, right, fields) in cases {
        for (field, wrong) in *fields {
            let element = |value: &str| format!("<{field}>{value}</{field}>");
            let others: String = right
                .split_inclusive('>')
                .collect::<Vec<_>>()
                .chunks(2)
                .map(<[&str]>::concat)
                .filter(|other| !other.starts_with(&format!("<{field}>")))
                .collect();
            let twice = format!("{}{}", element("1"), element("1"));
            let nested = element("<a>1</a>");
            let wrong = wrong.iter().map(|value| element(value)).chain([element(""), twice, nested]);
            for wrong in wrong {
                let refused = service.post(&payload(name, &format!("{others}{wrong}"))).await;
                assert_eq!((refused.reason(), refused.value("field")), ("invalid", *field), "{name} {wrong}");
            }
            if others != *right {
                let missing = service.post(&payload(name, &others)).await;
                assert_eq!((missing.reason(), missing.value("field")), ("invalid", *field), "{name}");
                assert!(missing.text.contains("is required; it must be"), "{missing:?}");
            }
        }
    }
    assert_eq!(service.gateway.get("/numbers").await.body, before);
    assert_eq!(service.gateway.get("/routes").await.body["items"], json!([]));
}

#[tokio::test]
async fn a_request_that_names_no_seconds_has_those_of_its_group_or_as_many_as_gms_gives() {
    let service = Service::new("").await;
    service.gateway.number("222", "resting").await;
    for (fields, seconds) in [
        ("<group>resting</group>", "7"),
        ("<group>resting</group><seconds>90</seconds><renew>true</renew>", "90"),
        ("<group>g</group>", "30"),
    ] {
        let lent = service.post(&payload("RequestAccessRequest", fields)).await;
        assert_eq!(lent.value("secondsLeft"), seconds, "{fields}");
        service.gateway.later(100);
    }
}

#[tokio::test]
async fn over_soap_too_tenants_see_nothing_of_each_other() {
    let service = Service::new("").await;
    service.lend("<interaction>chat-1</interaction>").await;
    let other = async |payload: &str| {
        service.send(&[OTHER[0], OTHER[1], XML], envelope(Version::V11, payload)).await.reason().to_owned()
    };
    let call = payload("ResolveCallRequest", "<dialled>111</dialled><take>true</take>");
    assert_eq!(other(&call).await, "no_match");
    assert_eq!(other(&payload("MatchInteractionRequest", "<number>111</number>")).await, "no_match");
    assert_eq!(other(&payload("RequestAccessRequest", "<group>g</group>")).await, "group_unknown");
    let known = payload("RequestAccessRequest", "<interaction>chat-1</interaction>");
    assert_eq!(other(&known).await, "interaction_unknown");
    let route = payload("CreateCalledRouteRequest", "<accessCode>111</accessCode><kind>ivr</kind><id>12</id>");
    assert_eq!(other(&route).await, "route_refused");
    assert_eq!(service.resolve("").await.value("interaction"), "chat-1");
}

#[tokio::test]
async fn the_caller_shows_who_it_is_by_headers_or_by_a_token_in_the_message() {
    let service = Service::new("").await;
    let wsse = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd";
    let with_token = |password: &str| {
        format!(
            "<e:Envelope xmlns:e=\"{}\"><e:Header><s:Security xmlns:s=\"{wsse}\"><s:UsernameToken><s:Username>admin\
             </s:Username><s:Password>{password}</s:Password></s:UsernameToken></s:Security></e:Header><e:Body>{}\
             </e:Body></e:Envelope>",
            Version::V11.namespace(),
            payload("ResolveCallRequest", "<dialled>999</dialled>")
        )
    };
    let (tenant, key) = (("Tenant-Id", "one"), ("Application-Key", "dnis-key"));
    let user = [("User-Id", "YWRtaW4="), ("User-Password", "cGFzc3dvcmQ=")];
    let plain = || envelope(Version::V11, &payload("ResolveCallRequest", "<dialled>999</dialled>"));
    for (headers, body) in [
        (vec![XML, tenant, key, user[0], user[1]], plain()),
        (vec![XML, ADMIN[0]], plain()),
        (vec![XML, tenant, key], with_token("password")),
        (vec![XML], with_token("password")),
        (vec![XML, ADMIN[0]], with_token("password")),
    ] {
        assert_eq!(service.send(&headers, body).await.reason(), "no_match", "{headers:?}");
    }
    for (headers, body) in [
        (vec![XML, tenant, key], plain()),
        (vec![XML], with_token("wrong")),
        (vec![XML, ADMIN[0]], with_token("wrong")),
        (vec![XML, tenant, ("Application-Key", "web-key"), user[0], user[1]], plain()),
    ] {
        assert_eq!(service.send(&headers, body).await.reason(), "unauthorized", "{headers:?}");
    }
}

#[tokio::test]
async fn who_sends_no_credentials_at_all_is_challenged_with_a_401_that_a_basic_client_reacts_to() {
    let service = Service::new("").await;
    let body = || envelope(Version::V11, &payload("ResolveCallRequest", "<dialled>999</dialled>"));
    let challenge = service.send(&[XML], body()).await;
    assert_eq!((challenge.status, challenge.outcome), (401, "unauthorized"));
    let header = challenge.headers.iter().find(|(name, _)| *name == WWW_AUTHENTICATE).unwrap();
    assert!(header.1.to_str().unwrap().starts_with("Basic realm="), "{header:?}");
    assert!(!challenge.text.contains("Envelope"), "{challenge:?}");
    for wrong in ["Basic YWRtaW46d3Jvbmc=", "Basic ?", "Bearer x"] {
        let told = service.send(&[XML, ("Authorization", wrong)], body()).await;
        assert_eq!((told.status, told.reason()), (500, "unauthorized"), "{wrong}");
    }
}

#[tokio::test]
async fn a_wrong_media_type_is_refused_without_an_envelope() {
    let service = Service::new("").await;
    for headers in [vec![ADMIN[0]], vec![ADMIN[0], ("Content-Type", "application/json")]] {
        let refused = service.send(&headers, "{}".to_owned()).await;
        assert_eq!((refused.status, refused.outcome), (415, "unsupported_media_type"));
        assert!(!refused.text.contains("Envelope"));
    }
}

#[tokio::test]
async fn what_is_made_is_the_applications_whose_key_came_with_the_request() {
    let service = Service::new("").await;
    service.gateway.number("222", "g").await;
    let key = [
        ("Tenant-Id", "one"),
        ("Application-Key", "dnis-key"),
        ("User-Id", "YWRtaW4="),
        ("User-Password", "cGFzc3dvcmQ="),
        XML,
    ];
    let basic = [ADMIN[0], XML];
    for (headers, application) in [(&key[..], Some("numbers")), (&basic, None)] {
        let body = payload("RequestAccessRequest", "<group>g</group><entry><key>a</key><value>1</value></entry>");
        let lent = service.send(headers, envelope(Version::V11, &body)).await;
        let id = InteractionId::new(lent.value("interaction")).unwrap();
        let interaction = service.gateway.store.interaction(&scope(), &id).await.unwrap().unwrap();
        let made_by = interaction.application.as_ref().map(ToString::to_string);
        assert_eq!(made_by.as_deref(), application, "{lent:?}");
    }
}

#[tokio::test]
async fn an_envelope_in_a_package_is_read_and_an_attachment_is_a_fault_of_the_service() {
    let service = Service::new("").await;
    let related =
        ("Content-Type", "multipart/related; boundary=b; type=\"application/xop+xml\"; start-info=\"text/xml\"");
    let send = async |fields: &str| {
        let body = envelope(Version::V11, &payload("RequestAccessRequest", fields));
        let root = "Content-Type: application/xop+xml; charset=utf-8; type=\"text/xml\"";
        service.send(&[ADMIN[0], related], format!("--b\r\n{root}\r\n\r\n{body}\r\n--b--\r\n")).await
    };
    assert_eq!(send("<group>g</group>").await.value("number"), "111");
    let include = "<i:Include xmlns:i=\"http://www.w3.org/2004/08/xop/include\" href=\"cid:a@x\"/>";
    let attached = send(&format!("<group>g</group><entry><key>a</key><value>{include}</value></entry>")).await;
    assert_eq!((attached.reason(), attached.value("field")), ("attachment", "value"));
    let cut = service.send(&[ADMIN[0], related], "--b\r\n".to_owned()).await;
    assert_eq!(cut.reason(), "broken_package");
}

#[tokio::test]
async fn in_schema_mode_a_request_must_be_as_the_wsdl_describes_it() {
    let service = Service::new("[soap]\nvalidation = 'schema'\n").await;
    let action = ("SOAPAction", "\"urn:dnis-gateway:v1/RequestAccess\"");
    let send = async |fields: &str| {
        let body = envelope(Version::V11, &payload("RequestAccessRequest", fields));
        service.send(&[ADMIN[0], XML, action], body).await
    };
    let right =
        "<group>none</group><entry><key>a</key><value>1</value></entry><entry><key>b</key><value>2</value></entry>";
    assert_eq!(send(right).await.reason(), "group_unknown");
    for (fields, reason) in [
        ("<seconds>30</seconds><group>g</group>", "element_order"),
        ("<group>g</group><color>red</color>", "extra_element"),
        ("<group>g</group><entry><value>1</value><key>a</key></entry>", "element_order"),
        ("<group>g</group><entry><key>a</key><value>1</value><more/></entry>", "extra_element"),
    ] {
        assert_eq!(send(fields).await.reason(), reason, "{fields}");
    }
}

#[tokio::test]
async fn wrong_codes_count_together_in_all_operations() {
    let service = Service::new("[gms]\nguess_limit = 2\n").await;
    service.lend("<codeLength>4</codeLength>").await;
    let matched = payload("MatchInteractionRequest", "<number>111</number><code>x</code>");
    assert_eq!(service.post(&matched).await.reason(), "no_match");
    let wrong = service.gateway.post("/calls/resolve", json!({ "dialled": "111", "code": "x" })).await;
    assert_eq!(wrong.problem(), "no-match");
    assert_eq!(service.resolve("<code>x</code>").await.reason(), "too_many_guesses");
    assert_eq!(service.post(&matched).await.reason(), "too_many_guesses");
}

#[tokio::test]
async fn what_lends_or_makes_something_does_so_once_under_a_key() {
    let service = Service::new("").await;
    let send = async |keys: &[&'static str], header: &str, payload: &str| {
        let keys = keys.iter().map(|key| ("Idempotency-Key", *key));
        let headers: Vec<_> = [ADMIN[0], XML].into_iter().chain(keys).collect();
        let body = envelope(Version::V11, payload);
        service.send(&headers, body.replace("<e:Body>", &format!("<e:Header>{header}</e:Header><e:Body>"))).await
    };
    let lend = |value: &str| {
        let entry = format!("<entry><key>k</key><value>{value}</value></entry>");
        payload("RequestAccessRequest", &format!("<group>g</group><codeLength>4</codeLength>{entry}"))
    };
    let first = send(&["lend"], "", &lend("v")).await;
    assert_eq!(first.outcome, "ok", "{first:?}");
    let again = send(&["\"lend\""], "<m:Id xmlns:m=\"urn:m\">2</m:Id>", &lend("v")).await;
    assert_eq!(again.text, first.text, "a header block that says when it was sent makes no other request");
    let other = send(&["lend"], "", &lend("w")).await;
    assert_eq!(other.reason(), "key_reused");
    let route = payload("CreateCalledRouteRequest", "<accessCode>111</accessCode><kind>skill</kind><id>7</id>");
    let made = send(&["route"], "", &route).await;
    assert_eq!((made.outcome, send(&["route"], "", &route).await.text), ("ok", made.text));
    assert_eq!(send(&["lend"], "", &route).await.reason(), "key_reused", "another operation is another request");

    let matched = payload("MatchInteractionRequest", "<number>111</number>");
    assert_eq!(send(&["two words"], "", &matched).await.outcome, "ok", "what makes nothing does not look at it");
    service.lend("").await;
    let spent = send(&["lend"], "", &lend("v")).await;
    assert_eq!(spent.reason(), "key_spent");
    assert!(spent.text.contains("<faultcode>SOAP-ENV:Client</faultcode>"), "{spent:?}");
    for payload in [&route, &lend("v")] {
        for keys in [&["two words"][..], &["a", "a"]] {
            let wrong = send(keys, "", payload).await;
            assert_eq!((wrong.reason(), wrong.value("field")), ("invalid", "Idempotency-Key"));
        }
    }
}

#[tokio::test]
async fn the_description_and_the_page_are_served_to_anybody_with_the_address_of_the_reader() {
    let gateway = Gateway::new();
    for (target, version) in [
        ("/soap/gateway.wsdl", "soap"),
        ("/soap?wsdl", "soap"),
        ("/soap/?WSDL", "soap"),
        ("/soap?singleWsdl", "soap"),
        ("/soap?wsdl12", "soap12"),
    ] {
        let text = text_of(&gateway, target).await;
        let address = format!("<{version}:address location=\"http://gateway:8080/gateway/v1/soap\"/>");
        assert!(text.contains(&address), "{target}");
    }
    let page = text_of(&gateway, "/soap").await;
    for operation in ["ResolveCall", "RequestAccess", "MatchInteraction", "CreateCalledRoute"] {
        assert!(page.contains(&format!("<h2 id=\"{operation}\">")), "{operation}");
    }
    let reply = gateway.send(Method::PUT, "/soap", &[], "").await;
    assert_eq!((reply.status, reply.header("allow")), (405, Some("GET, HEAD, POST")));
}

async fn text_of(gateway: &Gateway, target: &str) -> String {
    let target = format!("/gateway/v1{target}");
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let (headers, origin, settings) = (HeaderMap::new(), PublicAddress::http("gateway:8080"), gateway.live.current());
    let head = sending::head((&Method::GET, bare(path), query), &headers, &origin, &settings);
    let answer = sending::answer(&gateway.native, head, &Bytes::new()).await;
    assert_eq!(answer.status.as_u16(), 200, "{target}");
    String::from_utf8(answer.body.to_vec()).unwrap()
}

#[test]
fn the_operations_are_the_ones_that_the_descriptions_have() {
    use crate::dialect::native::soap::{DESCRIPTION, SoapOperation};
    for version in Version::ALL {
        let described = DESCRIPTION.document(version).operations().unwrap();
        assert_eq!(described.len(), SoapOperation::ALL.len());
        for (operation, described) in SoapOperation::ALL.into_iter().zip(described) {
            assert_eq!(described.name, operation.name());
            assert_eq!(described.action, format!("{NAMESPACE}/{}", operation.name()));
            let parameters: Vec<_> = described.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
            assert_eq!(parameters, operation.fields());
        }
    }
}
