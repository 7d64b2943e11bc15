//! Evaluation.

use cel::common::ast::Expr;
use cel::{Context, ExecutionError, IdedExpr, Value};

use super::Compiled;

/// Begins the name of the variable that stands for a read; no name of CEL begins so.
const MARK: char = '$';

/// Variable of the read at a position.
pub(super) fn variable(at: usize) -> String {
    format!("{MARK}{at}")
}

/// Why an expression gave no value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Fault {
    /// It reads something that is not known.
    Unknown,
    /// It cannot be evaluated.
    Error(String),
}

/// The functions that expressions may call.
pub(crate) struct Engine {
    context: Context<'static, 'static>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}

impl Default for Engine {
    fn default() -> Self {
        let mut context = Context::default();
        // None of the names is taken by CEL, which is all that can fail.
        let added = [
            context.add_function("abs", |x: Value| number("abs", &x).map(|x| Value::Float(x.abs()))),
            context.add_function("max", |a: Value, b: Value| pick("max", &a, &b, f64::max)),
            context.add_function("min", |a: Value, b: Value| pick("min", &a, &b, f64::min)),
        ];
        debug_assert!(added.iter().all(Result::is_ok));
        Self { context }
    }
}

fn number(function: &str, value: &Value) -> Result<f64, ExecutionError> {
    as_number(value).ok_or_else(|| ExecutionError::function_error(function, "not a number"))
}

fn pick(function: &str, a: &Value, b: &Value, of: fn(f64, f64) -> f64) -> Result<Value, ExecutionError> {
    Ok(Value::Float(of(number(function, a)?, number(function, b)?)))
}

/// A number as a double.
pub(crate) fn as_number(value: &Value) -> Option<f64> {
    match value {
        Value::Float(x) => Some(*x),
        #[expect(clippy::cast_precision_loss, reason = "literals of a rule")]
        Value::Int(x) => Some(*x as f64),
        _ => None,
    }
}

impl Engine {
    /// Value of an expression whose reads have these values.
    pub(crate) fn value(&self, expr: &IdedExpr, values: &[Option<Value>]) -> Result<Option<Value>, Fault> {
        let mut scope = self.context.new_inner_scope();
        for (at, value) in values.iter().enumerate() {
            if let Some(value) = value {
                scope.add_variable_from_value(variable(at), value.clone());
            }
        }
        if matches!(expr.expr, Expr::Unspecified) {
            return Err(Fault::Error("nothing to evaluate".to_owned()));
        }
        match Value::resolve(expr, &scope) {
            Ok(Value::Null) => Err(Fault::Unknown),
            Ok(Value::Float(x)) if !x.is_finite() => Err(Fault::Unknown),
            Ok(value) => Ok(Some(value)),
            Err(e) => Err(fault(&e)),
        }
    }

    /// Whether a condition holds; `None` when it reads something that is not known.
    ///
    /// # Errors
    /// What cannot be evaluated, in words.
    pub(crate) fn holds(&self, of: &Compiled, values: &[Option<Value>]) -> Result<Option<bool>, String> {
        match self.value(&of.expr, values) {
            Ok(Some(Value::Bool(holds))) => Ok(Some(holds)),
            Ok(_) => Err("gives neither true nor false".to_owned()),
            Err(Fault::Unknown) => Ok(None),
            Err(Fault::Error(message)) => Err(message),
        }
    }

    /// Value of an expression; `None` when it is not known or cannot be evaluated.
    pub(crate) fn get(&self, of: &Compiled, values: &[Option<Value>]) -> Option<Value> {
        self.value(&of.expr, values).ok().flatten()
    }

    /// Distance past the threshold of a condition that compares once, positive where it is crossed.
    pub(crate) fn margin(&self, of: &Compiled, values: &[Option<Value>]) -> Option<f64> {
        let c = of.comparison.as_ref()?;
        let side = |e| self.value(e, values).ok().flatten().as_ref().and_then(as_number);
        let past = side(&c.left)? - side(&c.right)?;
        Some(if c.greater { past } else { 0.0 - past }).filter(|m| m.is_finite())
    }
}

fn fault(error: &ExecutionError) -> Fault {
    match error {
        ExecutionError::UndeclaredReference(name) if name.starts_with(MARK) => Fault::Unknown,
        ExecutionError::NoSuchKey(_)
        | ExecutionError::DivisionByZero(_)
        | ExecutionError::IndexOutOfBounds(_) => Fault::Unknown,
        ExecutionError::UndeclaredReference(name) => Fault::Error(format!("unknown function {name}")),
        ExecutionError::UnsupportedBinaryOperator(operator, a, b) => {
            Fault::Error(format!("cannot {operator} {} and {}", word(a), word(b)))
        }
        ExecutionError::ValuesNotComparable(a, b) => {
            Fault::Error(format!("cannot compare {} with {}", word(a), word(b)))
        }
        other => {
            let words = other.to_string();
            Fault::Error(words.chars().take(200).collect())
        }
    }
}

/// Type of a value in words.
pub(super) fn word(value: &Value) -> &'static str {
    match value {
        Value::Bool(_) => "true or false",
        Value::Float(_) => "a number",
        Value::Int(_) | Value::UInt(_) => "a whole number",
        Value::String(_) => "a text",
        Value::List(_) => "a list",
        Value::Map(_) => "a map",
        _ => "something else",
    }
}
