//! A session beside the writer's, for whoever may wait, in a thread of its own: it can be asked from any other.

use std::sync::{Arc, mpsc as blocking};

use tokio::sync::mpsc;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Row, Statement};

use super::connect::{Session, told};
use super::load::{self, Loaded};
use super::records::STATEMENTS;
use super::shared::Shared;

/// What a session beside the writer's sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sees {
    /// Whatever there is now; another session is as good.
    Now,
    /// What there was when its transaction began.
    OnePoint,
}

/// What a statement is given.
pub(super) type Parameters = Vec<Box<dyn ToSql + Sync + Send>>;

struct Request {
    statement: usize,
    parameters: Parameters,
    answer: blocking::Sender<Result<Vec<Row>, String>>,
}

/// A session beside the writer's. It ends with this.
pub(super) struct Side(mpsc::UnboundedSender<Request>);

impl Side {
    /// Starts the thread. One that sees one point reads everything that is known then.
    ///
    /// # Errors
    /// The system has no thread for it, or what is known cannot be read.
    pub(super) fn start(shared: Arc<Shared>, sees: Sees) -> Result<(Self, Option<Loaded>), String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        let (requests, inbox) = mpsc::unbounded_channel();
        let (ready, begun) = blocking::channel();
        let thread = std::thread::Builder::new().name("store-records".to_owned());
        let started = thread.spawn(move || runtime.block_on(Asked { shared, sees, session: None }.work(inbox, ready)));
        started.map_err(|error| error.to_string())?;
        let begun = begun.recv().unwrap_or_else(|_| Err("the session did not come about".to_owned()));
        Ok((Self(requests), begun?))
    }

    /// Asks one of the statements.
    ///
    /// # Errors
    /// What the server says, or that it cannot be reached.
    pub(super) fn query(&self, statement: &str, parameters: Parameters) -> Result<Vec<Row>, String> {
        let place = STATEMENTS.iter().position(|known| *known == statement);
        let statement = place.ok_or_else(|| "there is no such statement".to_owned())?;
        let (answer, answered) = blocking::channel();
        let gone = || "the store is closed".to_owned();
        self.0.send(Request { statement, parameters, answer }).map_err(|_| gone())?;
        answered.recv().unwrap_or_else(|_| Err(gone()))
    }
}

struct Asked {
    shared: Arc<Shared>,
    sees: Sees,
    session: Option<(Session, Vec<Statement>)>,
}

impl Asked {
    async fn work(
        mut self,
        mut inbox: mpsc::UnboundedReceiver<Request>,
        ready: blocking::Sender<Result<Option<Loaded>, String>>,
    ) {
        let begun = match self.sees {
            Sees::Now => Ok(None),
            Sees::OnePoint => self.begin_at_one_point().await.map(Some),
        };
        let failed = begun.is_err();
        if ready.send(begun).is_err() || failed {
            return;
        }
        while let Some(Request { statement, parameters, answer }) = inbox.recv().await {
            // Whoever has gone away does not hear it.
            let _ = answer.send(self.ask(statement, &parameters).await);
        }
    }

    async fn begin_at_one_point(&mut self) -> Result<Loaded, String> {
        let (session, prepared) = self.connect().await?;
        load::begin(&session).await?;
        let loaded = load::within(&session).await?;
        self.session = Some((session, prepared));
        Ok(loaded)
    }

    async fn connect(&self) -> Result<(Session, Vec<Statement>), String> {
        let session = self.shared.target.connect().await.map_err(|refused| refused.0)?;
        let mut prepared = Vec::with_capacity(STATEMENTS.len());
        for text in STATEMENTS {
            prepared.push(session.prepare(text).await.map_err(|error| told(&error))?);
        }
        Ok((session, prepared))
    }

    async fn ask(&mut self, statement: usize, parameters: &Parameters) -> Result<Vec<Row>, String> {
        // A session may have ended while nobody looked: what is read or staged here can be done twice.
        let mut again = self.sees == Sees::Now;
        loop {
            let open = self.session.take().filter(|(session, _)| !session.is_closed());
            let (session, prepared) = match open {
                Some(open) => open,
                None if self.sees == Sees::OnePoint => {
                    return Err("the session that the backup reads in was lost".to_owned());
                }
                None => self.connect().await?,
            };
            let given: Vec<&(dyn ToSql + Sync)> = parameters.iter().map(|one| &**one as &(dyn ToSql + Sync)).collect();
            let outcome = session.query(&prepared[statement], &given).await;
            let lost = session.is_closed() || outcome.as_ref().is_err_and(tokio_postgres::Error::is_closed);
            self.session = Some((session, prepared));
            match outcome {
                Err(_) if lost && again => again = false,
                outcome => return outcome.map_err(|error| told(&error)),
            }
        }
    }
}
