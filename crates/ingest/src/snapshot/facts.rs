//! Facts of steps: listings, ends of spells and withdrawals.

use std::collections::BTreeMap;

use bellwether_model::{Basis, Body, Evidence, Fact, Op, Stamp};
use serde_json::Value;

use super::derive::{End, Ended, Step};
use super::hash::{DATED, FIRST_SEEN, Hash};
use super::known::{ENDS, Known, LAST, RESTATED, SHOWN_BY, Words};
use super::run::Desk;
use super::{MERGED, at, day};
use crate::IngestError;

/// Makes facts of steps.
pub(super) struct Makes<'m> {
    pub(super) desk: &'m Desk<'m>,
    pub(super) list: &'m str,
    pub(super) known: &'m Known,
    pub(super) present: &'m BTreeMap<String, (Hash, Fact)>,
}

impl Makes<'_> {
    pub(super) fn fact(&self, step: &Step) -> Result<Fact, IngestError> {
        let mut fact = match step {
            Step::List { entry, stamp, key, start, words, restated } => {
                let mut fact = self.words(entry, *words, *stamp)?;
                fact.note = fact.note.filter(|note| note != RESTATED);
                if *restated {
                    fact.note = Some(RESTATED.to_owned());
                }
                fact.key.clone_from(key);
                if fact.attributes.get(DATED).is_some_and(|v| v.as_str() == Some(FIRST_SEEN)) {
                    fact.valid = day(*start);
                }
                fact
            }
            Step::End { entry, stamp, key, ended, restated } => {
                let mut fact = self.end(entry, *stamp, key, ended)?;
                fact.note = restated.then(|| RESTATED.to_owned());
                fact
            }
            Step::Withdraw { seq } => {
                let was = self.logged(*seq)?;
                let reason = "vintages that came later show otherwise";
                let mut attributes = BTreeMap::from([
                    ("reason".to_owned(), Value::from(reason)),
                    ("retracts".to_owned(), was.id.to_string().into()),
                ]);
                for name in ["list", "entry"] {
                    if let Some(value) = was.attributes.get(name) {
                        attributes.insert(name.to_owned(), value.clone());
                    }
                }
                Fact {
                    op: Op::Retract,
                    value: None,
                    unit: None,
                    attributes,
                    evidence: Evidence::default(),
                    note: None,
                    ..was
                }
            }
        };
        fact.seal();
        Ok(fact)
    }

    fn end(&self, entry: &str, stamp: Stamp, key: &str, ended: &Ended) -> Result<Fact, IngestError> {
        let mut fact = self.words(entry, ended.words, stamp)?;
        let kept = ["authority", "entry", "form", "list", "name", "programme"];
        fact.attributes.retain(|name, _| kept.contains(&name.as_str()));
        fact.attributes.insert(ENDS.to_owned(), ended.spell.as_str().into());
        fact.attributes.insert(SHOWN_BY.to_owned(), ended.shown_by.to_string().into());
        fact.attributes.insert(LAST.to_owned(), ended.last.as_str().into());
        fact.kind.clone_from(&self.desk.snapshot.removed);
        if let End::Merged(into) = &ended.end {
            MERGED.clone_into(&mut fact.kind);
            fact.attributes.insert("into".to_owned(), into.as_str().into());
        }
        fact.key = key.to_owned();
        fact.valid = day(ended.shown_by);
        (fact.value, fact.unit) = (None, None);
        self.desk.types.check(&fact).map_err(|problem| IngestError::Config(problem.into()))?;
        Ok(fact)
    }

    /// What was last said about an entry, as said at `stamp`.
    fn words(&self, entry: &str, words: Words, stamp: Stamp) -> Result<Fact, IngestError> {
        let mut fact = match words {
            Words::New => match self.present.get(entry) {
                Some((_, fact)) => fact.clone(),
                None => return Err(IngestError::Internal(format!("the list says nothing about {entry}"))),
            },
            Words::Logged(seq) => {
                let mut fact = self.logged(seq)?;
                if fact.published_at != Some(stamp) {
                    let file = self.known.vintages.get(&at(stamp)).and_then(|v| v.file.clone());
                    fact.evidence = Evidence { uri: fact.evidence.uri, file, line: None, digest: None };
                }
                fact
            }
        };
        fact.attributes.insert("list".to_owned(), self.list.into());
        fact.attributes.insert("entry".to_owned(), entry.into());
        fact.published_at = Some(stamp);
        fact.published_basis = Basis::Stated;
        Ok(fact)
    }

    fn logged(&self, seq: u64) -> Result<Fact, IngestError> {
        match self.desk.log.get(seq)?.map(|record| record.body) {
            Some(Body::Fact(fact)) => Ok(fact),
            _ => Err(IngestError::Internal(format!("sequence {seq} holds no fact"))),
        }
    }
}
