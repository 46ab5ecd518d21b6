//! dnis-gateway: one server for three contact-center number protocols over one shared state.
//!
//! The layers, from the top: [`cli`], [`server`], [`console`], [`dialect`], [`access`], [`soap`], [`xml`], [`media`], [`dump`], [`store`], [`mod@line`],
//! [`log`], [`config`], [`domain`], [`text`]. Imports point downwards only; `ARCHITECTURE.md` tells the request's way through them and a test holds
//! the rule.

pub mod access;
pub mod cli;
pub mod config;
pub mod console;
pub mod dialect;
pub mod domain;
pub mod dump;
pub mod line;
pub mod log;
pub mod media;
pub mod server;
pub mod soap;
pub mod store;
pub mod text;
pub mod xml;
