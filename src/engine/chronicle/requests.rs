//! Accounts of requests and handshakes: who asked for what, and what the answer was.
//!
//! Knows: methods, paths, statuses and codes of answers.
//! Must not know: how anything is answered.

use super::veil::veiled;
use super::{Account, Chronicle, Level, Target, Whence};
use crate::auth::Grant;
use crate::bytes::ConnKey;
use crate::engine::admission::Peer;
use crate::engine::api;
use crate::engine::conn::Conn;
use crate::engine::desk::Desk;
use crate::engine::http::Answered;
use crate::http::{Fault, Framing, Request};
use core::net::IpAddr;
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

/// What was answered last, and who had asked for it.
#[derive(Debug, Default)]
pub(super) struct Answer {
    status: u16,
    code: Option<&'static str>,
    /// All that was written.
    bytes: usize,
    /// Where whoever asks comes from.
    whence: Option<Whence>,
    /// What whoever asks was let in with.
    grant: Option<Arc<Grant>>,
}

/// A request, as it is told when its answer is there.
#[derive(Clone, Debug)]
pub(in crate::engine) struct Asked {
    method: &'static str,
    path: Cow<'static, str>,
    /// When all of its head was there.
    began: Duration,
    claimed: Option<IpAddr>,
    grant: Option<Arc<Grant>>,
    /// The body, if its length was told.
    bytes: Option<u64>,
}

/// What a request may have become before it is told of.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) struct Asking {
    peer: Option<Peer>,
    began: Duration,
    is_upgrade: bool,
}

/// How much an answer matters.
pub(super) fn level_of(status: u16, code: &str) -> Level {
    match status {
        // It is as it should be: whoever asks is told to come again.
        503 if code == "stopping" => Level::Info,
        500 | 502..=504 => Level::Warn,
        400.. => Level::Info,
        _ => Level::Debug,
    }
}

impl Desk {
    /// An answer was written.
    pub(in crate::engine) fn note_answer(
        &mut self,
        status: u16,
        code: Option<&'static str>,
        bytes: usize,
    ) {
        let answer = &mut self.chronicle.answer;
        (answer.status, answer.code, answer.bytes) = (status, code, bytes);
    }

    /// Whoever asks was let in with this.
    pub(in crate::engine) fn note_admitted(&mut self, grant: &Arc<Grant>) {
        if self.chronicle.wanted.access.is_some() {
            self.chronicle.answer.grant = Some(Arc::clone(grant));
        }
    }

    /// What a request to a resource asks for that is answered later.
    pub(in crate::engine) fn asked(&self, request: &Request<'_>, path: &'static str) -> Asked {
        Asked {
            method: request.method().name(),
            path: Cow::Borrowed(path),
            began: self.now.monotonic,
            claimed: self.claimed(request),
            grant: self.chronicle.answer.grant.clone(),
            bytes: body_bytes(request),
        }
    }

    /// For whom a request is, by the word of a proxy.
    fn claimed(&self, request: &Request<'_>) -> Option<IpAddr> {
        let Chronicle { wanted, answer, .. } = &self.chronicle;
        let is_wanted = wanted.access.is_some() || wanted.connection.is_some();
        answer.whence.filter(|_| is_wanted)?.claimed(request)
    }

    /// The answer that was written last is told.
    fn tell_answer(
        &mut self,
        messages: [&'static str; 3],
        peer: Option<Peer>,
        asked: impl FnOnce(&Desk) -> Option<Asked>,
    ) {
        let Answer { status, code, bytes, .. } = self.chronicle.answer;
        let level = level_of(status, code.unwrap_or_default());
        if !self.is_to_tell(Target::Access, level) {
            return;
        }
        let [well, refused, failed] = messages;
        let message = match level {
            Level::Debug => well,
            Level::Info => refused,
            Level::Warn => failed,
        };
        let mut account = Account::new(Target::Access, level, message)
            .with_some("peer", peer.map(|peer| peer.whence().to_string()));
        let asked = asked(self);
        if let Some(asked) = &asked {
            account = asked.tell(account);
        }
        account = account.with("status", u64::from(status)).with_some("code", code);
        if let Some(asked) = asked {
            let span = self.now.monotonic.saturating_sub(asked.began);
            account = account.with("seconds", span).with_some("bytes-in", asked.bytes);
        }
        self.tell(account.with("bytes-out", bytes as u64));
    }

    /// A request that was kept has the answer that was written last.
    pub(in crate::engine) fn tell_kept(&mut self, peer: Option<Peer>, asked: &Asked) {
        self.tell_answer(REQUEST, peer, |_| Some(asked.clone()));
    }

    /// What a request is told as to have asked for: what the configuration says of its path, or as
    /// much of it as is known anyhow.
    fn told_path(&self, request: &Request<'_>, is_upgrade: bool) -> Cow<'static, str> {
        let segments: Vec<_> = request.segments().collect();
        let known = if is_upgrade {
            let route = self.policy.routes.matching(&segments);
            route.map(|(route, _)| Cow::Owned(route.path.to_string()))
        } else {
            let path: Vec<&str> = segments.iter().map(AsRef::as_ref).collect();
            let page = || self.policy.site.find(&segments);
            api::pattern(&path)
                .map(Cow::Borrowed)
                .or_else(|| page().map(|_| Cow::Owned(request.path().into_owned())))
        };
        known.unwrap_or_else(|| Cow::Owned(veiled(&self.policy, &segments)))
    }
}

const REQUEST: [&str; 3] = ["request", "request refused", "request failed"];
const HANDSHAKE: [&str; 3] = ["handshake", "handshake refused", "handshake failed"];

impl Asked {
    fn tell(&self, account: Account) -> Account {
        let grant = self.grant.as_ref();
        account
            .with_some("forwarded-for", self.claimed.map(|address| address.to_string()))
            .with_some("subject", grant.and_then(|grant| grant.subject()).map(str::to_owned))
            .with_some("key", grant.map(|grant| grant.key().to_string()))
            .with("method", self.method)
            .with("path", self.path.clone())
    }
}

impl Conn {
    /// Before a request is answered: who asks, and since when, which may be forgotten by then.
    pub(in crate::engine) fn asking(&self, desk: &mut Desk, is_upgrade: bool) -> Asking {
        let answer = &mut desk.chronicle.answer;
        (answer.grant, answer.whence) = (None, self.peer().map(|peer| peer.whence()));
        let began = self.vetting().map_or(desk.now.monotonic, |vetting| vetting.began());
        Asking { peer: self.peer(), began, is_upgrade }
    }

    /// A request came to something.
    pub(in crate::engine) fn tell_answered(
        &self,
        desk: &mut Desk,
        key: ConnKey,
        asking: Asking,
        (request, answered): (&Request<'_>, &Answered),
    ) {
        let Asking { peer, began, is_upgrade } = asking;
        let grant = desk.chronicle.answer.grant.take();
        match answered {
            Answered::Yes | Answered::Last | Answered::Became => {}
            // Its time is still to come.
            Answered::Ordered(_) | Answered::Asks(_) => return,
        }
        let messages = if is_upgrade { HANDSHAKE } else { REQUEST };
        desk.tell_answer(messages, peer, |desk| {
            let method = request.method().name();
            let path = desk.told_path(request, is_upgrade);
            let (claimed, bytes) = (desk.claimed(request), body_bytes(request));
            Some(Asked { method, path, began, claimed, grant, bytes })
        });
        if matches!(answered, Answered::Became) {
            let claimed = desk.claimed(request);
            self.tell_opened(desk, key, claimed);
        }
    }

    /// What came is no request that can be answered.
    pub(in crate::engine) fn tell_fault(&self, desk: &mut Desk, fault: Fault) {
        let status = fault.status().code();
        // Whatever status says so, it is the other side's mistake.
        if self.asked().is_some() {
            return self.tell_unread(desk);
        }
        if !desk.is_to_tell(Target::Access, Level::Info) {
            return;
        }
        let message = match fault {
            Fault::Tls => "somebody spoke TLS to a plain port",
            Fault::Http2 => "somebody spoke HTTP/2 to a port for HTTP/1.1",
            Fault::NotHttp => "somebody spoke something else than HTTP",
            _ => "request refused",
        };
        let account = Account::new(Target::Access, Level::Info, message)
            .with_some("peer", self.peer().map(|peer| peer.whence().to_string()))
            .with("port", u64::from(desk.listener(self.listener).port))
            .with("status", u64::from(status))
            .with("code", fault.code());
        desk.tell(account);
    }

    /// A request that was not read to its end, or that we failed on, has the answer that was
    /// written last.
    pub(in crate::engine) fn tell_unread(&self, desk: &mut Desk) {
        let asked = self.asked().cloned();
        desk.tell_answer(REQUEST, self.peer(), |_| asked);
    }
}

/// The length of a request's body, if it has one and says so.
fn body_bytes(request: &Request<'_>) -> Option<u64> {
    match request.framing() {
        Framing::Length(bytes) => Some(bytes),
        _ => None,
    }
}

impl From<Cow<'static, str>> for super::Value {
    fn from(text: Cow<'static, str>) -> super::Value {
        super::Value::Text(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_at_fault_says_how_much_it_matters() {
        for (status, code, level) in [
            (101, "", Level::Debug),
            (204, "", Level::Debug),
            (304, "", Level::Debug),
            (400, "bad-room", Level::Info),
            (401, "credentials-missing", Level::Info),
            (501, "unknown-method", Level::Info),
            (505, "http2-not-supported", Level::Info),
            (503, "stopping", Level::Info),
            (503, "too-many-rooms", Level::Warn),
            (500, "internal-error", Level::Warn),
            (504, "no-answer", Level::Warn),
        ] {
            assert_eq!(level_of(status, code), level, "{status} {code}");
        }
    }
}
