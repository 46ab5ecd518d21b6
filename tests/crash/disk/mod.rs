//! A disk to experiment with: it can lose its power, fail, and lie.
//!
//! `layer.c` stands between the gateway and the C library and records what the gateway does to its files; here the
//! record is read, and the data directory made anew as a disk would hold it after a power cut.

mod image;

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read, Write};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use rand::SeedableRng;
use rand::rngs::StdRng;

pub(crate) use image::Cut;
use image::{Event, Image};

/// The orders of a disk that works.
const WORKING: [u8; 4] = *b"----";

/// What a disk is told to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Writes fail with an input/output error.
    WritesFail,
    /// The disk is full: writes are cut short and then refused, and so are new files.
    Full,
    /// It can be read only.
    ReadOnly,
    /// Syncs fail with an input/output error.
    SyncsFail,
    /// The same, and what sled takes for a sync fails too.
    AllSyncsFail,
}

impl Trouble {
    pub(crate) const ALL: [Self; 5] =
        [Self::WritesFail, Self::Full, Self::ReadOnly, Self::SyncsFail, Self::AllSyncsFail];

    fn orders(self) -> [u8; 4] {
        match self {
            Self::WritesFail => *b"I---",
            Self::Full => *b"F-F-",
            Self::ReadOnly => *b"R-R-",
            Self::SyncsFail => *b"-I--",
            Self::AllSyncsFail => *b"-A--",
        }
    }
}

/// Whether a disk does what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Honesty {
    Honest,
    /// `fdatasync` says that it worked and does nothing: what the gateway would be without the call.
    Lying,
}

/// A disk.
pub(crate) struct Disk {
    /// The directory whose files are on it.
    root: PathBuf,
    trace: PathBuf,
    orders: PathBuf,
    honesty: Honesty,
    /// What the disk held when the process started that uses it now.
    held: Option<Image>,
}

impl Disk {
    /// A disk with its files under `directory/disk`.
    pub(crate) fn new(directory: &Path, honesty: Honesty) -> Self {
        let directory = directory.canonicalize().expect("the directory of the test exists");
        let root = directory.join("disk");
        fs::create_dir(&root).expect("a directory can be made");
        let disk = Self { root, trace: directory.join("trace"), orders: directory.join("orders"), honesty, held: None };
        disk.works();
        disk
    }

    /// Where its files are.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Puts the disk under a process that is about to start.
    pub(crate) fn lie_under(&mut self, command: &mut Command) {
        self.held = Some(Image::read(&self.root).expect("the disk can be read"));
        File::create(&self.trace).expect("the record can be made");
        command.env("LD_PRELOAD", layer());
        command.env("DISK_ROOT", &self.root).env("DISK_TRACE", &self.trace).env("DISK_ORDERS", &self.orders);
    }

    /// From now on the disk works.
    pub(crate) fn works(&self) {
        self.order(WORKING);
    }

    /// From now on the disk is in trouble.
    pub(crate) fn gets_into(&self, trouble: Trouble) {
        self.order(trouble.orders());
    }

    fn order(&self, mut orders: [u8; 4]) {
        if self.honesty == Honesty::Lying {
            orders[3] = b'L';
        }
        // In place: the process has the file mapped.
        let mut file = OpenOptions::new().write(true).create(true).truncate(false).open(&self.orders);
        file.as_mut().map(|file| file.write_all(&orders)).expect("orders can be given").expect("orders can be given");
    }

    /// Cuts the power, now that the process is dead: what was not synced has the fate that `cut` says. Whether there was
    /// anything that was not synced.
    pub(crate) fn cut(&mut self, cut: Cut, rng: &mut StdRng) -> bool {
        let image = self.image();
        fs::remove_dir_all(&self.root).expect("the old disk can be thrown away");
        for (path, bytes) in image.after(cut, rng) {
            let path = self.root.join(path);
            match bytes {
                None => fs::create_dir(&path),
                Some(bytes) => fs::write(&path, bytes),
            }
            .expect("the new disk can be written");
        }
        image.has_unsynced()
    }

    /// Holds the record against the files, now that the process has ended in good order: had the disk kept everything,
    /// these are the files it would hold. What the layer had not seen would show here.
    pub(crate) fn record_is_whole(&mut self) -> Result<(), String> {
        let image = self.image();
        let recorded = image.after(Cut::Everything, &mut StdRng::seed_from_u64(0));
        self.held = Some(image);
        let found = Image::read(&self.root).expect("the disk can be read");
        let found = found.after(Cut::Everything, &mut StdRng::seed_from_u64(0));
        if recorded == found {
            return Ok(());
        }
        let paths: BTreeSet<&PathBuf> = recorded.keys().chain(found.keys()).collect();
        let differing = paths.into_iter().filter(|path| recorded.get(*path) != found.get(*path));
        Err(format!("the record of the disk and its files differ in {:?}", differing.collect::<Vec<_>>()))
    }

    /// What the disk holds and may hold, by the record of the process that has just ended.
    fn image(&mut self) -> Image {
        let mut image = self.held.take().expect("a process has used the disk");
        let mut trace = BufReader::new(File::open(&self.trace).expect("the record can be read"));
        while let Some(event) = self.next(&mut trace) {
            image.apply(event);
        }
        File::create(&self.trace).expect("the record can be emptied");
        image
    }

    /// The next event of the record; none after the last, nor where the process was killed while it wrote it down.
    fn next(&self, trace: &mut impl Read) -> Option<Event> {
        let mut head = [0; 24];
        complete(trace.read_exact(&mut head))?;
        let word = |at: usize| u64::from_ne_bytes(head[at..at + 8].try_into().expect("eight bytes"));
        let half = |at: usize| u32::from_ne_bytes(head[at..at + 4].try_into().expect("four bytes"));
        let (kind, handle, number) = (half(0), half(4), word(8));
        let mut bytes = vec![0; usize::try_from(word(16)).expect("a record fits into memory")];
        complete(trace.read_exact(&mut bytes))?;
        let path = |bytes: &[u8]| {
            let path = PathBuf::from(std::ffi::OsString::from_vec(bytes.to_vec()));
            path.strip_prefix(&self.root).expect("only files on the disk are recorded").to_owned()
        };
        Some(match kind {
            1 => Event::Open { handle, path: path(&bytes), creates: number & 1 != 0, truncates: number & 2 != 0 },
            2 => Event::Write { handle, offset: number, bytes },
            3 => Event::Resize { handle, size: number },
            4 => Event::Grow { handle, size: number },
            5 => Event::SyncBegun { handle, serial: number },
            6 => Event::Synced { handle, serial: number },
            7 => {
                let middle = bytes.iter().position(|byte| *byte == 0).expect("two names");
                Event::Rename { from: path(&bytes[..middle]), to: path(&bytes[middle + 1..]) }
            }
            8 => Event::Remove { path: path(&bytes) },
            9 => Event::MakeDirectory { path: path(&bytes) },
            other => panic!("the layer has recorded something unknown: {other}"),
        })
    }
}

fn complete(read: io::Result<()>) -> Option<()> {
    match read {
        Ok(()) => Some(()),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => None,
        Err(error) => panic!("the record cannot be read: {error}"),
    }
}

/// The layer, built on first use.
fn layer() -> &'static Path {
    static LAYER: OnceLock<PathBuf> = OnceLock::new();
    LAYER.get_or_init(|| {
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/crash/disk/layer.c");
        // Under a name of this process alone: another run of the tests may be using its own.
        let built = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("disk-layer-{}.so", std::process::id()));
        let output = Command::new("cc")
            .args(["-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", "-o"])
            .args([built.as_path(), Path::new(source)])
            .output()
            .expect("a C compiler is needed, by the name of cc");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        built
    })
}
