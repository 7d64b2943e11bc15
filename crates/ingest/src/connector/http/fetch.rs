//! One request: checked at every hop, limited in time and size, spooled to a file without a name.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use bellwether_model::Problem;
use chrono::{DateTime, Utc};
use md5::{Digest, Md5};
use reqwest::header::{self, HeaderMap, HeaderValue};
use reqwest::{StatusCode, Url};
use tokio::time::timeout;

use super::address::{Egress, Refused, shown};
use super::client::{self, Lookup};
use super::page;
use super::settings::HttpSettings;
use crate::connector::{Degraded, secret};
use crate::mapping::text::neutral_problem;

/// Asks on behalf of one feed.
#[derive(Debug)]
pub(super) struct Fetcher {
    pub(super) feed: String,
    pub(super) settings: HttpSettings,
    egress: Arc<Egress>,
    lookup: Arc<dyn Lookup>,
    client: OnceLock<reqwest::Client>,
    spool: PathBuf,
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'w> {
    pub(super) url: &'w Url,
    /// Of the copy at hand.
    pub(super) etag: Option<&'w str>,
    pub(super) last_modified: Option<&'w str>,
    /// As the index states them.
    pub(super) size: Option<u64>,
    pub(super) md5: Option<&'w str>,
}

impl<'w> Wanted<'w> {
    /// An address, whatever it holds.
    pub(super) fn all_of(url: &'w Url) -> Self {
        Self { url, etag: None, last_modified: None, size: None, md5: None }
    }
}

/// What the source answered.
#[derive(Debug)]
pub(super) enum Got {
    /// The copy at hand is the newest.
    NotModified,
    Body(Body),
}

/// A whole body.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) file: File,
    pub(super) bytes: u64,
    /// BLAKE3, hexadecimal.
    pub(super) digest: String,
    pub(super) etag: Option<String>,
    pub(super) last_modified: Option<String>,
}

/// Why nothing was got.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) degraded: Degraded,
    pub(super) blame: Blame,
    /// Whether the server says that there is no such thing.
    pub(super) absent: bool,
}

impl From<Degraded> for Fault {
    fn from(degraded: Degraded) -> Self {
        Self { degraded, blame: Blame::Address, absent: false }
    }
}

/// What a fault is about, as far as it can be told: whether others of the same server would do better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Blame {
    /// This address and what is behind it.
    Address,
    /// A connection that failed or a page for people, which may be anyone's fault.
    Unknown,
    /// The server, this machine, or a secret.
    Elsewhere,
}

/// A finding as a fault.
fn fault(problem: Problem, blame: Blame) -> Fault {
    Fault { degraded: Degraded { problem, retry_after: None }, blame, absent: false }
}

const LATER: &str = "nothing was taken; the feed tries again by itself";

impl Fetcher {
    pub(super) fn new(feed: &str, settings: HttpSettings, spool: &Path, lookup: Arc<dyn Lookup>) -> Self {
        let egress = Arc::new(Egress { allow: settings.allow.clone() });
        let client = OnceLock::new();
        Self { feed: feed.to_owned(), settings, egress, lookup, client, spool: spool.to_owned() }
    }

    /// Fetches, following redirects; every finding names the feed and the address, without its secrets.
    pub(super) async fn fetch(&self, wanted: Wanted<'_>, now: DateTime<Utc>) -> Result<Got, Fault> {
        let mut at = wanted.url.clone();
        let limit = self.settings.timeout.total;
        let outcome = match timeout(limit, self.follow(wanted, &mut at, now)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(fault(Problem::new(format!("not done within {limit:?}"), LATER), Blame::Unknown)),
        };
        outcome.map_err(|mut fault| {
            let problem = fault.degraded.problem;
            let problem = if problem.text.is_empty() { problem.text(shown(&at)) } else { problem };
            fault.degraded.problem = neutral_problem(problem.at(&self.feed, 0).field("connector.url"));
            fault
        })
    }

    async fn follow(&self, wanted: Wanted<'_>, at: &mut Url, now: DateTime<Utc>) -> Result<Got, Fault> {
        self.permit(at)?;
        for _ in 0..=self.settings.max_redirects {
            let response = self.ask(wanted, at).await?;
            let status = response.status();
            if !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
                return self.answer(wanted, response, now).await;
            }
            let location = response.headers().get(header::LOCATION).and_then(|l| l.to_str().ok());
            let next = next_hop(at, location.unwrap_or_default())
                .map_err(|problem| fault(problem, Blame::Address))?;
            *at = next;
            self.permit(at)?;
        }
        let most = self.settings.max_redirects;
        Err(fault(
            Problem::new(
                format!("more than {most} redirects"),
                "put the last address into the feed file, or raise max_redirects",
            ),
            Blame::Address,
        ))
    }

    /// Whether an address may be asked, as far as its text tells.
    fn permit(&self, url: &Url) -> Result<(), Fault> {
        match url.scheme() {
            "https" => {}
            "http" if self.settings.insecure => {}
            "http" => {
                return Err(fault(
                    Problem::new(
                        "plain http can be read and changed on its way",
                        "use https, or say insecure = true",
                    ),
                    Blame::Address,
                ));
            }
            _ => {
                return Err(fault(
                    Problem::new("neither http nor https", "only these are fetched"),
                    Blame::Address,
                ));
            }
        }
        if !url.username().is_empty() || url.password().is_some() {
            let problem = Problem::new("a name or password in the address", "the address is not asked");
            return Err(fault(problem, Blame::Address));
        }
        self.egress.check_literal(url).map_err(|refused| fault(not_public(&refused), Blame::Address))
    }

    async fn ask(&self, wanted: Wanted<'_>, at: &Url) -> Result<reqwest::Response, Fault> {
        let headers = self.headers(wanted, at).map_err(|problem| fault(problem, Blame::Elsewhere))?;
        let client = match self.client.get() {
            Some(client) => client,
            None => {
                let built = client::build(&self.settings, &self.egress, &self.lookup)
                    .map_err(|problem| fault(problem, Blame::Elsewhere))?;
                self.client.get_or_init(|| built)
            }
        };
        let limit = self.settings.timeout.first_byte;
        match timeout(limit, client.get(at.clone()).headers(headers).send()).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(self.failed("cannot be reached", &error)),
            Err(_) => Err(fault(Problem::new(format!("no answer within {limit:?}"), LATER), Blame::Unknown)),
        }
    }

    fn headers(&self, wanted: Wanted<'_>, at: &Url) -> Result<HeaderMap, Problem> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        let accept = self.settings.accept.as_deref().unwrap_or("*/*");
        let mut put = |name: header::HeaderName, text: &str| {
            // Anything else was checked when the feed file was read, or came as a header.
            if let Ok(value) = HeaderValue::from_str(text) {
                headers.insert(name, value);
            }
        };
        put(header::ACCEPT, accept);
        if let Some(etag) = wanted.etag {
            put(header::IF_NONE_MATCH, etag);
        }
        if let Some(date) = wanted.last_modified {
            put(header::IF_MODIFIED_SINCE, date);
        }
        // A secret is for whom it was given for, not for whom that one points to.
        if at.origin() == self.settings.url.origin() {
            for (name, secret) in &self.settings.headers {
                if let Ok(name) = header::HeaderName::from_bytes(name.as_bytes()) {
                    headers.insert(name, secret::read(secret)?);
                }
            }
        }
        Ok(headers)
    }

    /// A finding about a connection that failed; the client's own texts hold the address with its query.
    fn failed(&self, what: &str, error: &reqwest::Error) -> Fault {
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
        let mut last = String::new();
        while let Some(error) = cause {
            if let Some(refused) = error.downcast_ref::<Refused>() {
                return fault(not_public(refused), Blame::Address);
            }
            cause = error.source();
            if cause.is_none() {
                last = error.to_string();
            }
        }
        if error.is_timeout() {
            last = format!("not connected within {:?}", self.settings.timeout.connect);
        }
        fault(Problem::new(format!("{what}: {last}"), LATER), Blame::Unknown)
    }

    async fn answer(
        &self,
        wanted: Wanted<'_>,
        response: reqwest::Response,
        now: DateTime<Utc>,
    ) -> Result<Got, Fault> {
        let status = response.status();
        if status == StatusCode::NOT_MODIFIED && (wanted.etag.is_some() || wanted.last_modified.is_some()) {
            return Ok(Got::NotModified);
        }
        if status != StatusCode::OK {
            return Err(self.not_ok(status, response.headers(), now));
        }
        let encoding = response.headers().get(header::CONTENT_ENCODING).map(HeaderValue::as_bytes);
        if encoding.is_some_and(|e| !e.is_empty() && !e.eq_ignore_ascii_case(b"identity")) {
            return Err(fault(
                Problem::new(
                    "answered in a coding that was not asked for",
                    "ask for the address of the file itself: what it is packed with is the decoder's to unpack",
                ),
                Blame::Address,
            ));
        }
        self.body(wanted, response).await.map(Got::Body)
    }

    fn not_ok(&self, status: StatusCode, headers: &HeaderMap, now: DateTime<Utc>) -> Fault {
        let remedy = match status.as_u16() {
            401 | 403 => "check the secret in [connector.headers], or whether the source wants registration",
            404 | 410 => "check the address: the source has moved or ended, or is not there yet",
            429 => "the source asks for fewer requests: raise every",
            _ => LATER,
        };
        let busy = matches!(status.as_u16(), 429 | 503);
        let blame = match status.as_u16() {
            401 | 407 | 429 | 503 => Blame::Elsewhere,
            // Some stores answer so for what is not there; but a secret that ran out must not cost one source a day.
            403 if !self.settings.headers.is_empty() => Blame::Elsewhere,
            408 | 425 | 502 | 504 => Blame::Unknown,
            _ => Blame::Address,
        };
        let retry_after = headers
            .get(header::RETRY_AFTER)
            .filter(|_| busy)
            .and_then(|value| asked_wait(value.to_str().ok()?, headers, now));
        let problem = Problem::new(format!("answered {status}"), remedy);
        let absent = matches!(status.as_u16(), 404 | 410);
        Fault { degraded: Degraded { problem, retry_after }, blame, absent }
    }

    async fn body(&self, wanted: Wanted<'_>, mut response: reqwest::Response) -> Result<Body, Fault> {
        let most = self.settings.max_bytes;
        let too_long = || {
            let remedy = "check the address, or raise max_bytes";
            fault(Problem::new(format!("longer than {most} bytes"), remedy), Blame::Address)
        };
        if response.content_length().is_some_and(|n| n > most) {
            return Err(too_long());
        }
        let keep = |name: header::HeaderName, response: &reqwest::Response| {
            let value = response.headers().get(name)?.to_str().ok()?;
            (value.len() <= 512).then(|| value.to_owned())
        };
        let etag = keep(header::ETAG, &response);
        let last_modified = keep(header::LAST_MODIFIED, &response);
        let spooling = |error: std::io::Error| {
            let remedy = "make room where temporary files are kept, or correct its permissions";
            fault(Problem::new(format!("no place to keep the answer: {error}"), remedy), Blame::Elsewhere)
        };
        let mut file = tempfile::tempfile_in(&self.spool).map_err(spooling)?;
        let (mut digest, mut md5) = (blake3::Hasher::new(), wanted.md5.map(|_| Md5::new()));
        let (mut bytes, mut head) = (0_u64, Vec::new());
        let idle = self.settings.timeout.idle;
        loop {
            let piece = match timeout(idle, response.chunk()).await {
                Ok(Ok(Some(piece))) => piece,
                Ok(Ok(None)) => break,
                Ok(Err(error)) => return Err(self.failed("cut short", &error)),
                Err(_) => {
                    return Err(fault(
                        Problem::new(format!("nothing came for {idle:?}"), LATER),
                        Blame::Unknown,
                    ));
                }
            };
            bytes += piece.len() as u64;
            if bytes > most {
                return Err(too_long());
            }
            if head.len() < page::HEAD {
                head.extend(piece.iter().take(page::HEAD - head.len()));
            }
            digest.update(&piece);
            if let Some(md5) = &mut md5 {
                md5.update(&piece);
            }
            file.write_all(&piece).map_err(spooling)?;
        }
        if bytes == 0 && !self.settings.allow_empty {
            return Err(fault(Problem::new("an empty answer", LATER), Blame::Address));
        }
        if page::is_html(&head) {
            let remedy = "open the address in a browser: it may want a login, or have moved";
            return Err(fault(Problem::new("an HTML page in place of data", remedy), Blame::Unknown));
        }
        if wanted.size.is_some_and(|size| size != bytes) {
            let stated = wanted.size.unwrap_or_default();
            return Err(fault(
                Problem::new(format!("{bytes} bytes where the index says {stated}"), LATER),
                Blame::Address,
            ));
        }
        if let (Some(md5), Some(stated)) = (md5, wanted.md5)
            && !hex(&md5.finalize()).eq_ignore_ascii_case(stated)
        {
            return Err(fault(Problem::new("not the MD5 that the index states", LATER), Blame::Address));
        }
        file.seek(SeekFrom::Start(0)).map_err(spooling)?;
        Ok(Body { file, bytes, digest: digest.finalize().to_hex().to_string(), etag, last_modified })
    }
}

/// Where a redirect leads; what may be asked there is decided apart.
fn next_hop(at: &Url, location: &str) -> Result<Url, Problem> {
    let next = at.join(location).ok().filter(|_| !location.is_empty());
    let next = next.ok_or_else(|| Problem::new("a redirect without an address to go to", LATER))?;
    if at.scheme() == "https" && next.scheme() != "https" {
        let remedy = "ask the publisher for a secure address; the redirect is never followed";
        return Err(Problem::new("redirected from https to what is not https", remedy).text(shown(&next)));
    }
    Ok(next)
}

fn not_public(refused: &Refused) -> Problem {
    Problem::new(
        refused.to_string(),
        "a source inside the own network is allowed with allow = [\"NETWORK\"] in [connector]",
    )
}

/// Lower-case hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// A date of HTTP.
pub(super) fn http_date(text: &str) -> Option<DateTime<Utc>> {
    let since = httpdate::parse_http_date(text).ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    DateTime::from_timestamp(i64::try_from(since.as_secs()).ok()?, 0)
}

/// `Retry-After`: seconds, or a date, which counts from the server's own.
fn asked_wait(text: &str, headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let until = http_date(text)?;
    let theirs = headers.get(header::DATE).and_then(|d| http_date(d.to_str().ok()?)).unwrap_or(now);
    Some((until - theirs).to_std().unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r19_no_redirect_leads_from_https_to_less() {
        let at = Url::parse("https://example.org/a/b").unwrap();
        for (location, expected) in [
            ("c", Some("https://example.org/a/c")),
            ("//example.net/", Some("https://example.net/")),
            ("https://example.net/x", Some("https://example.net/x")),
            ("http://example.org/a/b", None),
            ("HTTP://example.org", None),
            ("file:///etc/passwd", None),
            ("data:text/plain,x", None),
            ("https://", None),
            ("", None),
        ] {
            let next = next_hop(&at, location).ok();
            assert_eq!(next.as_ref().map(Url::as_str), expected, "{location}");
        }
    }

    #[test]
    fn r20_waits_that_a_source_asks_for() {
        let now = "2026-11-25T12:00:00Z".parse().unwrap();
        let mut headers = HeaderMap::new();
        let asked = |text: &str, headers: &HeaderMap| asked_wait(text, headers, now).map(|d| d.as_secs());
        assert_eq!(asked(" 120 ", &headers), Some(120));
        assert_eq!(asked("Wed, 25 Nov 2026 12:01:30 GMT", &headers), Some(90));
        assert_eq!(asked("Wed, 25 Nov 2026 11:00:00 GMT", &headers), Some(0));
        assert_eq!(asked("soon", &headers), None);
        assert_eq!(asked("-5", &headers), None);
        // Their clock is ten minutes fast: the wait is the one they mean.
        headers.insert(header::DATE, HeaderValue::from_static("Wed, 25 Nov 2026 12:10:00 GMT"));
        assert_eq!(asked("Wed, 25 Nov 2026 12:11:30 GMT", &headers), Some(90));
    }
}
