//! Standard Webhooks 1.0.0, symmetric signatures (github.com/standard-webhooks/standard-webhooks,
//! `spec/standard-webhooks.md`).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bellwether_model::Secret;
use chrono::{DateTime, Utc};
use reqwest::header::HeaderName;
use ring::hmac;
use serde::Serialize;

use super::http::Client;
use super::secret::Hidden;
use super::{Answer, Receiver, Sending};
use crate::{Notification, Status};

/// Least bytes of a key that the specification allows.
const LEAST_KEY: usize = 24;

/// A receiver of Standard Webhooks.
#[derive(Debug)]
pub(super) struct Webhook {
    pub(super) http: Client,
    pub(super) secret: Secret,
}

/// The payload as the specification recommends it.
#[derive(Serialize)]
struct Payload<'n> {
    r#type: &'static str,
    timestamp: &'n str,
    data: &'n Notification,
}

impl Receiver for Webhook {
    fn send<'a>(&'a self, notification: &'a Notification, now: DateTime<Utc>) -> Sending<'a> {
        Box::pin(async move {
            let kind = match (notification.test, notification.status) {
                (true, _) => "alert.test",
                (_, Status::Firing) => "alert.firing",
                (_, Status::Resolved) => "alert.resolved",
            };
            let payload = Payload { r#type: kind, timestamp: &notification.at, data: notification };
            let Ok(body) = serde_json::to_vec(&payload) else {
                return Answer::Refused("the notification does not serialise".into());
            };
            let (id, stamp) = (notification.id.to_string(), now.timestamp());
            let signed = Hidden::read(&self.secret).and_then(|secret| {
                signature(secret.reveal(), &id, stamp, &body)
                    .map_err(|fault| format!("{}: {fault}", self.secret.place()))
            });
            let signed = match signed {
                Ok(signed) => signed,
                Err(why) => return Answer::away(why),
            };
            let headers = [
                (HeaderName::from_static("webhook-id"), id),
                (HeaderName::from_static("webhook-timestamp"), stamp.to_string()),
                (HeaderName::from_static("webhook-signature"), signed),
            ];
            self.http.post("", &headers, body, now).await
        })
    }
}

/// The header `webhook-signature`: `v1,` and HMAC-SHA256 over `{id}.{timestamp}.{body}` in base64. `secret` is base64 with or
/// without `whsec_` before it, `timestamp` the moment of the attempt in seconds of the Unix epoch.
///
/// # Errors
/// What is wrong with the secret, without showing it.
pub fn signature(secret: &str, id: &str, timestamp: i64, body: &[u8]) -> Result<String, &'static str> {
    let text = secret.strip_prefix("whsec_").unwrap_or(secret);
    let key = STANDARD.decode(text).map_err(|_| "not a signing secret: whsec_ and base64")?;
    if key.len() < LEAST_KEY {
        return Err("a signing secret shorter than 24 bytes");
    }
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &key));
    context.update(format!("{id}.{timestamp}.").as_bytes());
    context.update(body);
    Ok(format!("v1,{}", STANDARD.encode(context.sign())))
}
