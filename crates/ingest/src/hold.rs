//! Hold rules: records that are sound in form and still not to be believed unseen.
//!
//! A `[[hold]]` of the feed file runs after the prefilter, on what the feed wants, and before the mapping. What it
//! holds is quarantined as suspect, with its reason, until an operator releases or drops it.

use std::collections::BTreeMap;

use bellwether_model::{Locator, Problem, Problems};
use serde::Deserialize;

use crate::decoder::{Record, Shape};
use crate::mapping::Place;
use crate::mapping::cel::{Expression, Scope, compile_one};
use crate::mapping::uses::Uses;

/// One `[[hold]]` of a feed file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Written {
    /// CEL condition under which a record is held.
    when: String,
    /// Field at fault; the whole record when left out.
    #[serde(default = "record")]
    field: String,
    /// What is suspect.
    reason: String,
    /// What an operator may do.
    remedy: String,
}

fn record() -> String {
    "record".to_owned()
}

/// The hold rules of a feed.
#[derive(Default)]
pub(crate) struct Holds {
    rules: Vec<(Expression, Problem)>,
    tables: BTreeMap<String, BTreeMap<String, String>>,
    uses: Uses,
}

impl std::fmt::Debug for Holds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Holds").field("rules", &self.rules.len()).finish_non_exhaustive()
    }
}

impl Holds {
    /// Compiles the conditions; each that fails is a finding with its line.
    pub(crate) fn compile(
        locator: &Locator<'_>,
        written: Vec<Written>,
        tables: &BTreeMap<String, BTreeMap<String, String>>,
        problems: &mut Problems,
    ) -> Self {
        let mut rules = Vec::new();
        let mut uses = Uses::default();
        for (i, Written { when, field, reason, remedy }) in written.into_iter().enumerate() {
            for (name, text) in [("reason", &reason), ("remedy", &remedy)] {
                if text.trim().is_empty() {
                    problems.push(locator.problem(
                        &["hold".into(), i.into(), name.into()],
                        "is blank",
                        "say it to whoever decides about the record",
                    ));
                }
            }
            match compile_one(&when) {
                Ok(program) => {
                    uses.add(&program);
                    let when = Expression::new(field.clone(), when, program);
                    rules.push((when, Problem::new(reason, remedy).field(field)));
                }
                Err(p) => problems.push(
                    locator
                        .problem(&["hold".into(), i.into(), "when".into()], p.message, p.remedy)
                        .text(p.text),
                ),
            }
        }
        let tables = if rules.is_empty() { BTreeMap::new() } else { tables.clone() };
        Self { rules, tables, uses }
    }

    /// Binds the rules for one source; `None` when there are none.
    pub(crate) fn bind(&self, shape: &Shape) -> Result<Option<Holder<'_>>, Problem> {
        if self.rules.is_empty() {
            return Ok(None);
        }
        Ok(Some(Holder {
            rules: &self.rules,
            scope: Scope::new(&self.tables, &self.uses, shape.envelope())?,
        }))
    }
}

/// The rules bound to their functions and lookups.
pub(crate) struct Holder<'s> {
    rules: &'s [(Expression, Problem)],
    scope: Scope<'s>,
}

impl Holder<'_> {
    /// The finding of the first rule that holds the record. A condition that cannot be evaluated is an error.
    pub(crate) fn holds(&self, record: &Record<'_>, place: Place<'_>) -> Result<Option<Problem>, Problem> {
        let sight = self.scope.sight(record, place.file, &[]);
        for (when, problem) in self.rules {
            if when.test(&sight)? {
                return Ok(Some(problem.clone()));
            }
        }
        Ok(None)
    }
}
