//! SOAP 1.1 and 1.2 over HTTP: envelopes in, answers and faults out, WSDL documents published.
//!
//! Knows envelopes and nothing of what is inside them: operations, their fields and their wording belong to the
//! dialects. A request is read in the order that the profile for interoperable services asks for: version, mandatory
//! headers, structure, and only then the payload, so that a dialect can check who is calling in between.

pub mod action;
pub mod addressing;
pub mod answer;
pub mod datetime;
pub mod deviation;
pub mod envelope;
pub mod fault;
pub mod media;
pub mod package;
pub mod security;
pub mod tally;
pub mod version;
pub mod wsdl;
