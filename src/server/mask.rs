//! The one place that hides what a log must not show: telephone numbers and access codes in paths.

use percent_encoding::percent_decode_str;

/// Longest run of dialable characters that is shown as it is; shorter ones are versions.
const SHOWN: usize = 2;

/// A path for the log: percent-encoding undone, control characters left out, and of every part that could be dialled
/// only the last two characters are left. Parts with letters, such as ids, stay as they are.
pub(super) fn path(path: &str) -> String {
    let decoded = percent_decode_str(path).decode_utf8_lossy();
    let parts: Vec<String> = decoded.split('/').map(part).collect();
    parts.join("/")
}

fn part(part: &str) -> String {
    let visible = part.chars().filter(|character| !character.is_control());
    // Blanks, dots and the like are how people write numbers; what is left of them is still a number.
    if part.len() > SHOWN && !part.chars().any(char::is_alphabetic) {
        let tail: Vec<char> = visible.rev().take(SHOWN).collect();
        return tail.into_iter().rev().fold("***".to_owned(), |mut masked, character| {
            masked.push(character);
            masked
        });
    }
    visible.collect()
}

#[cfg(test)]
mod tests {
    use super::path;

    #[test]
    fn a_number_in_a_path_keeps_its_last_two_characters_however_it_is_written() {
        let get = "/interact/version/2/dnis/allocate/get/";
        for number in ["380974520200", "%33%38%30%39%37%34%35%32%30%32%30%30", "+380974520200", "38 097*45-2 02.00"] {
            assert_eq!(path(&format!("{get}{number}")), format!("{get}***00"), "{number}");
        }
        assert_eq!(path("/a/%2B15550100/x"), "/a/***00/x");
    }

    #[test]
    fn services_versions_and_ids_stay_readable() {
        for plain in ["/genesys/1/service/match-interaction", "/storage/97e5e3de-0b53-4a1b-8f00-000000000000/600x"] {
            assert_eq!(path(plain), plain);
        }
    }

    #[test]
    fn nothing_that_could_forge_a_log_line_is_left() {
        assert_eq!(path("/a%0d%0ab/%00"), "/ab/");
    }
}
