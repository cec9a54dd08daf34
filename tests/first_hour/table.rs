//! The table of mistakes, as it is written.

const COLUMNS: usize = 100;

/// What stands in the table, but for what is said.
#[derive(Debug)]
pub(crate) enum Line<'t> {
    /// What somebody does, in words; also a remark, and an empty line.
    Title(&'t str),
    /// A file that is there from here on.
    File { name: &'t str, text: String },
    /// What is typed.
    Command(&'t str),
}

impl<'t> Line<'t> {
    pub(crate) fn all(table: &'t str) -> Vec<Line<'t>> {
        let mut found = Vec::new();
        for line in table.lines() {
            match line.strip_prefix("  ") {
                None => found.push(Line::Title(line)),
                Some(inner) => {
                    if let Some(command) = inner.strip_prefix("$ ") {
                        found.push(Line::Command(command));
                    } else if let Some(content) = inner.strip_prefix("  |") {
                        let Some(Line::File { text, .. }) = found.last_mut() else {
                            panic!("no file: {line}");
                        };
                        text.push_str(content.strip_prefix(' ').unwrap_or(content));
                        text.push('\n');
                    } else if !inner.starts_with(' ') {
                        let name = inner.strip_suffix(':').expect("the name of a file");
                        found.push(Line::File { name, text: String::new() });
                    }
                }
            }
        }
        found
    }
}

/// What was said, line by line, none wider than a screen.
pub(crate) fn rendered(said: &str) -> String {
    let mut text = String::new();
    for line in said.lines().filter(|line| !line.trim().is_empty()) {
        let mut room = String::from("   ");
        for word in line.split(' ') {
            if room.len() + 1 + word.len() > COLUMNS && !room.trim().is_empty() {
                text.push_str(&format!("{}\n", room.trim_end()));
                room = String::from("     ");
            }
            room.push_str(&format!(" {word}"));
        }
        text.push_str(&format!("{}\n", room.trim_end()));
    }
    text
}
