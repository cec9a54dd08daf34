//! Somebody at a terminal, who edits lines while messages come.
//!
//! Knows: the line editor, the terminal's modes, what is to be shown above the prompt.
//! Must not know: sockets, frames, what a line or a message means.
//!
//! The editor has a thread, and while it runs nobody else draws. What others want to show waits on
//! the [`Stage`]; whenever the editor draws its prompt, it draws that first, so that the line being
//! typed goes on below it, whole. The editor is nudged to draw when nobody types. What is typed
//! leaves by a pipe, so that whoever waits for a socket can wait for lines, too.

use super::signals::hear_resumed;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use rustyline::completion::Completer;
use rustyline::config::{BellStyle, ColorMode, Config};
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::MemHistory;
use rustyline::validate::Validator;
use rustyline::{Editor, ExternalPrinter, Helper};
use std::borrow::Cow;
use std::fs::File;
use std::io::{self, ErrorKind, PipeReader, PipeWriter, Read, Write};
use std::mem;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Lines that the arrow keys bring back. They are in no file: what is said may be a secret.
const HISTORY_LINES_MAX: usize = 1000;

/// An escape key is one if nothing follows it for so long.
const ESCAPE_MILLIS: u16 = 100;

/// Makes the editor draw, and nothing else: up, and down again by the end of line that it wants.
const NUDGE: &str = "\x1b[A\n";

/// To the line's beginning, and clear it and all below it (ECMA-48 §8.3.39).
const CLEAR_BELOW: &str = "\r\x1b[J";

/// What the editor asked for when it began, undone.
const BRACKETED_PASTE_OFF: &str = "\x1b[?2004l";

/// When so much waits to be shown, whoever has more of it waits, too; but not for longer than this,
/// as the editor does not draw while it searches its history. Nor is it waited for longer at the
/// end.
const WAITING_BYTES_MAX: usize = 256 * 1024;
const DRAWING_TIME: Duration = Duration::from_millis(500);

/// A line that can be no message, in place of one that was typed in another encoding.
const NOT_UTF_8: &[u8] = b"\xff\n";

/// The one who types, as seen by whoever shows messages meanwhile.
pub(super) struct Typist {
    stage: Arc<Stage>,
    prompt: String,
    /// How the terminal was set.
    modes: Termios,
}

impl Typist {
    /// Begins to edit lines at the terminal of the standard streams. Gives what is typed, line by
    /// line, to its end, which is Ctrl-D or Ctrl-C; `is_asked` becomes true with the latter.
    pub(super) fn start(
        prompt: String,
        is_asked: Arc<AtomicBool>,
    ) -> io::Result<(Typist, PipeReader)> {
        let modes = tcgetattr(io::stdin())?;
        let terminal = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        let stage = Arc::new(Stage::new(terminal));
        let mut editor = edit(Arc::clone(&stage)).map_err(refused)?;
        let printer = editor.create_external_printer().map_err(refused)?;
        let (read, written) = io::pipe()?;
        let nudged = Arc::clone(&stage);
        thread::Builder::new().name("nudge".to_owned()).spawn(move || nudged.nudge(printer))?;
        let (resumed, mut ear) = (Arc::clone(&stage), hear_resumed()?);
        let resuming = move || {
            while ear.read(&mut [0; 8]).is_ok_and(|n| n > 0) {
                resumed.resume();
            }
        };
        thread::Builder::new().name("resume".to_owned()).spawn(resuming)?;
        let (typed, asks) = (Arc::clone(&stage), prompt.clone());
        let typing = move || type_lines(&mut editor, &asks, &typed, written, &is_asked);
        let mut silent = modes.clone();
        let typist = Typist { stage, prompt, modes };
        // The editor gives the terminal back between two lines. Keys that come just then are for
        // the next line, which shows them itself.
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(io::stdin(), OptionalActions::Now, &silent)?;
        thread::Builder::new().name("typist".to_owned()).spawn(typing)?;
        Ok((typist, read))
    }

    /// Something to show above the prompt, lines with their ends.
    pub(super) fn show(&self, text: &str) {
        self.stage.play().waiting.push_str(text);
    }

    /// Shows it.
    pub(super) fn flush(&self) -> io::Result<()> {
        let mut play = self.stage.play();
        if play.is_over {
            return self.stage.draw_waiting(&mut play);
        }
        if play.waiting.is_empty() {
            return Ok(());
        }
        play.is_wanted = true;
        self.stage.changed.notify_all();
        let is_late = |play: &mut Play| play.is_editing && play.waiting.len() > WAITING_BYTES_MAX;
        drop(self.stage.wait_while(play, is_late));
        Ok(())
    }

    /// Takes the terminal back. What was being typed stays there to be seen; it is not sent.
    pub(super) fn end(self) -> io::Result<()> {
        let mut play = self.stage.play();
        if play.is_over {
            return self.stage.draw_waiting(&mut play);
        }
        play.has_ended = true;
        play.is_wanted = true;
        self.stage.changed.notify_all();
        let is_drawing = |play: &mut Play| play.is_editing && play.unfinished.is_none();
        let mut play = self.stage.wait_while(play, is_drawing);
        play.close(&self.prompt);
        tcsetattr(io::stdin(), OptionalActions::Drain, &self.modes)?;
        self.stage.draw_waiting(&mut play)
    }
}

impl Drop for Typist {
    /// Whatever became of us: nobody can work at a terminal that shows no key.
    fn drop(&mut self) {
        // Who closed it does not need it.
        let _ = tcsetattr(io::stdin(), OptionalActions::Drain, &self.modes);
    }
}

fn edit(stage: Arc<Stage>) -> rustyline::Result<Editor<Above, MemHistory>> {
    let config = Config::builder()
        .auto_add_history(true)
        .max_history_size(HISTORY_LINES_MAX)?
        .keyseq_timeout(Some(ESCAPE_MILLIS))
        .bell_style(BellStyle::None)
        // Without it nobody is asked how the prompt is drawn; we add no colours by that.
        .color_mode(ColorMode::Forced)
        .build();
    let history = MemHistory::with_config(&config);
    let mut editor = Editor::with_history(config, history)?;
    editor.set_helper(Some(Above(stage)));
    Ok(editor)
}

fn refused(error: ReadlineError) -> io::Error {
    match error {
        ReadlineError::Io(error) => error,
        ReadlineError::Errno(error) => error.into(),
        other => io::Error::other(other),
    }
}

/// Reads lines until there are no more, or nobody wants them.
fn type_lines(
    editor: &mut Editor<Above, MemHistory>,
    prompt: &str,
    stage: &Stage,
    mut lines: PipeWriter,
    is_asked: &AtomicBool,
) {
    while stage.enter() {
        let typed = editor.readline(prompt);
        stage.leave();
        let taken = match typed {
            Ok(line) => lines.write_all(format!("{line}\n").as_bytes()),
            Err(ReadlineError::Io(error)) if error.kind() == ErrorKind::InvalidData => {
                lines.write_all(NOT_UTF_8)
            }
            Err(why) => {
                // The next Ctrl-C is a signal, and it does not ask.
                is_asked.fetch_or(matches!(why, ReadlineError::Interrupted), Ordering::SeqCst);
                break;
            }
        };
        if taken.is_err() {
            break;
        }
    }
    stage.close();
}

/// Where the editor's thread and the others meet.
struct Stage {
    play: Mutex<Play>,
    changed: Condvar,
    /// Whoever writes to it while lines are edited is the editor.
    terminal: File,
}

#[derive(Default)]
struct Play {
    /// What is to be shown before the prompt is drawn the next time.
    waiting: String,
    /// It should be drawn soon.
    is_wanted: bool,
    /// A line is being edited.
    is_editing: bool,
    /// How the editor sets the terminal.
    raw: Option<Termios>,
    /// Nothing may be drawn any more.
    has_ended: bool,
    /// The editor stands still, in the middle of this line.
    unfinished: Option<String>,
    /// Nobody types any more.
    is_over: bool,
}

impl Play {
    /// What waits is the last to be shown, below it what was being typed.
    fn close(&mut self, prompt: &str) {
        if !self.is_editing {
            return;
        }
        let line = self.unfinished.take();
        self.waiting.insert_str(0, if line.is_some() { CLEAR_BELOW } else { "\n" });
        if let Some(line) = line.filter(|line| !line.is_empty()) {
            self.waiting.push_str(&format!("{prompt}{line}\n"));
        }
        self.waiting.push_str(BRACKETED_PASTE_OFF);
    }
}

impl Stage {
    fn new(terminal: File) -> Stage {
        Stage { play: Mutex::default(), changed: Condvar::new(), terminal }
    }

    fn play(&self) -> MutexGuard<'_, Play> {
        self.play.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a change of that, but not for ever.
    fn wait_while<'a>(
        &self,
        play: MutexGuard<'a, Play>,
        is_so: impl FnMut(&mut Play) -> bool,
    ) -> MutexGuard<'a, Play> {
        let waited = self.changed.wait_timeout_while(play, DRAWING_TIME, is_so);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Nobody else draws.
    fn draw_waiting(&self, play: &mut Play) -> io::Result<()> {
        (&self.terminal).write_all(mem::take(&mut play.waiting).as_bytes())
    }

    /// Whether one more line is wanted.
    fn enter(&self) -> bool {
        let mut play = self.play();
        play.is_editing = !play.has_ended;
        self.changed.notify_all();
        play.is_editing
    }

    fn leave(&self) {
        self.play().is_editing = false;
        self.changed.notify_all();
    }

    /// Whoever had the terminal meanwhile has set it as it liked.
    fn resume(&self) {
        let mut play = self.play();
        if let Some(raw) = &play.raw
            && play.is_editing
            && !play.has_ended
        {
            let _ = tcsetattr(io::stdin(), OptionalActions::Drain, raw);
            play.is_wanted = true;
            self.changed.notify_all();
        }
    }

    fn close(&self) {
        let mut play = self.play();
        play.is_over = true;
        // Who closed the terminal does not want to see it.
        let _ = self.draw_waiting(&mut play);
    }

    /// Nudges the editor for ever. Of a thread of its own: the editor may be in no hurry.
    fn nudge(&self, mut printer: impl ExternalPrinter) {
        loop {
            let play = self.play();
            let is_idle = |play: &mut Play| !(play.is_wanted && play.is_editing);
            let waited = self.changed.wait_while(play, is_idle);
            waited.unwrap_or_else(PoisonError::into_inner).is_wanted = false;
            if printer.print(NUDGE.to_owned()).is_err() {
                return;
            }
        }
    }
}

/// How the editor asks what to draw.
struct Above(Arc<Stage>);

impl Highlighter for Above {
    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(&'s self, prompt: &'p str, _: bool) -> Cow<'b, str> {
        let mut play = self.0.play();
        if play.raw.is_none() {
            play.raw = tcgetattr(io::stdin()).ok();
        }
        if play.has_ended || play.waiting.is_empty() {
            return Cow::Borrowed(prompt);
        }
        play.is_wanted = false;
        let drawn = mem::take(&mut play.waiting) + prompt;
        self.0.changed.notify_all();
        Cow::Owned(drawn)
    }

    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        let mut play = self.0.play();
        if !play.has_ended {
            return Cow::Borrowed(line);
        }
        play.unfinished = Some(line.to_owned());
        self.0.changed.notify_all();
        drop(play);
        // The terminal is somebody else's now, until the process ends.
        loop {
            thread::park();
        }
    }
}

impl Helper for Above {}
impl Hinter for Above {
    type Hint = String;
}
impl Completer for Above {
    type Candidate = String;
}
impl Validator for Above {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_last_is_shown_wherever_the_editor_stands() {
        for (is_editing, unfinished, expected) in [
            (false, None, "< bye\n"),
            (true, None, "\n< bye\n\x1b[?2004l"),
            (true, Some(""), "\r\x1b[J< bye\n\x1b[?2004l"),
            (true, Some("hel"), "\r\x1b[J< bye\n> hel\n\x1b[?2004l"),
        ] {
            let (waiting, unfinished) = ("< bye\n".to_owned(), unfinished.map(str::to_owned));
            let mut play = Play { waiting, is_editing, unfinished, ..Play::default() };
            play.close("> ");
            assert_eq!(play.waiting, expected);
        }
    }
}
