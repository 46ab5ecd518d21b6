//! Which endpoint a path and a method ask for.

use actix_web::http::Method;
use percent_encoding::percent_decode_str;

use super::error::Error;
use crate::text::is_digits;

/// What every path of the dialect begins with.
const ROOT: &str = "/genesys";
/// The address of the services and of their instances.
const SERVICE: &str = "service";
/// The address of stored data.
const STORAGE: &str = "storage";
/// What stands before an id that the caller chose.
const CUSTOM: &str = "custom";

/// An endpoint of the dialect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// Calls a service by its execution name, which is how GMS creates an instance of it.
    Service(String),
    /// GET on a word that may be the name of a service or the id of an instance.
    ServiceOrInstance(String),
    /// A call about one instance.
    Instance {
        /// The instance's id, as the path says it.
        id: String,
        /// What is asked of it.
        action: InstanceAction,
    },
    /// The Storage API.
    Storage(Storage),
}

/// What is asked of an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InstanceAction {
    /// Whether it lives, and where its data are.
    Query,
    /// It ends, and its numbers are free.
    Delete,
    /// More user data, as the services take them.
    Update,
    /// All of its data.
    ReadData,
    /// More data, as the Storage API takes them.
    WriteData,
    /// One value of its data.
    ReadKey(String),
    /// One key of its data goes.
    DeleteKey(String),
}

/// A call of the Storage API, with the words of its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Storage {
    /// Keeps data for a while.
    Create {
        /// How long, in seconds, as the path says it.
        ttl: String,
    },
    /// Writes more into data that are there and keeps them for another while; data under an id of the caller's own are
    /// made if they are not there.
    Merge {
        /// The data.
        data: DataName,
        /// How long, in seconds, as the path says it.
        ttl: String,
    },
    /// Reads all of the data.
    Read(DataName),
    /// Reads the value of one key.
    ReadKey {
        /// The data.
        data: DataName,
        /// The key.
        key: String,
    },
    /// Deletes the data.
    Delete(DataName),
    /// Deletes one key.
    DeleteKey {
        /// The data.
        data: DataName,
        /// The key.
        key: String,
    },
}

/// How a path names stored data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DataName {
    /// By the id that the gateway gave them.
    Given(String),
    /// By the id that a user chose.
    Custom(String),
}

/// The methods of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Methods {
    /// One word below the services: a service is created with POST, or with GET and a query as some clients do; an
    /// instance takes GET and DELETE.
    ServiceOne,
    /// New data can only be written.
    Update,
    /// The data of an instance as a whole.
    InstanceData,
    /// One key of data that nothing can be posted to.
    Key,
    /// One word below the storage: a time to live to POST to, an id for the others.
    StorageOne,
    /// Two words below the storage: an id with a time to live to POST to, an id with a key for the others.
    StorageTwo,
    /// Data under an id of the caller's own, without a time to live.
    Custom,
}

impl Methods {
    /// The value of the header `Allow`.
    pub(super) const fn allow(self) -> &'static str {
        match self {
            Self::ServiceOne | Self::StorageOne | Self::StorageTwo => "DELETE, GET, POST",
            Self::Update => "POST",
            Self::InstanceData => "GET, POST",
            Self::Key | Self::Custom => "DELETE, GET",
        }
    }
}

/// Whether a path belongs to the dialect.
pub(super) fn owns(path: &str) -> bool {
    path.strip_prefix(ROOT).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The endpoint that a path, still percent-encoded, and a method ask for.
///
/// # Errors
/// [`Error::PathMalformed`], [`Error::PathUnknown`], [`Error::Method`].
pub(super) fn find(method: &Method, path: &str) -> Result<Endpoint, Error> {
    let rest = path.strip_prefix(ROOT).and_then(|rest| rest.strip_prefix("/1/")).ok_or(Error::PathUnknown)?;
    let segments = rest.split('/').map(decode).collect::<Result<Vec<_>, _>>()?;
    if segments.iter().any(String::is_empty) {
        return Err(Error::PathUnknown);
    }
    let words: Vec<&str> = segments.iter().map(String::as_str).collect();
    match words.as_slice() {
        [SERVICE, words @ ..] => service(method, words),
        [STORAGE, CUSTOM, words @ ..] if !words.is_empty() => custom(method, words).map(Endpoint::Storage),
        [STORAGE, words @ ..] => storage(method, words).map(Endpoint::Storage),
        _ => Err(Error::PathUnknown),
    }
}

fn service(method: &Method, words: &[&str]) -> Result<Endpoint, Error> {
    let instance = |id: &str, action| Ok(Endpoint::Instance { id: id.to_owned(), action });
    match words {
        [name] => match *method {
            Method::POST => Ok(Endpoint::Service((*name).to_owned())),
            Method::GET if is_instance_id(name) => instance(name, InstanceAction::Query),
            Method::GET => Ok(Endpoint::ServiceOrInstance((*name).to_owned())),
            Method::DELETE => instance(name, InstanceAction::Delete),
            _ => Err(Error::Method(Methods::ServiceOne)),
        },
        [id, "update"] => match *method {
            Method::POST => instance(id, InstanceAction::Update),
            _ => Err(Error::Method(Methods::Update)),
        },
        [id, STORAGE] => match *method {
            Method::GET => instance(id, InstanceAction::ReadData),
            Method::POST => instance(id, InstanceAction::WriteData),
            _ => Err(Error::Method(Methods::InstanceData)),
        },
        [id, STORAGE, key] => match *method {
            Method::GET => instance(id, InstanceAction::ReadKey((*key).to_owned())),
            Method::DELETE => instance(id, InstanceAction::DeleteKey((*key).to_owned())),
            _ => Err(Error::Method(Methods::Key)),
        },
        _ => Err(Error::PathUnknown),
    }
}

/// Whether a word has the form of the ids that the gateway gives: a decimal counter, a hyphen and a UUID.
fn is_instance_id(word: &str) -> bool {
    let Some((counter, uuid)) = word.split_once('-') else { return false };
    is_digits(counter) && uuid::Uuid::try_parse(uuid).is_ok()
}

fn storage(method: &Method, words: &[&str]) -> Result<Storage, Error> {
    let given = |id: &str| DataName::Given(id.to_owned());
    match words {
        [word] => match *method {
            Method::POST => Ok(Storage::Create { ttl: (*word).to_owned() }),
            Method::GET => Ok(Storage::Read(given(word))),
            Method::DELETE => Ok(Storage::Delete(given(word))),
            _ => Err(Error::Method(Methods::StorageOne)),
        },
        [id, word] => two(method, given(id), word),
        _ => Err(Error::PathUnknown),
    }
}

fn custom(method: &Method, words: &[&str]) -> Result<Storage, Error> {
    let custom = |id: &str| DataName::Custom(id.to_owned());
    match words {
        [id] => match *method {
            Method::GET => Ok(Storage::Read(custom(id))),
            Method::DELETE => Ok(Storage::Delete(custom(id))),
            _ => Err(Error::Method(Methods::Custom)),
        },
        [id, word] => two(method, custom(id), word),
        _ => Err(Error::PathUnknown),
    }
}

/// A name of data and one word more: a time to live to POST to, else a key.
fn two(method: &Method, data: DataName, word: &str) -> Result<Storage, Error> {
    let word = word.to_owned();
    match *method {
        Method::POST => Ok(Storage::Merge { data, ttl: word }),
        Method::GET => Ok(Storage::ReadKey { data, key: word }),
        Method::DELETE => Ok(Storage::DeleteKey { data, key: word }),
        _ => Err(Error::Method(Methods::StorageTwo)),
    }
}

/// A word of the path in plain text.
fn decode(segment: &str) -> Result<String, Error> {
    if !segment.bytes().any(|byte| matches!(byte, b'%' | b'\0')) {
        return Ok(segment.to_owned());
    }
    if !super::parameters::is_percent_encoded(segment) {
        return Err(Error::PathMalformed);
    }
    let text = percent_decode_str(segment).decode_utf8().map_err(|_| Error::PathMalformed)?;
    if text.contains('\0') { Err(Error::PathMalformed) } else { Ok(text.into_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INSTANCE: &str = "77-0f4b1d52-6c3e-4a83-9d0b-2f1e5a7c9b10";

    fn word(word: &str) -> String {
        word.to_owned()
    }

    fn instance(action: InstanceAction) -> Endpoint {
        Endpoint::Instance { id: word(INSTANCE), action }
    }

    #[test]
    fn every_documented_path_of_the_services_leads_to_its_endpoint() {
        let path = |rest: &str| format!("/genesys/1/service/{INSTANCE}{rest}");
        for (method, path, endpoint) in [
            (Method::POST, word("/genesys/1/service/request-access"), Endpoint::Service(word("request-access"))),
            (Method::GET, word("/genesys/1/service/voice%20in"), Endpoint::ServiceOrInstance(word("voice in"))),
            (Method::GET, word("/genesys/1/service/77-0f4b1d52"), Endpoint::ServiceOrInstance(word("77-0f4b1d52"))),
            (Method::GET, path(""), instance(InstanceAction::Query)),
            (Method::DELETE, path(""), instance(InstanceAction::Delete)),
            (Method::POST, path("/update"), instance(InstanceAction::Update)),
            (Method::GET, path("/storage"), instance(InstanceAction::ReadData)),
            (Method::POST, path("/storage"), instance(InstanceAction::WriteData)),
            (Method::GET, path("/storage/b%2Fc"), instance(InstanceAction::ReadKey(word("b/c")))),
            (Method::DELETE, path("/storage/b"), instance(InstanceAction::DeleteKey(word("b")))),
        ] {
            assert_eq!(find(&method, &path).unwrap(), endpoint, "{method} {path}");
        }
    }

    #[test]
    fn every_documented_path_of_the_storage_leads_to_its_endpoint() {
        let given = || DataName::Given(word("a"));
        let custom = || DataName::Custom(word("a"));
        for (method, path, storage) in [
            (Method::POST, "60", Storage::Create { ttl: word("60") }),
            (Method::POST, "a/60", Storage::Merge { data: given(), ttl: word("60") }),
            (Method::GET, "a", Storage::Read(given())),
            (Method::GET, "a/b%2Fc", Storage::ReadKey { data: given(), key: word("b/c") }),
            (Method::DELETE, "a", Storage::Delete(given())),
            (Method::DELETE, "a/b", Storage::DeleteKey { data: given(), key: word("b") }),
            (Method::POST, "custom/a/60", Storage::Merge { data: custom(), ttl: word("60") }),
            (Method::GET, "custom/a", Storage::Read(custom())),
            (Method::GET, "custom/a/b", Storage::ReadKey { data: custom(), key: word("b") }),
            (Method::DELETE, "custom/a", Storage::Delete(custom())),
            (Method::DELETE, "custom/a/b", Storage::DeleteKey { data: custom(), key: word("b") }),
        ] {
            let found = find(&method, &format!("/genesys/1/storage/{path}")).unwrap();
            assert_eq!(found, Endpoint::Storage(storage), "{method} {path}");
        }
    }

    #[test]
    fn a_path_has_only_its_own_methods() {
        for (method, path, allow) in [
            (Method::PUT, "/genesys/1/service/request-access", "DELETE, GET, POST"),
            (Method::GET, "/genesys/1/service/a/update", "POST"),
            (Method::DELETE, "/genesys/1/service/a/storage", "GET, POST"),
            (Method::POST, "/genesys/1/service/a/storage/b", "DELETE, GET"),
            (Method::PATCH, "/genesys/1/storage/a", "DELETE, GET, POST"),
            (Method::PUT, "/genesys/1/storage/a/b", "DELETE, GET, POST"),
            (Method::POST, "/genesys/1/storage/custom/a", "DELETE, GET"),
            (Method::HEAD, "/genesys/1/storage/custom/a/b", "DELETE, GET, POST"),
        ] {
            match find(&method, path) {
                Err(Error::Method(methods)) => assert_eq!(methods.allow(), allow, "{method} {path}"),
                other => panic!("{method} {path}: {other:?}"),
            }
        }
    }

    #[test]
    fn other_paths_lead_nowhere() {
        for path in [
            "/genesys",
            "/genesys/",
            "/genesys/2/service/request-access",
            "/genesys/1",
            "/genesys/1/service",
            "/genesys/1/service/",
            "/genesys/1/service//",
            "/genesys/1/Service/request-access",
            "/genesys/1/service/a/b",
            "/genesys/1/service/a/ixn/chat",
            "/genesys/1/service/a/storage/b/c",
            "/genesys/1/storage",
            "/genesys/1/storage/a/b/c",
            "/genesys/1/storage/custom/a/b/c",
            "/genesys/1/storage//b",
        ] {
            assert!(matches!(find(&Method::POST, path), Err(Error::PathUnknown)), "{path}");
        }
        for path in
            ["/genesys/1/service/%", "/genesys/1/service/%ff", "/genesys/1/storage/%00", "/genesys/1/storage/%2"]
        {
            assert!(matches!(find(&Method::POST, path), Err(Error::PathMalformed)), "{path}");
        }
    }

    #[test]
    fn the_dialect_owns_its_root_and_what_is_below_it() {
        assert!(owns("/genesys") && owns("/genesys/") && owns("/genesys/1/service/x"));
        assert!(!owns("/genesyslab/1/service/x") && !owns("/") && !owns("/x/genesys"));
    }
}
