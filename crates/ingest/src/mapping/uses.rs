//! Which fields of a record the expressions of a feed read: the others need not be made ready for them.

use std::collections::BTreeSet;

use cel::Program;
use cel::common::ast::operators::INDEX;
use cel::common::ast::{Expr, LiteralValue};

use super::limits::walk;

/// Fields that expressions name; all of them once one takes the record as a whole.
#[derive(Debug, Default)]
pub(crate) struct Uses {
    whole: bool,
    names: BTreeSet<String>,
}

impl Uses {
    /// Adds what a program reads: `record.name`, `record['name']`, or more than can be told.
    pub(crate) fn add(&mut self, program: &Program) {
        let (mut named, mut seen) = (0_usize, 0_usize);
        walk(&program.expression().expr, 0, &mut |expr, _| {
            let name = match expr {
                Expr::Ident(name) => {
                    seen += usize::from(name == "record");
                    None
                }
                Expr::Select(select) if is_record(&select.operand.expr) => Some(select.field.clone()),
                Expr::Call(call) if call.func_name == INDEX => match call.args.as_slice() {
                    [of, at] if is_record(&of.expr) => match &at.expr {
                        Expr::Literal(LiteralValue::String(name)) => Some(name.inner().to_owned()),
                        _ => None,
                    },
                    _ => None,
                },
                _ => None,
            };
            named += usize::from(name.is_some());
            self.names.extend(name);
        });
        self.whole |= named != seen;
    }

    /// Whether the field may be read.
    pub(crate) fn may_read(&self, name: &str) -> bool {
        self.whole || self.names.contains(name)
    }
}

fn is_record(expr: &Expr) -> bool {
    matches!(expr, Expr::Ident(name) if name == "record")
}
