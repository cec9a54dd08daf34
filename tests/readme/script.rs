//! README.md as a script: what is typed at which terminal, and what is seen there.

/// A block of README.md that shows a terminal.
#[derive(Debug)]
pub(crate) struct Block {
    /// Which of the reader's terminals it is. The unnamed one is where everything ends before the
    /// next thing is typed.
    pub(crate) terminal: Option<String>,
    pub(crate) steps: Vec<Step>,
}

/// One thing that happens at a terminal.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A command for the shell.
    Run(String),
    /// A line for the program that runs.
    Type(String),
    /// A key together with Ctrl.
    Key(char),
    /// What is seen next.
    See(String),
    /// Whatever is seen.
    SeeAny,
}

const TERMINAL: &str = "<!-- terminal: ";

/// The blocks of `text`, in its order.
pub(crate) fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut terminal = None;
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(name) = line.strip_prefix(TERMINAL) {
            terminal = name.strip_suffix(" -->").map(str::to_owned);
        } else if line == "```console" {
            let inside = lines.by_ref().take_while(|line| *line != "```");
            blocks.push(Block { terminal: terminal.take(), steps: steps(inside) });
        }
    }
    blocks
}

fn steps<'t>(lines: impl Iterator<Item = &'t str>) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for line in lines {
        // A command may go on on the next line.
        if let Some(Step::Run(command)) = steps.last_mut()
            && command.ends_with('\\')
        {
            command.pop();
            command.push_str(line.trim_start());
            continue;
        }
        steps.push(step(line));
    }
    steps
}

fn step(line: &str) -> Step {
    if let Some(command) = line.strip_prefix("$ ") {
        return Step::Run(command.to_owned());
    }
    if let Some(typed) = line.strip_prefix("> ") {
        return Step::Type(typed.to_owned());
    }
    match (line, line.strip_prefix('^')) {
        ("…", _) => Step::SeeAny,
        (_, Some(key)) if key.len() == 1 => Step::Key(key.chars().next().unwrap_or_default()),
        _ => Step::See(line.to_owned()),
    }
}

/// Whether somebody who reads `expected` is content to see `seen`: ids, long numbers and times are
/// others each time, and `…` stands for anything.
pub(crate) fn fits(expected: &str, seen: &str) -> bool {
    let (expected, seen) = (same(expected), same(seen));
    let mut rest = seen.as_str();
    let mut parts = expected.split('…');
    let first = parts.next().unwrap_or_default();
    let Some(behind) = rest.strip_prefix(first) else { return false };
    rest = behind;
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

/// Digits that stand for a number of this moment: a port, a process, a time in ms.
const MANY_DIGITS: usize = 4;

/// `text` with all that is another each time replaced by one thing.
fn same(text: &str) -> String {
    let mut same = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_word = |one: char| one.is_ascii_alphanumeric() || one == '-';
        let end = rest.find(|one| !is_word(one)).unwrap_or(rest.len());
        let word = &rest[..end.max(first.len_utf8())];
        same.push_str(if is_id(word) { "ID" } else { word });
        rest = &rest[word.len()..];
    }
    numbers(&times(&readers(&same)))
}

/// Who has just left may be counted for a moment yet.
fn readers(text: &str) -> String {
    const COUNT: &str = "\"subscribers\":";
    let mut parts = text.split(COUNT);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |same, rest| {
        same + COUNT + rest.trim_start_matches(|one: char| one.is_ascii_digit())
    })
}

/// `<epoch>-<sequence>`.
fn is_id(word: &str) -> bool {
    let is_base_32 = |text: &str| text.bytes().all(|one| matches!(one, b'0'..=b'9' | b'a'..=b'v'));
    word.split_once('-').is_some_and(|(epoch, number)| {
        epoch.len() == 7 && number.len() == 11 && is_base_32(epoch) && is_base_32(number)
    })
}

/// Times of day are the same to the reader.
fn times(text: &str) -> String {
    const FORM: &str = "00:00:00.000";
    let form = |text: &str| -> String {
        text.chars().map(|one| if one.is_ascii_digit() { '0' } else { one }).collect()
    };
    let mut same = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if rest.get(..FORM.len()).is_some_and(|time| form(time) == FORM) {
            same.push_str("TIME");
            rest = &rest[FORM.len()..];
        } else {
            same.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    same
}

fn numbers(text: &str) -> String {
    let mut same = String::new();
    let mut digits = String::new();
    let end = |digits: &mut String, same: &mut String| {
        same.push_str(if digits.len() >= MANY_DIGITS { "#" } else { digits });
        digits.clear();
    };
    for one in text.chars() {
        if one.is_ascii_digit() {
            digits.push(one);
        } else {
            end(&mut digits, &mut same);
            same.push(one);
        }
    }
    end(&mut digits, &mut same);
    same
}

#[test]
fn a_block_is_what_is_typed_and_what_is_seen() {
    let text = "a\n<!-- terminal: one -->\n```console\n$ a \\\n    b\nc\n…\n> d\n^C\n```\n```sh\n$ no\n```";
    let blocks = blocks(text);
    assert_eq!(blocks.len(), 1);
    assert_eq!(blocks[0].terminal.as_deref(), Some("one"));
    let (run, see) = (Step::Run("a b".to_owned()), Step::See("c".to_owned()));
    let expected = [run, see, Step::SeeAny, Step::Type("d".to_owned()), Step::Key('C')];
    assert_eq!(blocks[0].steps, expected);
}

#[test]
fn what_is_another_each_time_fits_and_nothing_else() {
    for (expected, seen) in [
        ("id: 8o422su-00000000001", "id: 00000v7-000000000a0"),
        ("session\":1795242169654001}", "session\":1}".replace('1', "17952421696540").as_str()),
        ("12:00:59.123 main", "01:02:03.004 main"),
        ("a … c", "a b c"),
        ("{\"id\":\"…\",\"subscribers\":1}", "{\"id\":\"x\",\"subscribers\":1}"),
    ] {
        assert!(fits(expected, seen), "{expected} {seen}");
    }
    for (expected, seen) in [("a", "a b"), ("a 1", "a 2"), ("a … c", "a b"), ("id: 1-2", "id: x")]
    {
        assert!(!fits(expected, seen), "{expected} {seen}");
    }
}
