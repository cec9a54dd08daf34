//! Header fields that somebody wants to be sent.
//!
//! Knows: what a field may look like, files with a credential.
//! Must not know: what else is in the request.

use super::escape::escape;
use super::token::read;

/// Fields that only we can fill in.
pub(super) struct Reserved {
    pub(super) names: &'static [&'static str],
    /// What is said to who gives one.
    pub(super) why: &'static str,
}

/// Fields, in the order in which they were given.
#[derive(Debug, Default)]
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads what the command line has of them: each `Name: value` of `headers`, and the credential
    /// in `token_file`. What is wrong with any goes to `mistakes`.
    pub(super) fn read(
        headers: &[String],
        token_file: Option<&str>,
        reserved: &Reserved,
        mistakes: &mut Vec<String>,
    ) -> Fields {
        let mut fields = Fields::default();
        for header in headers {
            if let Err(why) = fields.add(header, reserved) {
                // Its value may be a secret.
                let name = header.split_once(':').map(|(name, _)| name);
                let name = name.or_else(|| header.split([' ', '=', '\t']).next());
                let name = escape(name.unwrap_or_default());
                mistakes.push(format!("--header: \"{name}\" {why}"));
            }
        }
        if let Some(file) = token_file
            && let Err(why) = fields.add_token(file)
        {
            mistakes.push(format!("--token-file: {why}"));
        }
        fields
    }

    /// Adds `Name: value`, or says what is wrong with it.
    pub(super) fn add(&mut self, text: &str, reserved: &Reserved) -> Result<(), &'static str> {
        let (name, value) =
            text.split_once(':').ok_or("has no colon; write it like Name: value")?;
        if !is_token(name) {
            return Err("has a name that no header field can have");
        }
        if value.contains(|character: char| character.is_control() && character != '\t') {
            return Err("has a control character in its value");
        }
        if reserved.names.iter().any(|own| own.eq_ignore_ascii_case(name)) {
            return Err(reserved.why);
        }
        self.0.push((name.to_owned(), value.trim().to_owned()));
        Ok(())
    }

    /// Adds one more subprotocol to those that are offered (RFC 6455 §4.1), or says what is wrong
    /// with it.
    pub(super) fn add_subprotocol(&mut self, name: &str) -> Result<(), &'static str> {
        if !is_token(name) {
            return Err("has a character that no subprotocol can have");
        }
        self.0.push(("Sec-WebSocket-Protocol".to_owned(), name.to_owned()));
        Ok(())
    }

    /// Adds the credential in `file`, as `Authorization: Bearer`.
    fn add_token(&mut self, file: &str) -> Result<(), String> {
        if self.has("Authorization") {
            return Err("there is a --header Authorization, too; which one counts?".to_owned());
        }
        let token = read(file)?;
        let token = str::from_utf8(token.expose()).unwrap_or_default();
        if token.split(' ').next().is_some_and(|word| word.eq_ignore_ascii_case("bearer")) {
            return Err(format!("\"{}\" begins with \"Bearer\": leave that out", escape(file)));
        }
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(format!("\"{}\" holds no credential on one line", escape(file)));
        }
        self.0.push(("Authorization".to_owned(), format!("Bearer {token}")));
        Ok(())
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }

    /// The values of all fields of this name.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.0.iter().filter(move |(own, _)| own.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str())
    }

    /// Appends them to the head of a request.
    pub(super) fn write(&self, head: &mut String) {
        for (name, value) in &self.0 {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
    }
}

/// RFC 9110 §5.6.2.
fn is_token(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESERVED: Reserved = Reserved { names: &["Upgrade"], why: "is ours" };

    #[test]
    fn fields_are_what_a_request_can_have() {
        let mut fields = Fields::default();
        for text in ["A: b", "x-y:z", "Empty:", "Tab: a\tb", "Umlaut: grød", "A: again"] {
            assert_eq!(fields.add(text, &RESERVED), Ok(()), "{text}");
        }
        for text in ["", "a", ": b", "a b: c", "ä: c", "a: b\r\nc: d", "a: \0"] {
            assert!(fields.add(text, &RESERVED).is_err(), "{text}");
        }
        assert_eq!(fields.add("upgrade: x", &RESERVED), Err("is ours"));
        let mut head = String::new();
        fields.write(&mut head);
        assert!(head.starts_with("A: b\r\nx-y: z\r\nEmpty: \r\n"), "{head}");
        assert!(head.ends_with("\r\nUmlaut: grød\r\nA: again\r\n"), "{head}");
    }
}
