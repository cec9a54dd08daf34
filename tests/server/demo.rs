//! The pages that come with the server: when they are there, and what is worth more.

use crate::support::server::tidegate;
use crate::support::{Folder, Server, http};
use rustix::process::Signal;

const PATHS: [&str; 4] = ["/", "/index.html", "/demo/websocket.html", "/favicon.ico"];

fn statuses(server: &Server) -> Vec<u16> {
    PATHS.iter().map(|path| http::get(server.http, path).status).collect()
}

#[test]
fn on_loopback_they_are_there_unless_somebody_says_no() {
    let server = Server::start(&[]);
    assert_eq!(statuses(&server), [200; 4]);
    let index = http::get(server.http, "/");
    let (ws, http_port) = (server.ws.port(), server.http.port());
    let ports = format!("content=\"ws-port={ws} http-port={http_port}\"");
    assert!(index.body.contains(&ports), "{}", index.body);
    assert!(index.header("content-security-policy").is_some_and(|it| it.contains("'none'")));
    server.wait_for_log(&format!("open a page:      http://localhost:{http_port}/"));
    let no: [&[&str]; 2] = [&["--demo", "false"], &["--demo=no"]];
    for options in no {
        assert_eq!(statuses(&Server::start(options)), [404; 4], "{options:?}");
    }
    let server = Server::start_with(tidegate().env("TIDEGATE_DEMO", "false"));
    assert_eq!(statuses(&server), [404; 4]);
}

#[test]
fn where_others_come_they_are_there_if_somebody_says_so() {
    let start = |more: &[&str]| {
        let mut command = tidegate();
        command.args(["--ws-addr", "127.0.0.1:0", "--http-addr", "0.0.0.0:0", "--insecure"]);
        Server::spawn(command.args(["--cores", "1"]).args(more))
    };
    for (options, status) in [(&[][..], 404), (&["--demo"], 200), (&["--demo", "true"], 200)] {
        let mut server = start(options);
        server.http.set_ip([127, 0, 0, 1].into());
        assert_eq!(statuses(&server), [status; 4], "{options:?}");
    }
}

#[test]
fn what_is_configured_at_a_path_is_worth_more_and_a_reload_knows_the_ports() {
    let folder = Folder::new();
    let mine = "[[page]]\npath = \"/\"\ntext = \"mine\"\n";
    let file = folder.write("tidegate.toml", mine);
    let server = Server::start(&["--config", &file]);
    let get = |path: &str| http::get(server.http, path);
    assert_eq!(get("/").body, "mine");
    assert_eq!(get("/").header("content-security-policy"), None);
    assert!(get("/demo/eventsource.html").body.contains("<h1>Event stream</h1>"));
    let reload = |text: &str| {
        let seen = server.log_lines();
        folder.write("tidegate.toml", text);
        server.signal(Signal::HUP);
        server.wait_for_log_after(seen, "loaded ");
    };
    reload("[[route]]\npath = \"/<new>\"\nbehaviour = \"echo\"\n");
    let index = get("/").body;
    assert!(index.contains("<code>/&lt;new&gt;</code>") && !index.contains("/chat/"), "{index}");
    assert!(index.contains(&format!("ws-port={} ", server.ws.port())), "{index}");
    reload("demo = false\n");
    assert_eq!(statuses(&server), [404; 4]);
    reload(mine);
    assert_eq!(statuses(&server), [200; 4]);
}
