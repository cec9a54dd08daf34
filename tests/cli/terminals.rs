//! People: what they see on a screen, what they type, and nothing that takes over their terminal.

use crate::client::{COLUMNS, Client, End};
use crate::scripted::Scripted;
use crate::support::{Message, Server, WebSocket};
use rustix::process::Signal;
use rustix::termios::{LocalModes, Termios};
use tidegate::ws::frame::Opcode;

const CTRL_A: &str = "\x01";
const CTRL_C: &str = "\x03";
const CTRL_D: &str = "\x04";
const CTRL_G: &str = "\x07";
const CTRL_L: &str = "\x0c";
const CTRL_R: &str = "\x12";
const CTRL_U: &str = "\x15";
const BACKSPACE: &str = "\x7f";
const UP: &str = "\x1b[A";
const RIGHT: &str = "\x1b[C";
const LEFT: &str = "\x1b[D";

/// What a person is told who came in, and who has left by a wish of their own.
fn told(url: &str) -> String {
    format!("{}tidegate: closed: 1000 (all is said)\n", connected(url))
}

fn connected(url: &str) -> String {
    format!("tidegate: connected to {url}; a line is a message, Ctrl-D ends\n")
}

/// It ended well, with these lines on the screen.
fn assert_left(end: &End, url: &str, lines: &[&str]) {
    assert_eq!((end.status, end.err.as_str()), (Some(0), told(url).as_str()), "{end:?}");
    assert_eq!(end.screen(), lines.join("\n"));
}

/// Lines are edited by us, or by the terminal.
fn is_raw(modes: &Termios) -> bool {
    !modes.local_modes.intersects(LocalModes::ICANON | LocalModes::ECHO)
}

#[test]
fn a_terminal_shows_the_tutorial_s_conversation() {
    let server = Server::start(&[]);
    let url = format!("ws://{}/echo", server.ws);
    let mut client =
        Client::at_terminal(&["--prompt", "Client >> ", "--prefix", "SERVER >> ", &url]);
    client.wait_to_see(&["Client >> "]);
    client.type_in("hello\r");
    client.wait_to_see(&["Client >> hello", "SERVER >> hello", "Client >> "]);
    client.type_in("exit\r");
    assert_left(&client.wait(), &url, &["Client >> hello", "SERVER >> hello", "Client >> exit"]);
}

#[test]
fn people_are_asked_without_asking_for_it() {
    let server = Server::start(&[]);
    let url = format!("ws://{}/echo", server.ws);
    let mut client = Client::at_terminal(&[&url]);
    client.wait_to_see(&["> "]);
    client.type_in("hello\r");
    client.wait_to_see(&["> hello", "< hello", "> "]);
    client.type_in(CTRL_D);
    assert_left(&client.wait(), &url, &["> hello", "< hello", ">"]);
}

#[test]
fn a_line_is_edited_before_it_is_sent_and_comes_back_by_arrow_keys() {
    let server = Server::start(&[]);
    let mut client = Client::at_terminal(&[&format!("ws://{}/echo", server.ws)]);
    client.wait_to_see(&["> "]);
    client.type_in("grød 漢字🫐!");
    client.wait_to_see(&["> grød 漢字🫐!"]);
    client.type_in([LEFT, LEFT, BACKSPACE, "語", CTRL_A, "»", RIGHT].concat());
    client.wait_to_see(&["> »grød 漢語🫐!"]);
    assert_eq!(client.cursor(), (1, 4));
    client.type_in("\r");
    client.wait_to_see(&["> »grød 漢語🫐!", "< »grød 漢語🫐!", "> "]);
    client.type_in("two\r");
    let seen = ["> »grød 漢語🫐!", "< »grød 漢語🫐!", "> two", "< two"];
    client.wait_to_see(&[&seen[..], &["> "]].concat());
    client.type_in([UP, UP].concat());
    client.wait_to_see(&[&seen[..], &["> »grød 漢語🫐!"]].concat());
    client.type_in([CTRL_U, CTRL_R, "wo"].concat());
    client.wait_to_see(&[&seen[..], &["(reverse-i-search)`wo': two"]].concat());
    client.type_in("\r");
    client.wait_to_see(&[&seen[..], &["> two", "< two", "> "]].concat());
}

#[test]
fn a_message_does_not_break_the_line_that_is_typed() {
    let server = Server::start(&[]);
    let mut client = Client::at_terminal(&[&format!("ws://{}/chat/lab", server.ws)]);
    client.wait_to_see(&["> "]);
    let mut other = WebSocket::connect(server.ws, "/chat/lab");
    client.type_in("hello!");
    client.type_in([LEFT, LEFT].concat());
    client.wait_to_see(&["> hello!"]);
    other.say("excuse me");
    client.wait_to_see(&["< excuse me", "> hello!"]);
    assert_eq!(client.cursor(), (2, 6), "the cursor is where it was in the line");
    other.say("{\"a\":1}");
    client.wait_to_see(&["< excuse me", "< {\"a\":1}", "> hello!"]);
    client.type_in("p, o\r");
    assert_eq!(other.hear(), Message::Text("hellp, oo!".to_owned()));
    // Over two rows, with the cursor in the first.
    let long = "x".repeat(100);
    client.type_in([&long, CTRL_A].concat());
    let (first, second) = (format!("> {}", &long[..78]), &long[78..]);
    let seen = ["< excuse me", "< {\"a\":1}", "> hellp, oo!"];
    client.wait_to_see(&[&seen[..], &[&first, second]].concat());
    other.say("again");
    client.wait_to_see(&[&seen[..], &["< again", &first, second]].concat());
    client.type_in("\r");
    assert_eq!(other.hear(), Message::Text(long));
}

/// The editor does not draw while it searches; what has come then comes with the next key.
#[test]
fn a_message_that_comes_during_a_search_waits_for_the_next_key() {
    let server = Server::start(&[]);
    let mut client = Client::at_terminal(&[&format!("ws://{}/chat/lab", server.ws)]);
    client.wait_to_see(&["> "]);
    let mut other = WebSocket::connect(server.ws, "/chat/lab");
    client.type_in(["one\r", CTRL_R, "n"].concat());
    assert_eq!(other.hear(), Message::Text("one".to_owned()));
    client.wait_to_see(&["> one", "(reverse-i-search)`n': one"]);
    other.say("excuse me");
    client.type_in(CTRL_G);
    client.wait_to_see(&["> one", "< excuse me", "> "]);
}

#[test]
fn many_messages_come_in_order_while_somebody_types() {
    const MESSAGES: usize = 300;
    let server = Server::start(&[]);
    let mut client = Client::at_terminal(&[&format!("ws://{}/chat/lab", server.ws)]);
    client.wait_to_see(&["> "]);
    let mut other = WebSocket::connect(server.ws, "/chat/lab");
    for n in 0..MESSAGES {
        other.say(&format!("message {n}."));
        if n % 20 == 0 {
            client.type_in("x");
        }
    }
    let last = format!("< message {}.", MESSAGES - 1);
    let typed = "x".repeat(MESSAGES / 20);
    client.wait_to_see_last(&[&last, &format!("> {typed}")]);
    client.type_in("\r");
    assert_eq!(other.hear(), Message::Text(typed));
    client.type_in(CTRL_D);
    let out = client.wait().out;
    let places: Vec<_> = (0..MESSAGES).map(|n| out.find(&format!("message {n}."))).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted());
}

/// A terminal that knows how says what is pasted: it is looked at before it is sent.
#[test]
fn each_line_of_a_pasted_text_is_a_message() {
    let server = Server::start(&[]);
    let mut client = Client::at_terminal(&[&format!("ws://{}/echo", server.ws)]);
    client.wait_to_see(&["> "]);
    client.type_in("\x1b[200~one\rtwo\rthree\x1b[201~");
    client.wait_to_see(&["> one", "two", "three"]);
    client.type_in("\r");
    client.wait_to_see(&["> one", "two", "three", "< one", "< two", "< three", "> "]);
}

#[test]
fn what_is_typed_ahead_is_not_lost() {
    let server = Server::start(&[]);
    let mut reader = WebSocket::connect(server.ws, "/chat/lab");
    let mut client = Client::at_terminal(&[&format!("ws://{}/chat/lab", server.ws)]);
    client.wait_to_see(&["> "]);
    let lines: Vec<_> = (0..200).map(|n| format!("line {n}")).collect();
    client.type_in(lines.join("\r") + "\r");
    for line in lines {
        assert_eq!(reader.hear(), Message::Text(line));
    }
}

#[test]
fn a_line_is_drawn_anew_when_the_terminal_changes_its_size() {
    let server = Server::start(&[]);
    let mut client = Client::at_terminal(&[&format!("ws://{}/chat/lab", server.ws)]);
    client.wait_to_see(&["> "]);
    let mut other = WebSocket::connect(server.ws, "/chat/lab");
    client.type_in("x".repeat(50));
    client.wait_to_see(&[&format!("> {}", "x".repeat(50))]);
    client.resize(COLUMNS / 2);
    // Once for the prompt, and once as its terminal is another.
    client.wait_to_be_drawn(2);
    client.type_in([CTRL_L, "!"].concat());
    let rows = [format!("> {}", "x".repeat(38)), "x".repeat(12) + "!"];
    client.wait_to_see_at(COLUMNS / 2, &[&rows[0], &rows[1]]);
    other.say("narrow");
    // At the top of a screen the editor leaves a row free.
    client.wait_to_see_at(COLUMNS / 2, &["", "< narrow", &rows[0], &rows[1]]);
}

#[test]
fn what_came_is_told_from_what_was_typed_in_colour_unless_nobody_wants_it() {
    let server = Server::start(&[]);
    let url = format!("ws://{}/echo", server.ws);
    for (environment, expected) in [
        (&[][..], "\x1b[36m< \x1b[0mhello\n"),
        (&[("NO_COLOR", "")], "\x1b[36m< \x1b[0mhello\n"),
        (&[("NO_COLOR", "1")], "< hello\n"),
        (&[("TERM", "dumb")], "\r\x1b[K< hello\n"),
    ] {
        let mut client = Client::at_terminal_with(environment, &[&url]);
        client.wait_to_see(&["> "]);
        client.type_in("hello\n");
        client.wait_to_see(&["> hello", "< hello", "> "]);
        client.type_in(CTRL_D);
        let out = client.wait().out.replace("\r\n", "\n");
        let has_colours = out.contains("\x1b[36m");
        assert_eq!(has_colours, expected.contains("\x1b[36m"), "{environment:?}: {out:?}");
        let is_dumb = environment.contains(&("TERM", "dumb"));
        assert!(is_dumb || out.contains(expected), "{environment:?}: {out:?}");
    }
}

/// The terminal edits, as far as it can, and obeys nothing but ends of lines.
#[test]
fn a_dumb_terminal_is_sent_nothing_that_it_does_not_know() {
    let server = Server::start(&[]);
    let url = format!("ws://{}/echo", server.ws);
    let mut client = Client::at_terminal_with(&[("TERM", "dumb")], &[&url]);
    client.wait_for("> ");
    assert!(!is_raw(&client.modes()));
    client.type_in("hello\n");
    client.wait_for("\n> ");
    client.type_in(CTRL_D);
    let end = client.wait();
    let talk = "> hello\r\n< hello\r\n> \r\n";
    assert_eq!(end.out.split_once("\r\n").unwrap().1, talk);
    assert_eq!(end.err, told(&url));
}

#[test]
fn nobody_s_terminal_is_taken_over() {
    let server = Scripted::start();
    let client = Client::at_terminal(&[&server.url()]);
    let mut heard = server.welcome(b"");
    heard.say(0x81, "\x1b]0;mine\x07\u{9b}2J\nSERVER\u{202e}".as_bytes());
    client.wait_to_see(&["< \\u001b]0;mine\\u0007\\u009b2J\\nSERVER\\u202e", "> "]);
    heard.say(0x88, b"\x0f\xa0\x1b[2J");
    heard.hear_close(b"\x0f\xa0");
    let end = client.wait();
    assert_eq!(end.status, Some(1));
    let said = "tidegate: closed by the server: 4000 \"\\u001b[2J\" (the application's own code)\n";
    assert_eq!(end.err, connected(&server.url()) + said);
}

#[test]
fn what_was_being_typed_stays_to_be_seen_when_the_server_stops() {
    let server = Server::start(&[]);
    let url = format!("ws://{}/echo", server.ws);
    let mut client = Client::at_terminal(&[&url]);
    client.wait_to_see(&["> "]);
    client.type_in("a long thought");
    client.wait_to_see(&["> a long thought"]);
    server.terminate();
    let end = client.wait();
    assert_eq!((end.status, end.screen().as_str()), (Some(1), "> a long thought"));
    let said =
        "closed by the server: 1012 \"server restarts\" (the server restarts; connect again)";
    assert_eq!(end.err, format!("{}tidegate: {said}\n", connected(&url)));
    assert_eq!(server.wait().0.code(), Some(0));
}

#[test]
fn a_terminal_is_left_as_it_was() {
    let server = Scripted::start();
    for signal in [None, Some(Signal::INT), Some(Signal::TERM), Some(Signal::HUP)] {
        let mut client = Client::at_terminal(&[&server.url()]);
        let before = client.modes();
        let mut heard = server.welcome(b"");
        client.wait_to_see(&["> "]);
        assert!(!is_raw(&before) && is_raw(&client.modes()));
        match signal {
            Some(signal) => client.signal(signal),
            None => client.type_in(CTRL_D),
        }
        assert_eq!(heard.hear(), (Opcode::Close, b"\x03\xe8".to_vec()));
        // Before the server has answered: who does not want to wait for that need not.
        let after = client.modes();
        assert_eq!(after.local_modes, before.local_modes, "{signal:?}");
        assert_eq!(after.input_modes, before.input_modes, "{signal:?}");
        heard.say(0x88, b"\x03\xe8");
        drop(heard);
        let end = client.wait();
        assert_eq!((end.status, end.err), (Some(0), told(&server.url())), "{signal:?}");
        assert!(end.out.contains("\x1b[?2004l"), "pastes are not in brackets any more");
    }
}

/// What a shell does that has stopped it and goes on with it (Ctrl-Z, `fg`).
#[test]
fn a_stop_between_does_not_end_the_editing() {
    let server = Server::start(&[]);
    let mut client = Client::at_terminal(&[&format!("ws://{}/echo", server.ws)]);
    let cooked = client.modes();
    client.wait_to_see(&["> "]);
    client.set_modes(&cooked);
    client.signal(Signal::CONT);
    crate::support::wait_until("lines are edited again", || is_raw(&client.modes()));
    client.type_in(["hellp", BACKSPACE, "o\r"].concat());
    client.wait_to_see(&["> hello", "< hello", "> "]);
}

#[test]
fn what_is_not_utf_8_is_not_sent_and_the_terminal_stays_whole() {
    let server = Server::start(&[]);
    let mut client = Client::at_terminal(&[&format!("ws://{}/echo", server.ws)]);
    client.wait_to_see(&["> "]);
    client.type_in(b"gr\xf8d");
    let said = "tidegate: line 1 is not UTF-8; it is not sent";
    client.wait_to_see_last(&[said, "> "]);
    client.type_in([CTRL_U, "grød\r"].concat());
    client.wait_to_see_last(&["> grød", "< grød", "> "]);
    client.type_in(CTRL_D);
    let end = client.wait();
    assert_eq!(end.status, Some(1));
    assert!(end.err.ends_with("tidegate: not all lines were sent\n"), "{end:?}");
}

#[test]
fn an_interrupt_closes_as_one_should_and_a_second_one_ends_it() {
    let server = Scripted::start();
    let url = server.url();
    for environment in [&[][..], &[("TERM", "dumb")]] {
        for is_patient in [true, false] {
            let mut client = Client::at_terminal_with(environment, &[&url]);
            let mut heard = server.welcome(b"");
            if !environment.is_empty() {
                assert_eq!(heard.hear_masked().0, Opcode::Ping);
                heard.say(0x8a, b"");
            }
            client.wait_to_see(&["> "]);
            client.type_in(CTRL_C);
            if is_patient {
                heard.hear_close(b"\x03\xe8");
                let end = client.wait();
                assert_eq!((end.status, end.err), (Some(0), told(&url)));
            } else {
                assert_eq!(heard.hear().0, Opcode::Close);
                client.type_in(CTRL_C);
                assert_eq!(client.wait().status, Some(130));
            }
        }
    }
}
