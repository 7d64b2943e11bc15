//! Who publishes a fact: two feeds of one publisher do not corroborate each other, and repeats of one publisher weigh as one
//! report.

use crate::Fact;

/// Publisher of a fact: the registrable part of the host of its address, else the name that the source states (attribute
/// `publisher` or `reporter`), else the feed.
///
/// The registrable part is the last two labels of the host, three where the second is one of the few that registries sell
/// under (`co.uk`, `gov.cn`): enough to tell publishers apart without the public suffix list.
pub fn family(fact: &Fact) -> String {
    let host = fact.evidence.uri.as_deref().and_then(host);
    let stated =
        || ["publisher", "reporter"].iter().find_map(|name| fact.attribute(name)).map(|t| t.into_owned());
    host.map(|host| registrable(host).to_ascii_lowercase())
        .or_else(stated)
        .unwrap_or_else(|| fact.source.clone())
}

fn host(uri: &str) -> Option<&str> {
    let (scheme, rest) = uri.split_once("://")?;
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return None;
    }
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    let host = host
        .rsplit_once(':')
        .filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()))
        .map_or(host, |(h, _)| h);
    let host = host.trim_end_matches('.');
    (!host.is_empty()).then_some(host)
}

/// Second labels under which registries of countries sell names.
const SHARED: [&str; 9] = ["ac", "co", "com", "edu", "gov", "go", "mil", "net", "org"];

fn registrable(host: &str) -> &str {
    if host.starts_with('[') || host.parse::<std::net::IpAddr>().is_ok() {
        return host;
    }
    let labels = host.rsplit('.');
    let country = labels.clone().next().is_some_and(|l| l.len() == 2);
    let shared =
        labels.clone().nth(1).is_some_and(|l| SHARED.iter().any(|shared| l.eq_ignore_ascii_case(shared)));
    let keep = if country && shared { 3 } else { 2 };
    // Labels and the dots between them.
    let length = labels.take(keep).map(|l| l.len() + 1).sum::<usize>().saturating_sub(1);
    host.get(host.len().saturating_sub(length)..).unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::tests::fact;

    #[test]
    fn corroboration_counts_publishers_and_not_feeds() {
        let publisher = |uri: Option<&str>, stated: Option<(&str, &str)>| {
            let mut fact = fact();
            fact.source = "feed".to_owned();
            fact.evidence.uri = uri.map(str::to_owned);
            fact.attributes.clear();
            if let Some((name, value)) = stated {
                fact.attributes.insert(name.to_owned(), value.into());
            }
            family(&fact)
        };
        let customs = Some(("reporter", "XAA-customs"));
        for (uri, stated, want) in [
            (Some("https://www.news.example/a"), customs, "news.example"),
            (Some("http://m.news.example:8080/b?c"), customs, "news.example"),
            (Some("https://english.customs.gov.cn/x"), customs, "customs.gov.cn"),
            (Some("https://www.bbc.co.uk/x"), customs, "bbc.co.uk"),
            (Some("HTTPS://News.BBC.Co.UK"), customs, "bbc.co.uk"),
            (Some("https://co.uk/"), customs, "co.uk"),
            (Some("https://localhost:8080/x"), customs, "localhost"),
            (Some("https://192.0.2.7/x"), customs, "192.0.2.7"),
            (Some("https://user@host.example./x"), customs, "host.example"),
            (Some("file:///x"), customs, "XAA-customs"),
            (None, customs, "XAA-customs"),
            (None, Some(("publisher", "An Agency")), "An Agency"),
            (None, None, "feed"),
        ] {
            assert_eq!(publisher(uri, stated), want, "{uri:?} {stated:?}");
        }
    }
}
