//! Expressions of rules: CEL whose reads are known when it is parsed.
//!
//! Each read (`row.value`, `domain["economic"].index`) is taken out of the expression and becomes a variable of its own,
//! which is bound when the value is known and left out when it is not. What reads an unknown value is then an error of
//! evaluation, and CEL's own rules for errors beside `&&` and `||` (the language definition, "Logical operators") make
//! the answer three-valued: `false && unknown` is false, `true && unknown` is unknown.

mod parse;
mod run;
pub(crate) mod schema;
mod template;

pub(crate) use parse::{Place, Want, near};
pub(crate) use run::{Engine, Fault};
pub(crate) use template::Template;

use cel::IdedExpr;

use schema::Table;

/// One value that an expression reads.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Read {
    /// Table of the row.
    pub(crate) table: Table,
    /// Id of the row; `None` for the row that the rule is asked about, and for `balance` and `fit`.
    pub(crate) id: Option<String>,
    /// Whether it is a field of the row that the rule is asked about.
    pub(crate) own: bool,
    /// Field; empty for `fit`.
    pub(crate) field: String,
    /// Place inside the field, as a JSON pointer (RFC 6901); only of what is tested, empty for the field itself.
    pub(crate) inside: String,
    /// Asks whether the value is known.
    pub(crate) test: bool,
    /// As the expression writes it.
    pub(crate) name: String,
    /// Byte at which the id or field stands in the text.
    pub(crate) offset: usize,
}

/// The single order comparison of a condition.
#[derive(Clone, Debug)]
pub(crate) struct Comparison {
    left: IdedExpr,
    right: IdedExpr,
    /// True where the left must be greater.
    greater: bool,
}

/// A parsed expression.
#[derive(Clone, Debug)]
pub(crate) struct Compiled {
    /// Text as it stands in the file.
    pub(crate) text: String,
    expr: IdedExpr,
    /// What it reads, in order of the text.
    pub(crate) reads: Vec<Read>,
    comparison: Option<Comparison>,
}

impl Compiled {
    /// Whether it changes by time alone.
    pub(crate) fn clocked(&self) -> bool {
        self.reads.iter().any(|r| r.table.clocked(&r.field))
    }
}
