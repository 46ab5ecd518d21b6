//! The shape of access codes: how many digits, and with which they begin.

use rand::{CryptoRng, RngExt};

use super::AccessCode;

/// Longest code, in digits.
const MAX_LENGTH: u8 = 16;

/// What the codes of a gateway begin with: a number, or any number of a range. Gateways with ranges of their own never
/// give out the same code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodePrefix {
    low: u32,
    high: u32,
}

impl CodePrefix {
    /// The prefixes from `low` to `high`, both included; `None` if there are none.
    pub fn new(low: u32, high: u32) -> Option<Self> {
        (low <= high).then_some(Self { low, high })
    }

    /// The longest prefix, in digits.
    fn longest(self) -> u8 {
        digits(self.high)
    }
}

/// How many decimal digits a number has.
fn digits(number: u32) -> u8 {
    // A u32 has at most ten digits.
    number.checked_ilog10().unwrap_or_default() as u8 + 1
}

/// The shape of a code. All codes of a shape are numbered, so that one can be drawn and the next ones be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeShape {
    length: u8,
    prefix: Option<CodePrefix>,
}

/// Why there is no such shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidShape {
    /// The length is out of range.
    #[error("an access code has 1 to 16 digits")]
    Length,
    /// The prefix leaves no digit to draw.
    #[error("the access code's prefix is as long as the code")]
    Prefix,
}

impl CodeShape {
    /// Codes of six digits, the length GMS gives a code where nothing else is said.
    pub const DEFAULT: Self = Self { length: 6, prefix: None };

    /// Codes of `length` digits that begin with `prefix`, which counts within the length.
    ///
    /// # Errors
    /// [`InvalidShape`].
    pub fn new(length: u64, prefix: Option<CodePrefix>) -> Result<Self, InvalidShape> {
        let length = u8::try_from(length).ok().filter(|length| (1..=MAX_LENGTH).contains(length));
        let length = length.ok_or(InvalidShape::Length)?;
        if prefix.is_some_and(|prefix| prefix.longest() >= length) {
            return Err(InvalidShape::Prefix);
        }
        Ok(Self { length, prefix })
    }

    /// How many digits the codes have.
    pub fn length(self) -> u8 {
        self.length
    }

    /// A code that is not `in_use`, drawn from all with the same chance where most are free. `used` is how many are in
    /// use at most; `None` if all are.
    pub(super) fn draw(
        self,
        used: usize,
        rng: &mut dyn CryptoRng,
        in_use: impl Fn(&AccessCode) -> bool,
    ) -> Option<AccessCode> {
        let count = self.count();
        let first = rng.random_range(0..count);
        // Of one more than are in use, one is free.
        let tries = count.min(used as u64 + 1);
        let mut codes = (0..tries).map(|step| self.code((first + step) % count));
        codes.find(|code| !in_use(code))
    }

    /// How many codes there are.
    fn count(self) -> u64 {
        self.ranges().map(|(low, high, rest)| u64::from(high - low + 1) * 10u64.pow(rest)).sum()
    }

    /// The code with a number from zero up to the count.
    fn code(self, mut number: u64) -> AccessCode {
        let length = usize::from(self.length);
        let mut text = String::new();
        for (low, high, rest) in self.ranges() {
            let tail = 10u64.pow(rest);
            let count = u64::from(high - low + 1) * tail;
            if number < count {
                let prefix = (u64::from(low) + number / tail) * tail;
                text = format!("{:0length$}", prefix + number % tail);
                break;
            }
            number -= count;
        }
        AccessCode::new(&text).expect("1 to 16 digits are a valid code")
    }

    /// The prefixes in ranges of equal length, each with the digits that are left to draw.
    fn ranges(self) -> impl Iterator<Item = (u32, u32, u32)> {
        let length = self.length;
        let whole = self.prefix.is_none().then_some((0, 0, u32::from(length)));
        let parts = self.prefix.into_iter().flat_map(move |CodePrefix { low, high }| {
            (digits(low)..=digits(high)).map(move |digits| {
                let least = if digits == 1 { 0 } else { 10u32.pow(u32::from(digits) - 1) };
                let most = 10u64.pow(u32::from(digits)) - 1;
                let most = u32::try_from(most).unwrap_or(u32::MAX);
                (low.max(least), high.min(most), u32::from(length - digits))
            })
        });
        whole.into_iter().chain(parts)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    fn shape(length: u64, prefix: Option<(u32, u32)>) -> CodeShape {
        CodeShape::new(length, prefix.map(|(low, high)| CodePrefix::new(low, high).unwrap())).unwrap()
    }

    fn all(shape: CodeShape) -> Vec<String> {
        (0..shape.count()).map(|number| shape.code(number).as_str().to_owned()).collect()
    }

    #[test]
    fn the_codes_of_a_shape_are_all_of_its_length_and_begin_with_its_prefix() {
        assert_eq!(all(shape(1, None)), ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
        assert_eq!(all(shape(2, Some((7, 9)))).len(), 30);
        assert!(all(shape(2, Some((7, 9)))).iter().all(|code| code.len() == 2 && "789".contains(&code[..1])));
        let mixed = all(shape(3, Some((8, 11))));
        assert_eq!(mixed.len(), 220);
        assert!(mixed.iter().all(|code| ["8", "9", "10", "11"].iter().any(|prefix| code.starts_with(prefix))));
        assert_eq!(shape(16, None).count(), 10_000_000_000_000_000);
    }

    #[test]
    fn a_prefix_must_leave_a_digit_to_draw() {
        let prefix = CodePrefix::new(123_456, 123_456);
        assert_eq!(CodeShape::new(6, prefix), Err(InvalidShape::Prefix));
        assert!(CodeShape::new(7, prefix).is_ok());
        assert_eq!(CodeShape::new(2, CodePrefix::new(9, 10)), Err(InvalidShape::Prefix));
        assert_eq!(CodePrefix::new(9, 7), None);
    }

    #[test]
    fn a_length_is_1_to_16() {
        assert_eq!(CodeShape::new(0, None), Err(InvalidShape::Length));
        assert_eq!(CodeShape::new(17, None), Err(InvalidShape::Length));
        assert_eq!(CodeShape::new(u64::MAX, None), Err(InvalidShape::Length));
    }

    proptest! {
        #[test]
        fn every_code_of_a_shape_can_be_drawn_once_and_then_there_is_none(seed: u64, low in 0u32..12, more in 0u32..12) {
            let shape = shape(3, Some((low, low + more)));
            let mut rng = StdRng::seed_from_u64(seed);
            let mut used = HashSet::new();
            while let Some(code) = shape.draw(used.len(), &mut rng, |code| used.contains(code.as_str())) {
                prop_assert!(used.insert(code.as_str().to_owned()));
            }
            prop_assert_eq!(used.len() as u64, shape.count());
        }
    }
}
