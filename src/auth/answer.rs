//! What a service says of whom it lets in: one JSON object, or nothing.
//!
//! Knows: its members.
//! Must not know: how it came.
//!
//! What is not understood whole is not understood at all: whoever wrote it may have meant less than
//! we would read.

use super::glob::{Glob, Globs};
use super::rights::Rights;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use std::fmt;
use std::time::Duration;

/// What was said.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) subject: Option<Box<str>>,
    /// `None`: nothing was said of any right.
    pub(super) rights: Option<Rights>,
    /// For how long, in milliseconds.
    pub(super) expires_in_ms: Option<u64>,
}

/// Patterns in one answer.
const GLOBS_MAX: usize = 100;
/// Beyond it a float is no exact number.
const SECONDS_MAX: f64 = 9_007_199_254_740_992.0;

impl Said {
    /// Reads the body of an answer. `None`: it does not say anything that means something.
    pub(super) fn parse(body: &[u8]) -> Option<Said> {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Some(Said::default());
        }
        let Members(members) = serde_json::from_slice(body).ok()?;
        let mut said = Said::default();
        // What is not given is not given, but for names: whoever says nothing of them means any.
        let mut rights = Rights { connection_id: Globs::all(), ..Rights::default() };
        let (mut has_rights, mut left) = (false, GLOBS_MAX);
        for (name, value) in members {
            has_rights |= !matches!(&*name, "subject" | "expiresIn");
            match &*name {
                "subject" => said.subject = Some(subject(&value)?),
                "expiresIn" => said.expires_in_ms = Some(milliseconds(&value)?),
                "connect" => rights.connect = value.as_bool()?,
                "subscribe" => rights.subscribe = globs(list(&value)?, &mut left)?,
                "publish" => rights.publish = globs(list(&value)?, &mut left)?,
                "connectionId" if value.is_string() => {
                    rights.connection_id = globs(std::slice::from_ref(&value), &mut left)?;
                }
                "connectionId" => rights.connection_id = globs(list(&value)?, &mut left)?,
                // Whoever may manage has a key for that.
                "manage" => _ = value.as_bool()?,
                _ => return None,
            }
        }
        said.rights = has_rights.then_some(rights);
        Some(said)
    }
}

fn subject(value: &Value) -> Option<Box<str>> {
    let subject = value.as_str()?;
    let is_name = !subject.is_empty() && !subject.contains(char::is_control);
    is_name.then(|| Box::from(subject))
}

fn milliseconds(value: &Value) -> Option<u64> {
    let seconds = value.as_f64().filter(|seconds| *seconds > 0.0 && *seconds < SECONDS_MAX)?;
    u64::try_from(Duration::try_from_secs_f64(seconds).ok()?.as_millis()).ok()
}

fn list(value: &Value) -> Option<&[Value]> {
    value.as_array().map(Vec::as_slice)
}

fn globs(values: &[Value], left: &mut usize) -> Option<Globs> {
    *left = left.checked_sub(values.len())?;
    let globs = values.iter().map(|value| Glob::parse(value.as_str()?).ok());
    globs.collect::<Option<Vec<_>>>().map(Globs::new)
}

/// The members of an object, each once.
struct Members(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Members, D::Error> {
        from.deserialize_map(Members(Vec::new()))
    }
}

impl<'de> Visitor<'de> for Members {
    type Value = Members;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Members, A::Error> {
        while let Some((name, value)) = map.next_entry::<String, Value>()? {
            if self.0.iter().any(|(other, _)| *other == name) {
                return Err(serde::de::Error::custom("a member stands there twice"));
            }
            self.0.push((name, value));
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_may_say_nothing() {
        for body in ["", " \r\n", "{}"] {
            let said = Said::parse(body.as_bytes()).unwrap();
            assert!(said.subject.is_none() && said.rights.is_none(), "{body}");
            assert_eq!(said.expires_in_ms, None);
        }
    }

    #[test]
    fn what_it_gives_is_what_it_says() {
        let body = br#"{"subject":"ada","connect":true,"subscribe":["a.*","b"],"expiresIn":1.5}"#;
        let said = Said::parse(body).unwrap();
        assert_eq!((said.subject.as_deref(), said.expires_in_ms), (Some("ada"), Some(1500)));
        let rights = said.rights.unwrap();
        assert!(rights.connect && rights.publish.is_none() && rights.connection_id.is_all());
        assert!(rights.subscribe.matches("a.b") && !rights.subscribe.matches("c"));
        let rights = Said::parse(br#"{"connectionId":"ada-*"}"#).unwrap().rights.unwrap();
        assert!(rights.connection_id.matches("ada-1") && !rights.connection_id.matches("bob"));
        assert!(!rights.connect && rights.subscribe.is_none());
        assert!(!Said::parse(br#"{"manage":true}"#).unwrap().rights.unwrap().manage);
    }

    #[test]
    fn what_is_not_understood_whole_is_not_understood_at_all() {
        let many = format!(r#"{{"publish":{:?}}}"#, vec!["a"; GLOBS_MAX + 1]);
        for body in [
            "OK",
            "{",
            "[]",
            "null",
            "{}{}",
            r#""ada""#,
            r#"{"sub":"ada"}"#,
            r#"{"subject":"ada","subject":"bob"}"#,
            r#"{"connect":true,"\u0063onnect":false}"#,
            r#"{"subject":""}"#,
            r#"{"subject":"a\nb"}"#,
            r#"{"subject":1}"#,
            r#"{"subject":null}"#,
            r#"{"connect":"true"}"#,
            r#"{"subscribe":"a"}"#,
            r#"{"subscribe":[1]}"#,
            r#"{"publish":[""]}"#,
            r#"{"publish":null}"#,
            r#"{"connectionId":true}"#,
            r#"{"manage":1}"#,
            r#"{"expiresIn":"1"}"#,
            r#"{"expiresIn":0}"#,
            r#"{"expiresIn":-1}"#,
            r#"{"expiresIn":1e300}"#,
            r#"{"expiresIn":null}"#,
            &many,
        ] {
            assert!(Said::parse(body.as_bytes()).is_none(), "{body}");
        }
        assert!(Said::parse(b"{\"subject\":\"\xff\"}").is_none());
    }
}
