//! The commands on the numbers of a running gateway, and the files that go over the wire piece by piece.

use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use reqwest::{Method, RequestBuilder};
use tempfile::TempDir;

use crate::binary::{Binary, run, texts};
use crate::callers::{DNIS_KEY, TENANT, send};
use crate::gateway::Gateway;

/// Runs `numbers` with the demo's credentials; exit code, standard output, standard error.
fn numbers(binary: &Binary, arguments: &[&str], input: &[u8]) -> (i32, String, String) {
    let who = ["--url", binary.url(), "--tenant", TENANT, "--user", "admin", "--application-key", DNIS_KEY];
    let all = [&["numbers"], arguments, &who].concat();
    let output = run(&all, input, &[("DNIS_GATEWAY_PASSWORD", "password")]);
    let (out, error) = texts(&output);
    (output.status.code().unwrap(), out, error)
}

fn written(directory: &Path, name: &str, text: &str) -> String {
    let path = directory.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn numbers_are_imported_listed_and_exported_by_commands() {
    let directory = TempDir::new().unwrap();
    let binary = Binary::demo(&directory.path().join("data"));
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/samples/numbers.csv");
    assert_eq!(numbers(&binary, &["import", sample], b""), (0, "6 numbers imported\n".to_owned(), String::new()));
    let (code, out, error) = numbers(&binary, &["list", "--group", "night, weekend"], b"");
    assert_eq!((code, error.as_str()), (0, ""));
    let lines: Vec<Vec<&str>> = out.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["NUMBER", "DNID", "ENABLED", "STATE", "GROUP"]);
    assert_eq!(lines[1..], [["2111234600", "4600", "yes", "free", "night,", "weekend"]]);

    let (code, exported, error) = numbers(&binary, &["export"], b"");
    assert_eq!((code, error.as_str(), exported.lines().count()), (0, "", 1 + 23 + 6));
    let file = directory.path().join("numbers.ndjson");
    let (code, out, error) = numbers(&binary, &["export", "--group", "DNIS", "-o", file.to_str().unwrap()], b"");
    assert_eq!((code, out.as_str(), error.as_str()), (0, "", ""));
    let text = std::fs::read_to_string(&file).unwrap();
    assert_eq!(text.lines().count(), 13);
    assert!(text.lines().all(|line| line.contains("\"group\":\"DNIS\"")), "{text}");
    assert!(!directory.path().join("numbers.ndjson.part").exists());

    let skipped = "0 numbers imported, 13 existed already\n".to_owned();
    let again = numbers(&binary, &["import", file.to_str().unwrap(), "--existing", "skip"], b"");
    assert_eq!(again, (0, skipped, String::new()));
    let from_input = numbers(&binary, &["import", "-"], b"700\n701\n");
    assert_eq!(from_input, (0, "2 numbers imported\n".to_owned(), String::new()));
    let (_, out, _) = numbers(&binary, &["list", "--prefix", "70", "--limit", "1"], b"");
    assert_eq!(out.lines().count(), 2, "{out}");
}

#[test]
fn a_bad_row_is_told_with_file_and_line_and_nothing_is_imported() {
    let directory = TempDir::new().unwrap();
    let binary = Binary::demo(&directory.path().join("data"));
    let file = written(directory.path(), "bad.csv", "number,group\n800,x\n80x,x\n111,x\n");
    let (code, out, error) = numbers(&binary, &["import", &file], b"");
    assert_eq!((code, out.as_str()), (1, ""), "{error}");
    let lines: Vec<_> = error.lines().collect();
    assert!(lines[0].contains("bad.csv:3: number must be"), "{error}");
    assert!(lines[1].contains("bad.csv:4: number 111 exists already"), "{error}");
    assert!(lines[2].contains("Nothing of the file was imported: 2 rows of the file are bad"), "{error}");
    let (_, out, _) = numbers(&binary, &["list", "--group", "x"], b"");
    assert_eq!(out.lines().count(), 1, "{out}");
    let many = "y\n".repeat(300);
    let (code, _, error) = numbers(&binary, &["import", "-"], many.as_bytes());
    assert!(code == 1 && error.contains("standard input:100: ") && error.contains("200 more bad rows"), "{error}");
}

#[test]
fn a_file_that_a_spreadsheet_exported_in_another_way_is_told_what_to_do() {
    let directory = TempDir::new().unwrap();
    let binary = Binary::demo(&directory.path().join("data"));
    let text = "number;group\n800;x\n801;x\n";
    let utf_16: Vec<u8> = format!("\u{FEFF}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (file, words) in [
        (
            text.as_bytes(),
            "standard input:1: the columns of the file are separated by semicolons, and must be by commas",
        ),
        (&utf_16, "standard input:1: the file is in UTF-16; save it in UTF-8"),
        (b"number,group\n6.5E+09,x\n", "standard input:2: number is 6.5E+09: so a spreadsheet writes a long number"),
        (b"number,group\n800,M\xfcller\n", "standard input:2: the row is not UTF-8; save the file as CSV UTF-8"),
    ] {
        let (code, out, error) = numbers(&binary, &["import", "-"], file);
        assert!(code == 1 && out.is_empty() && error.contains(words), "{error}");
        assert!(error.contains("1 row of the file is bad"), "{error}");
    }
    let (_, out, _) = numbers(&binary, &["list", "--group", "x"], b"");
    assert_eq!(out.lines().count(), 1, "{out}");
}

#[test]
fn wrong_usage_ends_with_2_and_a_gateway_that_refuses_or_is_not_there_with_1() {
    let directory = TempDir::new().unwrap();
    let binary = Binary::demo(&directory.path().join("data"));
    let ended = |arguments: &[&str], environment: &[(&str, &str)]| {
        let output = run(&[&["numbers"], arguments].concat(), b"", environment);
        (output.status.code().unwrap(), texts(&output).1)
    };
    let password = [("DNIS_GATEWAY_PASSWORD", "password")];
    let basic = ["list", "--user", "admin", "--url"];
    let (code, error) = ended(&[&basic[..], &[binary.url()]].concat(), &password);
    assert_eq!((code, error.as_str()), (0, ""), "a user alone calls by Basic");
    let (code, error) = ended(&[&basic[..], &[binary.url()]].concat(), &[("DNIS_GATEWAY_PASSWORD", "wrong")]);
    assert!(code == 1 && error.contains("Missing or wrong credentials"), "{code} {error}");
    let refused = [&["numbers"][..], &basic, &[binary.url()]].concat();
    let (out, _) = texts(&run(&refused, b"", &[("DNIS_GATEWAY_PASSWORD", "wrong")]));
    assert_eq!(out, "", "a list that was refused has no heading either");
    let (code, error) = ended(&[&basic[..], &["http://127.0.0.1:9"]].concat(), &password);
    assert!(code == 1 && error.contains("127.0.0.1:9"), "{code} {error}");
    let (code, error) = ended(&[&basic[..], &["ftp://127.0.0.1"]].concat(), &password);
    assert!(code == 2 && error.contains("must begin with http:// or https://"), "{code} {error}");
    let nowhere = ["import", "/nowhere/numbers.csv", "--user", "admin"];
    let (code, error) = ended(&nowhere, &password);
    assert!(code == 2 && error.contains("/nowhere/numbers.csv: cannot be read"), "{code} {error}");
    let keyless = ["list", "--user", "admin", "--application-key", "k"];
    assert_eq!(ended(&keyless, &password).0, 2, "a key needs its tenant");
    assert_eq!(ended(&["list"], &password).0, 2, "nobody calls without a user");
    let (code, error) = ended(&[&nowhere[..], &["--password", "x"]].concat(), &password);
    assert!(code == 2 && error.contains("--password"), "a password is never an argument: {error}");
}

/// A request to the gateway's own API, by the demo's user.
fn native(gateway: &Gateway, method: Method, path: &str) -> RequestBuilder {
    gateway.caller().request(method, path).header("Authorization", "Basic YWRtaW46cGFzc3dvcmQ=")
}

fn csv(rows: std::ops::Range<u32>) -> String {
    rows.map(|n| format!("{},,bulk,true\n", 700_000 + n)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_is_taken_and_given_piece_by_piece_packed_or_not() {
    let gateway = Gateway::demo().start().await;
    let post = || native(&gateway, Method::POST, "/gateway/v1/numbers/import").header("Content-Type", "text/csv");
    // Far more than a JSON body may have.
    let plain = send(post().body(csv(0..6_000))).await;
    assert_eq!((plain.status, plain.json()["created"].as_u64()), (200, Some(6_000)), "{plain:?}");
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(csv(6_000..12_000).as_bytes()).unwrap();
    let packed = encoder.finish().unwrap();
    let cut = post().header("Content-Encoding", "gzip").body(packed[..packed.len() / 2].to_vec());
    assert_eq!(send(cut).await.status, 400, "half an archive is no file");
    let whole = send(post().header("Content-Encoding", "gzip").body(packed)).await;
    assert_eq!((whole.status, whole.json()["created"].as_u64()), (200, Some(6_000)), "{whole:?}");

    let export = send(native(&gateway, Method::GET, "/gateway/v1/numbers/export?group=bulk")).await;
    assert_eq!((export.status, export.header("content-type")), (200, "text/csv; charset=utf-8; header=present"));
    assert!(export.header("content-disposition").contains("numbers.csv"));
    assert_eq!(export.text().lines().count(), 12_001);
    let head = send(native(&gateway, Method::HEAD, "/gateway/v1/numbers/export")).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    let metrics = gateway.admin("/metrics").await.text();
    assert!(metrics.contains("operation=\"number-import\",outcome=\"ok\"} 2"), "{metrics}");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_too_long_or_not_from_here_is_refused_without_being_read() {
    let gateway = Gateway::demo().with(|settings| settings.server.limits.import = 100_000).start().await;
    let post = || native(&gateway, Method::POST, "/gateway/v1/numbers/import").header("Content-Type", "text/csv");
    let long = send(post().body(csv(0..10_000))).await;
    assert_eq!((long.status, long.header("content-type")), (413, "application/problem+json"));
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(csv(0..10_000).as_bytes()).unwrap();
    let bomb = send(post().header("Content-Encoding", "gzip").body(encoder.finish().unwrap())).await;
    assert_eq!(bomb.status, 413, "{bomb:?}");
    let stranger = gateway.caller().request(Method::POST, "/gateway/v1/numbers/import").body("900\n");
    assert_eq!(send(stranger).await.status, 401);
    let list = send(native(&gateway, Method::GET, "/gateway/v1/numbers?prefix=70")).await;
    assert_eq!(list.json()["items"].as_array().unwrap().len(), 0, "nothing of a file that was refused is there");
    let short = send(post().body("900\n")).await;
    assert_eq!(short.status, 200, "and the next one is taken: {short:?}");
    gateway.stop().await;
}
