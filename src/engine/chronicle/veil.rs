//! What is told of a path that nobody knows.
//!
//! Knows: the words that the configuration, the API and the paths of other servers have.
//! Must not know: who asked for it.
//!
//! Whoever asks for the wrong path, or on the wrong port, may have put a credential into it, and
//! how long it is does not say whether it is one. So only words are told that are known anyhow.

use crate::engine::policy::Policy;
use crate::engine::{api, hints};
use std::borrow::Cow;

/// Nobody looks at more of a path that is not there.
const SEGMENTS_MAX: usize = 8;
/// Stands for a segment that may be anything.
const HIDDEN: &str = "*";

/// The path of these decoded `segments`, in which each stands as it is only if it is a word of some
/// route, of the API or of others, or leads to a page.
pub(super) fn veiled(policy: &Policy, segments: &[Cow<'_, str>]) -> String {
    let (mut veiled, mut asked) = (String::new(), String::new());
    for (at, segment) in segments.iter().enumerate() {
        veiled.push('/');
        if at == SEGMENTS_MAX {
            veiled.push_str(HIDDEN);
            break;
        }
        asked.push('/');
        asked.push_str(segment);
        // No word has a slash: that one was percent-encoded.
        let may_be = !segment.contains('/');
        let is_known = may_be && (is_word(policy, segment) || policy.site.leads(&asked));
        veiled.push_str(if is_known || segment.is_empty() { segment } else { HIDDEN });
    }
    veiled
}

fn is_word(policy: &Policy, segment: &str) -> bool {
    policy.routes.iter().any(|route| route.path.has_literal(segment))
        || api::is_word(segment)
        || hints::is_word(segment)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::Page;
    use std::sync::Arc;

    fn told(policy: &Policy, path: &str) -> String {
        let segments: Vec<_> = path.split('/').skip(1).map(Cow::Borrowed).collect();
        veiled(policy, &segments)
    }

    #[test]
    fn of_a_path_that_nobody_knows_only_known_words_are_told() {
        let mut policy = Policy::default();
        let page = || Page { mime: String::new(), bytes: Arc::default(), open: false };
        policy.site.insert("/docs/a b.html", page());
        policy.site.insert("/docs/next/", page());
        for (path, expected) in [
            ("/", "/"),
            ("/x", "/*"),
            ("/5ecre7", "/*"),
            ("/chat/5ecre7/x", "/chat/*/*"),
            ("/chat", "/chat"),
            ("/echo/", "/echo/"),
            ("/socket.io/", "/socket.io/"),
            ("/.well-known/mercure/5ecre7", "/.well-known/mercure/*"),
            ("/api/room/lab/messages", "/api/*/*/messages"),
            ("/api/v1/rooms", "/api/v1/rooms"),
            ("/docs/a b.html", "/docs/a b.html"),
            ("/docs/5ecre7", "/docs/*"),
            ("/doc", "/doc"),
            ("/docs/next", "/docs/next"),
            ("/docs/ne", "/docs/*"),
            ("/5ecre7/docs/next", "/*/docs/*"),
            ("/{room}/{}/*", "/*/*/*"),
            ("/CHAT/\u{1b}[2J", "/*/*"),
        ] {
            assert_eq!(told(&policy, path), expected, "{path}");
        }
        assert_eq!(veiled(&policy, &[Cow::Borrowed("docs/next")]), "/*", "its slash was encoded");
        assert_eq!(told(&policy, &"/5ecre7".repeat(500)), "/*".repeat(SEGMENTS_MAX + 1));
    }
}
