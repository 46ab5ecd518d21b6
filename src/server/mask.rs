//! The one place that hides what a log must not show: telephone numbers and access codes in paths and queries.

/// Longest run of dialable characters that is shown as it is; shorter ones are versions and ids of services.
const SHOWN: usize = 2;

/// A path for the log: of every run of digits longer than two, only the last two are left.
pub(super) fn path(path: &str) -> String {
    let mut masked = String::with_capacity(path.len());
    let mut rest = path;
    while let Some(start) = rest.find(|character: char| character.is_ascii_digit()) {
        let (before, from) = rest.split_at(start);
        let end = from.find(|character: char| !character.is_ascii_digit()).unwrap_or(from.len());
        let (run, after) = from.split_at(end);
        masked.push_str(before);
        if run.len() > SHOWN {
            masked.push_str("***");
            masked.push_str(&run[run.len() - SHOWN..]);
        } else {
            masked.push_str(run);
        }
        rest = after;
    }
    masked.push_str(rest);
    masked
}

#[cfg(test)]
mod tests {
    use super::path;

    #[test]
    fn a_number_in_a_path_keeps_its_last_two_digits() {
        assert_eq!(
            path("/interact/version/2/dnis/allocate/free/380974520200"),
            "/interact/version/2/dnis/allocate/free/***00"
        );
        assert_eq!(path("/genesys/1/service/match-interaction"), "/genesys/1/service/match-interaction");
        assert_eq!(path("/a/%2B15550100/x"), "/a/%2B***00/x");
    }
}
