//! Rules of the house that no lint can hold.

use std::path::PathBuf;

use bellwether_tests::root;

/// A Rust source file by its path in the workspace, `/` between the parts.
struct Source {
    path: String,
    text: String,
}

const LONGEST: usize = 700;

/// What prints. Everything that a library has to say it returns or traces.
const PRINTING: &[&str] = &["println!", "eprintln!", "print!", "eprint!", "dbg!"];
/// What reads a clock: answers would differ between two runs over the same facts.
const CLOCKS: &[&str] = &["Utc::now", "Local::now", "SystemTime::now", "Instant::now"];
/// The only places that ask for the time: one for the libraries, one for the command line.
const CLOCK: &[&str] = &["crates/store/src/clock.rs", "crates/cli/src/clock.rs"];
/// The only crate that prints.
const PRINTER: &str = "crates/cli/";
/// Written in parts, or this file would break its own rule.
const SILENCED: &[&str] = &[concat!("#[", "allow("), concat!("#![", "allow("), concat!("#[", "ignore")];

fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    let mut open = vec![root().join("crates"), root().join("tests")];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let parts: Vec<_> =
                    path.strip_prefix(root()).unwrap().iter().map(|p| p.to_string_lossy()).collect();
                found.push(Source { path: parts.join("/"), text: std::fs::read_to_string(&path).unwrap() });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(found.len() > 20, "the sources are where they used to be");
    found
}

/// Lines of code with their numbers; comments may name what code may not.
fn code(source: &Source) -> impl Iterator<Item = (usize, &str)> {
    source
        .text
        .lines()
        .enumerate()
        .map(|(n, line)| (n + 1, line))
        .filter(|(_, l)| !l.trim_start().starts_with("//"))
}

/// Whether a word stands in a line on its own: `print!` is not in `println!`, nor in `sprint!`.
fn names(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
}

/// Paths of the crates' files that call into sled.
fn name_sled(sources: &[Source]) -> Vec<&str> {
    let calls = |s: &&Source| code(s).any(|(_, line)| names(line, "sled::") || names(line, "use sled"));
    sources.iter().filter(|s| s.path.starts_with("crates/")).filter(calls).map(|s| s.path.as_str()).collect()
}

fn broken(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        let path = source.path.as_str();
        let lines = source.text.lines().count();
        if lines > LONGEST {
            found.push(format!("{path} has {lines} lines: split it by idea"));
        }
        let ships = path.contains("/src/");
        for (n, line) in code(source) {
            for word in SILENCED.iter().filter(|w| line.contains(*w)) {
                found.push(format!(
                    "{path}:{n} says {word}: expect a lint with a reason, mend or drop a test"
                ));
            }
            for word in PRINTING.iter().filter(|w| ships && !path.starts_with(PRINTER) && names(line, w)) {
                found.push(format!("{path}:{n} says {word}: only the command line prints"));
            }
            for word in CLOCKS.iter().filter(|w| ships && !CLOCK.contains(&path) && names(line, w)) {
                found.push(format!("{path}:{n} says {word}: only {CLOCK:?} read the clock"));
            }
        }
    }
    let mut sled = name_sled(sources).into_iter();
    let owner = sled.next().unwrap_or_default();
    found.extend(sled.map(|path| format!("{path} names sled beside {owner}")));
    found
}

#[test]
fn the_sources_keep_the_rules_of_the_house() {
    let found = broken(&sources());
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn sled_is_named_in_one_module_of_the_store() {
    let sources = sources();
    let named = name_sled(&sources);
    assert!(matches!(named.as_slice(), [one] if one.starts_with("crates/store/src/")), "{named:?}");
}

#[test]
fn faults_are_seen() {
    let source = |path: &str, text: &str| Source { path: path.into(), text: text.into() };
    let bad = [
        source("crates/a/src/print.rs", "fn f() { println!(\"x\") }"),
        source("crates/a/src/clock.rs", "let t = Utc::now();"),
        source("crates/cli/src/main.rs", "let t = chrono::Utc::now();"),
        source("crates/a/src/long.rs", &"\n".repeat(LONGEST + 1)),
        source("crates/a/tests/it.rs", &format!("{}dead_code)]", SILENCED[0])),
        source("tests/e2e/x.rs", &format!("{}]", SILENCED[2])),
        source("crates/a/src/one.rs", "let db = sled::open(\"x\");"),
        source("crates/a/src/two.rs", "use sled;"),
    ];
    let found = broken(&bad);
    for source in &bad {
        // Of two that name sled, the second is one too many.
        let seen = found.iter().any(|f| f.contains(&source.path));
        assert!(seen, "{}: {found:?}", source.path);
    }
    let good = [
        source("crates/cli/src/main.rs", "println!(\"x\");"),
        source(CLOCK[0], "SystemTime::now().into()"),
        source(CLOCK[1], "Utc::now()"),
        source(
            "crates/a/src/lib.rs",
            "// println!\n/// `Utc::now` is not for us\nlet sprint = footprint!(1);",
        ),
        source("crates/a/examples/bench.rs", "println!(\"{:?}\", Instant::now());"),
        source("crates/a/src/full.rs", &"\n".repeat(LONGEST)),
        source("crates/store/src/index.rs", "sled::open(\"x\")"),
    ];
    assert_eq!(broken(&good), Vec::<String>::new());
}
