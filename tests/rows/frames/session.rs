//! The corpus, given to the decoder itself, cut anywhere: the pieces do not matter.

use super::case::{Case, End, Said, corpus};
use tidegate::bytes::{Pool, Tick};
use tidegate::limits::Limits;
use tidegate::ws::deflate::Inflater;
use tidegate::ws::{Event, Session, Tools};

/// A reader that keeps what the decoder has left over, as the engine does.
#[derive(Default)]
struct Reader {
    session: Session,
    pool: Pool,
    inflater: Inflater,
    partial: Vec<u8>,
    says: Vec<Said>,
    end: Option<End>,
}

impl Reader {
    /// What comes of `pieces`.
    fn read<'a>(limits: &Limits, pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Said>, End) {
        let mut reader = Reader::default();
        for piece in pieces {
            reader.take(limits, piece);
        }
        (reader.says, reader.end.unwrap_or(End::Open))
    }

    /// Some of a large frame may be read into the room that the session makes.
    fn take(&mut self, limits: &Limits, mut piece: &[u8]) {
        while let (true, true, Some(room)) =
            (self.end.is_none(), self.partial.is_empty(), self.session.room())
        {
            let n = room.len().min(piece.len());
            if n == 0 {
                return;
            }
            room[..n].copy_from_slice(&piece[..n]);
            piece = &piece[n..];
            let Reader { pool, inflater, .. } = self;
            let event = self.session.filled(n, &mut Tools { limits, pool, inflater });
            note(event, &mut self.says, &mut self.end);
        }
        let mut input = std::mem::take(&mut self.partial);
        input.extend_from_slice(piece);
        let mut rest = input.as_mut_slice();
        while self.end.is_none() {
            let Reader { pool, inflater, .. } = self;
            let tools = &mut Tools { limits, pool, inflater };
            let event = self.session.next(&mut rest, Tick(0), tools);
            if matches!(event, Ok(None)) {
                break;
            }
            note(event, &mut self.says, &mut self.end);
        }
        self.partial = rest.to_vec();
    }
}

fn note(
    event: Result<Option<Event<'_>>, tidegate::ws::Fault>,
    says: &mut Vec<Said>,
    end: &mut Option<End>,
) {
    match event {
        Ok(Some(Event::Message { binary: false, payload })) => {
            says.push(Said::Text(payload.as_bytes().to_vec()));
        }
        Ok(Some(Event::Message { binary: true, payload })) => {
            says.push(Said::Binary(payload.as_bytes().to_vec()));
        }
        Ok(Some(Event::Ping(payload))) => says.push(Said::Pong(payload.to_vec())),
        Ok(Some(Event::Pong) | None) => {}
        Ok(Some(Event::Close { code, .. })) => *end = Some(End::Close(code.map(|code| code.0))),
        Err(fault) => *end = Some(End::Fault(fault.close_code().0)),
    }
}

/// Where a case is cut in two: everywhere, or of a long one in its headers and here and there.
fn cuts(case: &Case) -> Vec<usize> {
    let is_near =
        |at: &usize| case.headers.iter().any(|header| (header.start..header.end + 5).contains(at));
    match case.input.len() {
        length @ ..600 => (0..=length).collect(),
        length => {
            let step = length / 16 + 1;
            let near = case.headers.len() < 20;
            (0..=length).filter(|at| (near && is_near(at)) || at.is_multiple_of(step)).collect()
        }
    }
}

#[test]
fn cutting_a_case_anywhere_changes_nothing() {
    let limits = Limits::default();
    for case in corpus() {
        let end = if case.end == End::Cut { End::Open } else { case.end };
        let expected = (case.says.clone(), end);
        let byte_by_byte = Reader::read(&limits, case.input.chunks(1));
        assert_eq!(byte_by_byte, expected, "{} byte by byte", case.name);
        for cut in cuts(&case) {
            let (front, back) = case.input.split_at(cut);
            let outcome = Reader::read(&limits, [front, back]);
            assert!(outcome == expected, "{} cut at {cut}: {outcome:?}", case.name);
        }
    }
}
