//! Between those who log and whoever reads it: a bounded room, and a thread of its own that writes.
//!
//! Nobody waits for the reader. A line that finds no room is counted; once there is room, the log says how many are
//! missing and where.

use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::flood::Flood;
use super::line::Form;
use super::{LEFT_OUT, UNREAD};

/// How many bytes of lines may wait for the reader.
const ROOM: usize = 1 << 20;
/// How often the thread looks for what is to be told of lines that were left out.
const LOOK: Duration = Duration::from_secs(1);
/// How long the end waits for the reader.
const LAST_LINES_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a reader is given who says that it can take nothing now.
const PAUSE: Duration = Duration::from_millis(10);

/// Lines on their way.
#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    /// There is something to write, or it is the end.
    stirred: Condvar,
    /// Everything is written.
    done: Condvar,
}

#[derive(Default)]
struct State {
    lines: Vec<u8>,
    /// Lines that found no room since the last that did.
    dropped: u64,
    closing: bool,
    ended: bool,
}

impl Queue {
    /// Hands a line over to be written.
    pub(super) fn put(&self, line: &str) {
        let mut state = self.state.lock();
        // After one was dropped the next ones are too, until it is told where they are missing.
        if state.dropped > 0 || state.lines.len() + line.len() > ROOM {
            state.dropped += 1;
            UNREAD.fetch_add(1, Ordering::Relaxed);
        } else {
            state.lines.extend_from_slice(line.as_bytes());
        }
        drop(state);
        self.stirred.notify_one();
    }

    /// Waits until everything is written, or until the reader has had time enough.
    pub(super) fn finish(&self) {
        let mut state = self.state.lock();
        state.closing = true;
        self.stirred.notify_one();
        self.done.wait_while_for(&mut state, |state| !state.ended, LAST_LINES_TIMEOUT);
    }

    /// The next lines to write and how many are missing after them; `None` at the end. Comes back now and then without
    /// any.
    fn take(&self, lines: &mut Vec<u8>) -> Option<u64> {
        let mut state = self.state.lock();
        if state.lines.is_empty() && state.dropped == 0 && !state.closing {
            self.stirred.wait_for(&mut state, LOOK);
        }
        if state.closing && state.lines.is_empty() && state.dropped == 0 {
            return None;
        }
        std::mem::swap(&mut state.lines, lines);
        Some(std::mem::take(&mut state.dropped))
    }

    fn end(&self) {
        self.state.lock().ended = true;
        self.done.notify_all();
    }
}

/// Begins to write to `out`, and to tell of what was left out.
///
/// # Errors
/// The system gives no thread.
pub(super) fn start(out: File, form: Form, flood: Arc<Flood>) -> io::Result<Arc<Queue>> {
    let queue = Arc::new(Queue::default());
    let writing = Arc::clone(&queue);
    thread::Builder::new().name("log".to_owned()).spawn(move || {
        run(&writing, out, form, &flood);
        writing.end();
    })?;
    Ok(queue)
}

fn run(queue: &Queue, mut out: impl Write, form: Form, flood: &Flood) {
    let mut lines = Vec::new();
    let mut looked = Instant::now();
    while let Some(dropped) = queue.take(&mut lines) {
        let now = Instant::now();
        if now.duration_since(looked) >= LOOK {
            looked = now;
            tell(flood, now, form, &mut lines);
        }
        if dropped > 0 {
            lines.extend_from_slice(form.unread(dropped).as_bytes());
        }
        write(&mut out, &lines);
        lines.clear();
    }
    // At the end nothing is left untold.
    tell(flood, Instant::now() + LOOK, form, &mut lines);
    write(&mut out, &lines);
}

fn tell(flood: &Flood, now: Instant, form: Form, lines: &mut Vec<u8>) {
    for left_out in flood.over(now) {
        LEFT_OUT.fetch_add(left_out.lines, Ordering::Relaxed);
        lines.extend_from_slice(form.left_out(&left_out).as_bytes());
    }
}

/// Writes lines, however long the reader takes. Where it has gone for good they are lost and counted.
fn write(out: &mut impl Write, mut lines: &[u8]) {
    while !lines.is_empty() {
        match out.write(lines) {
            Ok(written @ 1..) => lines = &lines[written..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(PAUSE),
            Ok(0) | Err(_) => {
                let lost = lines.iter().filter(|byte| **byte == b'\n').count();
                UNREAD.fetch_add(u64::try_from(lost).unwrap_or(u64::MAX), Ordering::Relaxed);
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    /// A queue whose lines go into a pipe.
    fn piped() -> (Arc<Queue>, io::PipeReader) {
        let (reader, writer) = io::pipe().unwrap();
        let out = File::from(std::os::fd::OwnedFd::from(writer));
        (start(out, Form::Json, Arc::new(Flood::new(1))).unwrap(), reader)
    }

    fn read(mut reader: io::PipeReader) -> thread::JoinHandle<String> {
        thread::spawn(move || {
            let mut text = String::new();
            reader.read_to_string(&mut text).unwrap();
            text
        })
    }

    #[test]
    fn lines_arrive_whole_and_in_order_and_the_end_waits_for_them() {
        let (queue, reader) = piped();
        let reading = read(reader);
        (0..2000).for_each(|count| queue.put(&format!("{count}\n")));
        queue.finish();
        assert!(queue.state.lock().ended);
        drop(queue);
        let counts: Vec<u32> = reading.join().unwrap().lines().map(|line| line.parse().unwrap()).collect();
        assert_eq!(counts, (0..2000).collect::<Vec<_>>());
    }

    #[test]
    fn a_reader_that_stands_still_holds_up_nobody_and_is_told_later_what_it_has_missed() {
        let (queue, reader) = piped();
        let line = format!("{}\n", "x".repeat(999));
        let put = 4 * ROOM / line.len();
        (0..put).for_each(|_| queue.put(&line));
        assert!(queue.state.lock().lines.len() <= ROOM);
        let text = read(reader);
        let start = Instant::now();
        while queue.state.lock().dropped > 0 {
            assert!(start.elapsed() < Duration::from_secs(30));
            thread::sleep(PAUSE);
        }
        queue.put("again\n");
        queue.finish();
        drop(queue);
        let text = text.join().unwrap();
        let told = text.lines().find(|line| line.contains("lines were dropped here")).unwrap();
        let dropped = serde_json::from_str::<serde_json::Value>(told).unwrap()["dropped"].as_u64().unwrap();
        let written = text.lines().filter(|line| line.starts_with('x')).count();
        assert_eq!(written + usize::try_from(dropped).unwrap(), put);
        assert!(text.ends_with("again\n"));
    }

    #[test]
    fn a_reader_that_has_gone_holds_up_nobody() {
        let (queue, reader) = piped();
        drop(reader);
        (0..10).for_each(|_| queue.put("a line\n"));
        queue.finish();
        assert!(queue.state.lock().ended);
    }
}
