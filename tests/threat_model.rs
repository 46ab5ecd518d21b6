//! Holds `THREAT_MODEL.md` to its word: every promise names a test, and every test that is named is there.

use std::fs;
use std::path::Path;

fn read(path: &str) -> Option<String> {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).ok()
}

/// The rows of the tables of promises, without their heads.
fn promises(document: &str) -> Vec<(&str, Vec<&str>)> {
    let rows = document.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | "));
    let rows = rows.filter(|(promise, _)| *promise != "promise");
    rows.map(|(promise, tests)| (promise, tests.split('`').skip(1).step_by(2).collect())).collect()
}

/// Whether `file::test` is a function marked as a test in that file.
fn exists(test: &str) -> bool {
    let Some((file, name)) = test.split_once("::") else { return false };
    let Some(source) = read(file) else { return false };
    let lines: Vec<_> = source.lines().map(str::trim).collect();
    lines.windows(2).any(|pair| {
        let function = pair[1].strip_prefix("async ").unwrap_or(pair[1]);
        let named = function.strip_prefix("fn ").is_some_and(|rest| rest.split('(').next() == Some(name));
        // Properties have arguments, and stand in a macro that marks them.
        named
            && (pair[0] == "#[test]"
                || pair[0].starts_with("#[tokio::test")
                || pair[0].starts_with("#[actix_web::test"))
    })
}

#[test]
fn every_promise_of_the_threat_model_names_tests_that_exist() {
    let document = read("THREAT_MODEL.md").expect("the threat model is there");
    let promises = promises(&document);
    assert!(promises.len() >= 30, "{} promises", promises.len());
    for (promise, tests) in promises {
        assert!(!tests.is_empty(), "nothing holds: {promise}");
        for test in tests {
            assert!(exists(test), "there is no {test}, which should hold: {promise}");
        }
    }
}

#[test]
fn a_test_that_is_not_there_is_noticed() {
    let this = "tests/threat_model.rs";
    assert!(exists(&format!("{this}::a_test_that_is_not_there_is_noticed")));
    assert!(!exists(&format!("{this}::exists")), "a helper is no test");
    assert!(!exists(&format!("{this}::a_test_that_is_not")));
    assert!(!exists("tests/nowhere.rs::a_test"));
}

#[test]
fn the_reader_finds_the_way_to_the_threat_model() {
    for file in ["README.md", "ARCHITECTURE.md"] {
        assert!(read(file).expect("it is there").contains("(THREAT_MODEL.md)"), "{file} does not link it");
    }
}
