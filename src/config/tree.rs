//! The layers laid over each other: one tree of raw values, each of which knows where it was given.

use std::collections::BTreeMap;
use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use super::problem::{Problem, SettingOrigin};

/// What the variables that configure the gateway begin with.
pub(super) const PREFIX: &str = "DNIS_GATEWAY__";

/// A table of raw values.
pub(super) type Table = BTreeMap<String, Node>;

/// A raw value and where it was given.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) value: RawValue,
    pub(super) origin: SettingOrigin,
    /// The text of a variable, for keys that want text: `12345678` may be an id.
    pub(super) raw: Option<String>,
}

/// A raw value, as far as settings tell values apart.
#[derive(Clone, Debug)]
pub(super) enum RawValue {
    Text(String),
    Whole(i128),
    Flag(bool),
    List(Vec<Node>),
    Table(Table),
    /// A kind of value that no setting takes, by its name.
    Other(&'static str),
}

impl Node {
    pub(super) fn new(value: RawValue, origin: SettingOrigin) -> Self {
        Self { value, origin, raw: None }
    }

    /// The text of a text, or of a variable.
    pub(super) fn text(&self) -> Option<&str> {
        match (&self.raw, &self.value) {
            (Some(raw), _) => Some(raw),
            (None, RawValue::Text(text)) => Some(text),
            (None, _) => None,
        }
    }

    /// What kind of value it is, for a message.
    pub(super) fn kind(&self) -> &'static str {
        match &self.value {
            RawValue::Text(_) => "a text",
            RawValue::Whole(_) => "a whole number",
            RawValue::Flag(_) => "a boolean",
            RawValue::List(_) => "a list",
            RawValue::Table(_) => "a table",
            RawValue::Other(kind) => kind,
        }
    }
}

/// Reads the TOML `text` of the file called `name`.
///
/// # Errors
/// The first place that is no TOML. What follows may be wrong only because of it.
pub(super) fn from_toml(text: &str, name: &str) -> Result<Table, Problem> {
    let name: Arc<str> = name.into();
    let place = |offset: usize| {
        let before = text.as_bytes().get(..offset).unwrap_or(text.as_bytes());
        SettingOrigin::File { name: name.clone(), line: 1 + before.iter().filter(|byte| **byte == b'\n').count() }
    };
    let (table, errors) = DeTable::parse_recoverable(text);
    let start = |error: &toml::de::Error| error.span().map_or(0, |span| span.start);
    match errors.into_iter().min_by_key(start) {
        None => Ok(entries(table.into_inner(), &place)),
        Some(first) => Err(Problem {
            origin: place(start(&first)),
            key: String::new(),
            text: format!("is not valid TOML: {}", first.message().replace('\n', ", ")),
        }),
    }
}

fn entries(table: DeTable<'_>, place: &impl Fn(usize) -> SettingOrigin) -> Table {
    table
        .into_iter()
        .map(|(key, value)| {
            let origin = place(key.span().start);
            (key.into_inner().into_owned(), Node::new(value_of(value.into_inner(), place), origin))
        })
        .collect()
}

fn value_of(value: DeValue<'_>, place: &impl Fn(usize) -> SettingOrigin) -> RawValue {
    match value {
        DeValue::String(text) => RawValue::Text(text.into_owned()),
        DeValue::Integer(whole) => i128::from_str_radix(whole.as_str(), whole.radix())
            .map_or(RawValue::Other("a number out of all bounds"), RawValue::Whole),
        DeValue::Boolean(flag) => RawValue::Flag(flag),
        DeValue::Array(list) => RawValue::List(
            list.into_iter()
                .map(|item| {
                    let origin = place(item.span().start);
                    Node::new(value_of(item.into_inner(), place), origin)
                })
                .collect(),
        ),
        DeValue::Table(table) => RawValue::Table(entries(table, place)),
        DeValue::Float(_) => RawValue::Other("a fraction"),
        DeValue::Datetime(_) => RawValue::Other("a date"),
    }
}

/// Lays the environment variable `name` over `root`, if it is one of the gateway's.
pub(super) fn lay_variable(root: &mut Table, name: &str, text: &str, problems: &mut Vec<Problem>) {
    let Some(path) = name.strip_prefix(PREFIX) else { return };
    let origin = SettingOrigin::Variable(name.into());
    let path: Vec<String> = path.split("__").map(str::to_lowercase).collect();
    if text.contains(char::REPLACEMENT_CHARACTER) {
        problems.push(Problem { origin, key: path.join("."), text: "must be valid UTF-8".to_owned() });
        return;
    }
    let value = match DeValue::parse(text) {
        Ok(value) if !value.get_ref().is_str() => value_of(value.into_inner(), &|_| origin.clone()),
        _ => RawValue::Text(text.to_owned()),
    };
    let node = Node { value, origin: origin.clone(), raw: Some(text.to_owned()) };
    if let Err(text) = lay(root, &path, node) {
        problems.push(Problem { origin, key: path.join("."), text });
    }
}

/// Lays an option of the command line over `root`.
pub(super) fn lay_option(root: &mut Table, option: &'static str, path: [&str; 2], text: String) {
    let node = Node::new(RawValue::Text(text), SettingOrigin::Option(option));
    let path = path.map(str::to_owned);
    // A file with something other than a table in the way is refused when that section is read.
    let _ = lay(root, &path, node);
}

/// Puts `node` at `path`, in place of what is there; missing tables on the way are made.
fn lay(table: &mut Table, path: &[String], node: Node) -> Result<(), String> {
    match path {
        [] => Ok(()),
        [key, ..] if key.is_empty() => Err(format!("must be named {PREFIX}SECTION__KEY")),
        [key] => {
            table.insert(key.clone(), node);
            Ok(())
        }
        [key, rest @ ..] => {
            let origin = node.origin.clone();
            let below = table.entry(key.clone()).or_insert_with(|| Node::new(RawValue::Table(Table::new()), origin));
            match &mut below.value {
                RawValue::Table(inner) => lay(inner, rest, node),
                _ => Err(format!("cannot be set this way: `{key}` is {}", below.kind())),
            }
        }
    }
}
