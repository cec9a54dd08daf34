//! Files without mistakes, and what they mean.

use std::net::SocketAddr;
use std::time::Duration;

use super::*;
use crate::limits::Limits;
use crate::routes::{Behaviour, Broadcast, Duplicate, Names, Route, Table};

fn config(text: &str) -> Config {
    load(text).map(|loaded| loaded.config).unwrap_or_else(|told| panic!("{text}: {told:?}"))
}

fn routes(text: &str) -> Vec<Route> {
    config(text).routes.iter().cloned().collect()
}

/// Everything that can be said, once.
const WHOLE: &str = r#"
max-message = "128KiB"
cores = 2
ws-addr = ["localhost:3000", "127.0.0.1:4000"]
http-addr = "localhost:3001"
compression = true
ping-interval = "5s"
send-buffer = 65_536
allow-origin = "https://Example.org:443"

[[route]]
path = "/help"
behaviour = "reply"
greeting = "Hi,\nhow can I \"help\"?"
ignore-case = true
publish = true
room = "desk"
subprotocols = ["chat.v1", "chat.v2"]
[[route.reply]]
contains = "help"
text = "Sure."
[[route.reply]]
contains = "hi"
json = '{"a": 1}'
[route.otherwise]
text = "Sorry, I am unable to understand you."

[[route]]
path = "/chat/{room}/{token}"
open = true
behaviour = "broadcast"
echo = true
publish = false
rooms = true
presence = true
last-value = true
since = true
connection-id = "client"
duplicate = "refuse"
allow-origin = ["https://a.example", "*"]
max-message = "16KiB"
max-fragments = 3
message-time = "1s"
max-refusals = 4
ping-interval = "6s"
ping-timeout = "7s"
greeting = { json = '{"b": 2}' }

[[route]]
path = "/in"
behaviour = "relay"
envelope = "wrap"
greeting = { text = "go" }

[[route]]
path = "/"
behaviour = "relay"
room = "lobby"
"#;

#[test]
fn an_empty_file_changes_nothing() {
    for text in ["", "# nothing\n", "\u{feff}", "\r\n"] {
        assert_eq!(config(text), Config::default(), "{text:?}");
    }
}

#[test]
fn everything_that_can_be_said_is_understood() {
    let config = config(WHOLE);
    assert_eq!(config.limits.message_bytes_max, 128 << 10);
    assert_eq!((config.cores, config.compression, config.send_buffer), (2, true, Some(65_536)));
    let addrs: Vec<_> = config.ws_addrs.iter().map(SocketAddr::to_string).collect();
    assert_eq!(addrs, ["127.0.0.1:3000", "[::1]:3000", "127.0.0.1:4000"]);
    assert_eq!(config.allow_origins, ["https://example.org"]);

    let routes: Vec<_> = config.routes.iter().collect();
    let paths: Vec<_> = routes.iter().map(|route| route.path.to_string()).collect();
    assert_eq!(paths, ["/help", "/chat/{room}/{token}", "/in", "/"]);
    let [help, chat, inward, root] = routes.as_slice() else { panic!("{routes:?}") };

    assert_eq!((root.room.as_str(), root.names), ("lobby", Names::Client));
    assert_eq!(root.behaviour, Behaviour::Relay { wrap: false });

    assert!(help.publish);
    assert_eq!((help.room.as_str(), help.subprotocols.len()), ("desk", 2));
    assert_eq!(help.greeting.as_deref(), Some("Hi,\nhow can I \"help\"?"));
    let Behaviour::Reply(replies) = &help.behaviour else { panic!("{help:?}") };
    assert_eq!(replies.answer(b"HI, help"), Some("{\"a\": 1}"));
    assert_eq!(replies.answer(b"?"), Some("Sorry, I am unable to understand you."));

    assert_eq!((inward.greeting.as_deref(), inward.names), (Some("go"), Names::Server));
    assert_eq!(inward.behaviour, Behaviour::Relay { wrap: true });

    let all = Broadcast { echo: true, rooms: true, presence: true, last_value: true, since: true };
    assert_eq!(chat.broadcast(), Some(&all));
    assert_eq!((chat.publish, chat.names), (false, Names::Client));
    assert_eq!(chat.duplicate, Duplicate::Refuse);
    assert_eq!(
        chat.allow_origins.as_deref(),
        Some(&["https://a.example", "*"].map(str::to_owned)[..])
    );
    let limits = Limits {
        message_bytes_max: 16 << 10,
        fragments_max: 3,
        message_time: Duration::from_secs(1),
        refusals_max: 4,
        ping_interval: Duration::from_secs(6),
        ping_timeout: Duration::from_secs(7),
        ..config.limits.clone()
    };
    assert_eq!(chat.limits.as_deref(), Some(&limits));
}

#[test]
fn a_route_is_what_its_behaviour_makes_it_unless_it_says_otherwise() {
    for behaviour in ["relay", "broadcast", "echo", "reply"] {
        let found = routes(&format!("[[route]]\npath = '/x'\nbehaviour = '{behaviour}'"));
        let [route] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(route, &Route::new(route.path.clone(), route.behaviour.clone()));
    }
    assert_eq!(config("route = []").routes, Table::new(Vec::new()).unwrap());
}

/// A route's own limits are the server's but for what it says.
#[test]
fn a_routes_limits_follow_the_servers() {
    let text = "max-fragments = 7\n[[route]]\npath = '/x'\nbehaviour = 'echo'\n";
    assert_eq!(routes(text)[0].limits, None);
    assert_eq!(routes(&format!("{text}max-fragments = 7"))[0].limits, None);
    let found = routes(&format!("{text}max-refusals = 3"));
    let limits = found[0].limits.as_ref().unwrap();
    assert_eq!((limits.fragments_max, limits.refusals_max), (7, 3));
}

#[test]
fn what_is_written_is_worth_less_than_what_is_said_later() {
    let scratch = Scratch::new();
    scratch.write("tidegate.toml", "cores = 3\ndrain = '3s'\nlinger = '3s'\nws-addr = '3000'");
    let line = format!("tidegate --cores 5 --config {}/tidegate.toml", scratch.path().display());
    let variables = [("TIDEGATE_CORES", "4"), ("TIDEGATE_DRAIN", "4s")];
    let env = move |name: &str| {
        variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).into())
    };
    let command = Config::from_args(line.split(' ').map(Into::into), env).unwrap();
    let Command::Serve(loaded, source) = command else { panic!("{command:?}") };
    let seconds = |limits: &Limits| (limits.drain.as_secs(), limits.linger.as_secs());
    assert_eq!((loaded.config.cores, seconds(&loaded.config.limits)), (5, (4, 3)));
    assert_eq!(loaded.config.ws_addrs[0].port(), 3000);
    // The file is read again, the rest is as it was.
    scratch.write("tidegate.toml", "cores = 1\nlinger = '6s'");
    let loaded = source.reload().unwrap();
    assert_eq!((loaded.config.cores, seconds(&loaded.config.limits)), (5, (4, 6)));
    assert_eq!(loaded.config.ws_addrs, Config::default().ws_addrs);
}

#[test]
fn a_variable_names_the_file_too() {
    let scratch = Scratch::new();
    scratch.write("a.toml", "drain = '7s'");
    let file = scratch.path().join("a.toml").into_os_string();
    let env = move |name: &str| (name == "TIDEGATE_CONFIG").then(|| file.clone());
    let Ok(Command::Serve(loaded, source)) =
        Config::from_args(["tidegate".into()].into_iter(), env)
    else {
        panic!("no file");
    };
    assert_eq!(loaded.config.limits.drain, Duration::from_secs(7));
    assert_eq!(source.file(), Some(&*scratch.path().join("a.toml")));
}

#[test]
fn a_file_that_cannot_be_read_is_a_mistake() {
    let scratch = Scratch::new();
    let told = scratch.command("").map(|_| ()).unwrap_err();
    let expected = "--config: \"tidegate.toml\" cannot be read: No such file or directory";
    assert!(told.len() == 1 && told[0].starts_with(expected), "{told:?}");
    fs::create_dir(scratch.path().join("tidegate.toml")).unwrap();
    let told = scratch.command("--cores 0").map(|_| ()).unwrap_err();
    let expected = [
        "--config: \"tidegate.toml\" is a folder; name the file in it",
        "--cores: \"0\" is too small (1 to 128)",
    ];
    assert_eq!(told, expected);
}

#[test]
fn what_is_printed_is_the_same_configuration() {
    for text in ["", WHOLE, "max-message = '16MiB'", "route = []", "demo = false"] {
        let loaded = load(text).unwrap_or_else(|told| panic!("{told:?}"));
        let printed = loaded.to_toml();
        let again = load(&printed).unwrap_or_else(|told| panic!("{told:?}\n{printed}"));
        assert!(again.config == loaded.config, "{printed}");
    }
}

#[test]
fn keywords_are_printed_as_they_were_written() {
    let text = "[[route]]\npath = '/'\nbehaviour = 'reply'\nignore-case = true\n\
                [[route.reply]]\ncontains = 'HeLp ΟΔΟΣ'\ntext = 'Sure'";
    let printed = load(text).unwrap_or_else(|told| panic!("{told:?}")).to_toml();
    assert!(printed.contains("\ncontains = \"HeLp ΟΔΟΣ\"\n"), "{printed}");
}

#[test]
fn what_is_printed_says_where_it_is_from() {
    let scratch = Scratch::new();
    let text = "max-message = '8MiB'\ncores = 3\n";
    let printed = scratch.print("config --cores 2", text);
    for line in [
        "cores = 2  # flag",
        "max-message = \"8MiB\"  # file",
        "room-log = \"8MiB\"  # default, raised to hold what else was given",
        "node-log = \"256MiB\"  # default",
        "# send-buffer is the kernel's choice  # default",
        "# demo is true, on loopback  # default",
        "ws-addr = [\"127.0.0.1:8080\", \"[::1]:8080\"]  # default",
        "# Routes: built in",
        "path = \"/chat/{room}\"",
    ] {
        assert!(printed.lines().any(|one| one == line), "{line}\n{printed}");
    }
    assert!(!printed.contains("\nconfig = "), "{printed}");
}

#[test]
fn a_check_says_what_there_is_and_what_to_look_at() {
    let scratch = Scratch::new();
    let file = scratch.path().join("tidegate.toml").display().to_string();
    let text = "[[route]]\npath = '/x'\nbehaviour = 'reply'\n[[page]]\npath = '/'\ntext = 'x'";
    assert_eq!(
        scratch.print("check", text),
        format!(
            "ok: {file}\n\
             ok: 1 route, 1 page (1B): /x\n\
             ok: no [[key]]: nobody is asked for a credential\n\
             warning: route /x: it never replies; \
             give it a [[route.reply]] or a [route.otherwise]\n"
        )
    );
}
