//! Which crate may use which: the table of the design, over what cargo says.

use bellwether_tests::root;

use crate::metadata::{Metadata, Package};

/// One crate of the workspace.
struct Layer {
    name: &'static str,
    /// Crates of ours that it may use.
    may: &'static [&'static str],
    /// Crates of others that must not end up in it, however indirectly.
    never: &'static [&'static str],
}

/// Everything that opens sockets or drives the ones that do.
const NETWORK: &[&str] = &["reqwest", "hyper", "axum", "mio", "socket2", "rustls", "lettre", "async-nats"];
/// The network, a runtime, a database: nothing that a pure function needs.
const WORLD: &[&str] =
    &["tokio", "sled", "reqwest", "hyper", "axum", "mio", "socket2", "rustls", "lettre", "async-nats"];

const LAYERS: &[Layer] = &[
    Layer { name: "model", may: &[], never: WORLD },
    Layer { name: "store", may: &["model"], never: NETWORK },
    Layer { name: "detect", may: &[], never: WORLD },
    Layer { name: "ingest", may: &["model", "store"], never: &["axum", "lettre"] },
    Layer { name: "projection", may: &["model", "detect"], never: WORLD },
    Layer { name: "alert", may: &["model", "projection", "store"], never: &["axum"] },
    Layer { name: "server", may: &["model", "store", "detect", "ingest", "projection", "alert"], never: &[] },
    Layer {
        name: "cli",
        may: &["model", "store", "detect", "ingest", "projection", "alert", "server"],
        never: &[],
    },
    // What the end-to-end tests know is what a script can know.
    Layer { name: "tests", may: &[], never: &[] },
];

/// Crates of others that only some of ours may name.
const RESERVED: &[(&str, &[&str])] = &[
    ("sled", &["store"]),
    ("axum", &["server"]),
    ("lettre", &["alert"]),
    ("reqwest", &["ingest", "alert", "cli"]),
    ("async-nats", &["store"]),
];

fn short(package: &Package) -> &str {
    package.name.strip_prefix("bellwether-").unwrap_or(&package.name)
}

fn violations(metadata: &Metadata) -> Vec<String> {
    let mut found = Vec::new();
    for package in metadata.members() {
        let Some(layer) = LAYERS.iter().find(|l| l.name == short(package)) else {
            found.push(format!("{} is not in the table of layers", package.name));
            continue;
        };
        for dependency in &package.dependencies {
            let name = dependency.name.as_str();
            if let Some(ours) = name.strip_prefix("bellwether-")
                && !layer.may.contains(&ours)
            {
                found.push(format!("{} must not use {ours}", layer.name));
            }
            if let Some((_, by)) = RESERVED.iter().find(|(reserved, _)| *reserved == name)
                && !by.contains(&layer.name)
            {
                found.push(format!("{} must not name {name}", layer.name));
            }
        }
        // The store's use of tokio is judged by the features that it asks for, below.
        let reached = metadata.reaches(package, (layer.name == "store").then_some("tokio"));
        for banned in layer.never.iter().filter(|n| reached.contains(*n)) {
            found.push(format!("{} must not reach {banned}", layer.name));
        }
        if layer.name == "store" {
            let runtime = |d: &&crate::metadata::Dependency| d.name == "tokio" && d.kind.is_none();
            for tokio in package.dependencies.iter().filter(runtime) {
                if tokio.uses_default_features || tokio.features.iter().any(|f| f != "sync") {
                    found.push("store may use tokio for its channels only: features = [\"sync\"]".into());
                }
            }
        }
    }
    found
}

#[test]
fn every_crate_keeps_to_its_layer() {
    let found = violations(&Metadata::read());
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn the_code_map_names_every_crate() {
    let map = std::fs::read_to_string(root().join("crates/README.md")).unwrap();
    let metadata = Metadata::read();
    let missing: Vec<&str> = metadata
        .members()
        .map(short)
        .filter(|name| {
            !map.contains(&if *name == "tests" {
                "## `tests`".to_owned()
            } else {
                format!("## `crates/{name}`")
            })
        })
        .collect();
    assert!(missing.is_empty(), "crates/README.md has no heading for {missing:?}");
}

/// A small world with each fault once, so that the test above is known to see it.
mod faults {
    use super::*;

    fn world(package: &str, direct: &str, indirect: &str) -> Metadata {
        let entry = |name: &str, dependencies: serde_json::Value| serde_json::json!({"id": name, "name": name, "version": "1.0.0", "license": "MIT", "dependencies": dependencies});
        let edge = |to: &str| serde_json::json!([{"pkg": to, "dep_kinds": [{"kind": null}]}]);
        let uses = serde_json::json!([{"name": direct, "kind": null, "features": ["rt"], "uses_default_features": false}]);
        serde_json::from_value(serde_json::json!({
            "packages": [entry(package, uses), entry(direct, serde_json::json!([])), entry(indirect, serde_json::json!([]))],
            "workspace_members": [package],
            "resolve": {"nodes": [
                {"id": package, "deps": edge(direct)},
                {"id": direct, "deps": edge(indirect)},
                {"id": indirect, "deps": []},
            ]},
        }))
        .unwrap()
    }

    #[test]
    fn are_seen() {
        let cases = [
            ("bellwether-projection", "bellwether-store", "x", "projection must not use store"),
            ("bellwether-store", "bellwether-projection", "x", "store must not use projection"),
            ("bellwether-ingest", "bellwether-projection", "x", "ingest must not use projection"),
            ("bellwether-detect", "bellwether-model", "x", "detect must not use model"),
            ("bellwether-model", "innocent", "tokio", "model must not reach tokio"),
            ("bellwether-projection", "sled", "x", "projection must not name sled"),
            (
                "bellwether-store",
                "tokio",
                "x",
                "store may use tokio for its channels only: features = [\"sync\"]",
            ),
            ("bellwether-extra", "innocent", "x", "bellwether-extra is not in the table of layers"),
        ];
        for (package, direct, indirect, complaint) in cases {
            let found = violations(&world(package, direct, indirect));
            assert!(found.contains(&complaint.to_owned()), "{complaint}: {found:?}");
        }
        assert_eq!(violations(&world("bellwether-store", "innocent", "harmless")), Vec::<String>::new());
    }
}
