//! What every operation of the API stands on: how it is declared, how a request is read, how an answer and a problem are
//! written, and the OpenAPI document that follows from all of them. Nothing here knows a resource but the list of them.

pub(super) mod address;
pub(super) mod body;
pub(super) mod endpoint;
pub(super) mod error;
pub(super) mod members;
pub(super) mod names;
pub(super) mod objection;
pub(super) mod openapi;
pub(super) mod operation;
pub(super) mod page;
pub(super) mod problem;
pub(super) mod reply;
pub(super) mod time;
pub(super) mod value;
