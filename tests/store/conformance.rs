//! The suite that every engine passes. A test is written once, over the trait, and runs on each.

use dnis_gateway::domain::document::{Loaded, LoadedValue};
use dnis_gateway::domain::state::{AfterMatch, Which};
use dnis_gateway::domain::{GroupRules, Policy, Refusal, Rules};
use dnis_gateway::store::{Error, Store, WithData};

use crate::engine::Engine;
use crate::words::*;

macro_rules! on_every_engine {
    ($($test:ident,)*) => {
        mod memory {
            $(#[tokio::test]
            async fn $test() {
                super::$test(&mut super::Engine::memory(crate::conformance::rules())).await;
            })*
        }

        mod postgres {
            $(#[tokio::test]
            async fn $test() {
                super::$test(&mut super::Engine::postgres(crate::conformance::rules())).await;
            })*
        }

        mod sled {
            $(#[tokio::test]
            async fn $test() {
                super::$test(&mut super::Engine::sled(crate::conformance::rules())).await;
            })*
        }
    };
}

// Behind the macro, which they use.
mod audit;
mod calls;
mod documents;
mod history;
mod imports;
mod numbers;
mod routes;
mod usage;
mod whole;

const ROOM: u64 = 4 * 1024 * 1024;

fn rules() -> Rules {
    let lrf = GroupRules { policy: Policy::LeastRecentlyFreed, ..GroupRules::default() };
    let groups = [(scope().tenant, [(group("lrf"), lrf)].into())].into();
    let call_centers = [(scope().tenant, std::sync::Arc::new(call_center()))].into();
    Rules { documents_total: ROOM, groups, call_centers, ..Rules::default() }
}

fn refused<T: std::fmt::Debug>(outcome: Result<T, Error>) -> Refusal {
    match outcome {
        // What a refusal tells of the groups is the domain's, and tested there.
        Err(Error::Refused(Refusal::Exhausted { group, next_release, .. })) => {
            Refusal::Exhausted { group, next_release, pools: Vec::new() }
        }
        Err(Error::Refused(refusal)) => refusal,
        other => panic!("a refusal was expected, not {other:?}"),
    }
}

async fn with_numbers(engine: &Engine, numbers: &[&str]) {
    for text in numbers {
        engine.store().create_number(&scope(), number(text), None).await.unwrap();
    }
}

async fn holder(store: &dyn Store, text: &str) -> Option<String> {
    let found = store.number(&scope(), num(text)).await.unwrap().expect("the number exists");
    found.allocation.map(|allocation| allocation.interaction.to_string())
}

async fn match_call(store: &dyn Store, text: &str, data: WithData) -> Result<Option<Loaded>, Error> {
    let mut found = store.match_call(&scope(), call(text), Which::Newest, AfterMatch::Delete, data).await?;
    assert_eq!(found.len(), 1);
    Ok(found.remove(0).data)
}

fn texts(loaded: &Loaded) -> Vec<(&str, &str)> {
    loaded.entries.iter().map(|(key, value)| (key.as_str(), shown(value))).collect()
}

fn shown(value: &LoadedValue) -> &str {
    match value {
        LoadedValue::Text(text) => text,
        LoadedValue::File { .. } => "(file)",
    }
}
