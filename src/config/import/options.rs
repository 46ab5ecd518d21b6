//! The form of an exported option file: `[section]` lines and `key=value` lines below them.

use crate::text::without_mark;

/// A whole file.
#[derive(Debug, Default)]
pub(super) struct Export {
    /// Its sections in their order; a section that is there twice is joined.
    pub(super) sections: Vec<Section>,
}

/// A section with its options in their order.
#[derive(Debug)]
pub(super) struct Section {
    pub(super) name: String,
    /// The line it begins at, counted from 1.
    pub(super) line: usize,
    pub(super) options: Vec<Opt>,
}

/// An option.
#[derive(Debug)]
pub(super) struct Opt {
    pub(super) key: String,
    pub(super) value: String,
    pub(super) line: usize,
}

impl Section {
    /// The value of an option.
    pub(super) fn value(&self, key: &str) -> Option<&str> {
        self.options.iter().find(|option| option.key == key).map(|option| option.value.as_str())
    }
}

impl Export {
    /// Reads a file. Blank lines and lines that begin with `#` or `;` are comments.
    ///
    /// # Errors
    /// The first line that is neither a section nor an option, or an option before the first section.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let mut export = Self::default();
        let mut current = None;
        for (line, content) in without_mark(text).lines().enumerate().map(|(at, line)| (at + 1, line.trim())) {
            if content.is_empty() || content.starts_with(['#', ';']) {
                continue;
            }
            if let Some(name) = content.strip_prefix('[') {
                let name = name.strip_suffix(']').ok_or_else(|| format!("line {line}: a section must end with ]"))?;
                current = Some(export.section(name.trim(), line));
                continue;
            }
            let wrong = || format!("line {line}: must be [section] or key=value");
            let (key, value) = content.split_once('=').ok_or_else(wrong)?;
            let at = current.ok_or_else(|| format!("line {line}: an option must stand below a [section]"))?;
            let section: &mut Section = &mut export.sections[at];
            let option = Opt { key: key.trim().to_owned(), value: unquoted(value.trim()).to_owned(), line };
            // Of two values for one key the later one holds, as in GMS.
            section.options.retain(|other| other.key != option.key);
            section.options.push(option);
        }
        Ok(export)
    }

    /// The place of the section of this name.
    fn section(&mut self, name: &str, line: usize) -> usize {
        let place = self.sections.iter().position(|section| section.name == name);
        place.unwrap_or_else(|| {
            self.sections.push(Section { name: name.to_owned(), line, options: Vec::new() });
            self.sections.len() - 1
        })
    }
}

/// A value without the quotes around it.
fn unquoted(value: &str) -> &str {
    value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value)
}
