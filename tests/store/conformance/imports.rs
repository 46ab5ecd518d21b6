//! Imports, on every engine: nobody sees what is staged, one commit makes all of it numbers, and nothing of it stays
//! where there is none.

use dnis_gateway::domain::{NewNumber, NumberId};
use dnis_gateway::store::{BadRow, Existing, ImportRow, Imported, RowFault, Store};

use crate::engine::Engine;
use crate::words::*;

on_every_engine! {
    what_is_staged_counts_from_its_commit_on_and_not_before,
    an_import_that_is_dropped_leaves_nothing_behind,
    a_commit_whose_caller_has_gone_away_counts_whole,
    an_import_names_rows_that_repeat_or_exist,
    an_import_can_pass_over_what_exists,
    a_number_that_somebody_else_made_meanwhile_refuses_the_whole_import,
    of_two_imports_of_one_number_the_first_to_commit_has_it,
    what_was_imported_can_be_lent_changed_and_deleted_and_stays_so_after_a_restart,
}

fn bad(line: u64, text: &str, fault: RowFault) -> BadRow {
    BadRow { line, number: num(text), fault }
}

/// Stages rows of which none is bad.
async fn stage(import: &mut Box<dyn dnis_gateway::store::NumberImport + '_>, numbers: &[&str]) {
    assert_eq!(import.stage(rows(numbers)).await, Ok(Vec::new()));
}

async fn known(store: &dyn Store, text: &str) -> bool {
    store.number(&scope(), num(text)).await.unwrap().is_some()
}

async fn what_is_staged_counts_from_its_commit_on_and_not_before(engine: &mut Engine) {
    let store = engine.store();
    let mut import = store.import_numbers(&scope(), Existing::Refuse).await.unwrap();
    stage(&mut import, &["11", "12"]).await;
    stage(&mut import, &["13"]).await;
    assert!(!known(store, "11").await && !known(store, "13").await);
    assert_eq!(store.create_number(&scope(), number("21"), None).await.map(|id| id > NumberId(3)), Ok(true));
    assert_eq!(import.commit().await, Ok(Imported::Done { created: 3, skipped: 0 }));
    for restarted in [false, true] {
        if restarted {
            engine.restart(1).await;
        }
        let store = engine.store();
        let found = store.number(&scope(), num("13")).await.unwrap().unwrap();
        assert_eq!((found.record.dnid, found.record.group.clone()), (num("3"), Some(group("g"))));
        let pool = store.pool(&scope(), &group("g")).await.unwrap().unwrap();
        assert_eq!((pool.free, pool.total()), (4, 4), "restarted: {restarted}");
        assert_eq!(store.number(&other_scope(), num("13")).await, Ok(None));
    }
    let store = engine.store();
    assert_eq!(store.create_number(&scope(), number("22"), None).await, Ok(NumberId(5)), "no id is given twice");
    let mut lent = Vec::new();
    while let Ok(one) = store.lend(&scope(), lend_to("a"), None).await {
        lent.push(one.allocation.number.to_string());
    }
    assert_eq!(lent, ["11", "12", "13", "21", "22"]);
}

async fn an_import_that_is_dropped_leaves_nothing_behind(engine: &mut Engine) {
    let store = engine.store();
    let mut import = store.import_numbers(&scope(), Existing::Refuse).await.unwrap();
    stage(&mut import, &["11", "12"]).await;
    drop(import);
    assert!(!known(store, "11").await);
    store.create_number(&scope(), number("11"), None).await.unwrap();
    engine.restart(1).await;
    assert!(known(engine.store(), "11").await && !known(engine.store(), "12").await);
}

async fn a_commit_whose_caller_has_gone_away_counts_whole(engine: &mut Engine) {
    let store = engine.store();
    let mut import = store.import_numbers(&scope(), Existing::Refuse).await.unwrap();
    stage(&mut import, &["11", "12"]).await;
    // Looked after once and then no more: the command is on its way.
    let _ = tokio::time::timeout(std::time::Duration::ZERO, import.commit()).await;
    store.sweep().await.unwrap();
    assert!(known(store, "11").await && known(store, "12").await);
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    engine.restart(1).await;
    assert!(known(engine.store(), "11").await && known(engine.store(), "12").await);
}

async fn an_import_names_rows_that_repeat_or_exist(engine: &mut Engine) {
    let store = engine.store();
    store.create_number(&scope(), number("12"), None).await.unwrap();
    let mut import = store.import_numbers(&scope(), Existing::Refuse).await.unwrap();
    let told = import.stage(rows(&["11", "12", "11"])).await.unwrap();
    assert_eq!(told, [bad(3, "12", RowFault::Exists), bad(4, "11", RowFault::Repeats(2))]);
    let later = ImportRow { line: 90, number: number("11") };
    assert_eq!(import.stage(vec![later]).await, Ok(vec![bad(90, "11", RowFault::Repeats(2))]));
}

async fn an_import_can_pass_over_what_exists(engine: &mut Engine) {
    let store = engine.store();
    store.create_number(&scope(), NewNumber { enabled: false, ..number("12") }, None).await.unwrap();
    let mut import = store.import_numbers(&scope(), Existing::Skip).await.unwrap();
    stage(&mut import, &["11", "12", "13"]).await;
    assert_eq!(import.commit().await, Ok(Imported::Done { created: 2, skipped: 1 }));
    let passed = store.number(&scope(), num("12")).await.unwrap().unwrap();
    assert!(!passed.record.enabled, "it stays as it is");

    let mut import = store.import_numbers(&scope(), Existing::Skip).await.unwrap();
    stage(&mut import, &["11", "12"]).await;
    assert_eq!(import.commit().await, Ok(Imported::Done { created: 0, skipped: 2 }));
}

async fn a_number_that_somebody_else_made_meanwhile_refuses_the_whole_import(engine: &mut Engine) {
    for existing in [Existing::Refuse, Existing::Skip] {
        let store = engine.store();
        let mut import = store.import_numbers(&scope(), existing).await.unwrap();
        stage(&mut import, &["11", "12", "13"]).await;
        store.create_number(&scope(), number("12"), None).await.unwrap();
        let refused = Imported::Refused(vec![bad(3, "12", RowFault::Exists)]);
        assert_eq!(import.commit().await, Ok(refused), "{existing:?}");
        engine.restart(1).await;
        let store = engine.store();
        assert!(!known(store, "11").await && known(store, "12").await && !known(store, "13").await);
        store.delete_number(&scope(), num("12")).await.unwrap();
    }
}

async fn of_two_imports_of_one_number_the_first_to_commit_has_it(engine: &mut Engine) {
    let store = engine.store();
    let mut first = store.import_numbers(&scope(), Existing::Refuse).await.unwrap();
    let mut second = store.import_numbers(&scope(), Existing::Refuse).await.unwrap();
    let mut elsewhere = store.import_numbers(&other_scope(), Existing::Refuse).await.unwrap();
    stage(&mut first, &["11", "12"]).await;
    stage(&mut second, &["13", "11"]).await;
    stage(&mut elsewhere, &["11"]).await;
    assert_eq!(second.commit().await, Ok(Imported::Done { created: 2, skipped: 0 }));
    assert_eq!(first.commit().await, Ok(Imported::Refused(vec![bad(2, "11", RowFault::Exists)])));
    assert_eq!(elsewhere.commit().await, Ok(Imported::Done { created: 1, skipped: 0 }));
    assert!(!known(store, "12").await && known(store, "13").await);
}

async fn what_was_imported_can_be_lent_changed_and_deleted_and_stays_so_after_a_restart(engine: &mut Engine) {
    let store = engine.store();
    let mut import = store.import_numbers(&scope(), Existing::Refuse).await.unwrap();
    stage(&mut import, &["11", "12", "13"]).await;
    assert_eq!(import.commit().await, Ok(Imported::Done { created: 3, skipped: 0 }));
    store.lend(&scope(), lend_to("a"), None).await.unwrap();
    store.delete_number(&scope(), num("12")).await.unwrap();
    let disabled = dnis_gateway::domain::NumberPatch { enabled: Some(false), ..Default::default() };
    store.update_number(&scope(), num("13"), disabled).await.unwrap();
    engine.restart(1).await;
    let store = engine.store();
    let lent = store.number(&scope(), num("11")).await.unwrap().unwrap();
    assert_eq!(lent.allocation.map(|allocation| allocation.interaction.clone()), Some(interaction("a")));
    assert!(!known(store, "12").await, "what was deleted does not come back");
    assert!(!store.number(&scope(), num("13")).await.unwrap().unwrap().record.enabled);
}
