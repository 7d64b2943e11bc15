//! `detect`: any series through the detectors of the product, whole or line by line.

use bellwether_tests::{Store, bellwether, bellwether_in, root};
use serde_json::{Value, json};

/// 60 months of noise around a level that rises by 20 at month 40.
fn months() -> String {
    let noise = |i: u32| f64::from(i.wrapping_mul(2_654_435_761) >> 8) / f64::from(1_u32 << 24) - 0.5;
    let line = |i: u32| {
        let level = if i < 40 { 100.0 } else { 120.0 };
        format!("{}-{:02},{:.3}\n", 2018 + i / 12, i % 12 + 1, level + 6.0 * noise(i))
    };
    format!("time,value\n{}", (0..60).map(line).collect::<String>())
}

fn detect(args: &[&str], stdin: &str) -> bellwether_tests::Outcome {
    let args: Vec<&str> = ["detect"].iter().chain(args).copied().collect();
    bellwether_in(root(), &args, stdin)
}

#[test]
fn a_step_is_found_where_it_is_and_the_document_has_the_contracts_fields() {
    let answer = detect(&["--format", "json", "-"], &months()).exits(0).json();
    assert_eq!((&answer["n"], &answer["refused"]), (&json!(60), &Value::Null));
    let alarms = answer["alarms"].as_array().unwrap();
    assert_eq!(alarms.len(), 1, "{answer}");
    let alarm = &alarms[0];
    assert_eq!(alarm["onset_index"], 40);
    assert!(alarm["alarm_index"].as_u64().unwrap() < 48, "{alarm}");
    assert_eq!(
        (&alarm["detector"], &alarm["kind"], &alarm["direction"]),
        (&json!("gls-scan"), &json!("level"), &json!("up"))
    );
    for field in ["size", "statistic", "threshold"] {
        assert!(alarm[field].is_f64(), "{field}: {alarm}");
    }
    assert!((alarm["size"].as_f64().unwrap() - 20.0).abs() < 3.0, "{alarm}");
}

#[test]
fn the_alarms_of_a_prefix_are_the_alarms_so_far() {
    let text = months();
    let alarms = |lines: usize| {
        let part: String = text.lines().take(lines).map(|l| format!("{l}\n")).collect();
        detect(&["--format", "json", "-"], &part).exits(0).json()["alarms"].clone()
    };
    let all = alarms(61);
    let at = all[0]["alarm_index"].as_u64().unwrap() as usize;
    // The header is a line too.
    assert_eq!(alarms(at + 1), json!([]));
    assert_eq!(alarms(at + 2), all);
}

#[test]
fn ndjson_is_the_same_alarms_a_line_each() {
    let lines = detect(&["--format", "ndjson"], &months()).exits(0).ndjson();
    let whole = detect(&["--format", "json"], &months()).exits(0).json();
    assert_eq!(Value::from(lines), whole["alarms"]);
}

#[test]
fn an_alarm_is_told_before_the_stream_ends() {
    use std::io::{BufRead, BufReader, Write};
    let mut child = bellwether_tests::spawn(&["detect", "--format", "ndjson"]);
    let mut input = child.stdin.take().unwrap();
    let (text, alarm) = (months(), detect(&["--format", "json"], &months()).json());
    let at = alarm["alarms"][0]["alarm_index"].as_u64().unwrap() as usize;
    for line in text.lines().take(at + 2) {
        writeln!(input, "{line}").unwrap();
    }
    input.flush().unwrap();
    // Standard input is still open: only an alarm told at once can end this read.
    let mut told = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut told).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&told).unwrap(), alarm["alarms"][0]);
    drop(input);
    assert!(child.wait().unwrap().success());
}

#[test]
fn too_short_a_series_is_refused_with_the_reason() {
    let answer = detect(&["--format", "json"], "time,value\n2001,1\n2002,2\n2003,1.5\n").exits(0).json();
    assert_eq!(answer["alarms"], json!([]));
    assert!(answer["refused"].as_str().unwrap().contains("3 of the 10 observations"), "{answer}");
    let one = bellwether(&["detect", "--format", "json", "no-such-file.csv"]).exits(6);
    assert!(one.err.contains("no-such-file.csv"), "{one}");
    let bad = detect(&["-"], "1\n2\nthree\n").exits(6);
    assert!(bad.err.contains(":3:") && bad.err.contains("three"), "{bad}");
}

#[test]
fn no_store_is_opened_or_made() {
    let store = Store::new();
    store.fed(&["detect"], months()).exits(0);
    assert!(!store.path().exists());
}

#[test]
fn every_detector_can_be_asked_for() {
    let counts: String =
        (0..120).map(|i| format!("{}\n", if i < 80 { 2 + i % 3 } else { 9 + i % 3 })).collect();
    let args = ["--format", "json", "--detectors", "gls-scan,focus,rate,regime,robust-step"];
    let answer = detect(&args, &counts).exits(0).json();
    let found: Vec<&str> =
        answer["alarms"].as_array().unwrap().iter().map(|a| a["detector"].as_str().unwrap()).collect();
    assert!(found.contains(&"rate") && found.contains(&"robust-step"), "{answer}");
}

/// The golden vectors of the reference implementation, read in place.
#[test]
fn the_golden_vectors_agree_through_the_command_line() {
    let Some(path) = bellwether_tests::shared("bench/reference/golden.json") else { return };
    let text = std::fs::read_to_string(&path).unwrap();
    let vectors: Vec<Value> = serde_json::from_str(&text).unwrap();
    for vector in &vectors {
        let time = |i: usize| match vector["period"].as_u64().unwrap() {
            12 => format!("{}-{:02},", 1900 + i / 12, i % 12 + 1),
            4 => format!("{}-{:02},", 1900 + i / 4, i % 4 * 3 + 1),
            _ if vector["warm"] == 10 => format!("{},", 1500 + i),
            _ if vector["warm"] == 24 => format!("{:04}-01-01,", 1500 + i),
            _ => String::new(),
        };
        let values = vector["x"].as_array().unwrap();
        let text: String = values.iter().enumerate().map(|(i, v)| format!("{}{v}\n", time(i))).collect();
        let answer = detect(&["--format", "json"], &text).exits(0).json();
        let pairs = |list: &Value, alarm: &str, onset: &str| -> Vec<(u64, u64)> {
            let all = list.as_array().unwrap().iter();
            all.map(|a| (a[alarm].as_u64().unwrap(), a[onset].as_u64().unwrap())).collect()
        };
        let ours = pairs(&answer["alarms"], "alarm_index", "onset_index");
        assert_eq!(ours, pairs(&vector["alarms"], "alarm", "onset"), "{}", vector["name"]);
    }
}
