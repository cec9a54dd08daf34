//! What is wrong with a file, in the words that its author reads.

use proptest::prelude::*;

use super::*;

/// Each file, and all that is wrong with it.
fn check(cases: &[(&str, &[&str])]) {
    for (text, expected) in cases {
        assert_eq!(mistakes(text), *expected, "{text}");
    }
}

#[test]
fn options_are_told_in_the_words_of_the_command_line() {
    check(&[
        (
            "max-message = \"64KB\"\ncores = 0\nws-addr = [\"127.0.0.1\", \"8080\", \"oops\"]",
            &[
                "1:15: max-message: \"64KB\" is not a size; write KiB, like 64KiB (1KiB to 64MiB)",
                "2:9: cores: \"0\" is too small (1 to 128)",
                "3:12: ws-addr: \"127.0.0.1\" has no port; write it like 127.0.0.1:8080",
                "3:33: ws-addr: \"oops\" is not an address; \
                 write it like 127.0.0.1:8080, [::1]:8080, localhost:8080 or 8080",
            ],
        ),
        (
            "ping-interval = 25",
            &["1:17: ping-interval: \"25\" has no unit; write it like 25s or 25ms (10ms to 24h)"],
        ),
        ("cores = 1.5", &["1:9: cores: \"1.5\" is not a whole number (1 to 128)"]),
        ("cores = [1]", &["1:9: cores: is a list; write one value"]),
        ("cores = 0xff", &["1:9: cores: \"255\" is too large (1 to 128)"]),
        ("cores = -1", &["1:9: cores: \"-1\" is not a whole number (1 to 128)"]),
        ("ws-addr.x = 1", &["1:1: ws-addr: is a table; write a text, or a list of texts"]),
        ("ws-addr = [[\"8080\"]]", &["1:12: ws-addr: is a list; write a text, or a list of texts"]),
        (
            "compression = \"perhaps\"",
            &["1:15: compression: \"perhaps\" is neither true nor false; \
               write 1, true, yes or on; or 0, false, no or off"],
        ),
        (
            "insecure = false\nws-addr = [\n  '8080',\n  '0.0.0.0:1',\n]",
            &["2:11: ws-addr: \"0.0.0.0:1\" is not a loopback address: everyone who can reach it \
               could connect and read; a [[key]] in the file of --config has them asked who they \
               are, or --insecure, or insecure = true in the file, accepts this"],
        ),
        (
            "max-message = '1MiB'\nroom-log = '64KiB'",
            &["1:15: max-message: \"1MiB\" is more than --room-log (64KiB): \
               a message must fit into the log of its room"],
        ),
    ]);
}

#[test]
fn unknown_keys_are_told_with_the_nearest() {
    check(&[
        ("max-mesage = 1", &["1:1: max-mesage: is no option; did you mean max-message?"]),
        ("\n  max_message = 1", &["2:3: max_message: is no option; did you mean max-message?"]),
        ("routes = []", &["1:1: routes: is no option; did you mean route?"]),
        ("zebra = 1", &["1:1: zebra: is no option; tidegate --help lists them all"]),
        ("\"a\\nb\" = 1", &["1:1: a\\nb: is no option; tidegate --help lists them all"]),
        ("config = 'other.toml'", &["1:1: config: cannot be set in the file itself"]),
        ("room = 'a'", &["1:1: room: is of a route; write it below a line [[route]]"]),
        ("[[reply]]", &["1:3: reply: is of a route; write [[route.reply]]"]),
        ("[otherwise]", &["1:2: otherwise: is of a route; write [route.otherwise]"]),
        (
            "[[route]]\npath = '/'\nbehavior = 'echo'",
            &["3:1: behavior: is no key of route; did you mean behaviour?"],
        ),
        (
            "[[page]]\npath = '/'\ntext = ''\ncharset = 'utf-8'",
            &["4:1: charset: is no key of page; it may have path, text, file, type, open"],
        ),
        (
            "[[route]]\npath = '/'\nbehaviour = 'echo'\ncores = 2",
            &["4:1: cores: is an option of the whole server; \
               write it above the first table ([[…]])"],
        ),
    ]);
}

#[test]
fn what_is_no_toml_has_a_place() {
    for (text, place) in [
        ("cores = ", "1:9: is not TOML: "),
        ("a = 1\nb = \"x\nc = 2", "2:7: is not TOML: "),
        ("cores = 1\ncores = 2", "2:1: is not TOML: "),
        ("[[route]\n", "1:"),
        ("ü = 'é' x", "1:"),
    ] {
        let told = mistakes(text);
        assert!(told[0].starts_with(place) && told[0].contains("is not TOML"), "{text}: {told:?}");
    }
    let told = mistakes("a = \nfine = 1\nb = ]\n");
    let lines: Vec<_> = told.iter().filter_map(|line| line.split(':').next()).collect();
    assert_eq!(lines, ["1", "3"], "{told:?}");
    let told = load_bytes(b"cores = 1\n# \xc3\xa9 \xff").map(|_| ()).unwrap_err();
    assert_eq!(told, ["2:5: is not UTF-8 text from here on"]);
}

#[test]
fn routes_say_what_does_not_go_together() {
    let of = |keys: &str| mistakes(&format!("[[route]]\npath = '/x'\n{keys}"));
    for (keys, expected) in [
        (
            "behaviour = 'chat'",
            "3:13: behaviour: \"chat\" is none of relay, broadcast, echo, reply",
        ),
        ("behaviour = true", "3:13: behaviour: is true or false; write a text in quotes"),
        ("behaviour = 'relay'\necho = true", "4:8: echo: is for behaviour = \"broadcast\" only"),
        ("behaviour = 'echo'\nrooms = true", "4:9: rooms: is for behaviour = \"broadcast\" only"),
        (
            "behaviour = 'broadcast'\nenvelope = 'wrap'",
            "4:12: envelope: is for behaviour = \"relay\" only",
        ),
        (
            "behaviour = 'relay'\nignore-case = true",
            "4:15: ignore-case: is for behaviour = \"reply\" only",
        ),
        (
            "behaviour = 'relay'\npublish = false",
            "4:11: publish: cannot be false, as a relay does nothing else",
        ),
        (
            "behaviour = 'relay'\nconnection-id = 'server'",
            "4:17: connection-id: cannot be server, as clients of a relay name themselves in what \
             they say; envelope = \"wrap\" changes that",
        ),
        (
            "behaviour = 'broadcast'\nduplicate = 'refuse'",
            "4:13: duplicate: is of no use, as the server names no two alike; \
             write connection-id = \"client\"",
        ),
        (
            "behaviour = 'echo'\nroom = 'r'",
            "4:8: room: is of no use, as nothing is published; write publish = true",
        ),
        (
            "behaviour = 'relay'\nroom = '*'",
            "4:8: room: \"*\" is no name of a room: 1 to 128 bytes, no control characters, \
             and not *",
        ),
        (
            "behaviour = 'echo'\nsubprotocols = ['v1', 'v 2']",
            "4:23: subprotocols: \"v 2\" is no subprotocol; \
             write one of letters, digits and !#$%&'*+-.^_`|~",
        ),
        (
            "behaviour = 'echo'\nsubprotocols = ['v1', 'v1']",
            "4:23: subprotocols: \"v1\" is there already",
        ),
        (
            "behaviour = 'echo'\ngreeting = { json = '{a}' }",
            "4:21: json: is not JSON: key must be a string at line 1 column 2",
        ),
        (
            "behaviour = 'echo'\ngreeting = { json = '1', text = 'x' }",
            "4:21: json: is beside a text; leave out one of them",
        ),
        ("behaviour = 'echo'\ngreeting = {}", "4:12: greeting: has neither text nor json"),
        ("behaviour = 'echo'\ngreeting = 3", "4:12: greeting: is a number; write a text in quotes"),
        (
            "behaviour = 'echo'\nallow-origin = 'a.example'",
            "4:16: allow-origin: \"a.example\" has no scheme; write it like https://example.org",
        ),
        (
            "behaviour = 'echo'\nmax-message = '8MiB'",
            "4:15: max-message: \"8MiB\" is more than --room-log (4MiB): \
             a message must fit into the log of its room",
        ),
        (
            "behaviour = 'echo'\nmax-message = '1KiB'\ngreeting = '{LONG}'",
            "5:12: greeting: is longer than max-message (1KiB)",
        ),
        (
            "behaviour = 'reply'\n[[route.reply]]\ncontains = ''\ntext = 'x'",
            "5:12: contains: is empty, which is in every message; use [route.otherwise]",
        ),
        ("behaviour = 'reply'\n[[route.reply]]\ntext = 'x'", "4:1: reply: has no contains"),
        (
            "behaviour = 'reply'\n[[route.otherwise]]\ntext = 'x'",
            "4:1: otherwise: is a list; write a table",
        ),
        (
            "behaviour = 'reply'\n[route.reply]\ntext = 'x'",
            "4:1: reply: is not in double brackets; write [[route.reply]], even for one",
        ),
    ] {
        let long = "x".repeat(1025);
        assert_eq!(of(&keys.replace("{LONG}", &long)), [expected], "{keys}");
    }
    check(&[
        (
            "[route]\npath = '/'",
            &["1:1: route: is not in double brackets; write [[route]], even for one"],
        ),
        ("route = [1]", &["1:10: route: is a number; write a table"]),
        (
            "[[route]]\npath = '/{room}'\nbehaviour = 'relay'\nroom = 'r'",
            &["4:8: room: is in the path already, as {room}; leave out one of them"],
        ),
        (
            "[[route]]\npath = 'x'\nbehaviour = 'relay'\n[[route]]\npath = '/{x}'\n",
            &[
                "2:8: path: \"x\" is no path of a route: a path begins with a slash",
                "4:1: route: has no behaviour; write relay, broadcast, echo or reply",
                "5:8: path: \"/{x}\" is no path of a route: \"{x}\" is no placeholder; \
                 {room} and {token} are, each as a whole segment",
            ],
        ),
        (
            "[[route]]\npath = '/a/{room}'\nbehaviour = 'relay'\n\
             [[route]]\npath = '/a/{token}'\nopen = true\nbehaviour = 'echo'\n",
            &["5:8: path: \"/a/{token}\" is for the same paths as /a/{room} in line 2"],
        ),
    ]);
}

/// The last is what a first user meets: everything wrong at once, from top to end.
#[test]
fn all_mistakes_of_a_file_are_told_at_once() {
    let text = "cors = 2
max-message = '16'

[[route]]
path = 'chat/{room}'
behaviour = 'brodcast'
presence = 1

[[page]]
path = '/events'
text = 'x'

[[files]]
path = 'static'
";
    assert_eq!(
        mistakes(text),
        [
            "1:1: cors: is no option; did you mean cores?",
            "2:15: max-message: \"16\" is too small (1KiB to 64MiB)",
            "5:8: path: \"chat/{room}\" is no path of a route: a path begins with a slash",
            "6:13: behaviour: \"brodcast\" is none of relay, broadcast, echo, reply",
            "7:12: presence: is a number; write true or false",
            "10:8: path: \"/events\" is an address of the server itself; choose another",
            "13:1: files: has no folder",
            "14:8: path: \"static\" is no path; it begins with a slash",
        ]
    );
}

#[test]
fn a_wrong_limit_does_not_bring_a_second_mistake() {
    let route = "[[route]]\npath = '/'\nbehaviour = 'echo'\n";
    let greeting = format!("greeting = '{}'\n", "x".repeat(70_000));
    for text in [
        format!("max-message = '1XiB'\n{route}{greeting}"),
        format!("{route}max-message = '1XiB'\n{greeting}"),
    ] {
        assert_eq!(mistakes(&text).len(), 1, "{text}");
    }
}

fn words() -> impl Strategy<Value = String> {
    let words = [
        "[[route]]",
        "[[page]]",
        "[[files]]",
        "[[route.reply]]",
        "[route.otherwise]",
        "[route]",
        "path",
        "behaviour",
        "text",
        "json",
        "file",
        "folder",
        "type",
        "contains",
        "greeting",
        "room",
        "rooms",
        "max-message",
        "ws-addr",
        "cores",
        "=",
        "=",
        "=",
        "'/'",
        "'/{room}'",
        "'relay'",
        "'echo'",
        "'reply'",
        "true",
        "1",
        "'1KiB'",
        "[",
        "]",
        "{",
        "}",
        ",",
        ".",
        "\n",
        "\n",
        "\n",
        "\"",
        "'",
        "\"\"\"",
        "#",
        "\u{feff}",
        "ü",
        "\r",
        "1979-05-27",
        "0x",
        "nan",
        "'.'",
        "'/dev'",
    ];
    let word = prop::sample::select(words.to_vec());
    prop::collection::vec(word, 0..40).prop_map(|words| words.join(" "))
}

proptest! {
    #[test]
    fn no_file_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = load_bytes(&bytes);
    }

    #[test]
    fn no_text_makes_it_panic(text: String) {
        let _ = load(&text);
    }

    /// Whatever is told has its place in the file, and whatever is taken can be printed.
    #[test]
    fn no_mixture_of_what_is_known_makes_it_panic(text in words()) {
        match load(&text) {
            Ok(loaded) => prop_assert!(load(&loaded.to_toml()).is_ok()),
            Err(mistakes) => {
                let has_place = |line: &String| line.starts_with(|c: char| c.is_ascii_digit());
                prop_assert!(mistakes.iter().all(has_place), "{:?}", mistakes);
            }
        }
    }
}
