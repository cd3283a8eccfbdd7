//! `cargo fuzz run request_object`
#![no_main]

#[path = "../targets.rs"]
#[expect(dead_code, reason = "each program runs one of them")]
mod targets;

libfuzzer_sys::fuzz_target!(|input: &[u8]| targets::request_object(input));
