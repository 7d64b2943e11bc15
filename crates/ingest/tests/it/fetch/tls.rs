//! Who answers under https must prove who it is.

use std::sync::Arc;

use bellwether_ingest::Cursor;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::{at, degraded, feed, poller};

#[tokio::test]
async fn r19_a_certificate_that_nobody_vouches_for_is_refused_before_anything_is_asked() {
    let signed = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(signed.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![signed.cert.der().clone()], key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut asked = Vec::new();
        if let Ok(mut stream) = TlsAcceptor::from(Arc::new(config)).accept(stream).await {
            // With TLS 1.3 the client's refusal may come after the server has finished.
            let _ = stream.read_to_end(&mut asked).await;
        }
        asked
    });
    let feed = feed(&format!(
        "kind = \"http\"\nurl = \"https://localhost:{port}/\"\nallow = [\"127.0.0.1\", \"::1\"]\n"
    ));
    let said =
        degraded(poller(&feed).poll(&Cursor::Null, at("2026-11-25T12:00:00Z")).await).problem.to_string();
    assert!(said.contains("cannot be reached") && said.contains("certificate"), "{said}");
    assert!(serving.await.unwrap().is_empty());
}
