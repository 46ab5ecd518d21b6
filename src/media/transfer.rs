//! `Content-Transfer-Encoding`: how the bytes of a part are written, which older mail and HTTP libraries still say.

use std::borrow::Cow;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Base64 with padding or without it.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Why the bytes of a part cannot be had. Displays as what follows the part's name in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransferProblem {
    /// An encoding that nobody knows.
    #[error("has a Content-Transfer-Encoding that is not read; base64, quoted-printable, 7bit, 8bit and binary are")]
    Unknown,
    /// Not what base64 can be.
    #[error("is no base64, which its Content-Transfer-Encoding says it is")]
    NotBase64,
    /// Not what quoted-printable can be.
    #[error("is not quoted-printable, which its Content-Transfer-Encoding says it is")]
    NotQuotedPrintable,
}

/// Undoes the transfer encoding of this name; without one, and for those that change nothing, the bytes are what they are.
///
/// # Errors
/// [`TransferProblem`].
pub(super) fn undo<'b>(encoding: &str, bytes: &'b [u8]) -> Result<Cow<'b, [u8]>, TransferProblem> {
    let encoding = encoding.trim_ascii();
    if ["", "binary", "8bit", "7bit"].iter().any(|same| encoding.eq_ignore_ascii_case(same)) {
        Ok(bytes.into())
    } else if encoding.eq_ignore_ascii_case("base64") {
        let packed: Vec<u8> = bytes.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
        BASE64.decode(packed).map(Cow::Owned).map_err(|_| TransferProblem::NotBase64)
    } else if encoding.eq_ignore_ascii_case("quoted-printable") {
        unquote(bytes).map(Cow::Owned).ok_or(TransferProblem::NotQuotedPrintable)
    } else {
        Err(TransferProblem::Unknown)
    }
}

/// Lines as RFC 2045 has them: blanks at their ends were added on the way, and one that ends with `=` goes on.
fn unquote(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::with_capacity(bytes.len());
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let (line, ending) = match line {
            [line @ .., b'\r', b'\n'] => (line, &b"\r\n"[..]),
            [line @ .., b'\n'] => (line, &b"\n"[..]),
            line => (line, &b""[..]),
        };
        let line = line.trim_ascii_end();
        let (line, ending) = line.strip_suffix(b"=").map_or((line, ending), |line| (line, &b""[..]));
        let mut pieces = line.split(|byte| *byte == b'=');
        plain.extend_from_slice(pieces.next()?);
        for piece in pieces {
            let (digits, rest) = piece.split_at_checked(2)?;
            let [high, low] = [digits[0], digits[1]].map(|digit| char::from(digit).to_digit(16));
            plain.push(u8::try_from(high? * 16 + low?).ok()?);
            plain.extend_from_slice(rest);
        }
        plain.extend_from_slice(ending);
    }
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, prop_assert_eq, proptest};

    #[test]
    fn base64_comes_in_lines_with_padding_or_without() {
        for text in ["TcO8bGxlcg==", "TcO8bGxlcg", "TcO8\r\nbGxl\r\n cg==\r\n"] {
            assert_eq!(&*undo(" BASE64 ", text.as_bytes()).unwrap(), "Müller".as_bytes(), "{text}");
        }
        assert_eq!(undo("base64", b"*"), Err(TransferProblem::NotBase64));
    }

    #[test]
    fn quoted_printable_has_soft_breaks_and_loses_blanks_at_line_ends() {
        let text = b"M=FCl=\r\nler = 3D  \r\nx =\t\ny\n=3d=3D";
        assert_eq!(undo("quoted-printable", text), Err(TransferProblem::NotQuotedPrintable));
        let text = b"M=FCl=\r\nler =3D 3  \r\nx =\t\ny\n=3d=3D";
        assert_eq!(&*undo("Quoted-Printable", text).unwrap(), b"M\xfcller = 3\r\nx y\n==");
        for broken in [&b"=F"[..], b"=GG", b"a=4\nb"] {
            assert_eq!(undo("quoted-printable", broken), Err(TransferProblem::NotQuotedPrintable));
        }
    }

    #[test]
    fn most_encodings_change_nothing_and_others_are_not_guessed_at() {
        for encoding in ["", "7bit", "8BIT", "binary"] {
            assert_eq!(&*undo(encoding, b"=\xff").unwrap(), b"=\xff");
        }
        assert_eq!(undo("x-uuencode", b""), Err(TransferProblem::Unknown));
    }

    proptest! {
        #[test]
        fn bytes_survive_both(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let packed = BASE64.encode(&bytes);
            prop_assert_eq!(&*undo("base64", packed.as_bytes()).unwrap(), &bytes[..]);
            let quoted: String = bytes.iter().map(|byte| format!("={byte:02X}=\r\n")).collect();
            prop_assert_eq!(&*undo("quoted-printable", quoted.as_bytes()).unwrap(), &bytes[..]);
        }
    }
}
