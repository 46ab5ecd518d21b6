//! Any bytes as the body of a SOAP request.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| checks::envelope(input));
