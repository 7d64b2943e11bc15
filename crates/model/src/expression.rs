//! What a CEL expression of a configuration file may cost.
//!
//! Configuration can come from a stranger, a framework even as the body of a question. CEL has no loops but the macros
//! over lists and maps; nested macros are the only way to make a short expression run long, so nesting them is refused.
//! Regular expressions run in linear time.

use cel::Program;
use cel::common::ast::{EntryExpr, Expr};

use crate::Problem;

/// Longest expression, in bytes.
const MAX_LENGTH: usize = 2_000;
/// Deepest brackets.
const MAX_BRACKETS: usize = 24;

/// Compiles an expression within the limits: 2000 bytes, brackets 24 deep, no macro inside a macro.
///
/// `noun` is what the file calls it, `shorter` and `write` are the remedies for one that is too long and for one that
/// is no CEL. The finding's text is the expression; it names no place.
///
/// ```
/// use bellwether_model::expression::compile;
///
/// assert!(compile("[1, 2].exists(x, x > 1)", "condition", "shorten it", "correct it").is_ok());
/// let refused = compile("1 +", "condition", "shorten it", "correct it").unwrap_err();
/// assert!(refused.message.starts_with("not a CEL condition"));
/// ```
pub fn compile(text: &str, noun: &str, shorter: &str, write: &str) -> Result<Program, Problem> {
    let refuse = |message: String, remedy: &str| Err(Problem::new(message, remedy).text(text));
    if text.len() > MAX_LENGTH {
        return refuse(format!("the {noun} is longer than {MAX_LENGTH} bytes"), shorter);
    }
    let mut depth = 0_usize;
    for byte in text.bytes() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_BRACKETS {
            return refuse(
                format!("brackets nested deeper than {MAX_BRACKETS}"),
                &format!("simplify the {noun}"),
            );
        }
    }
    let program = Program::compile(text).map_err(|errors| {
        let errors = errors.errors.iter();
        let places: Vec<String> =
            errors.map(|e| format!("line {} column {}: {}", e.pos.0, e.pos.1, e.msg.trim())).collect();
        Problem::new(format!("not a CEL {noun} ({})", places.join("; ")), write).text(text)
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

/// Visits every node with the number of macros around it.
pub fn walk<'e>(expr: &'e Expr, level: usize, visit: &mut impl FnMut(&'e Expr, usize)) {
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
