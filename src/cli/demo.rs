//! What is particular about the demo: data that is new at every start, and a text that says how to go on.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Failure, Outcome, output};
use crate::config::{DEMO_ACCESS, DemoAccess};
use crate::console;
use crate::server::Server;

/// What the names of directories with a demo's data begin with.
const NAME: &str = "dnis-gateway-demo-";
/// How old a directory must be before it may be taken for one that was left behind: whoever makes one locks it at once.
const LEFT_BEHIND: Duration = Duration::from_secs(60);

/// A directory for the data of one start, removed with everything in it at the end.
///
/// A demo that is killed removes nothing; the next one does it for all that nobody holds any more.
#[derive(Debug)]
pub(super) struct Fresh {
    path: PathBuf,
    /// Held for as long as the directory is in use.
    lock: File,
}

impl Fresh {
    /// Makes a directory that only this user can look into, below `parent`, and removes those that were left there.
    ///
    /// # Errors
    /// It cannot be made.
    pub(super) fn below(parent: &Path) -> Result<Self, Failure> {
        let path = parent.join(format!("{NAME}{:016x}", rand::random::<u64>()));
        let made = DirBuilder::new().mode(0o700).create(&path).and_then(|()| {
            let lock = File::open(&path)?;
            lock.try_lock()?;
            Ok(lock)
        });
        let lock = made.map_err(|error| {
            let path = path.display();
            Failure::Operation(format!(
                "{path}: the demo's data cannot be put there: {error}; set TMPDIR, or use --data"
            ))
        })?;
        remove_left_behind(parent, &lock);
        Ok(Self { path, lock })
    }

    /// Where the data goes.
    pub(super) fn data(&self) -> PathBuf {
        self.path.join("data")
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "the demo's data could not be removed");
        }
        // Whoever looks at what is left must be able to lock it, also while a child process has a copy of the handle.
        let _ = self.lock.unlock();
    }
}

/// Removes the data of this user's demos that were killed. What cannot be removed stays for another time.
fn remove_left_behind(parent: &Path, own: &File) {
    let Ok(user) = own.metadata().map(|about| about.uid()) else { return };
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(NAME)
            && is_left_behind(&entry, user).is_ok_and(|left| left)
            && let Ok(directory) = File::open(entry.path())
            && directory.try_lock().is_ok()
        {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn is_left_behind(entry: &fs::DirEntry, user: u32) -> io::Result<bool> {
    // Of the entry itself: somebody's link to elsewhere is no directory.
    let about = entry.metadata()?;
    let old = about.modified()?.elapsed().is_ok_and(|age| age > LEFT_BEHIND);
    Ok(about.is_dir() && about.uid() == user && old)
}

/// Says on standard output what the demo is, who may call, and what to try first. `kept` is where its data stays.
pub(super) fn introduce(server: &Server, kept: Option<&Path>) -> Outcome {
    let (base, console) = (server.base(), format!("{}{}", server.admin_base(), console::PATH));
    let DemoAccess { tenant, user, password, dnis_key, interaction_key, aicc_key, aicc_secret, group } = DEMO_ACCESS;
    let data = match kept {
        Some(path) => format!("its data is kept in {}; without --data every start has new data", path.display()),
        None => "its data is new at every start and removed at the end; --data DIR keeps it".to_owned(),
    };
    output::result(&format!(
        "
This is the demo: {data}.
  tenant             {tenant}
  user, password     {user}, {password}
  application keys   {dnis_key} (dnis), {interaction_key} (interaction)
  AICC key, secret   {aicc_key}, {aicc_secret}
  console            {console}, for that user and password
Try this in another terminal; it lends a number:
  curl -s {base}/genesys/1/service/request-interaction -d _resource_group={group} -d _provide_code=true
Then go on with the five minutes in README.md, or with samples/README.md."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(parent: &Path) -> usize {
        fs::read_dir(parent).unwrap().count()
    }

    fn age(path: &Path) {
        let then = std::time::SystemTime::now() - 2 * LEFT_BEHIND;
        File::open(path).unwrap().set_modified(then).unwrap();
    }

    #[test]
    fn a_demo_removes_its_own_data_and_what_killed_ones_have_left_and_nothing_else() {
        let parent = tempfile::tempdir().unwrap();
        let running = Fresh::below(parent.path()).unwrap();
        age(&running.path);
        let killed = parent.path().join(format!("{NAME}0123456789abcdef"));
        fs::create_dir_all(killed.join("data/blobs")).unwrap();
        age(&killed);
        let just_made = parent.path().join(format!("{NAME}1123456789abcdef"));
        fs::create_dir(&just_made).unwrap();
        let photos = parent.path().join("photos");
        fs::create_dir(&photos).unwrap();
        age(&photos);
        let link = parent.path().join(format!("{NAME}link"));
        std::os::unix::fs::symlink(&photos, &link).unwrap();

        let fresh = Fresh::below(parent.path()).unwrap();
        assert_eq!(fs::metadata(&fresh.path).unwrap().mode() & 0o777, 0o700);
        assert!(!killed.exists());
        assert!(running.path.exists() && just_made.exists() && photos.exists() && link.exists());
        fs::create_dir(fresh.data()).unwrap();
        drop(fresh);
        assert_eq!(names(parent.path()), 4);
        drop(running);
        assert_eq!(names(parent.path()), 3);
    }
}
