//! What the checks need of an XML document.

use roxmltree::{Document, Node, ParsingOptions};

use crate::gateway::Reply;

/// The namespace of SOAP 1.1 envelopes.
pub(crate) const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";

/// Reads a document.
pub(crate) fn parse(text: &str) -> Result<Document<'_>, String> {
    Document::parse_with_options(text, ParsingOptions { allow_dtd: true, ..ParsingOptions::default() })
        .map_err(|error| format!("not well-formed: {error}"))
}

/// The elements directly in a node.
pub(crate) fn elements<'a, 'input>(node: Node<'a, 'input>) -> impl Iterator<Item = Node<'a, 'input>> {
    node.children().filter(Node::is_element)
}

/// The only child of a node of this name.
pub(crate) fn child<'a, 'input>(
    node: Node<'a, 'input>,
    namespace: &str,
    local: &str,
) -> Result<Node<'a, 'input>, String> {
    let mut found = elements(node).filter(|child| child.has_tag_name((namespace, local)));
    match (found.next(), found.next()) {
        (Some(child), None) => Ok(child),
        (None, _) => Err(format!("{} has no {local}", node.tag_name().name())),
        (Some(_), Some(_)) => Err(format!("{} has more than one {local}", node.tag_name().name())),
    }
}

/// The Body of an envelope.
pub(crate) fn body<'a, 'input>(document: &'a Document<'input>) -> Result<Node<'a, 'input>, String> {
    child(document.root_element(), SOAP, "Body")
}

/// The text of an unqualified element of the Fault in a document.
pub(crate) fn fault_text(document: &Document<'_>, name: &str) -> Result<String, String> {
    let fault = child(body(document)?, SOAP, "Fault")?;
    let element = elements(fault).find(|element| element.has_tag_name(name)).ok_or(format!("no {name}"))?;
    Ok(element.text().unwrap_or_default().to_owned())
}

/// The `result` of an ordinary answer.
pub(crate) fn result(reply: &Reply) -> Result<String, String> {
    let text = reply.text();
    let document = parse(&text)?;
    let payload = elements(body(&document)?).next().ok_or("an empty Body")?;
    let result = elements(payload).find(|element| element.tag_name().name() == "result");
    Ok(result.ok_or(format!("no result: {text}"))?.text().unwrap_or_default().to_owned())
}

/// Holds an answer to be a fault under 500 with this standard code, its prefix resolved.
pub(crate) fn is_fault(reply: &Reply, code: &str) -> Result<(), String> {
    let text = reply.text();
    let document = parse(&text)?;
    let found = fault_text(&document, "faultcode").map_err(|error| format!("{error}: {text}"))?;
    let fault = child(body(&document)?, SOAP, "Fault")?;
    let resolved = found.split_once(':').map(|(prefix, local)| (fault.lookup_namespace_uri(Some(prefix)), local));
    crate::ensure(resolved == Some((Some(SOAP), code)), format!("expected the fault {code}, found {found}"))?;
    crate::ensure(reply.status == 500, format!("the fault {code} is answered under {}", reply.status))
}
