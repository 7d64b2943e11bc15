//! Other people's detectors, where they are installed. They see the whole series at once.

use std::io::Write;
use std::process::{Command, Stdio};

use serde::Deserialize;

use crate::tcpd::{Series, row};

/// Standardised series in, change points and microseconds an observation out.
const SCRIPT: &str = r#"
import json, math, sys, time
import numpy, ruptures
names = {"PELT": ruptures.Pelt, "BinSeg": ruptures.Binseg}
out = {"version": ruptures.__version__, "methods": []}
series = json.load(sys.stdin)
for name, method in names.items():
    points, took, read = [], 0.0, 0
    for x in series:
        x = numpy.array(x)
        x = (x - x.mean()) / (x.std() or 1.0)
        start = time.perf_counter()
        found = method(model="l2", min_size=2, jump=1).fit(x).predict(pen=3 * math.log(len(x)))
        took += time.perf_counter() - start
        read += len(x)
        points.append([int(p) for p in found[:-1]])
    out["methods"].append({"name": name, "points": points, "us": took / read * 1e6})
print(json.dumps(out))
"#;

#[derive(Deserialize)]
struct Answer {
    version: String,
    methods: Vec<Method>,
}

#[derive(Deserialize)]
struct Method {
    name: String,
    points: Vec<Vec<usize>>,
    us: f64,
}

/// Asks `python3`, or the interpreter that `BELLWETHER_PYTHON` names.
fn ask(set: &[Series]) -> Option<Answer> {
    let python = std::env::var_os("BELLWETHER_PYTHON").unwrap_or_else(|| "python3".into());
    let mut child = Command::new(python)
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let values: Vec<&[f64]> = set.iter().map(|s| s.values.as_slice()).collect();
    // A child that ended early has closed its end; its empty answer says so below.
    let _ = serde_json::to_writer(child.stdin.take()?, &values);
    serde_json::from_slice(&child.wait_with_output().ok()?.stdout).ok()
}

/// Prints their rows.
pub(crate) fn run(out: &mut impl Write, set: &[Series]) -> std::io::Result<()> {
    let Some(answer) = ask(set) else {
        return writeln!(
            out,
            "peers: ruptures is not importable by python3 (BELLWETHER_PYTHON names another), no rows"
        );
    };
    for Method { name, points, us } in &answer.methods {
        let scores: Vec<_> = set.iter().zip(points).map(|(s, p)| s.score(p)).collect();
        let about =
            format!("ruptures {}, offline, l2, penalty 3 ln n; {us:.0} us an observation", answer.version);
        row(out, name, &scores, &about)?;
    }
    Ok(())
}
