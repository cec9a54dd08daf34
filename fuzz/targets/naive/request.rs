//! A whole head, read line by line: what is wrong with it, all of it, and what it says.
//!
//! Knows: RFC 9110 and 9112; which fields decide something and so may stand but once.
//! Must not know: which of several faults is told first.

use super::head::is_token;
use super::target::{Host, Target, host, number, parse};
use tidegate::http::{Fault, Framing};
use tidegate::limits::{HEADERS_CAPACITY, Limits};

const ONCE: &[&str] = &[
    "host",
    "content-length",
    "transfer-encoding",
    "authorization",
    "origin",
    "content-type",
    "sec-websocket-key",
    "sec-websocket-version",
    "last-event-id",
];
const LISTS: &[&str] =
    &["connection", "upgrade", "expect", "sec-websocket-protocol", "sec-websocket-extensions"];

/// What a head says.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) is_old: bool,
    pub(crate) target: Target,
    pub(crate) host: Option<Host>,
    pub(crate) framing: Framing,
    pub(crate) keep_alive: bool,
    pub(crate) expects_continue: bool,
    pub(crate) fields: Fields,
}

/// Names in lower case, and values without white space around them.
#[derive(Debug)]
pub(crate) struct Fields(pub(crate) Vec<(String, Vec<u8>)>);

impl Fields {
    pub(crate) fn all(&self, name: &str) -> Vec<&[u8]> {
        let wanted = |field: &&(String, Vec<u8>)| field.0 == name;
        self.0.iter().filter(wanted).map(|(_, value)| value.as_slice()).collect()
    }

    fn text(&self, name: &str) -> Option<&str> {
        str::from_utf8(self.all(name).first()?).ok()
    }

    pub(crate) fn list(&self, name: &str) -> Vec<&str> {
        let values = self.all(name).into_iter().filter_map(|value| str::from_utf8(value).ok());
        let parts = values.flat_map(|value| value.split(','));
        parts.map(|part| part.trim_matches([' ', '\t'])).filter(|part| !part.is_empty()).collect()
    }

    fn lists(&self, name: &str, element: &str) -> bool {
        self.list(name).iter().any(|listed| listed.to_ascii_lowercase() == element)
    }
}

/// Reads a head whose end was found. `Err`: everything that is wrong with it.
pub(crate) fn read(head: &[u8], limits: &Limits) -> Result<Request, Vec<Fault>> {
    let text = head.strip_suffix(b"\r\n\r\n").expect("a head ends with an empty line");
    let mut lines = split_lines(text).into_iter().skip_while(|line| line.is_empty());
    let mut faults = Vec::new();
    let first = lines.next().unwrap_or_default();
    let (method, raw_target, is_old) = request_line(first, &mut faults);
    let lines: Vec<&[u8]> = lines.collect();
    if lines.len() > limits.headers_max.min(HEADERS_CAPACITY) {
        faults.push(Fault::TooManyHeaders);
    }
    let fields = fields(&lines, &mut faults);
    let target = parse(raw_target, method == "OPTIONS").map_err(|fault| faults.push(fault)).ok();
    let named = fields.text("host").map(host);
    match named {
        Some(None) => faults.push(Fault::BadHost),
        None if !is_old => faults.push(Fault::MissingHost),
        _ => {}
    }
    let framing = framing(&fields, is_old).map_err(|fault| faults.push(fault)).ok();
    if fields.list("expect").iter().any(|one| !one.eq_ignore_ascii_case("100-continue")) {
        faults.push(Fault::UnknownExpectation);
    }
    let (Some(target), Some(framing), true) = (target, framing, faults.is_empty()) else {
        return Err(faults);
    };
    let stays = !is_old || fields.lists("connection", "keep-alive");
    let has_body = framing != Framing::None && framing != Framing::Length(0);
    Ok(Request {
        is_old,
        host: target.authority.clone().or(named.flatten()),
        target,
        framing,
        keep_alive: stays && !fields.lists("connection", "close"),
        expects_continue: !is_old && has_body && !fields.list("expect").is_empty(),
        fields,
        method,
    })
}

fn split_lines(text: &[u8]) -> Vec<&[u8]> {
    let (mut lines, mut rest) = (Vec::new(), text);
    while let Some(end) = rest.windows(2).position(|two| two == b"\r\n") {
        lines.push(&rest[..end]);
        rest = &rest[end + 2..];
    }
    lines.push(rest);
    lines
}

/// RFC 9112 §3: three parts and two spaces.
fn request_line<'a>(line: &'a [u8], faults: &mut Vec<Fault>) -> (String, &'a [u8], bool) {
    let parts: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
    let [method, target, version] = parts[..] else {
        faults.push(Fault::BadRequestLine);
        // What is wrong with its version may be told first.
        faults.push(Fault::UnsupportedVersion);
        return (String::new(), b"/", false);
    };
    if target.is_empty() || !method.iter().all(|byte| is_token(*byte)) {
        faults.push(Fault::BadRequestLine);
    }
    // A control byte or one beyond ASCII: no request line and no target either.
    if target.iter().any(|byte| !byte.is_ascii_graphic()) {
        faults.push(Fault::BadRequestLine);
    }
    match version {
        b"HTTP/1.1" | b"HTTP/1.0" => {}
        _ if line == b"PRI * HTTP/2.0" => faults.push(Fault::Http2),
        [b'H', b'T', b'T', b'P', b'/', digits @ ..]
            if matches!(digits.len(), 1 | 3)
                && digits[0].is_ascii_digit()
                && (digits.len() == 1 || digits[1] == b'.' && digits[2].is_ascii_digit()) =>
        {
            faults.push(Fault::UnsupportedVersion);
        }
        _ => faults.push(Fault::BadRequestLine),
    }
    (String::from_utf8_lossy(method).into_owned(), target, version == b"HTTP/1.0")
}

/// RFC 9112 §5, RFC 9110 §5: `name: value`, in one line.
fn fields(lines: &[&[u8]], faults: &mut Vec<Fault>) -> Fields {
    let mut fields = Fields(Vec::new());
    for line in lines {
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let name = &line[..colon];
        let value = line.get(colon + 1..);
        let is_fine = |byte: &u8| !byte.is_ascii_control() || *byte == b'\t';
        let is_line = value.is_some_and(|value| value.iter().all(is_fine));
        if name.is_empty() || !name.iter().all(|byte| is_token(*byte)) || !is_line {
            faults.push(Fault::BadHeader);
            continue;
        }
        let mut value = value.unwrap_or_default();
        while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
            value = rest;
        }
        let name = String::from_utf8_lossy(name).to_ascii_lowercase();
        let (once, decides) = (ONCE.contains(&name.as_str()), LISTS.contains(&name.as_str()));
        if once && !fields.all(&name).is_empty() {
            faults.push(Fault::DuplicateHeader);
        }
        if (once || decides) && name != "last-event-id" && !value.is_ascii() {
            faults.push(Fault::BadHeader);
        }
        fields.0.push((name, value.to_owned()));
    }
    fields
}

/// RFC 9112 §6.3, without any of its leniences.
fn framing(fields: &Fields, is_old: bool) -> Result<Framing, Fault> {
    let length = fields.text("content-length");
    let Some(codings) = fields.text("transfer-encoding") else {
        let length = length.map(|length| number(length).ok_or(Fault::BadContentLength));
        return Ok(length.transpose()?.map_or(Framing::None, Framing::Length));
    };
    if length.is_some() {
        return Err(Fault::LengthAndEncoding);
    }
    if is_old {
        return Err(Fault::EncodingOnHttp10);
    }
    let codings = codings.to_ascii_lowercase();
    let codings: Vec<&str> = codings.split(',').map(|one| one.trim_matches([' ', '\t'])).collect();
    match codings.split_last() {
        Some((&"chunked", [])) => Ok(Framing::Chunked),
        Some((&"chunked", before)) if !before.iter().any(|one| ["", "chunked"].contains(one)) => {
            Err(Fault::UnknownTransferEncoding)
        }
        _ => Err(Fault::BadTransferEncoding),
    }
}
