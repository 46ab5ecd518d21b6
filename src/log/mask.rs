//! The one place that hides what a log must not show: telephone numbers and access codes, and characters by which a line
//! could pass for another.

use percent_encoding::percent_decode_str;

/// Most characters of a text from outside that a line repeats.
pub const MOST: usize = 256;
/// Most characters of one of the gateway's own texts, such as what the system says of a file.
const MOST_OF_OURS: usize = 2048;
/// How much of a run that could be dialled is shown.
const SHOWN: usize = 2;
/// Most digits that may stand before a UUID in an id of GMS, which counts its interactions there.
const COUNT: usize = 6;
/// How long the parts of a UUID are.
const UUID: [usize; 5] = [8, 4, 4, 4, 12];

/// A path for the log: percent-encoding undone, then as [`text`].
pub fn path(path: &str) -> String {
    // Enough for what is shown, however it is encoded; a cut within a sequence becomes a replacement character.
    let end = path.char_indices().nth(12 * MOST).map_or(path.len(), |(end, _)| end);
    let decoded = percent_decode_str(&path[..end]).decode_utf8_lossy();
    let shown = text(&decoded);
    if end < path.len() && !shown.ends_with("...") { format!("{shown}...") } else { shown }
}

/// A text from outside for the log: bounded, without invisible characters, and of every run that could be dialled only
/// the last two characters are left. Ids with a UUID in them and versions stay as they are.
pub fn text(text: &str) -> String {
    mask(&clean(text, MOST))
}

/// A text of the gateway's own: bounded, and without invisible characters.
pub fn ours(text: &str) -> String {
    clean(text, MOST_OF_OURS).into_iter().collect()
}

/// The characters of a text that can be seen, at most so many, and dots for the rest.
fn clean(text: &str, most: usize) -> Vec<char> {
    let mut visible = text.chars().filter(|character| !is_invisible(*character));
    let mut shown: Vec<char> = visible.by_ref().take(most).collect();
    if visible.next().is_some() {
        shown.extend("...".chars());
    }
    shown
}

/// Whether a character cannot be seen, ends a line, or turns the direction of what stands around it: control characters,
/// the separators of lines and paragraphs, and what Unicode lists as ignorable by default.
fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

fn mask(text: &[char]) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let begins = at == 0 || !text[at - 1].is_alphanumeric();
        let readable = if begins { id(&text[at..]).or_else(|| version(&text[at..])) } else { None };
        let end = match readable {
            Some(length) => at + length,
            None if is_dialable(text[at]) => at + run(&text[at..]),
            None => at + 1,
        };
        let part = &text[at..end];
        let dialable = part.iter().filter(|character| is_dialable(**character));
        if readable.is_none() && dialable.clone().count() > SHOWN {
            let tail: Vec<&char> = dialable.rev().take(SHOWN).collect();
            masked.push_str("***");
            masked.extend(tail.into_iter().rev());
        } else {
            masked.extend(part);
        }
        at = end;
    }
    masked
}

/// Digits of any script, and what else a telephone has.
fn is_dialable(character: char) -> bool {
    character.is_numeric() || matches!(character, '+' | '*' | '#' | '\u{ff0b}' | '\u{ff0a}' | '\u{ff03}')
}

/// The length of the run that could be dialled at the beginning of a text: whatever is no letter is how people write
/// numbers. It ends with its last character that can be dialled, and before a UUID.
fn run(text: &[char]) -> usize {
    let mut end = 0;
    for at in 0..text.len() {
        if is_dialable(text[at]) {
            if at > 0 && !text[at - 1].is_alphanumeric() && uuid(&text[at..]).is_some() {
                break;
            }
            end = at + 1;
        } else if text[at].is_alphanumeric() {
            break;
        }
    }
    end
}

/// The length of an id at the beginning of a text: a UUID, or one behind a count as GMS has it.
fn id(text: &[char]) -> Option<usize> {
    let digits = text.iter().take_while(|character| character.is_ascii_digit()).count();
    let counted = || {
        let counts = (1..=COUNT).contains(&digits) && text.get(digits) == Some(&'-');
        let length = counts.then(|| uuid(&text[digits + 1..])).flatten()?;
        Some(digits + 1 + length)
    };
    uuid(text).or_else(counted)
}

/// The length of a UUID at the beginning of a text.
fn uuid(text: &[char]) -> Option<usize> {
    let mut at = 0;
    for (place, length) in UUID.into_iter().enumerate() {
        if place > 0 {
            (text.get(at) == Some(&'-')).then_some(())?;
            at += 1;
        }
        let part = text.get(at..at + length)?;
        part.iter().all(char::is_ascii_hexdigit).then_some(())?;
        at += length;
    }
    ends(text, at).then_some(at)
}

/// The length of a version at the beginning of a text: two or three parts with dots between them, four digits together.
/// Nobody writes a number like that.
fn version(text: &[char]) -> Option<usize> {
    let length = text.iter().take_while(|character| character.is_ascii_digit() || **character == '.').count();
    let parts = text[..length].split(|character| *character == '.');
    let lengths: Vec<usize> = parts.map(<[char]>::len).collect();
    let fits = (2..=3).contains(&lengths.len())
        && lengths.iter().all(|length| (1..=2).contains(length))
        && lengths.iter().sum::<usize>() <= 4;
    // Nor may it be the beginning of something longer.
    (fits && ends(text, length) && run(text) == length).then_some(length)
}

/// Whether a word ends here.
fn ends(text: &[char], at: usize) -> bool {
    text.get(at).is_none_or(|character| !character.is_alphanumeric())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_number_in_a_path_keeps_its_last_two_characters_however_it_is_written() {
        let get = "/interact/version/2/dnis/allocate/get/";
        for number in [
            "380974520200",
            "%33%38%30%39%37%34%35%32%30%32%30%30",
            "+380974520200",
            "38 097*45-2 02.00",
            "(0)38097/4520200",
            "38\u{200b}0974\u{ad}520200",
            "３８０９７４５２０２００",
        ] {
            let masked = path(&format!("{get}{number}"));
            let shown: String = masked.chars().filter(|character| character.is_numeric()).collect();
            assert!(matches!(shown.as_str(), "200" | "2００" | "00"), "{number}: {masked}");
        }
        assert_eq!(path("/a/%2B15550100/x"), "/a/***00/x");
        assert_eq!(path("/a/%2538%2530%2539%2537/x"), "/a/%***37/x", "encoded twice");
    }

    #[test]
    fn digits_beside_letters_and_blanks_are_masked_too() {
        for (written, shown) in [
            ("380974520200x", "***00x"),
            ("x380974520200", "x***00"),
            ("+49 170 NAME", "***70 NAME"),
            ("call 030/1234567 ext 89", "call ***67 ext 89"),
            ("number 380974520200 exists already", "number ***00 exists already"),
            ("1-800-FLOWERS", "***00-FLOWERS"),
            ("380974520200-887ad635-22b1-49c5-ae7b-3b271bc10289", "***00-887ad635-22b1-49c5-ae7b-3b271bc10289"),
            ("111", "***11"),
        ] {
            assert_eq!(text(written), shown);
        }
    }

    #[test]
    fn services_versions_and_ids_stay_readable() {
        for plain in [
            "/genesys/1/service/match-interaction",
            "/storage/97e5e3de-0b53-4a1b-8f00-000000000000/x",
            "/genesys/1/service/1212-887ad635-22b1-49c5-ae7b-3b271bc10289/update",
            "00000000-0000-0000-0000-000000000000",
            "Apache-HttpClient/4.5.14 (Java/17.0.2)",
            "dnis_gateway 0.1.0, v12",
        ] {
            assert_eq!(path(plain), plain);
        }
        assert_eq!(text("12.34.56.78"), "***78", "people write numbers like that");
    }

    #[test]
    fn nothing_that_could_forge_a_log_line_is_left() {
        assert_eq!(path("/a%0d%0ab/%00"), "/ab/");
        assert_eq!(path("/%E2%80%A8a%E2%80%A9b%E2%80%AEc%E2%81%A6d%EF%BB%BFe%E2%80%8Bf"), "/abcdef");
        assert_eq!(ours("a\u{2028}b\u{202e}c\nd\u{1b}[31m"), "abcd[31m");
    }

    #[test]
    fn a_long_text_is_cut_and_says_so() {
        assert_eq!(text(&"ä".repeat(60_000)), format!("{}...", "ä".repeat(MOST)));
        assert_eq!(path(&"%C3%A4".repeat(10_000)), format!("{}...", "ä".repeat(MOST)));
        assert_eq!(text(&"ä".repeat(MOST)), "ä".repeat(MOST));
    }

    /// The digits of a text that are not beside one another only because of what is no letter.
    fn dialable(text: &str) -> usize {
        let runs = text.split(char::is_alphabetic);
        runs.map(|run| run.chars().filter(|character| is_dialable(*character)).count()).max().unwrap_or_default()
    }

    proptest! {
        #[test]
        fn of_a_number_only_two_characters_are_left_whatever_stands_in_it_and_around_it(
            digits in proptest::collection::vec("[0-9]", 5..20),
            between in proptest::collection::vec(r"[ ./()*#+\-_,:;\u{a0}\u{200b}\u{2028}\u{202e}]{0,2}", 20),
            before in r"[a-zA-Z /]{0,10}",
            after in r"[g-zG-Z][a-zA-Z /]{0,10}",
        ) {
            let number: String = digits.iter().zip(&between).flat_map(|(digit, gap)| [digit.as_str(), gap.as_str()]).collect();
            let masked = text(&format!("{before}{number}{after}"));
            prop_assert!(dialable(&masked.replace("***", "")) <= SHOWN, "{masked}");
            prop_assert!(masked.contains("***"), "{masked}");
        }

        #[test]
        fn whatever_comes_in_a_line_stays_one_visible_line(said in any::<String>()) {
            for shown in [text(&said), path(&said), ours(&said)] {
                prop_assert!(!shown.chars().any(is_invisible), "{shown:?}");
                prop_assert!(shown.chars().count() <= MOST_OF_OURS + 6);
            }
        }
    }
}
