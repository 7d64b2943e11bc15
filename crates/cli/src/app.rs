//! What a command has to work with: configuration, store, projector, the present moment, output.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bellwether_model::framework::Framework;
use bellwether_model::question::Questions;
use bellwether_model::{FactTypes, View};
pub(crate) use bellwether_server::api::project;
use bellwether_store::{Error, EventLog, Memory, Segments, StoreClock, SystemClock};
use chrono::{DateTime, SecondsFormat, SubsecRound, Utc};

use crate::args::{Bound, Global, Knowing, ViewArgs};
use crate::config::{self, Config};
use crate::failure::Failure;
use crate::near;
use crate::out::{self, Out};
use crate::reading::Reading;
use crate::remote::{self, Remote};
use crate::render::counted;

/// A log larger than this is opened with its index, for the snapshots in it.
const SMALL_LOG: u64 = 8 << 20;
/// How often and how long a writer waits for a store that is only briefly in use.
const PATIENCE: (u32, Duration) = (30, Duration::from_millis(50));

/// One run of a command.
pub(crate) struct App {
    /// Output.
    pub(crate) out: Out,
    pub(crate) global: Global,
    now: OnceCell<DateTime<Utc>>,
}

impl App {
    pub(crate) fn new(global: Global) -> Self {
        Self { out: Out::new(global.format, global.raw), global, now: OnceCell::new() }
    }

    /// The present moment, resolved once, to the microsecond that the log also keeps.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        *self.now.get_or_init(|| SystemClock.now().trunc_subsecs(6))
    }

    /// The present moment as a bound of the answer, so it is told.
    fn now_told(&self) -> DateTime<Utc> {
        let told = self.now.get().is_some();
        let now = self.now();
        if !told {
            out::note(&format!("now is {}", now.to_rfc3339_opts(SecondsFormat::AutoSi, true)));
        }
        now
    }

    /// Resolves one bound.
    pub(crate) fn moment(&self, bound: Bound) -> DateTime<Utc> {
        match bound {
            Bound::Now => self.now_told(),
            Bound::At(at) => at,
        }
    }

    /// The view asked for: `--as-of` alone bounds both times, neither means now.
    pub(crate) fn view(&self, args: &ViewArgs) -> View {
        let as_of = self.moment(args.as_of.unwrap_or(Bound::Now));
        let known_by = args.known_by.map_or(as_of, |bound| self.moment(bound));
        args.knowing.view(as_of, known_by)
    }

    /// Where the configuration comes from.
    pub(crate) fn config(&self) -> Config {
        Config::resolve(self.global.config.as_deref())
    }

    /// The framework asked for, else the one of the configuration.
    pub(crate) fn framework(
        &self,
        types: &FactTypes,
        asked: Option<&Path>,
    ) -> Result<Arc<Framework>, Failure> {
        if let Some(path) = asked
            && is_file_name(path)
        {
            return Ok(Arc::new(config::framework_file(path, types)?));
        }
        let all = self.config().frameworks(types)?;
        let ids: Vec<&str> = all.iter().map(|f| f.id.as_str()).collect();
        match asked.map(|a| a.to_string_lossy()) {
            Some(id) => all.iter().find(|f| f.id == id).cloned().ok_or_else(|| {
                let known = format!("the configuration has {}", ids.join(", "));
                Failure::usage(
                    format!("no file and no framework {id}"),
                    near::remedy(&id, ids.iter().copied(), &known),
                )
            }),
            None => {
                if let [first, _, ..] = ids.as_slice() {
                    out::note(&format!(
                        "frameworks: {}; reading by {first}, choose with --framework",
                        ids.join(", ")
                    ));
                }
                all.first()
                    .cloned()
                    .ok_or_else(|| Failure::Internal("a configuration without framework".into()))
            }
        }
    }

    /// Folder of the store.
    pub(crate) fn store_dir(&self) -> Result<PathBuf, Failure> {
        let variable = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
        let data = || {
            variable("XDG_DATA_HOME")
                .filter(|p| p.is_absolute())
                .or_else(|| variable("HOME").map(|home| home.join(".local/share")))
                .map(|data| data.join("bellwether"))
        };
        self.global.store.clone().or_else(|| variable("BELLWETHER_STORE")).or_else(data).ok_or_else(|| {
            Failure::usage(
                "there is no folder for user data",
                "name the store: --store DIR or BELLWETHER_STORE",
            )
        })
    }

    /// Whether there is a store; commands that have nothing to change do not make one.
    pub(crate) fn store_exists(&self) -> Result<bool, Failure> {
        Ok(self.store_dir()?.join("log").is_dir())
    }

    /// Opens the store as its owner, creating it when absent.
    pub(crate) fn open_write(&self) -> Result<Segments, Failure> {
        let dir = self.store_dir()?;
        let (mut left, pause) = PATIENCE;
        loop {
            match Segments::open(&dir, Arc::new(SystemClock)) {
                Err(Error::Busy { .. }) if left > 0 => {
                    // A daemon will not let go of it.
                    if let Some(daemon) = remote::holder(&dir) {
                        return Err(daemon.keeps_the_store());
                    }
                    left -= 1;
                    std::thread::sleep(pause);
                }
                opened => {
                    let log = opened?;
                    tell_opened(&log);
                    return Ok(log);
                }
            }
        }
    }

    /// Opens the store for reading, beside any owner; a missing store reads as an empty one.
    pub(crate) fn open_read(&self) -> Result<Box<dyn EventLog>, Failure> {
        let dir = self.store_dir()?;
        if !self.store_exists()? {
            out::note(&format!(
                "no store at {}: reading it as empty; `bellwether ingest` makes one",
                dir.display()
            ));
            return Ok(Box::new(Memory::new(Arc::new(SystemClock))));
        }
        // Owning a large store gives its snapshots; whoever holds it already is not disturbed.
        if bytes_in(&dir.join("log")) > SMALL_LOG
            && let Ok(owned) = Segments::open(&dir, Arc::new(SystemClock))
        {
            tell_opened(&owned);
            return Ok(Box::new(owned));
        }
        Ok(Box::new(Segments::open_read(&dir, Arc::new(SystemClock))?))
    }

    /// Configuration, log and projector for a read.
    pub(crate) fn reading(&self, knowing: &Knowing) -> Result<Reading, Failure> {
        let asked = knowing.framework.as_deref();
        let remote = self.remote()?;
        let own = self.global.config.is_some() || asked.is_some_and(is_file_name);
        if self.global.server.is_some() && !own {
            // Elsewhere, the configuration that is in force there reads.
            if let Some(remote) = remote {
                return Reading::of_server(remote, asked.map(|id| id.to_string_lossy().into_owned()));
            }
        }
        let types = Arc::new(self.config().types()?);
        let framework = self.framework(&types, asked)?;
        if let Some(remote) = remote {
            let hashes = (framework.hash(&types), types.hash());
            let (config, id) = (self.config(), framework.id.clone());
            let file = asked.filter(|path| is_file_name(path)).map(Path::to_owned);
            let files = move || Ok(config.files_of(&id, file.as_deref())?);
            return Ok(Reading::of_daemon(remote, framework, hashes, Box::new(files)));
        }
        let log = self.open_read()?;
        let projector = project(&*log, Arc::clone(&framework), types)?;
        Ok(Reading::of_store(framework, log, projector))
    }

    /// Forecast questions of the configuration; none for a daemon that is named, which has its own.
    pub(crate) fn questions(&self) -> Result<Questions, Failure> {
        match self.global.server {
            Some(_) => Ok(Questions::default()),
            None => Ok(self.config().questions(&self.config().frameworks(&self.config().types()?)?)?),
        }
    }

    /// The daemon to read from: the one that is named, else the one that holds the store.
    pub(crate) fn remote(&self) -> Result<Option<Remote>, Failure> {
        match &self.global.server {
            Some(url) => Remote::new(url, None).map(Some),
            None => remote::found(&self.store_dir()?),
        }
    }
}

/// Whether `--framework` names a file; else it is an id of the configuration.
pub(crate) fn is_file_name(path: &Path) -> bool {
    path.is_file() || path.components().count() > 1 || path.extension().is_some()
}

fn tell_opened(log: &Segments) {
    let opened = log.opened();
    if let Some(why) = &opened.cut_reason {
        out::note(&format!(
            "an unfinished append was cut off: {}, {}, none of them acknowledged ({why})",
            counted(opened.cut_bytes, "byte", "bytes"),
            counted(opened.cut_records, "whole record", "whole records")
        ));
    }
    if opened.index_rebuilt {
        out::note("the index was missing or stale and was built anew from the log");
    }
}

fn bytes_in(folder: &Path) -> u64 {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    files.filter_map(|entry| entry.metadata().ok()).map(|meta| meta.len()).sum()
}
