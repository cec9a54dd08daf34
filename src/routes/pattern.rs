//! The pattern of a route's path: literal segments, and placeholders for whole ones.
//!
//! Knows: how a pattern is written, which paths it matches, which of two is the more literal.
//! Must not know: what a route does.

use std::borrow::Cow;
use std::fmt;

/// The path of a route, such as `/chat/{room}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    segments: Vec<Segment>,
}

/// One segment of a pattern. What is more literal comes first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    Literal(String),
    Room,
    Token,
}

/// Why a text is no pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadPattern {
    /// It does not begin with a slash.
    NoSlash,
    /// Two slashes follow each other, or it ends with one.
    EmptySegment,
    /// A segment that no request can have: `.`, `..`, or one with a control character.
    Impossible(String),
    /// Braces that are neither `{room}` nor `{token}` as a whole segment.
    Placeholder(String),
    /// The same placeholder twice.
    Twice(String),
}

impl fmt::Display for BadPattern {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BadPattern::NoSlash => out.write_str("a path begins with a slash"),
            BadPattern::EmptySegment => {
                out.write_str("a path has no empty segment and no slash at its end")
            }
            BadPattern::Impossible(segment) => write!(
                out,
                "no request can have the segment {segment:?}; write another, not percent-encoded"
            ),
            BadPattern::Placeholder(segment) => write!(
                out,
                "{segment:?} is no placeholder; {{room}} and {{token}} are, each as a whole segment"
            ),
            BadPattern::Twice(segment) => write!(out, "{segment} can stand in a path once only"),
        }
    }
}

/// What a path has where its pattern has placeholders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Places<'p> {
    /// In the place of `{room}`.
    pub room: Option<&'p str>,
    /// In the place of `{token}`.
    pub token: Option<&'p str>,
}

impl Pattern {
    /// Reads a pattern; its literal segments are not percent-encoded.
    pub fn parse(text: &str) -> Result<Pattern, BadPattern> {
        let inside = text.strip_prefix('/').ok_or(BadPattern::NoSlash)?;
        let mut segments = Vec::new();
        for part in inside.split('/').filter(|_| !inside.is_empty()) {
            let segment = segment(part)?;
            if !matches!(segment, Segment::Literal(_)) && segments.contains(&segment) {
                return Err(BadPattern::Twice(part.to_owned()));
            }
            segments.push(segment);
        }
        Ok(Pattern { segments })
    }

    /// Whether the pattern has a `{room}`.
    pub fn has_room(&self) -> bool {
        self.segments.contains(&Segment::Room)
    }

    /// Whether the pattern has a `{token}`.
    pub fn has_token(&self) -> bool {
        self.segments.contains(&Segment::Token)
    }

    /// Whether `text` is one of its literal segments.
    pub fn has_literal(&self, text: &str) -> bool {
        let is_it = |segment: &Segment| matches!(segment, Segment::Literal(own) if own == text);
        self.segments.iter().any(is_it)
    }

    /// What the decoded segments of a path have for the placeholders, if the path matches. The root
    /// has no segment, or an empty one.
    pub fn matches<'p>(&self, path: &'p [Cow<'_, str>]) -> Option<Places<'p>> {
        let path = match path {
            [root] if root.is_empty() => &[],
            _ => path,
        };
        if path.len() != self.segments.len() {
            return None;
        }
        let mut places = Places::default();
        for (segment, part) in self.segments.iter().zip(path) {
            match segment {
                Segment::Literal(literal) if literal == part => {}
                Segment::Literal(_) => return None,
                Segment::Room => places.room = Some(part),
                Segment::Token => places.token = Some(part),
            }
        }
        Some(places)
    }

    /// How literal it is, to be compared: the less, the earlier it is asked. Patterns of different
    /// kinds never tie if there is a path that both match.
    pub(super) fn kinds(&self) -> impl Iterator<Item = bool> {
        self.segments.iter().map(|segment| !matches!(segment, Segment::Literal(_)))
    }

    /// Whether both match the same paths, so that none of them is more literal.
    pub(super) fn ties_with(&self, other: &Pattern) -> bool {
        let is_same = |(one, other): (&Segment, &Segment)| match (one, other) {
            (Segment::Literal(one), Segment::Literal(other)) => one == other,
            (Segment::Literal(_), _) | (_, Segment::Literal(_)) => false,
            _ => true,
        };
        self.segments.len() == other.segments.len()
            && self.segments.iter().zip(&other.segments).all(is_same)
    }
}

fn segment(part: &str) -> Result<Segment, BadPattern> {
    match part {
        "{room}" => Ok(Segment::Room),
        "{token}" => Ok(Segment::Token),
        "" => Err(BadPattern::EmptySegment),
        "." | ".." => Err(BadPattern::Impossible(part.to_owned())),
        _ if part.contains(['{', '}']) => Err(BadPattern::Placeholder(part.to_owned())),
        _ if part.chars().any(char::is_control) => Err(BadPattern::Impossible(part.to_owned())),
        literal => Ok(Segment::Literal(literal.to_owned())),
    }
}

impl fmt::Display for Pattern {
    /// As it was written.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.segments.is_empty() {
            return out.write_str("/");
        }
        self.segments.iter().try_for_each(|segment| match segment {
            Segment::Literal(literal) => write!(out, "/{literal}"),
            Segment::Room => out.write_str("/{room}"),
            Segment::Token => out.write_str("/{token}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Vec<Cow<'_, str>> {
        text.split('/').skip(1).map(Cow::Borrowed).collect()
    }

    #[test]
    fn patterns_are_written_and_read_alike() {
        for text in ["/", "/ws", "/chat/{room}", "/a b/{token}/{room}/c", "/ü%41"] {
            assert_eq!(Pattern::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_pattern_says_why() {
        let placeholder = |text: &str| BadPattern::Placeholder(text.to_owned());
        for (text, fault) in [
            ("", BadPattern::NoSlash),
            ("chat", BadPattern::NoSlash),
            ("//", BadPattern::EmptySegment),
            ("/chat/", BadPattern::EmptySegment),
            ("/a//b", BadPattern::EmptySegment),
            ("/a/../b", BadPattern::Impossible("..".to_owned())),
            ("/a\n", BadPattern::Impossible("a\n".to_owned())),
            ("/{rooms}", placeholder("{rooms}")),
            ("/a{room}", placeholder("a{room}")),
            ("/{room", placeholder("{room")),
            ("/{room}/{room}", BadPattern::Twice("{room}".to_owned())),
        ] {
            assert_eq!(Pattern::parse(text), Err(fault), "{text}");
        }
    }

    #[test]
    fn placeholders_take_whole_segments() {
        let pattern = Pattern::parse("/app/{token}/{room}").unwrap();
        let places = |text| {
            pattern
                .matches(&path(text))
                .map(|p| (p.token.map(str::to_owned), p.room.map(str::to_owned)))
        };
        let pair = |token: &str, room: &str| Some((Some(token.to_owned()), Some(room.to_owned())));
        assert_eq!(places("/app/t/r"), pair("t", "r"));
        assert_eq!(places("/app//r"), pair("", "r"));
        for other in ["/app/t", "/app/t/r/", "/App/t/r", "/", "/app/t/r/s"] {
            assert_eq!(places(other), None, "{other}");
        }
        let root = Pattern::parse("/").unwrap();
        assert!(root.matches(&path("/")).is_some() && root.matches(&[]).is_some());
        assert!(root.matches(&path("//")).is_none());
    }
}
