//! Which rules a changed row concerns.

use std::collections::{BTreeMap, HashMap};

use crate::expression::schema::Table;
use crate::rule::RuleSet;

/// From rows to rules: what is not touched is not evaluated.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// Rules that are asked about each row of a table.
    by_table: BTreeMap<Table, Vec<usize>>,
    /// Rules that read a row by name.
    by_row: HashMap<String, Vec<usize>>,
    /// Rules that read a table of one row.
    by_single: BTreeMap<Table, Vec<usize>>,
    /// Rules that time alone can trip.
    pub(super) clocked: Vec<usize>,
}

impl Index {
    pub(super) fn new(rules: &RuleSet) -> Self {
        let mut index = Self::default();
        for (at, _, ready) in rules.all() {
            if let Some(table) = ready.table {
                index.by_table.entry(table).or_default().push(at);
            }
            if ready.clocked {
                index.clocked.push(at);
            }
            for read in ready.deciding().flat_map(|c| &c.reads) {
                let list = match &read.id {
                    // A row of expectations changes when its domain does.
                    Some(id) if read.table == Table::Expectations => {
                        let domain = id.split('.').nth(1).unwrap_or_default();
                        index.by_row.entry(domain.to_owned()).or_default()
                    }
                    Some(id) => index.by_row.entry(id.clone()).or_default(),
                    None if read.own => continue,
                    None => index.by_single.entry(read.table).or_default(),
                };
                if list.last() != Some(&at) {
                    list.push(at);
                }
            }
        }
        index
    }

    /// Rules that are asked about each row of a table.
    pub(super) fn asked(&self, table: Table) -> &[usize] {
        self.by_table.get(&table).map_or(&[], Vec::as_slice)
    }

    /// Rules that read the row by name.
    pub(super) fn naming(&self, row: &str) -> &[usize] {
        self.by_row.get(row).map_or(&[], Vec::as_slice)
    }

    /// Rules that read `balance` or `fit`.
    pub(super) fn reading(&self, table: Table) -> &[usize] {
        self.by_single.get(&table).map_or(&[], Vec::as_slice)
    }
}
