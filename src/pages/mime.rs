//! Media types by the ends of names.
//!
//! Knows: what browsers need to be told of a file.
//! Must not know: what is in it.

/// What a file is that has no end, or one that is not known.
const BYTES: &str = "application/octet-stream";

/// Text is UTF-8: what is not is rare, and can be said by `type`.
const TYPES: [(&str, &str); 42] = [
    ("aac", "audio/aac"),
    ("apng", "image/apng"),
    ("avif", "image/avif"),
    ("bmp", "image/bmp"),
    ("css", "text/css; charset=utf-8"),
    ("csv", "text/csv; charset=utf-8"),
    ("flac", "audio/flac"),
    ("gif", "image/gif"),
    ("gz", "application/gzip"),
    ("htm", "text/html; charset=utf-8"),
    ("html", "text/html; charset=utf-8"),
    ("ico", "image/x-icon"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    // RFC 9239.
    ("js", "text/javascript; charset=utf-8"),
    ("json", "application/json"),
    ("m4a", "audio/mp4"),
    ("map", "application/json"),
    ("md", "text/markdown; charset=utf-8"),
    ("mjs", "text/javascript; charset=utf-8"),
    ("mp3", "audio/mpeg"),
    ("mp4", "video/mp4"),
    ("oga", "audio/ogg"),
    ("ogg", "audio/ogg"),
    ("ogv", "video/ogg"),
    ("opus", "audio/ogg"),
    ("otf", "font/otf"),
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("svg", "image/svg+xml"),
    ("toml", "application/toml"),
    ("ttf", "font/ttf"),
    ("txt", "text/plain; charset=utf-8"),
    ("wasm", "application/wasm"),
    ("wav", "audio/wav"),
    ("webm", "video/webm"),
    ("webmanifest", "application/manifest+json"),
    ("webp", "image/webp"),
    ("woff", "font/woff"),
    ("woff2", "font/woff2"),
    ("xml", "text/xml; charset=utf-8"),
    ("zip", "application/zip"),
];

/// The media type of a file of that name.
pub fn mime_of(name: &str) -> &'static str {
    let name = name.rsplit('/').next().unwrap_or(name);
    let Some((_, end)) = name.rsplit_once('.') else { return BYTES };
    let found = TYPES.iter().find(|(known, _)| known.eq_ignore_ascii_case(end));
    found.map_or(BYTES, |(_, mime)| mime)
}

/// Whether `text` can stand in `Content-Type` (RFC 9110 §8.3): a type and a subtype, then whatever
/// says more of it.
pub fn is_mime(text: &str) -> bool {
    let is_mark = |byte| b"!#$%&'*+-.^_`|~".contains(&byte);
    let is_token = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || is_mark(byte))
    };
    let (essence, rest) = text.split_once(';').unwrap_or((text, ""));
    let is_type = |(kind, subtype): (&str, &str)| is_token(kind) && is_token(subtype);
    essence.trim_end_matches(' ').split_once('/').is_some_and(is_type)
        && rest.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_name_says_what_it_is() {
        let cases = [
            ("index.html", "text/html; charset=utf-8"),
            ("a.b/INDEX.HTML", "text/html; charset=utf-8"),
            ("app.min.js", "text/javascript; charset=utf-8"),
            ("data.json", "application/json"),
            ("Makefile", BYTES),
            ("a.html/README", BYTES),
            ("x.", BYTES),
            ("x.unheard-of", BYTES),
        ];
        for (name, mime) in cases {
            assert_eq!(mime_of(name), mime, "{name}");
        }
    }

    #[test]
    fn every_type_can_stand_in_a_header() {
        assert!(TYPES.iter().all(|(_, mime)| is_mime(mime)) && is_mime(BYTES));
        assert!(TYPES.is_sorted(), "so that one is found by whoever looks for it");
        for text in ["text/x;a=\"b c\"", "text/x ; q", "a/b"] {
            assert!(is_mime(text), "{text}");
        }
        for text in
            ["", "text", "text/", "/x", "text/x\r\nSet-Cookie: a", "text/ü", "a b/c", "a/b;ü"]
        {
            assert!(!is_mime(text), "{text}");
        }
    }
}
