//! What a request asks for, by the vendor's names: one reading for JSON and XML alike, and one form of objection.
//!
//! A parameter that is not right is refused with a text that names it, says what is wrong and what is allowed. The text
//! never repeats the value; a fault's detail for programs does, shortened.

use std::borrow::Cow;
use std::fmt;

use super::error::Failure;
use crate::domain::{GroupName, InteractionId, NewNumber, Number};
use crate::text::{SHOWN, shorten};

/// What a parameter may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ParameterKind {
    /// A phone number or its short form.
    Number,
    /// An id or the name of a group.
    Name,
    /// A flag in JSON.
    Flag,
    /// A flag in XML.
    XmlFlag,
    /// A whole number in a query, within these bounds.
    Whole(usize, usize),
}

impl fmt::Display for ParameterKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number => f.write_str("a string of 1 to 32 characters of 0-9 + * #"),
            Self::Name => f.write_str("a string of 1 to 255 characters without control characters"),
            Self::Flag => f.write_str("true or false"),
            Self::XmlFlag => f.write_str("true, false, 1 or 0"),
            Self::Whole(least, most) if *most == usize::MAX => write!(f, "a whole number from {least} up"),
            Self::Whole(least, most) => write!(f, "a whole number from {least} to {most}"),
        }
    }
}

/// What is wrong with a parameter, as a label for machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// It must be given.
    Missing,
    /// It may be given once only.
    Repeated,
    /// It is not of its kind, or not allowed here.
    Invalid,
}

impl Problem {
    /// The label.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Missing => "missing_parameter",
            Self::Repeated => "repeated_parameter",
            Self::Invalid => "invalid_parameter",
        }
    }
}

/// A parameter that is missing or wrong. The text begins as the vendor's own objections do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("missing or invalid parameter {field}: {objection}")]
pub(super) struct Invalid {
    /// What is wrong.
    pub(super) problem: Problem,
    /// Which parameter.
    pub(super) field: Cow<'static, str>,
    /// What would be right, if that is a matter of its kind.
    pub(super) expected: Option<ParameterKind>,
    /// What was given, shortened, where it was a text of the wrong kind.
    pub(super) found: Option<Cow<'static, str>>,
    objection: String,
}

impl Invalid {
    /// The value `found` is not of its kind.
    pub(super) fn value(field: &'static str, kind: ParameterKind, found: &str) -> Self {
        Self {
            expected: Some(kind),
            found: Some(shorten(found, SHOWN).into()),
            ..Self::because(field, format!("must be {kind}"))
        }
    }

    /// The value is not of its kind; `instead` says what it is.
    pub(super) fn not(field: &'static str, kind: ParameterKind, instead: &'static str) -> Self {
        Self {
            expected: Some(kind),
            found: Some(instead.into()),
            ..Self::because(field, format!("must be {kind}, not {instead}"))
        }
    }

    /// The parameter is required.
    pub(super) fn missing(field: &'static str, kind: ParameterKind) -> Self {
        let objection = format!("is required; it must be {kind}");
        Self { problem: Problem::Missing, expected: Some(kind), ..Self::because(field, objection) }
    }

    /// The parameter is given more than once.
    pub(super) fn repeated(field: impl Into<Cow<'static, str>>) -> Self {
        Self { problem: Problem::Repeated, ..Self::because(field, "is given more than once; once is allowed") }
    }

    /// The parameter is refused for another reason than its kind.
    pub(super) fn because(field: impl Into<Cow<'static, str>>, objection: impl Into<String>) -> Self {
        Self {
            problem: Problem::Invalid,
            field: field.into(),
            expected: None,
            found: None,
            objection: objection.into(),
        }
    }
}

/// Where parameters come from: the members of a JSON object or the children of a payload.
pub(super) trait Parameters {
    /// The text of a parameter; `None` if it was not given.
    fn text(&self, name: &'static str, kind: ParameterKind) -> Result<Option<&str>, Invalid>;

    /// The value of a flag; `None` if it was not given.
    fn flag(&self, name: &'static str) -> Result<Option<bool>, Invalid>;
}

/// Reads a phone number from `text`.
///
/// # Errors
/// It is no phone number.
pub(super) fn number(name: &'static str, text: &str) -> Result<Number, Invalid> {
    Number::new(text).map_err(|_| Invalid::value(name, ParameterKind::Number, text))
}

/// The number of a phone that is looked for. What is no phone number is in no pool, and the vendor documents no other
/// answer to that.
///
/// # Errors
/// [`Failure::NoSuchPhone`].
pub(super) fn sought(text: &str) -> Result<Number, Failure> {
    Number::new(text).map_err(|_| Failure::NoSuchPhone(text.to_owned()))
}

/// Reads the name of a group from `text`; an empty one means no group, as forms and old toolkits send it.
///
/// # Errors
/// It cannot be a group's name.
pub(super) fn group(name: &'static str, text: &str) -> Result<Option<GroupName>, Invalid> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    GroupName::new(text).map(Some).map_err(|_| Invalid::value(name, ParameterKind::Name, text))
}

/// A phone number that must be given.
///
/// # Errors
/// It is missing or no phone number.
pub(super) fn required_number(from: &impl Parameters, name: &'static str) -> Result<Number, Invalid> {
    let text = from.text(name, ParameterKind::Number)?.ok_or_else(|| Invalid::missing(name, ParameterKind::Number))?;
    number(name, text)
}

/// The phone to be created. `enabled` is true where it is not given: a phone is added to be lent.
///
/// # Errors
/// A parameter is missing or wrong.
pub(super) fn create(from: &impl Parameters) -> Result<NewNumber, Invalid> {
    Ok(NewNumber {
        number: required_number(from, "phoneNumber")?,
        dnid: required_number(from, "dnId")?,
        group: from.text("groupName", ParameterKind::Name)?.map(|text| group("groupName", text)).transpose()?.flatten(),
        enabled: from.flag("enabled")?.unwrap_or(true),
    })
}

/// Who is to be given a phone, and from which group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Allocate {
    /// The interaction's unique id.
    pub(super) id: InteractionId,
    /// The group that is asked for.
    pub(super) group: Option<GroupName>,
}

/// The allocation asked for. `id` is the vendor's name of the interaction's id: `id` in JSON, `uniqueId` in XML.
///
/// # Errors
/// A parameter is missing or wrong.
pub(super) fn allocate(from: &impl Parameters, id: &'static str) -> Result<Allocate, Invalid> {
    let text = from.text(id, ParameterKind::Name)?.ok_or_else(|| Invalid::missing(id, ParameterKind::Name))?;
    Ok(Allocate {
        id: InteractionId::new(text).map_err(|_| Invalid::value(id, ParameterKind::Name, text))?,
        group: from.text("group", ParameterKind::Name)?.map(|text| group("group", text)).transpose()?.flatten(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_objection_names_the_parameter_and_what_is_allowed() {
        assert_eq!(
            number("phoneNumber", "12a").unwrap_err().to_string(),
            "missing or invalid parameter phoneNumber: must be a string of 1 to 32 characters of 0-9 + * #"
        );
        assert_eq!(
            group("groupName", "a\u{0}b").unwrap_err().to_string(),
            "missing or invalid parameter groupName: must be a string of 1 to 255 characters without control characters"
        );
    }

    #[test]
    fn an_empty_group_is_no_group() {
        assert_eq!(group("group", " \t"), Ok(None));
        assert_eq!(group("group", " test "), Ok(Some(GroupName::new("test").unwrap())));
    }
}
