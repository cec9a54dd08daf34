//! One question, asked by HTTP.
//!
//! Knows: the fields of the request, what the statuses of an answer mean.
//! Must not know: what an answer gives, who else asks.

use super::silence::Silence;
use crate::auth::{Question, Refusing, Verdict};
use crate::limits::FORWARD_ANSWER_BYTES_MAX;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Instant;
use ureq::config::AutoHeaderValue;
use ureq::http::{Response, StatusCode};
use ureq::{Agent, Body, Error};

/// The head of an answer.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// What asks, each time by a connection of its own.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    agent: Agent,
}

impl Default for Caller {
    fn default() -> Caller {
        let config = Agent::config_builder()
            // Who is asked stands in the configuration, and nowhere else.
            .proxy(None)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .user_agent(concat!("tidegate/", env!("CARGO_PKG_VERSION")))
            .accept("application/json")
            .accept_encoding(AutoHeaderValue::None)
            .max_response_header_size(HEAD_BYTES_MAX)
            // What a service writes behind its answer must not pass for the next one.
            .max_idle_connections(0)
            .max_idle_connections_per_host(0);
        Caller { agent: config.build().into() }
    }
}

impl Caller {
    /// What comes of `question` until then.
    pub(super) fn call(&self, question: &Question, until: Instant) -> Result<Verdict, Silence> {
        let called = match self.try_call(question, until) {
            // The other side may have closed the connection before it saw the question.
            Err(error) if is_broken(&error) => self.try_call(question, until),
            called => called,
        };
        called.map_err(|error| Silence::of(&error)).and_then(|response| judge(response, question))
    }

    fn try_call(&self, question: &Question, until: Instant) -> Result<Response<Body>, Error> {
        let left = until.saturating_duration_since(Instant::now());
        let request = self.agent.get(question.forward.url());
        let mut request = request.config().timeout_global(Some(left)).build();
        for (name, value) in &question.fields {
            request = request.header(&**name, &**value);
        }
        request = request
            .header("X-Forwarded-Method", question.method)
            .header("X-Forwarded-Proto", "http")
            .header("X-Forwarded-Uri", &*question.uri);
        if !question.host.is_empty() {
            request = request.header("X-Forwarded-Host", &*question.host);
        }
        if let Some(address) = &question.address {
            request = request.header("X-Forwarded-For", &**address);
        }
        request.call()
    }
}

/// Whether the connection broke before there was an answer.
fn is_broken(error: &Error) -> bool {
    let Error::Io(error) = error else { return false };
    matches!(
        error.kind(),
        ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe
            | ErrorKind::UnexpectedEof
    )
}

/// What an answer means, or why it means nothing.
fn judge(mut response: Response<Body>, question: &Question) -> Result<Verdict, Silence> {
    let status = response.status();
    let refusing = match status {
        StatusCode::UNAUTHORIZED => Some(Refusing::Unauthorized),
        StatusCode::FORBIDDEN => Some(Refusing::Forbidden),
        status if status.is_success() => None,
        status => return Err(Silence::Status(status.as_u16())),
    };
    let most = FORWARD_ANSWER_BYTES_MAX as u64;
    let body = response.body_mut().with_config().limit(most + 1).read_to_vec();
    if let Some(refusing) = refusing {
        // What its body says is for somebody else.
        return Ok(Verdict::Refused(refusing));
    }
    let body = body.map_err(|error| Silence::of(&error))?;
    if body.len() as u64 > most {
        return Err(Silence::TooLong);
    }
    let grant = question.forward.grant(&body, question.unix_ms);
    grant.map(|grant| Verdict::In(Arc::new(grant))).ok_or(Silence::NotUnderstood)
}
