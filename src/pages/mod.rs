//! Pages: what is served under a path as it stands.
//!
//! Knows: paths, media types, bytes that were read before.
//! Must not know: where they came from, HTTP, IO, clocks.

mod mime;
mod own;

pub use mime::{is_mime, mime_of};
pub use own::is_own;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// One page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Its media type, as it stands in `Content-Type`.
    pub mime: String,
    /// Its bytes, shared by everyone who is sent them.
    pub bytes: Arc<[u8]>,
}

/// All pages of a server, by path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Site {
    pages: BTreeMap<String, Page>,
}

impl Site {
    /// Puts `page` at `path`, which begins with a slash and is not percent-encoded. Gives back what
    /// was there.
    pub fn insert(&mut self, path: &str, page: Page) -> Option<Page> {
        self.pages.insert(path.to_owned(), page)
    }

    /// The page for the decoded `segments` of a path.
    pub fn find(&self, segments: &[Cow<'_, str>]) -> Option<&Page> {
        // A slash that was percent-encoded is part of a segment, and no page's name has one.
        if segments.iter().any(|segment| segment.contains('/')) {
            return None;
        }
        let path = segments.iter().fold(String::new(), |path, segment| path + "/" + segment);
        self.pages.get(&path)
    }

    /// Every path and its page, in the order of paths.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Page)> {
        self.pages.iter().map(|(path, page)| (path.as_str(), page))
    }

    /// The bytes of all pages.
    pub fn bytes(&self) -> usize {
        self.pages.values().map(|page| page.bytes.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find<'s>(site: &'s Site, path: &str) -> Option<&'s str> {
        let segments: Vec<_> = path.split('/').skip(1).map(Cow::Borrowed).collect();
        site.find(&segments).map(|page| page.mime.as_str())
    }

    #[test]
    fn a_page_is_found_by_its_whole_path() {
        let mut site = Site::default();
        for path in ["/", "/a b.txt", "/docs/"] {
            site.insert(path, Page { mime: path.to_owned(), bytes: Arc::from(*b"1234") });
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
}
