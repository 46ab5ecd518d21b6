//! Every SOAP answer and fault as a golden file, in both namespaces, byte for byte.

use super::{AGENT, DNIS, Gateway, Reply, Who, envelope, payload};

const SOAP12: &str = "http://www.w3.org/2003/05/soap-envelope";

/// Holds a reply against its golden file.
fn golden(name: &str, reply: &Reply) {
    let mut shown = format!("{}\n", reply.status);
    for (name, value) in &reply.headers {
        shown.push_str(&format!("{name}: {}\n", value.to_str().unwrap()));
    }
    shown.push_str(&format!("\n{}", reply.body));
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!(name, shown);
    });
}

fn label(namespace: &str) -> &'static str {
    if namespace == AGENT { "agent" } else { "dnis" }
}

#[actix_web::test]
async fn allocate_answers_the_number_or_why_there_is_none() {
    for namespace in [AGENT, DNIS] {
        let gateway = Gateway::documented().await;
        let fields = [("uniqueId", "Unique Id 3"), ("group", "test")];
        let reply = gateway.soap(Who::Web, &payload(namespace, "AllocateDnisRequest", &fields)).await;
        golden(&format!("allocate_{}", label(namespace)), &reply);
        assert_eq!((reply.result(), reply.outcome), ("380974520200", "ok"));
        let again = gateway.soap(Who::Ivr, &payload(namespace, "AllocateDnisRequest", &fields)).await;
        assert_eq!(again.result(), "380974520200");
        let fields = [("uniqueId", "other"), ("group", "test")];
        let none = gateway.soap(Who::Web, &payload(namespace, "AllocateDnisRequest", &fields)).await;
        golden(&format!("allocate_exhausted_{}", label(namespace)), &none);
        assert_eq!((none.result(), none.outcome), ("Currently there are no available phone numbers", "exhausted"));
        let fields = [("uniqueId", "other"), ("group", "unknown")];
        let unknown = gateway.soap(Who::Web, &payload(namespace, "AllocateDnisRequest", &fields)).await;
        assert_eq!(unknown.body, none.body);
        let any = gateway.soap(Who::Web, &payload(namespace, "AllocateDnisRequest", &[("uniqueId", "other")])).await;
        assert_eq!(any.result(), "111");
    }
}

#[actix_web::test]
async fn allocate_for_an_unknown_interaction_is_a_result_where_it_must_be_known() {
    let gateway = Gateway::documented_with("[interact]\nrequire_known_interaction = true\n").await;
    for namespace in [AGENT, DNIS] {
        let fields = [("uniqueId", "Unique Id 3")];
        let reply = gateway.soap(Who::Web, &payload(namespace, "AllocateDnisRequest", &fields)).await;
        golden(&format!("allocate_unknown_{}", label(namespace)), &reply);
        assert_eq!(reply.result(), "Audit message Unique Id 3 was not found");
    }
}

#[actix_web::test]
async fn get_answers_the_interaction_or_nothing_or_that_the_number_is_unknown() {
    for namespace in [AGENT, DNIS] {
        let gateway = Gateway::documented().await;
        let get =
            |phone| gateway.soap_owned(Who::Ivr, payload(namespace, "GetDnisAllocationRequest", &[("phone", phone)]));
        let empty = get("111").await;
        golden(&format!("get_empty_{}", label(namespace)), &empty);
        assert_eq!(empty.result(), "");
        gateway.lend("Unique Id 3").await;
        let found = get("111").await;
        golden(&format!("get_{}", label(namespace)), &found);
        assert_eq!(found.result(), "Unique Id 3");
        let unknown = get("999").await;
        golden(&format!("get_not_found_{}", label(namespace)), &unknown);
        assert_eq!((unknown.result(), unknown.outcome), ("Phone number 999 was not found", "not_found"));
    }
}

#[actix_web::test]
async fn free_says_success_once_and_then_that_the_number_was_not_found() {
    for namespace in [AGENT, DNIS] {
        let gateway = Gateway::documented().await;
        let free = |phone| {
            gateway.soap_owned(Who::Admin, payload(namespace, "FreeDnisAllocationRequest", &[("phone", phone)]))
        };
        gateway.lend("a").await;
        let freed = free(" 111 ").await;
        golden(&format!("free_{}", label(namespace)), &freed);
        assert_eq!(freed.result(), "Success");
        let again = free("111").await;
        golden(&format!("free_unallocated_{}", label(namespace)), &again);
        assert_eq!(again.result(), "Phone number 111 was not found");
        let unknown = free("999").await;
        golden(&format!("free_not_found_{}", label(namespace)), &unknown);
        assert_eq!(unknown.result(), "Phone number 999 was not found");
    }
}

#[actix_web::test]
async fn create_answers_the_id_of_the_number_or_that_it_exists() {
    for namespace in [AGENT, DNIS] {
        let gateway = Gateway::with("");
        let fields = [("phoneNumber", "2111234567"), ("dnId", "4567"), ("groupName", "test"), ("enabled", "true")];
        let created = gateway.soap(Who::Admin, &payload(namespace, "CreatePhoneRequest", &fields)).await;
        golden(&format!("create_{}", label(namespace)), &created);
        assert_eq!(created.result(), "1");
        let again = gateway.soap(Who::Admin, &payload(namespace, "CreatePhoneRequest", &fields)).await;
        golden(&format!("create_exists_{}", label(namespace)), &again);
        assert_eq!(again.result(), "Cannot create Phone '2111234567'. A phone with that name already exists");
        let fields = [("phoneNumber", "1"), ("dnId", "1"), ("enabled", "0")];
        assert_eq!(gateway.soap(Who::Admin, &payload(namespace, "CreatePhoneRequest", &fields)).await.result(), "2");
        assert!(gateway.get(Who::Admin, "/dnis/1").await.body.contains("\"enabled\":false"));
    }
}

#[actix_web::test]
async fn wrong_credentials_are_the_vendors_fault_with_the_vendors_header() {
    let gateway = Gateway::documented().await;
    for namespace in [AGENT, DNIS] {
        for (name, refused) in [
            ("AllocateDnisRequest", &[Who::Nobody][..]),
            ("GetDnisAllocationRequest", &[Who::Nobody, Who::Web]),
            ("FreeDnisAllocationRequest", &[Who::Nobody, Who::Web, Who::Ivr, Who::Intruder]),
            ("CreatePhoneRequest", &[Who::Nobody, Who::Web, Who::Ivr, Who::Intruder]),
        ] {
            for who in refused {
                // No parameters at all: a caller who is not let in does not learn that they are missing.
                let reply = gateway.soap(*who, &payload(namespace, name, &[])).await;
                golden("unauthorized", &reply);
                assert_eq!(reply.outcome, "unauthorized");
            }
        }
    }
}

#[actix_web::test]
async fn soap_1_2_is_answered_in_soap_1_2() {
    let gateway = Gateway::documented().await;
    let media = "application/soap+xml; charset=utf-8";
    let request = envelope(&payload(AGENT, "GetDnisAllocationRequest", &[("phone", "111")]))
        .replace("http://schemas.xmlsoap.org/soap/envelope/", SOAP12);
    golden("get_empty_soap12", &gateway.soap_at("/agent/soap", Who::Ivr, media, &request).await);
    golden("unauthorized_soap12", &gateway.soap_at("/agent/soap", Who::Nobody, media, &request).await);
    let missing = request.replace("s:phone", "s:other");
    golden("missing_soap12", &gateway.soap_at("/agent/soap", Who::Ivr, media, &missing).await);
}

#[actix_web::test]
async fn parameters_that_are_wrong_are_client_faults_that_name_them() {
    let gateway = Gateway::documented().await;
    let before = gateway.phones().await;
    let twice = [("phone", "111"), ("phone", "111")];
    for (file, name, fields) in [
        ("missing_phone", "FreeDnisAllocationRequest", &[][..]),
        ("repeated_phone", "FreeDnisAllocationRequest", &twice),
        ("empty_phone", "GetDnisAllocationRequest", &[("phone", " ")]),
        ("nested_phone", "GetDnisAllocationRequest", &[("phone", "<b>1</b>")]),
        ("missing_unique_id", "AllocateDnisRequest", &[("id", "a")]),
        ("invalid_unique_id", "AllocateDnisRequest", &[("uniqueId", "a&#9;b")]),
        ("missing_dnid", "CreatePhoneRequest", &[("phoneNumber", "1")]),
        ("invalid_enabled", "CreatePhoneRequest", &[("phoneNumber", "1"), ("dnId", "1"), ("enabled", "yes")]),
        ("unknown_operation", "DeletePhoneRequest", &[("phone", "1")]),
    ] {
        let reply = gateway.soap(Who::Admin, &payload(AGENT, name, fields)).await;
        golden(file, &reply);
        assert!(reply.body.contains("<faultcode>SOAP-ENV:Client</faultcode>"));
    }
    assert_eq!(gateway.phones().await, before);
}

#[actix_web::test]
async fn metrics_are_told_which_operation_an_envelope_held() {
    let gateway = Gateway::documented().await;
    for (name, label) in [
        ("AllocateDnisRequest", "soap_allocate"),
        ("GetDnisAllocationRequest", "soap_get"),
        ("FreeDnisAllocationRequest", "soap_free"),
        ("CreatePhoneRequest", "soap_create"),
    ] {
        for who in [Who::Admin, Who::Nobody] {
            assert_eq!(gateway.soap(who, &payload(DNIS, name, &[])).await.operation, Some(label));
        }
    }
    assert_eq!(gateway.soap(Who::Admin, &payload(DNIS, "OtherRequest", &[])).await.operation, None);
}

#[actix_web::test]
async fn an_id_that_xml_cannot_carry_is_a_server_fault_over_soap_and_fine_over_rest() {
    let gateway = Gateway::documented().await;
    gateway.lend("a\u{FFFE}b").await;
    let reply = gateway.soap(Who::Ivr, &payload(AGENT, "GetDnisAllocationRequest", &[("phone", "111")])).await;
    golden("not_writable", &reply);
    assert_eq!(gateway.get(Who::Ivr, "/dnis/allocate/get/111").await.body, "a\u{FFFE}b");
}

impl Gateway {
    async fn soap_owned(&self, who: Who, payload: String) -> Reply {
        self.soap(who, &payload).await
    }
}
