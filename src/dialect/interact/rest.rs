//! The four documented operations over REST: JSON in, bare text out.

use actix_web::http::{Method, StatusCode};

use super::endpoint::Phone;
use super::error::{Failure, TEXT};
use super::json;
use super::operations::Operations;
use super::parameters::{self, Invalid};
use crate::dialect::{Answer, Call};
use crate::domain::Number;

/// Create a phone: 200 with the id of the number.
pub(super) async fn create(operations: &Operations<'_>, call: &Call<'_>) -> Result<Answer, Failure> {
    let members = json::read(call.head.headers, call.body)?;
    let id = operations.create(parameters::create(&members)?, call.idempotency()?).await?;
    Ok(text(id.0.to_string()))
}

/// Allocate a phone: 200 with the number.
pub(super) async fn allocate(operations: &Operations<'_>, call: &Call<'_>) -> Result<Answer, Failure> {
    let members = json::read(call.head.headers, call.body)?;
    let number = operations.allocate(parameters::allocate(&members, "id")?, call.idempotency()?).await?;
    Ok(text(number.to_string()))
}

/// Get the allocation of a phone: 200 with the interaction's id, or without a body where there is none.
/// A HEAD looks and changes nothing.
pub(super) async fn get(operations: &Operations<'_>, phone: &Phone, call: &Call<'_>) -> Result<Answer, Failure> {
    let phone = parameters::sought(&phone.meant())?;
    let interaction = match *call.head.method {
        Method::HEAD => operations.get(phone).await?,
        _ => operations.retrieve(phone).await?,
    };
    Ok(interaction.map_or_else(empty, |id| text(id.as_str().to_owned())))
}

/// Free the allocation of a phone: 200 without a body, whether or not there was one. A body that is sent is not
/// looked at.
pub(super) async fn free(operations: &Operations<'_>, phone: &Phone) -> Result<Answer, Failure> {
    operations.free(parameters::sought(&phone.meant())?).await?;
    Ok(empty())
}

/// The phone number in a path.
pub(super) fn number(phone: &Phone) -> Result<Number, Invalid> {
    parameters::number("phone", &phone.decoded()?)
}

/// What the documents call EMPTY.
pub(super) fn empty() -> Answer {
    Answer::empty(StatusCode::OK, "ok")
}

fn text(body: String) -> Answer {
    Answer::new(StatusCode::OK, "ok", TEXT, body)
}
