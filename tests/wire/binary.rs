//! The real binary: started, listened to, signalled and waited for.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, ExitStatus, Output, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// Longer than anything takes, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running `serve`; killed when it goes out of scope.
pub(crate) struct Binary {
    child: Child,
    lines: Receiver<String>,
    log: Arc<Mutex<String>>,
    /// The end of the log's pipe, where nobody reads it.
    _unread: Option<ChildStderr>,
    announced: Vec<String>,
}

/// What whoever started it does with its log.
#[derive(Clone, Copy)]
enum Reader {
    Listens,
    StandsStill,
}

/// Gathers a log while it is written.
fn listen(mut error: ChildStderr, heard: Arc<Mutex<String>>) {
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(read @ 1..) = error.read(&mut buffer) {
            heard.lock().push_str(&String::from_utf8_lossy(&buffer[..read]));
        }
    });
}

/// The binary with nothing of this process' environment in it.
fn command(arguments: &[impl AsRef<OsStr>]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dnis-gateway"));
    command.args(arguments).env_clear();
    command
}

/// Runs a command to its end.
pub(crate) fn run(arguments: &[impl AsRef<OsStr>], input: &[u8], environment: &[(&str, &str)]) -> Output {
    let mut command = command(arguments);
    command.envs(environment.iter().copied());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A command that does not read its input may be gone before it is written.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

/// What a command wrote to standard output and to standard error.
pub(crate) fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_owned()).unwrap();
    (text(&output.stdout), text(&output.stderr))
}

impl Binary {
    /// The demo over a directory, on free ports.
    pub(crate) fn demo(data: &Path) -> Self {
        Self::serve(&[OsStr::new("--demo"), OsStr::new("--data"), data.as_os_str()])
    }

    /// `serve` with more arguments, on free ports; waits until it has announced itself.
    pub(crate) fn serve(arguments: &[&OsStr]) -> Self {
        Self::in_directory(Path::new("."), &[], arguments)
    }

    /// As [`Binary::serve`], with an environment of its own and a log that nobody reads.
    pub(crate) fn unheard(environment: &[(&str, &Path)], arguments: &[&OsStr]) -> Self {
        Self::start(Path::new("."), environment, arguments, Reader::StandsStill)
    }

    /// As [`Binary::serve`], in a working directory and with an environment of its own.
    pub(crate) fn in_directory(working: &Path, environment: &[(&str, &Path)], arguments: &[&OsStr]) -> Self {
        Self::start(working, environment, arguments, Reader::Listens)
    }

    /// As [`Binary::serve`], with so many descriptors and no way to have more.
    pub(crate) fn limited(descriptors: usize, arguments: &[&OsStr]) -> Self {
        let mut command = Command::new("/bin/sh");
        let run = format!("ulimit -n {descriptors} && exec \"$0\" serve --listen 127.0.0.1:0 \"$@\"");
        command.arg("-c").arg(run).arg(env!("CARGO_BIN_EXE_dnis-gateway")).args(arguments).env_clear();
        Self::started(command, Reader::Listens)
    }

    fn start(working: &Path, environment: &[(&str, &Path)], arguments: &[&OsStr], reader: Reader) -> Self {
        let mut command = command(&["serve", "--listen", "127.0.0.1:0"]);
        command.args(arguments).current_dir(working).envs(environment.iter().copied());
        Self::started(command, reader)
    }

    /// Starts it and waits until it has announced itself.
    fn started(mut command: Command, reader: Reader) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (sender, lines) = mpsc::channel();
        let out = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let log = Arc::new(Mutex::new(String::new()));
        let error = child.stderr.take().unwrap();
        let unread = match reader {
            Reader::StandsStill => Some(error),
            Reader::Listens => {
                listen(error, Arc::clone(&log));
                None
            }
        };
        let mut binary = Self { child, lines, log, _unread: unread, announced: Vec::new() };
        while binary.announced.len() < 5 {
            let line = binary.lines.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("it did not announce itself: {}", binary.log()));
            binary.announced.push(line);
        }
        binary
    }

    /// What it printed when it was ready.
    pub(crate) fn announced(&self) -> &[String] {
        &self.announced
    }

    /// What it prints after that, up to the first line that has `last` in it.
    pub(crate) fn more_until(&self, last: &str) -> String {
        let mut text = String::new();
        while !text.contains(last) {
            let line = self.lines.recv_timeout(PATIENCE);
            text.push_str(&line.unwrap_or_else(|_| panic!("no line with {last}: {text}")));
            text.push('\n');
        }
        text
    }

    /// Where the dialects answer, as a URL.
    pub(crate) fn url(&self) -> &str {
        self.announced[0].strip_prefix("listening on ").unwrap()
    }

    /// Where health and metrics answer, as a URL.
    pub(crate) fn admin_url(&self) -> &str {
        self.announced[1].strip_prefix("admin on ").unwrap()
    }

    /// Everything logged so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().clone()
    }

    /// Waits until the log is as it should be.
    pub(crate) fn wait_until(&self, logged: impl Fn(&str) -> bool) {
        let start = Instant::now();
        while !logged(&self.log.lock()) {
            assert!(start.elapsed() < PATIENCE, "what should be logged is not: {}", self.log());
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// The id of the process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal, such as `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        let kill = format!("kill -s {name} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(start.elapsed() < PATIENCE, "it did not end: {}", self.log());
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Asks it to stop and waits for its end.
    pub(crate) fn stop(mut self) -> ExitStatus {
        self.signal("TERM");
        self.wait()
    }
}

impl Drop for Binary {
    fn drop(&mut self) {
        // It may have ended long ago.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
