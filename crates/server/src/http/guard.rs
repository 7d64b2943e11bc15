//! Who is let in: roles, cross-site rules, headers of every answer.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::tokens::Verdict;
use crate::{Refusal, Role, Tokens};

/// Names of query fields that carry secrets elsewhere: an address ends up in logs, so none is accepted in one.
const SECRET_FIELDS: [&str; 6] = ["token", "access_token", "api_key", "apikey", "key", "authorization"];

pub(super) async fn guard(State(tokens): State<Arc<Tokens>>, request: Request, next: Next) -> Response {
    let refused = judge(&tokens, request.method(), request.uri(), request.headers()).err();
    let mut response = match refused {
        Some(refusal) => {
            let path: String = request.uri().path().chars().take(100).collect();
            let path = crate::text::one_line(&path);
            tracing::debug!(method = %request.method(), path, status = refusal.status().as_u16(), "refused");
            let challenge = refusal.status() == StatusCode::UNAUTHORIZED;
            let mut response = refusal.into_response();
            if challenge {
                let bearer = HeaderValue::from_static("Bearer realm=\"bellwether\"");
                response.headers_mut().insert(header::WWW_AUTHENTICATE, bearer);
            }
            response
        }
        None => next.run(request).await,
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    ] {
        // A page of ours may have its own.
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

fn judge(tokens: &Tokens, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
    let changes = !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    if changes {
        same_site(headers)?;
    }
    let named = uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.split('=').next());
    if named.into_iter().any(|name| SECRET_FIELDS.iter().any(|secret| name.eq_ignore_ascii_case(secret))) {
        return Err(Refusal::new(StatusCode::UNAUTHORIZED, "a token does not belong in an address").remedy(
            "send it as the header Authorization: Bearer TOKEN, and replace this one: it may be in logs",
        ));
    }
    if tokens.is_empty() {
        // Without tokens only this machine may ask, and no page of a stranger whose name was pointed at it.
        return named_locally(headers);
    }
    // A supervisor asks whether the process lives; the answer says nothing else.
    if matches!(uri.path(), "/healthz" | "/readyz") {
        return Ok(());
    }
    let asked = role(method, uri.path());
    let token = headers.get(header::AUTHORIZATION).and_then(|v| bearer(v.as_bytes()));
    match tokens.judge(token.unwrap_or_default(), asked) {
        Verdict::Granted => Ok(()),
        Verdict::WrongRole => {
            let detail = format!("this token does not grant the role {}", asked.name());
            Err(Refusal::new(StatusCode::FORBIDDEN, detail).remedy("use the token of that role"))
        }
        Verdict::Unknown => Err(Refusal::new(StatusCode::UNAUTHORIZED, "no token, or a wrong one")
            .remedy("send a token as the header Authorization: Bearer TOKEN")),
    }
}

/// What a request needs.
fn role(method: &Method, path: &str) -> Role {
    match (method, path) {
        (&Method::GET | &Method::HEAD | &Method::OPTIONS, _) => Role::Read,
        (&Method::POST, "/v1/events") => Role::Ingest,
        // A question with the framework in its body.
        (&Method::POST, path) if question(path) => Role::Read,
        _ => Role::Operate,
    }
}

/// Whether the address is a view, which can also be asked with a framework of one's own.
fn question(path: &str) -> bool {
    let view = path.strip_prefix("/v1/").and_then(|rest| rest.split('/').next()).unwrap_or_default();
    matches!(view, "assessment" | "board" | "gaps" | "shifts" | "scenarios" | "series" | "why" | "diff")
}

fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then_some(token.trim_ascii())
}

/// A page of another site may not change anything: browsers say where a request comes from.
fn same_site(headers: &HeaderMap) -> Result<(), Refusal> {
    let text = |name: &str| headers.get(name).map(|v| v.to_str().unwrap_or("?"));
    let foreign = text("sec-fetch-site").is_some_and(|site| !matches!(site, "same-origin" | "none"));
    let origin = text("origin").is_some_and(|origin| {
        let ours = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        ours.is_none() || ours != text("host")
    });
    if foreign || origin {
        return Err(Refusal::new(StatusCode::FORBIDDEN, "a page of another site sent this"));
    }
    Ok(())
}

fn named_locally(headers: &HeaderMap) -> Result<(), Refusal> {
    let Some(host) = headers.get(header::HOST) else { return Ok(()) };
    let host = host.to_str().unwrap_or_default();
    let name = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    if name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback()) {
        return Ok(());
    }
    Err(Refusal::new(
        StatusCode::FORBIDDEN,
        "without tokens only this machine is answered, under its loopback address",
    )
    .remedy("ask 127.0.0.1 or localhost, or start the daemon with tokens"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Judges `METHOD TARGET` with headers `name: value`; answers the status, 200 when it passes.
    fn status(tokens: &Tokens, request: &str, lines: &[&str]) -> u16 {
        let (method, uri) = request.split_once(' ').unwrap();
        let mut headers = HeaderMap::new();
        for line in lines {
            let (name, value) = line.split_once(": ").unwrap();
            let name: header::HeaderName = name.parse().unwrap();
            headers.insert(name, value.parse().unwrap());
        }
        let judged = judge(tokens, &method.parse().unwrap(), &uri.parse().unwrap(), &headers);
        judged.map_or_else(|refusal| refusal.status().as_u16(), |()| 200)
    }

    #[test]
    fn r27_tokens_and_cross_site_requests() {
        let mut tokens = Tokens::default();
        tokens.add(Role::Read, "read-read-read-read").unwrap();
        tokens.add(Role::Ingest, "ingest-ingest-ingest").unwrap();
        let read = "authorization: Bearer read-read-read-read";
        let ingest = "authorization: bearer ingest-ingest-ingest";
        for (expected, request, headers) in [
            (200, "GET /v1/board", vec![read]),
            (401, "GET /v1/board", vec![]),
            (401, "GET /metrics", vec![]),
            (401, "GET /v1/board", vec!["authorization: Bearer wrong-wrong-wrong"]),
            (401, "GET /v1/board", vec!["authorization: Basic cmVhZA=="]),
            (401, "GET /v1/board?token=read-read-read-read", vec![]),
            (401, "GET /v1/board?a=b&Access_Token=x", vec![read]),
            (403, "GET /v1/board", vec![ingest]),
            (403, "POST /v1/events", vec![read]),
            (200, "POST /v1/events", vec![ingest]),
            (200, "POST /v1/assessment", vec![read]),
            (200, "POST /v1/series/economic.trade-total", vec![read]),
            (403, "POST /v1/alerts/7/ack", vec![read]),
            (403, "DELETE /v1/silences", vec![ingest]),
            (200, "GET /healthz", vec![]),
            (403, "POST /v1/events", vec![ingest, "host: a:1", "origin: http://evil.example"]),
            (403, "POST /v1/events", vec![ingest, "host: a:1", "origin: null"]),
            (403, "POST /v1/events", vec![ingest, "sec-fetch-site: cross-site"]),
            (403, "POST /v1/events", vec![ingest, "sec-fetch-site: same-site"]),
            (
                200,
                "POST /v1/events",
                vec![ingest, "host: a:1", "origin: http://a:1", "sec-fetch-site: same-origin"],
            ),
        ] {
            assert_eq!(status(&tokens, request, &headers), expected, "{request} {headers:?}");
        }
    }

    #[test]
    fn r27_without_tokens_only_this_machine_is_answered() {
        for (expected, host) in [
            (200, "127.0.0.1:7410"),
            (200, "localhost:7410"),
            (200, "[::1]:7410"),
            (403, "rebound.example:7410"),
            (403, "192.0.2.1"),
            (403, "localhost.evil.example"),
        ] {
            let host = format!("host: {host}");
            assert_eq!(status(&Tokens::default(), "GET /v1/board", &[&host]), expected, "{host}");
        }
    }
}
