//! What a server answers, before its body.
//!
//! Knows: status lines, header fields, problem documents (RFC 9457).
//! Must not know: what was asked for, sockets.

use super::failure::{Failure, Refusal};

/// A head is refused if it is longer; twice what our own server would read of ours.
pub(super) const HEAD_BYTES_MAX: usize = 32 * 1024;
const HEADERS_MAX: usize = 128;

/// What is read of a refusal: whoever explains more than this does not explain.
pub(super) const BODY_BYTES_MAX: usize = 64 * 1024;

/// The answer, without its body.
pub(super) struct Head {
    pub(super) status: u16,
    title: String,
    fields: Vec<(String, String)>,
}

impl Head {
    pub(super) fn parse(bytes: &[u8]) -> Result<Option<(Head, usize)>, Failure> {
        let mut fields = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut response = httparse::Response::new(&mut fields);
        let used = match response.parse(bytes).map_err(|_| Failure::NotHttp)? {
            httparse::Status::Complete(used) => used,
            httparse::Status::Partial => return Ok(None),
        };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let fields = response.headers.iter();
        let head = Head {
            status: response.code.unwrap_or_default(),
            title: response.reason.unwrap_or_default().to_owned(),
            fields: fields.map(|field| (field.name.to_owned(), text(field.value))).collect(),
        };
        Ok(Some((head, used)))
    }

    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.fields.iter().filter(move |(own, _)| own.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.trim())
    }

    /// Whether one of the words of a list is there, in any case.
    pub(super) fn lists(&self, name: &str, word: &str) -> bool {
        let mut words = self.all(name).flat_map(|value| value.split(','));
        words.any(|one| one.trim().eq_ignore_ascii_case(word))
    }

    pub(super) fn body_bytes(&self) -> usize {
        let length = self.all("Content-Length").next().and_then(|length| length.parse().ok());
        length.unwrap_or(BODY_BYTES_MAX).min(BODY_BYTES_MAX)
    }

    pub(super) fn refusal(self, body: &[u8]) -> Refusal {
        let location = self.all("Location").next().map(str::to_owned);
        let problem: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |name: &str| problem.get(name)?.as_str().map(str::to_owned);
        let (code, detail) = (text("code"), text("detail"));
        Refusal { status: self.status, title: self.title, code, detail, location }
    }
}
