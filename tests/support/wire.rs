//! A TCP connection that reads with patience.

use super::PATIENCE;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};

/// A connection, and what was read from it and not used yet.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: TcpStream,
    buffer: Vec<u8>,
    is_reset: bool,
}

impl Wire {
    pub(crate) fn connect(addr: SocketAddr) -> Wire {
        Wire::of(TcpStream::connect(addr).expect("the server accepts connections"))
    }

    /// The other end of a connection that somebody else made, or this one.
    pub(crate) fn of(stream: TcpStream) -> Wire {
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Wire { stream, buffer: Vec::new(), is_reset: false }
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the server reads");
    }

    /// Writes to somebody who may have closed already.
    pub(crate) fn try_write(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    /// Writes one byte at a time, each in a packet of its own.
    pub(crate) fn write_slowly(&mut self, bytes: &[u8]) {
        bytes.chunks(1).for_each(|byte| self.write(byte));
    }

    /// Says that nothing more will be written.
    pub(crate) fn finish(&self) {
        self.stream.shutdown(Shutdown::Write).expect("the connection is open");
    }

    /// The same to somebody who may have closed already.
    pub(crate) fn try_finish(&self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Another handle of the connection, to keep it open or to cut it.
    pub(crate) fn handle(&self) -> TcpStream {
        self.stream.try_clone().unwrap()
    }

    /// Whether the other side cut the connection instead of ending it.
    pub(crate) fn is_reset(&self) -> bool {
        self.is_reset
    }

    /// Reads some more; `false` at the end.
    fn fill(&mut self) -> bool {
        let mut bytes = [0; 16 * 1024];
        loop {
            match self.stream.read(&mut bytes) {
                Ok(0) => return false,
                Ok(n) => {
                    self.buffer.extend_from_slice(&bytes[..n]);
                    return true;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::ConnectionReset => {
                    self.is_reset = true;
                    return false;
                }
                Err(error) => panic!("{error}; read so far: {:?}", self.text()),
            }
        }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.buffer).into_owned()
    }

    /// Everything up to and with `mark`; `None` if the connection ends before it.
    pub(crate) fn read_through(&mut self, mark: &[u8]) -> Option<Vec<u8>> {
        let mut searched = 0;
        loop {
            let found = self.buffer[searched..].windows(mark.len()).position(|part| part == mark);
            if let Some(at) = found {
                return Some(self.buffer.drain(..searched + at + mark.len()).collect());
            }
            searched = (self.buffer.len() + 1).saturating_sub(mark.len());
            if !self.fill() {
                return None;
            }
        }
    }

    /// The next `n` bytes; `None` if the connection ends before.
    pub(crate) fn read_exactly(&mut self, n: usize) -> Option<Vec<u8>> {
        while self.buffer.len() < n {
            if !self.fill() {
                return None;
            }
        }
        Some(self.buffer.drain(..n).collect())
    }

    /// All that still comes, until the server closes.
    pub(crate) fn read_to_end(&mut self) -> Vec<u8> {
        while self.fill() {}
        std::mem::take(&mut self.buffer)
    }
}
