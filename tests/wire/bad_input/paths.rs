//! Addresses and methods that do not exist.

use reqwest::Method;

use super::{Form, Trial};
use crate::callers::send;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_address_is_not_found_in_the_form_of_the_dialect_it_belongs_to() {
    let trial = Trial::demo().await;
    for (path, form, words) in [
        ("/nowhere", Form::Text, "GMS is under /genesys/1/"),
        ("/interactive/version/2/dnis", Form::Text, "There is nothing at this path"),
        ("/health/ready", Form::Text, "There is nothing at this path"),
        ("/interact", Form::Text, "phones are at version/2/dnis"),
        ("/interact/version/3/dnis", Form::Text, "phones are at version/2/dnis"),
        ("/interact/version/2/dnis/allocate/get/111/222", Form::Text, "phones are at"),
        ("/interact/version/2//dnis", Form::Text, "phones are at"),
        ("/INTERACT/version/2/dnis", Form::Text, "There is nothing at this path"),
        ("/genesys", Form::Xml("NotFoundException"), "services are at /genesys/1/service/{name}"),
        ("/genesys/2/service/request-access", Form::Xml("NotFoundException"), "nothing at this address"),
        ("/genesys/1/service", Form::Xml("NotFoundException"), "nothing at this address"),
        ("/genesys/1/service/a/b", Form::Xml("NotFoundException"), "nothing at this address"),
        ("/genesys/1/storage/a/b/c", Form::Xml("NotFoundException"), "nothing at this address"),
    ] {
        let reply = send(trial.caller().user(Method::GET, path)).await;
        trial.refused(path, &reply, 404, form, words).await;
    }
    for path in ["/genesys/1/service/%ff", "/genesys/1/service/%", "/genesys/1/storage/a%00"] {
        let reply = send(trial.caller().user(Method::GET, path)).await;
        let words = "the address must be percent-encoded UTF-8 without the character U+0000";
        trial.refused(path, &reply, 400, Form::Xml("BadRequestException"), words).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_method_that_an_address_does_not_have_is_told_those_it_has() {
    let trial = Trial::demo().await;
    let brew = || Method::from_bytes(b"BREW").unwrap();
    let not_allowed = Form::Xml("NotAllowedException");
    for (method, path, form, allow) in [
        (Method::PUT, "/interact/version/2/dnis", Form::Text, "GET, HEAD, POST"),
        (Method::POST, "/interact/version/2/dnis/111", Form::Text, "GET, HEAD, PUT, DELETE"),
        (Method::GET, "/interact/version/2/dnis/allocate/new", Form::Text, "POST"),
        (Method::POST, "/interact/version/2/dnis/allocate/get/111", Form::Text, "GET, HEAD"),
        (Method::GET, "/interact/version/2/dnis/allocate/free/111", Form::Text, "POST"),
        (Method::DELETE, "/interact/version/2/dnis/allocate/free/111", Form::Text, "POST"),
        (Method::DELETE, "/interact/version/2/agent/soap", Form::Text, "GET, HEAD, POST"),
        (Method::PUT, "/interact/version/2/dnis/soap/", Form::Text, "GET, HEAD, POST"),
        (Method::DELETE, "/interact/version/2/dnis/soap/dnis.wsdl", Form::Text, "GET, HEAD, POST"),
        (Method::OPTIONS, "/interact/version/2/dnis", Form::Text, "GET, HEAD, POST"),
        (Method::TRACE, "/interact/version/2/dnis", Form::Text, "GET, HEAD, POST"),
        (brew(), "/interact/version/2/dnis/111", Form::Text, "GET, HEAD, PUT, DELETE"),
        (Method::PUT, "/genesys/1/service/request-access", not_allowed, "DELETE, GET, POST"),
        (Method::PATCH, "/genesys/1/storage/a", not_allowed, "DELETE, GET, POST"),
        (Method::PUT, "/genesys/1/storage/a/b", not_allowed, "DELETE, GET, POST"),
        (brew(), "/genesys/1/storage/a", not_allowed, "DELETE, GET, POST"),
    ] {
        let what = format!("{method} {path}");
        let reply = send(trial.caller().user(method, path)).await;
        trial.refused(&what, &reply, 405, form, allow).await;
        assert_eq!(reply.header("allow"), allow, "{what}");
    }
}
