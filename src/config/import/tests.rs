//! What becomes of the sample, and of options of every kind.

use super::*;
use crate::config::{BuiltIn, Format, Tenant};
use crate::domain::{Seconds, Sharing};

const SAMPLE: &str = include_str!("../../../samples/gms/options.cfg");
const HASH: &str = "$argon2id$v=19$m=8,t=1,p=1$muM/Ycl/N/yy9qB4rJKzSw$F9clZuJVvQ1Z/qqEC0bS1STBby6I1e7MhzChdS3bhaI";

fn import(text: &str) -> Imported {
    gms_options(text, "blue", |_| Ok(HASH.to_owned())).unwrap()
}

fn tenant(imported: &Imported) -> Tenant {
    let settings = Settings::from_toml(&imported.toml).unwrap_or_else(|problems| panic!("{problems}"));
    settings.tenants["blue"].clone()
}

#[test]
fn the_sample_becomes_a_valid_configuration_with_every_option_that_means_the_same() {
    let imported = import(SAMPLE);
    let settings = Settings::from_toml(&imported.toml).unwrap();
    assert_eq!(settings.gms.default_format, Format::Json);
    assert_eq!(settings.gms.anonymous_tenant.as_ref().unwrap().as_str(), "blue");
    let tenant = tenant(&imported);
    let gms = &tenant.gms;
    assert_eq!((gms.realm.as_str(), gms.server.username.as_deref()), ("Our numbers", Some("gms")));
    assert!(gms.server.password_hash.is_some() && gms.access_code_prefix.is_some());
    assert_eq!((gms.storage.username.as_deref(), &gms.storage.password_hash), (Some("gms-storage"), &None));
    let access = &gms.services["request-access"];
    assert_eq!((access.access_code_length, access.booking_expiration_timeout), (Some(4), Some(Seconds::new(60))));
    let web = &gms.services["web-call"];
    assert_eq!((web.built_in, web.access_code_length), (BuiltIn::RequestInteraction, None));
    assert_eq!(web.resource_group.as_ref().unwrap().as_str(), "Web");
    assert_eq!(gms.services["gms-status"].built_in, BuiltIn::Get);
    assert!(!gms.services.contains_key("callback-sales") && !gms.services.contains_key("hours"));

    let [dnis, web] = tenant.groups.as_slice() else { panic!("{:?}", tenant.groups) };
    assert_eq!((dnis.rules.sharing, web.rules.sharing), (Sharing::Exclusive, Sharing::Exclusive));
    assert_eq!((dnis.booking_expiration_timeout, web.booking_expiration_timeout), (Some(Seconds::new(120)), None));
    let numbers = |group: &str| {
        let of_group = tenant.seeds.numbers.iter().filter(|seed| seed.group.as_ref().unwrap().as_str() == group);
        of_group.map(|seed| seed.number.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(numbers("DNIS").len(), 13);
    assert!(numbers("DNIS").contains(&"8005550119".to_owned()));
    assert_eq!(numbers("Web"), ["8005550120"]);
}

#[test]
fn everything_that_is_not_carried_over_is_listed_with_its_line() {
    let left_out = import(SAMPLE).left_out;
    for (place, why) in [
        ("[server] external_url_base", "set server.public_url"),
        ("[server] node_id", "no counterpart"),
        ("[server] web_port", "set server.listen"),
        ("[storage] password", "is masked"),
        ("[service.callback-sales] _type", "the whole service is left out"),
        ("[service.hours] _service", "the whole service is left out"),
        ("[port_restrictions] /genesys/1/service/*", "no counterpart"),
        ("[Web] _allocation_strategy", "the group is made exclusive"),
        ("[Web] _backup_resource", "`fallback` group"),
    ] {
        let found = left_out.iter().filter(|line| line.contains(place) && line.contains(why)).count();
        assert_eq!(found, 1, "{place}: {left_out:#?}");
    }
    assert_eq!(left_out.len(), 9, "{left_out:#?}");
    assert!(
        left_out.contains(&"line 5: [server] node_id: has no counterpart in the gateway".to_owned()),
        "{left_out:#?}"
    );
}

#[test]
fn options_that_the_gateway_would_refuse_are_left_out_so_that_the_result_is_valid() {
    let imported = import(
        "[server]\nusername=a:b\nrealm=a\"b\nrealm2=1\naccess_code_prefix=x\n\
         [service.request-access]\n_access_code_length=17\n_booking_expiration_timeout=4\n_ttl=0\n_provide_code=maybe\n\
         _wait_for_agent=true\n_resource_group=a \"group\" \\ of ours\n_id=\n\
         [service.match-interaction]\n_provide_code=true\n_access_number=8005550100\n[service.a/b]\n_service=get\n\
         [pool]\n_allocation_strategy=BEST\nn=1-2-3\nm=12,12\no=5-3\n",
    );
    let keys = [
        "username",
        "realm:",
        "realm2",
        "access_code_prefix",
        "_access_code_length",
        "_booking_expiration_timeout",
        "_ttl",
        "_provide_code",
        "_wait_for_agent",
        "_provide_code",
        "_service",
        "_allocation_strategy",
        "n:",
        "m:",
        "o:",
    ];
    for key in keys {
        assert!(imported.left_out.iter().any(|line| line.contains(key)), "{key}: {:#?}", imported.left_out);
    }
    let access = &tenant(&imported).gms.services["request-access"];
    assert_eq!(access.resource_group.as_ref().unwrap().as_str(), "a \"group\" \\ of ours");
}

#[test]
fn no_strategy_makes_a_group_shared_and_one_that_might_is_warned_about() {
    for (strategy, warned) in [("", false), ("LOCAL", false), ("cluster", false), ("RANDOM", true), ("BEST", true)] {
        let imported = import(&format!("[pool]\n_allocation_strategy={strategy}\nn=12\n"));
        let [pool] = &tenant(&imported).groups[..] else { panic!("{}", imported.toml) };
        assert_eq!(pool.rules.sharing, Sharing::Exclusive, "{strategy}");
        let told = imported.left_out.iter().any(|line| line.starts_with("line 2: [pool] _allocation_strategy: "));
        assert_eq!(told, warned, "{strategy}: {:?}", imported.left_out);
    }
}

#[test]
fn a_group_that_the_export_has_no_numbers_of_is_made_and_told() {
    let imported = import(
        "[service.request-access]\n_resource_group=Far\n[service.x]\n_service=request-access\n_resource_group=Far",
    );
    let groups = tenant(&imported).groups;
    assert_eq!(groups.iter().map(|group| group.name.as_str()).collect::<Vec<_>>(), ["Far"]);
    let expected = "line 2: [service.request-access] _resource_group: the export has no numbers of the group Far";
    let [told] = &imported.left_out[..] else { panic!("{:?}", imported.left_out) };
    assert!(told.starts_with(expected), "{told}");
}

#[test]
fn what_is_no_option_file_is_refused_at_its_line() {
    for (text, problem) in [
        ("a=1", "line 1: an option must stand below a [section]"),
        ("\n[server\n", "line 2: a section must end with ]"),
        ("[server]\nnonsense", "line 2: must be [section] or key=value"),
    ] {
        assert_eq!(gms_options(text, "blue", |_| Ok(HASH.to_owned())), Err(problem.to_owned()));
    }
    assert!(import("").left_out.is_empty() && Settings::from_toml(&import("").toml).is_ok());
}
