//! Receivers: who is told, and how. The only part of the crate that opens a connection.
//!
//! [`ReceiverSpec`] is a receiver as `config/receivers.toml` states it, [`Receiver`] what sends to it, [`Answer`] what came
//! of one attempt. One file a kind.

mod alertmanager;
mod fields;
mod file;
mod http;
mod read;
mod route;
mod secret;
mod slack;
#[cfg(feature = "smtp")]
mod smtp;
mod stdout;
mod text;
mod webhook;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bellwether_model::{Problem, Secret};
use chrono::{DateTime, Utc};

use crate::outbox::Rate;
use crate::{Entry, Notification};

pub use read::{FILE, parse};
pub use route::Route;
pub use stdout::Output;
pub use webhook::signature;

/// One receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiverSpec {
    /// Name, unique in the file.
    pub name: String,
    /// Whether it is told.
    pub enabled: bool,
    /// What it is told of.
    pub route: Route,
    /// How often it is told at most.
    pub rate: Option<Rate>,
    /// Age from which a notification that fails is given up.
    pub give_up: Duration,
    /// How long an attempt may take.
    pub timeout: Duration,
    /// How it is told.
    pub kind: Kind,
}

/// How a receiver is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Prometheus Alertmanager, API v2.
    Alertmanager {
        /// Where it answers, without `/api/v2/alerts`, and headers.
        http: Http,
        /// How often it is reminded of what fires: it forgets when it restarts.
        refresh: Duration,
        /// For how long what fires is to stay in force without a reminder.
        hold: Duration,
        /// Address of an alert for people, with `{alert}` in it.
        link: Option<String>,
    },
    /// Standard Webhooks.
    Webhook {
        /// Address and headers.
        http: Http,
        /// Signing secret, `whsec_` and base64.
        secret: Secret,
    },
    /// An incoming webhook of Slack or of something that understands its messages.
    Slack {
        /// Address.
        http: Http,
        /// Address of an alert for people, with `{alert}` in it.
        link: Option<String>,
    },
    /// Mail.
    Smtp(Box<Smtp>),
    /// A file with one JSON document a line.
    File {
        /// Path, from the folder of the store when relative.
        path: PathBuf,
    },
    /// The program's output.
    Stdout,
}

impl Kind {
    /// As the file names it.
    pub fn word(&self) -> &'static str {
        match self {
            Kind::Alertmanager { .. } => "alertmanager",
            Kind::Webhook { .. } => "webhook",
            Kind::Slack { .. } => "slack",
            Kind::Smtp(_) => "smtp",
            Kind::File { .. } => "file",
            Kind::Stdout => "stdout",
        }
    }
}

/// Whom to ask over HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Http {
    /// Address.
    pub url: Address,
    /// Headers with secrets.
    pub headers: BTreeMap<String, Secret>,
    /// Whether plain http to another machine is allowed.
    pub insecure: bool,
}

/// An address, or where one is kept that is itself a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// As it stands in the file.
    Plain(String),
    /// Kept elsewhere.
    Kept(Secret),
}

/// Settings of a mail server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Smtp {
    /// Name or address of the server.
    pub host: String,
    /// Port.
    pub port: u16,
    /// How the connection is protected.
    pub tls: Tls,
    /// Name to log in with.
    pub user: Option<String>,
    /// Password to log in with.
    pub password: Option<Secret>,
    /// Sender.
    pub from: String,
    /// Recipients.
    pub to: Vec<String>,
    /// Certificates (PEM) to trust instead of the system's.
    pub ca: Option<PathBuf>,
}

/// How a connection to a mail server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// It begins in plain text and must switch to TLS before anything is said (RFC 3207).
    Starttls,
    /// TLS from the first byte (RFC 8314).
    Tls,
    /// Not at all.
    None,
}

/// What came of one attempt, in a line without secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The receiver took it.
    Taken(String),
    /// It never will.
    Refused(String),
    /// It may another time.
    Failed {
        /// What happened.
        why: String,
        /// How long the receiver wants to be left alone.
        retry_after: Option<Duration>,
        /// Whether any other message would have fared alike.
        away: bool,
    },
}

impl Answer {
    /// A failure of this message.
    pub fn failed(why: impl Into<String>) -> Self {
        Answer::Failed { why: why.into(), retry_after: None, away: false }
    }

    /// A failure that any message would have met.
    pub fn away(why: impl Into<String>) -> Self {
        Answer::Failed { why: why.into(), retry_after: None, away: true }
    }
}

/// An attempt under way.
pub type Sending<'a> = Pin<Box<dyn Future<Output = Answer> + Send + 'a>>;

/// Sends to one receiver.
pub trait Receiver: Send + Sync {
    /// One attempt. `now` is the moment of the attempt. Whoever calls limits its time; a dropped attempt may or may not
    /// have reached the receiver.
    fn send<'a>(&'a self, notification: &'a Notification, now: DateTime<Utc>) -> Sending<'a>;

    /// How often it wants to be reminded of what fires.
    fn refresh(&self) -> Option<Duration> {
        None
    }

    /// Reminds it.
    fn remind<'a>(&'a self, _firing: &'a [Entry], _now: DateTime<Utc>) -> Sending<'a> {
        Box::pin(std::future::ready(Answer::Taken("needs no reminder".into())))
    }
}

impl ReceiverSpec {
    /// Secrets that are not where the file says: what an attempt would fail for.
    pub fn missing(&self) -> Vec<Problem> {
        let of = |http: &Http| {
            let url = match &http.url {
                Address::Kept(secret) => Some(("url".to_owned(), secret.clone())),
                Address::Plain(_) => None,
            };
            let headers =
                http.headers.iter().map(|(name, secret)| (format!("headers.{name}"), secret.clone()));
            url.into_iter().chain(headers).collect::<Vec<_>>()
        };
        let mut places = match &self.kind {
            Kind::Alertmanager { http, .. } | Kind::Webhook { http, .. } | Kind::Slack { http, .. } => {
                of(http)
            }
            Kind::Smtp(_) | Kind::File { .. } | Kind::Stdout => Vec::new(),
        };
        match &self.kind {
            Kind::Webhook { secret, .. } => places.push(("secret".into(), secret.clone())),
            Kind::Smtp(mail) => places.extend(mail.password.clone().map(|p| ("password".into(), p))),
            _ => {}
        }
        let missing = |(field, place): (String, Secret)| {
            let why = secret::Hidden::read(&place).err()?;
            let remedy = "set it for the process that sends, as UTF-8 text";
            Some(Problem::new(why, remedy).at(&self.name, 0).field(field))
        };
        places.into_iter().filter_map(missing).collect()
    }

    /// What sends to it. Relative paths start at `folder`; `output` is where a receiver of kind `stdout` writes.
    ///
    /// # Errors
    /// A TLS set-up that fails, or a kind that this build is without. No secret is read yet, nothing is asked.
    pub fn receiver(&self, folder: &Path, output: &Output) -> Result<Arc<dyn Receiver>, Problem> {
        Ok(match &self.kind {
            Kind::Alertmanager { http, refresh, hold, link } => Arc::new(alertmanager::Alertmanager {
                http: http::Client::new(http, self.timeout)?,
                refresh: *refresh,
                hold: *hold,
                link: link.clone(),
            }),
            Kind::Webhook { http, secret } => Arc::new(webhook::Webhook {
                http: http::Client::new(http, self.timeout)?,
                secret: secret.clone(),
            }),
            Kind::Slack { http, link } => {
                Arc::new(slack::Slack { http: http::Client::new(http, self.timeout)?, link: link.clone() })
            }
            #[cfg(feature = "smtp")]
            Kind::Smtp(settings) => {
                Arc::new(smtp::Mail { settings: (**settings).clone(), timeout: self.timeout })
            }
            #[cfg(not(feature = "smtp"))]
            Kind::Smtp(_) => {
                return Err(Problem::new(
                    "this program was built without mail",
                    "build it with the feature smtp, or choose another kind",
                )
                .field(&self.name));
            }
            Kind::File { path } => Arc::new(file::Lines::new(folder.join(path))),
            Kind::Stdout => Arc::new(stdout::Stdout { output: Arc::clone(output) }),
        })
    }
}
