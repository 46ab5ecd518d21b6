//! Who may read the files that the binary makes: its own user, whatever mask it was started under.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::binary::{Binary, run, texts};

/// Every file and directory from this one down, with its mode.
fn modes(directory: &Path) -> Vec<(PathBuf, u32)> {
    let mut found = vec![(directory.to_owned(), mode(directory))];
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(modes(&path));
        } else {
            found.push((path.clone(), mode(&path)));
        }
    }
    found
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o777
}

fn assert_private(directory: &Path) {
    let wrong: Vec<_> = modes(directory).into_iter().filter(|(_, mode)| mode & 0o077 != 0).collect();
    assert!(wrong.is_empty(), "others may read {wrong:?}");
}

fn demo(data: &Path) -> Binary {
    Binary::serve(&[OsStr::new("--demo"), OsStr::new("--data"), data.as_os_str()])
}

#[test]
fn nobody_else_can_read_a_data_directory_a_backup_or_what_is_restored_or_compacted() {
    let home = TempDir::new().unwrap();
    let [data, dump, restored] = ["data", "dump", "restored"].map(|name| home.path().join(name));
    let binary = demo(&data);
    assert_private(&data);
    let arguments = ["backup", "--url", binary.admin_url(), "--to", dump.to_str().unwrap()];
    let output = run(&arguments, b"", &[]);
    assert!(output.status.success(), "{:?}", texts(&output));
    assert_eq!(mode(&dump), 0o600);
    assert!(binary.stop().success());
    assert_private(&data);
    let output = run(&["restore", "--from", dump.to_str().unwrap(), "--data", restored.to_str().unwrap()], b"", &[]);
    assert!(output.status.success(), "{:?}", texts(&output));
    assert_private(&restored);
    let output = run(&["compact", "--data", data.to_str().unwrap()], b"", &[]);
    assert!(output.status.success(), "{:?}", texts(&output));
    assert_private(&data);
}

#[test]
fn a_data_directory_that_others_can_read_is_tightened_at_the_start_and_that_is_logged() {
    let home = TempDir::new().unwrap();
    let data = home.path().join("data");
    assert!(demo(&data).stop().success());
    for (path, _) in modes(&data) {
        let wide = if path.is_dir() { 0o755 } else { 0o644 };
        fs::set_permissions(path, Permissions::from_mode(wide)).unwrap();
    }
    let binary = demo(&data);
    assert_private(&data);
    binary.wait_until(|log| log.contains("others could look into the data directory"));
}

#[test]
fn what_is_no_data_directory_keeps_its_mode() {
    let home = TempDir::new().unwrap();
    let data = home.path().join("photos");
    fs::create_dir(&data).unwrap();
    fs::write(data.join("cat.png"), "meow").unwrap();
    fs::set_permissions(&data, Permissions::from_mode(0o755)).unwrap();
    let output = run(&["serve", "--demo", "--listen", "127.0.0.1:0", "--data", data.to_str().unwrap()], b"", &[]);
    assert!(!output.status.success());
    assert_eq!(mode(&data), 0o755);
}

/// Only root can make files for others.
#[test]
fn what_root_restores_or_compacts_belongs_to_the_owner_of_the_directory() {
    let uid = Command::new("id").arg("-u").output().unwrap();
    if uid.stdout != b"0\n" {
        eprintln!("not root: nothing to give away");
        return;
    }
    let home = TempDir::new().unwrap();
    let (data, dump) = (home.path().join("data"), home.path().join("dump"));
    let binary = demo(&home.path().join("source"));
    let arguments = ["backup", "--url", binary.admin_url(), "--to", dump.to_str().unwrap()];
    assert!(run(&arguments, b"", &[]).status.success());
    fs::create_dir(&data).unwrap();
    std::os::unix::fs::chown(&data, Some(65534), Some(65534)).unwrap();
    let owners = || -> Vec<_> {
        let paths = modes(&data).into_iter().map(|(path, _)| path);
        paths.filter(|path| fs::metadata(path).unwrap().uid() != 65534).collect()
    };
    let output = run(&["restore", "--from", dump.to_str().unwrap(), "--data", data.to_str().unwrap()], b"", &[]);
    assert!(output.status.success(), "{:?}", texts(&output));
    assert_eq!(owners(), Vec::<PathBuf>::new());
    let output = run(&["compact", "--data", data.to_str().unwrap()], b"", &[]);
    assert!(output.status.success(), "{:?}", texts(&output));
    assert_eq!(owners(), Vec::<PathBuf>::new());
}
