//! Patterns of names: rooms that somebody may read, connections that somebody may be called.
//!
//! Knows: `*`.
//! Must not know: what the names are of.

use std::fmt;
use std::sync::Arc;

/// A pattern: `*` stands for any characters, also none; every other character for itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Glob {
    /// What stands between the stars, with [`STAR`] for each of them.
    text: Box<str>,
}

/// A star, where a `*` is an asterisk that a name has. No name has control characters.
const STAR: char = '\0';

/// What stands in a key's own patterns for the subject of whoever is let in by it.
const SUBJECT: &str = "{sub}";

/// Why a text is no pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadGlob {
    /// It is empty: no name is.
    Empty,
    /// It is longer than any name.
    TooLong,
    /// No name has control characters.
    Control,
}

impl Glob {
    /// The longest that is taken, in bytes.
    pub const BYTES_MAX: usize = 255;

    /// Reads a pattern.
    ///
    /// # Errors
    ///
    /// No name could be meant by it.
    pub fn parse(text: &str) -> Result<Glob, BadGlob> {
        match text {
            "" => Err(BadGlob::Empty),
            _ if text.len() > Glob::BYTES_MAX => Err(BadGlob::TooLong),
            _ if text.contains(char::is_control) => Err(BadGlob::Control),
            _ => Ok(Glob { text: text.replace('*', "\0").into() }),
        }
    }

    /// The pattern of this name alone, whatever characters are in it.
    pub fn literal(name: &str) -> Glob {
        // What no name can be is nobody's.
        let is_name = !name.contains(char::is_control);
        Glob { text: Box::from(if is_name { name } else { "" }) }
    }

    /// Whether `name` is meant.
    pub fn matches(&self, name: &str) -> bool {
        let Some((first, rest)) = self.text.split_once(STAR) else { return *self.text == *name };
        let Some(mut left) = name.strip_prefix(first) else { return false };
        let (middle, last) = rest.rsplit_once(STAR).unwrap_or(("", rest));
        for part in middle.split(STAR) {
            // The earliest place leaves the most for what follows.
            let Some((_, behind)) = left.split_once(part) else { return false };
            left = behind;
        }
        left.ends_with(last)
    }

    /// The one name that is meant, if there are not more.
    pub fn name(&self) -> Option<&str> {
        (!self.text.contains(STAR)).then_some(&self.text)
    }

    /// Whether every name is meant.
    pub fn is_all(&self) -> bool {
        !self.text.is_empty() && self.text.chars().all(|one| one == STAR)
    }

    /// Whether it means other names for other subjects.
    pub fn has_subject(&self) -> bool {
        self.text.contains(SUBJECT)
    }

    /// The same with `subject` where its place is, in which nothing stands for anything else. No
    /// name is meant where nobody is the subject.
    fn of_subject(&self, subject: Option<&str>) -> Option<Glob> {
        if !self.has_subject() {
            return Some(self.clone());
        }
        let subject = subject.filter(|subject| !subject.contains(char::is_control))?;
        Some(Glob { text: self.text.replace(SUBJECT, subject).into() })
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text.replace(STAR, "*"))
    }
}

/// Some patterns; a name is meant if one of them means it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Globs(Arc<[Glob]>);

impl Globs {
    /// Those of `globs`.
    pub fn new(globs: Vec<Glob>) -> Globs {
        Globs(globs.into())
    }

    /// Every name is meant.
    pub fn all() -> Globs {
        Globs(Arc::new([Glob { text: Box::from("\0") }]))
    }

    /// Whether `name` is meant.
    pub fn matches(&self, name: &str) -> bool {
        self.0.iter().any(|glob| glob.matches(name))
    }

    /// Whether every name is meant.
    pub fn is_all(&self) -> bool {
        self.0.iter().any(Glob::is_all)
    }

    /// Whether no name is meant.
    pub fn is_none(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether they mean other names for other subjects.
    pub fn have_subject(&self) -> bool {
        self.0.iter().any(Glob::has_subject)
    }

    /// The same for `subject`.
    pub(super) fn of_subject(&self, subject: Option<&str>) -> Globs {
        match self.have_subject() {
            true => Globs(self.0.iter().filter_map(|glob| glob.of_subject(subject)).collect()),
            false => self.clone(),
        }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// Each pattern.
    pub fn iter(&self) -> impl Iterator<Item = &Glob> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn glob(text: &str) -> Glob {
        Glob::parse(text).unwrap()
    }

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, names, others) in [
            ("a", vec!["a"], vec!["", "aa", "b", "*"]),
            ("*", vec!["a", "*", "a.b"], vec![]),
            ("a.*", vec!["a.", "a.b", "a.b.c"], vec!["a", "b.a."]),
            ("*.a", vec![".a", "b.a", ".a.a"], vec!["a", "b.a "]),
            ("a*a", vec!["aa", "aba", "a*a"], vec!["a", "ab"]),
            ("a*b*c", vec!["abc", "aabbcc", "a b c"], vec!["acb", "ab", "abcx"]),
        ] {
            for name in names {
                assert!(glob(pattern).matches(name), "{pattern} {name}");
            }
            for name in others {
                assert!(!glob(pattern).matches(name), "{pattern} {name}");
            }
            assert_eq!(glob(pattern).to_string(), pattern);
        }
        assert!(Globs::all().is_all() && glob("**").is_all() && !glob("a*").is_all());
        assert!(!Glob::literal("*").is_all() && Glob::literal("*").matches("*"));
        assert_eq!((glob("a").name(), glob("a*").name()), (Some("a"), None));
    }
    /// The rule, word for word.
    fn naive(pattern: &[u8], name: &[u8]) -> bool {
        match (pattern, name) {
            ([], []) => true,
            ([b'*', rest @ ..], _) => (0..=name.len()).any(|end| naive(rest, &name[end..])),
            ([one, rest @ ..], [other, behind @ ..]) => one == other && naive(rest, behind),
            _ => false,
        }
    }

    /// All words over `letters` of up to `length` of them.
    fn words(letters: &str, length: usize) -> Vec<String> {
        let mut words = vec![String::new()];
        let mut last = words.clone();
        for _ in 0..length {
            let longer = |word: &String| -> Vec<String> {
                letters.chars().map(|letter| format!("{word}{letter}")).collect()
            };
            last = last.iter().flat_map(longer).collect();
            words.extend(last.iter().cloned());
        }
        words
    }

    /// Every pattern of up to three parts between stars, against every short name.
    #[test]
    fn a_pattern_means_what_the_rule_says() {
        let parts = words("abc", 2);
        let mut patterns = parts.clone();
        for first in &parts {
            for second in &parts {
                patterns.push(format!("{first}*{second}"));
                patterns.extend(parts.iter().map(|third| format!("{first}*{second}*{third}")));
            }
        }
        let names = words("abc", 5);
        for pattern in patterns.iter().filter(|pattern| !pattern.is_empty()) {
            let glob = glob(pattern);
            for name in &names {
                let means = naive(pattern.as_bytes(), name.as_bytes());
                assert_eq!(glob.matches(name), means, "{pattern} {name}");
            }
        }
    }

    #[test]
    fn a_pattern_is_what_a_name_could_be() {
        for (text, why) in [
            ("", BadGlob::Empty),
            (&"a".repeat(256), BadGlob::TooLong),
            ("a\0", BadGlob::Control),
            ("\u{85}", BadGlob::Control),
            ("a\nb", BadGlob::Control),
        ] {
            assert_eq!(Glob::parse(text), Err(why), "{text:?}");
        }
        assert!(Glob::parse(&"*".repeat(255)).is_ok());
        // Nobody is called what has control characters: it means no name that there is.
        let odd = Glob::literal("a\0b");
        assert!(!odd.matches("a") && !odd.matches("ab") && !odd.matches("aab"));
    }

    /// Without this, a pattern of many stars could keep a core busy.
    #[test]
    fn many_stars_cost_no_more_than_the_name_is_long() {
        let pattern = glob(&"a*".repeat(127));
        assert!(pattern.matches(&"a".repeat(127)) && !pattern.matches(&"a".repeat(126)));
        assert!(!glob(&format!("{}b", "*a".repeat(120))).matches(&"a".repeat(100_000)));
    }
}
