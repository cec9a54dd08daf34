//! The request target: its form, path segments and query, decoded (RFC 9112 §3.2, RFC 3986).
//!
//! Knows: target forms, percent-encoding, segments, query pairs.
//! Must not know: which paths exist.
//!
//! A path is the list of its segments, each decoded once. Router and authorizer see that list and
//! nothing else, so they cannot disagree on what `%2F` or `%2e` means: an encoded slash is a
//! character inside its segment, and dot segments are refused however they are spelt.

use std::borrow::Cow;
use std::fmt::Write;

use percent_encoding::percent_decode_str;

use super::{Fault, Host, Method};

/// A request target that was checked: whatever it yields was found to be good UTF-8.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target<'a> {
    /// The authority of an absolute form.
    pub(super) authority: Option<Host<'a>>,
    /// Begins with `/`, or is `*`.
    path: &'a str,
    query: &'a str,
}

impl<'a> Target<'a> {
    pub(super) fn parse(raw: &'a str, method: Method) -> Result<Target<'a>, Fault> {
        check_bytes(raw)?;
        let target = if raw == "*" && method == Method::Options {
            Target { authority: None, path: raw, query: "" }
        } else if raw.starts_with('/') {
            Target::split(None, raw)
        } else {
            parse_absolute(raw)?
        };
        target.check()?;
        Ok(target)
    }

    fn split(authority: Option<Host<'a>>, raw: &'a str) -> Target<'a> {
        let (path, query) = raw.split_once('?').unwrap_or((raw, ""));
        // RFC 9110 §4.2.3: an empty path is the path `/`.
        let path = if path.is_empty() { "/" } else { path };
        Target { authority, path, query }
    }

    /// Decodes everything once, so that nothing read later can be found wrong.
    fn check(&self) -> Result<(), Fault> {
        let is_utf8 = |raw: &str| percent_decode_str(raw).decode_utf8().is_ok();
        if self.raw_segments().any(|raw| !is_utf8(raw)) {
            return Err(Fault::BadTargetUtf8);
        }
        if self.segments().any(|segment| segment == "." || segment == "..") {
            return Err(Fault::DotSegment);
        }
        if self.raw_pairs().any(|(name, value)| !is_utf8(name) || !is_utf8(value)) {
            return Err(Fault::BadTargetUtf8);
        }
        Ok(())
    }

    /// Path and query, as they came; an empty query is none.
    pub(super) fn text(&self) -> Cow<'a, str> {
        match self.query {
            "" => Cow::Borrowed(self.path),
            query => Cow::Owned(format!("{}?{query}", self.path)),
        }
    }

    fn raw_segments(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.path.strip_prefix('/').into_iter().flat_map(|path| path.split('/'))
    }

    fn raw_pairs(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        let pairs = self.query.split('&').filter(|pair| !pair.is_empty());
        pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")))
    }

    /// `/` has one segment, an empty one; `/a/` has two; `*` has none.
    pub(super) fn segments(&self) -> impl Iterator<Item = Cow<'a, str>> + use<'a> {
        self.raw_segments().map(decode)
    }

    pub(super) fn query(&self) -> impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)> + use<'a> {
        self.raw_pairs().map(|(name, value)| (decode_form(name), decode_form(value)))
    }

    /// The canonical spelling: two paths have the same one if and only if they have the same
    /// segments. It holds no control characters, so it can be logged.
    pub(super) fn path(&self) -> Cow<'a, str> {
        if !self.path.contains('%') {
            return Cow::Borrowed(self.path);
        }
        let mut path = String::with_capacity(self.path.len());
        for segment in self.segments() {
            path.push('/');
            segment.chars().for_each(|letter| push_canonical(&mut path, letter));
        }
        Cow::Owned(path)
    }
}

/// RFC 9112 §3.2.2: a server must take the absolute form too. RFC 6455 §4.1 allows it in a
/// handshake.
fn parse_absolute(raw: &str) -> Result<Target<'_>, Fault> {
    let (scheme, rest) = raw.split_once("://").ok_or(Fault::BadTarget)?;
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return Err(Fault::BadTarget);
    }
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at_checked(end).ok_or(Fault::BadTarget)?;
    Ok(Target::split(Some(Host::parse(authority)?), rest))
}

/// Visible ASCII without `#`. More than RFC 3986 allows, as browsers send `|` and `{` bare in a
/// query.
fn check_bytes(raw: &str) -> Result<(), Fault> {
    if !raw.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#') {
        return Err(Fault::BadTarget);
    }
    for behind in raw.split('%').skip(1) {
        let digits = behind.get(..2).ok_or(Fault::BadEscape)?;
        // NUL ends a string in too many of the programs that this text may be handed on to.
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) || digits == "00" {
            return Err(Fault::BadEscape);
        }
    }
    Ok(())
}

/// Nothing is lost here: [`Target::check`] has seen that it is UTF-8.
fn decode(raw: &str) -> Cow<'_, str> {
    percent_decode_str(raw).decode_utf8_lossy()
}

/// As HTML forms encode it: a bare `+` is a space (WHATWG URL,
/// "application/x-www-form-urlencoded").
fn decode_form(raw: &str) -> Cow<'_, str> {
    if raw.contains('+') {
        Cow::Owned(decode(&raw.replace('+', " ")).into_owned())
    } else {
        decode(raw)
    }
}

fn push_canonical(path: &mut String, letter: char) {
    if letter != '/' && letter != '%' && !letter.is_control() {
        return path.push(letter);
    }
    for byte in letter.encode_utf8(&mut [0; 4]).bytes() {
        // Writing to a String cannot fail.
        let _ = write!(path, "%{byte:02X}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    use proptest::prelude::*;

    fn parse(raw: &str) -> Result<Target<'_>, Fault> {
        Target::parse(raw, Method::Get)
    }

    fn segments(raw: &str) -> Vec<Cow<'_, str>> {
        parse(raw).expect(raw).segments().collect()
    }

    fn pairs(raw: &str) -> Vec<(Cow<'_, str>, Cow<'_, str>)> {
        parse(raw).expect(raw).query().collect()
    }

    #[test]
    fn paths_are_lists_of_decoded_segments() {
        let cases: &[(&str, &[&str], &str)] = &[
            ("/", &[""], "/"),
            ("/a", &["a"], "/a"),
            ("/a/", &["a", ""], "/a/"),
            ("//a//b", &["", "a", "", "b"], "//a//b"),
            ("/ws/r%C3%BCm", &["ws", "rüm"], "/ws/rüm"),
            ("/a%2Fb", &["a/b"], "/a%2Fb"),
            ("/a%2fb/c", &["a/b", "c"], "/a%2Fb/c"),
            ("/%2541", &["%41"], "/%2541"),
            ("/a%0d%0Ab%c2%85", &["a\r\nb\u{85}"], "/a%0D%0Ab%C2%85"),
            ("/a+b", &["a+b"], "/a+b"),
            ("/.../a.b/..c", &["...", "a.b", "..c"], "/.../a.b/..c"),
            ("/a?b/../c", &["a"], "/a"),
            ("/a%3Fb", &["a?b"], "/a?b"),
            ("/%2e%2F", &["./"], "/.%2F"),
            ("/\"<>\\^`{|}", &["\"<>\\^`{|}"], "/\"<>\\^`{|}"),
            ("http://h/a/b?c", &["a", "b"], "/a/b"),
            ("HTTPS://h:1?c=d", &[""], "/"),
            ("http://[::1]", &[""], "/"),
        ];
        for (raw, expected, path) in cases {
            assert_eq!(segments(raw), *expected, "{raw}");
            assert_eq!(parse(raw).expect(raw).path(), *path, "{raw}");
        }
    }

    #[test]
    fn the_asterisk_is_for_options_alone_and_has_no_segments() {
        let target = Target::parse("*", Method::Options).expect("an asterisk");
        assert_eq!((target.segments().count(), target.path()), (0, Cow::Borrowed("*")));
        assert_eq!(parse("*").err(), Some(Fault::BadTarget));
        assert_eq!(Target::parse("*?a", Method::Options).err(), Some(Fault::BadTarget));
    }

    #[test]
    fn bad_targets_are_refused() {
        let cases: &[(&str, Fault)] = &[
            ("", Fault::BadTarget),
            ("a", Fault::BadTarget),
            ("example.com:80", Fault::BadTarget),
            ("?a", Fault::BadTarget),
            ("/a#b", Fault::BadTarget),
            ("/a b", Fault::BadTarget),
            ("/ü", Fault::BadTarget),
            ("/a\tb", Fault::BadTarget),
            ("/\x7f", Fault::BadTarget),
            ("ftp://h/", Fault::BadTarget),
            ("ws:/h/", Fault::BadTarget),
            ("http:///a", Fault::BadHost),
            ("http://u@h/a", Fault::BadHost),
            ("http://h:65536/", Fault::BadHost),
            ("http://h\\a/", Fault::BadHost),
            ("/%", Fault::BadEscape),
            ("/%1", Fault::BadEscape),
            ("/%zz", Fault::BadEscape),
            ("/%+1", Fault::BadEscape),
            ("/a?b=%", Fault::BadEscape),
            ("/%00", Fault::BadEscape),
            ("/?a=%00", Fault::BadEscape),
            ("/%C3", Fault::BadTargetUtf8),
            ("/%C3/%BC", Fault::BadTargetUtf8),
            ("/%c0%af", Fault::BadTargetUtf8),
            ("/%ED%A0%80", Fault::BadTargetUtf8),
            ("/?a=%ff", Fault::BadTargetUtf8),
            ("/?%ff", Fault::BadTargetUtf8),
            ("/?a=%C3&b=%BC", Fault::BadTargetUtf8),
            ("/.", Fault::DotSegment),
            ("/..", Fault::DotSegment),
            ("/a/../b", Fault::DotSegment),
            ("/a/./b", Fault::DotSegment),
            ("/%2e", Fault::DotSegment),
            ("/a/%2E.", Fault::DotSegment),
            ("/.%2e/b", Fault::DotSegment),
            ("http://h/../a", Fault::DotSegment),
        ];
        for (raw, fault) in cases {
            assert_eq!(parse(raw).err(), Some(*fault), "{raw}");
        }
    }

    #[test]
    fn queries_are_pairs() {
        let cases: &[(&str, &[(&str, &str)])] = &[
            ("/a", &[]),
            ("/a?", &[]),
            ("/a?b", &[("b", "")]),
            ("/a?b=", &[("b", "")]),
            ("/a?b=c&b=d", &[("b", "c"), ("b", "d")]),
            ("/a?&&b=c&", &[("b", "c")]),
            ("/a?b=c=d", &[("b", "c=d")]),
            ("/a?=x", &[("", "x")]),
            ("/a?room=a+b&c=%2B%20%26%3D", &[("room", "a b"), ("c", "+ &=")]),
            ("/a?%72oom=%C3%BC?/", &[("room", "ü?/")]),
            ("http://h?a=b", &[("a", "b")]),
        ];
        for (raw, expected) in cases {
            let expected: Vec<_> =
                expected.iter().map(|(n, v)| (Cow::Borrowed(*n), Cow::Borrowed(*v))).collect();
            assert_eq!(pairs(raw), expected, "{raw}");
        }
    }

    #[test]
    fn plain_targets_are_borrowed() {
        let target = parse("/ws/main?room=a").expect("a plain target");
        assert!(target.segments().all(|segment| matches!(segment, Cow::Borrowed(_))));
        assert!(target.query().all(|(_, value)| matches!(value, Cow::Borrowed(_))));
        assert!(matches!(target.path(), Cow::Borrowed(_)));
    }

    fn encode(segments: &[String]) -> String {
        segments.iter().fold(String::new(), |mut path, segment| {
            path.push('/');
            path.extend(utf8_percent_encode(segment, NON_ALPHANUMERIC));
            path
        })
    }

    proptest! {
        #[test]
        fn any_segments_come_back(list in proptest::collection::vec("[^\0]{0,8}", 1..5)) {
            prop_assume!(list.iter().all(|segment| segment != "." && segment != ".."));
            let raw = encode(&list);
            prop_assert_eq!(segments(&raw), list);
        }

        #[test]
        fn paths_are_equal_if_and_only_if_segments_are(
            a in proptest::collection::vec("[a/%2F]{0,3}", 1..3),
            b in proptest::collection::vec("[a/%2F]{0,3}", 1..3),
        ) {
            let (raw_a, raw_b) = (encode(&a), encode(&b));
            let (path_a, path_b) = (parse(&raw_a).unwrap().path(), parse(&raw_b).unwrap().path());
            prop_assert_eq!(path_a == path_b, a == b);
        }

        #[test]
        fn canonical_paths_hold_no_controls(raw in "/[%0-9A-Fa-f/.]{0,16}") {
            if let Ok(target) = parse(&raw) {
                prop_assert!(!target.path().chars().any(char::is_control));
                // Decoded once: nothing is left that the check did not see.
                prop_assert!(target.segments().all(|s| s != "." && s != ".." && !s.contains('\0')));
            }
        }
    }
}
