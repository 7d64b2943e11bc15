//! One POST: to the address of the configuration and nowhere else, with an answer that is read in part only.

use std::sync::Arc;
use std::time::Duration;

use bellwether_model::Problem;
use chrono::{DateTime, Utc};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{StatusCode, Url};
use rustls::ClientConfig;
use rustls_platform_verifier::BuilderVerifierExt;

use super::read::usable;
use super::secret::Hidden;
use super::text::line;
use super::{Address, Answer, Http};

/// Most bytes of an answer that are read.
const MOST: usize = 4 << 10;

/// Posts to one address. No proxy, no cookies, no referer, no redirects: what is sent may be confidential.
#[derive(Debug)]
pub(super) struct Client {
    settings: Http,
    client: reqwest::Client,
}

impl Client {
    pub(super) fn new(settings: &Http, connect: Duration) -> Result<Self, Problem> {
        let client = reqwest::Client::builder()
            .user_agent(concat!("bellwether/", env!("CARGO_PKG_VERSION")))
            .tls_backend_preconfigured(tls()?)
            .http1_only()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .connect_timeout(connect)
            // Notifications are rare: a connection that waits for the next would be closed by then.
            .pool_max_idle_per_host(0)
            .build()
            .map_err(|error| Problem::new(format!("no client to send with: {error}"), "report this"))?;
        Ok(Self { settings: settings.clone(), client })
    }

    /// Posts JSON to the address with `path` appended.
    pub(super) async fn post(
        &self,
        path: &str,
        own: &[(HeaderName, String)],
        body: Vec<u8>,
        now: DateTime<Utc>,
    ) -> Answer {
        let mut secrets = Vec::new();
        let (url, headers) = match self.prepare(path, own, &mut secrets) {
            Ok(prepared) => prepared,
            // Whoever keeps the secrets may mend it while the notification waits.
            Err(why) => return Answer::away(why),
        };
        let sent = self.client.post(url).headers(headers).body(body).send().await;
        let mut response = match sent {
            Ok(response) => response,
            Err(error) => return Answer::away(format!("cannot be reached: {}", cause(error))),
        };
        let status = response.status();
        if status.is_success() {
            return Answer::Taken(format!("answered {status}"));
        }
        let retry_after = asked_wait(response.headers(), now);
        let mut said = Vec::new();
        while said.len() < MOST
            && let Ok(Some(piece)) = response.chunk().await
        {
            said.extend(piece.iter().take(MOST - said.len()));
        }
        let mut said = line(&String::from_utf8_lossy(&said), MOST);
        for secret in &secrets {
            said = secret.hide_in(&said);
        }
        let said = line(&said, 200);
        judge(status, &said, retry_after)
    }

    fn prepare(
        &self,
        path: &str,
        own: &[(HeaderName, String)],
        secrets: &mut Vec<Hidden>,
    ) -> Result<(Url, HeaderMap), String> {
        let url = match &self.settings.url {
            Address::Plain(text) => usable(text, self.settings.insecure),
            Address::Kept(place) => {
                let hidden = Hidden::read(place)?;
                let url = usable(hidden.reveal(), self.settings.insecure);
                secrets.push(hidden);
                url
            }
        };
        let mut url = url.map_err(|(what, remedy)| format!("url: {what}; {remedy}"))?;
        if !path.is_empty() {
            url.set_path(&format!("{}{path}", url.path().trim_end_matches('/')));
        }
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (name, place) in &self.settings.headers {
            let hidden = Hidden::read(place)?;
            let unfit = |_| format!("{} holds no text fit for a header", place.place());
            let mut value = HeaderValue::from_str(hidden.reveal()).map_err(unfit)?;
            value.set_sensitive(true);
            headers.insert(HeaderName::from_bytes(name.as_bytes()).map_err(|e| e.to_string())?, value);
            secrets.push(hidden);
        }
        for (name, value) in own {
            headers.insert(name.clone(), HeaderValue::from_str(value).map_err(|e| e.to_string())?);
        }
        Ok((url, headers))
    }
}

/// Which answers are final: a client error is, but for those that only ask for another time.
fn judge(status: StatusCode, said: &str, retry_after: Option<Duration>) -> Answer {
    let why = format!("answered {status}{}{said}", if said.is_empty() { "" } else { ": " });
    match status.as_u16() {
        429 | 503 => Answer::Failed { why, retry_after, away: true },
        408 | 425 | 500.. => Answer::Failed { why, retry_after, away: false },
        300..=399 => Answer::Refused(format!("{why}; redirects are not followed")),
        _ => Answer::Refused(why),
    }
}

/// `Retry-After`, in seconds or as a date.
fn asked_wait(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let at: DateTime<Utc> = httpdate::parse_http_date(text).ok()?.into();
    (at - now).to_std().ok()
}

/// The innermost cause; the client's own text would show the address.
fn cause(error: reqwest::Error) -> String {
    let error = error.without_url();
    if error.is_timeout() {
        return "not connected in time".into();
    }
    let mut cause: &dyn std::error::Error = &error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    line(&cause.to_string(), 200)
}

/// TLS with ring and the certificates that the system trusts.
fn tls() -> Result<ClientConfig, Problem> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Problem::new(format!("no TLS: {error}"), "report this"))?;
    Ok(match builder.clone().with_platform_verifier() {
        Ok(builder) => builder.with_no_client_auth(),
        // Plain http needs none; https then finds nobody to trust.
        Err(_) => builder.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth(),
    })
}
