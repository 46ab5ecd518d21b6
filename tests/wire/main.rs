//! The whole server over HTTP: what clients, operators and attackers meet from outside.
//!
//! Most tests start the server inside the test's process, on free ports and over a directory of its own. What belongs
//! to the process (signals, exit codes, what is printed) is tried on the real binary.

#![allow(clippy::unwrap_used, reason = "a helper that cannot go on has failed its test")]

mod aicc;
mod audit;
mod backup;
mod bad_input;
mod binary;
mod callers;
mod clock;
mod commands;
mod console;
mod crowds;
#[path = "../common/database.rs"]
#[allow(dead_code, reason = "the tests of the store use all of it")]
mod database;
mod demo;
mod descriptors;
#[path = "../hostile/documents.rs"]
mod documents;
mod events;
mod exhaustion;
mod files;
mod gateway;
mod guessing;
mod log;
mod native;
mod neighbours;
mod numbers;
mod pages;
mod quotas;
mod raw;
mod reading;
mod reload;
mod resolution;
mod restart;
mod rights;
mod secured;
mod server;
mod several;
mod soap;
mod storage;
mod store;
mod story;
mod tls;
mod usage;
