//! `[limits]` and `[tenant.limits]`: how much of everything a tenant may have.

use super::Settings;
use super::gms::YEAR;
use super::section::Section;
use crate::domain::{self, Seconds, TenantId};

const MIB: u64 = 1024 * 1024;
/// Most things of a kind that can be allowed.
const MOST: u64 = 100_000_000;

/// Section `limits`, for every tenant, or `limits` of a tenant, which counts before it. What neither says is as usual.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quotas {
    /// How long user data and interactions live at most, in seconds. Default 31 days.
    pub ttl: Option<Seconds>,
    /// Matches that one request answers and frees. Default 100.
    pub matches: Option<usize>,
    /// Documents, those of interactions among them. Default 1 000 000.
    pub documents: Option<u64>,
    /// Bytes that the tenant's documents may take. Default: `store.documents_total`, shared out evenly.
    pub document_bytes: Option<u64>,
    /// Interactions. Default 1 000 000.
    pub interactions: Option<u64>,
    /// Live allocations of shared numbers. Default 200 000.
    pub bookings: Option<u64>,
    /// Keys of requests. Default 100 000.
    pub keys: Option<u64>,
    /// Files of numbers that are imported at a time. Default 1.
    pub imports: Option<usize>,
    /// Entries of the history. Default: `history.entries`, shared out evenly.
    pub history: Option<u64>,
}

impl Quotas {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        Self {
            ttl: section.whole("ttl", 60..=YEAR).map(Seconds::new),
            matches: section.whole("matches", 1..=10_000_u32).map(|most| most as usize),
            documents: section.whole("documents", 0..=MOST),
            document_bytes: section.whole("document_bytes", MIB..=1024 * 1024 * MIB),
            interactions: section.whole("interactions", 0..=MOST),
            bookings: section.whole("bookings", 0..=MOST),
            keys: section.whole("keys", 0..=MOST),
            imports: section.whole("imports", 1..=16_u32).map(|most| most as usize),
            history: section.whole("history", 0..=MOST),
        }
    }
}

impl Settings {
    /// How much of everything a tenant may have.
    pub fn quotas(&self, tenant: &TenantId) -> domain::Quotas {
        let own = self.tenants.get(tenant).map(|tenant| tenant.limits).unwrap_or_default();
        let usual = domain::Quotas::default();
        let share = |total: u64| total / self.tenants.len().max(1) as u64;
        domain::Quotas {
            ttl: own.ttl.or(self.limits.ttl).unwrap_or(usual.ttl),
            matches: own.matches.or(self.limits.matches).unwrap_or(usual.matches),
            documents: own.documents.or(self.limits.documents).unwrap_or(usual.documents),
            document_bytes: own
                .document_bytes
                .or(self.limits.document_bytes)
                .unwrap_or(share(self.store.documents_total)),
            interactions: own.interactions.or(self.limits.interactions).unwrap_or(usual.interactions),
            bookings: own.bookings.or(self.limits.bookings).unwrap_or(usual.bookings),
            keys: own.keys.or(self.limits.keys).unwrap_or(usual.keys),
            imports: own.imports.or(self.limits.imports).unwrap_or(usual.imports),
            history: own.history.or(self.limits.history).unwrap_or(share(self.history.rules.entries)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<Settings, String> {
        Settings::from_toml(text).map_err(|problems| problems.to_string())
    }

    fn tenant(id: &str) -> TenantId {
        TenantId::new(id).unwrap()
    }

    #[test]
    fn what_a_tenant_says_counts_before_what_all_say_and_that_before_what_is_usual() {
        let settings = load(
            "[limits]\nbookings = 7\nkeys = 9\n[[tenant]]\nid = \"a\"\nlimits = { bookings = 5, matches = 3 }\n\
             [[tenant]]\nid = \"b\"\n",
        )
        .unwrap();
        let [a, b] = ["a", "b"].map(|id| settings.quotas(&tenant(id)));
        assert_eq!((a.bookings, a.keys, a.matches, a.documents), (5, 9, 3, 1_000_000));
        assert_eq!((b.bookings, b.keys, b.matches, b.documents), (7, 9, 100, 1_000_000));
        assert_eq!(settings.rules().quotas(&tenant("a")), &a);
    }

    #[test]
    fn tenants_share_the_room_for_documents_evenly_unless_something_else_is_said() {
        let text = "[store]\ndocuments_total = 3145728\n[[tenant]]\nid = \"a\"\n[[tenant]]\nid = \"b\"\n\
                    [[tenant]]\nid = \"c\"\n[tenant.limits]\ndocument_bytes = 2097152\n";
        let settings = load(text).unwrap();
        let room = ["a", "b", "c"].map(|id| settings.quotas(&tenant(id)).document_bytes);
        assert_eq!(room, [1_048_576, 1_048_576, 2_097_152]);
    }

    #[test]
    fn tenants_share_the_history_evenly_unless_something_else_is_said() {
        let text = "[history]\nentries = 900\n[[tenant]]\nid = \"a\"\n[[tenant]]\nid = \"b\"\n\
                    [[tenant]]\nid = \"c\"\n[tenant.limits]\nhistory = 500\n";
        let settings = load(text).unwrap();
        assert_eq!(["a", "b", "c"].map(|id| settings.quotas(&tenant(id)).history), [300, 300, 500]);
        let settings = load(&format!("[limits]\nhistory = 7\n{text}")).unwrap();
        assert_eq!(["a", "b", "c"].map(|id| settings.quotas(&tenant(id)).history), [7, 7, 500]);
        assert_eq!(settings.rules().quotas(&tenant("c")).history, 500);
        let alone = load("[[tenant]]\nid = \"a\"\n").unwrap();
        assert_eq!(alone.quotas(&tenant("a")).history, 1_000_000, "one tenant alone has all of it");
    }

    #[test]
    fn a_limit_out_of_its_range_is_named_with_the_range() {
        let problems =
            load("[limits]\nttl = 59\n[[tenant]]\nid = \"a\"\nlimits = { imports = 0, book = 1, history = -1 }\n");
        let problems = problems.unwrap_err();
        for wanted in [
            "limits.ttl: must be a whole number from 60 to",
            "tenant[0].limits.imports: must be a whole number from 1 to 16",
            "tenant[0].limits.book: is an unknown key",
            "tenant[0].limits.history: must be a whole number from 0 to 100000000",
        ] {
            assert!(problems.contains(wanted), "{wanted}\n{problems}");
        }
    }
}
