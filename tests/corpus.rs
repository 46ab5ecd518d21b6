//! Replays the fuzzer's committed corpus: what once reached a new corner of a reader, or broke one, is tried on every
//! run, on stable.

#[path = "../fuzz/src/checks.rs"]
#[allow(unreachable_pub, reason = "the fuzz targets call the same functions from outside")]
mod checks;

use std::fs;
use std::panic::catch_unwind;
use std::path::Path;

/// Gives every file of a target's corpus to its check.
fn replay(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut tried = 0;
    for entry in fs::read_dir(&folder).expect("the corpus can be listed") {
        let file = entry.expect("the corpus can be listed").path();
        let input = fs::read(&file).expect("the corpus can be read");
        assert!(catch_unwind(|| check(&input)).is_ok(), "{}", file.display());
        tried += 1;
    }
    assert!(tried >= 10, "{tried} files in {}", folder.display());
}

#[test]
fn the_guard_holds_on_its_corpus() {
    replay("guard", checks::guard);
}

#[test]
fn the_envelope_reader_holds_on_its_corpus() {
    replay("envelope", checks::envelope);
}

#[test]
fn the_form_decoder_holds_on_its_corpus() {
    replay("form", checks::form);
}
