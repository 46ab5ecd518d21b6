//! Where the API is.

/// What every path of the API begins with.
pub(in crate::dialect::native) const PREFIX: &str = "/gateway/v1";
/// Where the OpenAPI document is, below the prefix.
pub(in crate::dialect::native) const DOCUMENT: &str = "/openapi.json";

/// Whether a path belongs to the API.
pub(in crate::dialect::native) fn owns(path: &str) -> bool {
    path.strip_prefix(PREFIX).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
