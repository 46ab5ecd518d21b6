//! Any bytes as the body of a GMS request; the first line is its Content-Type.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| checks::form(input));
