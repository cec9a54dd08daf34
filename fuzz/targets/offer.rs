//! `Sec-WebSocket-Extensions`: against a parser that first makes words of it, then sentences.
//!
//! Knows: the input is what a client offers, a line for each field of that name.
//! Must not know: HTTP.

use std::collections::BTreeMap;
use tidegate::ws::extension::{Malformed, negotiate};

/// One target of the fuzzer.
pub fn run(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let agreed = negotiate(text.split('\n'));
    // RFC 9110 §5.3: fields of one name are one list.
    let expected = words(&text.replace('\n', ",")).and_then(|words| offers(&words));
    let expected = expected.map(|offers| offers.iter().find_map(agree));
    let shown = agreed.map(|agreed| agreed.map(|it| (it.window_bits, it.to_string())));
    assert_eq!(shown.is_ok(), expected.is_some(), "{expected:?}");
    let Ok(shown) = shown else { return assert_eq!(shown, Err(Malformed)) };
    let Some(expected) = expected else { return };
    assert_eq!(shown, expected);
    let Some((_, answer)) = shown else { return };
    // What we answer follows the same grammar, and could be offered.
    let answered = words(&answer).and_then(|words| offers(&words)).expect("it is well formed");
    assert_eq!(answered.len(), 1);
    assert!(agree(&answered[0]).is_some());
}

/// A word of the header: a token, what stood in quotes, or one of the signs between them.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Word {
    Token(String),
    Quoted(String),
    Sign(char),
}

fn is_token(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(letter)
}

/// `None`: there is something in it that is no word.
fn words(text: &str) -> Option<Vec<Word>> {
    let mut words = Vec::new();
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        words.push(match letter {
            ' ' | '\t' => continue,
            ',' | ';' | '=' => Word::Sign(letter),
            '"' => {
                let mut inside = String::new();
                loop {
                    match letters.next()? {
                        '"' => break,
                        '\\' => inside.push(letters.next()?),
                        letter => inside.push(letter),
                    }
                }
                Word::Quoted(inside)
            }
            _ if is_token(letter) => {
                let mut token = String::from(letter);
                while let Some(letter) = letters.next_if(|letter| is_token(*letter)) {
                    token.push(letter);
                }
                Word::Token(token)
            }
            _ => return None,
        });
    }
    Some(words)
}

/// A name and its parameters, in order.
type Offer = (String, Vec<(String, Option<String>)>);

/// RFC 6455 §9.1.
fn offers(words: &[Word]) -> Option<Vec<Offer>> {
    let elements = words.split(|word| *word == Word::Sign(','));
    elements.filter(|element| !element.is_empty()).map(offer).collect()
}

fn offer(words: &[Word]) -> Option<Offer> {
    let mut parts = words.split(|word| *word == Word::Sign(';'));
    let [Word::Token(name)] = parts.next()? else { return None };
    let parameters = parts.map(|part| match part {
        [Word::Token(name)] => Some((name.clone(), None)),
        [Word::Token(name), Word::Sign('='), value] => Some((name.clone(), Some(value_of(value)?))),
        _ => None,
    });
    Some((name.clone(), parameters.collect::<Option<_>>()?))
}

/// What stands in quotes must be a token, too.
fn value_of(word: &Word) -> Option<String> {
    match word {
        Word::Token(token) => Some(token.clone()),
        Word::Quoted(inside) if !inside.is_empty() && inside.chars().all(is_token) => {
            Some(inside.clone())
        }
        Word::Quoted(_) | Word::Sign(_) => None,
    }
}

/// RFC 7692 §7.1: the window that is agreed on, and the answer, if the offer can be kept.
fn agree((name, parameters): &Offer) -> Option<(u8, String)> {
    const WIDTHS: [&str; 8] = ["8", "9", "10", "11", "12", "13", "14", "15"];
    let width =
        |value: &str| WIDTHS.iter().position(|width| *width == value).map(|at| at as u8 + 8);
    let by_name: BTreeMap<&str, Option<&str>> =
        parameters.iter().map(|(name, value)| (name.as_str(), value.as_deref())).collect();
    let is_good = |(name, value): (&&str, &Option<&str>)| match (*name, *value) {
        ("server_no_context_takeover" | "client_no_context_takeover", None) => true,
        ("client_max_window_bits", value) => value.is_none_or(|value| width(value).is_some()),
        ("server_max_window_bits", Some(value)) => width(value).is_some(),
        _ => false,
    };
    let has_doubles = by_name.len() < parameters.len();
    if name != "permessage-deflate" || has_doubles || !by_name.iter().all(is_good) {
        return None;
    }
    let mut answer = format!("{name}; server_no_context_takeover; client_no_context_takeover");
    let asked = by_name.get("server_max_window_bits").copied().flatten();
    if let Some(value) = asked {
        answer.push_str(&format!("; server_max_window_bits={value}"));
    }
    Some((asked.and_then(width).unwrap_or(15), answer))
}
