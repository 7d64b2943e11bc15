//! The HTTP client of a feed: it connects to checked addresses only and follows nothing by itself.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use bellwether_model::Problem;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use rustls::ClientConfig;
use rustls_platform_verifier::BuilderVerifierExt;

use super::address::Egress;
use super::settings::HttpSettings;

/// A look-up under way.
pub(super) type Looking = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

/// Finds the addresses of a name.
pub(super) trait Lookup: Send + Sync + fmt::Debug {
    fn lookup(&self, host: String) -> Looking;
}

/// As the machine is set up to.
#[derive(Debug)]
pub(super) struct System;

impl Lookup for System {
    fn lookup(&self, host: String) -> Looking {
        Box::pin(async move { Ok(tokio::net::lookup_host((host, 0)).await?.collect()) })
    }
}

/// Resolves a name and hands on its addresses only when every one may be connected to. What was checked is what is
/// connected to, so a name that answers differently the second time gains nothing.
struct Guard {
    egress: Arc<Egress>,
    lookup: Arc<dyn Lookup>,
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let (egress, host) = (Arc::clone(&self.egress), name.as_str().to_owned());
        let looking = self.lookup.lookup(host.clone());
        Box::pin(async move {
            let found = looking.await?;
            for address in &found {
                egress.check(&host, address.ip())?;
            }
            if found.is_empty() {
                return Err(io::Error::other("the name has no address").into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Builds the client. No proxy, no cookies, no referer, no redirects, no decompression.
pub(super) fn build(
    settings: &HttpSettings,
    egress: &Arc<Egress>,
    lookup: &Arc<dyn Lookup>,
) -> Result<reqwest::Client, Problem> {
    let guard = Guard { egress: Arc::clone(egress), lookup: Arc::clone(lookup) };
    reqwest::Client::builder()
        .user_agent(concat!("bellwether/", env!("CARGO_PKG_VERSION")))
        .tls_backend_preconfigured(tls(settings.insecure)?)
        .http1_only()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .dns_resolver(guard)
        .connect_timeout(settings.timeout.connect)
        // A feed asks rarely: a connection that waits for the next poll would be closed by then.
        .pool_max_idle_per_host(0)
        .build()
        .map_err(|error| Problem::new(format!("no client to fetch with: {error}"), "report this"))
}

/// TLS with ring and the certificates that the system trusts.
fn tls(may_do_without: bool) -> Result<ClientConfig, Problem> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Problem::new(format!("no TLS: {error}"), "report this"))?;
    match builder.clone().with_platform_verifier() {
        Ok(builder) => Ok(builder.with_no_client_auth()),
        // Plain http needs none; https then finds nobody to trust.
        Err(_) if may_do_without => {
            Ok(builder.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth())
        }
        Err(error) => Err(Problem::new(
            format!("no certificates to check the source with: {error}"),
            "install the system's CA certificates",
        )),
    }
}
