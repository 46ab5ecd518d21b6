//! The SOAPAction header of SOAP 1.1, which says what a request is about and never decides it.

/// A SOAPAction as it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action<'a> {
    /// There is no such header.
    Missing,
    /// In double quotes, as it must be.
    Quoted(&'a str),
    /// Bare, or in other quotes, as some clients send it.
    Unquoted(&'a str),
}

impl<'a> Action<'a> {
    /// Reads the value of the header.
    pub fn of(header: Option<&'a str>) -> Self {
        let Some(value) = header.map(str::trim) else { return Self::Missing };
        let inner = |quote| value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
        match (inner('"'), inner('\'')) {
            (Some(quoted), _) => Self::Quoted(quoted.trim()),
            (None, Some(quoted)) => Self::Unquoted(quoted.trim()),
            (None, None) => Self::Unquoted(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_is_read_in_whatever_quotes_it_comes() {
        for (header, action) in [
            (None, Action::Missing),
            (Some(""), Action::Unquoted("")),
            (Some("\"\""), Action::Quoted("")),
            (Some(" \"urn:a\" "), Action::Quoted("urn:a")),
            (Some("urn:a"), Action::Unquoted("urn:a")),
            (Some("'urn:a'"), Action::Unquoted("urn:a")),
            (Some("\"urn:a"), Action::Unquoted("\"urn:a")),
            (Some("\""), Action::Unquoted("\"")),
        ] {
            assert_eq!(Action::of(header), action, "{header:?}");
        }
    }
}
