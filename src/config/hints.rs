//! What whoever has just started a server may try first.
//!
//! Knows: routes and pages, as far as a hint needs them.
//! Must not know: where hints are shown.

use super::Config;
use crate::routes::{Behaviour, MAIN_ROOM, Route};
use std::borrow::Cow;

impl Config {
    /// What to try, line by line, on a server with these ports.
    pub fn hints(&self, ws_port: u16, http_port: u16) -> Vec<String> {
        let mut lines = Vec::new();
        if self.site.find(&[Cow::Borrowed("")]).is_some() {
            lines.push(format!("open a page:      http://localhost:{http_port}/"));
        }
        lines.push(format!("watch events:     curl -N http://localhost:{http_port}/events"));
        if let Some(route) = self.routes.iter().next() {
            let url = format!("ws://localhost:{ws_port}{}", path(route));
            let (and, message) = match route.behaviour {
                Behaviour::Relay { wrap: false } => {
                    (" and send", Some(r#"{"connectionId":"me","message":"hello"}"#))
                }
                _ => ("", None),
            };
            lines.push(format!("send a message:   connect a WebSocket to {url}{and}"));
            lines.extend(message.map(|message| format!("                  {message}")));
        }
        lines
    }
}

/// A path that the route has.
fn path(route: &Route) -> String {
    route.path.to_string().replace("{room}", MAIN_ROOM)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::Page;
    use crate::routes::{Broadcast, Pattern, Table};
    use std::sync::Arc;

    #[test]
    fn hints_are_about_the_first_route_and_the_first_page() {
        let mut config = Config::default();
        let expected = [
            "watch events:     curl -N http://localhost:2/events",
            "send a message:   connect a WebSocket to ws://localhost:1/ and send",
            r#"                  {"connectionId":"me","message":"hello"}"#,
        ];
        assert_eq!(config.hints(1, 2), expected);
        let page = Page { mime: "text/plain".to_owned(), bytes: Arc::from(*b""), open: false };
        config.site.insert("/", page);
        let path = Pattern::parse("/chat/{room}").unwrap();
        let route = Route::new(path, Behaviour::Broadcast(Broadcast::default()));
        config.routes = Table::new(vec![route]).unwrap();
        let expected = [
            "open a page:      http://localhost:2/",
            "watch events:     curl -N http://localhost:2/events",
            "send a message:   connect a WebSocket to ws://localhost:1/chat/main",
        ];
        assert_eq!(config.hints(1, 2), expected);
    }
}
