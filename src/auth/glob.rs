//! Patterns of names: rooms that somebody may read, connections that somebody may be called.
//!
//! Knows: `*`.
//! Must not know: what the names are of.

use std::fmt;
use std::sync::Arc;

/// A pattern: `*` stands for any characters, also none; every other character for itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Glob {
    /// What stands between the stars, in order; one more than there are stars.
    parts: Box<[Box<str>]>,
}

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
            _ => Ok(Glob { parts: text.split('*').map(Box::from).collect() }),
        }
    }

    /// The pattern of this name alone, whatever characters are in it.
    pub fn literal(name: &str) -> Glob {
        Glob { parts: Box::new([Box::from(name)]) }
    }

    /// Whether `name` is meant.
    pub fn matches(&self, name: &str) -> bool {
        let Some((first, rest)) = self.parts.split_first() else { return false };
        let Some((last, middle)) = rest.split_last() else { return **first == *name };
        let Some(mut left) = name.strip_prefix(&**first) else { return false };
        for part in middle {
            // The earliest place leaves the most for what follows.
            let Some((_, behind)) = left.split_once(&**part) else { return false };
            left = behind;
        }
        left.ends_with(&**last)
    }

    /// The one name that is meant, if there are not more.
    pub fn name(&self) -> Option<&str> {
        match &*self.parts {
            [name] => Some(name),
            _ => None,
        }
    }

    /// Whether every name is meant.
    pub fn is_all(&self) -> bool {
        self.parts.len() > 1 && self.parts.iter().all(|part| part.is_empty())
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, part) in self.parts.iter().enumerate() {
            out.write_str(if number == 0 { "" } else { "*" })?;
            out.write_str(part)?;
        }
        Ok(())
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
        Globs(Arc::new([Glob { parts: Box::new([Box::from(""), Box::from("")]) }]))
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
}
