//! What restricts the history of all numbers, in a list and in a file alike.

/// Declares the parameters of a query that has the filter of the history and some more, and what is searched by them.
macro_rules! filtered {
    ($(#[$about:meta])* $name:ident { $($more:tt)* }) => {
        $crate::dialect::native::framework::members::members! {
            $(#[$about])*
            $name {
                /// Those of this number, whole; it need not exist any more.
                number: Option<$crate::domain::Number>,
                /// Those whose number was in this group when they ended or, while they run, is in it.
                group: Option<$crate::domain::GroupName>,
                /// Those of this caller.
                caller: Option<$crate::domain::Caller>,
                /// Those of this interaction.
                interaction: Option<$crate::domain::InteractionId>,
                /// This allocation.
                allocation: Option<$crate::domain::AllocationId>,
                /// Those that this dialect lent.
                dialect: Option<$crate::domain::LentBy>,
                /// Those that this application asked for.
                application: Option<$crate::domain::ApplicationName>,
                /// Those that ended so.
                ending: Option<$crate::domain::history::End>,
                /// Only who held a number at this time; instead of `from` and `to`.
                at: Option<$crate::dialect::native::framework::time::Time>,
                /// Only who held a number at this time or later.
                from: Option<$crate::dialect::native::framework::time::Time>,
                /// Only who held a number before this time.
                to: Option<$crate::dialect::native::framework::time::Time>,
                $($more)*
            }
        }

        impl $name {
            /// What is searched, in pages of so many.
            fn search(
                &self,
                limit: usize,
            ) -> Result<$crate::domain::HistorySearch, $crate::dialect::native::framework::error::Failure> {
                let (from, to) = $crate::dialect::native::resources::history::span(self.at, self.from, self.to)?;
                let filter = $crate::domain::HistoryFilter {
                    number: self.number,
                    group: self.group.clone(),
                    caller: self.caller.clone(),
                    interaction: self.interaction.clone(),
                    allocation: self.allocation,
                    origin: self.dialect,
                    application: self.application.clone(),
                    end: self.ending,
                };
                Ok($crate::domain::HistorySearch { filter, from, to, after: None, limit })
            }
        }
    };
}
pub(super) use filtered;
