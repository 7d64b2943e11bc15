//! Functions that look into records of documents, where a value may be there once, often or not at all.
//!
//! The record is walked as it is: a copy of it for each call would cost more than all the rest.

use std::collections::BTreeSet;
use std::sync::Arc;

use cel::common::types::{CelBool, CelDouble, CelInt, CelString, CelUInt, Kind};
use cel::common::value::Val;
use cel::{Context, ExecutionError, FunctionContext, ResolveResult, Value};

/// Adds `text(record, path)` (the one text there, blank when there is none), `texts(record, path)` (all that are not
/// blank), `phrase(texts, between)` (those that are not blank) and `unique(texts)` (each once, where it first stood).
pub(super) fn add(context: &mut Context<'_, '_>) -> Result<(), cel::DeclarationError> {
    context.add_function("text", text)?;
    context.add_function("texts", texts)?;
    context.add_function("phrase", phrase)?;
    context.add_function("unique", unique)
}

fn refuse(function: &str, message: String) -> ExecutionError {
    ExecutionError::FunctionError { function: function.to_owned(), message }
}

/// Every text at a path of names with dots, through lists and in their order.
fn at(value: &dyn Val, path: &[CelString<'_>], found: &mut Vec<String>) -> Result<(), ExecutionError> {
    if let Some(list) = value.as_iterable().filter(|_| value.get_type().kind() == Kind::List) {
        let mut values = list.iter();
        while let Some(value) = values.next() {
            at(value, path, found)?;
        }
        return Ok(());
    }
    if let Some(map) = value.as_indexer().filter(|_| value.get_type().kind() == Kind::Map) {
        // An element with attributes keeps its text under a name.
        let own = CelString::from("#text".to_owned());
        let (name, rest) = path.split_first().unwrap_or((&own, &[]));
        return match map.get(name) {
            Ok(value) => at(value.as_ref(), rest, found),
            Err(ExecutionError::NoSuchKey(_)) => Ok(()),
            Err(other) => Err(other),
        };
    }
    let text = match value.get_type().kind() {
        Kind::NullType => return Ok(()),
        Kind::String => value.downcast_ref::<CelString<'_>>().map(|s| s.inner().to_owned()),
        Kind::Int => value.downcast_ref::<CelInt>().map(|n| n.inner().to_string()),
        Kind::UInt => value.downcast_ref::<CelUInt>().map(|n| n.inner().to_string()),
        Kind::Double => value.downcast_ref::<CelDouble>().map(|n| n.inner().to_string()),
        Kind::Boolean => value.downcast_ref::<CelBool>().map(|b| b.inner().to_string()),
        _ => None,
    };
    match text {
        // Of a blank element nothing is expected, as of `<a/>` beside `<a><b>…`.
        Some(text) if text.trim().is_empty() => Ok(()),
        Some(text) if path.is_empty() => {
            found.push(text);
            Ok(())
        }
        _ => Err(refuse("text", format!("a {} stands on the way", value.get_type().name()))),
    }
}

/// Every text at the path that the second argument is.
fn all(call: &FunctionContext<'_, '_>) -> Result<(Vec<String>, String), ExecutionError> {
    let [record, path] = call.args.as_slice() else {
        return Err(ExecutionError::invalid_argument_count(2, call.args.len()));
    };
    let Some(path) = path.as_ref().downcast_ref::<CelString<'_>>() else {
        return Err(refuse(call.name, "the path must be text".to_owned()));
    };
    let names: Vec<CelString<'_>> =
        path.inner().split('.').map(|name| CelString::from(name.to_owned())).collect();
    let mut found = Vec::new();
    at(record.as_ref(), &names, &mut found)?;
    Ok((found, path.inner().to_owned()))
}

fn text(call: &FunctionContext<'_, '_>) -> ResolveResult {
    let (mut found, path) = all(call)?;
    match (found.pop(), found.len()) {
        (None, _) => Ok(String::new().into()),
        (Some(text), 0) => Ok(text.into()),
        (Some(_), more) => Err(refuse("text", format!("{} texts at {path}: use texts", more + 1))),
    }
}

fn texts(call: &FunctionContext<'_, '_>) -> ResolveResult {
    let found = all(call)?.0.into_iter().map(Value::from).collect();
    Ok(Value::List(Arc::new(found)))
}

fn phrase(parts: Arc<Vec<Value>>, between: Arc<String>) -> ResolveResult {
    let mut texts = Vec::with_capacity(parts.len());
    for part in parts.iter() {
        let Value::String(text) = part else {
            return Err(refuse("phrase", format!("{} is no text", part.type_of())));
        };
        if !text.trim().is_empty() {
            texts.push(text.trim());
        }
    }
    Ok(texts.join(&between).into())
}

fn unique(texts: Arc<Vec<Value>>) -> ResolveResult {
    let mut seen = BTreeSet::new();
    let mut kept = Vec::with_capacity(texts.len());
    for value in texts.iter() {
        let Value::String(text) = value else {
            return Err(refuse("unique", format!("{} is no text", value.type_of())));
        };
        if seen.insert(text.as_str()) {
            kept.push(value.clone());
        }
    }
    Ok(Value::List(Arc::new(kept)))
}
