//! Which tenants import a file now: one tenant's unfinished file is no other tenant's concern.

use std::collections::HashMap;

use parking_lot::Mutex;

use crate::domain::TenantId;

/// How many files each tenant imports now; a tenant that imports none is not in it.
#[derive(Debug, Default)]
pub(in crate::dialect::native) struct Importing(Mutex<HashMap<TenantId, usize>>);

/// The right to import a file, until it is dropped.
#[derive(Debug)]
pub(super) struct Permit<'i> {
    importing: &'i Importing,
    tenant: TenantId,
}

impl Importing {
    /// Lets the tenant import one file more, unless it imports `most` already.
    pub(super) fn begin(&self, tenant: &TenantId, most: usize) -> Option<Permit<'_>> {
        let mut running = self.0.lock();
        if running.get(tenant).is_some_and(|running| *running >= most) {
            return None;
        }
        *running.entry(tenant.clone()).or_default() += 1;
        Some(Permit { importing: self, tenant: tenant.clone() })
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut running = self.importing.0.lock();
        if let Some(count) = running.get_mut(&self.tenant) {
            *count -= 1;
            if *count == 0 {
                running.remove(&self.tenant);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_waits_for_its_own_files_only() {
        let importing = Importing::default();
        let [one, other] = ["one", "other"].map(|id| TenantId::new(id).unwrap());
        let first = importing.begin(&one, 2).unwrap();
        let second = importing.begin(&one, 2).unwrap();
        assert!(importing.begin(&one, 2).is_none());
        assert!(importing.begin(&other, 1).is_some());
        drop(first);
        assert!(importing.begin(&one, 2).is_some());
        drop(second);
        assert!(importing.0.lock().is_empty());
    }
}
