//! From text to an expression: reads taken out, names, fields and types checked, all with the place at fault.

use std::collections::BTreeMap;

use bellwether_model::expression::compile;
use bellwether_model::{Problem, Problems};
use cel::IdedExpr;
use cel::common::ast::{CallExpr, EntryExpr, Expr, LiteralValue, SelectExpr};

use super::schema::{ROOTS, Table, Type};
use super::{Comparison, Compiled, Engine, Fault, Read};

/// Longest pattern of `matches`, in bytes, and the size of its compiled form.
const MAX_PATTERN: usize = 200;
const MAX_COMPILED: usize = 1 << 18;
/// Deepest expression: `1 + 1 + 1` is two deep without a bracket, and what walks it uses the stack.
const MAX_DEPTH: usize = 200;

/// Under which the numbers of `[rule.parameters]` are read.
const PARAMETER: &str = "parameter";

/// Where an expression stands.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    /// File.
    pub(crate) file: String,
    /// Line of its first character, from 1.
    pub(crate) line: usize,
    /// Field of the file, `rule[2].when`.
    pub(crate) field: String,
    /// Numbers that the rule names.
    pub(crate) parameters: BTreeMap<String, f64>,
}

/// What an expression must give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    Bool,
    Text,
    Texts,
    Any,
}

impl Want {
    fn words(self) -> &'static str {
        match self {
            Want::Bool => "true or false",
            Want::Text => "a text",
            Want::Texts => "a list of texts",
            Want::Any => "a value",
        }
    }

    fn takes(self, value: &cel::Value) -> bool {
        use cel::Value::{Bool, List, String};
        match (self, value) {
            (Want::Any, _) | (Want::Bool, Bool(_)) | (Want::Text, String(_)) => true,
            (Want::Texts, List(items)) => items.iter().all(|i| matches!(i, String(_))),
            _ => false,
        }
    }
}

impl Place {
    /// A finding about the byte `offset` of `text`, with the line and a caret.
    pub(crate) fn problem(
        &self,
        text: &str,
        offset: usize,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Problem {
        let offset = (0..=offset.min(text.len())).rev().find(|o| text.is_char_boundary(*o)).unwrap_or(0);
        let before = text.get(..offset).unwrap_or_default();
        let row = before.matches('\n').count();
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let line = text.split('\n').nth(row).unwrap_or_default();
        Problem::new(format!("column {column}: {}", message.into()), remedy)
            .at(&self.file, self.line + row)
            .field(&self.field)
            .caret(line, column)
    }
}

/// Known names close to one that is not, nearest first, at most three.
pub(crate) fn near<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Vec<&'n str> {
    let tail = |id: &str| id.rsplit('.').next().unwrap_or_default().to_owned();
    let mut found: Vec<(usize, &str)> = known
        .map(|k| (strsim::damerau_levenshtein(name, k), k))
        .filter(|(far, k)| *far <= (name.len() / 4).max(1) || tail(k) == tail(name))
        .collect();
    found.sort_unstable();
    found.dedup();
    found.into_iter().take(3).map(|(_, k)| k).collect()
}

/// `did you mean …`, or what else to do.
fn remedy<'n>(name: &str, known: impl Iterator<Item = &'n str> + Clone, what: &str) -> String {
    let close = near(name, known.clone());
    if !close.is_empty() {
        return format!("did you mean {}?", close.join(", "));
    }
    let all: Vec<&str> = known.collect();
    format!("{what}: {}", all.join(", "))
}

struct Parser<'p> {
    place: &'p Place,
    text: &'p str,
    row: Option<Table>,
    info: &'p cel::common::ast::SourceInfo,
    reads: Vec<Read>,
    locals: Vec<String>,
    /// Place inside the field that is read next, where it is tested.
    inside: String,
    /// Byte up to which reads have been placed.
    cursor: usize,
    problems: Vec<Problem>,
}

impl Compiled {
    /// Parses an expression of a rule about rows of a table, or about none.
    ///
    /// # Errors
    /// Every fault that does not depend on a framework: syntax, limits, names, fields, types.
    pub(crate) fn parse(
        text: &str,
        row: Option<Table>,
        want: Want,
        place: &Place,
        engine: &Engine,
    ) -> Result<Self, Problems> {
        let program =
            compile(text, "expression", "shorten it, or split the rule", "correct it").map_err(|p| {
                // The finding carries its place in words; the first is good enough for the caret.
                let offset = syntax_offset(text);
                let shown = place.problem(text, offset, p.message, p.remedy);
                Problems::from(shown)
            })?;
        if depth(&program.expression().expr) > MAX_DEPTH {
            let message = format!("operators nested deeper than {MAX_DEPTH}");
            return Err(place.problem(text, 0, message, "use a list with in, or split the rule").into());
        }
        let mut parser = Parser {
            place,
            text,
            row,
            info: program.source_info(),
            reads: Vec::new(),
            locals: Vec::new(),
            inside: String::new(),
            cursor: 0,
            problems: Vec::new(),
        };
        let expr = parser.rewrite(program.expression().clone());
        let Parser { reads, problems, .. } = parser;
        if !problems.is_empty() {
            return Err(Problems(problems));
        }
        let comparison = comparison(&expr);
        let compiled = Compiled { text: text.to_owned(), expr, reads, comparison };
        compiled.dry_run(want, place, engine, program.source_info())?;
        Ok(compiled)
    }

    /// Tries every part with a value of the right type for each read.
    fn dry_run(
        &self,
        want: Want,
        place: &Place,
        engine: &Engine,
        info: &cel::common::ast::SourceInfo,
    ) -> Result<(), Problems> {
        let samples: Vec<Option<cel::Value>> = self
            .reads
            .iter()
            .map(|r| {
                let kind = r.table.field(&r.field);
                if r.test { Some(cel::Value::Bool(true)) } else { kind.map(super::schema::Type::sample) }
            })
            .collect();
        let mut parts: Vec<&IdedExpr> = Vec::new();
        outside_macros(&self.expr, &mut parts);
        for part in parts.into_iter().rev() {
            if let Err(Fault::Error(message)) = engine.value(part, &samples) {
                let offset = info.offset_for(part.id).map_or(0, |(start, _)| bytes(start));
                let remedy = if message.starts_with("unknown function") {
                    "there are abs, max, min and those of CEL"
                } else {
                    "numbers are doubles, 2.0 and not 2; texts stand in quotes"
                };
                return Err(place.problem(&self.text, offset, message, remedy).into());
            }
        }
        match engine.value(&self.expr, &samples) {
            Ok(Some(value)) if !want.takes(&value) => {
                let message = format!("gives {}, not {}", super::run::word(&value), want.words());
                Err(place
                    .problem(&self.text, 0, message, format!("write one that gives {}", want.words()))
                    .into())
            }
            _ => Ok(()),
        }
    }
}

fn bytes(offset: u32) -> usize {
    usize::try_from(offset).unwrap_or(0)
}

fn depth(expr: &Expr) -> usize {
    let below = match expr {
        Expr::Call(call) => {
            let parts = call.target.iter().map(AsRef::as_ref).chain(&call.args);
            parts.map(|e| depth(&e.expr)).max()
        }
        Expr::Comprehension(c) => {
            let parts = [&c.iter_range, &c.accu_init, &c.loop_cond, &c.loop_step, &c.result];
            parts.into_iter().map(|e| depth(&e.expr)).max()
        }
        Expr::List(list) => list.elements.iter().map(|e| depth(&e.expr)).max(),
        Expr::Select(select) => Some(depth(&select.operand.expr)),
        Expr::Map(map) => {
            let entries = map.entries.iter().map(|e| match &e.expr {
                EntryExpr::MapEntry(m) => depth(&m.key.expr).max(depth(&m.value.expr)),
                EntryExpr::StructField(f) => depth(&f.value.expr),
            });
            entries.max()
        }
        _ => None,
    };
    below.map_or(0, |below| below + 1)
}

/// Nodes that are evaluated once: macros whole, what is inside them not.
fn outside_macros<'e>(expr: &'e IdedExpr, out: &mut Vec<&'e IdedExpr>) {
    match &expr.expr {
        Expr::Call(call) => {
            out.push(expr);
            call.target.iter().for_each(|t| outside_macros(t, out));
            call.args.iter().for_each(|a| outside_macros(a, out));
        }
        Expr::Comprehension(c) => {
            out.push(expr);
            outside_macros(&c.iter_range, out);
        }
        Expr::Select(s) => {
            out.push(expr);
            outside_macros(&s.operand, out);
        }
        Expr::List(list) => list.elements.iter().for_each(|e| outside_macros(e, out)),
        _ => {}
    }
}

/// The one order comparison among the conjuncts, if there is exactly one.
fn comparison(expr: &IdedExpr) -> Option<Comparison> {
    fn conjuncts<'e>(expr: &'e IdedExpr, out: &mut Vec<&'e IdedExpr>) {
        match &expr.expr {
            Expr::Call(CallExpr { func_name, args, .. }) if func_name == "_&&_" => {
                args.iter().for_each(|a| conjuncts(a, out));
            }
            _ => out.push(expr),
        }
    }
    let mut all = Vec::new();
    conjuncts(expr, &mut all);
    let mut found = all.into_iter().filter_map(|e| match &e.expr {
        Expr::Call(CallExpr { func_name, args, .. }) => {
            let greater = match func_name.as_str() {
                "_>_" | "_>=_" => true,
                "_<_" | "_<=_" => false,
                _ => return None,
            };
            let [left, right] = args.as_slice() else { return None };
            Some(Comparison { left: left.clone(), right: right.clone(), greater })
        }
        _ => None,
    });
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

/// Byte at which the grammar stopped, or the beginning.
fn syntax_offset(text: &str) -> usize {
    let Err(errors) = cel::Program::compile(text) else { return 0 };
    let Some(first) = errors.errors.first() else { return 0 };
    let (Ok(line), Ok(column)) = (usize::try_from(first.pos.0), usize::try_from(first.pos.1)) else {
        return 0;
    };
    let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    before + column.saturating_sub(1)
}

impl Parser<'_> {
    fn fault(&mut self, offset: usize, message: impl Into<String>, remedy: impl Into<String>) {
        let problem = self.place.problem(self.text, offset, message, remedy);
        self.problems.push(problem);
    }

    fn offset(&self, id: u64) -> usize {
        self.info.offset_for(id).map_or(0, |(start, _)| bytes(start))
    }

    /// Where a word stands, looked for behind what was placed before it.
    fn find(&mut self, word: &str, fallback: usize) -> usize {
        let behind = self.text.get(self.cursor..).and_then(|t| t.find(word)).map(|at| at + self.cursor);
        let at = behind.or_else(|| self.text.find(word));
        if let Some(at) = at {
            self.cursor = at + word.len();
        }
        at.unwrap_or(fallback)
    }

    fn rewrite(&mut self, expr: IdedExpr) -> IdedExpr {
        let IdedExpr { id, expr } = expr;
        let expr = match expr {
            Expr::Select(select) => return self.select(id, select),
            Expr::Call(call) => return self.call(id, call),
            Expr::Ident(name) => return self.ident(id, name),
            Expr::Comprehension(mut c) => {
                c.iter_range = self.rewrite(c.iter_range);
                let names = [Some(c.iter_var.clone()), c.iter_var2.clone(), Some(c.accu_var.clone())];
                let names: Vec<String> = names.into_iter().flatten().collect();
                if let Some(taken) = names.iter().find(|n| reserved(n)) {
                    let message = format!("{taken} is a name of the assessment");
                    self.fault(self.offset(id), message, "call the variable of the macro otherwise");
                }
                let mark = self.locals.len();
                self.locals.extend(names);
                c.accu_init = self.rewrite(c.accu_init);
                c.loop_cond = self.rewrite(c.loop_cond);
                c.loop_step = self.rewrite(c.loop_step);
                c.result = self.rewrite(c.result);
                self.locals.truncate(mark);
                Expr::Comprehension(c)
            }
            Expr::List(mut list) => {
                list.elements = list.elements.into_iter().map(|e| self.rewrite(e)).collect();
                Expr::List(list)
            }
            Expr::Map(mut map) => {
                for entry in &mut map.entries {
                    if let EntryExpr::MapEntry(m) = &mut entry.expr {
                        m.key = self.rewrite(std::mem::take(&mut m.key));
                        m.value = self.rewrite(std::mem::take(&mut m.value));
                    }
                }
                Expr::Map(map)
            }
            Expr::Struct(s) => {
                self.fault(self.offset(id), "a rule makes no structures", "read a field of the assessment");
                Expr::Struct(s)
            }
            other => other,
        };
        IdedExpr { id, expr }
    }

    fn ident(&mut self, id: u64, name: String) -> IdedExpr {
        if self.locals.contains(&name) {
            return IdedExpr { id, expr: Expr::Ident(name) };
        }
        match Table::named(&name) {
            Some(Table::Fit) => {
                let offset = self.find("fit", self.offset(id));
                return self.read(id, Table::Fit, None, String::new(), false, "fit".to_owned(), offset);
            }
            Some(Table::Balance) => {
                self.fault(self.offset(id), "balance is read by its fields", "write balance.value");
            }
            Some(_) => {
                let remedy = format!("write {name}[\"ID\"].FIELD: rows are named by literal ids");
                self.fault(self.offset(id), format!("{name} is read row by row"), remedy);
            }
            None if name == "row" && self.row.is_none() => {
                self.fault(self.offset(id), "a rule without each has no row", "add each, or name a row");
            }
            None if name == "row" => {
                self.fault(self.offset(id), "row is read by its fields", "write row.id, row.value, …");
            }
            None if name == PARAMETER => {
                self.fault(self.offset(id), "parameters are read by their names", "write parameter.NAME");
            }
            None => {
                let known = ROOTS.iter().map(|(n, _)| *n).chain(["row", PARAMETER]);
                let remedy = remedy(&name, known, "known here");
                self.fault(self.offset(id), format!("unknown name {name}"), remedy);
            }
        }
        IdedExpr { id, expr: Expr::Ident(name) }
    }

    fn call(&mut self, id: u64, mut call: CallExpr) -> IdedExpr {
        let null = |e: &IdedExpr| matches!(e.expr, Expr::Literal(LiteralValue::Null));
        if matches!(call.func_name.as_str(), "_==_" | "_!=_") && call.args.iter().any(null) {
            let message = "what is unknown compares with nothing";
            self.fault(self.offset(id), message, "ask has(row.value) whether it is known");
        }
        if call.func_name == "matches" {
            self.pattern(&call);
        }
        let args: Vec<IdedExpr> = std::mem::take(&mut call.args);
        call.target = call.target.map(|t| Box::new(self.rewrite(*t)));
        call.args = args.into_iter().map(|a| self.rewrite(a)).collect();
        IdedExpr { id, expr: Expr::Call(call) }
    }

    /// A pattern is known now, short and small: then every match is linear in the text.
    fn pattern(&mut self, call: &CallExpr) {
        let Some(pattern) = call.args.last() else { return };
        let at = self.offset(pattern.id);
        let Expr::Literal(LiteralValue::String(text)) = &pattern.expr else {
            self.fault(at, "a pattern must be a literal", "write the regular expression in quotes");
            return;
        };
        let text = text.inner();
        if text.len() > MAX_PATTERN {
            self.fault(at, format!("a pattern longer than {MAX_PATTERN} bytes"), "shorten it");
        } else if let Err(e) = regex::RegexBuilder::new(text).size_limit(MAX_COMPILED).build() {
            let why = e.to_string();
            let why = why.lines().last().unwrap_or_default().trim().to_owned();
            self.fault(at, format!("not a usable pattern: {why}"), "correct or simplify it");
        }
    }

    fn select(&mut self, id: u64, select: SelectExpr) -> IdedExpr {
        let SelectExpr { operand, field, test } = select;
        let at = self.offset(id);
        match &operand.expr {
            Expr::Ident(name) if !self.locals.contains(name) => {
                if name == "row"
                    && let Some(table) = self.row
                {
                    return self.field(id, table, None, field, test, "row".to_owned(), at);
                }
                if name == PARAMETER {
                    return self.parameter(id, &field, at);
                }
                if Table::named(name) == Some(Table::Balance) {
                    return self.field(id, Table::Balance, None, field, test, "balance".to_owned(), at);
                }
            }
            Expr::Call(CallExpr { func_name, args, target: None }) if func_name == "_[_]" => {
                if let [IdedExpr { expr: Expr::Ident(root), .. }, key] = args.as_slice()
                    && let Some(table) =
                        Table::named(root).filter(|t| !matches!(t, Table::Balance | Table::Fit))
                    && !self.locals.contains(root)
                {
                    let Expr::Literal(LiteralValue::String(row)) = &key.expr else {
                        let remedy = format!("write {root}[\"ID\"], or use each");
                        self.fault(self.offset(key.id), "a row is named by a literal id", remedy);
                        return IdedExpr { id, expr: Expr::Unspecified };
                    };
                    let row = row.inner().to_owned();
                    let name = format!("{root}[\"{row}\"]");
                    return self.field(id, table, Some(row), field, test, name, at);
                }
            }
            _ => {}
        }
        if let Some(part) = self.part(&operand.expr) {
            if !part.keys.contains(&field.as_str()) {
                let at = self.find(&field, at);
                let remedy = remedy(&field, part.keys.iter().copied(), "it has");
                self.fault(at, format!("{} has no field {field}", part.of.field), remedy);
                return IdedExpr { id, expr: Expr::Unspecified };
            }
            // CEL asks `has` of what there is: of an unknown period it would give no answer, not even that its end is unknown.
            if test {
                self.inside = format!("{}/{field}", part.inside);
                return self.select(id, SelectExpr { test, ..part.of });
            }
        }
        let operand = Box::new(self.rewrite(*operand));
        IdedExpr { id, expr: Expr::Select(SelectExpr { operand, field, test }) }
    }

    /// What an operand is when it is a field of a row that has named parts, or an item of a list of such.
    fn part(&self, operand: &Expr) -> Option<Part> {
        let (of, item) = match operand {
            Expr::Select(of) => (of, None),
            Expr::Call(CallExpr { func_name, args, target: None }) if func_name == "_[_]" => {
                let [IdedExpr { expr: Expr::Select(of), .. }, at] = args.as_slice() else { return None };
                let Expr::Literal(LiteralValue::Int(at)) = &at.expr else { return None };
                (of, Some(*at.inner()))
            }
            _ => return None,
        };
        let root = |name: &String| Table::named(name).filter(|_| !self.locals.contains(name));
        let table = match &of.operand.expr {
            Expr::Ident(name) if name == "row" && !self.locals.contains(name) => self.row,
            Expr::Ident(name) => root(name).filter(|table| *table == Table::Balance),
            Expr::Call(CallExpr { func_name, args, target: None }) if func_name == "_[_]" => {
                match args.first() {
                    Some(IdedExpr { expr: Expr::Ident(name), .. }) => root(name),
                    _ => None,
                }
            }
            _ => None,
        };
        let keys = match (table?.field(&of.field)?, item) {
            (Type::Texted(keys), None) => keys.to_vec(),
            (Type::Maps(texts, numbers), Some(_)) => [texts, numbers].concat(),
            _ => return None,
        };
        Some(Part { of: of.clone(), inside: item.map_or_else(String::new, |at| format!("/{at}")), keys })
    }

    /// A number of the rule's own: a literal with a name.
    fn parameter(&mut self, id: u64, name: &str, at: usize) -> IdedExpr {
        let Some(number) = self.place.parameters.get(name).copied() else {
            let at = self.find(name, at);
            let known = self.place.parameters.keys().map(String::as_str);
            let remedy = match self.place.parameters.is_empty() {
                true => "write it under [rule.parameters]".to_owned(),
                false => remedy(name, known, "it has"),
            };
            self.fault(at, format!("the rule has no parameter {name}"), remedy);
            return IdedExpr { id, expr: Expr::Unspecified };
        };
        IdedExpr { id, expr: Expr::Literal(LiteralValue::Double(number.into())) }
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one read, all of them different")]
    fn field(
        &mut self,
        id: u64,
        table: Table,
        row: Option<String>,
        field: String,
        test: bool,
        name: String,
        at: usize,
    ) -> IdedExpr {
        let place = match &row {
            Some(row) => self.find(row, at),
            None => self.find(&name, at),
        };
        if table.field(&field).is_none() {
            let at = self.find(&field, at);
            let known = table.fields().iter().map(|(n, _)| *n);
            let remedy = remedy(&field, known, "it has");
            self.fault(at, format!("{name} has no field {field}"), remedy);
            return IdedExpr { id, expr: Expr::Unspecified };
        }
        let name = format!("{name}.{field}{}", self.inside);
        self.read(id, table, row, field, test, name, place)
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one read, all of them different")]
    fn read(
        &mut self,
        id: u64,
        table: Table,
        row: Option<String>,
        field: String,
        test: bool,
        name: String,
        offset: usize,
    ) -> IdedExpr {
        let inside = std::mem::take(&mut self.inside);
        let own = row.is_none() && !matches!(table, Table::Balance | Table::Fit);
        let same = |r: &Read| (&r.name, r.test) == (&name, test);
        let at = self.reads.iter().position(same).unwrap_or_else(|| {
            self.reads.push(Read { table, id: row, own, field, inside, test, name, offset });
            self.reads.len() - 1
        });
        IdedExpr { id, expr: Expr::Ident(super::run::variable(at)) }
    }
}

/// A field of a row with named parts.
struct Part {
    of: SelectExpr,
    /// JSON pointer to where the parts are.
    inside: String,
    keys: Vec<&'static str>,
}

/// Names that a macro may not call its variable.
fn reserved(name: &str) -> bool {
    name == "row" || name == PARAMETER || Table::named(name).is_some()
}
