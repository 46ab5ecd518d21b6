//! What a disk holds, and what it may hold after the power has failed.
//!
//! The rules are those of POSIX at their strictest, with the one thing added that every journaling file system gives:
//! changes of names reach the disk in their order. A write is safe once a sync of its file that began after it has come
//! back. A name is safe once a sync of its directory has. Until then anything may have come of a write, sector by
//! sector, and any number of the changes of names, from the first one on, may have been carried out.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IteratorRandom;

/// What a drive writes whole or not at all.
const SECTOR: usize = 512;

/// How the power fails: what becomes of all that was not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cut {
    /// Nothing of it is on the disk.
    Nothing,
    /// All of it is.
    Everything,
    /// What came first is, up to the middle of a write.
    First,
    /// What came last is, from the middle of a write on: drives write in any order.
    Last,
    /// Any sectors of it are.
    Any,
    /// Nothing of what was written is, but all names are.
    NamesOnly,
}

impl Cut {
    pub(crate) const ALL: [Self; 6] =
        [Self::Nothing, Self::Everything, Self::First, Self::Last, Self::Any, Self::NamesOnly];
}

/// One thing that a process did to its files. Paths are relative to the root of the image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Open { handle: u32, path: PathBuf, creates: bool, truncates: bool },
    Write { handle: u32, offset: u64, bytes: Vec<u8> },
    Resize { handle: u32, size: u64 },
    Grow { handle: u32, size: u64 },
    SyncBegun { handle: u32, serial: u64 },
    Synced { handle: u32, serial: u64 },
    Rename { from: PathBuf, to: PathBuf },
    Remove { path: PathBuf },
    MakeDirectory { path: PathBuf },
}

/// A file or directory, whatever its name.
type Node = usize;

/// A change of a file's bytes that is not synced.
#[derive(Clone, Debug)]
enum Unsynced {
    Bytes { offset: u64, bytes: Vec<u8> },
    Size(u64),
    AtLeast(u64),
}

/// What a node is, as far as it is safe, and what may become of it.
#[derive(Clone, Debug, Default)]
struct Content {
    directory: bool,
    safe: Vec<u8>,
    /// In their order, each with its time.
    unsynced: Vec<(u64, Unsynced)>,
}

/// A change of names that is not synced.
#[derive(Clone, Debug)]
enum Renaming {
    Put(PathBuf, Node),
    Move(PathBuf, PathBuf),
    Remove(PathBuf),
}

/// A directory tree as a disk has it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Image {
    nodes: Vec<Content>,
    /// The names as the process sees them, and those that are safe.
    seen: BTreeMap<PathBuf, Node>,
    safe: BTreeMap<PathBuf, Node>,
    /// In their order, each with its time.
    renamings: Vec<(u64, Renaming)>,
    handles: HashMap<u32, Node>,
    /// The syncs under way: of what, and since when.
    syncs: HashMap<u64, (Node, u64)>,
    /// How many events there were.
    clock: u64,
}

impl Image {
    /// An empty directory.
    pub(crate) fn empty() -> Self {
        let mut image = Self::default();
        image.put_safe(PathBuf::new(), Content { directory: true, ..Content::default() });
        image
    }

    /// Reads a tree; all of it is safe.
    pub(crate) fn read(root: &Path) -> io::Result<Self> {
        let mut image = Self::empty();
        image.read_directory(root, Path::new(""))?;
        Ok(image)
    }

    fn read_directory(&mut self, root: &Path, below: &Path) -> io::Result<()> {
        for entry in fs::read_dir(root.join(below))? {
            let entry = entry?;
            let path = below.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                self.put_safe(path.clone(), Content { directory: true, ..Content::default() });
                self.read_directory(root, &path)?;
            } else {
                let safe = fs::read(entry.path())?;
                self.put_safe(path, Content { safe, ..Content::default() });
            }
        }
        Ok(())
    }

    fn put_safe(&mut self, path: PathBuf, content: Content) {
        self.seen.insert(path.clone(), self.nodes.len());
        self.safe.insert(path, self.nodes.len());
        self.nodes.push(content);
    }

    /// The process is dead, and another one comes: what is not synced stays so.
    pub(crate) fn next_process(&mut self) {
        self.handles.clear();
        self.syncs.clear();
    }

    /// Lets something happen.
    pub(crate) fn apply(&mut self, event: Event) {
        self.clock += 1;
        match event {
            Event::Open { handle, path, creates, truncates } => self.open(handle, path, creates, truncates),
            Event::Write { handle, offset, bytes } => self.change(handle, Unsynced::Bytes { offset, bytes }),
            Event::Resize { handle, size } => self.change(handle, Unsynced::Size(size)),
            Event::Grow { handle, size } => self.change(handle, Unsynced::AtLeast(size)),
            Event::SyncBegun { handle, serial } => {
                self.syncs.insert(serial, (self.handles[&handle], self.clock));
            }
            Event::Synced { serial, .. } => self.synced(serial),
            Event::Rename { from, to } => {
                assert!(self.seen.contains_key(&from), "what is renamed is there");
                rename(&mut self.seen, &from, &to);
                self.renamings.push((self.clock, Renaming::Move(from, to)));
            }
            Event::Remove { path } => {
                self.seen.remove(&path).expect("what is removed is there");
                self.renamings.push((self.clock, Renaming::Remove(path)));
            }
            Event::MakeDirectory { path } => {
                self.put_new(path, Content { directory: true, ..Content::default() });
            }
        }
    }

    fn put_new(&mut self, path: PathBuf, content: Content) -> Node {
        let node = self.nodes.len();
        self.nodes.push(content);
        self.seen.insert(path.clone(), node);
        self.renamings.push((self.clock, Renaming::Put(path, node)));
        node
    }

    fn open(&mut self, handle: u32, path: PathBuf, creates: bool, truncates: bool) {
        let node = match self.seen.get(&path) {
            Some(node) => *node,
            None if creates => self.put_new(path, Content::default()),
            None => panic!("{} was opened, but is not there", path.display()),
        };
        self.handles.insert(handle, node);
        if truncates {
            self.change(handle, Unsynced::Size(0));
        }
    }

    fn change(&mut self, handle: u32, change: Unsynced) {
        let node = self.handles[&handle];
        self.nodes[node].unsynced.push((self.clock, change));
    }

    fn synced(&mut self, serial: u64) {
        let (node, since) = self.syncs.remove(&serial).expect("a sync that comes back has begun");
        if self.nodes[node].directory {
            self.sync_names(node, since);
            return;
        }
        let content = &mut self.nodes[node];
        let covered = content.unsynced.partition_point(|(when, _)| *when < since);
        for (_, change) in content.unsynced.drain(..covered) {
            change.apply(&mut content.safe);
        }
    }

    /// Makes the changes of names in this directory safe that came before `since`.
    fn sync_names(&mut self, directory: Node, since: u64) {
        let Some((here, _)) = self.seen.iter().find(|(_, node)| **node == directory) else { return };
        let safe = &mut self.safe;
        self.renamings.retain(|(when, renaming)| {
            let covered = *when < since && renaming.directory() == Some(here);
            if covered {
                renaming.apply(safe);
            }
            !covered
        });
    }

    /// What the disk holds after a power cut: directories and files.
    pub(crate) fn after(&self, cut: Cut, rng: &mut StdRng) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
        let renamings = match cut {
            Cut::Nothing => 0,
            Cut::Everything | Cut::NamesOnly => self.renamings.len(),
            Cut::First | Cut::Last | Cut::Any => rng.random_range(0..=self.renamings.len()),
        };
        let mut names = self.safe.clone();
        self.renamings[..renamings].iter().for_each(|(_, renaming)| renaming.apply(&mut names));
        // The write in which the first of it ends, or the last of it begins.
        let unsynced = self.nodes.iter().flat_map(|content| &content.unsynced);
        let middle = unsynced.map(|(when, _)| *when).choose(rng).unwrap_or(self.clock);
        // A drive that has kept nearly all, or next to nothing, is as likely as one that has kept half.
        let share = [0.02, 0.5, 0.98][rng.random_range(0..3)];
        let mut files = BTreeMap::new();
        for (path, node) in &names {
            // Without the directories above it a file cannot be found.
            if path.ancestors().any(|above| !names.contains_key(above)) {
                continue;
            }
            let content = &self.nodes[*node];
            let bytes = (!content.directory).then(|| content.after(cut, middle, share, rng));
            files.insert(path.clone(), bytes);
        }
        files
    }

    /// What a process sees in a file; nothing, where there is none.
    pub(crate) fn file(&self, path: &Path) -> Vec<u8> {
        let Some(node) = self.seen.get(path) else { return Vec::new() };
        let content = &self.nodes[*node];
        let mut file = content.safe.clone();
        content.unsynced.iter().for_each(|(_, change)| change.apply(&mut file));
        file
    }

    /// Whether there is anything that is not safe.
    pub(crate) fn has_unsynced(&self) -> bool {
        !self.renamings.is_empty() || self.nodes.iter().any(|content| !content.unsynced.is_empty())
    }
}

impl Renaming {
    fn directory(&self) -> Option<&Path> {
        match self {
            Self::Put(path, _) | Self::Move(_, path) | Self::Remove(path) => path.parent(),
        }
    }

    fn apply(&self, names: &mut BTreeMap<PathBuf, Node>) {
        match self {
            Self::Put(path, node) => drop(names.insert(path.clone(), *node)),
            Self::Remove(path) => drop(names.remove(path)),
            Self::Move(from, to) => rename(names, from, to),
        }
    }
}

/// Gives another name to a file, or to a directory with all that is in it.
fn rename(names: &mut BTreeMap<PathBuf, Node>, from: &Path, to: &Path) {
    let moved: Vec<PathBuf> = names.keys().filter(|path| path.starts_with(from)).cloned().collect();
    for path in moved {
        let node = names.remove(&path).expect("it was there a moment ago");
        let below = path.strip_prefix(from).expect("it begins with the old name");
        let renamed = if below.as_os_str().is_empty() { to.to_owned() } else { to.join(below) };
        names.insert(renamed, node);
    }
}

impl Unsynced {
    fn apply(&self, file: &mut Vec<u8>) {
        match self {
            Self::Bytes { offset, bytes } => put(file, *offset, bytes),
            Self::Size(size) => file.resize(place(*size), 0),
            Self::AtLeast(size) => file.resize(file.len().max(place(*size)), 0),
        }
    }
}

impl Content {
    fn after(&self, cut: Cut, middle: u64, share: f64, rng: &mut StdRng) -> Vec<u8> {
        let mut file = self.safe.clone();
        for (when, change) in &self.unsynced {
            match cut {
                Cut::Nothing | Cut::NamesOnly => {}
                Cut::Everything => change.apply(&mut file),
                Cut::First if *when < middle => change.apply(&mut file),
                Cut::First if *when > middle => {}
                Cut::Last if *when > middle => change.apply(&mut file),
                Cut::Last if *when < middle => {}
                Cut::First | Cut::Last | Cut::Any => match change {
                    Unsynced::Bytes { offset, bytes } => {
                        let some = if cut == Cut::Any { share } else { rng.random_range(0.0..1.0) };
                        put_some_sectors(&mut file, *offset, bytes, |_| rng.random_bool(some));
                    }
                    _ if rng.random_bool(share) => change.apply(&mut file),
                    _ => {}
                },
            }
        }
        file
    }
}

/// Puts those sectors of a write into a file that `keep` names.
fn put_some_sectors(file: &mut Vec<u8>, offset: u64, bytes: &[u8], mut keep: impl FnMut(usize) -> bool) {
    let mut from = 0;
    while from < bytes.len() {
        let start = place(offset) + from;
        let length = (SECTOR - start % SECTOR).min(bytes.len() - from);
        if keep(start / SECTOR) {
            put(file, start as u64, &bytes[from..from + length]);
        }
        from += length;
    }
}

fn put(file: &mut Vec<u8>, offset: u64, bytes: &[u8]) {
    let (from, to) = (place(offset), place(offset) + bytes.len());
    if file.len() < to {
        file.resize(to, 0);
    }
    file[from..to].copy_from_slice(bytes);
}

fn place(offset: u64) -> usize {
    usize::try_from(offset).expect("a file of the test fits into memory")
}
