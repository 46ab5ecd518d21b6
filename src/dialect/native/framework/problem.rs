//! The kinds of problems: what the `type` of a refusal can be, with the status and the title that always go with it.
//!
//! The `type` is a stable name for programs; the title says the same to people.

/// What every problem's type begins with.
pub(in crate::dialect::native) const TYPE_PREFIX: &str = "urn:dnis-gateway:problem:";

macro_rules! problems {
    ($($(#[$about:meta])* $name:ident $status:literal $label:literal $title:literal;)*) => {
        /// The kinds of problems.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(in crate::dialect::native) enum Problem {
            $($(#[$about])* $name,)*
        }

        impl Problem {
            /// All of them.
            #[cfg(test)]
            pub(in crate::dialect::native) const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The status.
            pub(in crate::dialect::native) const fn code(self) -> u16 {
                match self { $(Self::$name => $status,)* }
            }

            /// Its label in metrics, and its reason in faults.
            pub(in crate::dialect::native) const fn label(self) -> &'static str {
                match self { $(Self::$name => $label,)* }
            }

            /// What it is, in the same words every time.
            pub(in crate::dialect::native) const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }
        }
    };
}

problems! {
    /// The body is not what its media type says.
    Malformed 400 "malformed" "The body cannot be read";
    /// A parameter or member is missing or wrong.
    Invalid 400 "invalid" "The request is not as described";
    /// The caller was not let in.
    Unauthorized 401 "unauthorized" "Missing or wrong credentials";
    /// A web page of another site made a browser send it.
    ForeignPage 403 "foreign_page" "A web page of another site may not do this";
    /// The user's role does not allow it.
    Role 403 "role" "The user's role does not allow this";
    /// It is about the gateway itself, and the caller is not who looks after it.
    ForOperator 403 "for_operator" "This is for the operator";
    /// Nothing has this path.
    NoSuchPath 404 "no_such_path" "There is nothing at this path";
    /// The number does not exist.
    NumberUnknown 404 "number_unknown" "The number is not known";
    /// The group does not exist.
    GroupUnknown 404 "group_unknown" "The group is not known";
    /// The allocation does not exist or has ended.
    AllocationUnknown 404 "allocation_unknown" "The allocation is not known";
    /// The interaction does not exist or has ended.
    InteractionUnknown 404 "interaction_unknown" "The interaction is not known";
    /// The document does not exist or has ended.
    DocumentUnknown 404 "document_unknown" "The document is not known";
    /// The document has no such key.
    KeyUnknown 404 "key_unknown" "The document has no such key";
    /// Nothing that is lent fits the call.
    NoMatch 404 "no_match" "No interaction matches the call";
    /// The called route does not exist.
    RouteUnknown 404 "route_unknown" "The called route is not known";
    /// The answer has a character that XML cannot carry.
    NotXml 406 "not_xml" "The answer cannot be written in XML";
    /// The tenant is not the caller's.
    TenantUnknown 404 "tenant_unknown" "The tenant is not known";
    /// The path has other methods.
    NoSuchMethod 405 "no_such_method" "The path has other methods";
    /// The number exists already.
    NumberExists 409 "number_exists" "The number exists already";
    /// The number is lent.
    NumberAllocated 409 "number_allocated" "The number is allocated";
    /// The interaction exists already.
    InteractionExists 409 "interaction_exists" "The interaction exists already";
    /// The dialled number leads somewhere already.
    RouteExists 409 "route_exists" "The dialled number is routed already";
    /// What was made under the request's key has ended.
    KeyExpired 409 "key_spent" "The key of the request is spent";
    /// The body is too long.
    TooLarge 413 "too_large" "Too long";
    /// The body is of another media type or content coding.
    MediaType 415 "unsupported_media_type" "The media type or content coding is not supported";
    /// The key of the request belongs to another one.
    KeyReused 422 "key_reused" "The key belongs to another request";
    /// The rules of called routes and skill queues do not allow it.
    RouteRefused 422 "route_refused" "The called route or skill queue is not allowed";
    /// Too many attempts with wrong credentials.
    TooManyAttempts 429 "too_many_attempts" "Too many attempts";
    /// Too many wrong access codes of one caller at one number.
    TooManyGuesses 429 "too_many_guesses" "Too many wrong access codes";
    /// Rows of a file cannot be imported.
    BadFile 422 "bad_file" "Nothing of the file was imported";
    /// The tenant has as many keys of requests as it may have.
    KeysFull 429 "keys_full" "There is no room for another key of a request";
    /// The head is too long.
    HeadTooLarge 431 "head_too_large" "The request line and the headers are too long";
    /// A bug of the gateway.
    Failed 500 "failed" "The gateway failed";
    /// The group has no number to lend.
    Exhausted 503 "exhausted" "No number is free";
    /// Every code of that shape is in use.
    CodesUsedUp 503 "codes_used_up" "No access code is free";
    /// The tenant has as many bookings of shared numbers as it may have.
    BookingsFull 503 "bookings_full" "There is no room for another booking of a shared number";
    /// Another file is being imported.
    ImportRunning 503 "import_running" "Another file is being imported";
    /// Too many long bodies are held.
    Crowded 503 "crowded" "Too much is asked at this time";
    /// The store takes no writes.
    Unavailable 503 "unavailable" "The store is not available";
    /// There is no room for more user data.
    DocumentsFull 507 "documents_full" "There is no room for more user data";
    /// The tenant has as many interactions as it may have.
    InteractionsFull 507 "interactions_full" "There is no room for another interaction";
}

impl Problem {
    /// Its type: the prefix and the label, with the hyphens that are usual there.
    pub(in crate::dialect::native) fn kind(self) -> String {
        format!("{TYPE_PREFIX}{}", self.label().replace('_', "-"))
    }

    /// What any operation may answer, whatever it does.
    pub(in crate::dialect::native) const ALWAYS: &'static [Self] = &[
        Self::Invalid,
        Self::Unauthorized,
        Self::ForeignPage,
        Self::TooManyAttempts,
        Self::HeadTooLarge,
        Self::Failed,
        Self::Unavailable,
        Self::Crowded,
        // A body is unpacked and measured before anybody asks whether the operation has one.
        Self::Malformed,
        Self::TooLarge,
        Self::MediaType,
    ];
}
