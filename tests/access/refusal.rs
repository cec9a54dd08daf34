//! What whoever is not let in may be told, and nothing else.

use crate::support::http::Response;
use crate::support::wire::Wire;

/// The codes that PROTOCOL.md has for it.
const CODES: [&str; 11] = [
    "credentials-missing",
    "several-credentials",
    "credentials-invalid",
    "credentials-expired",
    "credentials-not-yet-valid",
    "credentials-revoked",
    "not-allowed",
    "origin-needed",
    "origin-not-allowed",
    "too-many-cookies",
    "too-many-parameters",
];

/// Faults of the request itself, which come before or instead.
const OTHERS: [&str; 3] = ["bad-percent-escape", "bad-target-utf8", "bad-websocket-protocol"];

/// So many characters of a credential in a row are too many.
const HINT: usize = 10;

/// What is wrong with a refusal, if anything. `strict`: the place refuses with 403.
pub(crate) fn fault(
    response: Option<Response>,
    wire: &mut Wire,
    strict: bool,
    secret: &str,
) -> Option<String> {
    let Some(mut response) = response else { return Some("no answer".to_owned()) };
    if response.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-length")) {
        // It ends the connection: what is there is the body, and nothing behind it.
        response.body = String::from_utf8_lossy(&wire.read_to_end()).into_owned();
    }
    let told = |what: &str| Some(format!("{what}: {response:?}"));
    let length = response.header("content-length").and_then(|length| length.parse().ok());
    if length != Some(response.body.len()) || wire.is_reset() || !response.closes() {
        return told("it does not end with the refusal");
    }
    let code = response.code();
    let of_credentials = CODES.contains(&code.as_str());
    if !of_credentials && !OTHERS.contains(&code.as_str()) {
        return told("another code");
    }
    let status = match code.as_str() {
        "several-credentials" | "too-many-cookies" | "too-many-parameters" => 400,
        "not-allowed" | "origin-needed" | "origin-not-allowed" => 403,
        _ if !of_credentials => 400,
        _ if strict => 403,
        _ => 401,
    };
    let challenges = |name: &str| name.eq_ignore_ascii_case("www-authenticate");
    let has_challenge = response.headers.iter().any(|(name, _)| challenges(name));
    if response.status != status || has_challenge != (status == 401) {
        return told("another status");
    }
    let whole = format!("{:?}{}", response.headers, response.body);
    let mut parts = secret.as_bytes().windows(HINT).map(String::from_utf8_lossy);
    if parts.any(|part| whole.contains(&*part)) {
        return told("it repeats some of it");
    }
    None
}
