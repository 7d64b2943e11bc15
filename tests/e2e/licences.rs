//! Reliability row 34, the part that needs no network: every dependency has a licence of the list in `deny.toml`,
//! and every advisory that is ignored there says why and since when.

use bellwether_tests::root;
use serde::Deserialize;

use crate::metadata::Metadata;

#[derive(Deserialize)]
struct Deny {
    licenses: Licences,
    advisories: Advisories,
}

#[derive(Deserialize)]
struct Licences {
    allow: Vec<String>,
}

#[derive(Deserialize)]
struct Advisories {
    ignore: Vec<Ignored>,
}

#[derive(Deserialize)]
struct Ignored {
    id: String,
    reason: String,
}

fn deny() -> Deny {
    toml::from_str(&std::fs::read_to_string(root().join("deny.toml")).unwrap()).unwrap()
}

/// Whether an SPDX expression can be met with allowed licences; `/` is an old way to write OR.
fn met(expression: &str, allowed: &[String]) -> Option<bool> {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    let answer = either(&words, &mut at, allowed)?;
    (at == words.len()).then_some(answer)
}

fn either(words: &[&str], at: &mut usize, allowed: &[String]) -> Option<bool> {
    let mut answer = both(words, at, allowed)?;
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        answer |= both(words, at, allowed)?;
    }
    Some(answer)
}

fn both(words: &[&str], at: &mut usize, allowed: &[String]) -> Option<bool> {
    let mut answer = one(words, at, allowed)?;
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        answer &= one(words, at, allowed)?;
    }
    Some(answer)
}

fn one(words: &[&str], at: &mut usize, allowed: &[String]) -> Option<bool> {
    let word = *words.get(*at)?;
    *at += 1;
    match word {
        "(" => {
            let answer = either(words, at, allowed)?;
            (words.get(*at) == Some(&")")).then(|| *at += 1)?;
            Some(answer)
        }
        ")" | "OR" | "AND" | "WITH" => None,
        licence if words.get(*at) == Some(&"WITH") => {
            let exception = words.get(*at + 1)?;
            *at += 2;
            Some(allowed.contains(&format!("{licence} WITH {exception}")))
        }
        licence => Some(allowed.iter().any(|a| a == licence)),
    }
}

#[test]
fn r34_every_dependency_has_an_allowed_licence() {
    let allowed = deny().licenses.allow;
    let metadata = Metadata::read();
    let complaints: Vec<String> = metadata
        .packages
        .iter()
        .filter(|p| p.license.as_deref().and_then(|l| met(l, &allowed)) != Some(true))
        .map(|p| format!("{} {}: {}", p.name, p.version, p.license.as_deref().unwrap_or("no licence stated")))
        .collect();
    assert!(complaints.is_empty(), "not in the list of deny.toml:\n{}", complaints.join("\n"));
}

#[test]
fn r34_every_ignored_advisory_says_why_and_since_when() {
    for Ignored { id, reason } in deny().advisories.ignore {
        let dated = reason.split(|c: char| c != '-' && !c.is_ascii_digit()).any(|w| {
            let parts: Vec<usize> = w.split('-').map(str::len).collect();
            parts == [4, 2, 2]
        });
        assert!(id.starts_with("RUSTSEC-"), "{id} is no advisory");
        assert!(dated && reason.len() > 40, "{id} needs a reason and a date: {reason}");
    }
}

#[test]
fn r34_what_is_ignored_is_still_there() {
    let metadata = Metadata::read();
    for Ignored { id, reason } in deny().advisories.ignore {
        let named = metadata.packages.iter().any(|p| reason.contains(&format!("`{}`", p.name)));
        assert!(named, "{id} names no crate of the build any more: drop it ({reason})");
    }
}

#[test]
fn expressions_are_read() {
    let allowed: Vec<String> = ["MIT", "Apache-2.0", "Unicode-3.0"].map(String::from).to_vec();
    let cases = [
        ("MIT", Some(true)),
        ("MIT/Apache-2.0", Some(true)),
        ("GPL-3.0-only", Some(false)),
        ("MIT OR GPL-3.0-only", Some(true)),
        ("MIT AND GPL-3.0-only", Some(false)),
        ("(MIT OR Apache-2.0) AND Unicode-3.0", Some(true)),
        ("(MIT OR Apache-2.0) AND OFL-1.1", Some(false)),
        ("GPL-3.0-only OR MIT AND Apache-2.0", Some(true)),
        ("Apache-2.0 WITH LLVM-exception", Some(false)),
        ("(MIT", None),
        ("MIT MIT", None),
        ("", None),
    ];
    for (expression, expected) in cases {
        assert_eq!(met(expression, &allowed), expected, "{expression}");
    }
}
