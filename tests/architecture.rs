//! Holds the import rules of `ARCHITECTURE.md`: imports point downwards only, and each layer names only the outside
//! crates that are its business.
//!
//! The sources are read as text. Comments and string literals are blanked first, so that a module may talk about what it
//! refuses to know; everything else that looks like a path counts, whether it stands in a `use`, a grouped `use` or in
//! the middle of an expression. Unit tests inside a module are part of it and keep its rules.

use std::fs;
use std::path::{Path, PathBuf};

/// The layers of the house from the top down. A layer may name itself and whatever stands after it.
const LAYERS: &[&str] = &[
    "cli", "server", "console", "dialect", "access", "soap", "xml", "media", "dump", "store", "line", "log", "config",
    "domain", "text",
];

/// A layer, or a part of one, and what it must not name although it lies below, or comes from outside the house.
struct Forbidden {
    /// The folder under `src/`, or a path to one further down.
    layer: &'static str,
    /// A part of that folder, or a neighbouring file of it, for which this rule does not hold; `*` is any one folder.
    except: Option<&'static str>,
    /// Paths that no source of the layer may name.
    names: &'static [&'static str],
    /// Why, for the reader of a failure.
    why: &'static str,
}

const FORBIDDEN: &[Forbidden] = &[
    Forbidden {
        layer: "domain",
        except: None,
        names: &[
            "actix_web",
            "actix_rt",
            "tokio",
            "sled",
            "quick_xml",
            "yaserde",
            "serde_json",
            "tracing",
            "async_trait",
        ],
        why: "the domain is pure: no server, no engine, no wire format",
    },
    Forbidden {
        layer: "domain",
        except: None,
        names: &["std::fs", "std::net", "std::io", "std::env", "std::thread", "std::process"],
        why: "the domain does no input or output",
    },
    Forbidden {
        layer: "domain",
        except: None,
        names: &["SystemTime::now", "Instant::now", "rand::rng", "rand::random", "Uuid::new_v4", "OsRng", "SysRng"],
        why: "the domain has no clock and no randomness of its own; both come in as arguments",
    },
    Forbidden {
        layer: "config",
        except: None,
        names: &[
            "actix_web::web",
            "actix_web::dev",
            "actix_web::App",
            "actix_web::HttpServer",
            "sled",
            "quick_xml",
            "yaserde",
        ],
        why: "settings know no server, no engine and no wire format (the words of HTTP, such as a URL, they may)",
    },
    Forbidden {
        layer: "store",
        except: None,
        names: &["actix_web", "actix_rt", "quick_xml", "yaserde", "serde_json"],
        why: "the store knows no HTTP and no wire format",
    },
    Forbidden {
        layer: "store",
        except: Some("sled"),
        names: &["sled"],
        why: "sled is known in one folder; the trait, the engine and other logs do not know it",
    },
    Forbidden {
        layer: "store",
        except: Some("postgres"),
        names: &["tokio_postgres"],
        why: "the database is known in one folder; the trait, the engine and other logs do not know it",
    },
    Forbidden {
        layer: "store/engine",
        except: Some("tests"),
        names: &["crate::store::sled", "crate::store::postgres", "crate::store::memory", "std::fs", "std::path"],
        why: "the engine knows no log but by the trait",
    },
    Forbidden {
        layer: "store/sled",
        except: Some("tests"),
        names: &["tokio", "async_trait", "Store", "CommandContext", "Turn", "State"],
        why: "a log keeps what was decided; it takes no commands",
    },
    Forbidden {
        layer: "xml",
        except: None,
        names: &["actix_web", "sled", "tokio", "crate::store"],
        why: "xml is text in, events out",
    },
    Forbidden {
        layer: "media",
        except: None,
        names: &[
            "actix_web",
            "sled",
            "tokio",
            "serde_json",
            "crate::dump",
            "crate::store",
            "crate::config",
            "crate::domain",
        ],
        why: "media types and charsets are text in, text out, whichever layer asks",
    },
    Forbidden {
        layer: "soap",
        except: None,
        names: &["sled", "crate::store"],
        why: "soap carries operations and does not perform them",
    },
    Forbidden {
        layer: "access",
        except: None,
        names: &["sled", "quick_xml", "yaserde", "crate::soap", "crate::xml"],
        why: "who is calling does not depend on how the call is written",
    },
    Forbidden {
        layer: "console",
        except: Some("tests"),
        names: &[
            "sled",
            "crate::store::memory",
            "crate::store::sled",
            "crate::store::postgres",
            "crate::dialect::gms",
            "crate::dialect::interact",
            "crate::dialect::aicc",
            "crate::dialect::native",
        ],
        why: "the console calls the Store trait and never an engine, and knows no vendor's protocol",
    },
    Forbidden {
        layer: "dialect",
        except: None,
        names: &["sled"],
        why: "a dialect calls the Store trait and never an engine",
    },
    Forbidden {
        layer: "dialect",
        except: Some("*/tests"),
        names: &["crate::store::memory", "crate::store::sled"],
        why: "a dialect calls the Store trait and never an engine; only its tests bring one",
    },
];

/// `flush_async` deadlocks with eight or more callers, so nobody calls it, wherever they stand.
const FORBIDDEN_EVERYWHERE: &[&str] = &["flush_async"];

/// The source with comments and the contents of literals turned into blanks; line ends stay, so that line numbers hold.
fn code_of(source: &str) -> String {
    let bytes = source.as_bytes();
    let mut code = String::with_capacity(source.len());
    let mut at = 0;
    while at < bytes.len() {
        let end = skip_from(source, at);
        if end > at {
            code.extend(source[at..end].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
            at = end;
        } else {
            let length = source[at..].chars().next().map_or(1, char::len_utf8);
            code.push_str(&source[at..at + length]);
            at += length;
        }
    }
    code
}

/// The end of the comment or literal that begins at `at`; `at` itself when none begins there.
fn skip_from(source: &str, at: usize) -> usize {
    let rest = &source[at..];
    let after_name = source[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
    if rest.starts_with("//") {
        return at + rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return at + block_comment(rest);
    }
    if rest.starts_with('"') {
        return at + quoted(rest, '"');
    }
    if !after_name && let Some(length) = raw_string(rest) {
        return at + length;
    }
    if rest.starts_with('\'') && is_char_literal(rest) {
        return at + quoted(rest, '\'');
    }
    at
}

/// The length of a block comment, which may hold others.
fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        if text[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if text[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// The length of a literal between two marks, in which a backslash escapes.
fn quoted(text: &str, mark: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == mark => return at + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

/// The length of a raw string, when one begins here.
fn raw_string(text: &str) -> Option<usize> {
    let body = text.strip_prefix("br").or_else(|| text.strip_prefix('r'))?;
    let hashes = body.len() - body.trim_start_matches('#').len();
    let content = body[hashes..].strip_prefix('"')?;
    let close = format!("\"{}", "#".repeat(hashes));
    let before = text.len() - content.len();
    Some(content.find(&close).map_or(text.len(), |end| before + end + close.len()))
}

/// Tells `'a'` and `'\n'` from the lifetime `'a`.
fn is_char_literal(text: &str) -> bool {
    let mut chars = text.chars().skip(1);
    match chars.next() {
        Some('\\') => true,
        Some(_) => chars.next() == Some('\''),
        None => false,
    }
}

/// A path that the code names.
#[derive(Debug)]
struct Named {
    line: usize,
    path: String,
    /// Whether it stands in a `use`; there even a single word is a crate, elsewhere it may be a variable or a field.
    imported: bool,
}

impl Named {
    /// Whether this path names `name`: from its beginning for what begins at a root (`crate`, `std`, a crate), anywhere
    /// inside for a type or method like `SystemTime::now`, whose root may have been imported.
    fn names(&self, name: &str) -> bool {
        let path: Vec<&str> = self.path.split("::").collect();
        let name: Vec<&str> = name.split("::").collect();
        let anywhere = name[0].starts_with(char::is_uppercase) || name == FORBIDDEN_EVERYWHERE;
        if anywhere {
            return path.windows(name.len()).any(|part| part == name);
        }
        path.starts_with(&name) && (path.len() > 1 || self.imported)
    }
}

/// Every path of the code; a grouped `use a::{b, c::d}` is spread into `a::b` and `a::c::d`.
fn paths_of(code: &str) -> Vec<Named> {
    let mut paths = Vec::new();
    let mut groups: Vec<String> = Vec::new();
    let mut word = String::new();
    let (mut line, mut start, mut imported) = (1, 1, false);
    for c in code.chars().chain([' ']) {
        let in_path = c.is_alphanumeric() || c == '_' || c == ':';
        if in_path && word.is_empty() {
            start = line;
        }
        if in_path {
            word.push(c);
            continue;
        }
        line += usize::from(c == '\n');
        if c.is_whitespace() && word.ends_with("::") {
            continue;
        }
        let path = format!("{}{word}", groups.last().map_or("", String::as_str));
        let opens_group = c == '{' && word.ends_with("::");
        let named = path.trim_matches(':');
        if !opens_group && !word.is_empty() && !named.is_empty() {
            paths.push(Named { line: start, path: named.to_owned(), imported });
        }
        imported = (imported || word == "use") && c != ';';
        match c {
            '{' => groups.push(if opens_group { path } else { String::new() }),
            '}' => drop(groups.pop()),
            _ => {}
        }
        word.clear();
    }
    paths
}

/// A path through as many `super` as lead out of the layer, written from `crate`. Inline modules are not counted, so
/// the answer may be too high up, never too low.
fn from_crate(file: &str, path: &str) -> String {
    let depth = file.trim_end_matches(".rs").trim_end_matches("/mod").split('/').count();
    let rest = path.trim_start_matches("super::");
    let supers = (path.len() - rest.len()) / "super::".len();
    if supers >= depth && supers > 0 { format!("crate::{rest}") } else { path.to_owned() }
}

/// What a source of a layer breaks, one sentence each. `file` is relative to `src/`, such as `domain/names.rs`.
fn violations(file: &str, source: &str) -> Vec<String> {
    let mut found = Vec::new();
    for mut named in paths_of(&code_of(source)) {
        named.path = from_crate(file, &named.path);
        let line = named.line;
        let mut report = |what: &str, why: &str| found.push(format!("src/{file}:{line} names {what}: {why}"));
        for name in FORBIDDEN_EVERYWHERE.iter().filter(|name| named.names(name)) {
            report(name, "it deadlocks with eight or more callers");
        }
        let Some(layer) = layer_of(file) else { continue };
        if let Some(above) = floors_above(layer).iter().find(|above| named.names(&format!("crate::{above}"))) {
            report(
                &format!("crate::{above}"),
                &format!("{layer} stands below {above}, and imports point downwards only"),
            );
        }
        for rule in FORBIDDEN.iter().filter(|rule| rule.covers(file)) {
            for name in rule.names.iter().filter(|name| named.names(name)) {
                report(name, rule.why);
            }
        }
    }
    found
}

impl Forbidden {
    /// Whether the rule holds for a file.
    fn covers(&self, file: &str) -> bool {
        let excepted = self.except.is_some_and(|part| is_in(&format!("{}/{part}", self.layer), file));
        is_in(self.layer, file) && !excepted
    }
}

/// Whether a file is in a folder, or is the file beside it; `*` in the folder's path is any one folder.
fn is_in(folder: &str, file: &str) -> bool {
    let (folder, file): (Vec<_>, Vec<_>) =
        (folder.split('/').collect(), file.trim_end_matches(".rs").split('/').collect());
    let alike = |(pattern, segment): (&&str, &&str)| *pattern == "*" || pattern == segment;
    folder.len() <= file.len() && folder.iter().zip(&file).all(alike)
}

/// The layer that a file belongs to: `domain` for `domain/names.rs` and `domain.rs`; none for `lib.rs` and `main.rs`.
fn layer_of(file: &str) -> Option<&'static str> {
    let first = file.split('/').next().unwrap_or(file).trim_end_matches(".rs");
    LAYERS.iter().copied().find(|layer| *layer == first)
}

/// The layers above one, which it must not name.
fn floors_above(layer: &str) -> &'static [&'static str] {
    let height = LAYERS.iter().position(|candidate| *candidate == layer).unwrap_or(0);
    &LAYERS[..height]
}

fn sources_under(folder: &Path) -> Vec<PathBuf> {
    let mut sources = Vec::new();
    for entry in fs::read_dir(folder).expect("the sources can be listed") {
        let path = entry.expect("the sources can be listed").path();
        if path.is_dir() {
            sources.extend(sources_under(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push(path);
        }
    }
    sources
}

fn all_sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    sources_under(&root)
        .into_iter()
        .map(|path| {
            let file = path.strip_prefix(&root).expect("it lies under src").to_string_lossy().into_owned();
            (file, fs::read_to_string(&path).expect("a source can be read"))
        })
        .collect()
}

#[test]
fn imports_point_downwards_and_every_layer_keeps_to_its_own_business() {
    let found: Vec<String> = all_sources().iter().flat_map(|(file, source)| violations(file, source)).collect();
    assert!(found.is_empty(), "{} broken import rules:\n{}", found.len(), found.join("\n"));
}

#[test]
fn every_folder_of_the_house_is_a_layer() {
    for (file, _) in all_sources() {
        let known = layer_of(&file).is_some() || file == "lib.rs" || file == "main.rs";
        assert!(known, "src/{file} belongs to no layer of tests/architecture.rs; give it its place among LAYERS");
    }
    for layer in LAYERS {
        assert!(all_sources().iter().any(|(file, _)| layer_of(file) == Some(layer)), "no source on the layer {layer}");
    }
}

#[test]
fn every_path_that_the_map_names_is_there() {
    let map = include_str!("../ARCHITECTURE.md");
    let named = map.split('`').skip(1).step_by(2).filter(|word| word.starts_with("src/") && !word.contains('*'));
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (there, missing): (Vec<_>, Vec<_>) = named.partition(|path| root.join(path).exists());
    assert!(missing.is_empty(), "ARCHITECTURE.md names what is not there: {missing:?}");
    assert!(there.len() > 20, "the paths were not found in the text: {there:?}");
}

#[test]
fn the_dialects_do_not_know_each_other() {
    for (file, source) in all_sources() {
        let Some(dialect) = file.strip_prefix("dialect/").and_then(|rest| rest.split_once('/')).map(|(name, _)| name)
        else {
            continue;
        };
        for Named { line, path, .. } in paths_of(&code_of(&source)) {
            let other = path.strip_prefix("crate::dialect::").and_then(|rest| rest.split("::").next());
            let neighbour =
                other.filter(|other| ["gms", "interact", "aicc", "native"].contains(other) && *other != dialect);
            assert!(neighbour.is_none(), "src/{file}:{line} names {path}; dialects share state, not code");
        }
    }
}

mod the_finder {
    use super::{code_of, floors_above, paths_of, violations};

    fn breaks(file: &str, source: &str) -> bool {
        !violations(file, source).is_empty()
    }

    #[test]
    fn sees_an_import_that_points_upwards() {
        assert!(breaks("xml/guard.rs", "use crate::soap::Envelope;"));
        assert!(breaks("domain/pool.rs", "use crate::config::Settings;"));
        assert!(breaks("store/mod.rs", "pub fn f(x: crate::dialect::gms::Answer) {}"));
        assert!(breaks("soap/mod.rs", "use crate::{\n    xml::Reader,\n    dialect,\n};"));
        assert!(breaks("config/mod.rs", "use crate::{domain, store::{Store, Reply}};"));
    }

    #[test]
    fn follows_super_out_of_the_layer() {
        assert!(breaks("xml/guard.rs", "use super::super::soap::Envelope;"));
        assert!(breaks("xml/mod.rs", "use super::soap;"));
        assert!(!breaks("xml/guard.rs", "use super::soap::Local;"));
        assert!(!breaks("soap/mod.rs", "use super::xml::Reader;"));
    }

    #[test]
    fn allows_an_import_that_points_downwards() {
        assert!(!breaks("soap/mod.rs", "use crate::xml::Reader;"));
        assert!(!breaks("dialect/gms/mod.rs", "use crate::{access::Principal, domain::Number, store::Store};"));
        assert!(!breaks("config/mod.rs", "use crate::domain::GroupName;"));
        assert!(!breaks("domain/pool.rs", "use crate::domain::Number;"));
    }

    #[test]
    fn sees_a_forbidden_crate_in_a_use_and_in_an_expression() {
        assert!(breaks("domain/pool.rs", "use tokio::sync::Mutex;"));
        assert!(breaks("domain/pool.rs", "fn f() { let t = std::time::SystemTime::now(); }"));
        assert!(breaks("domain/pool.rs", "use std::time::Instant;\nfn f() { Instant::now(); }"));
        assert!(breaks("domain/pool.rs", "use std::{collections::HashMap, fs};"));
        assert!(breaks("domain/pool.rs", "fn f() { ::sled::open(1); }"));
        assert!(breaks("store/mod.rs", "use actix_web::web;"));
        assert!(breaks("store/memory.rs", "use sled::Db;"));
        assert!(breaks("store/engine/writer.rs", "use sled::Db;"));
        assert!(breaks("store/engine/writer.rs", "use crate::store::sled::SledLog;"));
        assert!(breaks("store/sled/tree/mod.rs", "use crate::domain::{State, Tables};"));
        assert!(breaks("dialect/interact/mod.rs", "use crate::store::sled::Engine;"));
        assert!(breaks("xml/mod.rs", "fn f(d: sled::Db) {}"));
    }

    #[test]
    fn sees_the_call_that_deadlocks_wherever_it_stands() {
        assert!(breaks("store/sled/writer.rs", "fn f(db: &sled::Db) { db.flush_async(); }"));
        assert!(breaks("main.rs", "fn f() { x.flush_async() }"));
    }

    #[test]
    fn lets_the_sled_engine_alone_name_sled() {
        assert!(!breaks("store/sled/mod.rs", "use sled::Batch;"));
        assert!(!breaks("store/sled.rs", "use sled::Batch;"));
        assert!(breaks("store/sledge.rs", "use sled::Batch;"));
    }

    #[test]
    fn is_not_misled_by_comments_and_literals() {
        assert!(!breaks("xml/mod.rs", "//! Never names crate::soap.\n/* use crate::soap; /* nested */ use tokio; */"));
        assert!(!breaks(
            "domain/a.rs",
            r##"const A: &str = "use tokio::a \" tokio::b"; const B: &str = r#"sled::"#;"##
        ));
        assert!(breaks("domain/a.rs", "const A: char = '\"'; use tokio::sync; const B: char = '\"';"));
        assert!(breaks("domain/a.rs", "fn f<'a>(x: &'a str) { tokio::spawn(x); }"));
    }

    #[test]
    fn does_not_take_a_part_of_a_name_for_the_name() {
        assert!(!breaks("domain/a.rs", "use crate::domain::tokio_like; let sledge = 1; my::tokio::x();"));
        assert!(!breaks("xml/a.rs", "use crate::xml::soapy;"));
    }

    #[test]
    fn does_not_take_a_field_a_variable_or_a_module_for_a_crate() {
        assert!(!breaks("store/mod.rs", "pub mod memory;\npub mod sled;\npub use self::sled::SledStore;"));
        assert!(!breaks(
            "config/store.rs",
            "pub struct Store { pub sled: Settings }\nfn f() { let tokio = 1; g(sled) }"
        ));
        assert!(breaks("config/store.rs", "use sled;"));
        assert!(breaks("config/store.rs", "use {serde::Serialize, sled};"));
    }

    #[test]
    fn names_file_line_and_reason() {
        let found = violations("domain/pool.rs", "\n\nuse sled::Db;\n");
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("src/domain/pool.rs:3 names sled: the domain is pure"), "{}", found[0]);
    }

    #[test]
    fn spreads_grouped_imports() {
        let paths: Vec<String> =
            paths_of("use a::{b, c::{d, e as f}, self};").into_iter().map(|named| named.path).collect();
        for expected in ["a::b", "a::c::d", "a::c::e", "a::self"] {
            assert!(paths.iter().any(|path| path == expected), "{expected} not in {paths:?}");
        }
    }

    #[test]
    fn keeps_lines_when_it_blanks_comments() {
        assert_eq!(code_of("a // b\nc /* d\ne */ f"), "a     \nc     \n     f");
    }

    #[test]
    fn puts_the_domain_under_everything_and_the_commands_on_top() {
        assert_eq!(floors_above("domain").len(), 13);
        assert!(floors_above("cli").is_empty());
    }
}
