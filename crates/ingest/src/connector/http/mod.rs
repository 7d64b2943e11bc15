//! A source, or an index of sources, behind an address.

mod address;
mod client;
mod fetch;
mod manifest;
mod memory;
mod page;
mod settings;

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use bellwether_model::{Problem, Stamp, counted};
use chrono::{DateTime, Utc};
use reqwest::Url;

use self::client::Lookup;
use self::fetch::{Blame, Body, Fault, Fetcher, Got, Wanted};
use self::manifest::{Entry, Listed, Place, Reading};
use self::memory::Memory;
pub(crate) use self::settings::Written;
pub use self::settings::{Form, HttpSettings, Index, Published, Timeouts};
use super::{Cursor, Degraded, Poll, Polled, Polling, Source};
use crate::mapping::text::{neutral, neutral_problem};

/// Polls one address.
#[derive(Debug)]
pub(super) struct Http {
    fetcher: Fetcher,
    listed: Listed,
    /// ETag and Last-Modified of the index that is `listed`.
    validators: Option<Marks>,
    /// Whether what is listed is fresh enough for the next poll.
    go_on: bool,
    /// Source that was handed out last.
    handed: Option<Place>,
    /// Source that failed last, the weight of its failures in a row, and why.
    failing: Option<(Place, u32, Problem)>,
    /// Sources that were given up and that no cursor has passed yet.
    given_up: BTreeSet<Place>,
    /// Newest stamp of the cursors so far.
    newest: Option<DateTime<Utc>>,
    /// What was given up since it was last asked for.
    problems: Vec<Problem>,
    /// Findings about the index that were spoken of.
    told: Vec<Problem>,
}

impl Http {
    pub(super) fn new(feed: &str, settings: HttpSettings, spool: &Path) -> Self {
        Self::with(feed, settings, spool, Arc::new(client::System))
    }

    fn with(feed: &str, settings: HttpSettings, spool: &Path, lookup: Arc<dyn Lookup>) -> Self {
        Self {
            fetcher: Fetcher::new(feed, settings, spool, lookup),
            listed: Listed::default(),
            validators: None,
            go_on: false,
            handed: None,
            failing: None,
            given_up: BTreeSet::new(),
            newest: None,
            problems: Vec::new(),
            told: Vec::new(),
        }
    }

    /// One address, one source.
    async fn single(&mut self, mut memory: Memory, now: DateTime<Utc>) -> Result<Polled, Degraded> {
        let (etag, last_modified) = (memory.etag.as_deref(), memory.last_modified.as_deref());
        let wanted = Wanted { etag, last_modified, ..Wanted::all_of(&self.fetcher.settings.url) };
        let got = self.fetcher.fetch(wanted, now).await.map_err(|fault| fault.degraded)?;
        memory.fetched_at = now;
        let Got::Body(body) = got else { return Ok(Polled::Unchanged { cursor: memory.cursor() }) };
        memory.etag.clone_from(&body.etag);
        memory.last_modified.clone_from(&body.last_modified);
        if memory.digest.as_ref() == Some(&body.digest) || body.bytes == 0 {
            return Ok(Polled::Unchanged { cursor: memory.cursor() });
        }
        memory.digest = Some(body.digest.clone());
        memory.changed_at = now;
        let url = self.fetcher.settings.url.clone();
        let beside = self.beside(&url, now).await.map_err(|fault| fault.degraded)?;
        let url = &self.fetcher.settings.url;
        let source = self.source(url, name(url), body, None, beside, now);
        Ok(Polled::Found { source, cursor: memory.cursor(), more: false })
    }

    /// Fetches the side files of a source. One that is not there is done without, and said to be; one that cannot be
    /// had for now costs the poll, since its source would be taken without it for good.
    async fn beside(&mut self, url: &Url, now: DateTime<Utc>) -> Result<Vec<(String, File)>, Fault> {
        let mut found = Vec::new();
        for name in self.fetcher.settings.beside.clone() {
            // A plain name, which was checked: it stays beside the source.
            let Ok(side) = url.join(&name) else { continue };
            match self.fetcher.fetch(Wanted::all_of(&side), now).await {
                Ok(Got::Body(body)) => found.push((name, body.file)),
                Ok(Got::NotModified) => return Err(self.odd_answer().into()),
                Err(fault) if fault.absent => {
                    let message = format!("{name} is not there, so what it adds is missing");
                    let remedy = "check connector.beside; the source is taken without it";
                    let problem = Problem::new(message, remedy).text(address::shown(&side));
                    let problem = problem.at(&self.fetcher.feed, 0).field("connector.beside");
                    self.problems.push(neutral_problem(problem));
                }
                Err(fault) => return Err(fault),
            }
        }
        Ok(found)
    }

    fn source(
        &self,
        url: &Url,
        name: String,
        body: Body,
        stamp: Option<DateTime<Utc>>,
        beside: Vec<(String, File)>,
        now: DateTime<Utc>,
    ) -> Source {
        let published = match self.fetcher.settings.published {
            Some(Published::LastModified) => body.last_modified.as_deref().and_then(fetch::http_date),
            Some(Published::Stamp) => stamp,
            Some(Published::Fetched) => Some(now),
            None => None,
        };
        let mut uri = address::shown(url);
        uri.truncate(uri.find("?…").unwrap_or(uri.len()));
        Source { name, uri: Some(uri), published_at: published.map(Stamp::Instant), file: body.file, beside }
    }

    /// The next source of an index.
    async fn indexed(
        &mut self,
        index: &Index,
        mut memory: Memory,
        now: DateTime<Utc>,
    ) -> Result<Polled, Degraded> {
        let go_on = std::mem::take(&mut self.go_on);
        if memory.last < self.newest {
            // A cursor that went back wants again what is no longer listed here.
            self.validators = None;
        }
        self.newest = memory.last;
        self.given_up.retain(|place| !memory.has(place));
        self.listed.entries.retain(|place, _| !memory.has(place));
        if !go_on || self.listed.entries.is_empty() {
            self.refresh(index, &memory, now).await?;
        }
        memory.fetched_at = now;
        for _ in 0..MOST_PASSED {
            let Some((place, entry)) = self.listed.entries.first_key_value() else { break };
            let (place, entry) = (place.clone(), entry.clone());
            if let Some(why) = self.exhausted(&place, index) {
                let problem = Problem::new(
                    format!(
                        "given up after {}, the others go on: {}",
                        counted(index.tries, "try", "tries"),
                        why.message
                    ),
                    "fetch it by hand and ingest the file, or leave the gap",
                );
                self.problems.push(self.of_index(problem.text(&place.1)));
                self.given_up.insert(place.clone());
                self.failing = None;
            }
            if self.given_up.contains(&place) {
                self.listed.entries.remove(&place);
                memory.pass(place);
                memory.skipped += 1;
                continue;
            }
            let Entry { url, size, md5 } = &entry;
            let wanted = Wanted { size: *size, md5: md5.as_deref(), ..Wanted::all_of(url) };
            let fetched = match self.fetcher.fetch(wanted, now).await {
                Ok(Got::Body(body)) if body.bytes > 0 => {
                    self.beside(url, now).await.map(|beside| (Got::Body(body), beside))
                }
                other => other.map(|got| (got, Vec::new())),
            };
            match fetched {
                Ok((Got::Body(body), beside)) => {
                    memory.pass(place.clone());
                    self.listed.entries.remove(&place);
                    if body.bytes == 0 {
                        continue;
                    }
                    memory.changed_at = now;
                    let more = !self.listed.entries.is_empty();
                    let source = self.source(url, name_in_index(url), body, Some(place.0), beside, now);
                    // Kept until a cursor says that it was taken.
                    self.listed.entries.insert(place.clone(), entry);
                    self.handed = Some(place);
                    self.go_on = more;
                    return Ok(Polled::Found { source, cursor: memory.cursor(), more });
                }
                // Nothing conditional was asked.
                Ok((Got::NotModified, _)) => return Err(self.odd_answer()),
                Err(Fault { degraded, blame, .. }) => {
                    self.fail(&place, &degraded.problem, blame);
                    if self.exhausted(&place, index).is_none() {
                        return Err(degraded);
                    }
                }
            }
        }
        Ok(Polled::Unchanged { cursor: memory.cursor() })
    }

    /// Asks for the index and adds what is new in it to what is still to take.
    async fn refresh(&mut self, index: &Index, memory: &Memory, now: DateTime<Utc>) -> Result<(), Degraded> {
        let url = self.fetcher.settings.url.clone();
        let (etag, last_modified) = self.validators.clone().unwrap_or_default();
        let (etag, last_modified) = (etag.as_deref(), last_modified.as_deref());
        let wanted = Wanted { etag, last_modified, ..Wanted::all_of(&url) };
        let mut listed = Listed::default();
        let Some((etag, last_modified)) = self.list(index, memory, wanted, now, &mut listed).await? else {
            return Ok(());
        };
        // An index may list the newest alone: what is still to take stays.
        for (place, entry) in std::mem::take(&mut self.listed.entries) {
            if !listed.entries.contains_key(&place) {
                listed.insert(place, entry, index.newest);
            }
        }
        if let Some(longer) = index.catch_up.as_ref().filter(|_| missing(index, memory, &listed).is_some()) {
            self.list(index, memory, Wanted::all_of(longer), now, &mut listed).await?;
        }
        self.validators = (listed.ahead == 0).then_some((etag, last_modified));
        if let Some((from, to)) = missing(index, memory, &listed) {
            self.tell(Problem::new(
                format!("no source between {from} and {to} is listed, and there should be"),
                "fetch what is missing by hand and ingest the files, or leave the gap",
            ));
        }
        // The first time there is nothing that could be missed.
        if let Some((from, to)) = listed.gap.filter(|_| memory.last.is_some()) {
            let dropped = listed.dropped;
            self.tell(Problem::new(
                format!(
                    "{} of {from} to {to} {} given up: more than the newest {}",
                    counted(dropped, "source", "sources"),
                    if dropped == 1 { "is" } else { "are" },
                    index.newest
                ),
                "fetch them by hand and ingest the files, or leave the gap; newest in [connector.index] is the limit",
            ));
        }
        for problem in std::mem::take(&mut listed.odd) {
            self.tell(problem);
        }
        self.listed = listed;
        Ok(())
    }

    /// Reads one list into `listed`; its marks, or `None` when it has not changed.
    async fn list(
        &self,
        index: &Index,
        memory: &Memory,
        wanted: Wanted<'_>,
        now: DateTime<Utc>,
        listed: &mut Listed,
    ) -> Result<Option<Marks>, Degraded> {
        let got = self.fetcher.fetch(wanted, now).await.map_err(|fault| fault.degraded)?;
        let Got::Body(body) = got else { return Ok(None) };
        let seen = |place: &Place| memory.has(place);
        let reading = Reading { index, base: wanted.url, now, seen: &seen };
        reading.read(body.file, listed).map_err(|problem| {
            let problem = self.of_index(problem.text(address::shown(wanted.url)));
            Degraded { problem, retry_after: None }
        })?;
        Ok(Some((body.etag, body.last_modified)))
    }

    fn of_index(&self, problem: Problem) -> Problem {
        neutral_problem(problem.at(&self.fetcher.feed, 0).field("connector.index"))
    }

    /// Reports what the feed goes on without; an index repeats itself, its findings are told once.
    fn tell(&mut self, problem: Problem) {
        let problem = self.of_index(problem);
        if !self.told.contains(&problem) {
            self.told.truncate(TOLD);
            self.told.insert(0, problem.clone());
            self.problems.push(problem);
        }
    }

    fn fail(&mut self, place: &Place, why: &Problem, blame: Blame) {
        let weight = match blame {
            Blame::Address => UNKNOWN_A_TRY,
            Blame::Unknown => 1,
            Blame::Elsewhere => return,
        };
        let before = self.failing.take().filter(|(failing, ..)| failing == place).map_or(0, |(_, n, _)| n);
        self.failing = Some((place.clone(), before.saturating_add(weight), why.clone()));
    }

    fn exhausted(&self, place: &Place, index: &Index) -> Option<Problem> {
        let (failing, n, why) = self.failing.as_ref()?;
        (failing == place && n / UNKNOWN_A_TRY >= index.tries).then(|| why.clone())
    }

    fn odd_answer(&self) -> Degraded {
        let problem = Problem::new("answered \"not modified\" to a plain question", "tell the publisher");
        Degraded { problem: problem.at(&self.fetcher.feed, 0).field("connector.url"), retry_after: None }
    }
}

/// Findings about an index that are remembered as told.
const TOLD: usize = 20;
/// Failed connections to a source that weigh as much as one try: a line that is down for an hour costs no source.
const UNKNOWN_A_TRY: u32 = 10;
/// Sources without a byte, or given up, in one poll.
const MOST_PASSED: usize = 100;

/// ETag and Last-Modified.
type Marks = (Option<String>, Option<String>);

/// Where sources are missing by their step: after the last that was taken, before the first that is listed.
fn missing(index: &Index, memory: &Memory, listed: &Listed) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    let (step, last) = (index.step?, memory.last?);
    let ((first, _), _) = listed.entries.first_key_value()?;
    // What was dropped for room is stated apart. Half a step is for publishers that are late.
    let apart = (*first - last).to_std().ok()?;
    (listed.dropped == 0 && apart > step + step / 2).then_some((last, *first))
}

impl Poll for Http {
    fn poll<'p>(&'p mut self, cursor: &'p Cursor, now: DateTime<Utc>) -> Polling<'p> {
        Box::pin(async move {
            let memory = Memory::of(cursor, &self.fetcher.settings, now);
            match self.fetcher.settings.index.clone() {
                None => self.single(memory, now).await,
                Some(index) => self.indexed(&index, memory, now).await,
            }
        })
    }

    fn refused(&mut self, why: &Problem) {
        if let Some(place) = self.handed.take() {
            self.fail(&place, why, Blame::Address);
            self.go_on = false;
        }
    }

    fn problems(&mut self) -> Vec<Problem> {
        std::mem::take(&mut self.problems)
    }
}

/// Longest name of a source.
const MAX_NAME: usize = 200;

/// Name of the source behind an address: the last part of its path, else the host.
fn name(url: &Url) -> String {
    last_parts(url, 1)
}

/// The same for one of many: where the last part is the same for all of them, the one before tells them apart.
fn name_in_index(url: &Url) -> String {
    let name = name(url);
    if name.contains(|c: char| c.is_ascii_digit()) { name } else { last_parts(url, 2) }
}

fn last_parts(url: &Url, n: usize) -> String {
    let parts = url.path_segments().into_iter().flatten().filter(|part| !part.is_empty());
    let mut last: Vec<&str> = parts.rev().take(n).collect();
    last.reverse();
    let name = if last.is_empty() { url.host_str().unwrap_or_default().to_owned() } else { last.join("/") };
    neutral(&name.chars().take(MAX_NAME).collect::<String>())
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{SocketAddr, TcpListener};
    use std::sync::Mutex;

    use super::*;
    use crate::{Connector, FeedSpec};

    /// Answers look-ups one after the other.
    #[derive(Debug)]
    struct Answers(Mutex<Vec<Vec<&'static str>>>);

    impl Lookup for Answers {
        fn lookup(&self, _: String) -> client::Looking {
            let next = self.0.lock().unwrap().remove(0);
            let found = next.iter().map(|ip| SocketAddr::new(ip.parse().unwrap(), 0)).collect();
            Box::pin(async move { Ok(found) })
        }
    }

    #[tokio::test]
    async fn r19_a_name_that_changes_its_address_gains_nothing() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let serving = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let n = stream.read(&mut [0; 4096]).unwrap();
            assert!(n > 0);
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi").unwrap();
        });
        let text = format!(
            "name = \"n\"\ntitle = \"t\"\nlicence = \"l\"\ncadence = \"daily\"\nnative = \"facts-ndjson\"\n\
             [connector]\nkind = \"http\"\nurl = \"http://feed.example:{port}/x\"\ninsecure = true\n\
             allow = [\"127.0.0.0/8\"]\n[decoder]\nkind = \"ndjson\"\n"
        );
        let spec = FeedSpec::parse("n.toml", &text).unwrap();
        let Connector::Http(settings) = &spec.connector else { panic!("{spec:?}") };
        // One look-up a connection: what was checked is connected to. Then the name points elsewhere.
        let answers = vec![
            vec!["127.0.0.1"],
            vec!["10.0.0.1"],
            vec!["127.0.0.1", "169.254.169.254"],
            vec!["::ffff:192.168.0.1"],
            vec![],
        ];
        let lookup = Arc::new(Answers(Mutex::new(answers)));
        let spool = std::env::temp_dir();
        let mut http = Http::with("n", settings.as_ref().clone(), &spool, lookup);
        let now = "2026-11-25T12:00:00Z".parse().unwrap();
        let first = http.poll(&Cursor::Null, now).await;
        assert!(matches!(first, Ok(Polled::Found { .. })), "{first:?}");
        serving.join().unwrap();
        for expected in [
            "feed.example is 10.0.0.1, no public",
            "feed.example is 169.254.169.254, no public",
            "feed.example is 192.168.0.1, no public",
            "no address",
        ] {
            let error = http.poll(&Cursor::Null, now).await.unwrap_err().problem.to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
