//! The children of a payload as parameters.

use super::NAMESPACES;
use crate::dialect::interact::parameters::{Invalid, ParameterKind, Parameters};
use crate::soap::envelope::{FieldLookup, FieldValue, Fields};

/// The children of a payload.
pub(super) struct Children<'e, 'd>(pub(super) Fields<'e, 'd>);

impl Children<'_, '_> {
    fn find(&self, name: &'static str, kind: ParameterKind) -> Result<Option<&str>, Invalid> {
        match self.0.find(name, &NAMESPACES) {
            FieldLookup::Missing | FieldLookup::Once(FieldValue::Nil) => Ok(None),
            FieldLookup::Once(FieldValue::Text(text)) => Ok(Some(text)),
            FieldLookup::Once(FieldValue::Elements(_)) => Err(Invalid::not(name, kind, "elements")),
            FieldLookup::Repeated => Err(Invalid::repeated(name)),
        }
    }
}

impl Parameters for Children<'_, '_> {
    fn text(&self, name: &'static str, kind: ParameterKind) -> Result<Option<&str>, Invalid> {
        self.find(name, kind)
    }

    fn flag(&self, name: &'static str) -> Result<Option<bool>, Invalid> {
        let Some(text) = self.find(name, ParameterKind::XmlFlag)? else { return Ok(None) };
        match text.trim() {
            "true" | "1" => Ok(Some(true)),
            "false" | "0" => Ok(Some(false)),
            _ => Err(Invalid::value(name, ParameterKind::XmlFlag, text)),
        }
    }
}
