//! What the pages say, where they are, what may be done with them.
//!
//! Knows: the files of `examples/pages`.
//! Must not know: what browsers make of them.

use super::*;
use crate::pages::Entry;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

fn facts() -> Facts {
    let offer = |path: &str, sample: Option<&str>, registers| Offer {
        path: path.to_owned(),
        does: "Something & <more>.".to_owned(),
        sample: sample.map(str::to_owned),
        registers,
    };
    Facts {
        version: "1.2.3",
        ws_port: 18,
        http_port: 19,
        asks: false,
        routes: vec![
            offer("/<b>\"'", Some("/%3Cb%3E%22%27"), true),
            offer("/chat/{room}", Some("/chat/lobby"), false),
            offer("/secret/{token}", None, false),
        ],
    }
}

fn site(facts: &Facts) -> Site {
    let mut site = Site::default();
    site.add_demo(facts);
    site
}

fn entry<'s>(site: &'s Site, path: &str) -> &'s Entry {
    let segments: Vec<_> = path.split('/').skip(1).map(Cow::Borrowed).collect();
    site.find(&segments).expect(path)
}

fn text(site: &Site, path: &str) -> String {
    String::from_utf8(entry(site, path).page.bytes.to_vec()).unwrap()
}

#[test]
fn the_index_says_what_is_true_of_this_server() {
    let mut facts = facts();
    let index = text(&site(&facts), "/");
    assert!(index.contains("<meta name=\"tidegate\" content=\"ws-port=18 http-port=19\">"));
    assert!(index.contains("tidegate 1.2.3 ·"), "{index}");
    assert!(index.contains("no credentials are asked for"));
    assert!(index.contains("curl -N http://localhost:19/events"));
    assert!(index.contains("tidegate connect ws://localhost:18/"));
    assert!(index.contains("href=\"/openapi.json\""));
    for gone in ["8080", "8082", "<!--", "/echo"] {
        assert!(!index.contains(gone), "{gone}");
    }
    facts.asks = true;
    let index = text(&site(&facts), "/");
    assert!(!index.contains("no credentials") && index.contains("credentials are asked for"));
    let line = "curl -N -H \"Authorization: Bearer $TOKEN\" http://localhost:19/events";
    assert!(index.contains(line), "{index}");
    assert!(index.contains("tidegate connect --token-file FILE ws://localhost:18/"));
}

#[test]
fn each_port_may_be_what_the_other_is_by_itself() {
    let index = text(&site(&Facts { ws_port: 8082, http_port: 8080, ..facts() }), "/");
    assert!(index.contains("content=\"ws-port=8082 http-port=8080\""));
    assert!(index.contains("tidegate connect ws://localhost:8082/"), "{index}");
    assert!(index.contains("curl -N http://localhost:8080/events"), "{index}");
}

#[test]
fn the_routes_of_a_configuration_are_no_part_of_the_page() {
    let index = text(&site(&facts()), "/");
    let row = "<tr><th scope=\"row\"><code>/&lt;b&gt;&quot;&#39;</code></th>\
               <td>Something &amp; &lt;more&gt;.</td>\
               <td><a href=\"demo/websocket.html?path=/%253Cb%253E%2522%2527\" \
               aria-label=\"Try /&lt;b&gt;&quot;&#39;\">Try</a></td></tr>";
    assert!(index.contains(row), "{index}");
    assert!(index.contains("?path=/chat/lobby&amp;unnamed\""), "{index}");
    assert!(index.contains("<code>/secret/{token}</code>") && !index.contains("path=/secret"));
    // A configuration that writes our marks, or our ports, gets neither filled.
    let mut facts = facts();
    facts.routes[1].does = "<!-- version -->localhost:8080 {href=\"http".to_owned();
    let index = text(&site(&facts), "/");
    assert!(index.contains("&lt;!-- version --&gt;localhost:8080 {href=&quot;http"), "{index}");
}

#[test]
fn the_clients_know_the_ports() {
    let site = site(&facts());
    for path in ["/demo/websocket.html", "/demo/eventsource.html"] {
        let page = text(&site, path);
        assert!(page.contains("content=\"ws-port=18 http-port=19\""), "{page}");
        assert!(!page.contains("8080") && !page.contains("8082"), "{path}");
    }
}

#[test]
fn each_file_is_there_under_its_name_with_its_type_and_its_headers() {
    let site = site(&facts());
    let script = "text/javascript; charset=utf-8";
    for (path, mime) in [
        ("/", "text/html; charset=utf-8"),
        ("/index.html", "text/html; charset=utf-8"),
        ("/demo/style.css", "text/css; charset=utf-8"),
        ("/demo/stream.js", script),
        ("/demo/index.js", script),
        ("/demo/icon.svg", "image/svg+xml"),
        ("/favicon.ico", "image/svg+xml"),
    ] {
        assert_eq!(entry(&site, path).page.mime, mime, "{path}");
    }
    for (path, page) in site.iter() {
        assert!(!page.open, "{path}: where credentials are asked for, it takes one");
        let headers = entry(&site, path).headers;
        let names: Vec<_> = headers.iter().map(|(name, _)| *name).collect();
        let expected = [
            "Content-Security-Policy",
            "Referrer-Policy",
            "Cross-Origin-Opener-Policy",
            "Cross-Origin-Resource-Policy",
        ];
        assert_eq!(names, expected, "{path}");
        let policy = headers[0].1;
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
        assert!(!policy.contains("unsafe") && !policy.contains("data:"), "{policy}");
        assert!(policy.contains("require-trusted-types-for 'script'"), "{policy}");
    }
}

#[test]
fn what_pages_are_made_of_is_known() {
    let site = site(&facts());
    let parts: Vec<_> =
        site.iter().map(|(path, _)| path).filter(|path| is_demo_part(path)).collect();
    let others = ["/", "/index.html", "/favicon.ico", "/demo/icon.svg", "/demo/websocket.html"];
    assert_eq!(parts.len() + others.len() + 1, site.iter().count(), "{parts:?}");
    assert!(is_demo_part("/demo/style.css") && !is_demo_part("/style.css"));
}

/// As a file it is about no server in particular: whether one asks, it cannot know.
#[test]
fn a_plain_file_claims_nothing_of_credentials() {
    let index = FILES.iter().find(|file| file.paths.contains(&"/")).unwrap().text;
    assert!(!index.contains(ASKS), "also within {ASKS_NOBODY:?}");
}

/// What cannot be pressed does not change below the pointer, into colours that nobody chose.
#[test]
fn only_what_can_be_pressed_lights_up() {
    let css = FILES.iter().find(|file| file.paths[0].ends_with(".css")).unwrap().text;
    let lit = css.lines().filter(|line| line.contains("button") && line.contains(":hover"));
    assert!(lit.clone().count() >= 3);
    for line in lit {
        assert!(
            line.contains(":not(:disabled)") || line.contains(":not(:has(:disabled))"),
            "{line}"
        );
    }
}

#[test]
fn what_is_configured_is_worth_more() {
    let page = |text: &str| Page {
        mime: "text/plain".to_owned(),
        bytes: Arc::from(text.as_bytes()),
        open: true,
    };
    let mut site = Site::default();
    site.insert("/", page("mine"));
    site.insert("/demo/style.css", page("mine, too"));
    site.add_demo(&facts());
    assert_eq!(text(&site, "/"), "mine");
    assert_eq!(text(&site, "/demo/style.css"), "mine, too");
    assert!(entry(&site, "/").headers.is_empty(), "they are for our pages");
    assert!(text(&site, "/index.html").contains("<h1>"));
    assert!(text(&site, "/demo/websocket.html").contains("<h1>WebSocket client</h1>"));
}

/// Every file of the folder is served, and whatever one names is among them.
#[test]
fn nothing_is_left_out_and_nothing_is_from_elsewhere() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/pages");
    let mut names = BTreeSet::from(["/index.html".to_owned()]);
    for entry in std::fs::read_dir(format!("{folder}/demo")).unwrap() {
        names.insert(format!("/demo/{}", entry.unwrap().file_name().to_str().unwrap()));
    }
    let served: BTreeSet<_> = FILES.iter().map(|file| file.paths[0].to_owned()).collect();
    assert_eq!(served, names);
    for file in FILES {
        for mark in
            ["src=\"", "<link rel=\"icon\" href=\"", "<link rel=\"stylesheet\" href=\"", "from \""]
        {
            for part in file.text.split(mark).skip(1) {
                let target = part.split('"').next().unwrap().trim_start_matches("./");
                let beside = file.paths[0].rsplit_once('/').unwrap().0;
                let path = format!("{beside}/{target}");
                assert!(served.contains(&path), "{}: {path}", file.paths[0]);
            }
        }
        // No script or style in a page, nothing that the policy would stop.
        for word in ["<style", "style=\"", "onclick", "innerHTML", "eval(", "@import", "url("] {
            assert!(!file.text.contains(word), "{}: {word}", file.paths[0]);
        }
        assert!(!file.text.contains("<script>"), "{}", file.paths[0]);
    }
}

/// The colours of one theme by their names.
fn palette(theme: usize) -> BTreeMap<&'static str, [f64; 3]> {
    let css = FILES.iter().find(|file| file.paths[0].ends_with(".css")).unwrap().text;
    let colour = |line: &'static str| {
        let (name, value) = line.trim().strip_prefix("--")?.split_once(": light-dark(")?;
        let hex = value.trim_end_matches(");").split(", ").nth(theme)?.strip_prefix('#')?;
        let part = |at| f64::from(u8::from_str_radix(&hex[at..at + 2], 16).unwrap()) / 255.0;
        Some((name, [part(0), part(2), part(4)]))
    };
    css.lines().filter_map(colour).collect()
}

/// WCAG 2.2, "contrast ratio".
fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
    let linear = |part: f64| match part {
        part if part <= 0.04045 => part / 12.92,
        part => ((part + 0.055) / 1.055).powf(2.4),
    };
    let luminance = |[red, green, blue]: [f64; 3]| {
        0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
    };
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn whatever_is_written_can_be_read() {
    for theme in [0, 1] {
        let palette = palette(theme);
        assert_eq!(palette.len(), 14, "{palette:?}");
        let enough = |ink: &str, paper: &str, least: f64| {
            let ratio = contrast(palette[ink], palette[paper]);
            assert!(ratio >= least, "{ink} on {paper}, theme {theme}: {ratio:.2}");
        };
        for paper in ["ground", "paper", "field", "wash"] {
            for ink in ["ink", "faint", "sea", "good", "bad", "warn", "other"] {
                enough(ink, paper, 4.5);
            }
        }
        enough("on-sea", "sea", 4.5);
        // The edges of what can be filled in.
        for paper in ["ground", "paper", "field"] {
            enough("edge", paper, 3.0);
        }
    }
}
