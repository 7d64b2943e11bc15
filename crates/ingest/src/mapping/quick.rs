//! Expressions answered without the interpreter: the few forms that most of a feed file consists of.
//!
//! An answer here is the interpreter's, or none: on anything unusual, a column that is not there, a key that no table
//! has, a function that refuses, the interpreter is asked, and complains in its own words.

use std::borrow::Cow;
use std::collections::BTreeMap;

use cel::common::ast::operators::{ADD, EQUALS, GREATER, INDEX, LOGICAL_AND, LOGICAL_OR, NOT_EQUALS};
use cel::common::ast::{Expr, IdedExpr, LiteralValue};

use super::functions;
use crate::decoder::{Columns, Row};

/// Lookups of a feed, by name.
pub(crate) type Tables = BTreeMap<String, BTreeMap<String, String>>;

/// What an answer is read from.
#[derive(Clone, Copy)]
pub(super) struct Cells<'r> {
    pub(super) columns: &'r Columns,
    pub(super) row: &'r Row,
    pub(super) tables: &'r Tables,
}

/// An expression that gives a text.
pub(super) enum Text {
    Literal(String),
    Column(String),
    Join(Box<[Text; 2]>),
    /// `tables.NAME[text]`.
    Table(String, Box<Text>),
    Date(Box<Text>, String),
    Instant(Box<Text>, String),
    AddDays(Box<Text>, i64),
}

/// An expression that gives true or false.
pub(super) enum Test {
    Equal([Text; 2]),
    Differ([Text; 2]),
    /// `days_between(from, to) > n`.
    Apart([Text; 2], i64),
    All(Box<[Test; 2]>),
    Any(Box<[Test; 2]>),
}

/// An expression of a form that is known here.
pub(super) enum Quick {
    Text(Text),
    List(Vec<Text>),
    Test(Test),
    No,
}

impl Quick {
    pub(super) fn of(expr: &Expr) -> Self {
        if let Some(text) = Text::of(expr) {
            return Quick::Text(text);
        }
        if let Some(test) = Test::of(expr) {
            return Quick::Test(test);
        }
        match expr {
            Expr::List(list) if list.optional_indices.is_empty() => {
                let texts: Option<Vec<_>> = list.elements.iter().map(|e| Text::of(&e.expr)).collect();
                texts.map_or(Quick::No, Quick::List)
            }
            _ => Quick::No,
        }
    }
}

/// Name and arguments of a call that is not on something.
fn call(expr: &Expr) -> Option<(&str, &[IdedExpr])> {
    match expr {
        Expr::Call(call) if call.target.is_none() => Some((&call.func_name, &call.args)),
        _ => None,
    }
}

/// `of.field`.
fn field<'e>(expr: &'e Expr, of: &str) -> Option<&'e str> {
    match expr {
        Expr::Select(select) if !select.test => match &select.operand.expr {
            Expr::Ident(name) if name == of => Some(&select.field),
            _ => None,
        },
        _ => None,
    }
}

fn literal(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner().to_owned()),
        _ => None,
    }
}

fn number(expr: &Expr) -> Option<i64> {
    match expr {
        Expr::Literal(LiteralValue::Int(n)) => Some(*n.inner()),
        _ => None,
    }
}

impl Text {
    fn of(expr: &Expr) -> Option<Self> {
        if let Some(text) = literal(expr) {
            return Some(Text::Literal(text));
        }
        if let Some(column) = field(expr, "record") {
            return Some(Text::Column(column.to_owned()));
        }
        let (name, [a, b]) = call(expr)? else { return None };
        let (a, b) = (&a.expr, &b.expr);
        Some(match name {
            INDEX => Text::Table(field(a, "tables")?.to_owned(), Box::new(Text::of(b)?)),
            ADD => Text::Join(Box::new([Text::of(a)?, Text::of(b)?])),
            "date" => Text::Date(Box::new(Text::of(a)?), literal(b)?),
            "instant" => Text::Instant(Box::new(Text::of(a)?), literal(b)?),
            "add_days" => Text::AddDays(Box::new(Text::of(a)?), number(b)?),
            _ => return None,
        })
    }

    pub(super) fn get<'r>(&'r self, cells: Cells<'r>) -> Option<Cow<'r, str>> {
        Some(match self {
            Text::Literal(text) => Cow::Borrowed(text),
            Text::Column(name) => {
                let at = cells.columns.position(name)?;
                Cow::Borrowed(cells.row.get(at).unwrap_or_default())
            }
            Text::Join(parts) => {
                let [a, b] = &**parts;
                let mut joined = a.get(cells)?.into_owned();
                joined.push_str(&b.get(cells)?);
                Cow::Owned(joined)
            }
            Text::Table(name, key) => Cow::Borrowed(cells.tables.get(name)?.get(&*key.get(cells)?)?),
            Text::Date(text, format) => Cow::Owned(functions::date_of(&text.get(cells)?, format).ok()?),
            Text::Instant(text, format) => Cow::Owned(functions::instant_of(&text.get(cells)?, format).ok()?),
            Text::AddDays(text, days) => Cow::Owned(functions::days_added(&text.get(cells)?, *days)?),
        })
    }
}

impl Test {
    fn of(expr: &Expr) -> Option<Self> {
        let (name, [a, b]) = call(expr)? else { return None };
        let (a, b) = (&a.expr, &b.expr);
        Some(match name {
            EQUALS => Test::Equal([Text::of(a)?, Text::of(b)?]),
            NOT_EQUALS => Test::Differ([Text::of(a)?, Text::of(b)?]),
            LOGICAL_AND => Test::All(Box::new([Test::of(a)?, Test::of(b)?])),
            LOGICAL_OR => Test::Any(Box::new([Test::of(a)?, Test::of(b)?])),
            GREATER => {
                let ("days_between", [from, to]) = call(a)? else { return None };
                Test::Apart([Text::of(&from.expr)?, Text::of(&to.expr)?], number(b)?)
            }
            _ => return None,
        })
    }

    pub(super) fn get(&self, cells: Cells<'_>) -> Option<bool> {
        Some(match self {
            Test::Equal([a, b]) => a.get(cells)? == b.get(cells)?,
            Test::Differ([a, b]) => a.get(cells)? != b.get(cells)?,
            Test::Apart([from, to], days) => {
                functions::days_from_to(&from.get(cells)?, &to.get(cells)?).ok()? > *days
            }
            Test::All(parts) => {
                let [a, b] = &**parts;
                a.get(cells)? && b.get(cells)?
            }
            Test::Any(parts) => {
                let [a, b] = &**parts;
                a.get(cells)? || b.get(cells)?
            }
        })
    }
}
