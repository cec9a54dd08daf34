//! Which pages and which names of the server are let in.
//!
//! Knows: Host and Origin fields, what was configured.
//! Must not know: what is asked for.
//!
//! A browser says whose page it acts for in `Origin`, and by what name it reached us in `Host`. The
//! first stops foreign pages; the second stops pages that had their own name point at this machine
//! (DNS rebinding), whose GET requests carry no `Origin`.

use super::answer::Problem;
use super::desk::Desk;
use crate::http::{Host, Request, Status};

const WRONG_HOST: Problem =
    Problem::refusal(Status::MisdirectedRequest, "host-not-allowed", WRONG_HOST_LOCAL);
const WRONG_HOST_LOCAL: &str = "\
    This server goes by localhost and addresses of this machine alone, and the name in the Host \
    field is none of those. If it should go by that, start it with --allow-host NAME (several are \
    separated by commas, * is any), or have the proxy send another Host.";
const WRONG_HOST_LISTED: &str = "\
    The name in the Host field is none of those that --allow-host lists, nor localhost. Add it \
    there if it should be.";
const WRONG_ORIGIN: Problem = Problem::refusal(
    Status::Forbidden,
    "origin-not-allowed",
    "Pages of the origin in the Origin field may not connect. Start the server with \
             --allow-origin ORIGIN (scheme://host:port, as the browser sends it) to let them.",
);
const NULL_ORIGIN: Problem = Problem::refusal(
    Status::Forbidden,
    "origin-not-allowed",
    "The page has no origin (Origin: null), as one opened from a file has. Serve it over \
             http://localhost, or start the server with --allow-origin null.",
);

const NOT_ON_THIS_ROUTE: Problem = Problem::refusal(
    Status::Forbidden,
    "origin-not-allowed",
    "Pages of the origin in the Origin field may not connect to this route. Add the origin \
             (scheme://host:port, as the browser sends it, or null) to the route's allow-origin to \
             let them.",
);

impl Desk {
    /// Whether a request to `listener` is let in. `listed`: the origins of the route that it is
    /// for, if that has a list of its own. Then nobody else's page is let in, also none of this
    /// machine.
    pub(super) fn admits(
        &self,
        listener: u8,
        request: &Request<'_>,
        listed: Option<&[String]>,
    ) -> Result<(), Problem> {
        let loopback = self.listener(listener).loopback;
        if request.host().is_some_and(|host| !self.is_own_name(host.name(), loopback)) {
            // Which names there are is nobody's business who does not know one.
            let is_local = self.policy.allow_hosts.is_empty();
            let detail = if is_local { WRONG_HOST_LOCAL } else { WRONG_HOST_LISTED };
            return Err(Problem { detail: detail.into(), ..WRONG_HOST });
        }
        match (request.origin(), listed) {
            (None, _) => Ok(()),
            (Some(origin), Some(listed)) if is_listed(origin, listed) => Ok(()),
            (Some(_), Some(_)) => Err(NOT_ON_THIS_ROUTE),
            (Some(origin), None) => self.admits_origin(origin, loopback),
        }
    }

    fn admits_origin(&self, origin: &str, loopback: bool) -> Result<(), Problem> {
        let is_local = loopback && is_loopback_origin(origin);
        match origin {
            _ if is_local || is_listed(origin, &self.policy.allow_origins) => Ok(()),
            "null" => Err(NULL_ORIGIN),
            _ => Err(WRONG_ORIGIN),
        }
    }

    fn is_own_name(&self, name: &str, loopback: bool) -> bool {
        let allowed = &self.policy.allow_hosts;
        let is_listed =
            allowed.iter().any(|host| host == "*" || bare(host).eq_ignore_ascii_case(bare(name)));
        // Beyond loopback any name may be right unless names are configured: the operator opened
        // it.
        is_listed || is_loopback_name(name) || (!loopback && allowed.is_empty())
    }
}

fn is_listed(origin: &str, allowed: &[String]) -> bool {
    allowed.iter().any(|one| one == "*" || one.eq_ignore_ascii_case(origin))
}

/// A host without the brackets of an IPv6 address.
fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

/// Whether `name` can only mean this machine (RFC 6761 §6.3).
fn is_loopback_name(name: &str) -> bool {
    let name = bare(name);
    let is_address =
        |name: &str| name.parse::<core::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    name.eq_ignore_ascii_case("localhost") || is_address(name)
}

fn is_loopback_origin(origin: &str) -> bool {
    let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    authority
        .and_then(|authority| Host::parse(authority).ok())
        .is_some_and(|host| is_loopback_name(host.name()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_loopback() {
        let ours = [
            "http://localhost",
            "http://localhost:3000",
            "https://127.0.0.1:8443",
            "http://[::1]:80",
            "http://LOCALHOST",
            "http://127.9.9.9",
        ];
        for origin in ours {
            assert!(is_loopback_origin(origin), "{origin}");
        }
        let foreign = [
            "null",
            "http://localhost.evil.example",
            "http://evil.example",
            "http://localhost@evil.example",
            "http://evil.example/localhost",
            "http://127.0.0.1.evil.example",
            "http://0.0.0.0",
            "http://[::2]",
            "file://localhost",
            "http://xlocalhost",
            "http://2130706433",
            "http://localhost:99999",
            "",
        ];
        for origin in foreign {
            assert!(!is_loopback_origin(origin), "{origin}");
        }
    }
}
