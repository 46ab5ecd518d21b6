//! `access_code_prefix`: what the access codes of a tenant begin with, as GMS writes it.

use crate::domain::CodePrefix;
use crate::text::is_digits;

/// More digits than GMS can read as a number.
const TOO_MANY_DIGITS: usize = 10;

/// A prefix as it is configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessCodePrefix {
    /// A number, or a range of them.
    Usable(CodePrefix),
    /// A prefix of so many digits that GMS fails with every code it is to make. It may be configured, since an option
    /// of GMS may; requests for a code then fail in the documented way.
    NoNumber(String),
}

impl AccessCodePrefix {
    /// Reads a prefix such as `9`, or a range such as `7-9`.
    ///
    /// # Errors
    /// What is allowed, for anything else.
    pub fn new(text: &str) -> Result<Self, &'static str> {
        const ALLOWED: &str = "must be digits such as \"9\", or a range such as \"7-9\" whose first number is not the \
                               greater one; a number does not begin with 0 unless it is 0";
        let (low, high) = text.split_once('-').unwrap_or((text, text));
        let (low, high) = (low.trim(), high.trim());
        let plain = |bound: &str| is_digits(bound) && (bound == "0" || !bound.starts_with('0'));
        if !plain(low) || !plain(high) {
            return Err(ALLOWED);
        }
        if let Some(long) = [low, high].into_iter().find(|bound| bound.len() >= TOO_MANY_DIGITS) {
            return Ok(Self::NoNumber(long.to_owned()));
        }
        let (low, high) = (low.parse().map_err(|_| ALLOWED)?, high.parse().map_err(|_| ALLOWED)?);
        CodePrefix::new(low, high).map(Self::Usable).ok_or(ALLOWED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_a_number_or_a_range() {
        let usable = |low, high| Ok(AccessCodePrefix::Usable(CodePrefix::new(low, high).unwrap()));
        assert_eq!(AccessCodePrefix::new("9"), usable(9, 9));
        assert_eq!(AccessCodePrefix::new("7-9"), usable(7, 9));
        assert_eq!(AccessCodePrefix::new("7 - 12"), usable(7, 12));
        assert_eq!(AccessCodePrefix::new("0"), usable(0, 0));
        assert_eq!(AccessCodePrefix::new("123456789"), usable(123_456_789, 123_456_789));
    }

    #[test]
    fn a_prefix_that_gms_cannot_read_as_a_number_is_kept_as_it_is() {
        for (text, long) in [("9999999999", "9999999999"), ("7-12345678901", "12345678901")] {
            assert_eq!(AccessCodePrefix::new(text), Ok(AccessCodePrefix::NoNumber(long.to_owned())));
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "-", "9-", "-9", "9-7", "a", "+9", "07", "7-09", "1-2-3", "7,9"] {
            assert!(AccessCodePrefix::new(text).is_err(), "{text}");
        }
    }
}
