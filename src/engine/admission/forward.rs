//! A door at which a service of others is asked.
//!
//! Knows: what it is asked about a request, what its verdict comes to.
//! Must not know: how it is asked, who waits for it.

use super::origin;
use super::refusals::{self, FORWARD_UNAVAILABLE, ORIGIN_NEEDED};
use super::{Admitted, Entrance, Way};
use crate::auth::{Forward, Question, Verdict};
use crate::engine::answer::Problem;
use crate::engine::desk::Desk;
use crate::http::Request;
use std::sync::Arc;

impl Desk {
    /// What the verdict says, or the question that one is needed for.
    pub(super) fn let_in_forward(
        &mut self,
        entrance: &Entrance<'_>,
        forward: &Arc<Forward>,
    ) -> Result<Admitted, Problem> {
        let is_borne = |way: &Way| bears(forward, entrance.request, *way);
        let mut borne = [Way::Cookie, Way::Basic].into_iter().filter(is_borne);
        if !borne.all(|way| origin::may_count(entrance, way)) {
            self.count_credential("not_allowed");
            return Err(ORIGIN_NEEDED);
        }
        // A reload may have come between: another service was asked about this request.
        let vetting = entrance.vetting.filter(|vetting| vetting.forward == *forward);
        let Some(verdict) = vetting.and_then(|vetting| vetting.verdict.as_ref()) else {
            return Ok(Admitted::Asks(Box::new(self.question(entrance, forward))));
        };
        let grant = match verdict {
            Verdict::In(grant) => grant,
            Verdict::Refused(refusing) => {
                self.count_credential("invalid");
                return Err(refusals::forward_refused(*refusing));
            }
            Verdict::Unavailable => {
                self.count_credential("unavailable");
                return Err(FORWARD_UNAVAILABLE);
            }
        };
        let grant = Arc::clone(grant);
        self.check_grant(&grant).map_err(|why| {
            self.note_refused(why, None);
            refusals::refused(why, entrance, false)
        })?;
        // Who it was is told also of whoever may not do this.
        self.note_admitted(&grant);
        self.check_right(&grant, entrance.need)?;
        self.count_credential("accepted");
        self.counters().admitted.count("forward");
        Ok(Admitted::In(Some(grant)))
    }

    fn question(&self, entrance: &Entrance<'_>, forward: &Arc<Forward>) -> Question {
        let request = entrance.request;
        let sent_on = |name| {
            let values = request.values(name);
            values.map(move |value| (Box::from(name), Box::from(value)))
        };
        Question {
            forward: Arc::clone(forward),
            method: request.method().name(),
            host: request.host().map(|host| host.to_string()).unwrap_or_default().into(),
            uri: request.target().into(),
            address: entrance.peer.map(|peer| peer.address().to_string().into()),
            fields: forward.headers().flat_map(sent_on).collect(),
            unix_ms: self.now.unix_ms,
            patience: self.limits.forward_time,
            keep: self.limits.forward_cache,
            kept_max: self.limits.forward_cache_max,
        }
    }
}

/// Schemes of which a browser that was told a password once, or that knows its user, makes use
/// whoever's page asks (RFC 7617, RFC 7616, RFC 4559).
const BY_ITSELF: [&str; 4] = ["basic", "digest", "negotiate", "ntlm"];

/// Whether the service is sent something that browsers add by themselves, whoever's page asks.
fn bears(forward: &Forward, request: &Request<'_>, way: Way) -> bool {
    let sends = |name| forward.headers().any(|own| own == name);
    let is_by_itself = |value: &[u8]| {
        let scheme = value.split(|byte| *byte == b' ').next().unwrap_or_default();
        BY_ITSELF.iter().any(|one| scheme.eq_ignore_ascii_case(one.as_bytes()))
    };
    match way {
        Way::Cookie => sends("cookie") && request.values("cookie").next().is_some(),
        _ => sends("authorization") && request.values("authorization").any(is_by_itself),
    }
}
