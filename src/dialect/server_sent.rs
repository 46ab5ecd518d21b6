//! Server-sent events: what happens is told to whoever follows, piece by piece, as long as the connection lasts.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use tokio::time::{Instant, sleep_until, timeout};

use super::stream::Outgoing;
use crate::store::events::{Event, Follower, News};

/// The media type of a stream of events.
pub const EVENT_STREAM: &str = "text/event-stream";
/// After so long without an event a line is sent that says nothing, so that a connection that is gone is noticed.
const BEAT: Duration = Duration::from_secs(3);
/// How long one stream lasts. Whoever goes on comes back with the last id, and is let in anew.
const LASTS: Duration = Duration::from_secs(10 * 60);
/// How soon whoever was cut off should come back, in milliseconds.
const BACK: &str = "retry: 2000\n\n";
/// What is told first where something is missing.
const RESET: &str = "event: reset\ndata: {}\n\n";

/// What one event is to those who follow: its name and its data, one line of JSON. `None` where it is not for them.
pub type Told = Option<(&'static str, String)>;

/// The events of `follower` as an answer's body.
pub fn body(follower: Follower, show: impl Fn(&Event) -> Told + 'static) -> Outgoing {
    let following = Following { follower, show, until: Instant::now() + LASTS, begun: false };
    Box::pin(stream::unfold(following, Following::piece))
}

struct Following<S> {
    follower: Follower,
    show: S,
    until: Instant,
    begun: bool,
}

impl<S: Fn(&Event) -> Told> Following<S> {
    /// The next piece of the body; `None` at its end.
    async fn piece(mut self) -> Option<(std::io::Result<Bytes>, Self)> {
        if !std::mem::replace(&mut self.begun, true) {
            return Some((Ok(Bytes::from_static(BACK.as_bytes())), self));
        }
        let news = tokio::select! {
            news = timeout(BEAT, self.follower.next()) => news,
            () = sleep_until(self.until) => return None,
        };
        let piece = match news {
            Err(_) => Bytes::from_static(b":\n\n"),
            Ok(News::Reset) => Bytes::from_static(RESET.as_bytes()),
            Ok(News::End) => return None,
            Ok(News::Events(events)) => self.told(&events).into(),
        };
        Some((Ok(piece), self))
    }

    fn told(&self, events: &[Arc<Event>]) -> String {
        let told = events.iter().filter_map(|event| (self.show)(event).map(|told| (event.id, told)));
        let told = told.map(|(id, (name, data))| format!("id: {id}\nevent: {name}\ndata: {data}\n\n"));
        let told: String = told.collect();
        // An empty piece would be taken for the end.
        if told.is_empty() { ":\n\n".to_owned() } else { told }
    }
}
