//! The bundled rules.

use std::collections::BTreeSet;

use crate::support::*;

#[test]
fn they_parse_and_fit_any_framework() {
    let rules = bundled_rules();
    for framework in [bundled(), dyad()] {
        rules.check(&framework, &types()).unwrap_or_else(|p| panic!("{p}"));
    }
    rules.review().unwrap_or_else(|p| panic!("{p}"));
    for rule in rules.rules() {
        assert!(!rule.reason.is_empty() && !rule.runbook.is_empty(), "{}", rule.id);
        assert!(rule.text.starts_with("[[rule]]\nid = "), "{}", rule.text);
    }
}

#[test]
fn there_is_one_for_every_kind_of_divergence() {
    let rules = bundled_rules();
    let kinds: BTreeSet<&str> = rules
        .rules()
        .iter()
        .filter_map(|r| r.only.as_ref()?.text.split("row.kind == \"").nth(1)?.split('"').next())
        .collect();
    let all = ["asymmetry", "baseline", "cross_domain", "cross_source", "envelope", "scenario"];
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), all);
}
