//! Any bytes to the XML guard, and what it admits to the reader.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| checks::guard(input));
