//! DuckDB on the same file with the same filter, where an interpreter imports it.

use std::path::Path;
use std::process::Command;

use serde::Deserialize;

/// Twice: only counting what the filter lets through, and storing it in a database file. Two threads, as many as an ingest has.
const SCRIPT: &str = r#"
import json, os, sys, time
import duckdb
path, folder = sys.argv[1:]
columns = "{" + ", ".join(f"'c{i:02d}': 'VARCHAR'" for i in range(61)) + "}"
source = f"read_csv('{path}', delim='\t', header=false, quote='', escape='', auto_detect=false, columns={columns})"
where = "c07 IN ('CHN','RUS','USA') AND c17 IN ('CHN','RUS','USA') AND c07 <> c17 AND c25 = '1'"
def peak():
    with open("/proc/self/status") as f:
        return next(int(l.split()[1]) for l in f if l.startswith("VmHWM")) / 1e3
def run(name, sql, database, count):
    db = duckdb.connect(database)
    db.execute("SET threads = 2")
    start = time.perf_counter()
    for statement in sql: answer = db.execute(statement).fetchone()
    took = time.perf_counter() - start
    rows = db.execute(count).fetchone()[0] if count else answer[0]
    db.close()
    answers.append({"name": f"DuckDB {duckdb.__version__}, {name}", "seconds": took, "peak_mb": peak(), "rows": rows})
answers = []
run("filter and count", [f"SELECT count(*) FROM {source} WHERE {where}"], ":memory:", None)
database = os.path.join(folder, "peer.duckdb")
run("filter and store", [f"CREATE OR REPLACE TABLE kept AS SELECT * FROM {source} WHERE {where}", "CHECKPOINT"], database, "SELECT count(*) FROM kept")
os.remove(database)
print(json.dumps(answers))
"#;

/// One row of the table.
#[derive(Deserialize)]
pub(crate) struct Answer {
    pub(crate) name: String,
    pub(crate) seconds: f64,
    pub(crate) peak_mb: f64,
    pub(crate) rows: u64,
}

/// Asks `python3`, or the interpreter that `BELLWETHER_PYTHON` names; nothing where there is none.
pub(crate) fn ask(path: &Path, folder: &Path) -> Vec<Answer> {
    let python = std::env::var_os("BELLWETHER_PYTHON").unwrap_or_else(|| "python3".into());
    let output = Command::new(python).args(["-c", SCRIPT]).args([path, folder]).output();
    let Ok(output) = output else { return Vec::new() };
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| {
        let said = String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or_default().to_owned();
        vec![Answer { name: format!("DuckDB: {said}"), seconds: f64::NAN, peak_mb: f64::NAN, rows: 0 }]
    })
}
