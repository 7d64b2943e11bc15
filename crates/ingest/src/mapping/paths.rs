//! Functions that look into records of documents, where a value may be there once, often or not at all.

use std::sync::Arc;

use cel::objects::Key;
use cel::{Context, ExecutionError, ResolveResult, Value};

/// Adds `text(record, path)` (the one text there, blank when there is none), `texts(record, path)` (all that are not
/// blank), `join(texts, between)` (those that are not blank) and `unique(texts)` (each once, where it first stood).
pub(super) fn add(context: &mut Context<'_, '_>) -> Result<(), cel::DeclarationError> {
    context.add_function("text", text)?;
    context.add_function("texts", |value: Value, path: Arc<String>| texts(&value, &path))?;
    context.add_function("join", join)?;
    context.add_function("unique", unique)
}

/// Every text at a path of names with dots, through lists and in their order.
fn at(value: &Value, path: &[&str], found: &mut Vec<Arc<String>>) -> Result<(), ExecutionError> {
    match (value, path) {
        (Value::List(list), _) => list.iter().try_for_each(|value| at(value, path, found)),
        (Value::Map(map), [name, rest @ ..]) => match map.map.get(&Key::String(Arc::new((*name).to_owned())))
        {
            Some(value) => at(value, rest, found),
            None => Ok(()),
        },
        // An element with attributes keeps its text under a name.
        (Value::Map(map), []) => match map.map.get(&Key::String(Arc::new("#text".to_owned()))) {
            Some(value) => at(value, path, found),
            None => Ok(()),
        },
        (Value::Null, _) => Ok(()),
        (Value::String(text), []) => {
            found.push(Arc::clone(text));
            Ok(())
        }
        (Value::Int(n), []) => {
            found.push(Arc::new(n.to_string()));
            Ok(())
        }
        (Value::UInt(n), []) => {
            found.push(Arc::new(n.to_string()));
            Ok(())
        }
        (Value::Bool(b), []) => {
            found.push(Arc::new(b.to_string()));
            Ok(())
        }
        // A blank element where others have elements in it, as `<a/>` beside `<a><b>…`.
        (Value::String(text), _) if text.trim().is_empty() => Ok(()),
        (other, _) => Err(ExecutionError::FunctionError {
            function: "text".into(),
            message: format!("a {} stands on the way", other.type_of()),
        }),
    }
}

fn all(value: &Value, path: &str) -> Result<Vec<Arc<String>>, ExecutionError> {
    let names: Vec<&str> = path.split('.').collect();
    let mut found = Vec::new();
    at(value, &names, &mut found)?;
    found.retain(|text| !text.trim().is_empty());
    Ok(found)
}

fn text(value: Value, path: Arc<String>) -> ResolveResult {
    let mut found = all(&value, &path)?;
    match (found.pop(), found.len()) {
        (None, _) => Ok(String::new().into()),
        (Some(text), 0) => Ok(Value::String(text)),
        (Some(_), more) => Err(ExecutionError::FunctionError {
            function: "text".into(),
            message: format!("{} texts at {path}: use texts", more + 1),
        }),
    }
}

fn texts(value: &Value, path: &str) -> ResolveResult {
    let found = all(value, path)?.into_iter().map(Value::String).collect();
    Ok(Value::List(Arc::new(found)))
}

fn join(parts: Arc<Vec<Value>>, between: Arc<String>) -> ResolveResult {
    let mut texts = Vec::with_capacity(parts.len());
    for part in parts.iter() {
        let Value::String(text) = part else {
            return Err(ExecutionError::FunctionError {
                function: "join".into(),
                message: format!("{} is no text", part.type_of()),
            });
        };
        if !text.trim().is_empty() {
            texts.push(text.trim());
        }
    }
    Ok(texts.join(&between).into())
}

fn unique(texts: Arc<Vec<Value>>) -> ResolveResult {
    let mut seen = std::collections::BTreeSet::new();
    let mut kept = Vec::with_capacity(texts.len());
    for value in texts.iter() {
        let Value::String(text) = value else {
            return Err(ExecutionError::FunctionError {
                function: "unique".into(),
                message: format!("{} is no text", value.type_of()),
            });
        };
        if seen.insert(text.as_str()) {
            kept.push(value.clone());
        }
    }
    Ok(Value::List(Arc::new(kept)))
}
