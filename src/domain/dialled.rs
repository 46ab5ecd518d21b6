//! The texts that called routes are made of: what is printed on the poster, what may be dialled behind it, and the
//! two together.
//!
//! They are kept apart from [`Number`]: an access code with its extension can be longer than a number of
//! a pool, and it is compared as a text, digit by digit.

use arcstr::ArcStr;

use super::names::written_as_text;
use super::{InvalidName, Number};

/// Longest access code, in characters.
pub const MAX_HOTLINE_CHARS: usize = 32;
/// Longest extension code, in characters.
pub const MAX_EXTENSION_CHARS: usize = 12;
/// Longest dialled number, in characters: an access code and its extension.
pub const MAX_DIALLED_CHARS: usize = MAX_HOTLINE_CHARS + MAX_EXTENSION_CHARS;

macro_rules! dialled_text {
    ($(#[$doc:meta])* $name:ident, $most:expr, $allowed:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(ArcStr);

        impl $name {
            #[doc = concat!("Parses the characters `", $allowed, "`; ends are trimmed, nothing else is normalised.")]
            ///
            /// # Errors
            /// [`InvalidName::Empty`], [`InvalidName::TooLong`], [`InvalidName::NotAllowed`].
            pub fn new(value: &str) -> Result<Self, InvalidName> {
                let value = value.trim();
                if value.is_empty() {
                    return Err(InvalidName::Empty);
                }
                if value.chars().count() > $most {
                    return Err(InvalidName::TooLong($most));
                }
                if !value.chars().all(|c| c.is_ascii_digit() || $allowed[3..].contains(c)) {
                    return Err(InvalidName::NotAllowed($allowed));
                }
                Ok(Self(value.into()))
            }

            /// The characters.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        written_as_text!($name);
    };
}

dialled_text! {
    /// The number that a tenant offers its customers to dial; AICC calls it access code.
    HotlineCode, MAX_HOTLINE_CHARS, "0-9*#"
}

dialled_text! {
    /// What is dialled straight after a hotline to pick one of its destinations; AICC calls it extension code.
    Extension, MAX_EXTENSION_CHARS, "0-9*#"
}

dialled_text! {
    /// A number as it reaches the contact center: with or without an extension, perhaps with digits too many.
    Dialled, MAX_DIALLED_CHARS, "0-9+*#"
}

impl Dialled {
    /// What is dialled for a hotline and an extension: one straight after the other.
    pub fn of(hotline: &HotlineCode, extension: Option<&Extension>) -> Self {
        Self(format!("{hotline}{}", extension.map_or("", Extension::as_str)).into())
    }
}

impl From<Number> for Dialled {
    fn from(number: Number) -> Self {
        // A number has the same characters and fewer of them.
        Self(number.to_string().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_access_code_has_up_to_32_and_an_extension_up_to_12_of_digits_star_and_hash() {
        assert_eq!(HotlineCode::new(&"9".repeat(32)).unwrap().as_str().len(), 32);
        assert_eq!(HotlineCode::new(&"9".repeat(33)), Err(InvalidName::TooLong(32)));
        assert_eq!(Extension::new(" 0123456789*# ").unwrap().as_str(), "0123456789*#");
        assert_eq!(Extension::new(&"1".repeat(13)), Err(InvalidName::TooLong(12)));
        for text in ["1a", "1 2", "-1", "é", "1+"] {
            assert_eq!(Extension::new(text), Err(InvalidName::NotAllowed("0-9*#")), "{text}");
        }
        assert_eq!(Extension::new(" "), Err(InvalidName::Empty));
    }

    #[test]
    fn a_number_as_it_is_dialled_may_begin_with_a_plus() {
        let number = Number::new("+49*30#").unwrap();
        assert_eq!(Dialled::new("+49*30#"), Ok(Dialled::from(number)));
    }

    #[test]
    fn hotline_and_extension_are_dialled_one_after_the_other() {
        let (hotline, extension) = (HotlineCode::new("12345").unwrap(), Extension::new("1").unwrap());
        assert_eq!(Dialled::of(&hotline, Some(&extension)).as_str(), "123451");
        assert_eq!(Dialled::of(&hotline, None).as_str(), "12345");
    }
}
