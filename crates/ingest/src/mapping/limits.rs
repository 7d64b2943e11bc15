//! What an expression of a feed file may cost.
//!
//! CEL has no loops but the macros over lists; nested macros are the only way to make a short
//! expression run long, so nesting them is refused. Regular expressions run in linear time.

use bellwether_model::Problem;
use cel::Program;
use cel::common::ast::{EntryExpr, Expr};

/// Longest expression, in bytes.
const MAX_LENGTH: usize = 2_000;
/// Deepest brackets.
const MAX_BRACKETS: usize = 24;

/// Compiles an expression within the limits; the finding's text is the expression.
pub(crate) fn compile(text: &str) -> Result<Program, Problem> {
    let refuse = |message: String, remedy: &str| Err(Problem::new(message, remedy).text(text));
    if text.len() > MAX_LENGTH {
        return refuse(
            format!("the expression is longer than {MAX_LENGTH} bytes"),
            "use tables or several facts",
        );
    }
    let mut depth = 0_usize;
    for byte in text.bytes() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_BRACKETS {
            return refuse(format!("brackets nested deeper than {MAX_BRACKETS}"), "simplify the expression");
        }
    }
    let program = Program::compile(text).map_err(|errors| {
        let places: Vec<String> = errors
            .errors
            .iter()
            .map(|e| format!("line {} column {}: {}", e.pos.0, e.pos.1, e.msg.trim()))
            .collect();
        Problem::new(
            format!("not a CEL expression ({})", places.join("; ")),
            "text is quoted, as in 'vote.veto'; columns are record.NAME",
        )
        .text(text)
    })?;
    let mut nested = false;
    walk(&program.expression().expr, 0, &mut |expr, level| {
        nested |= level > 0 && matches!(expr, Expr::Comprehension(_));
    });
    if nested {
        return refuse("a macro inside a macro".into(), "one of all, exists, filter, map at a time");
    }
    Ok(program)
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

/// Visits every node with the number of comprehensions around it.
pub(super) fn walk<'e>(expr: &'e Expr, level: usize, visit: &mut impl FnMut(&'e Expr, usize)) {
    visit(expr, level);
    match expr {
        Expr::Call(call) => {
            if let Some(target) = &call.target {
                walk(&target.expr, level, visit);
            }
            call.args.iter().for_each(|e| walk(&e.expr, level, visit));
        }
        Expr::Comprehension(c) => {
            walk(&c.iter_range.expr, level, visit);
            for inner in [&c.accu_init, &c.loop_cond, &c.loop_step, &c.result] {
                walk(&inner.expr, level + 1, visit);
            }
        }
        Expr::List(list) => list.elements.iter().for_each(|e| walk(&e.expr, level, visit)),
        Expr::Map(map) => map.entries.iter().for_each(|e| walk_entry(&e.expr, level, visit)),
        Expr::Struct(s) => s.entries.iter().for_each(|e| walk_entry(&e.expr, level, visit)),
        Expr::Select(select) => walk(&select.operand.expr, level, visit),
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) => {}
    }
}

fn walk_entry<'e>(entry: &'e EntryExpr, level: usize, visit: &mut impl FnMut(&'e Expr, usize)) {
    match entry {
        EntryExpr::StructField(f) => walk(&f.value.expr, level, visit),
        EntryExpr::MapEntry(m) => {
            walk(&m.key.expr, level, visit);
            walk(&m.value.expr, level, visit);
        }
    }
}
