//! The header set of Interact, which GMS calls may carry as well.

use actix_web::http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};

use super::principal::Cause;

static TENANT: HeaderName = HeaderName::from_static("tenant-id");
static KEY: HeaderName = HeaderName::from_static("application-key");
static USER: HeaderName = HeaderName::from_static("user-id");
static PASSWORD: HeaderName = HeaderName::from_static("user-password");
static ENVIRONMENT: HeaderName = HeaderName::from_static("environment-name");

/// The headers as they were sent, nothing verified yet.
pub(super) struct HeaderSet<'a> {
    headers: &'a HeaderMap,
    pub(super) tenant: &'a str,
    pub(super) key: &'a [u8],
}

/// A user's name and password in plain text, wherever they were sent; not verified.
#[derive(Clone, Debug)]
pub struct UserPassword {
    /// The name.
    pub user: String,
    /// The password.
    pub password: SecretString,
}

impl UserPassword {
    fn is(&self, other: &Self) -> bool {
        self.user == other.user && self.password.expose_secret() == other.password.expose_secret()
    }
}

impl<'a> HeaderSet<'a> {
    /// Reads the set; `None` where not a single one of its credentials was sent. `Environment-Name` is none.
    ///
    /// # Errors
    /// [`Cause::Missing`] without tenant or key, [`Cause::Malformed`] for a header that is there twice or unreadable.
    pub(super) fn read(headers: &'a HeaderMap) -> Result<Option<Self>, Cause> {
        if [&TENANT, &KEY, &USER, &PASSWORD].into_iter().all(|name| !headers.contains_key(name)) {
            return Ok(None);
        }
        let tenant = text(headers, &TENANT)?.ok_or(Cause::Missing)?;
        let key = text(headers, &KEY)?.ok_or(Cause::Missing)?.as_bytes();
        Ok(Some(Self { headers, tenant, key }))
    }

    /// The user of the headers or, where they have none, the one that the message names.
    ///
    /// # Errors
    /// As [`Self::user`], and [`Cause::Malformed`] where the two are not the same.
    pub(super) fn user_or(&self, named: Option<&UserPassword>) -> Result<Option<UserPassword>, Cause> {
        one_user(self.user()?, named)
    }

    /// The user headers; `None` where neither was sent.
    ///
    /// # Errors
    /// [`Cause::Missing`] for one without the other, [`Cause::Malformed`] for what is not Base64 of UTF-8.
    pub(super) fn user(&self) -> Result<Option<UserPassword>, Cause> {
        match (text(self.headers, &USER)?, text(self.headers, &PASSWORD)?) {
            (Some(user), Some(password)) => {
                Ok(Some(UserPassword { user: decode(user)?, password: decode(password)?.into() }))
            }
            (None, None) => Ok(None),
            _ => Err(Cause::Missing),
        }
    }
}

/// The user of the headers or, where they have none, the one that the message names.
///
/// # Errors
/// [`Cause::Malformed`] where the two are not the same.
pub(super) fn one_user(
    in_headers: Option<UserPassword>,
    named: Option<&UserPassword>,
) -> Result<Option<UserPassword>, Cause> {
    match (in_headers, named) {
        (Some(user), Some(named)) if !user.is(named) => Err(Cause::Malformed),
        (Some(user), _) => Ok(Some(user)),
        (None, named) => Ok(named.cloned()),
    }
}

/// Whether the head of a request presents no credentials of any kind.
pub fn presents_none(headers: &HeaderMap) -> bool {
    [&TENANT, &KEY, &USER, &PASSWORD, &AUTHORIZATION].into_iter().all(|name| !headers.contains_key(name))
}

/// Whether a request presents an application's key, and so the header set.
pub(super) fn has_key(headers: &HeaderMap) -> bool {
    headers.contains_key(&KEY)
}

/// The tenant that a request names beside other credentials.
///
/// # Errors
/// [`Cause::Malformed`] for two names or an unreadable one.
pub(super) fn tenant(headers: &HeaderMap) -> Result<Option<&str>, Cause> {
    text(headers, &TENANT)
}

/// The environment that a request names.
///
/// # Errors
/// [`Cause::Malformed`] for two names or an unreadable one.
pub(super) fn environment(headers: &HeaderMap) -> Result<Option<&str>, Cause> {
    text(headers, &ENVIRONMENT)
}

/// The value of a header that may be there once; blank counts as not there.
pub(super) fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Cause> {
    let mut values = headers.get_all(name);
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Cause::Malformed);
    }
    let value = std::str::from_utf8(HeaderValue::as_bytes(value)).map_err(|_| Cause::Malformed)?.trim();
    Ok((!value.is_empty()).then_some(value))
}

/// Decodes Base64 (standard alphabet, with padding) to text.
pub(super) fn decode(text: &str) -> Result<String, Cause> {
    let bytes = STANDARD.decode(text).map_err(|_| Cause::Malformed)?;
    String::from_utf8(bytes).map_err(|_| Cause::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(list: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in list {
            headers.append(HeaderName::try_from(*name).unwrap(), HeaderValue::try_from(*value).unwrap());
        }
        headers
    }

    #[test]
    fn the_set_is_read_whatever_the_case_of_its_names() {
        let headers = headers(&[
            ("TENANT-ID", " 12345678 "),
            ("application-key", "53475e5f1463f9ab2052ead"),
            ("User-Id", "YWRtaW4="),
            ("User-Password", "cMOkc3M="),
        ]);
        let set = HeaderSet::read(&headers).unwrap().unwrap();
        assert_eq!((set.tenant, set.key), ("12345678", b"53475e5f1463f9ab2052ead".as_slice()));
        let user = set.user().unwrap().unwrap();
        assert_eq!((user.user.as_str(), user.password.expose_secret()), ("admin", "päss"));
    }

    #[test]
    fn a_set_without_tenant_or_key_is_incomplete_and_nothing_at_all_is_no_set() {
        for list in [
            &[("tenant-id", "1")][..],
            &[("application-key", "k")],
            &[("user-id", "YQ==")],
            &[("user-password", "YQ==")],
            &[("tenant-id", " "), ("application-key", "k")],
        ] {
            assert_eq!(HeaderSet::read(&headers(list)).err(), Some(Cause::Missing), "{list:?}");
        }
        assert!(HeaderSet::read(&headers(&[("environment-name", "prod")])).unwrap().is_none());
    }

    #[test]
    fn a_header_sent_twice_is_malformed() {
        let twice = headers(&[("tenant-id", "1"), ("tenant-id", "1"), ("application-key", "k")]);
        assert_eq!(HeaderSet::read(&twice).err(), Some(Cause::Malformed));
        let twice = headers(&[("environment-name", "a"), ("environment-name", "b")]);
        assert_eq!(environment(&twice), Err(Cause::Malformed));
    }

    #[test]
    fn user_headers_come_together_in_padded_standard_base64_of_utf_8() {
        let user = |user: &[(&str, &str)]| {
            let mut list = vec![("tenant-id", "1"), ("application-key", "k")];
            list.extend(user);
            HeaderSet::read(&headers(&list)).unwrap().unwrap().user().map(|user| user.is_some())
        };
        assert_eq!(user(&[]), Ok(false));
        assert_eq!(user(&[("user-id", "YWRtaW4=")]), Err(Cause::Missing));
        for wrong in ["YWRtaW4", "admin", "YWR taW4=", "_-8=", "/w==", "YWRtaW5="] {
            assert_eq!(user(&[("user-id", wrong), ("user-password", "YQ==")]), Err(Cause::Malformed), "{wrong}");
            assert_eq!(user(&[("user-id", "YQ=="), ("user-password", wrong)]), Err(Cause::Malformed), "{wrong}");
        }
    }
}
