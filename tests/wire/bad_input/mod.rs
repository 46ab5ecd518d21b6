//! Wrong requests of every kind: each gets the documented status in the dialect's form with words that help, changes
//! nothing, and leaves a server that answers.

mod bodies;
mod connections;
mod credentials;
mod gms;
mod hostile;
mod interact;
mod paths;
mod soap;
mod strangers;

use crate::callers::{Caller, Reply};
use crate::gateway::{Builder, Gateway, State};

/// The form of a refusal.
#[derive(Clone, Copy, Debug)]
enum Form {
    /// Bare text: Interact over REST, and whatever is refused below SOAP.
    Text,
    /// A SOAP 1.1 fault with this code behind its prefix.
    Fault(&'static str),
    /// The two members of GMS in XML, with this exception behind its package.
    Xml(&'static str),
    /// The two members of GMS in JSON, with this exception behind its package.
    Json(&'static str),
}

/// A gateway that is tried, with the state that it must keep.
struct Trial {
    gateway: Gateway,
    before: State,
}

impl Trial {
    async fn of(builder: Builder) -> Self {
        let gateway = builder.start().await;
        // Something is lent, so that freeing and matching could go wrong too.
        assert_eq!(gateway.caller().allocate("holder", "samples").await.text(), "111");
        let before = gateway.state().await;
        Self { gateway, before }
    }

    async fn demo() -> Self {
        Self::of(Gateway::demo()).await
    }

    fn caller(&self) -> &Caller {
        self.gateway.caller()
    }

    /// Holds a refusal against what it must be, and the state against what it was. `words` must be in the message.
    async fn refused(&self, what: &str, reply: &Reply, status: u16, form: Form, words: &str) {
        assert_eq!(reply.status, status, "{what}: {reply:?}");
        let message = message(what, reply, form);
        assert!(message.contains(words), "{what}: no \"{words}\" in {reply:?}");
        assert!(!reply.header("x-request-id").is_empty(), "{what}: {reply:?}");
        self.unchanged(what).await;
    }

    /// The server answers, and knows of the numbers what it knew.
    async fn unchanged(&self, what: &str) {
        assert_eq!(self.gateway.state().await, self.before, "{what}");
    }
}

/// The message of a refusal that has the right form.
fn message(what: &str, reply: &Reply, form: Form) -> String {
    let media_type = reply.header("content-type");
    match form {
        Form::Text => {
            assert_eq!(media_type, "text/plain; charset=utf-8", "{what}: {reply:?}");
            reply.text()
        }
        Form::Fault(code) => {
            assert_eq!(media_type, "text/xml; charset=UTF-8", "{what}: {reply:?}");
            assert_eq!(reply.element("faultcode"), format!("SOAP-ENV:{code}"), "{what}: {reply:?}");
            reply.element("faultstring")
        }
        Form::Xml(exception) => {
            assert_eq!(media_type, "application/xml;charset=UTF-8", "{what}: {reply:?}");
            assert!(reply.text().starts_with("<Fault"), "{what}: {reply:?}");
            assert_eq!(reply.element("exception").rsplit('.').next(), Some(exception), "{what}: {reply:?}");
            reply.element("message")
        }
        Form::Json(exception) => {
            assert_eq!(media_type, "application/json", "{what}: {reply:?}");
            let fault = reply.json();
            assert_eq!(fault.as_object().unwrap().len(), 2, "{what}: {reply:?}");
            assert_eq!(fault["exception"].as_str().unwrap().rsplit('.').next(), Some(exception), "{what}: {reply:?}");
            fault["message"].as_str().unwrap().to_owned()
        }
    }
}
