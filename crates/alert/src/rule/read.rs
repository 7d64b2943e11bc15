//! The file: what a person writes.

use std::collections::BTreeMap;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::{Each, Severity};

/// The tables of a file; what is in them is read one by one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only their names and that they are lists are looked at")]
pub(super) struct File {
    #[serde(default)]
    rule: Vec<IgnoredAny>,
    #[serde(default)]
    inhibit: Vec<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) each: Option<Each>,
    pub(super) only: Option<String>,
    pub(super) when: String,
    pub(super) until: Option<String>,
    #[serde(rename = "for")]
    pub(super) hold: Option<String>,
    pub(super) keep: Option<String>,
    pub(super) expires: Option<String>,
    pub(super) severity: Severity,
    #[serde(default)]
    pub(super) labels: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) group_by: Vec<String>,
    pub(super) summary: String,
    #[serde(default)]
    pub(super) runbook: String,
    #[serde(default)]
    pub(super) reason: String,
    pub(super) backtest: Option<Claims>,
    #[serde(default)]
    pub(super) parameters: BTreeMap<String, f64>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Claims {
    pub(super) domain: String,
    pub(super) directions: String,
}

/// What a rule does, in a fixed order: the version is its hash.
#[derive(Serialize)]
struct Deed<'r> {
    id: &'r str,
    each: Option<Each>,
    only: Option<&'r str>,
    when: &'r str,
    until: Option<&'r str>,
    hold: Option<&'r str>,
    keep: Option<&'r str>,
    expires: Option<&'r str>,
    severity: Severity,
    labels: &'r BTreeMap<String, String>,
    group_by: &'r [String],
    summary: &'r str,
    backtest: Option<&'r Claims>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    parameters: &'r BTreeMap<String, f64>,
}

impl Written {
    /// First 16 hexadecimal digits of BLAKE3 over what the rule does.
    pub(super) fn version(&self) -> String {
        let deed = Deed {
            id: &self.id,
            each: self.each,
            only: self.only.as_deref(),
            when: self.when.trim(),
            until: self.until.as_deref().map(str::trim),
            hold: self.hold.as_deref(),
            keep: self.keep.as_deref(),
            expires: self.expires.as_deref(),
            severity: self.severity,
            labels: &self.labels,
            group_by: &self.group_by,
            summary: &self.summary,
            backtest: self.backtest.as_ref(),
            parameters: &self.parameters,
        };
        // Strings and ordered maps always serialise.
        let hash = blake3::hash(&serde_json::to_vec(&deed).unwrap_or_default()).to_hex();
        hash.chars().take(16).collect()
    }
}
