//! The real binary as a process: started, told to stop, killed.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::database::{PASSWORD, Server};
use crate::disk::{Disk, Honesty};
use crate::wire::{KEY, TENANT};

/// How long a start or an orderly stop may take on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);
/// The groups that the numbers of the configuration belong to.
pub(crate) const GROUPS: [&str; 3] = ["lines", "web", "mobile"];
/// The access code of the called routes, and the application that may route it.
pub(crate) const ACCESS_CODE: &str = "9911411";
pub(crate) const AICC_KEY: &str = "crash-console";
pub(crate) const AICC_SECRET: &str = "crash-console-secret";
/// How many numbers of each group an empty data directory starts with.
const SEEDED: usize = 90;

/// Where a gateway lives: configuration, data and log, kept over all its deaths.
pub(crate) struct Home {
    directory: PathBuf,
    /// The disk that the data are on, where it is one to experiment with.
    disk: Option<Mutex<Disk>>,
    /// The server that the data are in, where they are in no directory.
    database: Option<Server>,
}

impl Home {
    /// A home in an empty directory, on the disk of this machine.
    pub(crate) fn new(directory: &Path) -> Self {
        Self { directory: directory.to_owned(), disk: None, database: None }
    }

    /// A home whose data are in a PostgreSQL of its own.
    pub(crate) fn on_database(directory: &Path) -> Self {
        Self { database: Some(Server::start(&[])), ..Self::new(directory) }
    }

    /// A home in an empty directory with the data on a disk that can lose its power.
    pub(crate) fn on_disk(directory: &Path, honesty: Honesty) -> Self {
        Self { disk: Some(Mutex::new(Disk::new(directory, honesty))), ..Self::new(directory) }
    }

    /// The data directory.
    pub(crate) fn data(&self) -> PathBuf {
        match &self.disk {
            Some(_) => self.with_disk(|disk| disk.root().join("data")),
            None => self.directory.join("data"),
        }
    }

    /// Whether its power can fail.
    pub(crate) fn has_disk(&self) -> bool {
        self.disk.is_some()
    }

    /// The server that the data are in, if they are in one.
    pub(crate) fn database(&self) -> Option<&Server> {
        self.database.as_ref()
    }

    /// Does something with the disk.
    pub(crate) fn with_disk<T>(&self, act: impl FnOnce(&mut Disk) -> T) -> T {
        let disk = self.disk.as_ref().expect("this home has a disk to experiment with");
        act(&mut disk.lock().expect("nobody panics with the disk in hand"))
    }

    /// Writes the configuration. Interact lends numbers for `lasting` seconds.
    pub(crate) fn configure(&self, lasting: u64) {
        let numbers: String = seeded()
            .map(|(number, dnid, group)| {
                format!("    {{ number = \"{number}\", dnid = \"{dnid}\", group = \"{group}\" }},\n")
            })
            .collect();
        let store = self.database.as_ref().map_or_else(String::new, |server| {
            let url = server.url();
            format!("[store]\nengine = \"postgres\"\n[store.postgres]\nurl = \"{url}\"\npassword = \"{PASSWORD}\"\n")
        });
        // The password is "password".
        let text = format!(
            "{store}[gms]\nanonymous_tenant = \"{TENANT}\"\n[interact]\nallocation_timeout = {lasting}\n\
             [[tenant]]\nid = \"{TENANT}\"\n\
             users = [{{ name = \"admin\", password_hash = \"$argon2id$v=19$m=19456,t=2,p=1$\
             Bon9LKDirvIhYIa4ME7ENQ$RW6yam07XUK0Im6uGx/mDBPViqYteT6SlP9hyC/WDWg\" }}]\n\
             applications = [{{ name = \"numbers\", kind = \"dnis\", key = \"{KEY}\" }}]\n\
             groups = [\n    {{ name = \"lines\", policy = \"round-robin\" }},\n    \
             {{ name = \"web\", policy = \"random\" }},\n    \
             {{ name = \"mobile\", policy = \"least-recently-freed\" }},\n]\nnumbers = [\n{numbers}]\n\
             [tenant.aicc]\n\
             applications = [{{ app_key = \"{AICC_KEY}\", app_secret = \"{AICC_SECRET}\" }}]\n\
             access_codes = [{{ code = \"{ACCESS_CODE}\" }}]\n\
             skills = [{{ id = 1, name = \"calls\", media_type = 5 }}]\n"
        );
        fs::write(self.directory.join("gateway.toml"), text).expect("the configuration can be written");
    }

    /// Starts the gateway, and does not wait for it.
    pub(crate) fn spawn(&self) -> Gateway {
        let log = OpenOptions::new().create(true).append(true).open(self.log_file()).expect("the log can be written");
        let mut command = Command::new(env!("CARGO_BIN_EXE_dnis-gateway"));
        if self.disk.is_some() {
            self.with_disk(|disk| disk.lie_under(&mut command));
        }
        command.args(["serve", "--listen", "127.0.0.1:0", "--config"]).arg(self.directory.join("gateway.toml"));
        if self.database.is_none() {
            command.arg("--data").arg(self.data());
        }
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("the binary that was built for this test starts");
        let stdout = child.stdout.take().expect("stdout is a pipe");
        let (lines, announced) = channel();
        thread::spawn(move || {
            // Nobody listens any more once the gateway is killed.
            BufReader::new(stdout).lines().map_while(Result::ok).for_each(|line| drop(lines.send(line)));
        });
        Gateway { child, announced, spawned: Instant::now() }
    }

    /// What the gateway has written to its log in all its lives, the end of it.
    pub(crate) fn log(&self) -> String {
        let log = File::open(self.log_file()).map(BufReader::new);
        let lines: Vec<String> = log.map(|log| log.lines().map_while(Result::ok).collect()).unwrap_or_default();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    fn log_file(&self) -> PathBuf {
        self.directory.join("stderr.log")
    }
}

/// The numbers that an empty data directory starts with: number, DNID, group.
pub(crate) fn seeded() -> impl Iterator<Item = (String, String, &'static str)> {
    let numbers = GROUPS.into_iter().enumerate().flat_map(|(place, group)| (0..SEEDED).map(move |n| (place, n, group)));
    numbers.map(|(place, n, group)| (format!("49305550{place}{n:03}"), format!("8{place}{n:03}"), group))
}

/// What is known of a gateway that was killed.
pub(crate) struct Death {
    /// It had ended by itself before the signal came.
    pub(crate) ended: bool,
    /// It had said something on stdout that nobody had read yet; before [`Gateway::listening`] is called, that it listens.
    pub(crate) announced: bool,
}

/// A running gateway. One that is dropped is killed.
pub(crate) struct Gateway {
    child: Child,
    announced: Receiver<String>,
    spawned: Instant,
}

impl Gateway {
    /// Waits until it listens; where, and how long after its start.
    ///
    /// # Errors
    /// It ended, or took too long.
    pub(crate) fn listening(&mut self) -> Result<(String, Duration), String> {
        match self.announced.recv_timeout(LIMIT) {
            Ok(line) => match line.strip_prefix("listening on ") {
                Some(base) => Ok((base.to_owned(), self.spawned.elapsed())),
                None => Err(format!("its first line is '{line}'")),
            },
            Err(RecvTimeoutError::Timeout) => Err(format!("it does not listen after {LIMIT:?}")),
            Err(RecvTimeoutError::Disconnected) => Err(format!("it ended before it listened: {:?}", self.child.wait())),
        }
    }

    /// Where its admin listener is, once it listens.
    ///
    /// # Errors
    /// It ended, or took too long.
    pub(crate) fn admin(&mut self) -> Result<String, String> {
        let line = self.announced.recv_timeout(LIMIT).map_err(|error| format!("no second line: {error}"))?;
        let base = line.strip_prefix("admin on ").ok_or_else(|| format!("its second line is '{line}'"))?;
        Ok(base.to_owned())
    }

    /// Waits until it has ended; how.
    ///
    /// # Errors
    /// It goes on.
    pub(crate) fn ended(mut self) -> Result<ExitStatus, String> {
        let began = Instant::now();
        while began.elapsed() < LIMIT {
            match self.child.try_wait().expect("a child can be asked") {
                Some(status) => return Ok(status),
                None => thread::sleep(Duration::from_millis(10)),
            }
        }
        Err(format!("it still runs after {LIMIT:?}"))
    }

    /// Kills it without warning.
    pub(crate) fn kill(mut self) -> Death {
        let ended = self.child.try_wait().expect("a child can be asked").is_some();
        self.child.kill().expect("a child can be killed");
        self.child.wait().expect("a child can be waited for");
        // Its end closes the pipe, and that ends the list of lines.
        Death { ended, announced: self.announced.iter().count() > 0 }
    }

    /// Asks it to stop.
    pub(crate) fn terminate(&self) {
        let told = Command::new("sh").args(["-c", &format!("kill -TERM {}", self.child.id())]).status();
        assert!(told.expect("there is a shell").success(), "the signal could not be sent");
    }

    /// Waits until it has stopped by itself.
    ///
    /// # Errors
    /// It did not, or not as promised.
    pub(crate) fn stopped(self) -> Result<(), String> {
        match self.ended()? {
            status if status.success() => Ok(()),
            status => Err(format!("it stopped with {status}, not with success")),
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // It is over already after an orderly end, and then there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
