//! Mail: one plain text message a notification.

use std::fmt::Write;
use std::time::Duration;

use chrono::{DateTime, Utc};
use lettre::address::Envelope;
use lettre::message::Mailbox;
use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls as Protection, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};

use super::secret::Hidden;
use super::text::{line, plain};
use super::{Answer, Receiver, Sending, Smtp, Tls};
use crate::Notification;

/// Most characters of a subject.
const SUBJECT: usize = 150;

/// A mail server and who is written to.
#[derive(Debug)]
pub(super) struct Mail {
    pub(super) settings: Smtp,
    pub(super) timeout: Duration,
}

/// Whether a text is a mail address, with or without a name before it.
pub(super) fn is_mailbox(text: &str) -> bool {
    !text.contains(char::is_control) && text.parse::<Mailbox>().is_ok()
}

impl Receiver for Mail {
    fn send<'a>(&'a self, notification: &'a Notification, now: DateTime<Utc>) -> Sending<'a> {
        Box::pin(async move {
            let password = match self.settings.password.as_ref().map(Hidden::read).transpose() {
                Ok(password) => password,
                Err(why) => return Answer::away(why),
            };
            let transport = match self.transport(password.as_ref()) {
                Ok(transport) => transport,
                Err(why) => return Answer::away(why),
            };
            let message = match self.message(notification, now) {
                Ok(message) => message,
                Err(why) => return Answer::Refused(why),
            };
            match transport.send(message).await {
                Ok(response) => {
                    let said: Vec<&str> = response.message().collect();
                    Answer::Taken(line(&format!("{} {}", response.code(), said.join(" ")), 200))
                }
                Err(error) => judge(&error, password.as_ref()),
            }
        })
    }
}

impl Mail {
    fn transport(&self, password: Option<&Hidden>) -> Result<AsyncSmtpTransport<Tokio1Executor>, String> {
        let settings = &self.settings;
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&settings.host)
            .port(settings.port)
            .timeout(Some(self.timeout));
        if let Some(domain) = self.domain() {
            builder = builder.hello_name(ClientId::Domain(domain));
        }
        builder = match settings.tls {
            Tls::None => builder.tls(Protection::None),
            Tls::Starttls => builder.tls(Protection::Required(self.tls()?)),
            Tls::Tls => builder.tls(Protection::Wrapper(self.tls()?)),
        };
        if let (Some(user), Some(password)) = (&settings.user, password) {
            builder = builder.credentials(Credentials::new(user.clone(), password.reveal().to_owned()));
        }
        Ok(builder.build())
    }

    fn tls(&self) -> Result<TlsParameters, String> {
        let mut builder = TlsParameters::builder(self.settings.host.clone());
        if let Some(path) = &self.settings.ca {
            let read = std::fs::read(path).map_err(|e| format!("{}: {e}", path.display()))?;
            let trusted = Certificate::from_pem(&read).map_err(|e| format!("{}: {e}", path.display()))?;
            builder = builder.certificate_store(CertificateStore::None).add_root_certificate(trusted);
        }
        builder.build_rustls().map_err(|error| format!("no TLS: {error}"))
    }

    /// The part of the sender's address behind the @, which names this program to the world.
    fn domain(&self) -> Option<String> {
        let from: Mailbox = self.settings.from.parse().ok()?;
        Some(from.email.domain().to_owned())
    }

    /// The same notification gives the same message but for its date.
    fn message(&self, notification: &Notification, now: DateTime<Utc>) -> Result<Message, String> {
        let mailbox =
            |text: &String| text.parse::<Mailbox>().map_err(|e| format!("{}: {e}", line(text, 100)));
        let from = mailbox(&self.settings.from)?;
        let to = self.settings.to.iter().map(mailbox).collect::<Result<Vec<_>, _>>()?;
        let recipients = to.iter().map(|mailbox| mailbox.email.clone()).collect();
        let envelope = Envelope::new(Some(from.email.clone()), recipients).map_err(|e| e.to_string())?;
        let id = format!("<{}@{}>", notification.id, from.email.domain());
        let mut builder = Message::builder()
            .from(from)
            .subject(line(&notification.title(), SUBJECT))
            .message_id(Some(id))
            .date(now.into())
            .envelope(envelope);
        for mailbox in to {
            builder = builder.to(mailbox);
        }
        // RFC 3834: no vacation replies, please.
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        builder
            .raw_header(HeaderValue::new(automatic, "auto-generated".into()))
            .header(ContentType::TEXT_PLAIN)
            .header(ContentTransferEncoding::QuotedPrintable)
            .body(plain(notification))
            .map_err(|error| error.to_string())
    }
}

/// A reply 5yz is final, 4yz is not (RFC 5321, section 4.2.1); what is no reply is about the connection.
fn judge(error: &Error, password: Option<&Hidden>) -> Answer {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            let _ = write!(text, ": {inner_text}");
        }
        cause = inner.source();
    }
    if let Some(password) = password {
        text = password.hide_in(&text);
    }
    let text = line(&text, 300);
    if error.is_permanent() {
        Answer::Refused(text)
    } else if error.is_transient() {
        Answer::failed(text)
    } else {
        Answer::away(text)
    }
}
