//! Laying the layers over each other and reading the result into [`Settings`].

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::demo::DEMO;
use super::problem::{Problem, Problems, SettingOrigin};
use super::section::{Reading, Section};
use super::tree::{self, Table};
#[cfg(test)]
use super::tree::{Node, RawValue};
use super::variables;
use super::{
    Access, Admin, Aicc, Audit, Gms, Health, History, Interact, Log, Overrides, Quotas, Server, Settings, Soap, Store,
    Tenant, Usage, tenant,
};
use crate::domain::TenantId;
use crate::text::without_mark;

impl Settings {
    /// Reads the configuration: defaults, below `file`, below the variables of `env`, below `overrides`.
    ///
    /// Variables that do not begin with `DNIS_GATEWAY__` set nothing. Paths of secrets in the file are relative to its
    /// folder, those in variables to the working directory.
    ///
    /// # Errors
    /// Everything that is wrong, in any layer.
    pub fn load(
        file: Option<&Path>,
        env: impl Iterator<Item = (String, String)>,
        overrides: &Overrides,
    ) -> Result<Self, Problems> {
        let Some(path) = file else { return layered("", "", Path::new(""), env, overrides).0 };
        let name = path.display().to_string();
        let text = read(path).map_err(|text| {
            Problems::one(Problem { origin: SettingOrigin::Unread(name.as_str().into()), key: String::new(), text })
        })?;
        layered(&text, &name, path.parent().unwrap_or(Path::new("")), env, overrides).0
    }

    /// Reads `text` as [`Settings::load`] reads a file, with no layer above.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn from_toml(text: &str) -> Result<Self, Problems> {
        layered(text, "configuration", Path::new(""), std::iter::empty(), &Overrides::default()).0
    }

    /// As [`Settings::load`], with the demo configuration in the place of the file.
    ///
    /// # Errors
    /// Everything that is wrong in the variables or on the command line.
    pub fn load_demo(env: impl Iterator<Item = (String, String)>, overrides: &Overrides) -> Result<Self, Problems> {
        let settings = layered(DEMO, "demo configuration", Path::new(""), env, overrides).0?;
        Ok(Self { demo: true, ..settings })
    }
}

fn read(path: &Path) -> Result<String, String> {
    let bytes = std::fs::read(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        _ => format!("cannot be read: {error}"),
    })?;
    let text = String::from_utf8(bytes).map_err(|_| "must be UTF-8 text".to_owned())?;
    Ok(without_mark(&text).to_owned())
}

/// Lays the layers and reads them; also gives the reading, which knows the keys that were asked for.
fn layered(
    text: &str,
    name: &str,
    base: &Path,
    env: impl Iterator<Item = (String, String)>,
    overrides: &Overrides,
) -> (Result<Settings, Problems>, Reading) {
    let mut problems = Vec::new();
    let mut tree = match tree::from_toml(text, name) {
        Ok(tree) => tree,
        // What was meant behind a slip of the pen nobody knows: anything else that were told now might be wrong.
        Err(problem) => return (Err(Problems::one(problem)), Reading::new(Vec::new(), base)),
    };
    let mut strays = Vec::new();
    for (name, text) in env {
        strays.extend(variables::stray(&name, &text));
        tree::lay_variable(&mut tree, &name, &text, &mut problems);
    }
    lay_overrides(&mut tree, overrides);
    let reading = Reading::new(problems, base);
    let mut settings = reading.root(&tree, Settings::read);
    settings.warnings = reading.warnings.take();
    settings.warnings.append(&mut strays);
    settings.warnings.sort();
    if let Some(data) = &overrides.data {
        // Not through the tree of texts: a path need not be one.
        settings.store.path.clone_from(data);
    }
    if let (Some(listen), None) = (overrides.listen, overrides.admin_listen)
        && listen.port() == 0
    {
        settings.admin.listen.set_port(0);
    }
    let result = Problems::found(reading.problems.take()).map_or(Ok(settings), Err);
    (result, reading)
}

fn lay_overrides(tree: &mut Table, overrides: &Overrides) {
    if let Some(listen) = overrides.listen {
        tree::lay_option(tree, "--listen", ["server", "listen"], listen.to_string());
    }
    if let Some(listen) = overrides.admin_listen {
        tree::lay_option(tree, "--admin-listen", ["admin", "listen"], listen.to_string());
    }
}

impl Settings {
    fn read(root: &mut Section<'_>) -> Self {
        let server = root.section("server", Server::read);
        let tenants = read_tenants(root);
        let admin = root.section("admin", |section| Admin::read(section, server.listen, &tenants));
        Self {
            store: root.section("store", Store::read),
            limits: root.section("limits", Quotas::read),
            history: root.section("history", History::read),
            audit: root.section("audit", Audit::read),
            usage: root.section("usage", Usage::read),
            health: root.section("health", Health::read),
            access: root.section("access", Access::read),
            log: root.section("log", Log::read),
            soap: root.section("soap", Soap::read),
            gms: root.section("gms", |section| Gms::read(section, &tenants)),
            interact: root.section("interact", |section| Interact::read(section, &tenants)),
            aicc: root.section("aicc", Aicc::read),
            server,
            admin,
            tenants,
            demo: false,
            warnings: Vec::new(),
        }
    }
}

fn read_tenants(root: &mut Section<'_>) -> BTreeMap<TenantId, Tenant> {
    let mut tenants = BTreeMap::new();
    let mut basic_users = tenant::BasicUsers::default();
    let mut app_keys = BTreeSet::new();
    root.sections("tenant", |section| {
        let tenant = Tenant::read(section, &mut basic_users, &mut app_keys)?;
        if tenants.contains_key(&tenant.id) {
            section.problem("id", "is the id of another tenant too; every tenant needs its own");
        } else {
            tenants.insert(tenant.id.clone(), tenant);
        }
        Some(())
    });
    tenants
}

/// The keys that reading `text` asks for and the keys that it gives, as paths without positions.
#[cfg(test)]
pub(super) fn read_keys(text: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let mut given = BTreeSet::new();
    collect("", &tree::from_toml(text, "test").expect("the text is TOML"), &mut given);
    let reading = layered(text, "test", Path::new(""), std::iter::empty(), &Overrides::default()).1;
    (reading.asked(), given)
}

#[cfg(test)]
fn collect(path: &str, table: &Table, keys: &mut BTreeSet<String>) {
    fn tables(node: &Node) -> Vec<&Table> {
        match &node.value {
            RawValue::Table(table) => vec![table],
            RawValue::List(list) => list.iter().flat_map(tables).collect(),
            _ => Vec::new(),
        }
    }
    for (key, node) in table {
        let below = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        let mut inner = tables(node);
        if below == "tenant.gms.service" {
            // The names that a file chooses itself are no keys.
            inner = inner.iter().flat_map(|table| table.values()).flat_map(tables).collect();
        }
        for table in inner {
            collect(&below, table, keys);
        }
        keys.insert(below);
    }
}
