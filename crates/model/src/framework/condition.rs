//! Whether a condition of a framework file is CEL within the [limits](crate::expression).

use crate::Problem;
use crate::expression::compile;

/// What is wrong with a condition, and what to do about it.
pub(super) fn fault(text: &str) -> Option<Problem> {
    compile(text, "condition", "make it several expectations", "correct the expression").err()
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
            assert!(fault(good).is_none(), "{good}");
        }
        for (bad, words) in [
            ("indicator.all(a, indicator.all(b, a != b))".to_owned(), "a macro inside a macro"),
            ("[1].exists(a, {'k': [[2].map(b, b)]}.size() > a)".to_owned(), "a macro inside a macro"),
            ("1 +".to_owned(), "not a CEL condition"),
            (format!("{}true{}", "(".repeat(900), ")".repeat(900)), "brackets nested deeper than 24"),
            (format!("true{}", " && true".repeat(300)), "longer than 2000 bytes"),
        ] {
            let found = fault(&bad).unwrap_or_else(|| panic!("{bad} passes"));
            assert!(found.message.contains(words), "{bad}: {found:?}");
        }
    }
}
