//! The reference's own answers: series with the alarms, onsets, models and statistics they must give.

use std::path::PathBuf;

use bellwether_detect::gls::{Calendar, GlsConfig, GlsScan, Mode, Model};
use serde::Deserialize;

#[derive(Deserialize)]
struct Vector {
    name: String,
    period: usize,
    warm: usize,
    x: Vec<f64>,
    alarms: Vec<Expected>,
}

#[derive(Deserialize)]
struct Expected {
    alarm: usize,
    onset: usize,
    model: u8,
    stat: f64,
}

fn model(number: u8) -> Model {
    match number {
        2 => Model::Step,
        3 => Model::StepOnTrend,
        4 => Model::Kink,
        5 => Model::Both,
        other => panic!("model {other}"),
    }
}

fn check(vector: &Vector) {
    let calendar = match vector.period {
        12 => Calendar::Monthly,
        4 => Calendar::Quarterly,
        _ => Calendar::None,
    };
    let config = GlsConfig { warm_up: vector.warm, ..GlsConfig::new(Mode::Record, calendar) };
    let found = GlsScan::new(config).extend(&vector.x);
    let got: Vec<_> = found.iter().map(|f| (f.alarm.alarm_index, f.alarm.onset_index, f.model)).collect();
    let want: Vec<_> = vector.alarms.iter().map(|a| (a.alarm, a.onset, model(a.model))).collect();
    assert_eq!(got, want, "{}", vector.name);
    for (found, expected) in found.iter().zip(&vector.alarms) {
        let (ours, theirs) = (found.alarm.statistic, expected.stat);
        assert!((ours - theirs).abs() <= 1e-6 * theirs, "{}: {ours} against {theirs}", vector.name);
        assert!(found.onset_low <= expected.onset && expected.onset <= found.onset_high, "{}", vector.name);
    }
}

#[test]
fn the_vectors_of_the_reference_hold() {
    let shared = std::env::var_os("BELLWETHER_SHARED").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")),
        PathBuf::from,
    );
    let path = shared.join("bench/reference/golden.json");
    let Ok(text) = std::fs::read(&path) else {
        println!("skipped: no golden vectors at {} (BELLWETHER_SHARED names another folder)", path.display());
        return;
    };
    let vectors: Vec<Vector> = serde_json::from_slice(&text).unwrap();
    assert_eq!(vectors.len(), 10);
    vectors.iter().for_each(check);
}

/// Made for this test with the reference's answers; each kind of change is among them.
#[test]
fn the_vectors_of_our_own_hold() {
    let vectors: Vec<Vector> = serde_json::from_str(include_str!("gls_own.json")).unwrap();
    let mut models: Vec<u8> = vectors.iter().flat_map(|v| &v.alarms).map(|a| a.model).collect();
    models.sort_unstable();
    models.dedup();
    assert_eq!(models, [2, 3, 4, 5]);
    vectors.iter().for_each(check);
}
