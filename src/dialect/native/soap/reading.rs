//! The fields of a payload as values: each read once, everything that is wrong with them gathered.
//!
//! A field that is nil counts as left out. Blanks at the ends of a value do not matter, but for those of user data.

use super::NAMESPACE;
use crate::dialect::native::framework::error::Failure;
use crate::dialect::native::framework::objection::{Objections, Within};
use crate::domain::document::MAX_KEY_CHARS;
use crate::domain::{Content, EntryKey, NewEntry};
use crate::soap::envelope::{FieldLookup, FieldValue, Fields};

/// The fields of a payload while they are read.
pub(super) struct Reading<'e, 'd> {
    fields: Fields<'e, 'd>,
    objections: Objections,
}

impl<'e, 'd> Reading<'e, 'd> {
    /// Nothing read yet.
    pub(super) fn of(fields: Fields<'e, 'd>) -> Self {
        let mut objections = Objections::none();
        objections.within(Within::Body);
        Self { fields, objections }
    }

    /// A value that may be left out; `allowed` says in words what it must be.
    pub(super) fn optional<T>(
        &mut self,
        name: &str,
        allowed: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.text(name, allowed)?;
        let value = parse(text.trim());
        if value.is_none() {
            self.raise(name, format!("must be {allowed}"));
        }
        value
    }

    /// A value that must be given.
    pub(super) fn required<T>(
        &mut self,
        name: &str,
        allowed: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        if matches!(self.fields.find(name, &[NAMESPACE]), FieldLookup::Missing | FieldLookup::Once(FieldValue::Nil)) {
            self.raise(name, format!("is required; it must be {allowed}"));
        }
        self.optional(name, allowed, parse)
    }

    /// A flag; false where it is left out.
    pub(super) fn flag(&mut self, name: &str) -> bool {
        let flag = self.optional(name, "true, false, 1 or 0", |text| match text {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        });
        flag.unwrap_or_default()
    }

    /// The user data.
    pub(super) fn entries(&mut self) -> Vec<NewEntry> {
        let named = self.fields.iter().filter(|field| {
            field.name.local == "entry" && (field.name.namespace.is_empty() || *field.name.namespace == *NAMESPACE)
        });
        let mut entries = Vec::new();
        for field in named {
            match entry(&field.value) {
                Some(entry) => entries.push(entry),
                None => {
                    let allowed = format!("must hold one key of 1 to {MAX_KEY_CHARS} characters and one value");
                    self.raise("entry", allowed);
                    break;
                }
            }
        }
        entries
    }

    /// What was read, if nothing was wrong with it.
    ///
    /// # Errors
    /// [`Failure::Invalid`] with every objection.
    pub(super) fn finish<T>(self, read: Option<T>) -> Result<T, Failure> {
        let raised = self.objections.into_raised();
        read.filter(|_| raised.is_empty()).ok_or(Failure::Invalid(raised))
    }

    /// Says that a field is wrong.
    pub(super) fn raise(&mut self, name: &str, detail: impl Into<String>) {
        self.objections.at(name, |objections| objections.raise(detail));
    }

    fn text(&mut self, name: &str, allowed: &str) -> Option<&'e str> {
        match self.fields.find(name, &[NAMESPACE]) {
            FieldLookup::Missing | FieldLookup::Once(FieldValue::Nil) => None,
            FieldLookup::Once(FieldValue::Text(text)) => Some(text),
            FieldLookup::Once(FieldValue::Elements(_)) => {
                self.raise(name, format!("must be {allowed}, not elements"));
                None
            }
            FieldLookup::Repeated => {
                self.raise(name, "is given more than once; once is allowed");
                None
            }
        }
    }
}

fn entry(value: &FieldValue<'_>) -> Option<NewEntry> {
    let FieldValue::Elements(parts) = value else { return None };
    let fields = Fields::from(parts.as_slice());
    let text = |name| match fields.find(name, &[NAMESPACE]) {
        FieldLookup::Once(FieldValue::Text(text)) => Some(text),
        _ => None,
    };
    let key = EntryKey::new(text("key")?).ok()?;
    Some(NewEntry { key, content: Content::Text, bytes: text("value")?.as_bytes().into() })
}
