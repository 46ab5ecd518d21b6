//! What makes a dump whole: the last line counts the lines before it and holds their checksum.

use std::io::{BufRead, Read, Write};

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{Counts, Error, Summary};
use crate::line::{End, FORMAT, Header, Line, LineKind, MAJOR, MAX_LINE_BYTES, VERSION};

/// Lines as they pass: how many of each kind, and their checksum.
#[derive(Clone, Default)]
pub(super) struct Seal {
    hash: Sha256,
    lines: u64,
    counts: Counts,
}

impl Seal {
    /// Takes the first line, with its line break.
    pub(super) fn head(&mut self, line: &[u8]) {
        self.hash.update(line);
        self.lines += 1;
    }

    /// Takes another line, with its line break.
    pub(super) fn line(&mut self, kind: LineKind, line: &[u8]) {
        self.head(line);
        *self.counts.entry(kind).or_default() += 1;
    }

    /// The last line.
    pub(super) fn end(self) -> End {
        let digest = self.hash.finalize();
        let sha256 = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        End { lines: self.lines, counts: self.counts, sha256 }
    }
}

/// Takes a dump apart into lines and holds it against its last one.
pub(super) struct Lines<R> {
    input: R,
    header: Header,
    seal: Seal,
    line: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    /// Reads the first line.
    pub(super) fn begin(mut input: R) -> Result<Self, Error> {
        let (mut seal, mut line) = (Seal::default(), Vec::new());
        if !whole_line(&mut input, &mut line)? {
            return Err(Error::NoDump("it has not one line of a dump".to_owned()));
        }
        let header: Result<Header, _> = serde_json::from_slice(&line);
        let header = header.map_err(|error| Error::NoDump(format!("its first line cannot be read: {error}")))?;
        if header.kind != FORMAT {
            return Err(Error::NoDump(format!("its first line is of kind '{}', not '{FORMAT}'", header.kind)));
        }
        if header.version.split('.').next() != Some(MAJOR) {
            return Err(Error::OtherFormat(header.version));
        }
        seal.head(&line);
        Ok(Self { input, header, seal, line })
    }

    /// The bytes of the line read last, with its line break.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.line
    }

    /// The next line; `None` where the dump ends as it should.
    pub(super) fn next(&mut self) -> Result<Option<Line>, Error> {
        if !whole_line(&mut self.input, &mut self.line)? {
            return Err(Error::Cut(self.seal.lines));
        }
        match serde_json::from_slice(&self.line) {
            Ok(Line::End(end)) => {
                self.finish(&end)?;
                Ok(None)
            }
            Ok(line) => {
                self.seal.line(line.kind(), &self.line);
                Ok(Some(line))
            }
            Err(error) => Err(self.misunderstood(&error)),
        }
    }

    /// What the dump says of itself, once it has ended.
    pub(super) fn summary(self) -> Summary {
        Summary { header: self.header, counts: self.seal.counts }
    }

    /// An error about the line read last.
    pub(super) fn wrong(&self, reason: &impl ToString) -> Error {
        Error::Line { line: self.seal.lines, reason: reason.to_string() }
    }

    /// Holds what has passed against the last line, after which nothing may come.
    fn finish(&mut self, end: &End) -> Result<(), Error> {
        let found = self.seal.clone().end();
        if found.lines != end.lines || found.counts != end.counts {
            return Err(Error::Altered("its lines are not as many as its last line says"));
        }
        if found.sha256 != end.sha256 {
            return Err(Error::Altered("its checksum is not the one in its last line"));
        }
        if !self.input.fill_buf()?.is_empty() {
            return Err(Error::Altered("it goes on after the line that ends a dump"));
        }
        Ok(())
    }

    fn misunderstood(&self, error: &serde_json::Error) -> Error {
        let line = self.seal.lines + 1;
        let known = serde_json::from_slice::<AnyLine<LineKind>>(&self.line).is_ok();
        match serde_json::from_slice(&self.line) {
            Ok(AnyLine { kind }) if !known => Error::UnknownKind {
                line,
                kind,
                gateway: self.header.gateway.clone(),
                version: self.header.version.clone(),
            },
            _ if self.header.version != VERSION => Error::UnknownWords {
                line,
                reason: error.to_string(),
                gateway: self.header.gateway.clone(),
                version: self.header.version.clone(),
            },
            _ => Error::Line { line, reason: error.to_string() },
        }
    }
}

/// Reads a line with its line break; whether there is a whole one.
fn whole_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> Result<bool, Error> {
    line.clear();
    input.take(MAX_LINE_BYTES).read_until(b'\n', line)?;
    Ok(line.last() == Some(&b'\n'))
}

/// Any line, as far as every line is the same.
#[derive(Deserialize)]
struct AnyLine<K> {
    kind: K,
}

/// Copies a dump and tells whether it is whole; `progress` hears how many bytes have passed.
///
/// # Errors
/// [`Error`]; what was written until then is no dump.
pub fn copy(input: impl BufRead, mut output: impl Write, mut progress: impl FnMut(u64)) -> Result<Summary, Error> {
    let mut lines = Lines::begin(input)?;
    let mut passed = 0;
    loop {
        output.write_all(lines.bytes())?;
        passed += lines.bytes().len() as u64;
        progress(passed);
        if lines.next()?.is_none() {
            break;
        }
    }
    output.write_all(lines.bytes())?;
    output.flush()?;
    Ok(lines.summary())
}
