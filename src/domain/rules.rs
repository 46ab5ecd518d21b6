//! What the operator decides about the state: how the groups lend, and how much of everything there may be.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, LazyLock};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::hash::FastMap;
use super::{
    AuditOwner, AuditRules, CallCenter, GroupName, HistoryRules, Number, Policy, Quotas, Seconds, TenantId, UsageRules,
};

/// Whether a number of a group serves one interaction at a time or many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sharing {
    /// One at a time: the dialled number alone tells whose call it is.
    #[default]
    Exclusive,
    /// Many at a time, told apart by access code or caller; the group is never empty.
    Shared,
}

/// How a group lends its numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupRules {
    /// Which number comes next.
    pub policy: Policy,
    /// How many interactions a number serves at a time.
    pub sharing: Sharing,
    /// How long a number rests after an allocation has ended before it is lent again. While it rests after an
    /// allocation that expired, a late call can still be recognised.
    pub cool_down: Seconds,
    /// Numbers that are never lent; they can be read and freed as any other.
    pub reserved: BTreeSet<Number>,
}

/// The operator's rules. They can change while the state lives on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// The configured groups of each tenant, the same in all its environments. A configured group exists even while
    /// no number is in it; a group that is not configured exists as long as a number carries its name and lends by the
    /// default rules.
    pub groups: HashMap<TenantId, HashMap<GroupName, GroupRules>>,
    /// The contact center of each tenant that has one.
    pub call_centers: HashMap<TenantId, Arc<CallCenter>>,
    /// How much of everything each tenant may have for which more is said than what is usual.
    pub quotas: FastMap<TenantId, Quotas>,
    /// How much any other tenant may have.
    pub usual_quotas: Quotas,
    /// Room for all documents of all tenants together, in bytes of what they cost.
    pub documents_total: u64,
    /// Most entries of one document.
    pub document_entries: usize,
    /// Largest value of an entry, in bytes.
    pub value_bytes: u64,
    /// How much is remembered of allocations that have ended.
    pub history: HistoryRules,
    /// How much is remembered of what people did.
    pub audit: AuditRules,
    /// Who may sign in or call, for the audit of a new configuration; nothing is decided by it.
    pub accounts: BTreeMap<AuditOwner, Accounts>,
    /// How much is remembered of what groups were used for.
    pub usage: UsageRules,
}

/// What there is to know of users and applications, by what the audit calls them: the name of a property, and its word.
pub type Accounts = BTreeMap<String, (&'static str, &'static str)>;

/// How a group lends that nobody has configured.
static BY_DEFAULT: LazyLock<GroupRules> = LazyLock::new(GroupRules::default);

/// The contact center of a tenant without one.
static NO_CALL_CENTER: LazyLock<Arc<CallCenter>> = LazyLock::new(Arc::default);

impl Default for Rules {
    fn default() -> Self {
        Self {
            groups: HashMap::new(),
            call_centers: HashMap::new(),
            quotas: FastMap::default(),
            usual_quotas: Quotas::default(),
            documents_total: 1 << 30,
            document_entries: 1000,
            value_bytes: 8 << 20,
            history: HistoryRules::default(),
            audit: AuditRules::default(),
            accounts: BTreeMap::new(),
            usage: UsageRules::default(),
        }
    }
}

impl Rules {
    /// What stands for them in few letters: the same rules have the same, whatever process is asked.
    pub fn fingerprint(&self) -> String {
        let Self {
            groups,
            call_centers,
            quotas,
            usual_quotas,
            documents_total,
            document_entries,
            value_bytes,
            history,
            audit,
            accounts,
            usage,
        } = self;
        // Tables by hash have another order in each process.
        let groups: BTreeMap<_, BTreeMap<_, _>> =
            groups.iter().map(|(tenant, groups)| (tenant, groups.iter().collect())).collect();
        let (call_centers, quotas): (BTreeMap<_, _>, BTreeMap<_, _>) =
            (call_centers.iter().collect(), quotas.iter().collect());
        let limits = (usual_quotas, documents_total, document_entries, value_bytes, history, audit, accounts, usage);
        let hash = Sha256::digest(format!("{groups:?} {call_centers:?} {quotas:?} {limits:?}"));
        hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }

    /// How a group of a tenant lends, or the numbers without a group; by the default rules where nothing is configured.
    pub fn group(&self, tenant: &TenantId, group: Option<&GroupName>) -> &GroupRules {
        group.and_then(|group| self.groups.get(tenant)?.get(group)).unwrap_or(&BY_DEFAULT)
    }

    /// The contact center of a tenant; an empty one where nothing is configured.
    pub fn call_center(&self, tenant: &TenantId) -> &Arc<CallCenter> {
        self.call_centers.get(tenant).unwrap_or(&NO_CALL_CENTER)
    }

    /// How much of everything a tenant may have.
    pub fn quotas(&self, tenant: &TenantId) -> &Quotas {
        self.quotas.get(tenant).unwrap_or(&self.usual_quotas)
    }

    /// Whether the operator has configured the group.
    pub fn configures(&self, tenant: &TenantId, group: &GroupName) -> bool {
        self.groups.get(tenant).is_some_and(|groups| groups.contains_key(group))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_rules_have_the_same_fingerprint_and_others_another() {
        let named = |names: [&str; 3]| {
            let tenants = names.map(|name| (TenantId::new(name).unwrap(), HashMap::new()));
            Rules { groups: tenants.into(), ..Rules::default() }
        };
        assert_eq!(named(["a", "b", "c"]).fingerprint(), named(["c", "a", "b"]).fingerprint());
        assert_ne!(named(["a", "b", "c"]).fingerprint(), named(["a", "b", "d"]).fingerprint());
        let more = Rules { value_bytes: Rules::default().value_bytes + 1, ..Rules::default() };
        assert_ne!(more.fingerprint(), Rules::default().fingerprint());
    }
}
