//! Bodies as clients send them, and what is made of them.
//!
//! Knows: JSON.
//! Must not know: HTTP beyond a problem's status.

use super::*;
use serde_json::json;

fn limits() -> Limits {
    Limits { message_bytes_max: 10, connection_id_bytes_max: 5, ..Limits::default() }
}

fn text(bytes: &str) -> Message {
    Message { binary: false, bytes: bytes.as_bytes().to_vec() }
}

fn refused<T: std::fmt::Debug>(result: Result<T, Problem>) -> (u16, &'static str, String) {
    let problem = result.unwrap_err();
    assert!(problem.detail.ends_with('.'), "{problem:?}");
    (problem.status.code(), problem.code, problem.detail.into_owned())
}

#[test]
fn a_payload_is_sent_as_it_stands() {
    let binary = |bytes: &[u8]| Message { binary: true, bytes: bytes.to_vec() };
    let cases: [(&str, Message); 12] = [
        (r#"{"text":"hello"}"#, text("hello")),
        (r#"{"text":""}"#, text("")),
        (r#"{"text":"\u00fc\n\"\ud83d\ude00"}"#, text("ü\n\"😀")),
        (r#" { "text" : "a" } "#, text("a")),
        (r#"{"te\u0078t":"a"}"#, text("a")),
        (r#"{"json":{"a": 1}}"#, text(r#"{"a": 1}"#)),
        ("{\"json\": [1,\n2] }", text("[1,\n2]")),
        (r#"{"json":1.50}"#, text("1.50")),
        (r#"{"json":null}"#, text("null")),
        (r#"{"json":"\u0061"}"#, text(r#""\u0061""#)),
        (r#"{"base64":"AAH/"}"#, binary(&[0, 1, 255])),
        (r#"{"base64":""}"#, binary(b"")),
    ];
    for (body, message) in cases {
        assert_eq!(one(body.as_bytes(), &limits()), Ok((message, None)), "{body}");
    }
    let body = br#"{"session":7,"text":"a"}"#;
    assert_eq!(one(body, &limits()), Ok((text("a"), Some(7))));
    let body = br#"{"text":"a","except":["x","y"]}"#;
    assert_eq!(published(body, &limits()), Ok((text("a"), vec!["x".into(), "y".into()])));
    let body = br#"{"to":"all","text":"a"}"#;
    assert_eq!(to_all(body, &limits()), Ok((true, text("a"), vec![])));
}

#[test]
fn what_is_wrong_with_a_body_is_told_by_name() {
    let long = format!("[{}]", vec!["\"x\""; EXCEPT_MAX + 1].join(","));
    let long = format!(r#"{{"text":"a","except":{long}}}"#);
    let deep = format!(r#"{{"json":{}1{},"text":1}}"#, "[".repeat(100_000), "]".repeat(100_000));
    let cases: [(&[u8], u16, &str, &str); 25] = [
        (b"", 400, "not-json", "body"),
        (b"{", 400, "not-json", "body"),
        (b"{\"text\":\"a\"}x", 400, "not-json", "body"),
        (b"{\"text\":\"\xff\"}", 400, "not-json", "UTF-8"),
        (b"{\"text\":\"a\",}", 400, "not-json", "body"),
        (b"text", 400, "not-json", "body"),
        (b"5", 400, "bad-body", "object"),
        (b"[]", 400, "bad-body", "object"),
        (b"null", 400, "bad-body", "object"),
        (b"{}", 400, "bad-body", "text, json and base64"),
        (br#"{"text":"a","json":1}"#, 400, "bad-body", "exactly one"),
        (br#"{"text":5}"#, 400, "bad-body", "text: must be a string"),
        (br#"{"text":"\ud800"}"#, 400, "bad-body", "text:"),
        (br#"{"text":"a","text":"b"}"#, 400, "bad-body", "text: is there twice"),
        (br#"{"txt":"a"}"#, 400, "bad-body", "txt: is not known"),
        (br#"{"base64":"AAH"}"#, 400, "bad-body", "base64:"),
        (br#"{"base64":"AA H"}"#, 400, "bad-body", "base64:"),
        (br#"{"base64":"_-__"}"#, 400, "bad-body", "base64:"),
        (br#"{"text":"a","to":"some"}"#, 400, "bad-body", "to:"),
        (br#"{"text":"a","except":"x"}"#, 400, "bad-body", "except:"),
        (br#"{"text":"a","except":["x",""]}"#, 400, "bad-body", "except[1]:"),
        (br#"{"text":"a","except":["123456"]}"#, 400, "bad-body", "except[0]:"),
        (long.as_bytes(), 400, "bad-body", "except:"),
        (deep.as_bytes(), 400, "bad-body", "exactly one"),
        (br#"{"text":"12345678901"}"#, 413, "message-too-large", "text:"),
    ];
    for (body, status, code, part) in cases {
        let shown = String::from_utf8_lossy(&body[..body.len().min(60)]);
        let (own_status, own_code, detail) = refused(to_all(body, &limits()));
        assert_eq!((own_status, own_code), (status, code), "{shown}: {detail}");
        assert!(detail.contains(part), "{shown}: {detail}");
    }
    let (.., detail) = refused(one(br#"{"text":"a","session":-1}"#, &limits()));
    assert!(detail.starts_with("session:"), "{detail}");
    assert_eq!(refused(one(br#"{"text":"a","except":[]}"#, &limits())).1, "bad-body");
    let (.., detail) = refused(to_all(br#"{"text":"a","to":"kitchen"}"#, &limits()));
    let expected = "to: can only be \"all\"; for a room POST to /api/rooms/{room}/messages.";
    assert_eq!(detail, expected);
    assert_eq!(refused(published(br#"{"text":"a","to":"all"}"#, &limits())).1, "bad-body");
}

/// What was told of a member must have been looked at once, however many there are.
#[test]
fn a_body_of_nothing_but_members_is_refused_at_the_first() {
    let members: Vec<String> = (0..100_000).map(|n| format!("\"{n}\":0")).collect();
    let body = format!("{{{}}}", members.join(","));
    assert!(refused(one(body.as_bytes(), &limits())).2.starts_with("0:"));
}

#[test]
fn a_message_may_be_as_long_as_the_limit() {
    for bytes in [9, 10, 11] {
        let fits = bytes <= 10;
        let text = "x".repeat(bytes);
        let json = format!("\"{}\"", "x".repeat(bytes - 2));
        let base64 = STANDARD.encode(&text);
        for body in [json!({"text": text}).to_string(), format!("{{\"json\":{json}}}")] {
            assert_eq!(one(body.as_bytes(), &limits()).is_ok(), fits, "{body}");
        }
        let body = json!({"base64": base64}).to_string();
        assert_eq!(one(body.as_bytes(), &limits()).is_ok(), fits, "{body}");
        assert_eq!(Message::raw(text.as_bytes(), &limits()).is_ok(), fits);
    }
}

#[test]
fn a_raw_body_is_text_if_it_is_utf_8() {
    assert_eq!(Message::raw("ü".as_bytes(), &limits()), Ok(text("ü")));
    let binary = Message { binary: true, bytes: vec![0xff, 0] };
    assert_eq!(Message::raw(&[0xff, 0], &limits()), Ok(binary));
}

#[test]
fn a_batch_is_all_well_or_refused() {
    let body = json!({"messages": [
        {"room": "lab", "text": "a", "except": ["x"]},
        {"connectionId": "s", "text": "b", "session": 7},
        {"connectionId": "s", "json": {}},
        {"to": "all", "base64": "AA=="},
    ]});
    let parsed = batch(body.to_string().as_bytes(), &limits()).unwrap();
    let to: Vec<To> = parsed.into_iter().map(|(to, _)| to).collect();
    let expected = [
        To::Room("lab".into(), vec!["x".into()]),
        To::Connection("s".into(), Some(7)),
        To::Connection("s".into(), None),
        To::All(vec![]),
    ];
    assert_eq!(to, expected);
    let well = json!({"room": "lab", "text": "a"});
    let cases = [
        (json!({"text": "a"}), "bad-body", "messages[1]:"),
        (json!({"room": "a", "to": "all", "text": "a"}), "bad-body", "messages[1]:"),
        (json!({"room": "a"}), "bad-body", "messages[1]:"),
        (json!({"room": 5, "text": "a"}), "bad-body", "messages[1].room:"),
        (json!({"room": "", "text": "a"}), "bad-room", "messages[1].room:"),
        (json!({"room": "*", "text": "a"}), "bad-room", "messages[1].room:"),
        (json!({"connectionId": 5, "text": "a"}), "bad-body", "messages[1].connectionId:"),
        (json!({"room": "a", "text": 1}), "bad-body", "messages[1].text:"),
        (json!({"room": "a", "text": "12345678901"}), "message-too-large", "messages[1].text:"),
        (json!({"room": "a", "text": "a", "session": 1}), "bad-body", "messages[1].session:"),
        (json!({"connectionId": "a", "text": "a", "except": ["b"]}), "bad-body", "].except:"),
        (json!({"connectionId": "a", "text": "a", "session": "1"}), "bad-body", "].session:"),
        (json!({"to": "none", "text": "a"}), "bad-body", "messages[1].to:"),
        (json!({"to": "all", "text": "a", "x": 1}), "bad-body", "messages[1].x:"),
        (json!("a"), "bad-body", "messages[1]:"),
    ];
    for (item, code, part) in cases {
        let body = json!({"messages": [well, item]}).to_string();
        let (_, own_code, detail) = refused(batch(body.as_bytes(), &limits()));
        assert_eq!(own_code, code, "{body}: {detail}");
        assert!(detail.contains(part), "{body}: {detail}");
    }
    for body in [r#"{}"#, r#"{"messages":5}"#, r#"{"messages":[],"x":1}"#] {
        assert_eq!(refused(batch(body.as_bytes(), &limits())).1, "bad-body", "{body}");
    }
    for (count, fits) in
        [(0, false), (1, true), (BATCH_MAX - 1, true), (BATCH_MAX, true), (BATCH_MAX + 1, false)]
    {
        let body = json!({"messages": vec![well.clone(); count]}).to_string();
        assert_eq!(batch(body.as_bytes(), &limits()).is_ok(), fits, "{count}");
    }
}

#[test]
fn so_many_may_be_left_out_and_no_more() {
    for (count, fits) in [(EXCEPT_MAX - 1, true), (EXCEPT_MAX, true), (EXCEPT_MAX + 1, false)] {
        let body = json!({"text": "a", "except": vec!["x"; count]}).to_string();
        assert_eq!(published(body.as_bytes(), &limits()).is_ok(), fits, "{count}");
    }
}

#[test]
fn whole_numbers_may_be_spelt_in_any_way_that_json_knows() {
    for (json, number) in [
        ("0", Some(0)),
        ("1795242365063001", Some(1_795_242_365_063_001)),
        ("1795242365063001.0", Some(1_795_242_365_063_001)),
        ("9007199254740991.0", Some(9_007_199_254_740_991)),
        ("9007199254740992.0", None),
        ("3e2", Some(300)),
        ("30e-1", Some(3)),
        ("-0.0", Some(0)),
        ("3.5", None),
        ("-1", None),
        ("1e99", None),
        ("\"3\"", None),
        ("true", None),
        ("null", None),
    ] {
        assert_eq!(whole_number(json), number, "{json}");
    }
}

/// What a client calls a member may be as long as the body. Its answer is not.
#[test]
fn a_long_name_is_not_repeated_at_length() {
    for name in ["n".repeat(500_000), "\u{1}".repeat(500_000), "ø".repeat(500_000)] {
        let name = serde_json::to_string(&name).unwrap();
        for body in [format!("{{\"text\":\"x\",{name}:1}}"), format!("{{{name}:1,{name}:1}}")] {
            let problem = one(body.as_bytes(), &Limits::default()).unwrap_err();
            assert_eq!(problem.code, "bad-body");
            assert!(problem.detail.len() < 1024, "{} bytes", problem.detail.len());
        }
    }
}
