//! Routes are made, led elsewhere and deleted under the rules that AICC has.

use super::*;

const CENTER: &str = "
[tenant.aicc]
access_codes = [{ code = '5550100', media_type = 5 }]
skills = [{ id = 7, name = 'sales', media_type = 5 }, { id = 9, name = 'chat', media_type = 53 }]
ivr_flows = [{ id = 12, access_code = 'T12', description = 'main-menu', flow_file_name = 'main.vxml', flow_type = 4 }]
";

fn gateway() -> Gateway {
    let (one, two) = TENANTS.split_once("[[tenant]]\nid = 'two'").unwrap();
    Gateway::of(&format!("{one}{CENTER}\n[[tenant]]\nid = 'two'{two}"))
}

/// The value of the first button that begins so.
fn button(page: &str, verb: &str) -> String {
    let rest = page.split_once(&format!("name=\"do\" value=\"{verb} ")).unwrap_or_else(|| panic!("{verb}: {page}")).1;
    format!("{verb} {}", rest.split_once('"').unwrap().0)
}

#[tokio::test]
async fn a_route_is_made_led_elsewhere_and_deleted_and_an_old_page_is_told_that_it_is_old() {
    let gateway = gateway();
    let mut browser = gateway.browser("ann").await;
    let new = [("do", "create"), ("hotline", "5550100"), ("extension", "1"), ("media", ""), ("destination", "skill 7")];
    let page = gateway.done(&mut browser, "/console/routes", &new).await;
    assert!(page.contains("55501001 has a route.") && page.contains("queue 7 sales"), "{page}");
    let asked = text(&gateway.post(&mut browser, "/console/routes", &[("do", &button(&page, "ask-lead"))]).await);
    let (lead, was) = (button(&asked, "lead"), hidden(&asked, "was"));
    let elsewhere = [("do", lead.as_str()), ("was", &was), ("destination", "flow 12")];
    let page = gateway.done(&mut browser, "/console/routes", &elsewhere).await;
    assert!(page.contains("55501001 leads to flow 12."), "{page}");
    let page = gateway.done(&mut browser, "/console/routes", &elsewhere).await;
    assert!(page.contains("The page was out of date: 55501001 leads to flow 12 by now."), "{page}");
    let asked = text(&gateway.post(&mut browser, "/console/routes", &[("do", &button(&page, "ask-delete"))]).await);
    let delete = button(&asked, "delete");
    let page = gateway.done(&mut browser, "/console/routes", &[("do", &delete)]).await;
    assert!(page.contains("55501001 leads nowhere now.") && page.contains("No route leads anywhere yet."), "{page}");
    let page = gateway.done(&mut browser, "/console/routes", &[("do", &delete)]).await;
    assert!(page.contains("there is no such route any more"), "{page}");
}

#[tokio::test]
async fn what_aicc_would_refuse_is_refused_at_the_field_and_the_form_stays_filled_in() {
    let gateway = gateway();
    let mut browser = gateway.browser("ann").await;
    for (fields, field, why) in [
        ([("hotline", "999"), ("extension", ""), ("media", ""), ("destination", "skill 7")], "hotline", "not known"),
        ([("hotline", "5550100"), ("extension", "a"), ("media", ""), ("destination", "skill 7")], "extension", "0-9*#"),
        (
            [("hotline", "5550100"), ("extension", "2"), ("media", "19"), ("destination", "skill 7")],
            "media",
            "media type 5",
        ),
        (
            [("hotline", "5550100"), ("extension", "2"), ("media", ""), ("destination", "skill 9")],
            "media",
            "does not carry",
        ),
        (
            [("hotline", "5550100"), ("extension", "2"), ("media", ""), ("destination", "skill 4")],
            "destination",
            "not known",
        ),
    ] {
        let form = [&[("do", "create")][..], &fields].concat();
        let answer = gateway.post(&mut browser, "/console/routes", &form).await;
        assert_eq!(answer.status.as_u16(), 422, "{fields:?}");
        let page = text(&answer);
        let told = page.split_once(&format!("id=\"{field}-why\">")).unwrap_or_else(|| panic!("{field}: {page}")).1;
        assert!(told.split_once('<').unwrap().0.contains(why), "{field}: {told}");
        assert!(page.contains("<details open>"), "{page}");
    }
    let mut viewer = gateway.browser("vic").await;
    let page = gateway.page(&mut viewer, "/console/routes").await;
    assert!(!page.contains("name=\"do\""), "{page}");
    let answer = gateway.post(&mut viewer, "/console/routes", &[("do", "create")]).await;
    assert_eq!(answer.status.as_u16(), 403);
}
