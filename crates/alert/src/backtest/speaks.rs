//! Of what a rule can speak at all, whatever the data: what its recall is counted over.

use std::collections::BTreeSet;

use bellwether_model::expression::{compile, walk};
use bellwether_model::framework::Framework;
use cel::common::ast::{Expr, LiteralValue};

use super::claim::{Claim, Direction};
use crate::Rule;

/// Domain of a claim that goes for all.
const ANY: &str = "any";

impl Claim {
    /// From what the rule's `backtest` table gives at a firing; words that are no direction are passed over.
    pub(super) fn read(domain: &str, directions: &[String]) -> Self {
        Self {
            domain: (domain != ANY).then(|| domain.to_owned()),
            directions: directions.iter().filter_map(|d| d.parse().ok()).collect(),
        }
    }
}

/// Claims that the rule's `backtest` table could give: every direction that its text names, for every domain that it names;
/// where the domain depends on the row, for every domain of the framework.
pub(super) fn speaks(rule: &Rule, framework: &Framework) -> BTreeSet<Claim> {
    let Some(mapping) = &rule.backtest else { return BTreeSet::new() };
    let directions: BTreeSet<Direction> =
        texts(&mapping.directions.text).0.iter().filter_map(|text| text.parse().ok()).collect();
    let (named, reads) = texts(&mapping.domain.text);
    let mut domains: BTreeSet<Option<String>> = BTreeSet::new();
    for domain in &framework.domains {
        if reads || named.contains(&domain.id) {
            domains.insert(Some(domain.id.clone()));
        }
    }
    if named.contains(ANY) {
        domains.insert(None);
    }
    domains.into_iter().map(|domain| Claim { domain, directions: directions.clone() }).collect()
}

/// Texts that an expression holds, and whether it reads anything.
fn texts(expression: &str) -> (BTreeSet<String>, bool) {
    let (mut texts, mut reads) = (BTreeSet::new(), false);
    // It has been parsed before.
    if let Ok(program) = compile(expression, "expression", "", "") {
        walk(&program.expression().expr, 0, &mut |expr, _| match expr {
            Expr::Literal(LiteralValue::String(text)) => {
                texts.insert(text.inner().to_owned());
            }
            Expr::Ident(_) => reads = true,
            _ => {}
        });
    }
    (texts, reads)
}
