//! Ids that tell requests apart, in answers and in the log.

use actix_web::http::header::HeaderValue;

/// Hands out an id for every request: eight hexadecimal digits that tell this process from others, a hyphen, and sixteen
/// that are drawn. A count in their place would tell every caller how many requests all others send.
pub(super) struct RequestIds {
    process: String,
}

impl RequestIds {
    pub(super) fn new() -> Self {
        Self { process: format!("{:08x}-", rand::random::<u32>()) }
    }

    /// The next id.
    pub(super) fn next(&self) -> HeaderValue {
        let mut id = String::with_capacity(self.process.len() + DIGITS);
        id.push_str(&self.process);
        push_hexadecimal(&mut id, rand::random());
        HeaderValue::try_from(id).expect("hexadecimal digits and a hyphen are a valid header")
    }
}

/// The hexadecimal digits of a number.
const DIGITS: usize = (u64::BITS / 4) as usize;

/// As `{:016x}` writes it, which takes five times as long; every request pays for it.
fn push_hexadecimal(text: &mut String, number: u64) {
    for digit in (0..DIGITS).rev() {
        let value = usize::try_from(number >> (4 * digit) & 15).expect("four bits fit anywhere");
        text.push(char::from(b"0123456789abcdef"[value]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_is_another_begins_with_the_process_and_tells_no_count() {
        let ids = RequestIds::new();
        let drawn: Vec<_> = (0..64).map(|_| ids.next().to_str().unwrap().to_owned()).collect();
        let process = drawn[0][..9].to_owned();
        let mut numbers = Vec::new();
        for id in &drawn {
            let (begin, number) = id.split_at(9);
            assert_eq!(begin, process);
            assert_eq!(number.len(), DIGITS);
            numbers.push(u64::from_str_radix(number, 16).unwrap());
        }
        assert!(process.ends_with('-') && process[..8].bytes().all(|digit| digit.is_ascii_hexdigit()), "{process}");
        // That 64 drawn numbers come in their order by chance happens once in 64! times.
        assert!(!numbers.is_sorted() && !numbers.is_sorted_by(|one, other| one > other), "{numbers:?}");
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), drawn.len());
        // Close ones would be a count with a beginning of its own.
        assert!(numbers.windows(2).all(|pair| pair[1] - pair[0] > 1 << 16), "{numbers:?}");
    }

    #[test]
    fn numbers_are_written_in_sixteen_hexadecimal_digits() {
        for number in [0, 1, 9, 10, 15, 16, 255, 256, 0xFEDC_BA98, u64::MAX] {
            let mut text = String::new();
            push_hexadecimal(&mut text, number);
            assert_eq!(text, format!("{number:016x}"));
        }
    }
}
