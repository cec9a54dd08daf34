//! What the server answers by itself, where no page can be.
//!
//! Knows: the first segments of the HTTP side's own addresses.
//! Must not know: what is answered there.

/// Addresses of which there is nothing below.
const SINGLE: [&str; 7] =
    ["/events", "/hello", "/livez", "/readyz", "/metrics", "/openapi.json", "/asyncapi.json"];

/// Addresses that have others below them.
const FOLDERS: [&str; 2] = ["/api", "/@connections"];

/// Whether `path`, not percent-encoded, is the server's own.
pub fn is_own(path: &str) -> bool {
    let is_below = |folder: &&str| {
        path.strip_prefix(*folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    SINGLE.contains(&path) || FOLDERS.iter().any(is_below)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_own_addresses_are_told_from_others() {
        for path in ["/events", "/metrics", "/api", "/api/", "/api/rooms/a", "/@connections/x"] {
            assert!(is_own(path), "{path}");
        }
        for path in ["/", "/events/", "/apis", "/index.html", "/a/api", "/@connectionsx"] {
            assert!(!is_own(path), "{path}");
        }
    }
}
