//! Keeps a data directory to its owner: it holds what callers have told, and the key that signs tokens.
//!
//! The command makes every file under a mask that leaves others nothing. What an earlier release, a service manager or a
//! copy made wider is tightened when the directory is opened.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown};
use std::path::Path;

/// What others than the owner may do.
const OTHERS: u32 = 0o077;

/// Takes from others what they may do with the directory and everything in it.
///
/// # Errors
/// What the system says, and what would help, where that is not possible.
pub(super) fn close_to_others(directory: &Path) -> io::Result<()> {
    let mode = fs::metadata(directory)?.mode() & 0o7777;
    if mode & OTHERS != 0 {
        tighten(directory, mode)?;
        let (was, is) = (format!("{mode:04o}"), format!("{:04o}", mode & !OTHERS));
        tracing::warn!(path = %directory.display(), was, is, "others could look into the data directory; now its owner alone can");
    }
    each_entry(directory, &mut |path, metadata| {
        let mode = metadata.mode() & 0o7777;
        if mode & OTHERS == 0 || metadata.is_symlink() { Ok(()) } else { tighten(path, mode) }
    })
}

fn tighten(path: &Path, mode: u32) -> io::Result<()> {
    fs::set_permissions(path, Permissions::from_mode(mode & !OTHERS)).map_err(|error| {
        let reason = format!(
            "others may use {} (mode {mode:04o}) and that cannot be changed: {error}; \
             let it belong to the user that the gateway runs as, or take the rights of others away with chmod go=",
            path.display()
        );
        io::Error::new(error.kind(), reason)
    })
}

/// Gives everything in the directory to the directory's owner where somebody else, who may, has made it: whoever writes it
/// as root does so for the user that the gateway runs as. A directory that was just made becomes its parent's owner's.
pub(super) fn give_to_owner(directory: &Path, made: bool) -> io::Result<()> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let directory = directory.canonicalize()?;
    let example = if made { directory.parent().unwrap_or(&directory) } else { &directory };
    let owner = fs::metadata(example)?;
    let mut give = |path: &Path, metadata: &fs::Metadata| {
        let same = (metadata.uid(), metadata.gid()) == (owner.uid(), owner.gid());
        if same { Ok(()) } else { lchown(path, Some(owner.uid()), Some(owner.gid())) }
    };
    give(&directory, &fs::metadata(&directory)?)?;
    each_entry(&directory, &mut give)
}

/// Calls `visit` for every file and directory below this one, links as they are.
fn each_entry(directory: &Path, visit: &mut impl FnMut(&Path, &fs::Metadata) -> io::Result<()>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let metadata = match fs::symlink_metadata(&path) {
            // Sled removes files of its own whenever it likes.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            metadata => metadata?,
        };
        visit(&path, &metadata)?;
        if metadata.is_dir() {
            each_entry(&path, visit)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o7777
    }

    #[test]
    fn what_others_could_read_is_its_owners_alone_afterwards() {
        let home = tempfile::tempdir().unwrap();
        let directory = home.path().join("data");
        fs::create_dir_all(directory.join("blobs")).unwrap();
        fs::write(directory.join("db"), "x").unwrap();
        fs::write(directory.join("blobs/1"), "x").unwrap();
        fs::set_permissions(&directory, Permissions::from_mode(0o755)).unwrap();
        fs::set_permissions(directory.join("blobs"), Permissions::from_mode(0o775)).unwrap();
        fs::set_permissions(directory.join("db"), Permissions::from_mode(0o644)).unwrap();
        fs::set_permissions(directory.join("blobs/1"), Permissions::from_mode(0o666)).unwrap();
        close_to_others(&directory).unwrap();
        let modes = ["", "blobs", "db", "blobs/1"].map(|name| mode(&directory.join(name)));
        assert_eq!(modes, [0o700, 0o700, 0o600, 0o600]);
    }
}
