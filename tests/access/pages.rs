//! Pages of other origins, as a browser meets them.

use crate::browser::{Browser, DESKTOP, Window};
use crate::rig::secret;
use crate::support::http::metric;
use crate::support::server::tidegate;
use crate::support::wire::Wire;
use crate::support::{EventStream, Folder, Message, Server, WebSocket};
use serde_json::{Value, json};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::thread;

const KEY: &str = "the-key-of-a-page-8d1f3b";

/// Serves the same empty page to everybody, by whatever name; remembers the requests.
struct Pages {
    addr: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Pages {
    fn serve() -> Pages {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (addr, heads) = (listener.local_addr().unwrap(), Arc::default());
        let pages = Pages { addr, heads };
        let heads = Arc::clone(&pages.heads);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let heads = Arc::clone(&heads);
                thread::spawn(move || {
                    let mut wire = Wire::of(stream);
                    let Some(head) = wire.read_through(b"\r\n\r\n") else { return };
                    heads.lock().unwrap().push(String::from_utf8_lossy(&head).into_owned());
                    let page = "<!doctype html><title>a page</title>";
                    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close";
                    let length = page.len();
                    let answer = format!("{head}\r\nContent-Length: {length}\r\n\r\n{page}");
                    wire.try_write(answer.as_bytes());
                    wire.try_finish();
                    wire.read_to_end();
                });
            }
        });
        pages
    }

    /// The origin of the page if the server is called so.
    fn origin(&self, host: &str) -> String {
        format!("http://{host}:{}", self.addr.port())
    }

    /// Whether a browser has sent `text` here.
    fn was_sent(&self, text: &str) -> bool {
        self.heads.lock().unwrap().iter().any(|head| head.contains(text))
    }
}

/// A browser for which all these names are this machine's.
fn browser() -> Browser {
    Browser::start_with(&["--host-resolver-rules=MAP *.example 127.0.0.1,MAP localhost 127.0.0.1"])
}

/// Has the page try everything with the server at `ws` and `http`: whether it could open a WebSocket,
/// whether it could open an event stream, and the status of each request that it could read.
fn try_all(window: &Window<'_>, ws: &str, http: &str) -> Value {
    let script = r#"
async () => {
  const opened = thing => new Promise(tell => {
    thing.onopen = () => tell(true);
    thing.onerror = () => tell(false);
  }).finally(() => thing.close());
  const asked = async (path, options) => {
    try {
      return (await fetch("HTTP" + path, { credentials: "include", ...options })).status;
    } catch {
      return null;
    }
  };
  const posted = (type, more) => asked("/api/messages", {
    method: "POST", headers: { "Content-Type": type }, body: '{"text":"of a page"}', ...more,
  });
  return {
    websocket: await opened(new WebSocket("WS/")),
    events: await opened(new EventSource("HTTP/events")),
    eventsWithCookies: await opened(new EventSource("HTTP/events", { withCredentials: true })),
    read: await asked("/api/rooms", { credentials: "omit" }),
    text: await posted("text/plain", { credentials: "omit" }),
    json: await posted("application/json", { credentials: "omit" }),
    opaque: await posted("text/plain", { mode: "no-cors" }),
    close: await asked("/api/connections/victim", { method: "DELETE", credentials: "omit" }),
  };
}"#;
    window.run(&script.replace("HTTP", http).replace("WS", ws))
}

/// Somebody who is there, and somebody who reads what is said.
struct Witnesses {
    victim: WebSocket,
    stream: EventStream,
}

impl Witnesses {
    fn of(server: &Server) -> Witnesses {
        let victim = WebSocket::connect(server.ws, "/?connectionId=victim");
        let stream = EventStream::open(server.http, "/events");
        Witnesses { victim, stream }
    }

    /// Nobody else has said anything, and nobody was closed.
    fn have_seen_nothing(&mut self) {
        let said = r#"{"connectionId":"victim","still":"here"}"#;
        self.victim.say(said);
        assert_eq!(self.stream.next().expect("an event").data, said);
        self.victim.ping(b"there?");
        assert_eq!(self.victim.hear(), Message::Pong(b"there?".to_vec()));
    }
}

#[test]
fn by_default_a_foreign_page_cannot_connect_read_or_manage() {
    let pages = Pages::serve();
    let server = Server::start(&[]);
    let mut witnesses = Witnesses::of(&server);
    let browser = browser();
    let (ws, http) = (format!("ws://{}", server.ws), format!("http://{}", server.http));
    let nothing = json!({
        "websocket": false, "events": false, "eventsWithCookies": false, "read": null,
        "text": null, "json": null, "opaque": null, "close": null,
    });
    // What a page may not read it may have sent all the same: of that the status is 0.
    let mut sent = nothing.clone();
    sent["opaque"] = json!(0);
    let window = browser.open(&pages.origin("foreign.example"), DESKTOP);
    assert_eq!(try_all(&window, &ws, &http), sent);
    // By a name of its own that it has made this machine's: the server is not called that.
    let [ws, http] = [("ws", server.ws), ("http", server.http)]
        .map(|(scheme, addr)| format!("{scheme}://foreign.example:{}", addr.port()));
    assert_eq!(try_all(&window, &ws, &http), sent);
    witnesses.have_seen_nothing();
    browser.quit();
}

#[test]
fn a_page_of_an_allowed_origin_can() {
    let pages = Pages::serve();
    let origin = pages.origin("allowed.example");
    let server = Server::start(&["--allow-origin", &origin]);
    let mut witnesses = Witnesses::of(&server);
    let browser = browser();
    let (ws, http) = (format!("ws://{}", server.ws), format!("http://{}", server.http));
    let window = browser.open(&origin, DESKTOP);
    let done = try_all(&window, &ws, &http);
    let expected = json!({
        "websocket": true, "events": true, "eventsWithCookies": false, "read": 200,
        "text": 415, "json": 200, "opaque": 0, "close": 204,
    });
    assert_eq!(done, expected);
    assert_eq!(witnesses.stream.next().expect("an event").data, r#"{"message":"of a page"}"#);
    let close = witnesses.stream.next().expect("its close").close();
    assert!(close.is("victim", 1000, "server"), "{close:?}");
    // The next port is another origin.
    let others = Pages::serve();
    let window = browser.open(&others.origin("allowed.example"), DESKTOP);
    assert_eq!(try_all(&window, &ws, &http)["websocket"], false);
    browser.quit();
}

/// The cookie of a host is sent whatever port the page is of: so the browser lets it out, and only
/// the server keeps the other page out.
#[test]
fn a_cookie_is_good_for_pages_of_its_own_origin_alone() {
    let pages = Pages::serve();
    let folder = Folder::new();
    secret(&folder, "page.key", KEY);
    let file = folder.write(
        "tidegate.toml",
        "[auth]\ncookie = 'session'\nmetrics = 'open'\n\n[[key]]\nname = 'page'\nsecret = { file = 'page.key' }\n\n\
         [[page]]\npath = '/'\ntext = 'a page'\nopen = true\n",
    );
    let addr = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let mut command = tidegate();
    command.args(["--config", &file, "--ws-addr", &addr, "--http-addr", &addr, "--cores", "2"]);
    let server = Server::spawn(&mut command);
    let browser = browser();
    let [ws, http] =
        ["ws", "http"].map(|scheme| format!("{scheme}://localhost:{}", server.http.port()));

    let own = browser.open(&http, DESKTOP);
    own.run(&format!("() => {{ document.cookie = 'session={KEY}' }}"));
    let mut done = try_all(&own, &ws, &http);
    assert_eq!((done["websocket"].take(), done["events"].take()), (json!(true), json!(true)));
    // A cookie manages nothing.
    assert_eq!(own.run("async () => (await fetch('/api/rooms')).status"), 401);

    // Pages are opened in contexts of their own, without one another's cookies.
    let other = browser.open(&pages.origin("localhost"), DESKTOP);
    other.run(&format!("() => {{ document.cookie = 'session={KEY}' }}"));
    other.run("async () => (await fetch('/again')).status");
    assert!(pages.was_sent(&format!("Cookie: session={KEY}")), "the browser does send it");
    let refused = || metric(server.http, "tidegate_credentials_total{outcome=\"not_allowed\"}");
    assert_eq!(refused(), 0);
    let done = try_all(&other, &ws, &http);
    assert!(refused() >= 2, "it came with the cookie, and to no use");
    let nothing = [&done["websocket"], &done["events"], &done["eventsWithCookies"]];
    assert!(nothing.iter().all(|it| **it == false), "{done}");
    let answer = format!("async () => (await fetch('{http}/hello')).status");
    assert_eq!(other.run(&answer), 200, "what is open is open to a page of this machine");
    browser.quit();
}
