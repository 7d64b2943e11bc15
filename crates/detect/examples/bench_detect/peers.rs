//! Other people's detectors, where they are installed: `ruptures`, which sees the whole series at once, and
//! `river` and `changepoint-online`, which like ours see one observation after the other.

use std::io::Write;
use std::process::{Command, Stdio};

use serde::Deserialize;

use crate::tcpd::{Series, row};

/// Series in; for each method that imports, change points and microseconds an observation out.
///
/// All get the series standardised by its own mean and deviation, which the causal ones could not know: it favours
/// them. Defaults throughout; changepoint-online has no default threshold, so the usual 2 ln n of the series' length.
const SCRIPT: &str = r#"
import json, math, sys, time
methods = []
series = json.load(sys.stdin)
def standard(x):
    mean = sum(x) / len(x)
    sd = math.sqrt(sum((v - mean) ** 2 for v in x) / len(x)) or 1.0
    return [(v - mean) / sd for v in x]
def run(name, about, detect):
    points, took, read = [], 0.0, 0
    for x in map(standard, series):
        start = time.perf_counter()
        points.append([int(p) for p in detect(x)])
        took += time.perf_counter() - start
        read += len(x)
    methods.append({"name": name, "about": about, "points": points, "us": took / read * 1e6})
try:
    import numpy, ruptures
    offline = lambda m: lambda x: m(model="l2", min_size=2, jump=1).fit(numpy.array(x)).predict(pen=3 * math.log(len(x)))[:-1]
    about = f"ruptures {ruptures.__version__}, offline, l2, penalty 3 ln n"
    run("PELT", about, offline(ruptures.Pelt))
    run("BinSeg", about, offline(ruptures.Binseg))
except ImportError: pass
try:
    import river, river.drift
    def drift(new):
        def detect(x):
            d, out = new(), []
            for i, v in enumerate(x):
                d.update(v)
                if d.drift_detected: out.append(i)
            return out
        return detect
    about = f"river {river.__version__}, causal, at alarm time, defaults"
    run("ADWIN", about, drift(river.drift.ADWIN))
    run("Page-Hinkley", about, drift(river.drift.PageHinkley))
except ImportError: pass
try:
    from changepoint_online import Focus, Gaussian
    def focus(x):
        d, out, threshold = Focus(Gaussian()), [], 2 * math.log(len(x))
        for i, v in enumerate(x):
            d.update(v)
            if d.statistic() >= threshold:
                out.append(i)
                d = Focus(Gaussian())
        return out
    run("FOCuS", "changepoint-online, causal, at alarm time, threshold 2 ln n", focus)
except ImportError: pass
print(json.dumps(methods))
"#;

#[derive(Deserialize)]
struct Method {
    name: String,
    about: String,
    points: Vec<Vec<usize>>,
    us: f64,
}

/// Asks `python3`, or the interpreter that `BELLWETHER_PYTHON` names.
fn ask(set: &[Series]) -> Option<Vec<Method>> {
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
    let methods = ask(set).unwrap_or_default();
    if methods.is_empty() {
        return writeln!(
            out,
            "peers: python3 imports none of ruptures, river, changepoint_online (BELLWETHER_PYTHON names another)"
        );
    }
    for Method { name, about, points, us } in &methods {
        let scores: Vec<_> = set.iter().zip(points).map(|(s, p)| s.score(p)).collect();
        row(out, name, &scores, &format!("{about}; {us:.0} us an observation"))?;
    }
    Ok(())
}
