//! Which endpoint a path and a method ask for.

use actix_web::http::Method;
use percent_encoding::percent_decode_str;

use super::error::Error;

/// What every path of the dialect begins with.
const ROOT: &str = "/genesys";
/// The address of the services.
const SERVICE: &str = "service";
/// The address of stored data.
const STORAGE: &str = "storage";

/// An endpoint of the dialect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// Creates a service instance, which is how GMS calls a service by its execution name.
    Service(String),
    /// The Storage API.
    Storage(Storage),
}

/// A call of the Storage API, with the words of its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Storage {
    /// Keeps data for a while.
    Create {
        /// How long, in seconds, as the path says it.
        ttl: String,
    },
    /// Writes more into data that are there and keeps them for another while.
    Merge {
        /// The id of the data.
        id: String,
        /// How long, in seconds, as the path says it.
        ttl: String,
    },
    /// Reads all of the data.
    Read {
        /// The id of the data.
        id: String,
    },
    /// Reads the value of one key.
    ReadKey {
        /// The id of the data.
        id: String,
        /// The key.
        key: String,
    },
    /// Deletes the data.
    Delete {
        /// The id of the data.
        id: String,
    },
}

/// The methods of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Methods {
    /// A service is created with POST; clients exist that create with GET and a query.
    Service,
    /// One word below the storage: a time to live to POST to, an id for the others.
    StorageOne,
    /// Two words below the storage: an id with a time to live to POST to, an id with a key to GET.
    StorageTwo,
}

impl Methods {
    /// The value of the header `Allow`.
    pub(super) const fn allow(self) -> &'static str {
        match self {
            Self::Service | Self::StorageTwo => "GET, POST",
            Self::StorageOne => "DELETE, GET, POST",
        }
    }
}

/// Whether a path belongs to the dialect.
pub(super) fn owns(path: &str) -> bool {
    path.strip_prefix(ROOT).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The endpoint that a path, still percent-encoded, and a method ask for. A slash at the end makes no difference.
///
/// # Errors
/// [`Error::PathMalformed`], [`Error::PathUnknown`], [`Error::Method`].
pub(super) fn find(method: &Method, path: &str) -> Result<Endpoint, Error> {
    let rest = path.strip_prefix(ROOT).and_then(|rest| rest.strip_prefix("/1/")).ok_or(Error::PathUnknown)?;
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let segments = rest.split('/').map(decode).collect::<Result<Vec<_>, _>>()?;
    if segments.iter().any(String::is_empty) {
        return Err(Error::PathUnknown);
    }
    match segments.as_slice() {
        [family, name] if family == SERVICE => service(method, name),
        [family, one] if family == STORAGE => storage_one(method, one).map(Endpoint::Storage),
        [family, one, two] if family == STORAGE => storage_two(method, one, two).map(Endpoint::Storage),
        _ => Err(Error::PathUnknown),
    }
}

fn service(method: &Method, name: &str) -> Result<Endpoint, Error> {
    match *method {
        Method::POST | Method::GET => Ok(Endpoint::Service(name.to_owned())),
        _ => Err(Error::Method(Methods::Service)),
    }
}

fn storage_one(method: &Method, word: &str) -> Result<Storage, Error> {
    let word = word.to_owned();
    match *method {
        Method::POST => Ok(Storage::Create { ttl: word }),
        Method::GET => Ok(Storage::Read { id: word }),
        Method::DELETE => Ok(Storage::Delete { id: word }),
        _ => Err(Error::Method(Methods::StorageOne)),
    }
}

fn storage_two(method: &Method, id: &str, word: &str) -> Result<Storage, Error> {
    let (id, word) = (id.to_owned(), word.to_owned());
    match *method {
        Method::POST => Ok(Storage::Merge { id, ttl: word }),
        Method::GET => Ok(Storage::ReadKey { id, key: word }),
        _ => Err(Error::Method(Methods::StorageTwo)),
    }
}

/// A word of the path in plain text.
fn decode(segment: &str) -> Result<String, Error> {
    if !super::parameters::is_percent_encoded(segment) {
        return Err(Error::PathMalformed);
    }
    let text = percent_decode_str(segment).decode_utf8().map_err(|_| Error::PathMalformed)?;
    if text.contains('\0') { Err(Error::PathMalformed) } else { Ok(text.into_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn storage(storage: Storage) -> Endpoint {
        Endpoint::Storage(storage)
    }

    #[test]
    fn every_documented_path_leads_to_its_endpoint() {
        let word = |word: &str| word.to_owned();
        let found = [
            (Method::POST, "/genesys/1/service/request-access", Endpoint::Service(word("request-access"))),
            (Method::GET, "/genesys/1/service/voice%20in/", Endpoint::Service(word("voice in"))),
            (Method::POST, "/genesys/1/storage/60", storage(Storage::Create { ttl: word("60") })),
            (Method::POST, "/genesys/1/storage/a/60", storage(Storage::Merge { id: word("a"), ttl: word("60") })),
            (Method::GET, "/genesys/1/storage/a", storage(Storage::Read { id: word("a") })),
            (Method::GET, "/genesys/1/storage/a/b%2Fc", storage(Storage::ReadKey { id: word("a"), key: word("b/c") })),
            (Method::DELETE, "/genesys/1/storage/a", storage(Storage::Delete { id: word("a") })),
        ];
        for (method, path, endpoint) in found {
            assert_eq!(find(&method, path).unwrap(), endpoint, "{method} {path}");
        }
    }

    #[test]
    fn a_path_has_only_its_own_methods() {
        for (method, path, allow) in [
            (Method::PUT, "/genesys/1/service/request-access", "GET, POST"),
            (Method::PATCH, "/genesys/1/storage/a", "DELETE, GET, POST"),
            (Method::DELETE, "/genesys/1/storage/a/b", "GET, POST"),
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
            "/genesys/1/storage/a/b/c",
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
