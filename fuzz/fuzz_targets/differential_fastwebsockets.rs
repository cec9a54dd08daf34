#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::differential_fastwebsockets::run(data));
