//! Reading one table of settings: every key by the kind of value it takes, every problem noted, nothing overlooked.
//!
//! A key that a section never asks for is unknown, so the reading code is at the same time the list of allowed keys.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use super::problem::{Problem, SettingOrigin};
use super::tree::{Node, RawValue, Table};

/// What all sections of one configuration share while they are read.
pub(super) struct Reading {
    /// What is wrong so far.
    pub(super) problems: RefCell<Vec<Problem>>,
    /// What is worth a warning so far.
    pub(super) warnings: RefCell<Vec<Problem>>,
    /// Every key that was asked for, as a path without positions.
    asked: RefCell<BTreeSet<String>>,
    /// What the paths of secret files are relative to.
    base: PathBuf,
}

impl Reading {
    pub(super) fn new(problems: Vec<Problem>, base: &Path) -> Self {
        let (warnings, asked) = (RefCell::default(), RefCell::default());
        Self { problems: RefCell::new(problems), warnings, asked, base: base.to_owned() }
    }

    /// Reads the tree that `table` is the root of.
    pub(super) fn root<T>(&self, table: &Table, read: impl FnOnce(&mut Section<'_>) -> T) -> T {
        self.read(table, String::new(), String::new(), SettingOrigin::Default, read)
    }

    fn read<T>(
        &self,
        table: &Table,
        path: String,
        shape: String,
        origin: SettingOrigin,
        read: impl FnOnce(&mut Section<'_>) -> T,
    ) -> T {
        let mut section = Section { reading: self, table, path, shape, origin, asked: BTreeSet::new() };
        let result = read(&mut section);
        section.report_unknown_keys();
        result
    }

    /// The paths of all keys that were asked for, positions in lists left out.
    #[cfg(test)]
    pub(super) fn asked(&self) -> BTreeSet<String> {
        self.asked.borrow().clone()
    }
}

/// One table while it is read.
pub(super) struct Section<'r> {
    reading: &'r Reading,
    table: &'r Table,
    /// Path with positions, such as `tenant[0].users`.
    path: String,
    /// Path without positions, such as `tenant.users`.
    shape: String,
    origin: SettingOrigin,
    asked: BTreeSet<&'static str>,
}

impl<'r> Section<'r> {
    /// A key that takes text; `parse` says what is wrong with a text.
    pub(super) fn text<T, E: Display>(
        &mut self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        self.read(key, |node| match node.text() {
            Some(text) => parse(text).map_err(|error| error.to_string()),
            None => Err(format!("must be a text in quotes, not {}", node.kind())),
        })
    }

    /// A key that takes a list of texts.
    pub(super) fn texts<T, E: Display>(
        &mut self,
        key: &'static str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<Vec<T>> {
        let node = self.ask(key)?;
        let RawValue::List(list) = &node.value else {
            self.problem(key, format!("must be a list of texts such as [\"a\", \"b\"], not {}", node.kind()));
            return None;
        };
        let mut values = Vec::with_capacity(list.len());
        for (place, item) in list.iter().enumerate() {
            let problem = match item.text().map(&parse) {
                Some(Ok(value)) => {
                    values.push(value);
                    continue;
                }
                Some(Err(error)) => error.to_string(),
                None => format!("must be a text in quotes, not {}", item.kind()),
            };
            self.note(&item.origin, &format!("{key}[{place}]"), problem);
        }
        Some(values)
    }

    /// A key that takes one of a few words.
    pub(super) fn choice<T: Copy>(&mut self, key: &'static str, words: &[(&str, T)]) -> Option<T> {
        self.text(key, |text| {
            let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
            found.ok_or_else(|| {
                let allowed: Vec<String> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
                format!("must be {}", allowed.join(" or "))
            })
        })
    }

    /// A key that takes a whole number within `range`.
    pub(super) fn whole<T>(&mut self, key: &'static str, range: RangeInclusive<T>) -> Option<T>
    where
        T: Copy + Into<u64> + TryFrom<u64>,
    {
        let (least, most): (u64, u64) = ((*range.start()).into(), (*range.end()).into());
        self.read(key, |node| {
            let wanted = || format!("must be a whole number from {least} to {most}");
            match node.value {
                RawValue::Whole(whole) => u64::try_from(whole)
                    .ok()
                    .filter(|whole| (least..=most).contains(whole))
                    .and_then(|whole| T::try_from(whole).ok())
                    .ok_or_else(wanted),
                _ => Err(format!("{}, not {}", wanted(), node.kind())),
            }
        })
    }

    /// A key that takes one of a few words or a whole number within `range`, which `number` makes a value of.
    pub(super) fn choice_or_whole<T: Copy>(
        &mut self,
        key: &'static str,
        words: &[(&str, T)],
        range: RangeInclusive<u64>,
        number: impl FnOnce(u64) -> T,
    ) -> Option<T> {
        self.read(key, |node| {
            let word = node.text().and_then(|text| words.iter().find(|(word, _)| *word == text));
            let whole = match node.value {
                RawValue::Whole(whole) => u64::try_from(whole).ok().filter(|whole| range.contains(whole)),
                _ => None,
            };
            word.map(|(_, value)| *value).or_else(|| whole.map(number)).ok_or_else(|| {
                let allowed: Vec<String> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
                let (least, most) = range.into_inner();
                format!("must be {} or a whole number from {least} to {most}", allowed.join(", "))
            })
        })
    }

    /// A key that takes `true` or `false`.
    pub(super) fn flag(&mut self, key: &'static str) -> Option<bool> {
        self.read(key, |node| match node.value {
            RawValue::Flag(flag) => Ok(flag),
            _ => Err(format!("must be true or false, not {}", node.kind())),
        })
    }

    /// A key that takes a secret: a text, or `{ file = "path" }` for the content of a file without its last line end.
    pub(super) fn secret<T, E: Display>(
        &mut self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let node = self.ask(key)?;
        let RawValue::Table(_) = node.value else { return self.text(key, parse) };
        let base = self.base(node);
        let file = self.section(key, |section| {
            section.require("file");
            section.text("file", path)
        })?;
        match std::fs::read_to_string(base.join(&file)) {
            Ok(text) => match parse(text.trim_end_matches(['\r', '\n'])) {
                Ok(value) => {
                    self.warn_of_readers(key, &base.join(&file));
                    return Some(value);
                }
                Err(error) => self.problem(key, format!("the content of the file {}: {error}", file.display())),
            },
            Err(error) => self.problem(key, format!("cannot read the file {}: {error}", file.display())),
        }
        None
    }

    /// A key that names a file which can be read; relative to the configuration file's folder.
    pub(super) fn file(&mut self, key: &'static str) -> Option<PathBuf> {
        let node = self.ask(key)?;
        let file = self.base(node).join(self.text(key, path)?);
        match std::fs::File::open(&file) {
            Ok(_) => Some(file),
            Err(error) => {
                self.problem(key, format!("cannot read the file {}: {error}", file.display()));
                None
            }
        }
    }

    /// Warns where everybody on the machine may read a file that holds the secret of `key`, or change it.
    pub(super) fn warn_of_readers(&self, key: &str, file: &Path) {
        use std::os::unix::fs::PermissionsExt;

        // A file that is gone meanwhile was read all the same.
        let Ok(about) = std::fs::metadata(file) else { return };
        let may = match about.permissions().mode() & 0o006 {
            0 => return,
            0o004 => "read",
            0o002 => "change",
            _ => "read and change",
        };
        let name = file.display();
        self.warning(key, format!("everybody on this machine may {may} the file {name}; chmod o-rw would end that"));
    }

    /// The texts under `key` in the tables of the list `list`, as they stand there: for what must be known of a list
    /// before it is read.
    pub(super) fn texts_within(&self, list: &str, key: &str) -> Vec<&'r str> {
        let tables = match self.table.get(list).map(|node| &node.value) {
            Some(RawValue::List(list)) => list.as_slice(),
            _ => &[],
        };
        let tables =
            tables.iter().filter_map(|node| if let RawValue::Table(table) = &node.value { Some(table) } else { None });
        tables.filter_map(|table| table.get(key)?.text()).collect()
    }

    /// What the paths in a value are relative to.
    fn base(&self, node: &Node) -> &'r Path {
        match node.origin {
            SettingOrigin::Variable(_) => Path::new(""),
            _ => &self.reading.base,
        }
    }

    /// Whether the key is given.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// A table below this one; without it, an empty one is read.
    pub(super) fn section<T>(&mut self, key: &'static str, read: impl FnOnce(&mut Section<'_>) -> T) -> T {
        let empty = Table::new();
        let (table, origin) = match self.ask(key) {
            Some(Node { value: RawValue::Table(table), origin, .. }) => (table, origin.clone()),
            Some(other) => {
                self.problem(key, format!("must be a table ([{}]), not {}", join(&self.shape, key), other.kind()));
                (&empty, other.origin.clone())
            }
            None => (&empty, self.origin.clone()),
        };
        self.reading.read(table, join(&self.path, key), join(&self.shape, key), origin, read)
    }

    /// A list of tables below this one.
    pub(super) fn sections<T>(
        &mut self,
        key: &'static str,
        mut read: impl FnMut(&mut Section<'_>) -> Option<T>,
    ) -> Vec<T> {
        let Some(node) = self.ask(key) else { return Vec::new() };
        let list = match &node.value {
            RawValue::List(list) => list.as_slice(),
            _ => {
                self.problem(
                    key,
                    format!("must be a list of tables ([[{}]]), not {}", join(&self.shape, key), node.kind()),
                );
                &[]
            }
        };
        let mut results = Vec::with_capacity(list.len());
        for (place, item) in list.iter().enumerate() {
            let name = format!("{key}[{place}]");
            match &item.value {
                RawValue::Table(table) => {
                    let (path, shape) = (join(&self.path, &name), join(&self.shape, key));
                    results.extend(self.reading.read(table, path, shape, item.origin.clone(), &mut read));
                }
                _ => self.note(&item.origin, &name, format!("must be a table, not {}", item.kind())),
            }
        }
        results
    }

    /// A table of tables below this one, each under a name that the file chooses.
    pub(super) fn named_sections<T>(
        &mut self,
        key: &'static str,
        mut read: impl FnMut(&str, &mut Section<'_>) -> T,
    ) -> Vec<T> {
        let Some(node) = self.ask(key) else { return Vec::new() };
        let RawValue::Table(table) = &node.value else {
            self.problem(key, format!("must hold tables ([{}.NAME]), not {}", join(&self.shape, key), node.kind()));
            return Vec::new();
        };
        let mut results = Vec::with_capacity(table.len());
        for (name, item) in table {
            let (path, shape) = (join(&self.path, &format!("{key}.{name}")), join(&self.shape, key));
            match &item.value {
                RawValue::Table(table) => {
                    let origin = item.origin.clone();
                    results.push(self.reading.read(table, path, shape, origin, |section| read(name, section)));
                }
                _ => self.note(&item.origin, &format!("{key}.{name}"), format!("must be a table, not {}", item.kind())),
            }
        }
        results
    }

    /// Notes a problem if `key` is missing.
    pub(super) fn require(&self, key: &str) {
        if !self.has(key) {
            self.problem(key, "is missing");
        }
    }

    /// Notes what is wrong with `key`, which need not be given.
    pub(super) fn problem(&self, key: &str, text: impl Into<String>) {
        self.note(self.origin_of(key), key, text.into());
    }

    /// Notes what is hardly meant so at `key`.
    fn warning(&self, key: &str, text: String) {
        let warning = Problem { origin: self.origin_of(key).clone(), key: join(&self.path, key), text };
        self.reading.warnings.borrow_mut().push(warning);
    }

    fn origin_of(&self, key: &str) -> &SettingOrigin {
        self.table.get(key).map_or(&self.origin, |node| &node.origin)
    }

    fn note(&self, origin: &SettingOrigin, key: &str, text: String) {
        let problem = Problem { origin: origin.clone(), key: join(&self.path, key), text };
        self.reading.problems.borrow_mut().push(problem);
    }

    fn ask(&mut self, key: &'static str) -> Option<&'r Node> {
        self.asked.insert(key);
        self.reading.asked.borrow_mut().insert(join(&self.shape, key));
        self.table.get(key)
    }

    fn read<T>(&mut self, key: &'static str, read: impl FnOnce(&Node) -> Result<T, String>) -> Option<T> {
        match read(self.ask(key)?) {
            Ok(value) => Some(value),
            Err(text) => {
                self.problem(key, text);
                None
            }
        }
    }

    fn report_unknown_keys(&self) {
        for (key, node) in self.table.iter().filter(|(key, _)| !self.asked.contains(key.as_str())) {
            let text = match nearest(key, &self.asked) {
                Some(known) => format!("is an unknown key; did you mean `{known}`?"),
                None => {
                    let known: Vec<&str> = self.asked.iter().copied().collect();
                    format!("is an unknown key; known are {}", known.join(", "))
                }
            };
            let unknown = Problem { origin: node.origin.clone(), key: join(&self.path, key), text };
            // Whoever else makes variables may choose such a name, so a variable is warned of and not looked at.
            let told = match node.origin {
                SettingOrigin::Variable(_) => &self.reading.warnings,
                _ => &self.reading.problems,
            };
            told.borrow_mut().push(unknown);
        }
    }
}

fn path(text: &str) -> Result<PathBuf, &'static str> {
    if text.trim().is_empty() { Err("must be the path of a file") } else { Ok(PathBuf::from(text)) }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// The known key that `key` most probably means.
fn nearest<'a>(key: &str, known: &BTreeSet<&'a str>) -> Option<&'a str> {
    let distance = |known: &str| strsim::damerau_levenshtein(&key.to_lowercase(), known);
    let most = 1 + key.chars().count() / 4;
    known.iter().copied().filter(|known| distance(known) <= most).min_by_key(|known| distance(known))
}
