//! One daemon, asked over HTTP.

use std::error::Error;
use std::fmt::Display;
use std::io::Read;
use std::time::Duration;

use bellwether_server::api::Guest;
use reqwest::Url;
use reqwest::blocking::{Client, RequestBuilder, Response};
use reqwest::header;
use serde::de::DeserializeOwned;

use super::Told;
use crate::failure::Failure;
use crate::out;

/// A daemon that does not say that it is there within this time does not answer.
const PROBE: Duration = Duration::from_secs(3);
const CONNECT: Duration = Duration::from_secs(5);
/// An answer may take this long, a stream this long.
const ANSWER: Duration = Duration::from_secs(600);
const STREAM: Duration = Duration::from_secs(24 * 3600);
/// A problem document is not longer than this, bytes.
const PROBLEM: u64 = 1 << 20;
/// Where the token is read from.
const TOKEN: &str = "BELLWETHER_TOKEN";

/// A daemon to ask.
pub(crate) struct Remote {
    base: Url,
    http: Client,
    /// Never shown.
    token: Option<String>,
    /// Process and host that hold the store, when it was found through the store folder.
    holder: Option<String>,
}

impl Remote {
    /// The daemon at `url`; `holder` when it was found through the store folder.
    pub(crate) fn new(url: &str, holder: Option<String>) -> Result<Self, Failure> {
        let base = address(url)?;
        let token = token()?;
        let near = loopback(&base);
        if token.is_some() && base.scheme() == "http" && !near {
            out::note("the token goes over the network unencrypted; https:// would keep it");
        }
        let mut http = Client::builder()
            .user_agent(concat!("bellwether/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT)
            .timeout(ANSWER);
        if near {
            http = http.no_proxy();
        }
        // Set once a process; a second call finds it set.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = http.build().map_err(|e| Failure::Internal(format!("no HTTP client: {}", root(&e))))?;
        Ok(Self { base, http, token, holder })
    }

    /// Process and host that hold the store, when it was found through the store folder.
    pub(crate) fn holder(&self) -> Option<&str> {
        self.holder.as_deref()
    }

    /// Asks whether anybody is there; whatever it says, it is.
    pub(crate) fn probe(&self) -> Result<(), Failure> {
        let request = self.http.get(self.url(&["healthz"], &[])).timeout(PROBE);
        request.send().map(drop).map_err(|e| self.silent(&root(&e)))
    }

    /// The JSON at an address.
    pub(crate) fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, String)],
    ) -> Result<T, Failure> {
        self.parse(self.send(self.http.get(self.url(path, query)))?)
    }

    /// The JSON at an address, read by a framework that is sent along.
    pub(crate) fn what_if<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, String)],
        guest: &Guest,
    ) -> Result<T, Failure> {
        let body = serde_json::to_vec(guest)?;
        let request = self.http.post(self.url(path, query)).header(header::CONTENT_TYPE, "application/json");
        self.parse(self.send(request.body(body))?)
    }

    /// Sends JSON to an address and answers the JSON that comes back.
    pub(crate) fn post<T: DeserializeOwned>(
        &self,
        path: &[&str],
        body: &impl serde::Serialize,
    ) -> Result<T, Failure> {
        let body = serde_json::to_vec(body)?;
        let request = self.http.post(self.url(path, &[])).header(header::CONTENT_TYPE, "application/json");
        self.parse(self.send(request.body(body))?)
    }

    /// Takes something away at an address; answers what it was.
    pub(crate) fn delete<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, String)],
    ) -> Result<T, Failure> {
        self.parse(self.send(self.http.delete(self.url(path, query)))?)
    }

    /// The bytes at an address, as they come.
    pub(super) fn stream(&self, path: &[&str], query: &[(&str, String)]) -> Result<Response, Failure> {
        self.send(self.http.get(self.url(path, query)).timeout(STREAM))
    }

    fn url(&self, path: &[&str], query: &[(&str, String)]) -> Url {
        let mut url = self.base.clone();
        // An address with a host has segments.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    fn send(&self, request: RequestBuilder) -> Result<Response, Failure> {
        let request = match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let response = request.send().map_err(|e| self.silent(&root(&e)))?;
        if response.status().is_success() { Ok(response) } else { Err(self.refused(response)) }
    }

    fn parse<T: DeserializeOwned>(&self, response: Response) -> Result<T, Failure> {
        let bytes = response.bytes().map_err(|e| self.silent(&root(&e)))?;
        serde_json::from_slice(&bytes).map_err(|e| self.odd(&e))
    }

    fn refused(&self, response: Response) -> Failure {
        let status = response.status();
        let mut body = Vec::new();
        // What cannot be read of it is no problem document.
        let _ = response.take(PROBLEM).read_to_end(&mut body);
        let told = serde_json::from_slice::<Told>(&body).unwrap_or_else(|_| {
            let detail = format!("{} answered {status}", self.base);
            Told::answered(status.as_u16(), detail, "is it a daemon of this program?", 6)
        });
        // What a header is called is of no use to somebody at a command line.
        let told = match status.as_u16() {
            401 => told.remedy(format!("put a token with the role read into {TOKEN}")),
            _ => told,
        };
        Failure::Daemon(Box::new(told))
    }

    /// Nobody answers.
    pub(super) fn silent(&self, why: &str) -> Failure {
        let told = match &self.holder {
            Some(holder) => Told::nothing(
                format!("{holder} holds the store as a daemon at {} and does not answer: {why}", self.base),
                "wait for it, or stop that process: the store is then read without it",
                7,
            ),
            None => Told::nothing(
                format!("nobody answers at {}: {why}", self.base),
                "check --server, and that the daemon (`bellwether watch`) runs there",
                6,
            ),
        };
        Failure::Daemon(Box::new(told))
    }

    /// An answer of another shape.
    pub(super) fn odd(&self, what: &dyn Display) -> Failure {
        Failure::Daemon(Box::new(Told::nothing(
            format!("{} answered what this program cannot read: {what}", self.base),
            "use the same version on both sides",
            6,
        )))
    }
}

fn address(url: &str) -> Result<Url, Failure> {
    let wrong =
        |what: &str| Failure::usage(format!("--server: {what}"), "write http://HOST:PORT or https://HOST");
    let url = Url::parse(url).map_err(|e| wrong(&e.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(wrong("not an address of the web"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong(&format!("an address shows in logs: the token belongs into {TOKEN}")));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("no query belongs there"));
    }
    Ok(url)
}

fn loopback(url: &Url) -> bool {
    match url.host_str() {
        Some("localhost") => true,
        Some(host) => {
            host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
        }
        None => false,
    }
}

fn token() -> Result<Option<String>, Failure> {
    let Some(token) = std::env::var_os(TOKEN).filter(|t| !t.is_empty()) else { return Ok(None) };
    let plain = token.into_string().ok().map(|t| t.trim().to_owned());
    plain.filter(|t| t.chars().all(|c| c.is_ascii_graphic())).map(Some).ok_or_else(|| {
        Failure::usage(format!("{TOKEN} is not a token"), "it has letters, digits and signs, without spaces")
    })
}

/// The last cause of a failed request, which is what a reader can do something about.
fn root(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let mut cause: &dyn Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_are_none_are_refused() {
        for bad in
            ["", "localhost:7777", "ftp://x", "http://", "http://u:p@x", "http://t@x", "http://x/?token=1"]
        {
            assert!(address(bad).is_err(), "{bad}");
        }
        for good in ["http://127.0.0.1:7777", "https://x.example/bellwether/", "http://[::1]:1"] {
            assert!(address(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn ids_stay_one_segment() {
        let remote = Remote::new("http://127.0.0.1:1/base/", None).unwrap();
        let url = remote.url(&["v1", "why", "a/b?c d"], &[("as_of", "2022-01-01T00:00:00Z".to_owned())]);
        assert_eq!(
            url.as_str(),
            "http://127.0.0.1:1/base/v1/why/a%2Fb%3Fc%20d?as_of=2022-01-01T00%3A00%3A00Z"
        );
    }

    #[test]
    fn loopback_is_known() {
        for (url, near) in [
            ("http://127.0.0.9:1", true),
            ("http://[::1]", true),
            ("http://localhost", true),
            ("http://10.0.0.1", false),
            ("http://localhost.example", false),
        ] {
            assert_eq!(loopback(&address(url).unwrap()), near, "{url}");
        }
    }
}
