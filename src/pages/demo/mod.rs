//! The pages that come with the server: an index, and two clients to try it with.
//!
//! Knows: the files of `examples/pages`, where they are served, what browsers may do with them.
//! Must not know: routes, configurations, HTTP.
//!
//! As files they are about a server as it starts by itself. Here they are made about the one that
//! serves them, once: nothing is rendered when they are asked for.

mod html;

pub use self::html::segment as encode_segment;

use self::html::{escape, fill, query};
use super::{Page, Site, mime_of};
use std::fmt::Write;
use std::sync::Arc;

/// What the pages say of the server that serves them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The server's version.
    pub version: &'static str,
    /// Where WebSockets connect.
    pub ws_port: u16,
    /// Where events are read, and the pages are.
    pub http_port: u16,
    /// Whoever comes is asked for a credential.
    pub asks: bool,
    /// What WebSockets do, in the order of the configuration.
    pub routes: Vec<Offer>,
}

/// One route, as it is told to people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Its path, with placeholders.
    pub path: String,
    /// What it does, in words.
    pub does: String,
    /// A path of it to try, percent-encoded, if there is one that everybody may know.
    pub sample: Option<String>,
    /// Clients name themselves in what they say.
    pub registers: bool,
}

/// No script but ours, nothing from elsewhere, no text that becomes a part of the page. Where a
/// page connects is for whoever uses it to say.
const HEADERS: &[(&str, &str)] = &[
    (
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
         connect-src 'self' ws: wss: http: https:; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'; require-trusted-types-for 'script'",
    ),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
];

/// One file, and where it is served.
struct File {
    paths: &'static [&'static str],
    text: &'static str,
}

macro_rules! file {
    ($name:literal $(, $path:literal)*) => {
        File {
            paths: &[concat!("/", $name) $(, $path)*],
            text: include_str!(concat!("../../../examples/pages/", $name)),
        }
    };
}

const FILES: [File; 14] = [
    file!("index.html", "/"),
    file!("demo/websocket.html"),
    file!("demo/eventsource.html"),
    file!("demo/index.js"),
    file!("demo/websocket.js"),
    file!("demo/eventsource.js"),
    file!("demo/rows.js"),
    file!("demo/soon.js"),
    file!("demo/people.js"),
    file!("demo/reach.js"),
    file!("demo/stream.js"),
    file!("demo/words.js"),
    file!("demo/style.css"),
    // What else a page shows has no icon of its own, and browsers ask here for one.
    file!("demo/icon.svg", "/favicon.ico"),
];

impl Site {
    /// Puts the pages about the server of these `facts` wherever there is no page.
    pub fn add_demo(&mut self, facts: &Facts) {
        for File { paths, text } in FILES {
            let mime = paths.first().map_or("", |name| mime_of(name));
            let text = if mime == mime_of(".html") { facts.told_in(text) } else { text.to_owned() };
            let bytes: Arc<[u8]> = Arc::from(text.into_bytes());
            for path in paths {
                let page = Page { mime: mime.to_owned(), bytes: Arc::clone(&bytes), open: false };
                self.add(path, page, HEADERS);
            }
        }
    }
}

/// Whether the pages that come with the server are made of what is at `path`: another file there
/// takes a part away from them.
pub fn is_demo_part(path: &str) -> bool {
    let is_part = path.ends_with(".js") || path.ends_with(".css");
    is_part && FILES.iter().any(|file| file.paths.contains(&path))
}

const WS_PORT: &str = "8080";
const HTTP_PORT: &str = "8082";

impl Facts {
    /// A page with what is true of this server in it.
    fn told_in(&self, page: &str) -> String {
        let (ws, http) = (self.ws_port.to_string(), self.http_port.to_string());
        // The page's own words only: nothing of the configuration is in them yet.
        let page = page
            .replace(
                &format!("ws-port={WS_PORT} http-port={HTTP_PORT}"),
                &format!("ws-port={ws} http-port={http}"),
            )
            // Whatever name the server goes by, links are to where the page is from.
            .replace(&format!("href=\"http://localhost:{HTTP_PORT}/"), "href=\"/");
        let page = with_ports(&page, &ws, &http);
        let page = fill(page, "version", &format!("tidegate {}", escape(self.version)));
        let page = fill(page, "credentials", if self.asks { ASKS } else { ASKS_NOBODY });
        let page = fill(page, "bearer", if self.asks { BEARER } else { "" });
        let page = fill(page, "token", if self.asks { TOKEN } else { "" });
        fill(page, "routes", &self.rows())
    }

    fn rows(&self) -> String {
        self.routes.iter().fold(String::new(), |mut rows, route| {
            let (path, does) = (escape(&route.path), escape(&route.does));
            // Writing to a String cannot fail.
            let _ = write!(rows, "\n<tr><th scope=\"row\"><code>{path}</code></th><td>{does}</td>");
            let _ = match &route.sample {
                Some(sample) => write!(
                    rows,
                    "<td><a href=\"demo/websocket.html?path={}{}\" aria-label=\"Try {path}\">\
                     Try</a></td></tr>",
                    query(sample),
                    if route.registers { "" } else { "&amp;unnamed" },
                ),
                None => write!(rows, "<td></td></tr>"),
            };
            rows
        }) + "\n"
    }
}

/// `page` with these ports in place of those that it has. Each place is looked at once: the one
/// port may be what the other was.
fn with_ports(page: &str, ws: &str, http: &str) -> String {
    const HOST: &str = "localhost:";
    let mut parts = page.split(HOST);
    let mut told = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let known = [(WS_PORT, ws), (HTTP_PORT, http)];
        let found = known.iter().find_map(|(own, real)| Some((real, part.strip_prefix(own)?)));
        let (port, behind) = found.unwrap_or((&"", part));
        told.extend([HOST, port, behind]);
    }
    told
}

const ASKS: &str = "credentials are asked for";
const ASKS_NOBODY: &str = "no credentials are asked for";
const BEARER: &str = "-H \"Authorization: Bearer $TOKEN\" ";
const TOKEN: &str = "--token-file FILE ";

#[cfg(test)]
mod tests;
