//! From the options that a GMS site has exported to a configuration of the gateway.
//!
//! What means the same here is carried over under the same name; everything else is listed, so that nobody believes a
//! setting to be in force that is not. The result is a whole configuration with a tenant of its own.

mod groups;
mod options;
mod toml;

use std::collections::BTreeSet;

use options::{Export, Section};
use toml::Writer;

use super::Settings;
use crate::domain::Number;

/// A configuration made of exported options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The configuration, in TOML.
    pub toml: String,
    /// What has no place in it, a line each, in the order of the export.
    pub left_out: Vec<String>,
}

/// What GMS keeps in sections that have nothing to do with numbers.
const OTHER_SECTIONS: [&str; 14] = [
    "callback",
    "chat",
    "cluster",
    "gms",
    "log",
    "notification",
    "ors",
    "patterns",
    "port_restrictions",
    "push",
    "reporting",
    "resources",
    "stat",
    "statserver",
];

/// Makes a configuration for `tenant` of the text of an option file: lines `[section]` and `key=value`, as Genesys
/// Administrator exports them, with the sections of the pools among them. `hash` makes the stored form of a password.
///
/// # Errors
/// The first line that is neither, or what `hash` says.
pub fn gms_options(
    text: &str,
    tenant: &str,
    hash: impl Fn(&str) -> Result<String, String>,
) -> Result<Imported, String> {
    let export = Export::read(text)?;
    let mut import =
        Conversion { writer: Writer::default(), left_out: Vec::new(), taken: BTreeSet::new(), hash: &hash };
    import.begin(tenant);
    for section in export.sections.iter().filter(|section| kind(section) == SectionKind::Group) {
        import.group(section);
    }
    for section in export.sections.iter().filter(|section| kind(section) == SectionKind::Group) {
        import.numbers(section);
    }
    import.groups_without_pool(&export);
    import.writer.section("[tenant.gms]");
    import.writer.text("default_format", "json");
    for section in &export.sections {
        match kind(section) {
            SectionKind::Group => {}
            SectionKind::Server | SectionKind::Storage => import.credentials_section(section)?,
            SectionKind::Service(name) => import.service(section, name)?,
            SectionKind::Other => {
                for option in &section.options {
                    import.leave_out(section, &option.key, "has no counterpart in the gateway");
                }
            }
        }
    }
    let Conversion { writer, mut left_out, .. } = import;
    let toml = writer.finish();
    left_out.sort_by_key(|(line, _)| *line);
    let mut left_out: Vec<String> = left_out.into_iter().map(|(_, text)| text).collect();
    if let Err(problems) = Settings::from_toml(&toml) {
        left_out.extend(problems.iter().map(|problem| format!("to be put right in the result: {problem}")));
    }
    Ok(Imported { toml, left_out })
}

/// What a section of the export is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SectionKind<'a> {
    Server,
    Storage,
    Service(&'a str),
    Group,
    Other,
}

fn kind(section: &Section) -> SectionKind<'_> {
    match section.name.as_str() {
        "server" => SectionKind::Server,
        "storage" => SectionKind::Storage,
        name if name.starts_with("service.") => SectionKind::Service(&name["service.".len()..]),
        name if OTHER_SECTIONS.contains(&name) => SectionKind::Other,
        _ if groups::is_pool(section) => SectionKind::Group,
        _ => SectionKind::Other,
    }
}

/// The configuration while it is made.
struct Conversion<'a> {
    writer: Writer,
    /// What is left out, with its line.
    left_out: Vec<(usize, String)>,
    /// The numbers that are in a group already.
    taken: BTreeSet<Number>,
    hash: &'a dyn Fn(&str) -> Result<String, String>,
}

impl Conversion<'_> {
    fn begin(&mut self, tenant: &str) {
        let writer = &mut self.writer;
        writer.comment("Made of the options of a GMS site by `dnis-gateway import-gms`.");
        writer.section("[gms]");
        writer.comment("GMS answers in JSON.");
        writer.text("default_format", "json");
        writer.comment(
            "As on GMS, whoever gives no credentials is let in where no password is set. Leave this key out to",
        );
        writer.comment("let in only those who give some.");
        writer.text("anonymous_tenant", tenant);
        writer.section("[[tenant]]");
        writer.text("id", tenant);
    }

    fn leave_out(&mut self, section: &Section, key: &str, why: &str) {
        let line = section.options.iter().find(|option| option.key == key).map_or(section.line, |option| option.line);
        self.left_out.push((line, format!("line {line}: [{}] {key}: {why}", section.name)));
    }

    /// `server` or `storage`: credentials and what goes with them.
    fn credentials_section(&mut self, section: &Section) -> Result<(), String> {
        self.writer.section(&format!("[tenant.gms.{}]", section.name));
        for option in &section.options {
            match (section.name.as_str(), option.key.as_str()) {
                (_, "username" | "password") => self.credential(section, &option.key, &option.value)?,
                ("server", "realm") => match super::tenant_gms::realm(&option.value) {
                    _ if option.value.is_empty() => {}
                    Ok(realm) => self.writer.text("realm", &realm),
                    Err(allowed) => self.leave_out(section, &option.key, allowed),
                },
                ("server", "access_code_prefix") => match super::AccessCodePrefix::new(&option.value) {
                    _ if option.value.is_empty() => {}
                    Ok(_) => self.writer.text("access_code_prefix", &option.value),
                    Err(allowed) => self.leave_out(section, &option.key, allowed),
                },
                ("server", "external_url_base") => {
                    self.leave_out(section, &option.key, "set server.public_url to the address that clients use");
                }
                ("server", "web_port") => {
                    self.leave_out(section, &option.key, "set server.listen to the address and port");
                }
                _ => self.leave_out(section, &option.key, "has no counterpart in the gateway"),
            }
        }
        Ok(())
    }

    fn credential(&mut self, section: &Section, key: &str, value: &str) -> Result<(), String> {
        if value.is_empty() {
            return Ok(());
        }
        match key {
            "username" if value.contains(':') => self.leave_out(section, key, "must not contain a colon"),
            "username" => self.text(section, key, value),
            _ if value.chars().all(|c| c == '*') => {
                self.leave_out(
                    section,
                    key,
                    "is masked in the export; set password_hash by `dnis-gateway hash-secret`",
                );
            }
            _ => {
                let hash = (self.hash)(value)?;
                self.writer.text("password_hash", &hash);
            }
        }
        Ok(())
    }

    /// A text that every text key takes.
    fn text(&mut self, section: &Section, key: &str, value: &str) {
        match super::tenant::label(value) {
            _ if value.is_empty() => {}
            Ok(text) => self.writer.text(key, &text),
            Err(invalid) => self.leave_out(section, key, &invalid.to_string()),
        }
    }

    /// `service.NAME`.
    fn service(&mut self, section: &Section, name: &str) -> Result<(), String> {
        let value = |key: &str| section.value(key).filter(|value| !value.is_empty());
        if name.is_empty() || name.contains('/') {
            self.leave_out(section, "_service", "the name of a service must be one segment of a path");
            return Ok(());
        }
        if value("_type").is_some_and(|kind| kind != "builtin") {
            self.leave_out(
                section,
                "_type",
                "the whole service is left out: only \"builtin\" services run on the gateway",
            );
            return Ok(());
        }
        let service = value("_service").or(value("_name")).unwrap_or(name);
        let Ok(built_in) = super::BuiltIn::read(service) else {
            self.leave_out(
                section,
                "_service",
                "the whole service is left out: the gateway has the number services alone",
            );
            return Ok(());
        };
        self.writer.section(&format!("[tenant.gms.service.{}]", toml::key(name)));
        self.writer.text("_service", built_in.name());
        for option in section.options.iter().filter(|option| !["_type", "_service", "_name"].contains(&&*option.key)) {
            match option.key.as_str() {
                _ if option.value.is_empty() => {}
                "username" | "password" => self.credential(section, &option.key, &option.value)?,
                key => self.service_option(section, built_in, key, &option.value),
            }
        }
        Ok(())
    }

    fn service_option(&mut self, section: &Section, built_in: super::BuiltIn, key: &str, value: &str) {
        use super::BuiltIn::{Get, MatchInteraction, RequestAccess, RequestInteraction};

        let lends = matches!(built_in, RequestAccess | RequestInteraction);
        match (key, built_in) {
            ("_id", RequestAccess) | ("_access_number" | "_access_code", MatchInteraction) => {
                self.text(section, key, value);
            }
            ("_phone_number", RequestAccess | RequestInteraction | MatchInteraction) => self.text(section, key, value),
            ("_resource_group", _) if lends => self.text(section, key, value),
            ("_provide_code" | "_return_pool_health", _) if lends => self.flag(section, key, value),
            ("_access_code_length", _) if lends => self.whole(section, key, value, 1..=16),
            ("_booking_expiration_timeout", _) if lends => self.whole(section, key, value, 5..=1800),
            ("_ttl", _) if lends => self.whole(section, key, value, 1..=super::gms::YEAR),
            ("_online_code" | "_offline_code", Get) => self.whole(section, key, value, 200..=599),
            _ => self.leave_out(section, key, &format!("is no option of {} on the gateway", built_in.name())),
        }
    }

    fn flag(&mut self, section: &Section, key: &str, value: &str) {
        match value.to_ascii_lowercase().as_str() {
            flag @ ("true" | "false") => self.writer.plain(key, flag),
            _ => self.leave_out(section, key, "must be true or false"),
        }
    }

    fn whole(&mut self, section: &Section, key: &str, value: &str, range: std::ops::RangeInclusive<u64>) {
        match value.parse::<u64>() {
            Ok(whole) if range.contains(&whole) => self.writer.plain(key, &whole.to_string()),
            _ => {
                let (least, most) = range.into_inner();
                self.leave_out(section, key, &format!("must be a whole number from {least} to {most}"));
            }
        }
    }
}

#[cfg(test)]
mod tests;
