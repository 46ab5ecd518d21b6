//! Files of numbers: what is taken, what is refused and how it is told, and that what goes out can come in again.

use super::*;

const CSV: (&str, &str) = ("Content-Type", "text/csv");
const NDJSON: (&str, &str) = ("Content-Type", "application/x-ndjson");

impl Gateway {
    async fn import(&self, target: &str, media_type: (&str, &str), file: impl Into<Bytes>) -> Reply {
        let headers = [ADMIN, &[media_type]].concat();
        self.send(Method::POST, &format!("/numbers/import{target}"), &headers, file).await
    }

    /// The answer to an export, which is no JSON value.
    async fn export(&self, target: &str, accept: Option<&str>) -> String {
        let accept = accept.map(|accept| ("Accept", accept));
        let headers: Vec<_> = ADMIN.iter().copied().chain(accept).collect();
        let answer = self.answer(Method::GET, &format!("/numbers/export{target}"), &headers, "").await;
        assert_eq!(answer.status, 200);
        String::from_utf8(answer.body.to_vec()).unwrap()
    }

    async fn numbers(&self) -> Vec<String> {
        let list = self.get("/numbers?limit=1000").await.body;
        let items = list["items"].as_array().unwrap();
        let shown = |item: &Value| {
            let text = |member: &str| item[member].as_str().unwrap_or("-").to_owned();
            format!("{} {} {} {}", text("number"), text("dnid"), text("group"), item["enabled"])
        };
        items.iter().map(shown).collect()
    }

    /// The bad rows of a file of which nothing is imported.
    async fn bad_rows(&self, media_type: (&str, &str), file: &str) -> Vec<(u64, String)> {
        let before = self.numbers().await;
        let reply = self.import("", media_type, file.to_owned()).await;
        assert_eq!((reply.status, reply.problem()), (422, "bad-file"), "{reply:?}");
        assert_eq!(self.numbers().await, before, "nothing of the file is imported");
        let rows = reply.body["bad_rows"]["rows"].as_array().unwrap();
        rows.iter().map(|row| (row["line"].as_u64().unwrap(), row["detail"].as_str().unwrap().to_owned())).collect()
    }
}

#[tokio::test]
async fn a_file_of_comma_separated_values_is_imported_whole() {
    let gateway = Gateway::new();
    let file = "number,dnid,group,enabled\n100,1,sales,true\n101,,\"a, b\",false\r\n102,,,\n\n+103\n";
    let reply = gateway.import("", CSV, file).await;
    assert_eq!((reply.status, &reply.body), (200, &json!({ "rows": 4, "created": 4, "skipped": 0 })));
    let expected = ["+103 +103 - true", "100 1 sales true", "101 101 a, b false", "102 102 - true"];
    let mut numbers = gateway.numbers().await;
    numbers.sort();
    assert_eq!(numbers, expected);
}

#[tokio::test]
async fn the_first_row_may_name_the_columns_in_any_order_or_be_a_number_already() {
    let gateway = Gateway::new();
    let named = "\u{FEFF}Enabled, Group ,NUMBER\nfalse,g,100\n";
    assert_eq!(gateway.import("", ("Content-Type", "Text/CSV; charset=UTF-8"), named).await.status, 200);
    assert_eq!(gateway.import("", CSV, "101,5,g").await.status, 200);
    assert_eq!(gateway.numbers().await, ["100 100 g false", "101 5 g true"]);
    // As a spreadsheet saves what it was given.
    assert_eq!(gateway.import("", CSV, "102,,g,FALSE\n103,,g,True\n").await.status, 200);
    assert_eq!(gateway.numbers().await[2..], ["102 102 g false", "103 103 g true"]);
    for (heading, fault) in [
        ("number,colour\n", "unknown column"),
        ("dnid,group\n", "does not name number"),
        ("number,number\n", "names number twice"),
    ] {
        let bad = gateway.bad_rows(CSV, heading).await;
        assert!(bad.len() == 1 && bad[0].0 == 1 && bad[0].1.contains(fault), "{bad:?}");
    }
}

#[tokio::test]
async fn a_file_of_json_lines_is_imported_whole() {
    let gateway = Gateway::new();
    let file = "{\"number\":\"100\",\"group\":\"g\"}\n\r\n{\"number\":\"101\",\"dnid\":\"7\",\"enabled\":false,\"group\":null}";
    for media_type in ["application/x-ndjson", "application/jsonl"] {
        let reply = gateway.import("", ("Content-Type", media_type), file).await;
        assert_eq!(reply.status, if media_type == "application/jsonl" { 422 } else { 200 }, "{reply:?}");
    }
    assert_eq!(gateway.numbers().await, ["100 100 g true", "101 7 - false"]);
}

#[tokio::test]
async fn every_bad_row_is_told_with_its_line_and_what_is_allowed() {
    let gateway = Gateway::new();
    gateway.number("555", "g").await;
    let file = "number,dnid,group,enabled\n100,1,g,true\n10a,1,g,true\n,1,g,true\n101,1,g,maybe\n100,2,h,true\n555,,,\n\
                \"unclosed\"x,1\n102,1,g,true,more\n";
    let bad = gateway.bad_rows(CSV, file).await;
    let lines: Vec<_> = bad.iter().map(|(line, _)| *line).collect();
    assert_eq!(lines, [3, 4, 5, 6, 7, 8, 9], "{bad:#?}");
    for ((_, told), part) in bad.iter().zip([
        "number must be",
        "number is required",
        "enabled must be true or false",
        "number 100 stands on line 2 already",
        "number 555 exists already",
        "text after a closing quote",
        "the row has 5 fields; number,dnid,group,enabled are the columns",
    ]) {
        assert!(told.contains(part), "{told}");
    }
    let file = "{\"number\":\"100\"}\n{\"number\":100}\n[]\n{\"number\":\"101\",\"colour\":1}\nnonsense\n";
    let bad = gateway.bad_rows(NDJSON, file).await;
    for ((line, told), (at, part)) in bad.iter().zip([
        (2, "number must be"),
        (3, "the line must be an object"),
        (4, "colour is not known"),
        (5, "cannot be read as JSON: expected"),
    ]) {
        assert!(*line == at && told.contains(part) && !told.contains("line 1"), "{line}: {told}");
    }
    assert_eq!(bad.len(), 4);
}

#[tokio::test]
async fn a_file_that_a_spreadsheet_wrote_in_another_way_is_told_once_and_what_to_do() {
    let gateway = Gateway::new();
    let rows = "number;dnid;group\n100;1;g\n101;2;g\n";
    for (file, separator) in [
        (rows.to_owned(), "semicolons"),
        (rows.replace("number;dnid;group\n", ""), "semicolons"),
        (format!("sep=;\n{rows}"), "semicolons"),
        (rows.replace(';', "\t"), "tabs"),
    ] {
        let bad = gateway.bad_rows(CSV, &file).await;
        assert!(bad.len() == 1 && bad[0].0 == 1, "{bad:?}");
        assert!(bad[0].1.contains(&format!("separated by {separator}, and must be by commas")), "{bad:?}");
    }
    for mark in ["", "\u{FEFF}"] {
        for write in [u16::to_le_bytes, u16::to_be_bytes] {
            let text = format!("{mark}number,group\n{}", "100,g\n".repeat(500));
            let file: Vec<u8> = text.encode_utf16().flat_map(write).collect();
            for media_type in [CSV, NDJSON] {
                let reply = gateway.import("", media_type, file.clone()).await;
                let told = &reply.body["bad_rows"];
                assert_eq!((reply.status, &told["total"], &told["rows"][0]["line"]), (422, &json!(1), &json!(1)));
                let detail = told["rows"][0]["detail"].as_str().unwrap();
                assert!(detail.contains("UTF-16; save it in UTF-8"), "{detail}");
            }
        }
    }
    let file = "number,dnid\n6.5E+09,1\n\"6,50466E+09\",\n100,4.13e3\n1E5,\n101,x6.5E+09\n";
    let bad = gateway.bad_rows(CSV, file).await;
    for ((line, told), (at, part)) in bad.iter().zip([
        (2, "number is 6.5E+09: so a spreadsheet writes a long number, and its last digits are lost"),
        (3, "number is 6,50466E+09: "),
        (4, "dnid is 4.13e3: "),
        (5, "number is 1E5: "),
        (6, "dnid must be"),
    ]) {
        assert!(*line == at && told.contains(part), "{line}: {told}");
    }
    assert_eq!(bad.len(), 5);
    assert_eq!(gateway.numbers().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_file_is_in_the_charset_that_it_declares() {
    let gateway = Gateway::new();
    let latin = b"100,,M\xfcller\n".as_slice();
    let reply = gateway.import("", ("Content-Type", "text/csv ; charset='ISO-8859-1'"), latin).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let line = b"{\"number\":\"101\",\"group\":\"5 \x80\"}\n".as_slice();
    let reply = gateway.import("", ("Content-Type", "application/x-ndjson; charset=windows-1252"), line).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(gateway.numbers().await, ["100 100 Müller true", "101 101 5 € true"]);
    for (media_type, file) in [(CSV, latin), (NDJSON, line)] {
        let reply = gateway.import("", media_type, file).await;
        let detail = reply.body["bad_rows"]["rows"][0]["detail"].as_str().unwrap();
        assert!(reply.status == 422 && detail.contains("not") && detail.contains("UTF-8"), "{detail}");
    }
}

#[tokio::test]
async fn many_bad_rows_are_counted_and_the_first_hundred_told() {
    let gateway = Gateway::new();
    let reply = gateway.import("", CSV, "x\n".repeat(1_250)).await;
    assert_eq!(reply.status, 422);
    assert_eq!(reply.body["bad_rows"]["total"], 1_250);
    assert_eq!(reply.body["bad_rows"]["rows"].as_array().unwrap().len(), 100);
    assert!(reply.body["detail"].as_str().unwrap().contains("1250 rows of the file are bad"), "{reply:?}");
}

#[tokio::test]
async fn a_number_that_exists_can_be_passed_over() {
    let gateway = Gateway::new();
    gateway.number("101", "old").await;
    let reply = gateway.import("?existing=skip", CSV, "100,,new\n101,,new\n").await;
    assert_eq!((reply.status, &reply.body), (200, &json!({ "rows": 2, "created": 1, "skipped": 1 })));
    assert_eq!(gateway.numbers().await, ["100 100 new true", "101 101 old true"]);
    let wrong = gateway.import("?existing=overwrite", CSV, "102\n").await;
    assert_eq!(wrong.pointers(), ["/existing"]);
}

#[tokio::test]
async fn an_empty_file_another_media_type_and_a_stranger_are_refused() {
    let gateway = Gateway::new();
    for file in ["", "\n\n", "number,group\n", "\u{FEFF}"] {
        let bad = gateway.bad_rows(CSV, file).await;
        assert_eq!(bad, [(1, "the file has no rows".to_owned())]);
    }
    for media_type in ["application/json", "text/plain", "text/csv; charset=utf-16", "application/jsonl;charset=koi8-r"]
    {
        let reply = gateway.import("", ("Content-Type", media_type), "100\n").await;
        assert_eq!((reply.status, reply.header("accept")), (415, Some("text/csv, application/x-ndjson")));
    }
    let stranger = gateway.send(Method::POST, "/numbers/import", &[CSV], "100\n").await;
    assert_eq!(stranger.status, 401);
    assert_eq!(gateway.send(Method::GET, "/numbers/export", &[], "").await.status, 401);
    assert_eq!(gateway.numbers().await, Vec::<String>::new());
}

#[tokio::test]
async fn more_rows_than_are_staged_at_a_time_are_one_import() {
    let gateway = Gateway::new();
    let file: String = (0..2_345).map(|n| format!("{},,g\n", 100_000 + n)).collect();
    assert_eq!(gateway.import("", CSV, file.clone()).await.body["created"], 2_345);
    assert_eq!(gateway.export("", None).await.lines().count(), 2_346, "and an export has several pages");
    let others: String = (0..2_345).map(|n| format!("{},,g\n", 200_000 + n)).collect();
    let reply = gateway.import("", CSV, format!("{others}100000\n")).await;
    let bad = json!([{ "line": 2_346, "detail": "number 100000 exists already" }]);
    assert_eq!(reply.body["bad_rows"], json!({ "total": 1, "rows": bad }));
}

#[tokio::test]
async fn what_is_exported_can_be_imported_again_in_either_form() {
    let gateway = Gateway::new();
    let file = "number,dnid,group,enabled\n100,1,\"say \"\"hi\"\", you\",true\n101,101,,false\n102,2,g,true\n";
    assert_eq!(gateway.import("", CSV, file).await.status, 200);
    assert_eq!(gateway.export("", None).await, file);
    assert_eq!(gateway.export("", Some("application/json, text/csv;q=0.5")).await, file);
    assert_eq!(gateway.export("?group=g", None).await, "number,dnid,group,enabled\n102,2,g,true\n");
    assert_eq!(gateway.export("?group=nowhere&format=ndjson", None).await, "");
    let lines = gateway.export("", Some("application/x-ndjson")).await;
    assert_eq!(lines, gateway.export("?format=ndjson", Some("text/csv")).await);
    assert_eq!(lines.lines().nth(1), Some(r#"{"number":"101","dnid":"101","group":null,"enabled":false}"#));
    let other = Gateway::new();
    assert_eq!(other.import("", NDJSON, lines).await.status, 200);
    assert_eq!(other.export("", None).await, file);
}
