//! Every kind of answer that the services give, for the rules about what a sender may say.

use crate::gateway::{CREDENTIALS, Gateway, OWN, Reply, SERVICES, Service, TEXT_XML};
use crate::xml::SOAP;

/// What kind of answer is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// The response of this operation.
    Response(&'static str),
    /// A fault with this standard code.
    Fault(&'static str),
    /// The authentication fault, whose code is the vendor's own.
    Unauthorized,
}

/// A request and its answer.
#[derive(Debug)]
pub(crate) struct Exchange {
    /// What was asked for.
    pub(crate) name: String,
    /// The namespace that was asked in.
    pub(crate) service: Service,
    pub(crate) due: Due,
    /// What a response holds, in its order.
    pub(crate) fields: &'static [&'static str],
    pub(crate) reply: Reply,
}

/// A payload of one operation with these fields.
pub(crate) fn payload(service: Service, operation: &str, fields: &[(&str, &str)]) -> String {
    let fields: String = fields.iter().map(|(name, value)| format!("<s:{name}>{value}</s:{name}>")).collect();
    format!("<s:{operation}Request xmlns:s=\"{}\">{fields}</s:{operation}Request>", service.namespace)
}

/// A SOAP 1.1 envelope.
pub(crate) fn envelope(header: &str, body: &str) -> String {
    format!("<e:Envelope xmlns:e=\"{SOAP}\"><e:Header>{header}</e:Header><e:Body>{body}</e:Body></e:Envelope>")
}

/// A header block that nobody understands.
pub(crate) fn unknown_header(must_understand: &str) -> String {
    format!("<h:Extra xmlns:h=\"urn:example:extra\" e:mustUnderstand=\"{must_understand}\">text</h:Extra>")
}

/// Sends one request for every kind of answer, in the namespaces of all services.
pub(crate) fn every_kind(gateway: &Gateway) -> Vec<Exchange> {
    let vendors = SERVICES.into_iter().flat_map(|service| [responses(gateway, service), faults(gateway, service)]);
    vendors.chain([own_responses(gateway), own_faults(gateway)]).flatten().collect()
}

fn responses(gateway: &Gateway, service: Service) -> Vec<Exchange> {
    let number = &gateway.fresh_number();
    let group = &format!("wsi {}", service.name);
    let new = [("phoneNumber", number.as_str()), ("dnId", &number[5..]), ("groupName", group), ("enabled", "true")];
    let lend = |id: &'static str| vec![("uniqueId", id), ("group", group.as_str())];
    let phone = || vec![("phone", number.as_str())];
    let requests = [
        ("created", "CreatePhone", new.to_vec()),
        ("exists", "CreatePhone", new.to_vec()),
        ("not lent", "GetDnisAllocation", phone()),
        ("not lent", "FreeDnisAllocation", phone()),
        ("lent", "AllocateDnis", lend("Id &lt;1&gt; &amp; 2")),
        ("none left", "AllocateDnis", lend("another")),
        ("lent", "GetDnisAllocation", phone()),
        ("unknown", "GetDnisAllocation", vec![("phone", "999000")]),
        ("freed", "FreeDnisAllocation", phone()),
    ];
    let ask = |(outcome, operation, fields): (_, &'static str, Vec<_>)| Exchange {
        name: format!("{} in {} ({outcome})", operation, service.name),
        service,
        due: Due::Response(operation),
        fields: &["result"],
        reply: ask(gateway, service, CREDENTIALS, &envelope("", &payload(service, operation, &fields))),
    };
    requests.into_iter().map(ask).collect()
}

fn faults(gateway: &Gateway, service: Service) -> Vec<Exchange> {
    let get = payload(service, "GetDnisAllocation", &[("phone", "111")]);
    let whole = envelope("", &get);
    let wrong_key = CREDENTIALS.replace("53475e5f1463f9ab2052ead", "wrong");
    let requests = [
        ("another version", Due::Fault("VersionMismatch"), CREDENTIALS, whole.replace(SOAP, "urn:example:soap")),
        ("header", Due::Fault("MustUnderstand"), CREDENTIALS, envelope(&unknown_header("1"), &get)),
        ("no field", Due::Fault("Client"), CREDENTIALS, envelope("", &payload(service, "GetDnisAllocation", &[]))),
        ("unknown operation", Due::Fault("Client"), CREDENTIALS, envelope("", &payload(service, "DoAnything", &[]))),
        ("nothing in Body", Due::Fault("Client"), CREDENTIALS, envelope("", "")),
        ("cut short", Due::Fault("Client"), CREDENTIALS, whole[..whole.len() - 3].to_owned()),
        ("no envelope", Due::Fault("Client"), CREDENTIALS, "<foo/>".to_owned()),
        ("wrong key", Due::Unauthorized, wrong_key.as_str(), whole.clone()),
    ];
    let ask = |(what, due, credentials, body): (&str, _, &str, String)| Exchange {
        name: format!("fault in {} ({what})", service.name),
        service,
        due,
        fields: &[],
        reply: ask(gateway, service, credentials, &body),
    };
    requests.into_iter().map(ask).collect()
}

/// A number's life over the gateway's own service.
fn own_responses(gateway: &Gateway) -> Vec<Exchange> {
    let number = &gateway.fresh_number();
    let new = [("phoneNumber", number.as_str()), ("dnId", &number[5..]), ("groupName", "wsi own"), ("enabled", "true")];
    gateway.post(&envelope("", &payload(SERVICES[0], "CreatePhone", &new)));
    let entry = "<s:key>a &amp; b</s:key><s:value> &lt;1&gt; </s:value>";
    let route = || vec![("accessCode", "5550100"), ("extension", "77"), ("kind", "skill"), ("id", "7")];
    type Request<'a> = (&'static str, &'static str, Vec<(&'a str, &'a str)>, &'static [&'static str]);
    let requests: [Request<'_>; 5] = [
        (
            "lent",
            "RequestAccess",
            vec![("group", "wsi own"), ("codeLength", "4"), ("entry", entry)],
            &["number", "code", "secondsLeft", "interaction", "document", "allocation"],
        ),
        (
            "seen",
            "ResolveCall",
            vec![("dialled", number.as_str())],
            &["number", "taken", "ambiguous", "more", "candidate"],
        ),
        ("matched", "MatchInteraction", vec![("number", number.as_str())], &["match"]),
        ("made", "CreateCalledRoute", route(), &["destination"]),
        ("routed", "ResolveCall", vec![("dialled", "555010077")], &["taken", "ambiguous", "more", "destination"]),
    ];
    let ask = |(outcome, operation, asked, fields): (&str, &'static str, Vec<_>, _)| Exchange {
        name: format!("{operation} in {} ({outcome})", OWN.name),
        service: OWN,
        due: Due::Response(operation),
        fields,
        reply: ask(gateway, OWN, CREDENTIALS, &envelope("", &payload(OWN, operation, &asked))),
    };
    requests.into_iter().map(ask).collect()
}

fn own_faults(gateway: &Gateway) -> Vec<Exchange> {
    let resolve = |fields: &[_]| envelope("", &payload(OWN, "ResolveCall", fields));
    let wrong_key = CREDENTIALS.replace("53475e5f1463f9ab2052ead", "wrong");
    let whole = resolve(&[("dialled", "000")]);
    let requests = [
        ("nobody", Due::Fault("Client"), CREDENTIALS, whole.clone()),
        ("no field", Due::Fault("Client"), CREDENTIALS, resolve(&[])),
        (
            "header",
            Due::Fault("MustUnderstand"),
            CREDENTIALS,
            whole.replace("<e:Header>", &format!("<e:Header>{}", unknown_header("1"))),
        ),
        ("another version", Due::Fault("VersionMismatch"), CREDENTIALS, whole.replace(SOAP, "urn:example:soap")),
        ("cut short", Due::Fault("Client"), CREDENTIALS, whole[..whole.len() - 3].to_owned()),
        ("unknown operation", Due::Fault("Client"), CREDENTIALS, envelope("", &payload(OWN, "DoAnything", &[]))),
        ("wrong key", Due::Fault("Client"), wrong_key.as_str(), whole.clone()),
    ];
    let ask = |(what, due, credentials, body): (&str, _, &str, String)| Exchange {
        name: format!("fault in {} ({what})", OWN.name),
        service: OWN,
        due,
        fields: &[],
        reply: ask(gateway, OWN, credentials, &body),
    };
    requests.into_iter().map(ask).collect()
}

fn ask(gateway: &Gateway, service: Service, credentials: &str, body: &str) -> Reply {
    gateway.send("POST", service.path(), &format!("{credentials}{TEXT_XML}"), body.as_bytes())
}
