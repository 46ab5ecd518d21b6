//! The operations of the services: what each is called in the descriptions, what it needs, and what it does.

use super::children::Children;
use crate::access::Right;
use crate::dialect::Call;
use crate::dialect::idempotency::WrongIdempotencyKey;
use crate::dialect::interact::endpoint::Service;
use crate::dialect::interact::error::Failure;
use crate::dialect::interact::operations::Operations;
use crate::dialect::interact::parameters::{self, ParameterKind, Parameters};
use crate::domain::{IdempotentRequest, Number, Refusal};
use crate::xml::reader::Name;

/// What Free says where it ended an allocation.
const SUCCESS: &str = "Success";

/// An operation of the services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::dialect::interact) enum SoapOperation {
    /// Lend a phone.
    Allocate,
    /// Ask whom a phone is lent to.
    Get,
    /// End the lending of a phone.
    Free,
    /// Add a phone.
    Create,
}

impl SoapOperation {
    /// All of them, in the order of the descriptions.
    pub(in crate::dialect::interact) const ALL: [Self; 4] = [Self::Allocate, Self::Get, Self::Free, Self::Create];

    /// The operation and the service that a payload asks for, with or without `Request` at the end of its name.
    pub(super) fn of(payload: &Name<'_>) -> Option<(Self, Service)> {
        let service = Service::of(&payload.namespace)?;
        let name = payload.local.strip_suffix("Request").unwrap_or(payload.local);
        Self::ALL.into_iter().find(|operation| operation.name() == name).map(|operation| (operation, service))
    }

    /// The name in the descriptions.
    pub(in crate::dialect::interact) const fn name(self) -> &'static str {
        match self {
            Self::Allocate => "AllocateDnis",
            Self::Get => "GetDnisAllocation",
            Self::Free => "FreeDnisAllocation",
            Self::Create => "CreatePhone",
        }
    }

    /// The element of its request.
    pub(in crate::dialect::interact) const fn request(self) -> &'static str {
        match self {
            Self::Allocate => "AllocateDnisRequest",
            Self::Get => "GetDnisAllocationRequest",
            Self::Free => "FreeDnisAllocationRequest",
            Self::Create => "CreatePhoneRequest",
        }
    }

    /// The element of its response.
    pub(super) const fn response(self) -> &'static str {
        match self {
            Self::Allocate => "AllocateDnisResponse",
            Self::Get => "GetDnisAllocationResponse",
            Self::Free => "FreeDnisAllocationResponse",
            Self::Create => "CreatePhoneResponse",
        }
    }

    /// The elements of its request, in the order of the schema.
    pub(in crate::dialect::interact) const fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Allocate => &["uniqueId", "group"],
            Self::Get | Self::Free => &["phone"],
            Self::Create => &["phoneNumber", "dnId", "groupName", "enabled"],
        }
    }

    /// The label for metrics; it tells the transport too.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Allocate => "soap_allocate",
            Self::Get => "soap_get",
            Self::Free => "soap_free",
            Self::Create => "soap_create",
        }
    }

    /// What a caller must be allowed to do.
    pub(super) const fn right(self) -> Right {
        match self {
            Self::Allocate => Right::Allocate,
            Self::Get => Right::Get,
            Self::Free => Right::Free,
            Self::Create => Right::Create,
        }
    }

    /// Carries it out and gives the text of its result.
    pub(super) async fn run(
        self,
        operations: &Operations<'_>,
        children: &Children<'_, '_>,
        call: &Call<'_>,
    ) -> Result<String, Failure> {
        Ok(match self {
            Self::Allocate => {
                let wanted = parameters::allocate(children, "uniqueId")?;
                operations.allocate(wanted, self.idempotency(children, call)?).await?.to_string()
            }
            Self::Create => {
                let new = parameters::create(children)?;
                operations.create(new, self.idempotency(children, call)?).await?.0.to_string()
            }
            Self::Get => {
                let interaction = operations.retrieve(Self::phone(children)?).await?;
                interaction.map(|id| id.as_str().to_owned()).unwrap_or_default()
            }
            Self::Free => {
                let phone = Self::phone(children)?;
                // The vendor says of a phone that is free already what it says of one it does not know.
                let ended = operations.free(phone).await?.ok_or(Failure::Refused(Refusal::NumberUnknown(phone)));
                ended.map(|_| SUCCESS.to_owned())?
            }
        })
    }

    /// The phone that is looked for. An element with nothing in it asks for none, which is an objection.
    fn phone(children: &Children<'_, '_>) -> Result<Number, Failure> {
        match children.text("phone", ParameterKind::Number)? {
            Some(text) if !text.trim().is_empty() => parameters::sought(text),
            _ => Ok(parameters::required_number(children, "phone")?),
        }
    }

    /// The key that the operation came under, if it came under one. The header blocks of an envelope differ from one
    /// sending to the next where they carry a time or an id, so the operation and its fields alone tell what is asked for.
    fn idempotency(
        self,
        children: &Children<'_, '_>,
        call: &Call<'_>,
    ) -> Result<Option<IdempotentRequest>, WrongIdempotencyKey> {
        let mut asked = vec![self.name().as_bytes()];
        for name in self.fields() {
            // A field that is given twice, or holds elements, has been refused by now.
            if let Ok(Some(text)) = children.text(name, ParameterKind::Name) {
                asked.extend([name.as_bytes(), text.as_bytes()]);
            }
        }
        call.idempotent_request_as(&asked)
    }
}
