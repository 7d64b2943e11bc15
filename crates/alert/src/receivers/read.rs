//! `config/receivers.toml`.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use bellwether_model::{Locator, Problems};
use reqwest::Url;
use reqwest::header::HeaderName;
use toml::{Table, Value};

use super::fields::Fields;
use super::{Address, Http, Kind, ReceiverSpec, Route, Smtp, Tls};
use crate::Severity;
use crate::outbox::Rate;

/// Name of the file in the configuration folder.
pub const FILE: &str = "receivers.toml";

const KINDS: [&str; 6] = ["alertmanager", "webhook", "slack", "smtp", "file", "stdout"];
const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Headers that the sending itself sets.
const OWN: [&str; 8] = [
    "host",
    "content-length",
    "content-type",
    "connection",
    "transfer-encoding",
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
];

/// Reads the file; `file` is the name to blame. No receiver is no fault.
///
/// # Errors
/// All faults, each with its line and a remedy; no fault shows a secret.
pub fn parse(file: &str, text: &str) -> Result<Vec<ReceiverSpec>, Problems> {
    let locator = Locator::new(file, text)?;
    let mut root: Table = locator.parse()?;
    let mut problems = Problems::default();
    let tables = match root.remove("receiver") {
        None => Vec::new(),
        Some(Value::Array(tables)) => tables,
        Some(_) => {
            let remedy = "write one [[receiver]] for each";
            problems.push(locator.problem(&["receiver".into()], "not a list of receivers", remedy));
            Vec::new()
        }
    };
    for name in root.keys() {
        let remedy = "the file has [[receiver]] tables and nothing else";
        problems.push(locator.problem(&[name.as_str().into()], "unknown setting", remedy));
    }
    let mut all: Vec<ReceiverSpec> = Vec::new();
    for (at, table) in tables.into_iter().enumerate() {
        let Value::Table(table) = table else {
            let path = ["receiver".into(), at.into()];
            problems.push(locator.problem(&path, "not a table", "write [[receiver]] and its settings below"));
            continue;
        };
        let mut fields = Fields::new(&locator, at, table);
        let spec = receiver(&mut fields);
        if let Some(spec) = spec {
            if all.iter().any(|other| other.name == spec.name) {
                fields.fault("name", "another receiver has this name", "rename one of them");
            }
            all.push(spec);
        }
        problems.0.extend(fields.finish());
    }
    problems.into_result(all)
}

fn receiver(fields: &mut Fields<'_, '_>) -> Option<ReceiverSpec> {
    let name = fields.needed("name", "add name = \"…\"");
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.as_ref().is_some_and(|name| !name.chars().all(plain) || name.len() > 64) {
        fields.fault("name", "not a plain name", "use at most 64 letters, digits, -, _ and .");
    }
    let enabled = fields.flag("enabled", true);
    let route = route(fields);
    let rate = fields.text("rate").and_then(|text| {
        let rate = text.parse::<Rate>();
        if rate.is_err() {
            fields.fault("rate", "not a rate", "write for example \"30/h\": 1 to 10000 a s, m, h or d");
        }
        rate.ok()
    });
    let give_up = fields.duration("give_up", 3 * DAY, 60 * SECOND, 365 * DAY);
    let timeout = fields.duration("timeout", 15 * SECOND, SECOND, 600 * SECOND);
    let kind = fields.needed("kind", &format!("add kind, one of {}", KINDS.join(", ")));
    let kind = match kind?.as_str() {
        "alertmanager" => {
            let http = http(fields, false);
            let refresh = fields.duration("refresh", 120 * SECOND, 10 * SECOND, DAY);
            let hold = fields.duration("hold", DAY, 60 * SECOND, 365 * DAY);
            if hold < 2 * refresh {
                let remedy = "make hold at least twice refresh, or what fires ends between two reminders";
                fields.fault("hold", "too short", remedy);
            }
            let link = link(fields);
            Kind::Alertmanager { http: http?, refresh, hold, link }
        }
        "webhook" => {
            let http = http(fields, false);
            let secret = fields.secret("secret");
            if secret.is_none() && fields.found.iter().all(|p| !p.field.ends_with("secret")) {
                fields.fault("", "no secret to sign with", "add secret = { env = \"NAME\" }, a whsec_ text");
            }
            Kind::Webhook { http: http?, secret: secret? }
        }
        "slack" => {
            let http = http(fields, true);
            let link = link(fields);
            Kind::Slack { http: http?, link }
        }
        "smtp" => Kind::Smtp(Box::new(smtp(fields, enabled)?)),
        "file" => Kind::File { path: fields.needed("path", "add path = \"alerts.ndjson\"")?.into() },
        "stdout" => Kind::Stdout,
        _ => {
            fields.fault("kind", "no kind of receiver", format!("use one of {}", KINDS.join(", ")));
            return None;
        }
    };
    Some(ReceiverSpec { name: name?, enabled, route, rate, give_up, timeout, kind })
}

fn route(fields: &mut Fields<'_, '_>) -> Route {
    let Some(mut inner) = fields.inner("match") else { return Route::default() };
    let mut severities = Vec::new();
    for text in inner.texts("severity") {
        severities.extend(severity(&mut inner, "severity", &text));
    }
    let at_least = inner.text("at_least");
    let at_least = at_least.and_then(|text| severity(&mut inner, "at_least", &text));
    let labels: BTreeMap<String, Vec<String>> = inner.lists("labels").into_iter().collect();
    fields.found.extend(inner.finish());
    Route { severity: severities, at_least, labels }
}

fn severity(fields: &mut Fields<'_, '_>, name: &str, text: &str) -> Option<Severity> {
    let found = match text {
        "info" => Some(Severity::Info),
        "warning" => Some(Severity::Warning),
        "critical" => Some(Severity::Critical),
        _ => None,
    };
    if found.is_none() {
        fields.fault(name, "no severity", "use info, warning or critical");
    }
    found
}

/// Address and headers. The address of a chat is a secret: whoever has it can write there.
fn http(fields: &mut Fields<'_, '_>, hidden: bool) -> Option<Http> {
    let insecure = fields.flag("insecure", false);
    let headers: BTreeMap<_, _> = fields.secrets("headers").into_iter().collect();
    for name in headers.keys() {
        if HeaderName::from_bytes(name.as_bytes()).is_err() {
            let remedy = "write it as it is sent, \"Authorization\" for instance";
            fields.fault(&format!("headers.{name}"), "not a header name", remedy);
        } else if OWN.contains(&name.to_ascii_lowercase().as_str()) {
            fields.fault(&format!("headers.{name}"), "a header that the sending itself sets", "remove it");
        }
    }
    let before = fields.found.len();
    let url = match fields.value("url") {
        Some(Err(secret)) => Some(Address::Kept(secret)),
        Some(Ok(_)) if hidden => {
            let remedy =
                "who has this address can write there: keep it in { env = \"NAME\" } or { file = \"PATH\" }";
            fields.fault("url", "a secret does not stand in this file", remedy);
            None
        }
        Some(Ok(text)) => {
            if let Err((message, remedy)) = usable(&text, insecure) {
                fields.fault("url", message, remedy);
            }
            Some(Address::Plain(text))
        }
        None if fields.found.len() == before => {
            let remedy = if hidden { "add url = { env = \"NAME\" }" } else { "add url = \"https://…\"" };
            fields.fault("", "no url", remedy);
            None
        }
        None => None,
    };
    // An address with a password in it, or one that should have been kept elsewhere, is not repeated.
    for problem in fields.found.iter_mut().skip(before) {
        problem.text.clear();
    }
    Some(Http { url: url?, headers, insecure })
}

/// Whether an address may be asked: what is wrong with it, and what to do.
pub(super) fn usable(text: &str, insecure: bool) -> Result<Url, (&'static str, &'static str)> {
    let url = Url::parse(text).map_err(|_| ("not an address", "write it in full, \"https://host/path\""))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(("a name or password in the address", "put it into headers, or the whole into a secret"));
    }
    let here = url.host_str().is_some_and(|host| {
        let ip = host.trim_matches(['[', ']']).parse::<IpAddr>();
        host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
    });
    match url.scheme() {
        "https" => Ok(url),
        "http" if insecure || here => Ok(url),
        "http" => Err(("plain http can be read and changed on its way", "use https, or say insecure = true")),
        _ => Err(("neither http nor https", "use https")),
    }
}

fn link(fields: &mut Fields<'_, '_>) -> Option<String> {
    let link = fields.text("link")?;
    let whole = link.replace("{alert}", "x");
    if !Url::parse(&whole).is_ok_and(|url| matches!(url.scheme(), "http" | "https")) {
        fields.fault("link", "not an address", "write for example \"https://host/why/{alert}\"");
    }
    Some(link)
}

fn smtp(fields: &mut Fields<'_, '_>, enabled: bool) -> Option<Smtp> {
    if enabled && !cfg!(feature = "smtp") {
        let remedy = "build it with the feature smtp, or say enabled = false";
        fields.fault("kind", "this program was built without mail", remedy);
    }
    let host = fields.needed("host", "add host = \"mail.example.org\"");
    let tls = match fields.text("tls").as_deref() {
        None | Some("starttls") => Tls::Starttls,
        Some("tls") => Tls::Tls,
        Some("none") => Tls::None,
        Some(_) => {
            fields.fault("tls", "no such protection", "use starttls, tls or none");
            Tls::Starttls
        }
    };
    let port = fields.number("port").unwrap_or(match tls {
        Tls::Starttls => 587,
        Tls::Tls => 465,
        Tls::None => 25,
    });
    let (user, password) = (fields.text("user"), fields.secret("password"));
    if user.is_some() != password.is_some() {
        fields.fault("user", "one of user and password without the other", "state both or neither");
    }
    if password.is_some() && tls == Tls::None {
        fields.fault("tls", "a password over an open connection", "use starttls or tls");
    }
    let from = fields.needed("from", "add from = \"bellwether@example.org\"");
    let to = fields.texts("to");
    if to.is_empty() && fields.found.iter().all(|problem| !problem.field.ends_with(".to")) {
        fields.fault("", "nobody to write to", "add to = [\"somebody@example.org\"]");
    }
    let ca = fields.text("ca").map(Into::into);
    #[cfg(feature = "smtp")]
    for (name, text) in from.iter().map(|from| ("from", from)).chain(to.iter().map(|to| ("to", to))) {
        if !super::smtp::is_mailbox(text) {
            fields.fault(name, "not a mail address", "write \"somebody@example.org\"");
        }
    }
    Some(Smtp { host: host?, port, tls, user, password, from: from?, to, ca })
}
