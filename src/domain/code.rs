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
        self.ranges().map(Range::count).sum()
    }

    /// The code with a number from zero up to the count.
    fn code(self, mut number: u64) -> AccessCode {
        let length = usize::from(self.length);
        let mut text = String::new();
        for range in self.ranges() {
            if number < range.count() {
                let tail = 10u64.pow(range.rest);
                text = format!("{:0length$}", range.low * tail + number);
                break;
            }
            number -= range.count();
        }
        AccessCode::new(&text).expect("1 to 16 digits are a valid code")
    }

    /// The codes in ranges that have none in common.
    fn ranges(self) -> impl Iterator<Item = Range> {
        let Some(CodePrefix { low, high }) = self.prefix else {
            let all = Range { low: 0, high: 0, rest: u32::from(self.length) };
            return [Some(all), None].into_iter().flatten();
        };
        let short = digits(low);
        let rest = u32::from(self.length - short);
        let (low, high, longer) = (u64::from(low), u64::from(high), 10u64.pow(u32::from(short)));
        let first = Range { low, high: high.min(longer - 1), rest };
        // A prefix of one more digit counts unless it begins with a shorter one; all that are longer still do.
        let high = high.min((low * 10).saturating_sub(1));
        let second = (longer <= high).then(|| Range { low: longer, high, rest: rest - 1 });
        [Some(first), second].into_iter().flatten()
    }
}

/// Codes that begin with one of the numbers from `low` to `high` and have `rest` more digits.
#[derive(Clone, Copy)]
struct Range {
    low: u64,
    high: u64,
    rest: u32,
}

impl Range {
    fn count(self) -> u64 {
        (self.high - self.low + 1) * 10u64.pow(self.rest)
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
    fn a_prefix_that_begins_with_a_shorter_one_of_its_range_adds_no_code() {
        assert_eq!(all(shape(3, Some((1, 10)))), all(shape(3, Some((1, 9)))));
        assert_eq!(all(shape(4, Some((0, 100)))), all(shape(4, None)));
        let most = CodeShape::new(16, CodePrefix::new(0, u32::MAX)).unwrap();
        assert_eq!(most.count(), 10_000_000_000_000_000);
        let with_three = 100..970;
        assert_eq!(all(shape(5, Some((97, 1_000)))).len(), 3 * 1_000 + with_three.len() * 100);
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
        fn every_code_of_a_shape_can_be_drawn_once_and_then_there_is_none(seed: u64, low in 0u32..99, more in 0u32..99) {
            let high = (low + more).min(99);
            let shape = shape(3, Some((low, high)));
            let mut rng = StdRng::seed_from_u64(seed);
            let mut used = HashSet::new();
            while let Some(code) = shape.draw(used.len(), &mut rng, |code| used.contains(code.as_str())) {
                prop_assert!(used.insert(code.as_str().to_owned()));
            }
            let begins = |code: &u32| (low..=high).any(|prefix| format!("{code:03}").starts_with(&prefix.to_string()));
            prop_assert_eq!(used.len(), (0..1_000).filter(begins).count());
        }
    }
}
