//! The first page of either listener, for somebody who has opened its address in a browser.

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue};

use crate::config::{DEMO_ACCESS, DemoAccess, Settings};
use crate::dialect::html::{self, HTML};
use crate::dialect::{Answer, PublicAddress};
use crate::xml::writer::escape_message;

const VERSION: &str = env!("CARGO_PKG_VERSION");
const ABOUT: &str = "<p>One server for three contact-center number protocols: it lends, recognises and frees access numbers \
                     over Genesys GMS and Jacada Interact, and routes calls over Huawei AICC.</p>\n";

/// The page of the dialects' listener for a reader who reaches it at `origin`. `wsdls` are the paths of the WSDLs.
pub(super) fn main(settings: &Settings, origin: &PublicAddress, wsdls: &[String]) -> Answer {
    let base = format!("{}://{}{}", origin.scheme, origin.authority, origin.prefix);
    let base = escape_message(&base);
    let prefix = escape_message(&settings.interact.prefix);
    let root = escape_message(&origin.prefix);
    let wsdls: String = wsdls
        .iter()
        .map(|path| escape_message(path))
        .map(|path| format!("<li><a href=\"{root}{path}\">{path}</a></li>\n"))
        .collect();
    let demo = if settings.demo { demo(&base) } else { String::new() };
    let body = format!(
        "<h1>dnis-gateway {VERSION}</h1>\n{ABOUT}{demo}\
         <h2>What answers here</h2>\n<ul>\n\
         <li>Genesys GMS: <code>{base}/genesys/1/service/</code> and <code>{base}/genesys/1/storage/</code> \
         (docs/gms.md)</li>\n\
         <li>Jacada Interact over REST: <code>{base}{prefix}/version/2/dnis</code>; over SOAP: \
         <a href=\"{root}{prefix}/version/2/agent/soap\">agent</a> and \
         <a href=\"{root}{prefix}/version/2/dnis/soap\">dnis</a>, with requests to try (docs/interact.md)</li>\n\
         <li>Huawei AICC: <code>{base}/apiaccess/rest/cc-management/v1/</code>, tokens at \
         <code>{base}/apigovernance/api/oauth/tokenByAkSk</code> (docs/aicc.md)</li>\n\
         <li>The gateway's own API: <a href=\"{root}/gateway/v1/openapi.json\">OpenAPI document</a>; over SOAP: \
         <a href=\"{root}/gateway/v1/soap\">gateway</a>, with requests to try (docs/native.md)</li>\n</ul>\n\
         <h2>WSDLs</h2>\n<ul>\n{wsdls}</ul>\n\
         <p>The documents are in the folder <code>docs</code> of the release. Health and metrics are on the admin \
         listener (docs/operating.md).</p>\n"
    );
    answer(&body)
}

/// Who may call the demo, and what to try first.
fn demo(base: &str) -> String {
    let DemoAccess { tenant, user, password, dnis_key, interaction_key, aicc_key, aicc_secret, group } = DEMO_ACCESS;
    format!(
        "<h2>This is the demo</h2>\n\
         <p>It answers this machine alone, since everybody knows its credentials.</p>\n<ul>\n\
         <li>tenant: <code>{tenant}</code></li>\n\
         <li>user and password: <code>{user}</code>, <code>{password}</code></li>\n\
         <li>application keys: <code>{dnis_key}</code> (dnis), <code>{interaction_key}</code> (interaction)</li>\n\
         <li>AICC key and secret: <code>{aicc_key}</code>, <code>{aicc_secret}</code></li>\n</ul>\n\
         <p>Try this next, in a terminal; it lends a number:</p>\n\
         <pre>curl -s {base}/genesys/1/service/request-interaction -d _resource_group={group} -d _provide_code=true</pre>\n\
         <p>Then go on with the five minutes in README.md, or with samples/README.md.</p>\n"
    )
}

/// The page of the admin listener. `dialects` is where the dialects answer.
pub(super) fn admin(dialects: &str) -> Answer {
    let dialects = escape_message(dialects);
    let body = format!(
        "<h1>dnis-gateway {VERSION}: admin</h1>\n{ABOUT}\
         <p>The dialects answer at <code>{dialects}</code>. Here are:</p>\n<ul>\n\
         <li><a href=\"health/live\">health/live</a>: the process answers</li>\n\
         <li><a href=\"health/ready\">health/ready</a>: it takes writes</li>\n\
         <li><a href=\"metrics\">metrics</a>, for Prometheus</li>\n\
         <li><a href=\"console\">console</a>, for people: how the numbers stand, whose call it is, why one was not \
         recognised</li>\n\
         <li><code>backup</code>: everything the gateway holds; use <code>dnis-gateway backup</code></li>\n</ul>\n\
         <p>docs/operating.md tells more of each.</p>\n"
    );
    answer(&body)
}

fn answer(body: &str) -> Answer {
    let page = html::page("dnis-gateway", body);
    // It tells of the address by which its reader came.
    html::secured(Answer::new(StatusCode::OK, "ok", HTML, page))
        .with(CACHE_CONTROL, HeaderValue::from_static("no-store"))
}
