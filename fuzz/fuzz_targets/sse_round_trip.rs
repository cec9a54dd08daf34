#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::sse_round_trip::run(data));
