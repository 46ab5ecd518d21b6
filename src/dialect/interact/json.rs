//! Reading JSON bodies: every value of the type that is documented.

use actix_web::http::header::HeaderMap;
use serde_json::Value;

use super::error::Failure;
use super::parameters::{Invalid, ParameterKind, Parameters};
use crate::dialect::json::{Unread, type_of};

pub(super) use crate::dialect::json::Members;

/// Reads the body of a request. A body without a media type is read as JSON.
///
/// # Errors
/// [`Failure::NotJson`] for another media type, [`Failure::Charset`] for a charset that is not read,
/// [`Failure::Unreadable`] for anything but one JSON object whose members have different names.
pub(super) fn read(headers: &HeaderMap, body: &[u8]) -> Result<Members, Failure> {
    Members::read(headers, body).map_err(|unread| match unread {
        Unread::NotJson => Failure::NotJson,
        Unread::Charset(unread) => Failure::Charset(unread),
        Unread::Empty => Failure::Unreadable("the body is empty; a JSON object is required".into()),
        Unread::Malformed(error) => Failure::Unreadable(format!("the body is not as required: {error}").into()),
    })
}

impl Parameters for Members {
    fn text(&self, name: &'static str, kind: ParameterKind) -> Result<Option<&str>, Invalid> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(Invalid::not(name, kind, type_of(other))),
        }
    }

    fn flag(&self, name: &'static str) -> Result<Option<bool>, Invalid> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(other) => Err(Invalid::not(name, ParameterKind::Flag, type_of(other))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_body_is_said() {
        let refusal = |body: &[u8]| match read(&HeaderMap::new(), body) {
            Err(Failure::Unreadable(text)) => text.into_owned(),
            other => panic!("{other:?}"),
        };
        assert_eq!(refusal(b""), "the body is empty; a JSON object is required");
        assert!(refusal(b"[1]").starts_with("the body is not as required: "), "{}", refusal(b"[1]"));
    }

    #[test]
    fn types_are_strict_and_null_is_not_given() {
        let members =
            read(&HeaderMap::new(), br#"{"n":2111230002,"t":"true","f":true,"z":null,"o":{},"a":[]}"#).unwrap();
        let text = |name| members.text(name, ParameterKind::Number).map_err(|invalid| invalid.to_string());
        assert_eq!(
            text("n").unwrap_err(),
            "missing or invalid parameter n: must be a string of 1 to 32 characters of 0-9 + * #, not a number"
        );
        assert!(text("o").unwrap_err().ends_with("not an object"));
        assert!(text("a").unwrap_err().ends_with("not an array"));
        assert!(text("f").unwrap_err().ends_with("not a boolean"));
        assert_eq!(text("z"), Ok(None));
        assert_eq!(text("absent"), Ok(None));
        assert_eq!(members.flag("f"), Ok(Some(true)));
        assert_eq!(
            members.flag("t").unwrap_err().to_string(),
            "missing or invalid parameter t: must be true or false, not a string"
        );
    }
}
