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
        let is_asked = self.access.is_on();
        // In place of what the reader has, and nobody shows.
        let credential = "-H \"Authorization: Bearer $TOKEN\" ";
        let curl = if is_asked { credential } else { "" };
        // A browser is asked for a credential in no way in which it could give one.
        let has_demo = self.serves_demo() && !is_asked;
        if has_demo || self.site.find(&[Cow::Borrowed("")]).is_some() {
            lines.push(format!("open a page:      http://localhost:{http_port}/"));
        }
        lines.push(format!("watch events:     curl -N {curl}http://localhost:{http_port}/events"));
        if let Some(route) = self.routes.iter().next() {
            let url = format!("ws://localhost:{ws_port}{}", path(route));
            let (and, message) = match route.behaviour {
                Behaviour::Relay { wrap: false } => {
                    (" and send", Some(r#"{"connectionId":"me","message":"hello"}"#))
                }
                _ => ("", None),
            };
            // What may be said there, and under which name, is up to the credential.
            if asks(self, route) {
                lines.push(format!(
                    "send a message:   connect a WebSocket to {url}, with a credential"
                ));
            } else {
                lines.push(format!("send a message:   connect a WebSocket to {url}{and}"));
                lines.extend(message.map(|message| format!("                  {message}")));
            }
        }
        if is_asked {
            lines.push(
                "$TOKEN:           a static key, or what `tidegate token mint` prints".to_owned(),
            );
        }
        lines
    }
}

/// Whether who comes to the route is asked for a credential.
fn asks(config: &Config, route: &Route) -> bool {
    config.access.is_on() && route.door.as_ref().is_none_or(|door| !door.open)
}

/// A path that the route has.
fn path(route: &Route) -> String {
    route.path.to_string().replace("{room}", MAIN_ROOM)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::{Rights, Secret};
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
        assert_eq!(config.hints(1, 2)[0], "open a page:      http://localhost:2/");
        assert_eq!(config.hints(1, 2)[1..], expected);
        config.demo = Some(false);
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

    #[test]
    fn hints_of_a_server_with_keys_have_a_place_for_one() {
        let mut config = Config::default();
        let secret = Secret::new(b"c4n4ry-0123456789".to_vec());
        config.access.keyring.add_static("a", &secret, Rights::usual());
        let hints = config.hints(1, 2);
        let curl = r#"curl -N -H "Authorization: Bearer $TOKEN" http://localhost:2/events"#;
        assert!(hints[0].ends_with(curl), "{hints:?}");
        let url = "connect a WebSocket to ws://localhost:1/, with a credential";
        assert!(hints[1].ends_with(url), "{hints:?}");
    }
}
