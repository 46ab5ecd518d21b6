//! XML or JSON: which format an answer takes.
//!
//! `Accept` decides where it prefers one of the two; otherwise a JSON body is answered in JSON; otherwise the
//! configured format holds. A wildcard says nothing, since every tool sends one unasked.

use actix_web::http::header::{ACCEPT, HeaderMap};

use super::parameters::{BodyType, Declared};
use crate::config::Format;
use crate::media::ContentType;

/// The format of the answer to a request with these headers, which declare this of the body; `default` is the configured
/// one.
pub(super) fn choose(headers: &HeaderMap, declared: &Declared, default: Format) -> Format {
    let json_body = || matches!(declared, Ok(BodyType::Json(_))).then_some(Format::Json);
    preferred(headers).or_else(json_body).unwrap_or(default)
}

/// The format that `Accept` prefers, if it prefers one.
fn preferred(headers: &HeaderMap) -> Option<Format> {
    let mut weights = Weights::default();
    for value in headers.get_all(ACCEPT).filter_map(|value| value.to_str().ok()) {
        value.split(',').for_each(|range| weights.note(range));
    }
    match (weights.json, weights.xml) {
        (Some(json), Some(xml)) if json > xml => Some(Format::Json),
        (Some(json), Some(xml)) if json < xml => Some(Format::Xml),
        (Some(json), None) => Some(if json > 0.0 { Format::Json } else { Format::Xml }),
        (None, Some(xml)) => Some(if xml > 0.0 { Format::Xml } else { Format::Json }),
        _ => None,
    }
}

/// How much a client wants each format: the greatest quality that names it, if any does.
#[derive(Default)]
struct Weights {
    json: Option<f32>,
    xml: Option<f32>,
}

impl Weights {
    fn note(&mut self, range: &str) {
        let range = ContentType::parse(range);
        let Some((_, subtype)) = range.essence().split_once('/') else { return };
        let weight = match subtype.rsplit('+').next().unwrap_or_default() {
            json if json.eq_ignore_ascii_case("json") => &mut self.json,
            xml if xml.eq_ignore_ascii_case("xml") => &mut self.xml,
            _ => return,
        };
        // What is no number from 0 to 1 counts as 1, as if it were not there.
        let quality = range.parameter("q").and_then(|value| value.parse().ok());
        let quality = quality.filter(|quality| (0.0..=1.0).contains(quality)).unwrap_or(1.0);
        *weight = Some(weight.map_or(quality, |known| known.max(quality)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::{CONTENT_TYPE, HeaderName, HeaderValue};

    fn chosen(headers: &[(HeaderName, &'static str)], default: Format) -> Format {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name.clone(), HeaderValue::from_static(value));
        }
        choose(&map, &BodyType::of(&map), default)
    }

    #[test]
    fn accept_decides_where_it_prefers_one_format() {
        for (accept, format) in [
            ("application/json", Format::Json),
            ("APPLICATION/JSON; charset=utf-8", Format::Json),
            ("text/xml", Format::Xml),
            ("application/json, text/plain, */*", Format::Json),
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", Format::Xml),
            ("application/json;q=0.5, application/xml;q=0.4", Format::Json),
            ("application/json;q=0.5, application/xml", Format::Xml),
            ("application/json;q=0", Format::Xml),
            ("application/xml;q=0, */*", Format::Json),
            ("application/json;q=0.2, application/json;q=0.9, application/xml;q=0.5", Format::Json),
        ] {
            for default in [Format::Xml, Format::Json] {
                assert_eq!(chosen(&[(ACCEPT, accept)], default), format, "{accept}");
            }
        }
        assert_eq!(chosen(&[(ACCEPT, "text/html"), (ACCEPT, "application/json")], Format::Xml), Format::Json);
    }

    #[test]
    fn an_accept_without_preference_leaves_it_to_the_body_and_the_default() {
        for accept in ["*/*", "application/*", "text/html", "", "application/json, application/xml", "nonsense;;=,"] {
            for default in [Format::Xml, Format::Json] {
                assert_eq!(chosen(&[(ACCEPT, accept)], default), default, "{accept}");
                let body = (CONTENT_TYPE, "application/json;charset=UTF-8");
                assert_eq!(chosen(&[(ACCEPT, accept), body], default), Format::Json, "{accept}");
            }
        }
    }

    #[test]
    fn accept_beats_a_json_body() {
        let headers = [(ACCEPT, "application/xml"), (CONTENT_TYPE, "application/json")];
        assert_eq!(chosen(&headers, Format::Json), Format::Xml);
        let form = [(CONTENT_TYPE, "application/x-www-form-urlencoded")];
        assert_eq!(chosen(&form, Format::Xml), Format::Xml);
    }
}
