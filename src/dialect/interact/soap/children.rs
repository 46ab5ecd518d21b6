//! The children of a payload as parameters.

use super::NAMESPACES;
use crate::dialect::interact::parameters::{Invalid, Kind, Parameters};
use crate::soap::envelope::{Fields, Found, Value};

/// The children of a payload.
pub(super) struct Children<'e, 'd>(pub(super) Fields<'e, 'd>);

impl Children<'_, '_> {
    fn find(&self, name: &'static str, kind: Kind) -> Result<Option<&str>, Invalid> {
        match self.0.find(name, &NAMESPACES) {
            Found::Missing | Found::Once(Value::Nil) => Ok(None),
            Found::Once(Value::Text(text)) => Ok(Some(text)),
            Found::Once(Value::Elements(_)) => Err(Invalid::not(name, kind, "elements")),
            Found::Repeated => Err(Invalid::repeated(name)),
        }
    }
}

impl Parameters for Children<'_, '_> {
    fn text(&self, name: &'static str, kind: Kind) -> Result<Option<&str>, Invalid> {
        self.find(name, kind)
    }

    fn flag(&self, name: &'static str) -> Result<Option<bool>, Invalid> {
        let Some(text) = self.find(name, Kind::XmlFlag)? else { return Ok(None) };
        match text.trim() {
            "true" | "1" => Ok(Some(true)),
            "false" | "0" => Ok(Some(false)),
            _ => Err(Invalid::value(name, Kind::XmlFlag, text)),
        }
    }
}
