//! Where credentials are taken, and where nobody is asked.

use super::*;
use crate::auth::{Access, Refusing};
use crate::routes::Route;

const ROUTE: &str = "[[route]]\npath = '/x'\nbehaviour = 'echo'\n";

fn access(door: &str) -> Access {
    loaded(&format!("{KEYS}{door}")).config.access
}

fn route(text: &str) -> Route {
    let routes = loaded(&format!("{KEYS}{text}")).config.routes;
    let route = routes.iter().next().cloned();
    route.expect("a route")
}

/// The mistakes of a file with two keys before it, in eight lines.
fn told(text: &str) -> Vec<String> {
    mistakes(&format!("{KEYS}{text}"))
}

#[test]
fn a_door_of_which_nothing_is_said_takes_one_field() {
    let usual = Door { headers: vec!["x-api-key".to_owned()], ..Door::default() };
    for text in ["", "[auth]"] {
        let access = access(text);
        assert_eq!((&*access.door, access.open_metrics), (&usual, false), "{text}");
        assert!(access.forwards.is_empty());
    }
    assert_eq!(route(ROUTE).door, None);
    assert_eq!(route(&format!("{ROUTE}[route.auth]")).door, Some(Arc::new(usual)));
}

#[test]
fn everything_that_can_be_said_of_a_door_is_understood() {
    let text = "keys = ['ops', 'devices', 'ops']\nheader = ['X-WS-AUTH-KEY', 'x-ws-auth-key']\n\
                cookie = 'session'\nquery = 'accessToken'\nrefuse = 403\n";
    let door = Door {
        open: false,
        keys: Some(Box::new(["ops", "devices"].map(Arc::from))),
        headers: vec!["x-ws-auth-key".to_owned()],
        cookie: Some("session".to_owned()),
        query: Some("accessToken".to_owned()),
        refusing: Refusing::Forbidden,
        forward: None,
    };
    let server = access(&format!("[auth]\n{text}metrics = 'open'"));
    assert_eq!((&*server.door, server.open_metrics), (&door, true));
    // A route's door has nothing of the server's.
    let one = route(&format!("[auth]\ncookie = 'c'\n{ROUTE}[route.auth]\n{text}"));
    assert_eq!(one.door.as_deref(), Some(&door));
    assert_eq!(access("[auth]\nheader = []").door.headers, [""; 0]);
    assert_eq!(
        access("[auth]\nrefuse = '401'\nmetrics = 'manage'").door.refusing,
        Refusing::Unauthorized
    );
}

#[test]
fn what_is_open_is_open() {
    let open = Door { open: true, ..Door::default() };
    let text = "[[route]]\npath = '/{token}'\nbehaviour = 'echo'\nopen = true";
    assert_eq!(route(text).door.as_deref(), Some(&open));
    assert_eq!(loaded(text).config.routes.iter().next().unwrap().door.as_deref(), Some(&open));
    assert_eq!(route(&format!("{ROUTE}open = false")).door, None);
    let scratch = Scratch::new();
    scratch.write("public/a.css", "a");
    let text = "[[page]]\npath = '/a'\ntext = ''\nopen = true\n\
                [[page]]\npath = '/b'\ntext = ''\n\
                [[files]]\npath = '/c'\nfolder = 'public'\nopen = true";
    let config = scratch.load(text).unwrap();
    let pages: Vec<_> = config.site.iter().map(|(path, page)| (path, page.open)).collect();
    assert_eq!(pages, [("/a", true), ("/b", false), ("/c/a.css", true)]);
    let printed = scratch.print("config", text);
    assert_eq!(Scratch::new().load(&printed).unwrap(), config, "{printed}");
}

#[test]
fn another_server_may_be_asked_at_a_door() {
    let forward = "url = 'http://127.0.0.1:9000/auth?a=b'\n";
    let server = access(&format!("[auth]\nrefuse = 403\n[auth.forward]\n{forward}"));
    let asked = server.door.forward.clone().expect("it is asked");
    assert_eq!(asked.url(), "http://127.0.0.1:9000/auth?a=b");
    assert_eq!(asked.headers().collect::<Vec<_>>(), ["authorization", "cookie"]);
    assert_eq!(**asked.rights(), Rights::usual());
    assert_eq!(server.forwards.len(), 1);
    assert!(server.door.headers.is_empty() && server.door.refusing == Refusing::Forbidden);
    // Alone it is enough for the server to ask.
    let alone = loaded(&format!("[auth.forward]\n{forward}")).config.access;
    assert!(alone.is_on() && alone.keyring.is_empty());

    let more = "headers = ['X-Session']\nconnect = false\nsubscribe = ['a.*']\npublish = []\n\
                connection-id = ['{sub}']\n";
    let own = loaded(&format!("{KEYS}{ROUTE}[route.auth.forward]\n{forward}{more}")).config;
    let door = own.routes.iter().next().and_then(|route| route.door.clone()).expect("a door");
    let asked = door.forward.clone().expect("it is asked");
    assert_eq!(asked.headers().collect::<Vec<_>>(), ["x-session"]);
    assert_eq!(asked.rights().subscribe, globs(&["a.*"]));
    assert!(!asked.rights().connect && asked.rights().publish.is_none());
    assert_eq!(*own.access.forwards, [asked]);
    assert_eq!(own.access.door.forward, None);
}

#[test]
fn doors_are_printed_as_they_are() {
    let forward = "url = 'http://127.0.0.1:9000/'\nheaders = ['X-A']\nsubscribe = ['a.*']";
    for text in [
        "[auth]\nkeys = ['ops']\ncookie = 'c'\nquery = 'q'\nheader = []\nrefuse = 403".to_owned(),
        "[auth]\nmetrics = 'open'".to_owned(),
        format!("[auth.forward]\n{forward}"),
        format!("{ROUTE}open = true"),
        format!("{ROUTE}greeting = 'hi'\n[route.auth]\ncookie = 'c'"),
        format!(
            "{ROUTE}[route.auth.forward]\n{forward}\n[[route]]\npath = '/'\n\
             behaviour = 'reply'\n[route.otherwise]\ntext = 'x'\n[route.auth]\nrefuse = 403\n\
             [[page]]\npath = '/'\ntext = 'x'"
        ),
    ] {
        let loaded = loaded(&format!("{KEYS}{text}"));
        let printed = loaded.to_toml();
        let again = load(&printed).unwrap_or_else(|told| panic!("{told:?}\n{printed}"));
        assert_eq!(again.config, loaded.config, "{printed}");
    }
}

#[test]
fn doors_say_what_is_wrong_with_them() {
    let own = "is a field with a meaning of its own; choose another";
    for (text, expected) in [
        ("keys = ['device']", "10:9: keys: names no [[key]]; there are devices, ops"),
        ("keys = 'c4n4ry'", "10:8: keys: names no [[key]]; there are devices, ops"),
        (
            "keys = []",
            "10:8: keys: is empty: nobody could come in; leave it out, and all keys count",
        ),
        (
            "header = 'X-Key: c4n4ry'",
            "10:10: header: is no name of a header field; write it like X-API-Key",
        ),
        ("header = ['X', 'Authorization']", &format!("10:16: header: {own}")),
        ("header = ['Cookie']", &format!("10:11: header: {own}")),
        ("header = ['Host']", &format!("10:11: header: {own}")),
        ("header = ['Sec-WebSocket-Protocol']", &format!("10:11: header: {own}")),
        ("cookie = 'c4n4ry=1'", "10:10: cookie: is no name of a cookie; write it like session"),
        (
            "query = 'c4n4ry=1'",
            "10:9: query: is no name of a parameter; write it like accessToken: \
             1 to 64 letters, digits, . _ or -",
        ),
        ("query = 'ticket'", "10:9: query: is a parameter of the server itself; choose another"),
        ("query = 'room'", "10:9: query: is a parameter of the server itself; choose another"),
        ("refuse = 404", "10:10: refuse: is none of 401, 403"),
        ("metrics = 'closed'", "10:11: metrics: \"closed\" is none of open, manage"),
        ("headers = 'x'", "10:1: headers: is no key of auth; did you mean header?"),
        (
            "forward = 'http://a'",
            "10:11: forward: is a text; write a table, like { url = \"http://127.0.0.1:9000/auth\" }",
        ),
        ("forward = {}", "10:11: forward: has no url"),
        (
            "forward.url = 'https://a'",
            "10:15: url: is https, which is not yet spoken; put a proxy between, or write http://",
        ),
        (
            "forward.url = 'http://c4n4ry:c4n4ry@a'",
            "10:15: url: has a user or a password in it; send neither",
        ),
        (
            "forward.url = 'localhost:9000'",
            "10:15: url: is no URL; write it like http://127.0.0.1:9000/auth",
        ),
        ("forward = { url = 'http://a', headers = ['Host'] }", &format!("10:42: headers: {own}")),
        (
            "forward = { url = 'http://a', manage = true }",
            "10:31: manage: is no key of forward; \
             it may have url, headers, connect, subscribe, publish, connection-id",
        ),
    ] {
        let text = format!("[auth]\n{text}");
        assert_eq!(told(&text), [expected], "{text}");
        // Behind the three lines of a route.
        let at_route = told(&format!("{ROUTE}{}", text.replace("[auth]", "[route.auth]")));
        if !expected.contains("metrics") {
            let further =
                expected.replacen("10:", "13:", 1).replace("key of auth", "key of route.auth");
            assert_eq!(at_route, [further], "{text}");
        }
    }
    let beside = "is of no use beside forward, which decides by itself; leave out one of them";
    for key in ["keys = ['ops']", "header = 'X-Y'", "cookie = 'a'", "query = 'a'"] {
        let text = format!("[auth]\n{key}\nforward = {{ url = 'http://a' }}");
        let name = key.split(' ').next().unwrap();
        let column = name.len() + 4;
        assert_eq!(told(&text), [format!("10:{column}: {name}: {beside}")]);
    }
    assert_eq!(
        told(&format!("{ROUTE}[route.auth]\nmetrics = 'open'")),
        ["13:1: metrics: is of the whole server; write it below a line [auth]"]
    );
    assert_eq!(
        told(&format!("{ROUTE}open = true\n[route.auth]")),
        ["13:1: auth: is beside open = true; leave out one of them"]
    );
}

#[test]
fn a_door_without_keys_would_be_no_door() {
    let words = "takes a [[key]], and there is none: everybody would be let in; write one";
    assert_eq!(mistakes("[auth]\nmetrics = 'open'"), [format!("1:1: auth: {words}")]);
    assert_eq!(mistakes(&format!("{ROUTE}[route.auth]")), [format!("4:1: route.auth: {words}")]);
    let forward = "[route.auth.forward]\nurl = 'http://a'";
    assert_eq!(
        mistakes(&format!("{ROUTE}{forward}")),
        ["4:8: route.auth: takes a [[key]], or an [auth.forward], beside it: \
          nobody could come in anywhere else"]
    );
    assert!(load(&format!("[auth.forward]\nurl = 'http://a'\n{ROUTE}{forward}")).is_ok());
}

/// A browser sends a cookie along whoever's page asks.
#[test]
fn a_cookie_is_not_for_every_page() {
    let any = "allow-origin = '*'\n";
    let words = "cannot be beside allow-origin = \"*\": every page that a browser shows could use \
                 it; write out the origins";
    let cookie = "[auth]\ncookie = 'session'\n";
    assert_eq!(mistakes(&format!("{any}{KEYS}{cookie}")), [format!("11:10: cookie: {words}")]);
    let forward = "[auth.forward]\nurl = 'http://a'\n";
    assert_eq!(mistakes(&format!("{any}{KEYS}{forward}")), [format!("10:1: forward: {words}")]);
    assert!(load(&format!("{any}{KEYS}{forward}headers = ['Authorization']")).is_ok());
    assert!(load(&format!("{any}{KEYS}")).is_ok());
    assert_eq!(
        told(&format!("{cookie}{ROUTE}{any}")),
        ["14:16: allow-origin: cannot have *, as [auth] takes a cookie: every page that a \
             browser shows could use it; write out the origins, or give the route an [auth] of its \
             own"]
    );
    assert!(load(&format!("{KEYS}{cookie}{ROUTE}{any}[route.auth]")).is_ok());
    assert!(load(&format!("{KEYS}{cookie}{ROUTE}{any}open = true")).is_ok());
    let own = format!("{KEYS}{ROUTE}{any}[route.auth]\ncookie = 'a'");
    assert_eq!(mistakes(&own), [format!("14:10: cookie: {words}")]);
}

#[test]
fn a_listener_for_others_takes_keys_or_somebody_who_means_it() {
    let open = "ws-addr = '0.0.0.0:1'\nhttp-addr = '[::]:2'\n";
    let told = mistakes(open);
    assert_eq!(told.len(), 2, "{told:?}");
    for words in ["a [[key]] in the file of --config", "or --insecure, or insecure = true"] {
        assert!(told.iter().all(|line| line.contains(words)), "{told:?}");
    }
    assert!(load(&format!("{open}{KEYS}")).is_ok());
    assert!(load(&format!("{open}[auth.forward]\nurl = 'http://a'")).is_ok());
    assert!(load(&format!("{open}insecure = true")).is_ok());
    assert_eq!(mistakes(&format!("{open}key = []")).len(), 2);
    // What is wrong with a key is one mistake, and not two.
    assert_eq!(mistakes(&format!("{open}[[key]]\nname = 'a'")).len(), 1);
    // To be insecure switches nothing off.
    assert!(loaded(&format!("insecure = true\n{open}{KEYS}")).config.access.is_on());
}

#[test]
fn what_works_but_may_not_be_meant_is_a_warning() {
    let app = "[[key]]\nname = 'app'\nalgorithm = 'HS256'\nsecret = { env = 'APP_KEY' }\n";
    for (text, expected) in [
        (KEYS.to_owned(), vec![]),
        (
            app.to_owned(),
            vec![
                "no [[key]] that counts in [auth] may manage: the API is closed to everybody; \
                  manage = true opens it to a key",
            ],
        ),
        (
            format!("{KEYS}[auth]\nkeys = ['ops']"),
            vec!["key devices: no door takes it; name it in keys of [auth] or of [route.auth]"],
        ),
        (format!("{KEYS}[auth]\nkeys = ['ops']\n{ROUTE}[route.auth]"), vec![]),
        (
            format!("{KEYS}[auth.forward]\nurl = 'http://a'"),
            vec!["key devices: no door takes it; name it in keys of [auth] or of [route.auth]"],
        ),
        (
            format!("{KEYS}{app}connect = false\nsubscribe = []"),
            vec!["key app: it gives no right to anything; write connect = true"],
        ),
        (
            format!("{KEYS}{app}subscribe = ['{{user}}.*', '{{sub}}']"),
            vec!["key app: {user} stands for itself; only {sub} stands for a subject"],
        ),
    ] {
        assert_eq!(loaded(&text).warnings, expected, "{text}");
    }
}

#[test]
fn a_check_says_who_may_come() {
    let scratch = Scratch::new();
    let line = |text: &str| {
        let said = scratch.print("check", text);
        said.lines().nth(2).unwrap_or_default().to_owned()
    };
    let open = "[auth]\nmetrics = 'open'\n\
                [[route]]\npath = '/in'\nbehaviour = 'echo'\nopen = true\n\
                [[page]]\npath = '/'\ntext = ''\nopen = true\n[[page]]\npath = '/b'\ntext = ''";
    assert_eq!(line(""), "ok: no [[key]]: nobody is asked for a credential");
    assert_eq!(line(KEYS), "ok: 2 keys; may manage: ops; open to everybody: nothing");
    assert_eq!(
        line(&format!("{KEYS}{open}")),
        "ok: 2 keys; may manage: ops; open to everybody: /in, /, /metrics"
    );
    assert_eq!(
        line("[auth.forward]\nurl = 'http://a'"),
        "ok: 0 keys; may manage: none; open to everybody: nothing"
    );
}
