//! What a service says of whom it lets in: one JSON object, or nothing.
//!
//! Knows: its members.
//! Must not know: how it came.
//!
//! What is not understood whole is not understood at all: whoever wrote it may have meant less than
//! we would read.

use super::claims::{Date, Ours, is_subject};
use super::json::{Object, Read};
use super::rights::Rights;
use serde::de::MapAccess;

/// What was said.
#[derive(Default)]
pub(super) struct Said {
    pub(super) subject: Option<String>,
    ours: Option<Ours>,
    expires_in: Option<Date>,
}

impl<'de> Object<'de> for Said {
    fn member<A: MapAccess<'de>>(&mut self, name: &str, members: &mut A) -> Result<bool, A::Error> {
        match name {
            "subject" => self.subject = Some(members.next_value()?),
            "expiresIn" => self.expires_in = Some(members.next_value()?),
            // It stands at the top, as everything that is said is for us.
            _ => return self.ours.get_or_insert_default().member(name, members),
        }
        Ok(true)
    }
}

impl Said {
    /// Reads the body of an answer. `None`: it does not say anything that means something.
    pub(super) fn parse(body: &[u8]) -> Option<Said> {
        if body.trim_ascii().is_empty() {
            return Some(Said::default());
        }
        let Read(said) = serde_json::from_slice::<Read<Said>>(body).ok()?;
        let is_taken = said.subject.as_deref().is_none_or(is_subject)
            && said.ours.as_ref().is_none_or(Ours::is_short)
            // Whoever may not stay is not let in.
            && said.expires_in_ms() != Some(0);
        is_taken.then_some(said)
    }

    /// The rights that are given; `None`: nothing was said of any. Whoever may manage has a key for
    /// that.
    pub(super) fn rights(&self) -> Option<Rights> {
        self.ours.as_ref().map(|ours| Rights { manage: false, ..ours.rights() })
    }

    /// For how long, in milliseconds.
    pub(super) fn expires_in_ms(&self) -> Option<u64> {
        self.expires_in.map(|Date(ms)| ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_may_say_nothing() {
        for body in ["", " \r\n", "{}"] {
            let said = Said::parse(body.as_bytes()).unwrap();
            assert!(said.subject.is_none() && said.rights().is_none(), "{body}");
            assert_eq!(said.expires_in_ms(), None);
        }
    }

    #[test]
    fn what_it_gives_is_what_it_says() {
        let body = br#"{"subject":"ada","connect":true,"subscribe":["a.*","b"],"expiresIn":1.5}"#;
        let said = Said::parse(body).unwrap();
        assert_eq!((said.subject.as_deref(), said.expires_in_ms()), (Some("ada"), Some(1500)));
        let rights = said.rights().unwrap();
        assert!(rights.connect && rights.publish.is_none() && rights.connection_id.is_all());
        assert!(rights.subscribe.matches("a.b") && !rights.subscribe.matches("c"));
        let rights = Said::parse(br#"{"connectionId":"ada-*"}"#).unwrap().rights().unwrap();
        assert!(rights.connection_id.matches("ada-1") && !rights.connection_id.matches("bob"));
        assert!(!rights.connect && rights.subscribe.is_none());
        assert!(!Said::parse(br#"{"manage":true}"#).unwrap().rights().unwrap().manage);
    }

    #[test]
    fn what_is_not_understood_whole_is_not_understood_at_all() {
        let many = format!(r#"{{"publish":{:?}}}"#, vec!["a"; 101]);
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
