//! What somebody who writes a first file gets wrong, and is told.

use super::*;

fn check(cases: &[(&str, &[&str])]) {
    for (text, expected) in cases {
        assert_eq!(mistakes(text), *expected, "{text}");
    }
}

/// TOML blames the second of two, whichever it is.
#[test]
fn single_brackets_are_told_where_they_stand() {
    let route = "1:1: route: is not in double brackets; write [[route]], even for one";
    let third = "3:3: route: is not in double brackets; write [[route]], even for one";
    check(&[
        ("[route]\npath = '/'\n[[route]]\npath = '/b'", &[route]),
        ("[[route]]\npath = '/'\n  [ route ] # b\npath = '/b'", &[third]),
        ("[route]\npath = '/'\n  [route]\npath = '/b'\n[[route]]", &[route, third]),
        ("[route]\npath = '/'", &[route]),
        ("route = 3", &["1:9: route: is not in double brackets; write [[route]], even for one"]),
        (
            "[page]\npath = '/'\n[[page]]\n[files]\n[[files]]\nx = ]",
            &[
                "1:1: page: is not in double brackets; write [[page]], even for one",
                "4:1: files: is not in double brackets; write [[files]], even for one",
                "6:5: is not TOML: missing array opening, expected `[`",
            ],
        ),
        (
            "[[route]]\n[route.reply]\ntext = 'a'\n[[route.reply]]\ntext = 'b'",
            &["2:1: reply: is not in double brackets; write [[route.reply]], even for one"],
        ),
    ]);
    // What is there twice without any brackets is another matter.
    assert_eq!(mistakes("page = []\npage = []"), ["2:1: is not TOML: duplicate key"]);
}

#[test]
fn unknown_tables_are_told_with_those_that_there_are() {
    let of = |table: &str| mistakes(&format!("{table}\npath = '/'\nx.y = 1"));
    for (table, name, nearest) in [
        ("[[routes]]", "1:3: routes", "route"),
        ("[routes]", "1:2: routes", "route"),
        ("[[pages]]", "1:3: pages", "page"),
        ("[[file]]", "1:3: file", "files"),
    ] {
        let expected = format!("{name}: is no table of the file; did you mean [[{nearest}]]?");
        assert_eq!(of(table), [expected]);
    }
    for (table, name) in [("[server]", "1:2: server"), ("[[servers]]", "1:3: servers")] {
        let expected = "is no table of the file; options stand at the top of it, in no table";
        assert_eq!(of(table), [format!("{name}: {expected}")]);
    }
}

#[test]
fn json_is_written_in_quotes() {
    let reply = "[[route]]\npath = '/'\nbehaviour = 'reply'\n[[route.reply]]\ncontains = 'a'\n";
    for (json, what) in [("{ ok = true }", "a table"), ("[1]", "a list"), ("1", "a number")] {
        let expected =
            format!("6:8: json: is {what}; write JSON in quotes, like '{{\"ok\":true}}'");
        assert_eq!(mistakes(&format!("{reply}json = {json}")), [expected]);
    }
}

#[test]
fn a_route_of_no_behaviour_is_read_to_its_end() {
    let keys = "publish = 1\nroom = '*'\nconnection-id = 'x'\nduplicate = 'y'\npresence = 2\n";
    let others = [
        "4:8: room: \"*\" is no name of a room: 1 to 128 bytes, no control characters, and not *",
        "5:17: connection-id: \"x\" is none of client, server",
        "6:13: duplicate: \"y\" is none of replace, refuse",
        "7:12: presence: is a number; write true or false",
    ];
    let publish = "3:11: publish: is a number; write true or false";
    let missing = "1:1: route: has no behaviour; write relay, broadcast, echo or reply";
    let told = mistakes(&format!("[[route]]\npath = '/'\n{keys}"));
    assert_eq!(told, [&[missing, publish], others.as_slice()].concat());
    // What may go together with a behaviour that is not known is not blamed.
    for keys in ["room = 'r'", "duplicate = 'refuse'", "publish = false", "echo = true"] {
        assert_eq!(mistakes(&format!("[[route]]\npath = '/'\n{keys}")), [missing], "{keys}");
    }
}

/// A slip is one mistake, and so is a key that was forgotten.
#[test]
fn what_is_nearly_there_is_not_missing() {
    check(&[
        (
            "[[route]]\npaht = '/'\nbehavior = 'echo'",
            &[
                "2:1: paht: is no key of route; did you mean path?",
                "3:1: behavior: is no key of route; did you mean behaviour?",
            ],
        ),
        (
            "[[files]]\npath = '/'\nfoldr = 'x'\n[[files]]\npath = '/'",
            &["3:1: foldr: is no key of files; did you mean folder?", "4:1: files: has no folder"],
        ),
    ]);
}

#[test]
fn a_route_that_cannot_reply_is_a_warning() {
    let warnings = |keys: &str| {
        let text = format!("[[route]]\npath = '/x'\nbehaviour = 'reply'\n{keys}");
        load(&text).expect("it can be used").warnings
    };
    let told = "route /x: it never replies; give it a [[route.reply]] or a [route.otherwise]";
    assert_eq!(warnings(""), [told]);
    assert_eq!(warnings("ignore-case = true"), [told]);
    assert!(warnings("[route.otherwise]\ntext = 'x'").is_empty());
    assert!(warnings("[[route.reply]]\ncontains = 'a'\ntext = 'x'").is_empty());
}

/// The pages of the server would be there, and broken.
#[test]
fn a_page_where_a_part_of_ours_is_is_a_warning() {
    let warnings = |path: &str, keys: &str| {
        let text = format!("{keys}\n[[page]]\npath = '{path}'\ntext = 'x'\ntype = 'text/plain'");
        load(&text).expect("it can be used").warnings
    };
    for path in ["/demo/style.css", "/demo/rows.js"] {
        let told = warnings(path, "");
        assert!(told[0].starts_with(&format!("page {path}: it stands in place of")), "{told:?}");
        assert!(warnings(path, "demo = false").is_empty());
    }
    for path in ["/", "/demo/websocket.html", "/demo/mine.js"] {
        assert!(warnings(path, "").is_empty(), "{path}");
    }
}
