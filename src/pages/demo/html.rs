//! Text that becomes a part of a page.
//!
//! Knows: what signs mean in HTML and in URLs, how the places for it are marked.
//! Must not know: what is put there.

use std::fmt::Write;

/// `text`, so that it means nothing but itself, between tags and in quoted attributes.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for sign in text.chars() {
        match sign {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            sign => escaped.push(sign),
        }
    }
    escaped
}

/// `text` as a value in the query of a URL: slashes stay, as people read them.
pub(super) fn query(text: &str) -> String {
    percent(text, |byte| byte == b'/')
}

/// `text` as one segment of a URL's path.
pub fn segment(text: &str) -> String {
    percent(text, |_| false)
}

/// RFC 3986 §2.1; what is unreserved, or `stays`, is itself.
fn percent(text: &str, stays: fn(u8) -> bool) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || stays(byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// `page` with `text` wherever it has the comments `<!-- name -->` and `<!-- /name -->`, in place
/// of what stands between them.
pub(super) fn fill(page: String, name: &str, text: &str) -> String {
    let (begin, end) = (format!("<!-- {name} -->"), format!("<!-- /{name} -->"));
    let mut parts = page.split(&begin);
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let behind = part.split_once(&end).map_or(part, |(_, behind)| behind);
        filled.push_str(text);
        filled.push_str(behind);
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_escaped_means_nothing_but_itself() {
        let text = r#"<img src=x onerror='a("b")'> &amp; ü {room}"#;
        let escaped = "&lt;img src=x onerror=&#39;a(&quot;b&quot;)&#39;&gt; &amp;amp; ü {room}";
        assert_eq!(escape(text), escaped);
        assert!(!escape(text).contains(['<', '>', '"', '\'']));
        assert_eq!(escape(""), "");
    }

    #[test]
    fn urls_have_no_signs_of_html_nor_of_their_own() {
        assert_eq!(query("/ws/a b%2F?&\"<ü"), "/ws/a%20b%252F%3F%26%22%3C%C3%BC");
        assert_eq!(segment("a/b.c~d"), "a%2Fb.c~d");
    }

    #[test]
    fn each_marked_place_is_filled_and_nothing_else_is_touched() {
        let page = "a<!-- x -->old<!-- /x -->b<!-- y -->c<!-- /y --><!-- x --><!-- /x -->d";
        assert_eq!(fill(page.to_owned(), "x", "new"), "anewb<!-- y -->c<!-- /y -->newd");
        // What is put there is not looked at again.
        let text = "<!-- x -->x<!-- /x -->";
        assert_eq!(fill("<!-- x --><!-- /x -->".to_owned(), "x", text), text);
        assert_eq!(fill("a".to_owned(), "x", "b"), "a");
    }
}
