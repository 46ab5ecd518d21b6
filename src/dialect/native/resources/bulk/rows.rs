//! The rows of a file, read as it arrives: each is a number to be made, or is bad and says why.
//!
//! A row is read by the same declaration as a number that is made alone, so that both take and refuse the same.

use serde_json::{Map, Value};

use super::Format;
use super::csv;
use super::report::Bad;
use crate::dialect::json;
use crate::dialect::native::framework::body;
use crate::dialect::native::framework::error::summary;
use crate::dialect::native::framework::objection::Objections;
use crate::dialect::native::framework::value::{Read, Scalar};
use crate::dialect::native::resources::numbers::NumberCreate;
use crate::store::ImportRow;
use crate::text::{BYTE_ORDER_MARK, is_digits};

/// Most bytes of one line of JSON.
const MOST_BYTES: usize = 16 * 1024;
/// The columns of a file of comma-separated values, in the order that holds where no first row names them.
const COLUMNS: [&str; 4] = ["number", "dnid", "group", "enabled"];

/// What is told of a file in UTF-16.
const UTF_16: &str = "the file is in UTF-16; save it in UTF-8: in a spreadsheet as \"CSV UTF-8 (comma delimited)\", in a \
                      text editor with the encoding UTF-8";

/// A row that was read.
pub(super) type Row = Result<ImportRow, Bad>;

/// Takes the bytes of a file and gives its rows.
pub(super) struct Rows {
    /// The first bytes, until it is known whether they are a byte order mark.
    head: Option<Vec<u8>>,
    form: Form,
}

enum Form {
    Csv {
        reader: csv::Reader,
        columns: Columns,
    },
    Ndjson(Lines),
    /// What was wrong has been told, and there would be no end of it.
    GivenUp,
}

impl Rows {
    pub(super) fn new(format: Format) -> Self {
        let form = match format {
            Format::Csv => Form::Csv { reader: csv::Reader::default(), columns: Columns::Unknown },
            Format::Ndjson => Form::Ndjson(Lines { line: 1, text: Vec::new(), bytes: 0 }),
        };
        Self { head: Some(Vec::new()), form }
    }

    /// Takes the next bytes; gives the rows that have ended with them.
    pub(super) fn push(&mut self, bytes: &[u8], take: &mut impl FnMut(Row)) {
        let Some(mut head) = self.head.take() else { return self.form.push(bytes, take) };
        head.extend_from_slice(bytes);
        if head.len() < BYTE_ORDER_MARK.len() {
            self.head = Some(head);
        } else {
            self.begin(&head, take);
        }
    }

    /// Looks at how a file begins, and reads it on.
    fn begin(&mut self, head: &[u8], take: &mut impl FnMut(Row)) {
        // A file of letters and digits has a NUL among the first two bytes in UTF-16 alone.
        if matches!(head, [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] | [0, _, ..] | [_, 0, ..]) {
            self.form = Form::GivenUp;
            take(Err(Bad::new(1, UTF_16)));
        } else {
            self.form.push(head.strip_prefix(BYTE_ORDER_MARK.as_bytes()).unwrap_or(head), take);
        }
    }

    /// The end of the file: gives the last row, if no line break has ended it.
    pub(super) fn finish(mut self, take: &mut impl FnMut(Row)) {
        if let Some(head) = self.head.take() {
            self.begin(&head, take);
        }
        match self.form {
            Form::Csv { reader, mut columns } => {
                if let Some(row) = reader.finish().and_then(|record| of_record(&mut columns, record)) {
                    take(row);
                }
            }
            Form::Ndjson(lines) => {
                if let Some(row) = lines.row() {
                    take(row);
                }
            }
            Form::GivenUp => {}
        }
    }
}

impl Form {
    fn push(&mut self, bytes: &[u8], take: &mut impl FnMut(Row)) {
        match self {
            Self::Csv { reader, columns } => reader.push(bytes, |record| {
                if let Some(row) = of_record(columns, record) {
                    take(row);
                }
            }),
            Self::Ndjson(lines) => lines.push(bytes, take),
            Self::GivenUp => {}
        }
    }
}

/// What each column holds; one that the heading leaves out is not there.
enum Columns {
    /// No row has come.
    Unknown,
    Known(Vec<&'static str>),
    /// The file separates them by something else than commas, so that no row can be read.
    NotByCommas,
}

/// The row of a record; `None` for the heading.
fn of_record(columns: &mut Columns, csv::Record { line, fields }: csv::Record) -> Option<Row> {
    let fields = match (fields, &*columns) {
        (_, Columns::NotByCommas) => return None,
        (Ok(fields), Columns::Known(known)) => return Some(of_fields(known, line, &fields)),
        (Ok(fields), Columns::Unknown) => fields,
        (Err(fault), _) => {
            if matches!(columns, Columns::Unknown) {
                *columns = Columns::Known(COLUMNS.into());
            }
            return Some(Err(Bad::new(line, format!("the row {fault}"))));
        }
    };
    if let Some(fault) = not_by_commas(&fields) {
        *columns = Columns::NotByCommas;
        return Some(Err(Bad::new(line, fault)));
    }
    let (named, row) = match heading(&fields) {
        None => (COLUMNS.into(), Some(of_fields(&COLUMNS, line, &fields))),
        Some(Ok(named)) => (named, None),
        Some(Err(fault)) => (COLUMNS.into(), Some(Err(Bad::new(line, fault)))),
    };
    *columns = Columns::Known(named);
    row
}

/// What is wrong with a first row that is one field with other separators in it.
fn not_by_commas(fields: &[String]) -> Option<String> {
    let [only] = fields else { return None };
    let used = [(';', "semicolons"), ('\t', "tabs")].into_iter().find(|(separator, _)| only.contains(*separator));
    used.map(|(_, name)| {
        format!(
            "the columns of the file are separated by {name}, and must be by commas, as in number,dnid,group,enabled: \
             export it with the comma as the separator (LibreOffice asks for it; Excel takes the list separator of the \
             system's regional settings)"
        )
    })
}

/// The columns that a first row names; `None` if it names none and is a number already.
fn heading(fields: &[String]) -> Option<Result<Vec<&'static str>, String>> {
    let names: Vec<String> = fields.iter().map(|field| field.trim().to_ascii_lowercase()).collect();
    if !names.iter().any(|name| COLUMNS.contains(&name.as_str())) {
        return None;
    }
    let allowed = "number is required; dnid, group and enabled are allowed too, each once, in any order";
    let mut columns = Vec::new();
    for name in &names {
        match COLUMNS.iter().find(|column| *column == name) {
            Some(column) if !columns.contains(column) => columns.push(column),
            Some(column) => return Some(Err(format!("the heading names {column} twice; {allowed}"))),
            None => return Some(Err(format!("the heading names an unknown column; {allowed}"))),
        }
    }
    let has_number = columns.contains(&"number");
    Some(if has_number { Ok(columns) } else { Err(format!("the heading does not name number; {allowed}")) })
}

/// A row of comma-separated values; an empty field is one that was left out.
fn of_fields(columns: &[&'static str], line: u64, fields: &[String]) -> Row {
    if fields.len() > columns.len() {
        let wanted = columns.join(",");
        return Err(Bad::new(line, format!("the row has {} fields; {wanted} are the columns", fields.len())));
    }
    let mut members = Map::new();
    for (column, field) in columns.iter().zip(fields) {
        let text = field.trim();
        if matches!(*column, "number" | "dnid") && is_rounded(text) {
            return Err(Bad::new(line, format!("{column} is {text}: {ROUNDED}")));
        }
        if !text.is_empty() {
            let value = match *column {
                // Spreadsheets write truth values in capitals.
                "enabled" => <bool as Scalar>::of_text(&text.to_ascii_lowercase()),
                _ => text.into(),
            };
            members.insert((*column).to_owned(), value);
        }
    }
    of_value(line, &Value::Object(members))
}

/// What is told of a number of which a spreadsheet left a part.
const ROUNDED: &str = "so a spreadsheet writes a long number, and its last digits are lost; give the column the format \
                       Text (or Number without decimals) there, before the numbers are put in, and export it again";

/// Whether a field is a number as `6.5E+09` is one.
fn is_rounded(text: &str) -> bool {
    let Some((digits, exponent)) = text.split_once(['e', 'E']).filter(|_| text.len() <= 32) else { return false };
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let decimals = digits.split(['.', ',']).collect::<Vec<_>>();
    decimals.len() <= 2 && decimals.into_iter().all(is_digits) && is_digits(exponent)
}

fn of_value(line: u64, value: &Value) -> Row {
    let mut objections = Objections::none();
    let read = NumberCreate::read(Some(value), &mut objections);
    let raised = objections.into_raised();
    match read {
        Some(create) if raised.is_empty() => Ok(ImportRow { line, number: create.into() }),
        _ => Err(Bad::new(line, summary(&raised, "the line"))),
    }
}

/// Takes bytes and gives the rows of their lines.
struct Lines {
    /// The line that is being read.
    line: u64,
    text: Vec<u8>,
    /// How long the line is so far; of one that is too long, no more is kept.
    bytes: usize,
}

impl Lines {
    fn push(&mut self, bytes: &[u8], take: &mut impl FnMut(Row)) {
        let mut lines = bytes.split(|byte| *byte == b'\n');
        self.keep(lines.next().unwrap_or_default());
        for next in lines {
            if let Some(row) = self.row() {
                take(row);
            }
            self.line += 1;
            self.text.clear();
            self.bytes = 0;
            self.keep(next);
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len();
        if self.bytes <= MOST_BYTES {
            self.text.extend_from_slice(bytes);
        }
    }

    /// The row of the line; `None` if the line is empty.
    fn row(&self) -> Option<Row> {
        if self.bytes > MOST_BYTES {
            return Some(Err(Bad::new(self.line, "the line is longer than 16 KiB")));
        }
        if self.text.trim_ascii().is_empty() {
            return None;
        }
        Some(match body::strict(&self.text) {
            Ok(value) => of_value(self.line, &value),
            Err(error) => {
                let said = json::objection(&self.text, &error).replace(" at line 1 column", " at column");
                Err(Bad::new(self.line, format!("the line cannot be read as JSON: {said}")))
            }
        })
    }
}
