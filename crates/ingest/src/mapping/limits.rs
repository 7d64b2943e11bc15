//! Expressions of a feed file, within the [limits](bellwether_model::expression) of any configuration.

use bellwether_model::{Problem, expression};
use cel::Program;
use cel::common::ast::Expr;

pub(super) use bellwether_model::expression::walk;

/// Compiles an expression within the limits; the finding's text is the expression.
pub(crate) fn compile(text: &str) -> Result<Program, Problem> {
    let quoted = "text is quoted, as in 'vote.veto'; columns are record.NAME";
    expression::compile(text, "expression", "use tables or several facts", quoted)
}

/// Names that an expression uses without binding them itself, as a macro binds `x` in `all(x, …)`.
pub(crate) fn free_names(program: &Program) -> Vec<String> {
    let mut bound = Vec::new();
    walk(&program.expression().expr, 0, &mut |expr, _| {
        if let Expr::Comprehension(c) = expr {
            bound.extend(
                [Some(&c.iter_var), c.iter_var2.as_ref(), Some(&c.accu_var)].into_iter().flatten().cloned(),
            );
        }
    });
    let mut names: Vec<String> = program.references().variables().into_iter().map(str::to_owned).collect();
    names.retain(|name| !bound.contains(name));
    names.sort_unstable();
    names
}
