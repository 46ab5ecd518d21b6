//! Ids that tell requests apart, in answers and in the log.

use std::sync::atomic::{AtomicU64, Ordering};

use actix_web::http::header::HeaderValue;

/// Hands out an id for every request: eight hexadecimal digits that tell this process from others, a hyphen, a count.
pub(super) struct RequestIds {
    process: String,
    count: AtomicU64,
}

impl RequestIds {
    pub(super) fn new() -> Self {
        Self { process: format!("{:08x}-", rand::random::<u32>()), count: AtomicU64::new(0) }
    }

    /// The next id.
    pub(super) fn next(&self) -> HeaderValue {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let mut id = String::with_capacity(self.process.len() + DIGITS);
        id.push_str(&self.process);
        push_hexadecimal(&mut id, count);
        HeaderValue::try_from(id).expect("hexadecimal digits and a hyphen are a valid header")
    }
}

/// The most hexadecimal digits that a count has.
const DIGITS: usize = (u64::BITS / 4) as usize;

/// As `{:x}` writes it, which takes five times as long; every request pays for it.
fn push_hexadecimal(text: &mut String, number: u64) {
    let digits = DIGITS - (number | 1).leading_zeros() as usize / 4;
    for digit in (0..digits).rev() {
        let value = usize::try_from(number >> (4 * digit) & 15).expect("four bits fit anywhere");
        text.push(char::from(b"0123456789abcdef"[value]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_is_another_and_begins_with_the_process() {
        let ids = RequestIds::new();
        let (first, second) = (ids.next(), ids.next());
        let process = &first.to_str().unwrap()[..9];
        assert_eq!(first, format!("{process}0"));
        assert_eq!(second, format!("{process}1"));
        assert!(process.ends_with('-') && process[..8].bytes().all(|digit| digit.is_ascii_hexdigit()), "{process}");
        assert_ne!(RequestIds::new().next(), first);
    }

    #[test]
    fn counts_are_written_in_hexadecimal_without_leading_zeros() {
        for number in [0, 1, 9, 10, 15, 16, 255, 256, 0xFEDC_BA98, u64::MAX] {
            let mut text = String::new();
            push_hexadecimal(&mut text, number);
            assert_eq!(text, format!("{number:x}"));
        }
    }
}
