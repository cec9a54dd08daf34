//! Bytes that come in pieces, for readers of sockets; what they write is taken and forgotten.
//!
//! Knows: where the cuts are, the traits of a socket with and without a runtime.
//! Must not know: what the bytes mean.

use std::io::{self, ErrorKind, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// An input that ends without an end: whoever reads on would have to wait.
pub(crate) struct Pieces<'a> {
    rest: &'a [u8],
    /// Where the next reads end, counted from the start.
    cuts: &'a [usize],
    given: usize,
}

impl<'a> Pieces<'a> {
    /// `input`, cut at `cuts`, which rise.
    pub(crate) fn new(input: &'a [u8], cuts: &'a [usize]) -> Pieces<'a> {
        Pieces { rest: input, cuts, given: 0 }
    }

    /// The next piece, or as much of it as there is room for; empty at the end.
    pub(crate) fn next(&mut self, room: usize) -> &'a [u8] {
        while let [cut, later @ ..] = self.cuts
            && *cut <= self.given
        {
            self.cuts = later;
        }
        let piece = self.cuts.first().map_or(self.rest.len(), |cut| cut - self.given);
        let (front, rest) = self.rest.split_at(piece.min(room).min(self.rest.len()));
        self.rest = rest;
        self.given += front.len();
        front
    }
}

impl Read for Pieces<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let piece = self.next(into.len());
        if piece.is_empty() {
            return Err(ErrorKind::WouldBlock.into());
        }
        into[..piece.len()].copy_from_slice(piece);
        Ok(piece.len())
    }
}

impl Write for Pieces<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsyncRead for Pieces<'_> {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let piece = self.get_mut().next(into.remaining());
        if piece.is_empty() {
            return Poll::Pending;
        }
        into.put_slice(piece);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Pieces<'_> {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
