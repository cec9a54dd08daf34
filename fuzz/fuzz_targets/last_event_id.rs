#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::last_event_id::run(data));
