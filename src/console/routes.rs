//! Where dialled numbers go: the hotlines of the configuration, and the called routes that people and applications make.

use actix_web::http::StatusCode;
use maud::{Markup, html};

use super::sessions::Notice;
use super::visit::Visit;
use super::{Outcome, PATH, answers, layout};
use crate::dialect::Answer;
use crate::domain::refusal::RouteRefusal;
use crate::domain::route::DestinationKind;
use crate::domain::{
    Destination, Extension, HotlineCode, MediaType, NewRoute, Refusal, Route, RouteFilter, RouteId, SkillId,
};
use crate::store::Error;
use crate::text::unsigned;

/// How many routes a page has.
const ROWS: usize = 100;

/// A destination with what people call it.
struct Place {
    destination: Destination,
    name: String,
}

/// The form of a new route as it was filled in, with what is wrong at each field.
#[derive(Default)]
struct Form {
    hotline: String,
    extension: String,
    media: String,
    destination: String,
    wrong: Option<(&'static str, String)>,
}

impl Form {
    fn of(visit: &Visit<'_>) -> Self {
        let field = |name| visit.fields.get(name).to_owned();
        let [hotline, extension, media, destination] = ["hotline", "extension", "media", "destination"].map(field);
        Self { hotline, extension, media, destination, wrong: None }
    }

    /// The route that the form asks for, or the field that is wrong, and why.
    fn route(&self) -> Result<NewRoute, (&'static str, String)> {
        let hotline = HotlineCode::new(&self.hotline).map_err(|invalid| ("hotline", invalid.to_string()))?;
        let extension = match self.extension.as_str() {
            "" => None,
            text => Some(Extension::new(text).map_err(|invalid| ("extension", invalid.to_string()))?),
        };
        let media = match self.media.as_str() {
            "" => None,
            text => {
                Some(unsigned(text).and_then(MediaType::of).ok_or(("media", "must be one of the list".to_owned()))?)
            }
        };
        let destination =
            destination(&self.destination).ok_or(("destination", "must be one of the list".to_owned()))?;
        Ok(NewRoute { hotline, extension, media, destination })
    }
}

/// A destination as forms carry it, such as `skill 7`.
fn destination(text: &str) -> Option<Destination> {
    let (kind, id) = text.split_once(' ')?;
    let kind = match kind {
        "skill" => DestinationKind::Skill,
        "flow" => DestinationKind::Flow,
        _ => return None,
    };
    Some(kind.with(unsigned(id)?))
}

fn destination_text(destination: Destination) -> String {
    let kind = match destination {
        Destination::Skill(_) => "skill",
        Destination::Flow(_) => "flow",
    };
    format!("{kind} {}", destination.id())
}

/// The field that a refusal is about.
const fn field_of(refusal: &RouteRefusal) -> &'static str {
    match refusal {
        RouteRefusal::HotlineUnknown(_) => "hotline",
        RouteRefusal::RouteExists(_) | RouteRefusal::RoutesFull { .. } => "extension",
        RouteRefusal::QueueMedia { .. } | RouteRefusal::HotlineMedia { .. } => "media",
        _ => "destination",
    }
}

/// Everything that a route may lead to.
async fn places(visit: &Visit<'_>) -> Result<Vec<Place>, Error> {
    let center = &visit.tenant().aicc.call_center;
    let configured = center.skills.values().cloned();
    let skills = configured.chain(visit.store.skills(visit.scope()).await?);
    let skill = |skill: std::sync::Arc<crate::domain::Skill>| Place {
        destination: Destination::Skill(SkillId(skill.id.0)),
        name: format!("queue {} {}", skill.id.0, skill.about.name),
    };
    let flows = center.flows.iter().map(|(id, flow)| Place {
        destination: Destination::Flow(*id),
        name: format!("IVR flow {} {}", id.0, flow.description),
    });
    Ok(skills.map(skill).chain(flows).collect())
}

/// The page of routes and hotlines.
pub(super) async fn show(visit: &Visit<'_>) -> Outcome {
    page(visit, Form::default()).await
}

async fn page(visit: &Visit<'_>, form: Form) -> Outcome {
    let (places, after) = (places(visit).await?, unsigned(visit.fields.get("after")));
    let part = visit.store.routes_after(visit.scope(), &RouteFilter::default(), after, ROWS).await?;
    let status = if form.wrong.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let body = html! {
        h1 { "Routes" }
        @if visit.may_change() { (new_route(visit, &form, &places)) }
        h2 { "Called routes" }
        @if part.items.is_empty() { p .empty { "No route leads anywhere yet." } } @else { (list(visit, &part.items, &places)) }
        @if let Some(next) = part.next { p .pages { a href={ (PATH) "/routes?after=" (next) } rel="next" { "Next page" } } }
        h2 { "Hotlines" }
        (hotlines(visit))
    };
    Ok(answers::page(status, layout::page(visit, "Routes", &body)))
}

fn list(visit: &Visit<'_>, routes: &[std::sync::Arc<Route>], places: &[Place]) -> Markup {
    html! {
        form method="post" action={ (PATH) "/routes" } {
            (visit.hidden())
            div .scroll role="region" aria-label="Called routes" tabindex="0" {
                table {
                    thead {
                        tr {
                            th scope="col" { "Dialled" } th scope="col" { "Hotline" } th scope="col" { "Extension" }
                            th scope="col" { "Media type" } th scope="col" { "Leads to" }
                            @if visit.may_change() { th scope="col" { "Change" } }
                        }
                    }
                    tbody {
                        @for route in routes {
                            tr {
                                th scope="row" { (route.dialled()) }
                                td { (route.hotline) }
                                td { (route.extension.as_ref().map_or("-", Extension::as_str)) }
                                td { (media(route.media)) }
                                td .long { (name_of(route.destination, places)) }
                                @if visit.may_change() {
                                    td .actions {
                                        button .quiet name="do" value={ "ask-lead " (route.id) } aria-label={ "Lead " (route.dialled()) " elsewhere" } { "Lead elsewhere" }
                                        button .quiet name="do" value={ "ask-delete " (route.id) } aria-label={ "Delete " (route.dialled()) } { "Delete" }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn name_of(destination: Destination, places: &[Place]) -> String {
    let known = places.iter().find(|place| place.destination == destination);
    known.map_or_else(
        || format!("{}, which is not known any more", destination_text(destination)),
        |place| place.name.clone(),
    )
}

/// A media type as people say it, with the vendor's number.
const fn media(media: MediaType) -> &'static str {
    match media {
        MediaType::VoiceClickToDial => "2 voice click-to-dial",
        MediaType::VoiceAndVideo => "5 voice and video",
        MediaType::VideoClickToDial => "18 video click-to-dial",
        MediaType::Video => "19 video",
        MediaType::Multimedia => "53 multimedia",
    }
}

fn hotlines(visit: &Visit<'_>) -> Markup {
    let hotlines = &visit.tenant().aicc.call_center.hotlines;
    html! {
        @if hotlines.is_empty() { p .empty { "The configuration names no hotlines." } } @else {
            div .scroll role="region" aria-label="Hotlines" tabindex="0" {
                table {
                    thead { tr { th scope="col" { "Hotline" } th scope="col" { "Media type" } th scope="col" { "For" } } }
                    tbody {
                        @for (code, hotline) in hotlines {
                            tr {
                                th scope="row" { (code) }
                                td { (media(hotline.media)) }
                                td .long { (hotline.description.as_deref().unwrap_or("-")) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn new_route(visit: &Visit<'_>, form: &Form, places: &[Place]) -> Markup {
    let hotlines = &visit.tenant().aicc.call_center.hotlines;
    html! {
        details open[form.wrong.is_some()] {
            summary { "Make a route" }
            form .explain method="post" action={ (PATH) "/routes" } {
                (visit.hidden())
                div .field {
                    label for="hotline" { "Hotline" }
                    select #hotline name="hotline" required aria-describedby="hotline-why" {
                        @for code in hotlines.keys() { option value=(code) selected[code.as_str() == form.hotline] { (code) } }
                    }
                    (why(form, "hotline"))
                }
                div .field {
                    label for="extension" { "Extension" }
                    input #extension name="extension" value=(form.extension) autocomplete="off" aria-describedby="extension-why extension-hint"
                        aria-invalid=[form.wrong.as_ref().filter(|(field, _)| *field == "extension").map(|_| "true")];
                    (why(form, "extension"))
                    p #extension-hint .hint { "What is dialled behind the hotline; may stay empty" }
                }
                div .field {
                    label for="media" { "Media type" }
                    select #media name="media" aria-describedby="media-why" {
                        option value="" { "that of the queue" }
                        @for known in MediaType::ALL { option value=(known.number()) selected[known.number().to_string() == form.media] { (media(known)) } }
                    }
                    (why(form, "media"))
                }
                (destinations(&form.destination, places, &why(form, "destination")))
                button .primary name="do" value="create" { "Make it" }
            }
        }
    }
}

fn why(form: &Form, field: &'static str) -> Markup {
    html! {
        @if let Some((wrong, why)) = &form.wrong && *wrong == field { p .why id={ (field) "-why" } { (why) } }
    }
}

fn destinations(chosen: &str, places: &[Place], why: &Markup) -> Markup {
    html! {
        div .field {
            label for="destination" { "Leads to" }
            select #destination name="destination" required aria-describedby="destination-why" {
                @for place in places {
                    @let value = destination_text(place.destination);
                    option value=(value) selected[value == chosen] { (place.name) }
                }
            }
            (why)
        }
    }
}

/// What a form of the page asks for.
pub(super) async fn change(visit: &Visit<'_>) -> Outcome {
    if !visit.may_change() {
        return Ok(visit.refused());
    }
    let wish = visit.fields.raw("do");
    if wish == "create" {
        return create(visit).await;
    }
    let asked = wish.split_once(' ').and_then(|(verb, id)| Some((verb, RouteId(unsigned(id)?))));
    let Some((verb, id)) = asked else { return Ok(nothing(visit)) };
    let Some(route) = visit.store.route(visit.scope(), id).await? else {
        return Ok(back(
            visit,
            Notice::Refused(
                "The page was out of date: there is no such route any more. Nothing was changed.".to_owned(),
            ),
        ));
    };
    match verb {
        "ask-lead" => Ok(ask_where(visit, &route, &places(visit).await?)),
        "lead" => lead(visit, &route).await,
        "ask-delete" => Ok(ask_whether(visit, &route)),
        "delete" => delete(visit, &route).await,
        _ => Ok(nothing(visit)),
    }
}

fn nothing(visit: &Visit<'_>) -> Answer {
    let text = "The form asks for nothing that can be done. Load the page again.";
    visit.problem(StatusCode::UNPROCESSABLE_ENTITY, "Nothing was changed", text)
}

fn back(visit: &Visit<'_>, notice: Notice) -> Answer {
    visit.session.tell(notice);
    answers::see_other(&format!("{PATH}/routes"))
}

async fn create(visit: &Visit<'_>) -> Outcome {
    let mut form = Form::of(visit);
    let wrong = match form.route() {
        Ok(new) => match visit.store.create_route(visit.scope(), new, None).await {
            Ok(made) => return Ok(back(visit, Notice::Done(format!("{} has a route.", made.dialled())))),
            Err(Error::Refused(Refusal::Route(refusal))) => (field_of(&refusal), refusal.to_string()),
            Err(error) => return Err(error),
        },
        Err(wrong) => wrong,
    };
    form.wrong = Some(wrong);
    page(visit, form).await
}

async fn lead(visit: &Visit<'_>, route: &Route) -> Outcome {
    let was = destination_text(route.destination);
    if visit.fields.get("was") != was {
        let text = format!("The page was out of date: {} leads to {was} by now. Nothing was changed.", route.dialled());
        return Ok(back(visit, Notice::Refused(text)));
    }
    let Some(destination) = destination(visit.fields.get("destination")) else { return Ok(nothing(visit)) };
    match visit.store.modify_route(visit.scope(), route.id, destination).await {
        Ok(changed) => {
            Ok(back(visit, Notice::Done(format!("{} leads to {}.", changed.dialled(), destination_text(destination)))))
        }
        Err(Error::Refused(Refusal::Route(refusal))) => {
            Ok(back(visit, Notice::Refused(format!("{} still leads to {was}: {refusal}.", route.dialled()))))
        }
        Err(error) => Err(error),
    }
}

async fn delete(visit: &Visit<'_>, route: &Route) -> Outcome {
    // Configuration numbers are never given twice, so what is deleted is this route or nothing.
    let outcome = visit.store.delete_routes(visit.scope(), vec![route.dnid]).await?;
    let dialled = route.dialled();
    let notice = match outcome.deleted.is_empty() {
        true => {
            Notice::Refused(format!("The page was out of date: {dialled} has no route any more. Nothing was changed."))
        }
        false => Notice::Done(format!("{dialled} leads nowhere now.")),
    };
    Ok(back(visit, notice))
}

fn ask_where(visit: &Visit<'_>, route: &Route, places: &[Place]) -> Answer {
    let title = format!("Where is {} to lead?", route.dialled());
    let body = html! {
        h1 { (title) }
        form .explain method="post" action={ (PATH) "/routes" } {
            (visit.hidden())
            input type="hidden" name="was" value=(destination_text(route.destination));
            (destinations(&destination_text(route.destination), places, &html! {}))
            button .primary name="do" value={ "lead " (route.id) } { "Lead it there" }
        }
        p { a href={ (PATH) "/routes" } { "Leave it as it is" } }
    };
    visit.page(&title, &body)
}

fn ask_whether(visit: &Visit<'_>, route: &Route) -> Answer {
    let title = format!("Delete the route of {}?", route.dialled());
    let body = html! {
        h1 { (title) }
        p { "Calls to it lead nowhere from then on." }
        form .ask method="post" action={ (PATH) "/routes" } {
            (visit.hidden())
            button .danger name="do" value={ "delete " (route.id) } { "Delete it" }
            " " a href={ (PATH) "/routes" } { "Keep it" }
        }
    };
    visit.page(&title, &body)
}
