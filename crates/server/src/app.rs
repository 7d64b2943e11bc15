//! The daemon's life: built, started, reloaded, stopped by its caller.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bellwether_ingest::FileQuarantine;
use bellwether_model::{Problem, Problems};
use bellwether_store::{EventLog, Segments, StoreClock};
use chrono::SubsecRound;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::alerts::{Post, Round, Sending, evaluate};
use crate::apart::{apart, finished};
use crate::counted::Counted;
use crate::http::{self, Life, Web};
use crate::quarantine::Shared;
use crate::supervisor::{self, Supervisor, Tools};
use crate::{Address, Changes, Configured, FeedHealth, Reads, ServerError, Settings};

/// How often the log's anchor is brought up to date while there are appends.
const ANCHOR: Duration = Duration::from_secs(1);
/// How often and how long a start waits for a store that is in use.
const PATIENCE: (u32, Duration) = (30, Duration::from_millis(50));

/// A daemon. It neither prints, nor exits, nor listens to signals.
pub struct App {
    settings: Settings,
    clock: Arc<dyn StoreClock>,
    configured: Arc<Configured>,
    stop: watch::Sender<bool>,
    life: watch::Sender<Life>,
    running: Option<Running>,
}

/// What there is once the store is open.
struct Running {
    segments: Arc<Segments>,
    tools: Tools,
    supervisor: Option<Supervisor>,
    sending: Option<Sending>,
    /// Server, anchor and watch over the log.
    tasks: Vec<JoinHandle<()>>,
    address: Option<(SocketAddr, PathBuf)>,
}

/// What [`App::once`] came to.
#[derive(Clone, Debug)]
pub struct Once {
    /// How each feed is.
    pub feeds: Vec<FeedHealth>,
    /// Steps of alerts that were appended.
    pub moved: u64,
    /// Notifications that were taken.
    pub sent: u64,
    /// Notifications that wait still.
    pub waiting: u64,
}

impl App {
    /// Reads the configuration and judges the settings; opens nothing.
    ///
    /// # Errors
    /// [`ServerError::Config`]; [`ServerError::Refused`] for an address that others can reach without tokens.
    pub fn new(settings: Settings, clock: Arc<dyn StoreClock>) -> Result<Self, ServerError> {
        let ip = settings.listen.ip().to_canonical();
        if !ip.is_loopback() && settings.tokens.is_empty() {
            let problem = Problem::new(
                "others can reach this address, and there are no tokens",
                "set BELLWETHER_TOKEN_READ, _INGEST or _OPERATE (or …_FILE), or listen on 127.0.0.1",
            );
            return Err(ServerError::Refused(Box::new(
                problem.field("--listen").text(settings.listen.to_string()),
            )));
        }
        let configured = Arc::new(settings.configuration.load().map_err(ServerError::Config)?);
        if configured.frameworks.is_empty() {
            let problem = Problem::new("no framework", "put one into frameworks/").at(&configured.name, 0);
            return Err(ServerError::Config(problem.into()));
        }
        let now = clock.now().trunc_subsecs(6);
        let life = Life { started: now, configured_at: now, ..Life::default() };
        let (stop, life) = (watch::Sender::new(false), watch::Sender::new(life));
        Ok(Self { settings, clock, configured, stop, life, running: None })
    }

    /// Opens the store and the quarantine; needed by [`App::once`], done by [`App::start`].
    async fn open(&mut self) -> Result<Tools, ServerError> {
        if let Some(running) = &self.running {
            return Ok(running.tools.clone());
        }
        let (dir, clock) = (self.settings.store.clone(), Arc::clone(&self.clock));
        let options = self.settings.log.clone();
        let mut opening = apart("open", move || -> Result<_, ServerError> {
            let segments = Arc::new(opened(&dir, &clock, &options)?);
            let quarantine = FileQuarantine::open(&dir.join("quarantine"))?;
            let spool = crate::settings::spool(&dir);
            std::fs::create_dir_all(&spool)
                .map_err(|source| bellwether_store::Error::Io { path: spool, source })?;
            Ok((segments, quarantine))
        });
        let (segments, quarantine) =
            finished(&mut opening).await.map_err(|lost| ServerError::Internal(lost.to_string()))??;
        let opened = segments.opened();
        if let Some(why) = &opened.cut_reason {
            tracing::warn!(
                bytes = opened.cut_bytes,
                records = opened.cut_records,
                why,
                "an unfinished append was cut off; nothing of it was acknowledged"
            );
        }
        let log = Arc::new(Counted::new(Arc::clone(&segments) as Arc<dyn EventLog>));
        let seen = Arc::clone(&log) as Arc<dyn EventLog>;
        let reads = Reads::new(seen, Arc::clone(&self.clock), Arc::clone(&self.configured));
        let reads =
            Arc::new(reads.with_store(Arc::clone(&segments)).with_folder(self.settings.store.clone()));
        let tools = Tools {
            reads,
            log,
            quarantine: Shared::new(quarantine),
            connect: Arc::clone(&self.settings.connect),
            budget: self.settings.budget,
        };
        let tasks = Vec::new();
        self.running = Some(Running {
            segments,
            tools: tools.clone(),
            supervisor: None,
            sending: None,
            tasks,
            address: None,
        });
        Ok(tools)
    }

    /// Opens the store, listens, starts the feeds, and leaves its address in the store's folder. Answers where it
    /// listens.
    ///
    /// # Errors
    /// [`ServerError::Store`] when another process holds the store, [`ServerError::Listen`],
    /// [`ServerError::Ingest`] for the quarantine. [`App::stop`] closes what was opened.
    pub async fn start(&mut self) -> Result<SocketAddr, ServerError> {
        let tools = self.open().await?;
        let address = self.settings.listen;
        let listen = |source| ServerError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(listen)?;
        let bound = listener.local_addr().map_err(listen)?;
        // Receivers are in force before the first step that they are to be told of.
        let sending = Sending::start(&self.post(&tools), &self.configured.receivers).await?;
        let mut supervisor = Supervisor::new(tools.clone(), &self.settings);
        supervisor.apply(&self.configured);
        let (log, reads) = (Arc::clone(&tools.log), Arc::clone(&tools.reads));
        let (alerts, asked) = (Arc::clone(&tools.reads.alerts), Arc::clone(&tools.reads));
        // Nobody waits for it: what it finds out is told when it is known.
        drop(apart("recall", move || {
            if let Err(error) = supervisor::recall(&*log, &reads) {
                tracing::warn!(%error, "what the log remembers of the feeds could not be read");
            }
        }));
        let Settings { patience, grace, .. } = self.settings;
        let web =
            Web::new(tools.reads, Arc::clone(&tools.log), tools.quarantine, self.life.subscribe(), patience);
        let router = http::router(web, self.settings.tokens.clone());
        let file = Address::new(bound, self.life.borrow().started);
        let dir = self.settings.store.clone();
        file.write(&dir).map_err(|source| bellwether_store::Error::Io { path: dir.clone(), source })?;
        if !bound.ip().is_loopback() {
            tracing::warn!("tokens travel unencrypted: put a proxy with TLS in front of this address");
        }
        let Some(running) = &mut self.running else {
            return Err(ServerError::Internal("not open".to_owned()));
        };
        running.supervisor = Some(supervisor);
        running.sending = Some(sending);
        running.address = Some((bound, dir));
        let stop = self.stop.subscribe();
        running.tasks = vec![
            tokio::spawn(http::serve(listener, router, stop, patience, grace)),
            tokio::spawn(anchor(
                Arc::clone(&running.segments),
                Arc::clone(&tools.log),
                self.stop.subscribe(),
            )),
            tokio::spawn(crate::forecasts::daily(Arc::clone(&asked), self.stop.subscribe())),
            tokio::spawn(evaluate(alerts, asked, self.stop.subscribe())),
            tokio::spawn(watch_log(tools.log.failed(), self.life.clone(), self.stop.subscribe())),
        ];
        self.life.send_modify(|life| life.ready = true);
        tracing::info!(
            url = file.url, store = %self.settings.store.display(), configuration = self.configured.name,
            feeds = self.configured.feeds.len(), head = running.segments.head(), "started"
        );
        Ok(bound)
    }

    fn post(&self, tools: &Tools) -> Post {
        Post {
            alerts: Arc::clone(&tools.reads.alerts),
            log: Arc::clone(&tools.log),
            clock: Arc::clone(&self.clock),
            folder: self.settings.store.clone(),
            output: Arc::clone(&self.settings.output),
        }
    }

    /// Asks every enabled feed once, without listening, asks the rules, and tells the receivers what waits; a receiver that
    /// fails is left to the next time. Answers how each feed is and what became of the alerts.
    ///
    /// # Errors
    /// As [`App::start`].
    pub async fn once(&mut self) -> Result<Once, ServerError> {
        let tools = self.open().await?;
        // Receivers are in force before the first step that they are to be told of.
        let round = Round::open(&self.post(&tools), &self.configured.receivers).await?;
        supervisor::once(&tools, &self.configured, &self.stop.subscribe()).await;
        let reads = Arc::clone(&tools.reads);
        let mut asking = apart("alerts", move || reads.alerts.ask(&reads.configured(), reads.now(), |_| ()));
        finished(&mut asking).await.map_err(|lost| ServerError::Internal(lost.to_string()))??;
        let (sent, waiting) = round.tell(tools.reads.alerts.settled()).await?;
        Ok(Once { feeds: tools.reads.feeds(), moved: tools.reads.alerts.moved(), sent, waiting })
    }

    /// Reads the configuration again. With a fault in it the one in force stays, and health, metrics and log say
    /// why; without, only feeds whose file changed start again.
    ///
    /// # Errors
    /// The faults.
    pub async fn reload(&mut self) -> Result<Changes, Problems> {
        let source = Arc::clone(&self.settings.configuration);
        let loaded = finished(&mut apart("reload", move || source.load())).await;
        let loaded = loaded.unwrap_or_else(|lost| Err(Problem::new(lost.to_string(), "report this").into()));
        let loaded = loaded.and_then(|configured| match configured.frameworks.is_empty() {
            true => {
                Err(Problem::new("no framework", "put one into frameworks/").at(&configured.name, 0).into())
            }
            false => Ok(Arc::new(configured)),
        });
        let configured = match loaded {
            Ok(configured) => configured,
            Err(problems) => {
                for problem in &problems.0 {
                    let problem = crate::text::one_line(&problem.to_string());
                    tracing::error!(%problem, "the new configuration has a fault; the old one stays in force");
                }
                self.life.send_modify(|life| life.config_problems = Arc::new(problems.0.clone()));
                return Err(problems);
            }
        };
        self.configured = Arc::clone(&configured);
        let mut changes = Changes::default();
        let post = self.running.as_ref().map(|running| self.post(&running.tools));
        if let Some(Running { supervisor, sending, tools, .. }) = &mut self.running {
            if let (Some(sending), Some(post)) = (sending, post)
                && let Err(error) = sending.reload(&post, &configured.receivers).await
            {
                tracing::error!(%error, "the receivers could not be put in force");
            }
            tools.reads.configure(Arc::clone(&configured));
            if let Some(supervisor) = supervisor {
                changes = supervisor.apply(&configured);
            }
        }
        let now = self.clock.now().trunc_subsecs(6);
        self.life.send_modify(|life| {
            life.configured_at = now;
            life.config_problems = Arc::default();
        });
        let Changes { added, removed, changed } = &changes;
        tracing::info!(configuration = configured.name, ?added, ?removed, ?changed, "reloaded");
        Ok(changes)
    }

    /// Comes back when the log's writer has ended and only a restart helps, with the reason.
    pub async fn failed(&self) -> String {
        let mut life = self.life.subscribe();
        match life.wait_for(|life| life.failed.is_some()).await {
            Ok(life) => life.failed.clone().unwrap_or_default(),
            Err(_) => std::future::pending().await,
        }
    }

    /// What everything that answers questions reads; `None` before the start.
    pub fn reads(&self) -> Option<Arc<Reads>> {
        self.running.as_ref().map(|running| Arc::clone(&running.tools.reads))
    }

    /// Where it listens; `None` before the start.
    pub fn address(&self) -> Option<SocketAddr> {
        self.running.as_ref().and_then(|running| Some(running.address.as_ref()?.0))
    }

    /// Stops: no new poll, no new connection; what is being written and answered is finished within the grace
    /// period; then the store is closed with its anchor.
    ///
    /// # Errors
    /// [`ServerError::Store`] when the store could not be closed in good order. What it acknowledged is durable
    /// all the same.
    pub async fn stop(mut self) -> Result<(), ServerError> {
        self.life.send_modify(|life| life.ready = false);
        self.stop.send_replace(true);
        let Some(Running { segments, tools, supervisor, sending, tasks, address }) = self.running.take()
        else {
            return Ok(());
        };
        if let Some((_, dir)) = address {
            Address::remove(&dir);
        }
        if let Some(supervisor) = supervisor {
            supervisor.stop(self.settings.grace).await;
        }
        if let Some(mut sending) = sending {
            // What is not answered by then is sent again after the next start, under the same id.
            let _ = tokio::time::timeout(self.settings.grace, sending.stop()).await;
        }
        for task in tasks {
            let _ = task.await;
        }
        tools.log.close();
        let head = segments.head();
        drop(tools);
        let mut closing = apart("close", move || close(segments));
        finished(&mut closing).await.map_err(|lost| ServerError::Internal(lost.to_string()))??;
        tracing::info!(head, "stopped");
        Ok(())
    }
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("settings", &self.settings).field("address", &self.address()).finish()
    }
}

/// Opens the store; one that is only briefly in use is waited for.
fn opened(
    dir: &Path,
    clock: &Arc<dyn StoreClock>,
    options: &bellwether_store::Options,
) -> Result<Segments, bellwether_store::Error> {
    let (mut left, pause) = PATIENCE;
    loop {
        match Segments::open_with(dir, Arc::clone(clock), options) {
            // A daemon does not hold it briefly.
            Err(bellwether_store::Error::Busy { .. }) if left > 0 && Address::find(dir).is_none() => {
                left -= 1;
                std::thread::sleep(pause);
            }
            opened => return opened,
        }
    }
}

/// Closes the store. Whoever still reads is waited for a little; then it is anchored, and closed with the last reader.
fn close(mut segments: Arc<Segments>) -> Result<(), bellwether_store::Error> {
    let (left, pause) = PATIENCE;
    for _ in 0..left {
        match Arc::try_unwrap(segments) {
            Ok(segments) => return segments.close(),
            Err(shared) => segments = shared,
        }
        std::thread::sleep(pause);
    }
    tracing::warn!("somebody still reads the log: it is anchored, and closed with the last reader");
    segments.anchor()
}

/// Keeps the anchor close behind the log.
async fn anchor(segments: Arc<Segments>, log: Arc<Counted>, mut stop: watch::Receiver<bool>) {
    let mut anchored = None;
    while tokio::time::timeout(ANCHOR, stop.wait_for(|stop| *stop)).await.is_err() {
        let head = segments.head();
        if anchored == Some(head) {
            continue;
        }
        let segments = Arc::clone(&segments);
        match finished(&mut apart("anchor", move || segments.anchor())).await {
            Ok(Ok(())) => anchored = Some(head),
            Ok(Err(error)) => {
                tracing::error!(%error, "the anchor of the log could not be renewed");
                log.fail(&error);
            }
            Err(lost) => tracing::error!(problem = %lost, "the anchor of the log could not be renewed"),
        }
    }
}

/// Tells when the log's writer has ended.
async fn watch_log(
    mut failed: watch::Receiver<Option<String>>,
    life: watch::Sender<Life>,
    mut stop: watch::Receiver<bool>,
) {
    let why = tokio::select! {
        _ = stop.wait_for(|stop| *stop) => return,
        why = failed.wait_for(Option::is_some) => match why {
            Ok(why) => why.clone(),
            Err(_) => return,
        },
    };
    tracing::error!(why, "the log takes nothing more");
    life.send_modify(|life| life.failed = why);
}
