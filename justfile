# Shorthand. Every recipe is a plain command that works without just.

# What there is
default:
    @just --list

# Bundled facts, assessed and shown
demo *ARGS:
    cargo run --release -- demo {{ARGS}}

# Everything that must hold before a change is taken
test:
    ./tests/run

# What decides whether a change may go in
ci:
    ./.ci/run

# Does it compile
check:
    cargo check --workspace --all-targets

# Format
fmt:
    cargo fmt --all

# Lint
clippy:
    cargo clippy --workspace --all-targets -- -D warnings

# Licences, advisories, bans, sources. `cargo install --locked cargo-deny` first: it takes some minutes
deny:
    cargo deny check

# Speed of a cold replay: [FACTS]
bench-replay *ARGS:
    cargo run --release -p bellwether-cli --example bench_replay -- {{ARGS}}

# Speed of steps through time: a pass over the bundled history, a new fact before a long log
bench-step:
    cargo run --release -p bellwether-projection --example bench_step

# Speed of the log beside a raw file: [ROWS]
bench-store *ARGS:
    cargo run --release -p bellwether-store --example store_bench -- {{ARGS}}

# What the detectors find, how often they cry wolf, what they cost: [--short]. Peers from PyPI (ruptures, river,
# changepoint-online) get rows when BELLWETHER_PYTHON names an interpreter that imports them.
bench-detect *ARGS:
    cargo run --release -p bellwether-detect --example bench_detect -- {{ARGS}}

# Fans of 77 made-up indicators: paths a second, and whether ten thousand for all of them stay within a second: [PATHS]
bench-fans *ARGS:
    cargo run --release -p bellwether-projection --example bench_fans -- {{ARGS}}

# Do scenario probabilities keep their promises, on simulated worlds: calibration, coverage, misfit, beside the filter that
# knows the truth, a plain step of Bayes and the prior: [--short]. Fails when a limit is missed.
bench-calibration *ARGS:
    cargo run --release -p bellwether-projection --example bench_calibration -- {{ARGS}}

# Speed and memory of an ingest: a GDELT file filtered and stored, and facts as CSV: [ROWS] [FOLDER]. DuckDB gets rows
# when BELLWETHER_PYTHON names an interpreter that imports it.
bench-ingest *ARGS:
    cargo run --release -p bellwether-ingest --example ingest_bench -- {{ARGS}}

# Speed and memory of a list as XML, read as a stream: [MEGABYTES] [most MiB of memory]
bench-xml *ARGS:
    cargo run --release -p bellwether-ingest --example xml_flat -- {{ARGS}}

# What a new fact costs with ten thousand rules over 500 indicators, beside evaluating all of them: [RULES] [INDICATORS] [FACTS]
# [RULES A FILE]; then the backtest of the bundled rules over ten years, which says how long it took
bench-alerts *ARGS:
    cargo run --release -p bellwether-alert --example bench_alerts -- {{ARGS}}
    cargo run --release -- demo --dir target/bench-alerts --no-serve >/dev/null
    cargo run --release -- --store target/bench-alerts backtest --from 2016-01-01 --to 2025-12-31

# An hour of feeds at a hundred times their pace, with panics, hangs, floods and false answers: [SECONDS]. Prints what a fact
# costs in memory; fails when memory grows while the feeds only repeat themselves.
soak SECONDS="36":
    BELLWETHER_SOAK_SECONDS={{SECONDS}} cargo test --release -p bellwether-server --test it soak -- --nocapture
