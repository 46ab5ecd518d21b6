//! Lists of what can be found in a document: each with a stable label for programs and a sentence for people.

/// Declares an enum whose every variant has a label and a sentence.
macro_rules! labelled {
    ($(#[$about:meta])* $type:ident { $($(#[$doc:meta])* $name:ident, $label:literal, $sentence:literal;)+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $type {
            $($(#[$doc])* $name,)+
        }

        impl $type {
            /// Each of them, in the order of declaration; for metrics that register their labels at start.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// Stable snake_case label for metrics, logs and fault details.
            pub const fn label(self) -> &'static str {
                match self { $(Self::$name => $label,)+ }
            }

            /// What was found, and what is allowed where that helps, for a person.
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$name => $sentence,)+ }
            }
        }
    };
}

pub(crate) use labelled;
