//! A thread of a gateway that works beside its writer.

use std::thread::JoinHandle;

use tokio::sync::oneshot;

/// A thread with a runtime of its own, which works until it is told to stop.
pub(super) struct Thread {
    stop: oneshot::Sender<()>,
    handle: JoinHandle<()>,
}

impl Thread {
    /// Starts the thread. What it does is left off where it is when it is told to stop: a transaction ends with its session.
    ///
    /// # Errors
    /// The system has no thread for it.
    pub(super) fn start<F: Future>(name: &str, work: impl FnOnce() -> F + Send + 'static) -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, mut stopped) = oneshot::channel();
        let handle = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    biased;
                    _ = &mut stopped => {}
                    _ = work() => {}
                }
            });
        })?;
        Ok(Self { stop, handle })
    }

    /// Stops the thread and waits for it.
    pub(super) fn finish(self) {
        // One that has ended already needs no telling.
        let _ = self.stop.send(());
        let _ = self.handle.join();
    }
}
