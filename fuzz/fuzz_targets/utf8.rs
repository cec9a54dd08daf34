#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::utf8::run(data));
