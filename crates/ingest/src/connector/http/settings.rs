//! Settings of `[connector] kind = "http"`.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use bellwether_model::Secret;
use ipnet::IpNet;
use reqwest::Url;
use reqwest::header::{HeaderName, HeaderValue};
use serde::Deserialize;

use super::manifest;
use crate::connector::settings::{self, Check};
use crate::feed::Cadence;

/// An address that is asked on a schedule, with everything that limits the asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpSettings {
    /// What to ask: the source itself, or the list of sources when there is an index.
    pub url: Url,
    /// Wait between two polls.
    pub every: Duration,
    /// Age of the newest content from which the feed counts as stale.
    pub stale: Option<Duration>,
    /// How long each step may take.
    pub timeout: Timeouts,
    /// Most bytes of one answer.
    pub max_bytes: u64,
    /// Most redirects of one request.
    pub max_redirects: usize,
    /// Addresses beside the public ones that may be connected to.
    pub allow: Vec<IpNet>,
    /// Whether `http://` may be asked.
    pub insecure: bool,
    /// Whether a source of no bytes says "nothing new" rather than that something is wrong.
    pub allow_empty: bool,
    /// `Accept` header.
    pub accept: Option<String>,
    /// Headers with secrets, sent to the origin of `url` alone.
    pub headers: BTreeMap<String, Secret>,
    /// What states when a source was published.
    pub published: Option<Published>,
    /// Names of the side files that are fetched with a new source, relative to its address.
    pub beside: Vec<String>,
    /// Set when `url` is a list of sources.
    pub index: Option<Index>,
}

/// How long each step of a request may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// To connect, names and TLS included.
    pub connect: Duration,
    /// From asking to the first byte of the answer.
    pub first_byte: Duration,
    /// Between two pieces of the answer.
    pub idle: Duration,
    /// For the whole request, redirects and body included.
    pub total: Duration,
}

/// What of the transport states when a source was published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Published {
    /// The `Last-Modified` header.
    LastModified,
    /// The stamp in the index.
    Stamp,
    /// The moment at which new content was fetched: it was public by then.
    Fetched,
}

/// A list that names sources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// What the list looks like.
    pub form: Form,
    /// strftime pattern of the stamps, which are UTC; text behind it is passed over.
    pub stamp: String,
    /// Most sources of one catch-up; older ones are given up, and said to be.
    pub newest: usize,
    /// Polls after which a source that is missing or damaged is given up.
    pub tries: u32,
    /// Distance of the stamps: where there is more between what was taken and what is listed, something is missing.
    pub step: Option<Duration>,
    /// Longer list of the same form that is asked when something is missing.
    pub catch_up: Option<Url>,
}

/// What an index looks like.
#[derive(Clone, Debug)]
pub enum Form {
    /// Lines; those that the expression matches name a source in its groups `stamp`, `url`, `size`, `md5`.
    Lines(regex::Regex),
    /// A JSON object from stamp to address, at this JSON pointer.
    JsonMap(String),
}

impl PartialEq for Form {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Form::Lines(a), Form::Lines(b)) => a.as_str() == b.as_str(),
            (Form::JsonMap(a), Form::JsonMap(b)) => a == b,
            _ => false,
        }
    }
}

impl Eq for Form {}

/// `[connector]` as it stands in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Written {
    url: String,
    every: Option<String>,
    stale: Option<String>,
    #[serde(default)]
    timeout: WrittenTimeouts,
    max_bytes: Option<u64>,
    max_redirects: Option<usize>,
    #[serde(default)]
    allow: Vec<String>,
    #[serde(default)]
    insecure: bool,
    #[serde(default)]
    allow_empty: bool,
    accept: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, Secret>,
    published: Option<Published>,
    #[serde(default)]
    beside: Vec<String>,
    index: Option<WrittenIndex>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenTimeouts {
    connect: Option<String>,
    first_byte: Option<String>,
    idle: Option<String>,
    total: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenIndex {
    kind: IndexKind,
    pattern: Option<String>,
    at: Option<String>,
    stamp: String,
    newest: Option<usize>,
    tries: Option<u32>,
    step: Option<String>,
    catch_up: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum IndexKind {
    Lines,
    JsonMap,
}

/// Most side files of one source.
const MOST_BESIDE: usize = 16;
const MAX_BYTES: u64 = 512 << 20;
const MAX_REDIRECTS: usize = 5;
const MOST_REDIRECTS: usize = 20;
const NEWEST: usize = 96;
const MOST_NEWEST: usize = 10_000;
const TRIES: u32 = 5;
/// Most bytes that a compiled expression may take.
const MAX_PATTERN: usize = 1 << 20;
/// Headers that the program sets itself.
const OWN: &[&str] = &[
    "accept",
    "accept-encoding",
    "connection",
    "content-length",
    "host",
    "if-modified-since",
    "if-none-match",
    "range",
    "te",
    "transfer-encoding",
    "user-agent",
];

impl Written {
    pub(in crate::connector) fn check(
        self,
        cadence: Cadence,
        check: &mut Check<'_, '_>,
    ) -> Option<HttpSettings> {
        let seconds = Duration::from_secs;
        let url = address("url", &self.url, self.insecure, check);
        let t = &self.timeout;
        let timeout = Timeouts {
            connect: check.duration("timeout.connect", t.connect.as_deref(), seconds(10)),
            first_byte: check.duration("timeout.first_byte", t.first_byte.as_deref(), seconds(60)),
            idle: check.duration("timeout.idle", t.idle.as_deref(), seconds(60)),
            total: check.duration("timeout.total", t.total.as_deref(), seconds(600)),
        };
        let max_redirects = self.max_redirects.unwrap_or(MAX_REDIRECTS);
        if max_redirects > MOST_REDIRECTS {
            check.fault("max_redirects", "too many redirects", format!("allow at most {MOST_REDIRECTS}"));
        }
        let max_bytes = self.max_bytes.unwrap_or(MAX_BYTES);
        if max_bytes == 0 {
            check.fault(
                "max_bytes",
                "no byte may come",
                "state the most bytes of one answer, or leave it out",
            );
        }
        if self.accept.as_ref().is_some_and(|a| HeaderValue::from_str(a).is_err()) {
            check.fault("accept", "not fit for a header", "write media types, such as \"text/csv\"");
        }
        if self.published == Some(Published::Stamp) && self.index.is_none() {
            check.fault("published", "there is no index whose stamp it could be", "add [connector.index]");
        }
        let settings = HttpSettings {
            every: check.duration("every", self.every.as_deref(), settings::every(cadence)),
            stale: match &self.stale {
                Some(text) => Some(check.duration("stale", Some(text), Duration::MAX)),
                None => settings::stale(cadence),
            },
            timeout,
            max_bytes,
            max_redirects,
            allow: networks(&self.allow, check),
            insecure: self.insecure,
            allow_empty: self.allow_empty,
            accept: self.accept,
            headers: headers(self.headers, check),
            published: self.published,
            beside: beside(self.beside, check),
            index: self.index.and_then(|i| index(i, self.insecure, check)),
            url: url?,
        };
        Some(settings)
    }
}

fn address(field: &str, text: &str, insecure: bool, check: &mut Check<'_, '_>) -> Option<Url> {
    let Ok(url) = Url::parse(text) else {
        check.fault(field, "not an address", "write it in full, https://host/path");
        return None;
    };
    match url.scheme() {
        "https" => {}
        "http" if insecure => {}
        "http" => check.fault(
            field,
            "plain http can be read and changed on its way",
            "use https, or say insecure = true in [connector]",
        ),
        _ => check.fault(field, "only https can be fetched", "use https, or kind = \"folder\" for files"),
    }
    if !url.username().is_empty() || url.password().is_some() {
        check.fault_unseen(field, "a name or password in the address", "move it to [connector.headers]");
    }
    if url.host_str().is_none_or(str::is_empty) {
        check.fault(field, "no host in the address", "write it in full, https://host/path");
    }
    Some(url)
}

/// Side files, by plain names: they come from where the source comes from.
fn beside(written: Vec<String>, check: &mut Check<'_, '_>) -> Vec<String> {
    for (at, name) in written.iter().enumerate() {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        if name.is_empty() || name.starts_with('.') || !name.chars().all(plain) {
            check.fault_at("beside", at, "not the plain name of a file", "write for example \"add.csv\"");
        } else if written.iter().take(at).any(|n| n.eq_ignore_ascii_case(name)) {
            check.fault_at("beside", at, "a file named twice", "name each once");
        }
    }
    if written.len() > MOST_BESIDE {
        check.fault("beside", "too many side files", format!("name at most {MOST_BESIDE}"));
    }
    written
}

fn networks(written: &[String], check: &mut Check<'_, '_>) -> Vec<IpNet> {
    let mut found = Vec::new();
    for (at, text) in written.iter().enumerate() {
        match text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from)) {
            Some(net) => found.push(net),
            None => check.fault_at(
                "allow",
                at,
                "not an address or a network",
                "write for example \"127.0.0.0/8\" or \"fd00::/8\"",
            ),
        }
    }
    found
}

fn headers(written: BTreeMap<String, Secret>, check: &mut Check<'_, '_>) -> BTreeMap<String, Secret> {
    for (name, secret) in &written {
        let path = format!("headers.{name}");
        if HeaderName::from_bytes(name.as_bytes()).is_err() {
            check.fault(&path, "not a header name", "write it as it is sent, \"Authorization\" for instance");
        } else if OWN.contains(&name.to_ascii_lowercase().as_str()) {
            check.fault(&path, "a header that is set by the fetching itself", "remove it");
        }
        if let Some(fault) = secret.fault() {
            check.fault(&path, fault, Secret::REMEDY);
        }
    }
    written
}

fn index(written: WrittenIndex, insecure: bool, check: &mut Check<'_, '_>) -> Option<Index> {
    let form = match (written.kind, written.pattern, written.at) {
        (IndexKind::Lines, Some(pattern), None) => lines(&pattern, check),
        (IndexKind::JsonMap, None, Some(at)) => {
            if !at.is_empty() && !at.starts_with('/') {
                check.fault(
                    "index.at",
                    "not a JSON pointer",
                    "write for example \"/versions\", or \"\" for the whole",
                );
            }
            Some(Form::JsonMap(at))
        }
        _ => {
            let remedy = "lines needs pattern, json-map needs at, and neither takes the other's";
            check.fault("index.kind", "not the settings of this kind", remedy);
            None
        }
    };
    if !manifest::can_read_its_own(&written.stamp) {
        check.fault("index.stamp", "does not read a date", "use strftime, for example \"%Y%m%d%H%M%S\"");
    }
    let newest = written.newest.unwrap_or(NEWEST);
    if newest == 0 || newest > MOST_NEWEST {
        check.fault("index.newest", "not a number of sources", format!("use 1 to {MOST_NEWEST}"));
    }
    let tries = written.tries.unwrap_or(TRIES);
    if tries == 0 {
        check.fault("index.tries", "a source needs one try at least", "use 1 or more");
    }
    let step = written.step.map(|text| check.duration("index.step", Some(&text), Duration::MAX));
    if written.catch_up.is_some() && step.is_none() {
        let remedy = "add step, the distance of the stamps, for example \"15m\"";
        check.fault("index.catch_up", "nothing says when something is missing", remedy);
    }
    let catch_up = written.catch_up.and_then(|text| address("index.catch_up", &text, insecure, check));
    Some(Index { form: form?, stamp: written.stamp, newest, tries, step, catch_up })
}

fn lines(pattern: &str, check: &mut Check<'_, '_>) -> Option<Form> {
    let regex = match regex::RegexBuilder::new(pattern).size_limit(MAX_PATTERN).build() {
        Ok(regex) => regex,
        Err(error) => {
            let text = error.to_string();
            let last = text.lines().last().unwrap_or_default();
            check.fault("index.pattern", format!("not an expression: {last}"), "correct it");
            return None;
        }
    };
    for needed in ["stamp", "url"] {
        if !regex.capture_names().flatten().any(|n| n == needed) {
            check.fault(
                "index.pattern",
                format!("no group {needed}"),
                "name the groups (?<stamp>…) and (?<url>…); (?<size>…) and (?<md5>…) where the list has them",
            );
        }
    }
    Some(Form::Lines(regex))
}
