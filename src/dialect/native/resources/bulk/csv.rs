//! Comma-separated values as RFC 4180 has them, read as they arrive and strictly: what a lenient reader would guess at is
//! a bad row here, since a wrong guess makes a wrong number.

/// Most bytes of one row.
const MOST_BYTES: usize = 16 * 1024;
/// Most fields of one row.
const MOST_FIELDS: usize = 64;

/// What is wrong with a row in another charset, and what to do.
const NOT_UTF_8: &str =
    "is not UTF-8; save the file as CSV UTF-8, or declare what it is in, such as text/csv; charset=windows-1252";

/// A row, and the line on which it begins.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// Counted from 1.
    pub(super) line: u64,
    /// Its fields, or what is wrong with it.
    pub(super) fields: Result<Vec<String>, &'static str>,
}

/// Where in a row the reader is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// At the beginning of a field.
    Start,
    /// In a field without quotes.
    Plain,
    /// Inside quotes.
    Quoted,
    /// After a quote inside quotes: their end, or half of a doubled one.
    Quote,
    /// After a carriage return: the line ends here.
    Return,
}

/// Takes bytes and gives rows.
#[derive(Debug)]
pub(super) struct Reader {
    at: At,
    /// The line that is being read.
    line: u64,
    /// The line on which the row begins.
    begins: u64,
    field: Vec<u8>,
    fields: Vec<String>,
    /// How long the row is so far.
    bytes: usize,
    /// What is wrong with the row, the first thing.
    fault: Option<&'static str>,
}

impl Default for Reader {
    fn default() -> Self {
        Self { at: At::Start, line: 1, begins: 1, field: Vec::new(), fields: Vec::new(), bytes: 0, fault: None }
    }
}

impl Reader {
    /// Takes the next bytes; gives the rows that have ended with them.
    pub(super) fn push(&mut self, bytes: &[u8], mut take: impl FnMut(Record)) {
        for byte in bytes {
            if let Some(record) = self.byte(*byte) {
                take(record);
            }
        }
    }

    /// The last row, if it was not ended by a line break.
    pub(super) fn finish(mut self) -> Option<Record> {
        if self.at == At::Quoted {
            self.fault.get_or_insert("begins a field with a quote that is never closed");
        }
        self.end_row()
    }

    fn byte(&mut self, byte: u8) -> Option<Record> {
        self.bytes += 1;
        if self.bytes > MOST_BYTES {
            self.fault.get_or_insert("is longer than 16 KiB");
        }
        if byte == b'\n' {
            self.line += 1;
        }
        match (self.at, byte) {
            (At::Quoted, b'"') => self.at = At::Quote,
            // Inside quotes a line break is text; but a row that is wrong already ends with its line, so that one quote
            // too many does not take the rest of the file.
            (At::Quoted, byte) if byte != b'\n' || self.fault.is_none() => self.keep(byte),
            (_, b'\n') => return self.end_row(),
            (At::Return, byte) => {
                self.fault.get_or_insert("has a carriage return that does not end the line");
                self.at = At::Plain;
                self.keep(byte);
            }
            (_, b'\r') => self.at = At::Return,
            (At::Quote, b'"') => {
                self.at = At::Quoted;
                self.keep(byte);
            }
            (_, b',') => self.end_field(),
            (At::Start, b'"') => self.at = At::Quoted,
            (At::Plain, b'"') => {
                self.fault.get_or_insert("has a quote inside a field that does not begin with one");
            }
            (At::Quote, _) => {
                self.fault.get_or_insert("has text after a closing quote");
            }
            (_, byte) => {
                self.at = At::Plain;
                self.keep(byte);
            }
        }
        None
    }

    fn keep(&mut self, byte: u8) {
        if self.fault.is_none() {
            self.field.push(byte);
        }
    }

    fn end_field(&mut self) {
        self.at = At::Start;
        if self.fields.len() == MOST_FIELDS {
            self.fault.get_or_insert("has more than 64 fields");
        }
        match String::from_utf8(std::mem::take(&mut self.field)) {
            Ok(field) if self.fault.is_none() => self.fields.push(field),
            Ok(_) => {}
            Err(_) => {
                self.fault.get_or_insert(NOT_UTF_8);
            }
        }
    }

    /// Ends a row; `None` for an empty line.
    fn end_row(&mut self) -> Option<Record> {
        let empty = self.at == At::Start || self.at == At::Return;
        let empty = empty && self.field.is_empty() && self.fields.is_empty() && self.fault.is_none();
        if !empty {
            self.end_field();
        }
        self.at = At::Start;
        self.bytes = 0;
        let line = std::mem::replace(&mut self.begins, self.line);
        let fields = std::mem::take(&mut self.fields);
        let fields = self.fault.take().map_or(Ok(fields), Err);
        (!empty).then_some(Record { line, fields })
    }
}

/// Writes the fields of a row, without its end.
pub(in crate::dialect::native) fn push_row(out: &mut Vec<u8>, fields: &[String]) {
    for (place, field) in fields.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        push_field(out, field);
    }
}

/// A field as it is written: in quotes where it needs them.
pub(in crate::dialect::native) fn push_field(out: &mut Vec<u8>, field: &str) {
    if field.contains([',', '"', '\r', '\n']) {
        out.push(b'"');
        out.extend_from_slice(field.replace('"', "\"\"").as_bytes());
        out.push(b'"');
    } else {
        out.extend_from_slice(field.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What is read of a text that arrives in parts of this size.
    fn read_in(text: &[u8], part: usize) -> Vec<(u64, Result<Vec<String>, &'static str>)> {
        let (mut reader, mut records) = (Reader::default(), Vec::new());
        for bytes in text.chunks(part) {
            reader.push(bytes, |record| records.push(record));
        }
        records.extend(reader.finish());
        records.into_iter().map(|record| (record.line, record.fields)).collect()
    }

    fn read(text: &str) -> Vec<(u64, Result<Vec<String>, &'static str>)> {
        let whole = read_in(text.as_bytes(), usize::MAX);
        assert_eq!(read_in(text.as_bytes(), 1), whole, "{text:?}");
        whole
    }

    fn row<const N: usize>(line: u64, fields: [&str; N]) -> (u64, Result<Vec<String>, &'static str>) {
        (line, Ok(fields.map(str::to_owned).into()))
    }

    #[test]
    fn rows_end_with_either_line_break_and_the_last_one_needs_none() {
        let expected = [row(1, ["a", "b"]), row(2, ["c", ""]), row(3, ["", "d"])];
        assert_eq!(read("a,b\nc,\n,d"), expected);
        assert_eq!(read("a,b\r\nc,\r\n,d\r\n"), expected);
    }

    #[test]
    fn empty_lines_are_passed_over_and_counted() {
        assert_eq!(read("\n\r\na\n\n,\n"), [row(3, ["a"]), row(5, ["", ""])]);
        assert_eq!(read(""), []);
    }

    #[test]
    fn quotes_hold_commas_line_breaks_and_doubled_quotes() {
        assert_eq!(
            read("\"a,b\",\"say \"\"hi\"\"\",\"two\r\nlines\"\nnext,\"\""),
            [row(1, ["a,b", "say \"hi\"", "two\r\nlines"]), row(3, ["next", ""])]
        );
    }

    #[test]
    fn what_a_lenient_reader_would_guess_at_is_a_bad_row_and_the_next_one_is_read() {
        let fault = |text: &str| read(text)[0].clone().1.unwrap_err();
        for (text, part) in [
            ("a\"b,c\nnext", "inside a field"),
            ("\"a\"b,c\nnext", "after a closing quote"),
            ("a\rb\nnext", "carriage return"),
        ] {
            assert!(fault(text).contains(part), "{text:?}: {}", fault(text));
            assert_eq!(read(text)[1], row(2, ["next"]));
        }
        assert!(fault("\"a,b\nc").contains("never closed"));
        assert!(fault(&"x".repeat(20_000)).contains("16 KiB"));
        assert!(fault(&",".repeat(100)).contains("64 fields"));
        assert_eq!(read_in(b"\xff,a\nb", 1)[0].1, Err(NOT_UTF_8));
    }

    #[test]
    fn an_unclosed_quote_takes_a_bounded_part_of_the_file() {
        let text = format!("\"open\n{}", "1234567,,,\n".repeat(5_000));
        let records = read(&text);
        assert!(records[0].1.is_err());
        assert!(records.len() > 3_000, "{}", records.len());
        assert_eq!(records.last().unwrap().0, 5_001, "lines are counted on");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(rows in proptest::collection::vec(proptest::collection::vec("[a-c,\" \r\n]{0,6}", 2..4), 0..8)) {
            let mut text = Vec::new();
            for row in &rows {
                for (place, field) in row.iter().enumerate() {
                    if place > 0 {
                        text.push(b',');
                    }
                    push_field(&mut text, field);
                }
                text.push(b'\n');
            }
            let read: Vec<_> = read_in(&text, 3).into_iter().map(|(_, fields)| fields.unwrap()).collect();
            prop_assert_eq!(read, rows);
        }
    }
}
