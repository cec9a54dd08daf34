//! What the suite reports, and what it should.

use serde_json::Value;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

/// The suite's sections: number, subject, cases. There are no sections 8 and 11.
const SECTIONS: [(&str, &str, usize); 11] = [
    ("1", "framing", 16),
    ("2", "pings and pongs", 11),
    ("3", "reserved bits", 7),
    ("4", "opcodes", 10),
    ("5", "fragmentation", 20),
    ("6", "UTF-8", 145),
    ("7", "closing", 37),
    ("9", "limits and speed", 54),
    ("10", "automatic fragmentation", 1),
    ("12", "compression, kinds of data", 90),
    ("13", "compression, parameters", 126),
];

/// Cases that the suite runs and does not judge.
const NOT_JUDGED: [&str; 3] = ["7.1.6", "7.13.1", "7.13.2"];

/// Close codes as PROTOCOL.md promises them, where the suite takes any or none: a close frame
/// before more data, one without a code, and two with codes that nobody may send. In all other
/// cases it wants a certain code, but takes a close without one too; these tests do not.
const CLOSE_CODES: [(&str, Option<u64>); 4] =
    [("7.1.6", Some(1000)), ("7.3.1", None), ("7.13.1", Some(1002)), ("7.13.2", Some(1002))];

/// The outcomes of all cases that have run.
pub(crate) struct Report {
    cases: Vec<Case>,
}

struct Case {
    /// Such as `9.7.1`.
    number: String,
    behavior: String,
    closing: String,
    /// `None`: no close frame came, or one without a code.
    close_code: Option<u64>,
    milliseconds: u64,
    page: PathBuf,
}

impl Report {
    pub(crate) fn read(folder: &Path) -> Report {
        let text = fs::read_to_string(folder.join("index.json")).unwrap();
        let index: Value = serde_json::from_str(&text).expect("the suite's report is JSON");
        let agents = index.as_object().expect("a report by server");
        assert_eq!(agents.len(), 1, "one server was tested");
        let cases = agents.values().flat_map(|cases| cases.as_object().expect("its cases"));
        Report { cases: cases.map(|(number, case)| Case::read(folder, number, case)).collect() }
    }

    fn section(&self, section: &str) -> impl Iterator<Item = &Case> {
        self.cases.iter().filter(move |case| case.section() == section)
    }

    /// A line per section: how many cases there were of each outcome, and how long they took.
    pub(crate) fn table(&self) -> String {
        let outcomes = ["OK", "INFORMATIONAL", "UNIMPLEMENTED"];
        let mut table = format!(
            "{:<32}{:>6}{:>6}{:>15}{:>15}{:>7}{:>9}\n",
            "section", "cases", "OK", outcomes[1], outcomes[2], "other", "seconds"
        );
        for (section, subject, _) in SECTIONS {
            let count = |outcome| {
                self.section(section).filter(|case| case.simple_outcome() == outcome).count()
            };
            let [ok, open, absent] = outcomes.map(|outcome| count(Some(outcome)));
            let milliseconds: u64 = self.section(section).map(|case| case.milliseconds).sum();
            let name = format!("{section:>2} {subject}");
            let (all, other) = (self.section(section).count(), count(None));
            let seconds = milliseconds as f64 / 1e3;
            writeln!(
                table,
                "{name:<32}{all:>6}{ok:>6}{open:>15}{absent:>15}{other:>7}{seconds:>9.1}"
            )
            .unwrap();
        }
        table
    }

    /// What is not as it should be, for people.
    pub(crate) fn complaints(&self, is_compressed: bool) -> Vec<String> {
        let mut complaints = Vec::new();
        for (section, subject, wanted) in SECTIONS {
            let found = self.section(section).count();
            if found != wanted {
                complaints.push(format!("{section} {subject}: {found} cases ran, not {wanted}"));
            }
        }
        let in_sections: usize = SECTIONS.iter().map(|(_, _, wanted)| wanted).sum();
        if self.cases.len() != in_sections {
            complaints.push(format!("{} cases ran, not {in_sections}", self.cases.len()));
        }
        complaints.extend(self.cases.iter().filter_map(|case| case.complaint(is_compressed)));
        complaints
    }
}

impl Case {
    fn read(folder: &Path, number: &str, case: &Value) -> Case {
        let text = |key: &str| case[key].as_str().expect(key).to_owned();
        Case {
            number: number.to_owned(),
            behavior: text("behavior"),
            closing: text("behaviorClose"),
            close_code: case["remoteCloseCode"].as_u64(),
            milliseconds: case["duration"].as_u64().expect("a duration"),
            page: folder.join(text("reportfile")).with_extension("html"),
        }
    }

    fn section(&self) -> &str {
        self.number.split('.').next().unwrap_or_default()
    }

    /// Its column in the table; `None` for what has none.
    fn simple_outcome(&self) -> Option<&'static str> {
        match (self.behavior.as_str(), self.closing.as_str()) {
            ("OK", "OK") => Some("OK"),
            ("INFORMATIONAL", "INFORMATIONAL") => Some("INFORMATIONAL"),
            ("UNIMPLEMENTED", "OK") => Some("UNIMPLEMENTED"),
            _ => None,
        }
    }

    fn complaint(&self, is_compressed: bool) -> Option<String> {
        let needs_compression = ["12", "13"].contains(&self.section());
        let wanted = match self.number.as_str() {
            number if NOT_JUDGED.contains(&number) => "INFORMATIONAL",
            _ if needs_compression && !is_compressed => "UNIMPLEMENTED",
            _ => "OK",
        };
        let (has_its_code, wanted_code) = self.judge_close_code();
        let is_right = self.simple_outcome() == Some(wanted) && has_its_code;
        let Case { number, behavior, closing, close_code, page, .. } = self;
        (!is_right).then(|| {
            format!(
                "case {number}: {behavior}, closing {closing} with {}; expected {wanted} with \
                 {wanted_code}: {}",
                code_text(*close_code),
                page.display()
            )
        })
    }

    /// Whether its close code is right as far as the suite does not say so, and what it should be.
    fn judge_close_code(&self) -> (bool, String) {
        match CLOSE_CODES.iter().find(|(number, _)| *number == self.number) {
            Some((_, code)) => (self.close_code == *code, code_text(*code)),
            None => (self.close_code.is_some(), "a close code".to_owned()),
        }
    }
}

fn code_text(code: Option<u64>) -> String {
    match code {
        Some(code) => format!("close code {code}"),
        None => "no close code".to_owned(),
    }
}
