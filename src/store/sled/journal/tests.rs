use super::*;

const STORE: Uuid = Uuid::from_u128(7);

/// A file with a commit for each text.
fn filled(directory: &Path, texts: &[&str]) -> PathBuf {
    let mut journal = Journal::create(directory, STORE, 1).unwrap();
    for (at, text) in texts.iter().enumerate() {
        append(&mut journal, at as u64 + 1, text.as_bytes());
    }
    journal.sync().unwrap();
    path(directory, 1)
}

fn append(journal: &mut Journal, commit: CommitNumber, operations: &[u8]) {
    let mut record = Record::new();
    record.operations_mut().extend_from_slice(operations);
    journal.append(commit, &mut record).unwrap();
    assert_eq!(record.operations(), operations, "appending leaves the record as it was");
}

fn contents(directory: &Path) -> Result<Contents, Unreadable> {
    read(directory, STORE, 1).map(|contents| contents.expect("the file is there"))
}

fn texts(contents: &Contents) -> Vec<&[u8]> {
    contents.commits.iter().map(|(_, operations)| &operations[..]).collect()
}

#[test]
fn commits_come_back_in_their_order_with_their_numbers() {
    let directory = tempfile::tempdir().unwrap();
    filled(directory.path(), &["one", "", "three is longer"]);
    let contents = contents(directory.path()).unwrap();
    assert!(!contents.torn);
    assert_eq!(texts(&contents), [&b"one"[..], b"", b"three is longer"]);
    assert_eq!(contents.commits.iter().map(|(commit, _)| *commit).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(read(directory.path(), STORE, 2).unwrap().is_none());
    assert_eq!(generations(directory.path()).unwrap(), [1]);
}

#[test]
fn commits_larger_than_the_room_written_ahead_come_back() {
    let directory = tempfile::tempdir().unwrap();
    let mut journal = Journal::create(directory.path(), STORE, 1).unwrap();
    let large = vec![5; 3 * ROOM_BYTES + 1];
    append(&mut journal, 1, &large);
    append(&mut journal, 2, b"small");
    append(&mut journal, 3, &large);
    assert_eq!(texts(&contents(directory.path()).unwrap()), [&large[..], b"small", &large[..]]);
}

#[test]
fn a_reopened_file_goes_on_after_its_header() {
    let directory = tempfile::tempdir().unwrap();
    drop(Journal::create(directory.path(), STORE, 1).unwrap());
    let mut journal = Journal::reopen(directory.path(), STORE, 1).unwrap();
    append(&mut journal, 4, b"four");
    assert_eq!(texts(&contents(directory.path()).unwrap()), [b"four"]);
}

#[test]
fn the_last_commit_cut_short_anywhere_is_left_out_and_told_of() {
    let directory = tempfile::tempdir().unwrap();
    let path = filled(directory.path(), &["one", "the second commit"]);
    let whole = fs::read(&path).unwrap();
    let second = HEADER_BYTES + 24;
    let end = second + RECORD_HEADER_BYTES + "the second commit".len();
    for kept in second..end {
        // Zeros where the rest did not arrive: the room was there since the first commit.
        let mut bytes = whole.clone();
        bytes[kept..].fill(0);
        fs::write(&path, bytes).unwrap();
        let contents = contents(directory.path()).unwrap();
        assert_eq!(texts(&contents), [b"one"], "{kept} bytes");
        assert_eq!(contents.torn, kept > second, "{kept} bytes");
    }
}

#[test]
fn a_flipped_bit_in_any_commit_but_the_last_is_damage() {
    let directory = tempfile::tempdir().unwrap();
    let path = filled(directory.path(), &["one", "two", "three"]);
    let whole = fs::read(&path).unwrap();
    for at in HEADER_BYTES..HEADER_BYTES + RECORD_HEADER_BYTES + 3 {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        fs::write(&path, bytes).unwrap();
        assert!(matches!(contents(directory.path()), Err(Unreadable::Damaged(_))), "byte {at}");
    }
}

#[test]
fn a_header_that_is_not_the_stores_own_is_damage_and_one_of_a_later_release_is_newer() {
    let directory = tempfile::tempdir().unwrap();
    let path = filled(directory.path(), &["one"]);
    assert!(matches!(read(directory.path(), Uuid::from_u128(8), 1), Err(Unreadable::Damaged(_))));
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..HEADER_BYTES - 1]).unwrap();
    assert!(matches!(contents(directory.path()), Err(Unreadable::Damaged(_))));
    let mut newer = whole;
    newer[8] = 2;
    fs::write(&path, newer).unwrap();
    assert!(matches!(contents(directory.path()), Err(Unreadable::Newer(2))));
}

#[test]
fn a_record_of_another_file_does_not_pass_for_one_of_this() {
    let directory = tempfile::tempdir().unwrap();
    let one = fs::read(filled(directory.path(), &["one"])).unwrap();
    drop(Journal::create(directory.path(), STORE, 2).unwrap());
    let mut two = fs::read(path(directory.path(), 2)).unwrap();
    two.extend_from_slice(&one[HEADER_BYTES..]);
    fs::write(path(directory.path(), 2), two).unwrap();
    let contents = read(directory.path(), STORE, 2).unwrap().unwrap();
    assert!(contents.commits.is_empty() && contents.torn);
}

#[test]
fn a_file_that_has_lost_its_end_is_damaged_wherever_it_was_cut() {
    let directory = tempfile::tempdir().unwrap();
    let file = filled(directory.path(), &["one", "two", "three"]);
    let whole = fs::read(&file).unwrap();
    // Of the first commit nobody can tell whether it was ever whole.
    let second = HEADER_BYTES + (RECORD_HEADER_BYTES + 3).next_multiple_of(ALIGNMENT);
    for length in second + 1..second + 200 {
        fs::write(&file, &whole[..length]).unwrap();
        assert!(matches!(contents(directory.path()), Err(Unreadable::Damaged(_))), "{length} bytes");
    }
}

#[test]
fn a_file_that_was_cut_short_while_it_made_room_is_read_and_gets_its_room_when_it_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let mut journal = Journal::create(directory.path(), STORE, 1).unwrap();
    let nearly = vec![5; 2 * ROOM_BYTES - 400];
    append(&mut journal, 1, b"one");
    append(&mut journal, 2, &nearly);
    append(&mut journal, 3, &nearly);
    let whole = fs::read(path(directory.path(), 1)).unwrap();
    let third = HEADER_BYTES + 24 + (RECORD_HEADER_BYTES + nearly.len()).next_multiple_of(ALIGNMENT);
    let room = third.next_multiple_of(ROOM_BYTES);
    for length in [room, room + 1, room + 12_345, whole.len() - 1] {
        fs::write(path(directory.path(), 1), &whole[..length]).unwrap();
        assert!(contents(directory.path()).unwrap().commits.len() >= 2, "{length}");
    }
    fs::write(path(directory.path(), 1), [header(STORE, 1).as_slice(), &[0; 700]].concat()).unwrap();
    let mut journal = Journal::reopen(directory.path(), STORE, 1).unwrap();
    append(&mut journal, 1, b"one");
    append(&mut journal, 2, b"two");
    assert_eq!(texts(&contents(directory.path()).unwrap()), [b"one", b"two"]);
}
