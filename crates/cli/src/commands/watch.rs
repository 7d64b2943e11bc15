//! `watch`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bellwether_alert::receivers::Output;
use bellwether_model::{Problem, Problems};
use bellwether_server::{
    App as Daemon, Configured, FeedHealth, FeedState, Once, Role, ServerError, Settings, Tokens,
};
use bellwether_store::SystemClock;
use clap::Args;
use sd_notify::NotifyState;

use crate::app::App;
use crate::config::Config;
use crate::failure::Failure;
use crate::logging::{self, LogFormat};
use crate::render::{counted, harmless};

const EXAMPLES: &str = "\
Examples:
  bellwether watch
  bellwether watch --listen 127.0.0.1:0 --log-format json
  bellwether watch --once          ask every enabled feed and the rules once,
                                   tell the receivers, and end: for cron
  curl localhost:7410/v1/feeds     how the feeds are
  curl localhost:7410/metrics      the same for Prometheus

SIGHUP reads the configuration again; one with a fault changes nothing.
SIGTERM and SIGINT stop: what is being written is finished first.
Tokens for other addresses than loopback, 16 characters or more:
BELLWETHER_TOKEN_READ, BELLWETHER_TOKEN_INGEST, BELLWETHER_TOKEN_OPERATE,
or the same with _FILE for the name of a file. Log: BELLWETHER_LOG=debug.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct WatchArgs {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value_t = Settings::LISTEN)]
    listen: SocketAddr,
    /// Ask every enabled feed and the rules once, tell the receivers, and end
    #[arg(long)]
    once: bool,
    /// Form of the log on standard error
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
}

pub(crate) fn run(app: &mut App, args: &WatchArgs) -> Result<(), Failure> {
    logging::start(args.log_format)?;
    let config = app.config();
    let mut settings = Settings::new(app.store_dir()?, Arc::new(move || load(&config)));
    settings.listen = args.listen;
    settings.tokens = tokens()?;
    settings.output = output()?;
    let daemon = Daemon::new(settings, Arc::new(SystemClock))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::Internal(format!("no runtime: {e}")))?;
    let outcome = if args.once {
        runtime.block_on(once(daemon)).and_then(|once| once.map_or(Ok(()), |once| show(app, &once)))
    } else {
        runtime.block_on(live(daemon))
    };
    // A poll that hangs does not keep the process.
    runtime.shutdown_background();
    outcome
}

/// Runs until a signal, or until the log takes nothing more.
async fn live(mut daemon: Daemon) -> Result<(), Failure> {
    let mut signals = Signals::new()?;
    if let Err(error) = daemon.start().await {
        daemon.stop().await?;
        return Err(error.into());
    }
    tell(&[NotifyState::Ready]);
    // A supervisor that waits for a sign of life gets two in the time it allows.
    let beat = sd_notify::watchdog_enabled().map_or(Duration::from_secs(3_600), |allowed| allowed / 2);
    let failed = loop {
        tokio::select! {
            signal = signals.next() => match signal {
                Signal::Reload => {
                    let mut reloading = vec![NotifyState::Reloading];
                    reloading.extend(NotifyState::monotonic_usec_now().ok());
                    tell(&reloading);
                    // What is wrong with it was logged, and the old one goes on.
                    let _ = daemon.reload().await;
                    tell(&[NotifyState::Ready]);
                }
                Signal::Stop(name) => {
                    tracing::info!(signal = name, "stopping");
                    break None;
                }
            },
            why = daemon.failed() => break Some(why),
            () = tokio::time::sleep(beat) => tell(&[NotifyState::Watchdog]),
        }
    };
    tell(&[NotifyState::Stopping]);
    let stopped = daemon.stop().await;
    match failed {
        Some(why) => Err(Failure::Store(bellwether_store::Error::Poisoned { why })),
        None => Ok(stopped?),
    }
}

/// What came of it; nothing when a signal ended it.
async fn once(mut daemon: Daemon) -> Result<Option<Once>, Failure> {
    let mut signals = Signals::new()?;
    let asked = tokio::select! {
        asked = daemon.once() => asked.map(Some),
        () = signals.stop() => Ok(None),
    };
    daemon.stop().await?;
    Ok(asked?)
}

/// Shows how every feed is that was asked; one that is degraded makes the exit code 6.
fn show(app: &mut App, once: &Once) -> Result<(), Failure> {
    let Once { feeds, moved, sent, waiting } = once;
    tracing::info!(moved, sent, waiting, "alerts");
    const FIELDS: [&str; 8] = [
        "feed",
        "state",
        "records.read",
        "records.quarantined",
        "facts.stored",
        "facts.duplicate",
        "reason",
        "problem",
    ];
    app.out.list(feeds, &FIELDS, |_| {
        let asked = |f: &&FeedHealth| !matches!(f.state, FeedState::Disabled | FeedState::Passive);
        let lines: String = feeds.iter().filter(asked).map(line).collect();
        let others = feeds.len() - feeds.iter().filter(asked).count();
        lines
            + &format!(
                "{} not asked: switched off, or given their records\n\
                 alerts: {}, {} sent, {}\n",
                counted(others, "feed was", "feeds were"),
                counted(*moved, "step", "steps"),
                counted(*sent, "notification", "notifications"),
                counted(*waiting, "waits", "wait")
            )
    })?;
    let degraded: Vec<&str> =
        feeds.iter().filter(|f| f.state == FeedState::Degraded).map(|f| f.feed.as_str()).collect();
    if degraded.is_empty() {
        return Ok(());
    }
    let message = format!("{} of the feeds did not answer soundly: {}", degraded.len(), degraded.join(", "));
    Err(Failure::Source(Box::new(Problem::new(message, "their lines above say what would help"))))
}

fn line(feed: &FeedHealth) -> String {
    let FeedHealth { feed, records, facts, problem, .. } = feed;
    match problem {
        Some(problem) => format!("{feed}: degraded: {}\n", harmless(problem)),
        None => format!(
            "{feed}: {} read, {} quarantined, {} stored, {} duplicate\n",
            counted(records.read, "record", "records"),
            records.quarantined,
            counted(facts.stored, "fact", "facts"),
            facts.duplicate
        ),
    }
}

/// The configuration as a daemon wants it: whole, or every fault of it.
pub(super) fn load(config: &Config) -> Result<Configured, Problems> {
    let types = Arc::new(config.types()?);
    let mut problems = Problems::default();
    let frameworks = config.frameworks(&types).map_err(|found| problems.0.extend(found.0));
    let feeds = config.feeds().map_err(|found| problems.0.extend(found.0));
    let rules = config.rules().map_err(|found| problems.0.extend(found.0));
    let receivers = config.receivers().map_err(|found| problems.0.extend(found.0));
    if let (Ok(rules), Ok(frameworks)) = (&rules, &frameworks)
        && let Some(first) = frameworks.first()
        && let Err(found) = rules.check(first, &types)
    {
        problems.0.extend(found.0);
    }
    // Without frameworks every question would be a fault of its own.
    let questions = match &frameworks {
        Ok(all) => config.questions(all).map_err(|found| problems.0.extend(found.0)),
        Err(()) => Err(()),
    };
    match (frameworks, feeds, rules, receivers, questions) {
        (Ok(frameworks), Ok(feeds), Ok(rules), Ok(receivers), Ok(questions)) if problems.0.is_empty() => {
            Ok(Configured {
                name: config.name(),
                types,
                frameworks,
                feeds: feeds.into_iter().map(|(name, feed)| (name, Arc::new(feed))).collect(),
                rules,
                receivers,
                questions: Arc::new(questions),
            })
        }
        _ => Err(problems),
    }
}

/// Standard output for the receivers that write there. This program holds the lock of its own handle, on another thread.
fn output() -> Result<Output, Failure> {
    use std::os::fd::AsFd;
    let handle = std::io::stdout().as_fd().try_clone_to_owned();
    let handle = handle.map_err(|e| Failure::Internal(format!("standard output: {e}")))?;
    Ok(Arc::new(std::sync::Mutex::new(std::fs::File::from(handle))))
}

/// Tokens from the environment, or from files that it names.
fn tokens() -> Result<Tokens, Failure> {
    let mut tokens = Tokens::default();
    for role in Role::ALL {
        let name = format!("BELLWETHER_TOKEN_{}", role.name().to_uppercase());
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let refused = |problem: Problem| Failure::Config(problem.into());
        if let Some(token) = variable(&name) {
            tokens.add(role, &token.to_string_lossy()).map_err(refused)?;
        }
        if let Some(path) = variable(&format!("{name}_FILE")) {
            let path = std::path::PathBuf::from(path);
            let text = std::fs::read_to_string(&path).map_err(|e| {
                let problem =
                    Problem::new(format!("cannot be read: {e}"), "check the path and the permissions");
                refused(problem.at(path.display().to_string(), 0).field(format!("{name}_FILE")))
            })?;
            tokens.add(role, &text).map_err(refused)?;
        }
    }
    Ok(tokens)
}

/// Tells a supervisor that asked for it; who did not is not told.
fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "the supervisor could not be told");
    }
}

enum Signal {
    Reload,
    Stop(&'static str),
}

struct Signals {
    hangup: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    fn new() -> Result<Self, Failure> {
        use tokio::signal::unix::{SignalKind, signal};
        let listen =
            |kind| signal(kind).map_err(|e| Failure::Internal(format!("signals cannot be received: {e}")));
        Ok(Self {
            hangup: listen(SignalKind::hangup())?,
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.hangup.recv() => Signal::Reload,
            _ = self.terminate.recv() => Signal::Stop("SIGTERM"),
            _ = self.interrupt.recv() => Signal::Stop("SIGINT"),
        }
    }

    async fn stop(&mut self) {
        while !matches!(self.next().await, Signal::Stop(_)) {}
    }
}

impl From<ServerError> for Failure {
    fn from(error: ServerError) -> Self {
        match error {
            ServerError::Config(problems) => Failure::Config(problems),
            ServerError::Refused(problem) => Failure::Usage(problem),
            ServerError::Store(error) => Failure::Store(error),
            ServerError::Ingest(error) => error.into(),
            ServerError::Listen { address, source } => Failure::usage(
                format!("cannot listen on {address}: {source}"),
                "name another address: --listen ADDRESS:PORT",
            ),
            ServerError::Internal(what) => Failure::Internal(what),
        }
    }
}
