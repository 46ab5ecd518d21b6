//! What is wrong with a configuration: everything at once, each with its place.

use std::fmt;
use std::sync::Arc;

/// Where a value was given.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SettingOrigin {
    /// In a file, at a line counted from 1.
    File {
        /// The file's name, as it was given.
        name: Arc<str>,
        /// The line.
        line: usize,
    },
    /// A file as a whole, which could not be read.
    Unread(Arc<str>),
    /// In the environment variable of this name.
    Variable(Arc<str>),
    /// By an option of the command line.
    Option(&'static str),
    /// Nowhere: it is a default.
    Default,
}

impl fmt::Display for SettingOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { name, line } => write!(f, "{name}:{line}"),
            Self::Unread(name) => f.write_str(name),
            Self::Variable(name) => write!(f, "environment variable {name}"),
            Self::Option(name) => write!(f, "option {name}"),
            Self::Default => f.write_str("default settings"),
        }
    }
}

/// One thing that is wrong, or worth a warning: where, which key, and what would be right. Never repeats a secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Where the value was given, or the table it is missing from.
    pub origin: SettingOrigin,
    /// The key's path, such as `tenant[0].users[1].name`; empty for the file as a whole.
    pub key: String,
    /// What is wrong and what is allowed.
    pub text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.key.as_str() {
            "" => write!(f, "{}: {}", self.origin, self.text),
            key => write!(f, "{}: {key}: {}", self.origin, self.text),
        }
    }
}

/// Everything that is wrong with a configuration, in the order of the file; at least one problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Wraps the only problem.
    pub(super) fn one(problem: Problem) -> Self {
        Self(vec![problem])
    }

    /// Wraps what was found; `None` where nothing was.
    pub(super) fn found(mut problems: Vec<Problem>) -> Option<Self> {
        problems.sort();
        problems.dedup();
        (!problems.is_empty()).then_some(Self(problems))
    }

    /// The problems one by one.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }
}

/// One line for each problem.
impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, problem) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
