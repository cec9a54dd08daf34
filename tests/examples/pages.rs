//! The pages that come with the server, used as a person does: embedded, and as plain files.

use crate::browser::{Browser, DESKTOP, DESKTOP_DARK, PHONE, PHONE_DARK, Window};
use crate::curl;
use crate::keys::free_port;
use crate::support::foreign::{installed, root};
use crate::support::server::tidegate;
use crate::support::{Folder, Foreign, Server, WebSocket, http, wait_until};
use serde_json::json;
use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

/// Any static server of this machine, with the pages as they stand; where it is.
struct Files {
    _server: Foreign,
    base: String,
}

impl Files {
    fn serve() -> Files {
        let port = free_port();
        let mut command = Command::new(installed("python3"));
        command.args(["-u", "-m", "http.server", "--bind", "127.0.0.1", &port.to_string()]);
        command.current_dir(root().join("examples/pages")).stderr(std::process::Stdio::null());
        let server = Foreign::start(&mut command);
        assert!(server.line().starts_with("Serving HTTP on 127.0.0.1"));
        Files { _server: server, base: format!("http://localhost:{port}/") }
    }
}

/// Rows without their times.
fn rows(window: &Window<'_>, count: usize) -> Vec<String> {
    let without = |row: String| row.split_once(' ').expect("a time").1.to_owned();
    window.entries(count).into_iter().map(without).collect()
}

/// Waits until a row has `part` in it; gives it.
fn wait_for_row(window: &Window<'_>, part: &str) -> String {
    let mut count = 1;
    loop {
        let rows = rows(window, count);
        if let Some(row) = rows.iter().find(|row| row.contains(part)) {
            return row.clone();
        }
        // One more than there are: waits for something new.
        count = rows.len() + 1;
    }
}

fn ws_url(server: &Server, path: &str) -> String {
    format!("ws://localhost:{}{path}", server.ws.port())
}

fn events_url(server: &Server) -> String {
    format!("http://localhost:{}/events", server.http.port())
}

/// Where the page would connect. Its script may have yet to say so, behind a link.
fn address(window: &Window<'_>) -> String {
    wait_until("the script has run", || !window.value("Address").is_empty());
    window.value("Address")
}

fn connect(window: &Window<'_>, name: &str) {
    window.fill("connectionId", name);
    window.click("Connect");
    window.wait_for(&format!("Open as {name}"));
}

fn say(window: &Window<'_>, text: &str) {
    window.fill("Message", text);
    window.press("Enter");
}

const NASTY: &str = "<img src=x onerror=alert(1)>";

/// Two clients talk, in windows of their own, and what they say is read in a third, and in a fourth
/// that came later.
fn play(server: &Server, browser: &Browser, one: &Window<'_>, reader: &Window<'_>, base: &str) {
    reader.click("Open");
    reader.wait_for("Open");
    assert_eq!(rows(reader, 1), [format!("open {}?format=full", events_url(server))]);
    connect(one, "kitchen");
    say(one, "21.5 °C");
    let two = browser.open(&format!("{base}demo/websocket.html?path=/ws/lobby"), PHONE);
    two.fill("Address", &ws_url(server, "/ws/lobby"));
    connect(&two, "anna");
    say(&two, NASTY);
    curl(server, "/api/connections/kitchen", &["--json", r#"{"text":"warmer, please"}"#]);
    let registers = r#"{"connectionId":"kitchen"}"#;
    let says = r#"{"connectionId":"kitchen","message":"21.5 °C"}"#;
    let expected = [
        format!("open {}", ws_url(server, "/")),
        format!("sent {registers}"),
        format!("sent {says}"),
        "received warmer, please".to_owned(),
    ];
    assert_eq!(rows(one, 4), expected);
    one.fill("Message", "no JSON at all");
    one.click("Send as typed");
    let refused = wait_for_row(one, "refused");
    assert!(refused.starts_with("refused not-json "), "{refused}");
    one.choose("Send a file", root().join("examples/pages/demo/icon.svg").to_str().unwrap());
    let binary = wait_for_row(reader, "binary");
    assert!(binary.starts_with("binary main kitchen ") && binary.contains(" bytes · 3c 73 76 67"));
    assert!(binary.contains("base64 PHN2Z"), "{binary}");
    two.fill("Reason", "good night");
    two.click("Close");
    two.wait_for("Closed: 1000, done, as agreed");
    let closed = wait_for_row(&two, "closed");
    assert_eq!(closed, "closed 1000 done, as agreed");
    let expected = [
        format!("connected main kitchen {registers}"),
        format!("message main kitchen {says}"),
        "connected lobby anna {\"connectionId\":\"anna\"}".to_owned(),
        format!("message lobby anna {{\"connectionId\":\"anna\",\"message\":\"{NASTY}\"}}"),
    ];
    let told = rows(reader, 7);
    assert_eq!(told[1..5], expected);
    assert_eq!(told[6], "closed lobby anna 1000 good night by the client: done, as agreed");
}

#[test]
fn a_stranger_finds_all_by_clicking() {
    let server = Server::start(&[]);
    let browser = Browser::start();
    let base = format!("http://localhost:{}/", server.http.port());
    let one = browser.open(&base, DESKTOP);
    assert_eq!(one.heading(), "Messages come in by WebSocket, and go out as events");
    let text = one.run("() => document.body.innerText");
    let text = text.as_str().unwrap();
    assert!(text.contains(&format!("curl -N {}", events_url(&server))), "{text}");
    assert!(text.contains("/ws/{room}\tEach message, a JSON object,"), "{text}");
    one.photograph("index");
    let reader = browser.open(&base, DESKTOP_DARK);
    reader.follow("Open an event stream");
    assert_eq!(address(&reader), events_url(&server));
    one.follow("Open a WebSocket client");
    assert_eq!(address(&one), ws_url(&server, "/"));
    play(&server, &browser, &one, &reader, &base);
    one.photograph("websocket");
    reader.photograph("eventsource");
    // Who comes later reads what is kept, and has the same before it.
    let late = browser.open(&format!("{base}demo/eventsource.html"), PHONE_DARK);
    late.select("Begin", "with the oldest kept");
    late.click("Open");
    let told = |window: &Window<'_>| window.entries(7)[1..7].to_vec();
    assert_eq!(told(&late), told(&reader), "also when each was");
    // What goes to everyone has a room of its own, which says what it is.
    curl(&server, "/api/messages", &["--json", r#"{"to":"all","text":"good night"}"#]);
    wait_for_row(&late, "message * the API");
    let title = "() => [...document.querySelectorAll('.room')].at(-1).title";
    assert!(late.run(title).as_str().unwrap().starts_with("everyone: "));
    // An attempt by a link of the index, on a route that names its connections.
    one.click("Close");
    one.wait_for("Closed: 1000");
    let echo = browser.open(&base, DESKTOP);
    echo.follow("Try /echo");
    assert_eq!(
        (address(&echo), echo.value("connectionId")),
        (ws_url(&server, "/echo"), String::new())
    );
    echo.click("Connect");
    echo.wait_for("Open");
    say(&echo, "hello?");
    assert_eq!(rows(&echo, 3)[1..], ["sent hello?", "received hello?"]);
    browser.finish();
}

#[test]
fn the_same_files_work_from_any_static_server() {
    let server = Server::start(&[]);
    let files = Files::serve();
    let browser = Browser::start();
    let one = browser.open(&files.base, DESKTOP);
    one.follow("Open a WebSocket client");
    assert_eq!(address(&one), "ws://localhost:8080/");
    one.fill("Address", &ws_url(&server, "/"));
    let reader = browser.open(&files.base, DESKTOP);
    reader.follow("Open an event stream");
    assert_eq!(address(&reader), "http://localhost:8082/events");
    reader.fill("Address", &events_url(&server));
    play(&server, &browser, &one, &reader, &files.base);
    browser.finish();
}

/// What others say is shown, all of it to be seen, and none of it does anything.
#[test]
fn whatever_is_said_is_shown_and_nothing_else() {
    let server = Server::start(&["--max-message", "256KiB"]);
    let browser = Browser::start();
    let reader = browser
        .open(&format!("http://localhost:{}/demo/eventsource.html", server.http.port()), DESKTOP);
    reader.click("Open");
    reader.wait_for("Open");
    let mut client = WebSocket::connect(server.ws, "/");
    let deep = format!("{}1{}", "[".repeat(100), "]".repeat(100));
    let long = "x".repeat(200_000);
    for (value, shown) in [
        (json!(NASTY).to_string(), NASTY),
        (r#""\u202Etxt.exe""#.to_owned(), r"\u202Etxt.exe"),
        ("\"a\u{202e}b\u{0085}c\"".to_owned(), r"a\u202eb\u0085c"),
        (r#""\ud800 \u0000""#.to_owned(), r"\ud800 \u0000"),
        ("18.50e1".to_owned(), "\"m\":18.50e1}"),
        (deep.clone(), &deep),
        ("\"</script><script>alert(1)</script>\"".to_owned(), "</script><script>"),
        ("\"👨‍👩‍👧 ü 漢\"".to_owned(), "👨‍👩‍👧 ü 漢"),
        (format!("\"{long}\""), "Show all 200,0"),
    ] {
        client.say(&format!(r#"{{"connectionId":"<b>{NASTY}","m":{value}}}"#));
        let row = wait_for_row(&reader, shown);
        assert!(row.contains(&format!("main <b>{NASTY} {{")), "{row}");
    }
    let made = "() => document.querySelectorAll('[role=log] :is(img, script), #people :is(b, img)').length";
    assert_eq!(reader.run(made), json!(0));
    let width = "() => document.documentElement.scrollWidth <= innerWidth";
    assert_eq!(reader.run(width), json!(true));
    reader.run("() => { document.querySelector('.more').click() }");
    let length = "() => Math.max(...[...document.querySelectorAll('.text')].map(one => one.textContent.length))";
    assert!(reader.run(length).as_u64().unwrap() > 200_000);
    browser.finish();
}

#[test]
fn ten_thousand_messages_leave_five_hundred_rows() {
    let server = Server::start(&[]);
    let browser = Browser::start();
    let reader = browser
        .open(&format!("http://localhost:{}/demo/eventsource.html", server.http.port()), DESKTOP);
    reader.click("Open");
    reader.wait_for("Open");
    let mut client = WebSocket::connect(server.ws, "/");
    for n in 0..10_000 {
        client.say(&format!(r#"{{"connectionId":"burst","n":{n}}}"#));
    }
    wait_for_last(&reader, r#""n":9999}"#);
    let shown = rows(&reader, 0);
    assert_eq!(shown.len(), 500);
    assert!(shown[0].ends_with(r#""n":9500}"#), "{}", shown[0]);
    let counted = "() => document.getElementById('counts').textContent";
    assert_eq!(reader.run(counted), json!("10,000 events"));
    // What is kept can be searched, and held still.
    reader.fill("Filter", "\"N\":912");
    wait_for_last(&reader, r#""n":9129}"#);
    assert_eq!(rows(&reader, 10).len(), 10);
    reader.fill("Filter", "nothing like it");
    wait_until("that is said", || {
        let text = reader.run("() => document.querySelector('.feed').innerText");
        text.as_str().unwrap().contains("No row has that in it.")
    });
    reader.fill("Filter", "");
    wait_for_last(&reader, r#""n":9999}"#);
    reader.click("Pause");
    client.say(r#"{"connectionId":"burst","n":"later"}"#);
    let unseen = "() => document.getElementById('unseen').textContent";
    wait_until("a row waits", || reader.run(unseen) == json!("Paused, 1 row behind"));
    assert!(rows(&reader, 1).last().unwrap().ends_with(r#""n":9999}"#));
    reader.click("Resume");
    wait_for_last(&reader, r#""n":"later"}"#);
    reader.click("Clear");
    wait_until("all is gone", || rows(&reader, 0).is_empty());
    browser.finish();
}

/// Everybody who connects is a name more, for as long as a window is open.
#[test]
fn a_window_remembers_a_thousand_names() {
    let server = Server::start(&[]);
    let browser = Browser::start();
    let base = format!("http://localhost:{}/", server.http.port());
    let window = browser.open(&base, DESKTOP);
    let remembered = window.run(
        "async () => {
            const { People } = await import('/demo/people.js');
            const people = new People(document.createElement('ul'));
            for (let n = 0; n < 3000; n += 1) people.hear(`n${n}`, n);
            return people.open;
        }",
    );
    assert_eq!(remembered, json!(1000));
    browser.finish();
}

#[test]
fn a_stream_that_is_closed_while_it_buys_its_ticket_stays_closed() {
    let server = Server::start(&[]);
    let browser = Browser::start();
    let page = format!("http://localhost:{}/demo/eventsource.html", server.http.port());
    let reader = browser.open(&page, DESKTOP);
    // The ticket comes when we say so, and who opens a stream is noted.
    reader.run(
        "() => {
            window.fetch = () => new Promise(give => window.give = give);
            window.streams = 0;
            window.EventSource = class {
                constructor() { window.streams += 1; }
                addEventListener() {}
                close() {}
            };
        }",
    );
    let buy = "async () => {
        window.give({ ok: true, json: async () => ({ ticket: 'one' }) });
        await new Promise(done => setTimeout(done));
        return window.streams;
    }";
    reader.fill("Credential", "any");
    reader.click("Open");
    assert_eq!(reader.run(buy), json!(1));
    reader.click("Close");
    reader.click("Open");
    reader.click("Close");
    reader.wait_for("Closed");
    assert_eq!(reader.run(buy), json!(1));
    browser.finish();
}

fn wait_for_last(window: &Window<'_>, end: &str) {
    wait_until(end, || rows(window, 0).last().is_some_and(|row| row.ends_with(end)));
}

/// The same addresses again.
fn again(server: &Server, more: &[&str]) -> Server {
    let (ws, http) = (server.ws.to_string(), server.http.to_string());
    let mut command = tidegate();
    command.args(["--ws-addr", &ws, "--http-addr", &http, "--cores", "2"]).args(more);
    Server::spawn(&mut command)
}

#[test]
fn a_restart_is_seen_and_what_it_lost_is_told() {
    let mut server = Server::start(&[]);
    let browser = Browser::start();
    let base = format!("http://localhost:{}/demo/", server.http.port());
    let reader = browser.open(&format!("{base}eventsource.html"), DESKTOP);
    reader.click("Open");
    reader.wait_for("Open");
    let talker = browser.open(&format!("{base}websocket.html"), DESKTOP);
    connect(&talker, "anna");
    wait_for_row(&reader, "connected main anna");
    server.stop();
    talker.wait_for("Closed: 1012, the server restarts");
    let closed = wait_for_row(&reader, "closed main anna 1012");
    assert!(closed.contains("by the server: the server restarts"), "{closed}");
    reader.wait_for("Reconnecting");
    wait_for_row(&reader, "lost The stream broke off.");
    // Nobody is there: that is said, and nothing more is known.
    talker.click("Connect");
    talker.wait_for("No connection");
    let failed = wait_for_row(&talker, "failed");
    let host = format!("Nothing answers at localhost:{}.", server.ws.port());
    assert!(failed.contains(&host), "{failed}");
    let server = again(&server, &[]);
    reader.wait_for("Open");
    let back = wait_for_row(&reader, "reconnected");
    assert!(back.contains("behind "), "{back}");
    wait_for_row(&reader, "gap Events are missing here; how many is not known.");
    talker.click("Connect");
    talker.wait_for("Open as anna");
    wait_until("it is read again", || {
        let connected = "connected main anna {\"connectionId\":\"anna\"}";
        rows(&reader, 0).iter().filter(|row| *row == connected).count() == 2
    });
    let counts = reader.run("() => document.getElementById('counts').textContent");
    assert!(counts.as_str().unwrap().ends_with("1 gap · 1 reconnect"), "{counts}");
    reader.photograph("eventsource-after-a-restart");
    drop(server);
    browser.finish();
}

#[test]
fn what_does_not_work_says_where_to_look() {
    let server = Server::start(&[]);
    let browser = Browser::start();
    let base = format!("http://localhost:{}/demo/", server.http.port());
    let talker = browser.open(&format!("{base}websocket.html"), DESKTOP);
    talker.fill("Address", &ws_url(&server, "/nowhere"));
    talker.click("Connect");
    let failed = wait_for_row(&talker, "failed");
    let host = format!("A server answers at localhost:{}, but opens no", server.ws.port());
    assert!(
        failed.contains(&host) && failed.contains("Is /nowhere one of its routes?"),
        "{failed}"
    );
    talker.fill("Address", "not a URL at all:");
    talker.click("Connect");
    talker.wait_for("Not connected: an address is like ws://localhost:");
    talker.photograph("websocket-in-vain");
    say(&talker, "hello?");
    talker.wait_for("Not connected: nothing was sent");
    // It takes the connection and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = silent.local_addr().expect("it has one").port();
    talker.fill("Address", &format!("ws://127.0.0.1:{port}/"));
    talker.click("Connect");
    talker.wait_for("Connecting…");
    let before = rows(&talker, 0).len();
    talker.click("Close");
    talker.wait_for("Not connected: given up here");
    assert_eq!(rows(&talker, 0).len(), before, "nothing has failed");
    let reader = browser.open(&format!("{base}eventsource.html"), DESKTOP);
    reader.fill("Address", &format!("{}?rom=a", events_url(&server)));
    reader.click("Open");
    let failed = wait_for_row(&reader, "failed");
    assert!(failed.starts_with("failed 400 unknown-parameter: "), "{failed}");
    reader.wait_for("Not connected");
    reader.fill("Address", &format!("http://localhost:{}/", server.http.port()));
    reader.click("Open");
    wait_for_row(&reader, "failed There is no event stream there, but text/html");
    reader.fill("Address", "localhost:8082");
    reader.click("Open");
    reader.wait_for("Not connected: an address is like http://localhost:");
    reader.fill("Address", &format!("http://localhost:{}/events", free_port()));
    reader.click("Open");
    wait_for_row(&reader, "Nothing answers at localhost:");
    let focus = "() => document.activeElement.id";
    assert_eq!(reader.run(focus), "close", "the key that opened it closes it");
    reader.click("Close");
    reader.wait_for("Closed");
    assert_eq!(reader.run(focus), "open");
    // An id of another life of the server: what was before is lost, and that is told.
    reader.fill("Address", &events_url(&server));
    reader.select("Begin", "after an event");
    reader.fill("Event id", "4opjdss-00000000002");
    reader.click("Open");
    wait_for_row(&reader, "lastEventId=4opjdss-00000000002");
    wait_for_row(&reader, "gap Events are missing here; how many is not known.");
    reader.photograph("eventsource-after-an-event");
    reader.click("Close");
    reader.select("Begin", "now");
    // One room, one name, exact bytes: as the fields say, and as curl would have it.
    reader.fill("Rooms", "lab, hall");
    reader.fill("connectionIds", "anna");
    reader.tick("Rooms and sessions too (format=full)");
    reader.click("Open");
    reader.wait_for("Open");
    let mut client = WebSocket::connect(server.ws, "/ws/lab");
    client.say(r#"{"connectionId":"anna"}"#);
    client.say(r#"{ "connectionId": "anna", "close to": 1.0 }"#);
    client.say_binary(b"\x00\x01");
    client.leave(3001, "");
    wait_for_row(&reader, "closed anna 3001");
    let told = rows(&reader, 4);
    let expected = [
        r#"connected anna {"connectionId":"anna"}"#,
        r#"message anna { "connectionId": "anna", "close to": 1.0 }"#,
        "binary anna 2 bytes · 00 01 · base64 AAE=",
        "closed anna 3001 by the client: a code of the application's own",
    ];
    assert_eq!(told[told.len() - 4..], expected);
    browser.finish();
}

/// One port in place of the other, TLS where there is none.
#[test]
fn an_address_that_is_a_little_wrong_is_put_right() {
    let server = Server::start(&[]);
    let browser = Browser::start();
    let (ws, http) = (server.ws.port(), server.http.port());
    let base = format!("http://localhost:{http}/demo/");
    let talker = browser.open(&format!("{base}websocket.html"), DESKTOP);
    talker.fill("Address", &format!("wss://localhost:{ws}/"));
    talker.click("Connect");
    talker.wait_for("No connection: that port has no TLS");
    let failed = wait_for_row(&talker, "but that port has no TLS: ");
    assert!(failed.ends_with("write ws:// in place of wss://."), "{failed}");
    talker.fill("Address", &format!("ws://localhost:{http}/"));
    talker.click("Connect");
    let right = format!("WebSockets connect at ws://localhost:{ws}/");
    talker.wait_for(&format!("No connection: {right}"));
    wait_for_row(&talker, &format!("failed Port {http} is where events are read; {right}."));
    let reader = browser.open(&format!("{base}eventsource.html"), DESKTOP);
    reader.fill("Address", &format!("https://localhost:{http}/events"));
    reader.click("Open");
    let failed = wait_for_row(&reader, "but that port has no TLS: ");
    assert!(failed.ends_with("write http:// in place of https://."), "{failed}");
    reader.click("Close");
    reader.fill("Address", &format!("http://localhost:{ws}/events"));
    reader.click("Open");
    let right = format!("events are read at http://localhost:{http}/events");
    wait_for_row(&reader, &format!("failed Port {ws} is where WebSockets connect; {right}."));
    browser.finish();
}

/// Where something was missed, an end may have been.
#[test]
fn who_may_have_gone_is_not_shown_as_there() {
    let server = Server::start(&[]);
    let browser = Browser::start();
    let base = format!("http://localhost:{}/", server.http.port());
    let window = browser.open(&base, DESKTOP);
    let told = window.run(
        "async () => {
            const { People } = await import('/demo/people.js');
            const list = document.body.appendChild(document.createElement('ul'));
            const people = new People(list);
            const told = [];
            const note = () => told.push([people.open, people.unknown]);
            for (const [name, session] of [['anna', 1], ['bob', 2], ['bob', 2], ['carl', 3]]) {
                people.hear(name, session);
            }
            people.end('carl', 3, 1000);
            note();
            people.doubt();
            note();
            people.hear('anna', 1);
            note();
            people.end('bob', 2, 1001);
            // His name was taken, and only then he went.
            people.hear('anna', 5);
            people.end('anna', 1, 4409);
            people.hear('bob', 6);
            note();
            people.doubt();
            people.end('anna', 7, 1000);
            note();
            while (list.childElementCount < 3) await new Promise(requestAnimationFrame);
            return [told, [...list.children].map(one => [...one.children].map(part => part.textContent).join(' '))];
        }",
    );
    let states = [[2, 0], [0, 2], [1, 1], [2, 0], [0, 1]];
    let shown = [
        "anna 3 events · closed 1000",
        "bob 3 events · perhaps gone",
        "carl 1 event · closed 1000",
    ];
    assert_eq!(told, json!([states, shown]));
    browser.finish();
}

/// A key is nobody's business but the server's.
fn keep(folder: &Folder, secret: &str) {
    let file = folder.write("app.key", secret);
    fs::set_permissions(file, Permissions::from_mode(0o600)).expect("it is ours");
}

const KEYED: &str = "[[key]]\nname = \"app\"\nsecret = { file = \"app.key\" }\n";

/// Pages of the server take a credential, which nobody types into the address of a page; so they are
/// from elsewhere.
#[test]
fn with_keys_a_credential_is_all_it_takes() {
    let folder = Folder::new();
    let secret = "a-secret-of-the-app-0123456789";
    keep(&folder, secret);
    let config = folder.write("tidegate.toml", KEYED);
    let options = ["--config", config.as_str()];
    let mut server = Server::start(&options);
    assert_eq!(http::get(server.http, "/").status, 401);
    let files = Files::serve();
    let browser = Browser::start();
    let reader = browser.open(&format!("{}demo/eventsource.html", files.base), DESKTOP);
    reader.fill("Address", &events_url(&server));
    reader.click("Open");
    let failed = wait_for_row(&reader, "failed");
    assert!(failed.starts_with("failed 401 credentials-missing: "), "{failed}");
    reader.fill("Credential", "not-this-one");
    reader.click("Open");
    wait_for_row(&reader, "failed 401 credentials-invalid: ");
    reader.wait_for("Not connected");
    reader.fill("Credential", secret);
    reader.click("Open");
    reader.wait_for("Open");
    let talker = browser.open(&format!("{}demo/websocket.html", files.base), DESKTOP);
    talker.fill("Address", &ws_url(&server, "/"));
    talker.click("Connect");
    wait_for_row(&talker, "Does it want a credential?");
    talker.fill("Credential", secret);
    connect(&talker, "anna");
    say(&talker, "hello");
    wait_for_row(&reader, r#"message main anna {"connectionId":"anna","message":"hello"}"#);
    // A ticket is good once: another is fetched, and the stream goes on where it was.
    server.stop();
    reader.wait_for("Reconnecting");
    let server = again(&server, &options);
    reader.wait_for("Open");
    wait_for_row(&reader, "reconnected");
    wait_for_row(&reader, "gap ");
    // The key is gone, and with it whoever it let in.
    keep(&folder, "another-secret-of-the-app-0123");
    server.signal(rustix::process::Signal::HUP);
    wait_for_row(&reader, "expired The credential is no longer good: key-removed.");
    reader.wait_for("Ended: the credential is no longer good");
    let said = "() => document.documentElement.outerHTML";
    for window in [&reader, &talker] {
        assert!(!window.run(said).as_str().unwrap().contains(secret));
    }
    browser.finish();
}
