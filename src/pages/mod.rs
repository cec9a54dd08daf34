//! Pages: what is served under a path as it stands.
//!
//! Knows: paths, media types, bytes that were read before.
//! Must not know: where they came from, HTTP, IO, clocks.

mod demo;
mod mime;
mod own;

pub use demo::{Facts, Offer, encode_segment, is_demo_part};
pub use mime::{is_mime, mime_of};
pub use own::is_own;

use sha1::{Digest, Sha1};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

/// One page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Its media type, as it stands in `Content-Type`.
    pub mime: String,
    /// Its bytes, shared by everyone who is sent them.
    pub bytes: Arc<[u8]>,
    /// It is for everybody, also where credentials are asked for.
    pub open: bool,
}

/// All pages of a server, by path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Site {
    pages: BTreeMap<String, Entry>,
}

/// A page, and what tells it from others that are at its path before or after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The page.
    pub page: Page,
    /// A hash of its bytes and its type, as 40 hex digits.
    pub digest: String,
    /// Header fields that it has beside those of every page.
    pub headers: &'static [(&'static str, &'static str)],
}

impl Page {
    fn digest(&self) -> String {
        // Who has a page under another type does not have this page.
        let hash = Sha1::new().chain_update(&self.mime).chain_update([0]);
        let mut digest = String::new();
        for byte in hash.chain_update(&self.bytes).finalize() {
            // Writing to a String cannot fail.
            let _ = write!(digest, "{byte:02x}");
        }
        digest
    }
}

impl Site {
    /// Puts `page` at `path`, which begins with a slash and is not percent-encoded. Gives back what
    /// was there.
    pub fn insert(&mut self, path: &str, page: Page) -> Option<Page> {
        let digest = page.digest();
        let entry = Entry { page, digest, headers: &[] };
        self.pages.insert(path.to_owned(), entry).map(|old| old.page)
    }

    /// Puts `page` at `path`, unless something is there, to be sent with these `headers`.
    fn add(&mut self, path: &str, page: Page, headers: &'static [(&'static str, &'static str)]) {
        let digest = page.digest();
        self.pages.entry(path.to_owned()).or_insert(Entry { page, digest, headers });
    }

    /// The page for the decoded `segments` of a path.
    pub fn find(&self, segments: &[Cow<'_, str>]) -> Option<&Entry> {
        // A slash that was percent-encoded is part of a segment, and no page's name has one.
        if segments.iter().any(|segment| segment.contains('/')) {
            return None;
        }
        let path = segments.iter().fold(String::new(), |path, segment| path + "/" + segment);
        self.pages.get(&path)
    }

    /// Whether there is a page at `path`, or below it.
    pub fn leads(&self, path: &str) -> bool {
        let below = path.to_owned() + "/";
        let mut next = self.pages.range(below.clone()..).map(|(path, _)| path);
        self.pages.contains_key(path) || next.next().is_some_and(|next| next.starts_with(&below))
    }

    /// Every path and its page, in the order of paths.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Page)> {
        self.pages.iter().map(|(path, entry)| (path.as_str(), &entry.page))
    }

    /// The bytes of all pages.
    pub fn bytes(&self) -> usize {
        self.pages.values().map(|entry| entry.page.bytes.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find<'s>(site: &'s Site, path: &str) -> Option<&'s str> {
        let segments: Vec<_> = path.split('/').skip(1).map(Cow::Borrowed).collect();
        site.find(&segments).map(|entry| entry.page.mime.as_str())
    }

    #[test]
    fn a_page_is_found_by_its_whole_path() {
        let mut site = Site::default();
        for path in ["/", "/a b.txt", "/docs/"] {
            site.insert(
                path,
                Page { mime: path.to_owned(), bytes: Arc::from(*b"1234"), open: false },
            );
        }
        assert_eq!(find(&site, "/"), Some("/"));
        assert_eq!(find(&site, "/a b.txt"), Some("/a b.txt"));
        assert_eq!(find(&site, "/docs/"), Some("/docs/"));
        for path in ["/docs", "/a", "//", "/docs/x"] {
            assert_eq!(find(&site, path), None, "{path}");
        }
        let encoded = [Cow::Borrowed("docs/")];
        assert!(site.find(&encoded).is_none(), "its slash was percent-encoded");
        assert_eq!((site.bytes(), site.iter().count()), (12, 3));
    }

    #[test]
    fn a_digest_is_of_the_bytes_and_the_type() {
        let digest = |mime: &str, bytes: &[u8]| {
            let mut site = Site::default();
            site.insert("/", Page { mime: mime.to_owned(), bytes: Arc::from(bytes), open: false });
            site.find(&[Cow::Borrowed("")]).unwrap().digest.clone()
        };
        assert_eq!(digest("a", b"b").len(), 40);
        assert_eq!(digest("a", b"b"), digest("a", b"b"));
        for (mime, bytes) in [("a", b"c".as_slice()), ("c", b"b"), ("ab", b""), ("", b"ab")] {
            assert_ne!(digest(mime, bytes), digest("a", b"b"), "{mime} {bytes:?}");
        }
    }
}
