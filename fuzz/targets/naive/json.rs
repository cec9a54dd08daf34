//! JSON by recursive descent, one function for each rule of the grammar (RFC 8259).
//!
//! Knows: the grammar, how deep is too deep, the two keys that mean something.
//! Must not know: anything of speed.

use tidegate::json::Fault;
use tidegate::limits::JSON_DEPTH_MAX;

/// The inside of the string at the top-level `connectionId`: where it begins and ends.
pub(crate) type Id = Option<(usize, usize)>;

/// Reads `text` as one object. The fault is the first that a reader from left to right meets.
pub(crate) fn object(text: &str) -> Result<Id, Fault> {
    let mut reader = Reader { text: text.as_bytes(), at: 0 };
    reader.space();
    if reader.peek() != Some(b'{') {
        return Err(reader.unless_none_begins(Fault::NotAnObject));
    }
    let id = reader.outermost()?;
    reader.space();
    if reader.at == text.len() { Ok(id) } else { Err(reader.stuck()) }
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn stuck(&self) -> Fault {
        Fault::NotJson { at: self.at }
    }

    fn expect(&mut self, byte: u8) -> Result<(), Fault> {
        if self.peek() != Some(byte) {
            return Err(self.stuck());
        }
        self.at += 1;
        Ok(())
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    /// A value of another kind is refused for that as soon as it can be nothing else: an object,
    /// array or string at its first byte, a number or word at its end.
    fn unless_none_begins(&mut self, fault: Fault) -> Fault {
        match self.peek() {
            Some(b'{' | b'[' | b'"') => fault,
            _ => self.scalar().err().unwrap_or(fault),
        }
    }

    fn outermost(&mut self) -> Result<Id, Fault> {
        let mut id = None;
        self.expect(b'{')?;
        self.space();
        while self.peek() != Some(b'}') {
            let (from, to) = self.string()?;
            let key = serde_json::from_slice::<String>(&self.text[from - 1..to + 1]).ok();
            match key.as_deref() {
                Some("close") => return Err(Fault::ReservedKey),
                Some("connectionId") if id.is_some() => return Err(Fault::DuplicateKey),
                Some("connectionId") => {
                    self.colon()?;
                    if self.peek() != Some(b'"') {
                        return Err(self.unless_none_begins(Fault::IdNotAString));
                    }
                    id = Some(self.string()?);
                }
                _ => {
                    self.colon()?;
                    self.value(1)?;
                }
            }
            self.comma(b'}')?;
        }
        self.at += 1;
        Ok(id)
    }

    fn colon(&mut self) -> Result<(), Fault> {
        self.space();
        self.expect(b':')?;
        self.space();
        Ok(())
    }

    /// Stops before `close`, or behind a comma before something that is not `close`.
    fn comma(&mut self, close: u8) -> Result<(), Fault> {
        self.space();
        if self.peek() == Some(close) {
            return Ok(());
        }
        self.expect(b',')?;
        self.space();
        if self.peek() == Some(close) { Err(self.stuck()) } else { Ok(()) }
    }

    fn value(&mut self, depth: usize) -> Result<(), Fault> {
        let close = match self.peek() {
            Some(b'"') => return self.string().map(|_| ()),
            Some(b'{') => b'}',
            Some(b'[') => b']',
            _ => return self.scalar(),
        };
        if depth == JSON_DEPTH_MAX {
            return Err(Fault::TooDeep);
        }
        self.at += 1;
        self.space();
        while self.peek() != Some(close) {
            if close == b'}' {
                self.string()?;
                self.colon()?;
            }
            self.value(depth + 1)?;
            self.comma(close)?;
        }
        self.at += 1;
        Ok(())
    }

    fn string(&mut self) -> Result<(usize, usize), Fault> {
        self.expect(b'"')?;
        let from = self.at;
        loop {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    self.at += 1;
                    self.escape()?;
                }
                Some(b' '..) => self.at += 1,
                Some(..b' ') | None => return Err(self.stuck()),
            }
        }
        self.at += 1;
        Ok((from, self.at - 1))
    }

    fn escape(&mut self) -> Result<(), Fault> {
        let digits = match self.peek() {
            Some(b'u') => 4,
            Some(letter) if br#""\/bfnrt"#.contains(&letter) => 0,
            _ => return Err(self.stuck()),
        };
        self.at += 1;
        for _ in 0..digits {
            if !self.peek().is_some_and(|digit| digit.is_ascii_hexdigit()) {
                return Err(self.stuck());
            }
            self.at += 1;
        }
        Ok(())
    }

    fn scalar(&mut self) -> Result<(), Fault> {
        let word: &[u8] = match self.peek() {
            Some(b't') => b"true",
            Some(b'f') => b"false",
            Some(b'n') => b"null",
            _ => return self.number(),
        };
        word.iter().try_for_each(|byte| self.expect(*byte))
    }

    fn number(&mut self) -> Result<(), Fault> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Fault> {
        let is_digit = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_digit());
        if !is_digit(self.peek()) {
            return Err(self.stuck());
        }
        while is_digit(self.peek()) {
            self.at += 1;
        }
        Ok(())
    }
}
