//! What a condition of a framework file may cost.
//!
//! A framework can come from a stranger, as the body of a question. CEL has no loops but the macros over lists and
//! maps; nested macros are the only way to make a short condition run long, so nesting them is refused. The parser
//! limits how deep brackets go, and regular expressions run in linear time.

use cel::Program;
use cel::common::ast::{EntryExpr, Expr};

/// Longest condition, in bytes.
const LONGEST: usize = 2_000;

/// What is wrong with a condition, and what to do about it.
pub(super) fn fault(text: &str) -> Option<(String, &'static str)> {
    if text.len() > LONGEST {
        return Some((
            format!("the condition is longer than {LONGEST} bytes"),
            "make it several expectations",
        ));
    }
    match Program::compile(text) {
        Err(e) => {
            let first = e.to_string().lines().next().unwrap_or_default().to_owned();
            Some((format!("not a CEL condition: {first}"), "correct the expression"))
        }
        Ok(program) if nests(&program.expression().expr, 0) => {
            Some(("a macro inside a macro".to_owned(), "one of all, exists, filter, map at a time"))
        }
        Ok(_) => None,
    }
}

/// Whether a macro runs inside another.
fn nests(expr: &Expr, level: usize) -> bool {
    let entry = |entry: &EntryExpr| match entry {
        EntryExpr::StructField(f) => nests(&f.value.expr, level),
        EntryExpr::MapEntry(m) => nests(&m.key.expr, level) || nests(&m.value.expr, level),
    };
    match expr {
        Expr::Comprehension(c) => {
            let inner = [&c.accu_init, &c.loop_cond, &c.loop_step, &c.result];
            level > 0 || nests(&c.iter_range.expr, level) || inner.iter().any(|e| nests(&e.expr, level + 1))
        }
        Expr::Call(call) => {
            call.target.as_ref().is_some_and(|target| nests(&target.expr, level))
                || call.args.iter().any(|e| nests(&e.expr, level))
        }
        Expr::List(list) => list.elements.iter().any(|e| nests(&e.expr, level)),
        Expr::Map(map) => map.entries.iter().any(|e| entry(&e.expr)),
        Expr::Struct(s) => s.entries.iter().any(|e| entry(&e.expr)),
        Expr::Select(select) => nests(&select.operand.expr, level),
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r25_only_cheap_conditions_pass() {
        for good in [
            "domain[\"a\"].index > 1.0 && indicator.all(x, indicator[x].value > 0.0)",
            "[1, 2].map(x, x + 1).exists(x, x > 2)",
            "indicator.exists(x, x == 'a') || measure.exists(x, x == 'b')",
        ] {
            assert_eq!(fault(good), None, "{good}");
        }
        for (bad, words) in [
            ("indicator.all(a, indicator.all(b, a != b))".to_owned(), "a macro inside a macro"),
            ("[1].exists(a, {'k': [[2].map(b, b)]}.size() > a)".to_owned(), "a macro inside a macro"),
            ("1 +".to_owned(), "not a CEL condition"),
            (format!("{}true{}", "(".repeat(900), ")".repeat(900)), "not a CEL condition"),
            (format!("true{}", " && true".repeat(300)), "longer than 2000 bytes"),
        ] {
            let found = fault(&bad).unwrap_or_else(|| panic!("{bad} passes"));
            assert!(found.0.contains(words), "{bad}: {found:?}");
        }
    }
}
