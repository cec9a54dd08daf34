//! The corpora's way to write bytes: `\r \n \t \\ \xHH` and `\u{HEX}`; everything else as it is.

/// The bytes that `text` stands for.
pub(super) fn bytes(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        if char != '\\' {
            out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        match chars.next().expect(text) {
            'r' => out.push(b'\r'),
            'n' => out.push(b'\n'),
            't' => out.push(b'\t'),
            '\\' => out.push(b'\\'),
            'x' => {
                let digits: String = chars.by_ref().take(2).collect();
                out.push(u8::from_str_radix(&digits, 16).expect(text));
            }
            'u' => {
                let digits: String =
                    chars.by_ref().skip(1).take_while(|char| *char != '}').collect();
                let code = u32::from_str_radix(&digits, 16).expect(text);
                let char = char::from_u32(code).expect(text);
                out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
            }
            other => panic!("\\{other} in {text}"),
        }
    }
    out
}

/// The same, which must be text.
pub(super) fn string(text: &str) -> String {
    String::from_utf8(bytes(text)).expect(text)
}

/// The lines of a corpus that say something.
pub(super) fn cases(corpus: &str) -> impl Iterator<Item = &str> {
    corpus.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}
