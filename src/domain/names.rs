//! The names callers use for things, parsed once at the edge and trusted from there on.
//!
//! Each type can only hold a value that is valid; its constructor trims the ends and says what would be right when it
//! refuses. Comparison is exact on what is left after trimming.

use std::borrow::Borrow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use arcstr::ArcStr;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Longest text name (ids, groups), in characters.
pub const MAX_NAME_CHARS: usize = 255;
/// Longest name of a tenant or an environment, in characters. They stand in the key of every record, so they are kept
/// short.
pub const MAX_SCOPE_CHARS: usize = 64;
/// Longest dialable number, in characters.
pub const MAX_NUMBER_CHARS: usize = 32;
/// Longest caller's number, in characters.
pub const MAX_CALLER_CHARS: usize = 64;
/// Longest access code, in digits.
pub const MAX_CODE_DIGITS: usize = 16;

/// Why a text is not a valid name; the message says what is allowed and never repeats the text itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// Nothing is left after trimming.
    #[error("must not be empty")]
    Empty,
    /// More characters than allowed; the number is the limit.
    #[error("must have at most {0} characters")]
    TooLong(usize),
    /// A control character inside.
    #[error("must not contain control characters")]
    Control,
    /// A character that a phone number cannot have.
    #[error("must have 1 to 32 characters of 0-9 + * #")]
    NotDialable,
    /// A character that does not show, or that is not ASCII.
    #[error("must have 1 to 255 visible ASCII characters")]
    NotVisible,
    /// A character other than these.
    #[error("must have characters of {0} only")]
    NotAllowed(&'static str),
    /// A character other than a decimal digit.
    #[error("must have 1 to 16 decimal digits")]
    NotDigits,
}

/// Trims `text` and holds it to the rules all text names share.
fn text(text: &str, most: usize) -> Result<&str, InvalidName> {
    let text = text.trim();
    if text.is_empty() {
        return Err(InvalidName::Empty);
    }
    if text.chars().any(char::is_control) {
        return Err(InvalidName::Control);
    }
    if text.chars().count() > most {
        return Err(InvalidName::TooLong(most));
    }
    Ok(text)
}

/// Shows, writes and reads a type as the text that it holds and that its `new` takes.
macro_rules! written_as_text {
    ($name:ident) => {
        impl std::str::FromStr for $name {
            type Err = $crate::domain::InvalidName;

            fn from_str(value: &str) -> Result<Self, Self::Err> {
                Self::new(value)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let value = <String as serde::Deserialize>::deserialize(deserializer)?;
                Self::new(&value).map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(super) use written_as_text;

macro_rules! text_name {
    ($(#[$doc:meta])* $name:ident, $most:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(ArcStr);

        impl $name {
            /// Parses a name: ends trimmed, not empty, no control characters, bounded in length.
            ///
            /// # Errors
            /// The rule that the text breaks.
            pub fn new(value: &str) -> Result<Self, InvalidName> {
                text(value, $most).map(|value| Self(value.into()))
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        written_as_text!($name);
    };
}

text_name! {
    /// A customer of the gateway; nothing crosses from one tenant to another.
    TenantId, MAX_SCOPE_CHARS
}

text_name! {
    /// An application of a tenant, as the configuration calls it.
    ApplicationName, MAX_NAME_CHARS
}

text_name! {
    /// A named set of numbers with an allocation policy.
    GroupName, MAX_NAME_CHARS
}

text_name! {
    /// The digital session that will be recognised when its call arrives. Opaque: every dialect has its own form.
    InteractionId, MAX_NAME_CHARS
}

text_name! {
    /// The caller's own number as the application or the IVR states it. Kept as text: an IVR may well say `anonymous`.
    Caller, MAX_CALLER_CHARS
}

/// A part of a tenant (such as test and production) that shares nothing with the others.
///
/// Compared without case, so the name is kept in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct EnvironmentName(ArcStr);

impl EnvironmentName {
    /// Parses a name by the rules of text names and folds its case.
    ///
    /// # Errors
    /// The rule that the text breaks.
    pub fn new(value: &str) -> Result<Self, InvalidName> {
        // Some characters become two in lower case, so the folded name is the one to measure.
        text(&value.to_lowercase(), MAX_SCOPE_CHARS).map(|value| Self(value.into()))
    }

    /// The name in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for EnvironmentName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = String::deserialize(deserializer)?;
        Self::new(&value).map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for EnvironmentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The isolation boundary: a tenant and, where the tenant has environments, one of them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Scope {
    /// Whose data it is.
    pub tenant: TenantId,
    /// Which of the tenant's environments; `None` for a tenant without.
    pub environment: Option<EnvironmentName>,
}

impl Hash for Scope {
    /// Of the bytes of the names alone, which costs half of what a derived hash does: every command asks for its scope some
    /// twenty times.
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(self.tenant.as_str().as_bytes());
        if let Some(environment) = &self.environment {
            state.write(environment.as_str().as_bytes());
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.environment {
            Some(environment) => write!(f, "{}/{environment}", self.tenant),
            None => write!(f, "{}", self.tenant),
        }
    }
}

/// A dialable number, or its short form (the DNID): 1 to 32 of `0-9 + * #`.
///
/// Packed four bits a character, first character highest, so that a number is a plain integer and integers order as
/// the texts do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Number {
    // Two halves instead of one integer, which would have to lie at a multiple of 16 in everything that holds a number.
    high: u64,
    low: u64,
}

/// The characters of a number in ASCII order; a nibble holds the position plus one, zero ends the number.
const ALPHABET: &[u8; 13] = b"#*+0123456789";

impl Number {
    /// Orders before every number; only a bound for searches, no number itself.
    pub const MIN: Self = Self::from_packed(0);
    /// Orders after every number; only a bound for searches, no number itself.
    pub(super) const MAX: Self = Self::from_packed(u128::MAX);

    /// The number as a half of itself, if it has 16 characters at most.
    pub(super) fn short(self) -> Option<u64> {
        (self.low == 0).then_some(self.high)
    }

    /// The number of which this is a half; the other one is empty.
    pub(super) fn from_short(high: u64) -> Self {
        Self { high, low: 0 }
    }

    const fn from_packed(packed: u128) -> Self {
        Self { high: (packed >> 64) as u64, low: packed as u64 }
    }

    const fn packed(self) -> u128 {
        (self.high as u128) << 64 | self.low as u128
    }

    /// Parses a number; ends are trimmed, nothing else is normalised.
    ///
    /// # Errors
    /// [`InvalidName::NotDialable`] or [`InvalidName::Empty`].
    pub fn new(value: &str) -> Result<Self, InvalidName> {
        let value = value.trim().as_bytes();
        if value.is_empty() {
            return Err(InvalidName::Empty);
        }
        if value.len() > MAX_NUMBER_CHARS {
            return Err(InvalidName::NotDialable);
        }
        let mut packed = 0u128;
        for (place, byte) in value.iter().enumerate() {
            let nibble = match byte {
                b'#' => 1u128,
                b'*' => 2,
                b'+' => 3,
                b'0'..=b'9' => u128::from(byte - b'0') + 4,
                _ => return Err(InvalidName::NotDialable),
            };
            packed |= nibble << (124 - 4 * place);
        }
        Ok(Self::from_packed(packed))
    }

    /// The bounds, both included, of the numbers that begin with this one.
    pub(super) fn beginning_with(self) -> (Self, Self) {
        let length = self.characters().count();
        let open = u128::MAX.checked_shr(4 * u32::try_from(length).unwrap_or(u32::MAX)).unwrap_or_default();
        (self, Self::from_packed(self.packed() | open))
    }

    fn characters(self) -> impl Iterator<Item = char> {
        let packed = self.packed();
        (0..MAX_NUMBER_CHARS).map_while(move |place| {
            let nibble = (packed >> (124 - 4 * place)) & 0xf;
            let index = usize::try_from(nibble).ok()?.checked_sub(1)?;
            ALPHABET.get(index).map(|byte| char::from(*byte))
        })
    }
}

impl FromStr for Number {
    type Err = InvalidName;

    fn from_str(value: &str) -> Result<Self, InvalidName> {
        Self::new(value)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0u8; MAX_NUMBER_CHARS];
        let mut length = 0;
        for character in self.characters() {
            text[length] = character as u8;
            length += 1;
        }
        // The alphabet is ASCII, so the text is valid UTF-8; `pad` honours a width asked for.
        f.pad(std::str::from_utf8(&text[..length]).unwrap_or_default())
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = String::deserialize(deserializer)?;
        Self::new(&value).map_err(serde::de::Error::custom)
    }
}

/// The digits a caller gives to prove that the call belongs to an interaction. A secret: never printed in logs.
#[derive(Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct AccessCode(ArcStr);

impl AccessCode {
    /// Parses 1 to 16 decimal digits; leading zeros count.
    ///
    /// # Errors
    /// [`InvalidName::NotDigits`] or [`InvalidName::Empty`].
    pub fn new(value: &str) -> Result<Self, InvalidName> {
        let value = value.trim();
        if value.is_empty() {
            return Err(InvalidName::Empty);
        }
        if value.len() > MAX_CODE_DIGITS || !value.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(InvalidName::NotDigits);
        }
        Ok(Self(value.into()))
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for AccessCode {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AccessCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{} digits>", self.0.len())
    }
}

impl<'de> Deserialize<'de> for AccessCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = String::deserialize(deserializer)?;
        Self::new(&value).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_number_keeps_every_character_and_drops_blanks_around_it() {
        let longest = "0123456789+*#0123456789+*#012345";
        assert_eq!(longest.len(), MAX_NUMBER_CHARS);
        for text in ["0", "380974520200", "+15550100", "*99#", longest] {
            assert_eq!(Number::new(text).unwrap().to_string(), text);
            assert_eq!(Number::new(&format!(" {text}\t")).unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_number_refuses_anything_that_cannot_be_dialled() {
        for text in ["12a", "1 2", "1-2", "(555)", "é", "0123456789012345678901234567890123"] {
            assert_eq!(Number::new(text), Err(InvalidName::NotDialable), "{text}");
        }
        assert_eq!(Number::new("  "), Err(InvalidName::Empty));
    }

    proptest! {
        #[test]
        fn numbers_read_back_and_order_as_their_texts(a in "[0-9+*#]{1,32}", b in "[0-9+*#]{1,32}") {
            let (x, y) = (Number::new(&a).unwrap(), Number::new(&b).unwrap());
            prop_assert_eq!(x.to_string(), a.clone());
            prop_assert_eq!(x.cmp(&y), a.cmp(&b));
        }
    }

    #[test]
    fn a_text_name_is_trimmed_bounded_and_free_of_control_characters() {
        assert_eq!(GroupName::new(" Unique Id 3 ").unwrap().as_str(), "Unique Id 3");
        assert_eq!(GroupName::new("a\u{0}b"), Err(InvalidName::Control));
        assert_eq!(GroupName::new("a\nb"), Err(InvalidName::Control));
        assert_eq!(GroupName::new(""), Err(InvalidName::Empty));
        assert_eq!(GroupName::new(&"ä".repeat(255)).unwrap().as_str().chars().count(), 255);
        assert_eq!(GroupName::new(&"ä".repeat(256)), Err(InvalidName::TooLong(255)));
    }

    #[test]
    fn environments_compare_without_case() {
        assert_eq!(EnvironmentName::new("Prod"), EnvironmentName::new("PROD"));
    }

    #[test]
    fn an_environment_is_measured_as_it_is_kept_so_that_it_can_be_read_back() {
        // A capital I with a dot becomes two characters in lower case.
        let kept = EnvironmentName::new(&"İ".repeat(32)).unwrap();
        assert_eq!(EnvironmentName::new(kept.as_str()), Ok(kept));
        assert_eq!(EnvironmentName::new(&"İ".repeat(33)), Err(InvalidName::TooLong(64)));
    }

    #[test]
    fn an_access_code_keeps_leading_zeros_and_never_shows_in_debug_output() {
        let code = AccessCode::new("000417").unwrap();
        assert_eq!(code.as_str(), "000417");
        assert_eq!(format!("{code:?}"), "<6 digits>");
        assert_eq!(AccessCode::new("12a"), Err(InvalidName::NotDigits));
    }
}
