//! What a person, or the program behind a pipe, sees.
//!
//! Knows: the prompt and where it stands, what must not reach a terminal.
//! Must not know: sockets, frames, who says what when.
//!
//! Somebody who edits lines has a [`Typist`], who keeps them whole while messages come. Without one
//! a terminal edits the line itself, as far as it can. So when a message comes while one is being
//! typed, the line is cleared, the message shown and the prompt put below it; what was typed so far
//! is still sent, and the terminal's own key for that (Ctrl-R) shows it again.

use super::escape::escape;
use super::typist::Typist;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::io::{self, Write};

/// To the line's beginning, and clear it (ECMA-48 §8.3.41).
const CLEAR_LINE: &[u8] = b"\r\x1b[K";

/// What came stands out from what was typed (ECMA-48 §8.3.117).
const COLOUR: &str = "\x1b[36m";
const NO_COLOUR: &str = "\x1b[0m";

/// Standard output, or what stands for it in a test.
pub(super) struct Screen<W: Write> {
    out: W,
    /// `None`: nobody is asked.
    prompt: Option<String>,
    prefix: String,
    /// People look at it, and it obeys control characters.
    is_terminal: bool,
    /// The prompt stands there, and nothing behind it that we know of.
    is_asking: bool,
    /// Draws for us, until the end.
    typist: Option<Typist>,
}

impl<W: Write> Screen<W> {
    pub(super) fn new(out: W, prompt: Option<String>, prefix: String, is_terminal: bool) -> Self {
        Screen { out, prompt, prefix, is_terminal, is_asking: false, typist: None }
    }

    /// In colours: the prefix.
    #[must_use]
    pub(super) fn with_colours(mut self) -> Self {
        if !self.prefix.is_empty() {
            self.prefix = format!("{COLOUR}{}{NO_COLOUR}", self.prefix);
        }
        self
    }

    /// With somebody who edits lines, and is not asked for each.
    #[must_use]
    pub(super) fn with_typist(mut self, typist: Typist) -> Self {
        self.typist = Some(typist);
        self
    }

    /// Whether lines are asked for.
    pub(super) fn has_prompt(&self) -> bool {
        self.prompt.is_some()
    }

    /// Asks for a line, unless that has been done.
    pub(super) fn ask(&mut self) -> io::Result<()> {
        let Some(prompt) = self.prompt.as_ref().filter(|_| !self.is_asking) else { return Ok(()) };
        self.is_asking = true;
        self.out.write_all(prompt.as_bytes())?;
        self.out.flush()
    }

    /// A line has come: a terminal has shown it, and its end.
    pub(super) fn note_line(&mut self) {
        self.is_asking = false;
    }

    pub(super) fn show_text(&mut self, text: &str) -> io::Result<()> {
        self.clear_prompt()?;
        let text = if self.is_terminal { &escape(text) } else { text };
        let line = format!("{}{text}\n", self.prefix);
        self.show(&line)
    }

    pub(super) fn show_binary(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.clear_prompt()?;
        let (prefix, length) = (&self.prefix, bytes.len());
        let unit = if length == 1 { "byte" } else { "bytes" };
        let line = format!("{prefix}(binary, {length} {unit}) {}\n", STANDARD.encode(bytes));
        self.show(&line)
    }

    fn show(&mut self, line: &str) -> io::Result<()> {
        match &self.typist {
            Some(typist) => {
                typist.show(line);
                Ok(())
            }
            None => self.out.write_all(line.as_bytes()),
        }
    }

    /// Something of ours, where a complaint would break the line being typed; `false` elsewhere.
    pub(super) fn tell(&mut self, what: &str) -> bool {
        let typist = self.typist.as_ref();
        typist.inspect(|typist| typist.show(&format!("tidegate: {what}\n"))).is_some()
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        match &self.typist {
            Some(typist) => typist.flush(),
            None => self.out.flush(),
        }
    }

    /// Nobody is asked any more: what others print begins on a line of its own.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        if let Some(typist) = self.typist.take() {
            typist.end()?;
        }
        if self.is_asking {
            self.is_asking = false;
            self.out.write_all(b"\n")?;
        }
        self.out.flush()
    }

    fn clear_prompt(&mut self) -> io::Result<()> {
        if !self.is_asking {
            return Ok(());
        }
        self.is_asking = false;
        self.out.write_all(if self.is_terminal { CLEAR_LINE } else { b"\n" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn screen(prompt: Option<&str>, is_terminal: bool) -> Screen<Vec<u8>> {
        Screen::new(Vec::new(), prompt.map(str::to_owned), "< ".to_owned(), is_terminal)
    }

    fn seen(screen: Screen<Vec<u8>>) -> String {
        String::from_utf8(screen.out).unwrap()
    }

    #[test]
    fn a_message_takes_the_place_of_a_prompt_that_stands() {
        for (is_terminal, expected) in
            [(true, "? \r\x1b[K< hello\n< you\n? "), (false, "? \n< hello\n< you\n? ")]
        {
            let mut screen = screen(Some("? "), is_terminal);
            screen.ask().unwrap();
            screen.ask().unwrap();
            screen.show_text("hello").unwrap();
            screen.show_text("you").unwrap();
            screen.ask().unwrap();
            screen.note_line();
            screen.finish().unwrap();
            assert_eq!(seen(screen), expected);
        }
    }

    #[test]
    fn what_controls_a_terminal_is_shown_there_and_passed_on_in_a_pipe() {
        let text = "\x1b[2J\u{9b}2J\x07\u{7f}\r\n\tgrød \u{202e}x\u{2066}🫐\\";
        for (is_terminal, expected) in [
            (true, "< \\u001b[2J\\u009b2J\\u0007\\u007f\\r\\n\\tgrød \\u202ex\\u2066🫐\\\n"),
            (false, "< \x1b[2J\u{9b}2J\x07\u{7f}\r\n\tgrød \u{202e}x\u{2066}🫐\\\n"),
        ] {
            let mut screen = screen(None, is_terminal);
            screen.show_text(text).unwrap();
            assert_eq!(seen(screen), expected);
        }
    }

    #[test]
    fn binary_is_told_from_text() {
        let mut screen = screen(None, false);
        screen.show_binary(&[0, 255, 254]).unwrap();
        screen.show_binary(&[0]).unwrap();
        screen.show_binary(&[]).unwrap();
        let expected = "< (binary, 3 bytes) AP/+\n< (binary, 1 byte) AA==\n< (binary, 0 bytes) \n";
        assert_eq!(seen(screen), expected);
    }

    #[test]
    fn who_is_not_asked_sees_no_prompt() {
        let mut screen = screen(None, true);
        screen.ask().unwrap();
        screen.finish().unwrap();
        assert!(!screen.has_prompt() && seen(screen).is_empty());
    }
}
