//! Declarative mapping: a CEL expression for each field of each fact that a record makes.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use bellwether_model::{Attributes, Basis, Fact, Grade, Locator, Op, Problem, Problems};
use cel::common::types::{CelMap, CelMapKey, CelString};
use cel::common::value::Val;
use cel::objects::{Key, Map};
use cel::{Context, Program, Value};
use serde::Deserialize;

use super::quick::{Cells, Quick, Tables, Text};
use super::uses::Uses;
use super::{Draft, Place, functions, limits, text};
use crate::decoder::{Columns, Record, Row, Values};

/// One `[[fact]]` of a feed file; every text is a CEL expression.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Written {
    when: Option<String>,
    #[serde(rename = "type")]
    kind: String,
    pub(crate) key: Option<String>,
    valid_start: String,
    valid_end: Option<String>,
    published_at: Option<String>,
    actors: Option<String>,
    value: Option<String>,
    unit: Option<String>,
    grade: Option<String>,
    uri: Option<String>,
    note: Option<String>,
    #[serde(default = "yes")]
    assume: bool,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
}

impl Written {
    /// The fact type, where the expression is nothing but its name.
    pub(crate) fn literal_kind(&self) -> Option<&str> {
        let name = self.kind.trim().strip_prefix('\'')?.strip_suffix('\'')?;
        (!name.contains(['\'', '\\'])).then_some(name)
    }
}

fn yes() -> bool {
    true
}

/// A compiled expression under the name of the field it gives.
pub(crate) struct Expression {
    field: String,
    text: String,
    program: Program,
    quick: Quick,
}

/// One record as the expressions see it.
pub(crate) struct Sight<'r> {
    scope: &'r Scope<'r>,
    joins: &'r [Joined],
    file: &'r str,
    record: &'r Record<'r>,
    /// Made when an expression needs the interpreter.
    context: OnceCell<Context<'r, 'r>>,
    /// Made for the first fact.
    digest: OnceCell<String>,
}

impl<'r> Sight<'r> {
    fn context(&self) -> &Context<'r, 'r> {
        self.context.get_or_init(|| match (self.record, self.joins) {
            (Record::Row(columns, row), [_, ..]) => self.scope.joined(columns, row, self.joins, self.file),
            _ => self.scope.of(self.record, self.file),
        })
    }

    fn cells(&self) -> Option<Cells<'r>> {
        match self.record {
            Record::Row(columns, row) => Some(Cells { columns, row, tables: self.scope.tables }),
            _ => None,
        }
    }

    /// Text of an expression that needs no interpreter.
    fn quick<'e>(&'e self, expression: &'e Expression) -> Option<Cow<'e, str>> {
        match &expression.quick {
            Quick::Text(text) if self.may_be_quick(text) => text.get(self.cells()?),
            _ => None,
        }
    }

    /// The same for a list of texts.
    fn quick_list<'e>(&'e self, expression: &'e Expression) -> Option<Vec<Cow<'e, str>>> {
        match &expression.quick {
            Quick::List(texts) if self.joins.is_empty() => {
                let cells = self.cells()?;
                texts.iter().map(|text| text.get(cells)).collect()
            }
            _ => None,
        }
    }

    /// Side files may stand in the place of a column: nothing but a column by itself is then read past them.
    fn may_be_quick(&self, text: &Text) -> bool {
        self.joins.is_empty() || matches!(text, Text::Literal(_) | Text::Column(_))
    }

    fn evidence(&self, place: Place<'_>, uri: Option<String>) -> bellwether_model::Evidence {
        let digest = self.digest.get_or_init(|| place.digest());
        bellwether_model::Evidence {
            uri,
            file: Some(place.file.to_owned()),
            line: Some(place.line),
            digest: Some(digest.clone()),
        }
    }
}

impl Expression {
    pub(crate) fn new(field: String, text: String, program: Program) -> Self {
        Self { quick: Quick::of(&program.expression().expr), field, text, program }
    }

    /// Evaluates a condition.
    pub(crate) fn test(&self, sight: &Sight<'_>) -> Result<bool, Problem> {
        if let (Quick::Test(test), true, Some(cells)) = (&self.quick, sight.joins.is_empty(), sight.cells())
            && let Some(holds) = test.get(cells)
        {
            return Ok(holds);
        }
        match run(self, sight.context())? {
            Value::Bool(holds) => Ok(holds),
            other => Err(wrong(self, "a condition must be true or false", &other)),
        }
    }
}

/// Functions and lookups, bound for one run.
pub(crate) struct Scope<'s> {
    context: Context<'static, 'static>,
    uses: &'s Uses,
    tables: &'s Tables,
}

impl<'s> Scope<'s> {
    pub(crate) fn new(
        tables: &'s Tables,
        uses: &'s Uses,
        envelope: Option<&Values>,
    ) -> Result<Self, Problem> {
        let mut context = Context::default();
        functions::add(&mut context)
            .map_err(|e| Problem::new(format!("a function cannot be added: {e}"), "report this"))?;
        let lookups = tables.iter().map(|(name, entries)| {
            let entries = entries.iter().map(|(k, v)| (k.clone(), Value::String(Arc::new(v.clone()))));
            (name.clone(), map(entries))
        });
        context.add_variable_from_value("tables", map(lookups));
        let around =
            envelope.into_iter().flatten().map(|(k, v)| (k.clone(), Value::String(Arc::new(v.clone()))));
        context.add_variable_from_value("envelope", map(around));
        Ok(Self { context, uses, tables })
    }

    /// One record as the expressions see it.
    pub(crate) fn sight<'r>(
        &'r self,
        record: &'r Record<'r>,
        file: &'r str,
        joins: &'r [Joined],
    ) -> Sight<'r> {
        Sight { scope: self, joins, file, record, context: OnceCell::new(), digest: OnceCell::new() }
    }

    /// A row with the rows of its side files.
    fn joined<'r>(
        &'r self,
        columns: &Columns,
        row: &Row,
        joins: &[Joined],
        file: &'r str,
    ) -> Context<'r, 'r> {
        let cells = columns.names().iter().enumerate().map(|(at, name)| {
            let text = row.get(at).unwrap_or_default();
            (name.clone(), Value::String(Arc::new(text.to_owned())))
        });
        let joined = joins.iter().map(|join| {
            let key = columns.position(&join.on).and_then(|at| row.get(at)).unwrap_or_default();
            let rows = join.rows.get(key.trim()).map_or_else(|| Value::List(Arc::default()), json_value);
            (join.name.clone(), rows)
        });
        let value = map(cells.chain(joined));
        let mut scope = self.context.new_inner_scope();
        scope.add_variable_from_value("record", value);
        scope.add_variable_as_val("file", Box::new(CelString::from(file)));
        scope
    }

    /// What the interpreter sees of one record.
    fn of<'r>(&'r self, record: &'r Record<'_>, file: &'r str) -> Context<'r, 'r> {
        let mut scope: Context<'r, 'r> = self.context.new_inner_scope();
        match record {
            // Names and texts are lent, not copied: this runs for each record.
            Record::Row(columns, row) => {
                let cells = columns.names().iter().enumerate().filter(|(_, name)| self.uses.may_read(name));
                let cells: HashMap<CelMapKey<'r>, Box<dyn Val + 'r>> = cells
                    .map(|(at, name)| {
                        let text = CelString::from(row.get(at).unwrap_or_default());
                        (CelMapKey::from(name.as_str()), Box::new(text) as Box<dyn Val + 'r>)
                    })
                    .collect();
                scope.add_variable_as_val("record", Box::new(CelMap::from(cells)));
            }
            Record::Json(value) => scope.add_variable_from_value("record", json_value(value)),
        }
        scope.add_variable_as_val("file", Box::new(CelString::from(file)));
        scope
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Expression").field(&self.field, &self.text).finish_non_exhaustive()
    }
}

/// Compiles an expression that stands outside `[[fact]]`.
pub(crate) fn compile(field: &str, text: String) -> Result<Expression, Problem> {
    compile_one(&text).map(|program| Expression::new(field.to_owned(), text, program))
}

struct Rule {
    when: Option<Expression>,
    kind: Expression,
    key: Expression,
    valid_start: Expression,
    valid_end: Option<Expression>,
    published_at: Option<Expression>,
    actors: Option<Expression>,
    value: Option<Expression>,
    unit: Option<Expression>,
    grade: Option<Expression>,
    uri: Option<Expression>,
    note: Option<Expression>,
    assume: bool,
    attributes: Vec<(String, Expression)>,
}

/// The mapping table of a feed file.
pub(crate) struct Table {
    rules: Vec<Rule>,
    tables: BTreeMap<String, BTreeMap<String, String>>,
    uses: Uses,
    /// Whether a record without a valid time is taken: it is dated by the list that it is first seen in.
    undated: bool,
}

impl Table {
    /// Makes it the mapping of a list: its entries may be undated, and other expressions read them too.
    pub(crate) fn of_list(&mut self) {
        self.undated = true;
        self.uses.all();
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table").field("facts", &self.rules.len()).finish_non_exhaustive()
    }
}

impl Table {
    /// Compiles the expressions; each that fails is a finding with its line.
    pub(crate) fn compile(
        locator: &Locator<'_>,
        facts: Vec<Written>,
        tables: BTreeMap<String, BTreeMap<String, String>>,
        problems: &mut Problems,
    ) -> Self {
        let mut rules = Vec::with_capacity(facts.len());
        let mut uses = Uses::default();
        for (i, fact) in facts.into_iter().enumerate() {
            let mut compile = |group: Option<&str>, field: &str, text: String| match compile_one(&text) {
                Ok(program) => {
                    uses.add(&program);
                    let field = group.map_or(field.to_owned(), |g| format!("{g}.{field}"));
                    Some(Expression::new(field, text, program))
                }
                Err(p) => {
                    let at = match group {
                        Some(group) => locator.problem(
                            &["fact".into(), i.into(), group.into(), field.into()],
                            p.message,
                            p.remedy,
                        ),
                        None => {
                            locator.problem(&["fact".into(), i.into(), field.into()], p.message, p.remedy)
                        }
                    };
                    problems.push(at.text(p.text));
                    None
                }
            };
            let mut optional =
                |field: &str, text: Option<String>| text.and_then(|text| compile(None, field, text));
            let (when, valid_end) = (optional("when", fact.when), optional("valid_end", fact.valid_end));
            let (published_at, actors) =
                (optional("published_at", fact.published_at), optional("actors", fact.actors));
            let (value, unit) = (optional("value", fact.value), optional("unit", fact.unit));
            let (grade, uri) = (optional("grade", fact.grade), optional("uri", fact.uri));
            let note = optional("note", fact.note);
            let required = (
                compile(None, "type", fact.kind),
                compile(None, "key", fact.key.unwrap_or_default()),
                compile(None, "valid_start", fact.valid_start),
            );
            let attributes = fact
                .attributes
                .into_iter()
                .filter_map(|(name, text)| compile(Some("attributes"), &name, text).map(|e| (name, e)))
                .collect();
            // A missing one is among the findings, so the table is thrown away.
            let (Some(kind), Some(key), Some(valid_start)) = required else { continue };
            let assume = fact.assume;
            rules.push(Rule {
                when,
                kind,
                key,
                valid_start,
                valid_end,
                published_at,
                actors,
                value,
                unit,
                grade,
                uri,
                note,
                assume,
                attributes,
            });
        }
        Self { rules, tables, uses, undated: false }
    }
}

/// Compiles and checks that nothing is named that a mapping does not have.
pub(crate) fn compile_one(text: &str) -> Result<Program, Problem> {
    let program = limits::compile(text)?;
    let mut names = limits::free_names(&program);
    names.retain(|name| !["record", "tables", "file", "envelope"].contains(&name.as_str()));
    if let Some(name) = names.first() {
        return Err(Problem::new(
            format!("unknown name {name}"),
            format!(
                "columns are record.NAME, lookups tables.NAME, the source is file, what stands around the records \
                 envelope[PATH]; functions beside CEL's: {}",
                functions::names()
            ),
        )
        .text(text));
    }
    Ok(program)
}

/// A table bound to its functions and lookups for one run.
pub(crate) struct Evaluator<'s> {
    table: &'s Table,
    scope: Scope<'s>,
    joins: Vec<Joined>,
}

/// Rows of a side file, by the value of the column they are joined on.
pub(crate) struct Joined {
    /// Name of the list in the record.
    pub(crate) name: String,
    /// Column of the record.
    pub(crate) on: String,
    pub(crate) rows: HashMap<String, serde_json::Value>,
}

impl<'s> Evaluator<'s> {
    pub(super) fn new(table: &'s Table, envelope: Option<&Values>) -> Result<Self, Problem> {
        Ok(Self { table, scope: Scope::new(&table.tables, &table.uses, envelope)?, joins: Vec::new() })
    }

    /// Adds side files to every record.
    pub(crate) fn join(&mut self, joins: Vec<Joined>) {
        self.joins = joins;
    }

    /// Expressions over one record, as text.
    pub(crate) fn texts<const N: usize>(
        &self,
        record: &Record<'_>,
        file: &str,
        expressions: [Option<&Expression>; N],
    ) -> [Result<String, Problem>; N] {
        let sight = self.scope.sight(record, file, &self.joins);
        expressions.map(|e| e.map_or(Ok(String::new()), |e| string(e, &sight)))
    }

    /// The facts of one record; none of its rules applying, it is skipped.
    pub(crate) fn facts(
        &self,
        record: &Record<'_>,
        place: Place<'_>,
        drafts: &mut Vec<Draft>,
    ) -> Result<(), Problem> {
        let sight = self.scope.sight(record, place.file, &self.joins);
        for rule in &self.table.rules {
            let applies = match &rule.when {
                None => true,
                Some(when) => when.test(&sight)?,
            };
            if applies {
                drafts.push(rule.fact(&sight, place, self.table.undated)?);
            }
        }
        Ok(())
    }
}

impl Rule {
    fn fact(&self, sight: &Sight<'_>, place: Place<'_>, undated: bool) -> Result<Draft, Problem> {
        let optional = |e: &Option<Expression>| e.as_ref().map_or(Ok(String::new()), |e| string(e, sight));
        let some = |text: String| Some(text).filter(|t| !t.trim().is_empty());
        let kind = string(&self.kind, sight)?;
        let key = string(&self.key, sight)?;
        text::name("type", &kind)?;
        text::name("key", &key)?;
        let start = string(&self.valid_start, sight)?;
        let valid = if undated && start.is_empty() {
            crate::snapshot::first_seen()
        } else {
            text::period(&start, &optional(&self.valid_end)?)?
        };
        let published_at = text::stamp(&optional(&self.published_at)?)?;
        let grade = match some(optional(&self.grade)?) {
            None => Grade::UNKNOWN,
            Some(text) => text.parse().map_err(|p: Problem| p.field("grade"))?,
        };
        let mut actors = Vec::new();
        if let Some(expression) = &self.actors {
            let mut add = |actor: &str| -> Result<(), Problem> {
                if !actor.trim().is_empty() {
                    text::name("actors", actor.trim())?;
                    actors.push(actor.trim().to_owned());
                }
                Ok(())
            };
            if let Some(texts) = sight.quick_list(expression) {
                texts.iter().try_for_each(|actor| add(actor))?;
            } else {
                let value = run(expression, sight.context())?;
                let Value::List(list) = &value else {
                    return Err(wrong(expression, "actors must be a list", &value));
                };
                for actor in list.iter() {
                    let Value::String(actor) = actor else {
                        return Err(wrong(expression, "an actor must be text", actor));
                    };
                    add(actor)?;
                }
            }
        }
        let unit = some(optional(&self.unit)?);
        if let Some(unit) = &unit {
            text::name("unit", unit)?;
        }
        let mut attributes = Attributes::new();
        for (name, expression) in &self.attributes {
            if let Some(text) = sight.quick(expression) {
                if !text.trim().is_empty() {
                    attributes.insert(name.clone(), text.into());
                }
                continue;
            }
            let value = run(expression, sight.context())?;
            let json = value.json().map_err(|_| wrong(expression, "not representable in JSON", &value))?;
            // Null, blank and a list of nothing mean that the source says nothing.
            let silent = match &json {
                serde_json::Value::Null => true,
                serde_json::Value::String(text) => text.trim().is_empty(),
                serde_json::Value::Array(list) => list.is_empty(),
                _ => false,
            };
            if !silent {
                attributes.insert(name.clone(), json);
            }
        }
        let fact = Fact {
            id: uuid::Uuid::nil(),
            op: Op::Assert,
            kind,
            source: place.feed.to_owned(),
            key,
            valid,
            published_at,
            published_basis: if published_at.is_some() { Basis::Stated } else { Basis::Recorded },
            actors,
            value: text::decimal(&optional(&self.value)?)?,
            unit,
            grade,
            attributes,
            evidence: sight.evidence(place, some(optional(&self.uri)?)),
            note: some(optional(&self.note)?),
        };
        Ok(Draft { fact, may_assume: self.assume })
    }
}

fn run(expression: &Expression, scope: &Context<'_, '_>) -> Result<Value, Problem> {
    expression.program.execute(scope).map_err(|e| {
        let mut message = e.to_string();
        if let Some((at, _)) = message.char_indices().nth(300) {
            message.truncate(at);
        }
        Problem::new(message, "correct the record, or the expression in the feed file")
            .field(&expression.field)
            .text(&expression.text)
    })
}

fn string(expression: &Expression, sight: &Sight<'_>) -> Result<String, Problem> {
    if let Some(text) = sight.quick(expression) {
        return Ok(trimmed(text));
    }
    match run(expression, sight.context())? {
        Value::String(text) => Ok(text.trim().to_owned()),
        Value::Int(n) => Ok(n.to_string()),
        Value::UInt(n) => Ok(n.to_string()),
        Value::Float(n) => Ok(n.to_string()),
        Value::Null => Ok(String::new()),
        other => Err(wrong(expression, "must give text or a number", &other)),
    }
}

/// Without a copy where there is nothing to trim.
fn trimmed(text: Cow<'_, str>) -> String {
    match text {
        Cow::Owned(text) if text.trim().len() == text.len() => text,
        other => other.trim().to_owned(),
    }
}

fn wrong(expression: &Expression, message: &str, found: &Value) -> Problem {
    Problem::new(format!("{message}, not {}", found.type_of()), "correct the expression in the feed file")
        .field(&expression.field)
        .text(&expression.text)
}

fn map(entries: impl Iterator<Item = (String, Value)>) -> Value {
    let map: HashMap<Key, Value> = entries.map(|(k, v)| (Key::String(Arc::new(k)), v)).collect();
    Value::Map(Map { map: Arc::new(map) })
}

/// JSON as CEL sees it: whole numbers are int where they fit. Depth was limited when it was read.
fn json_value(value: &serde_json::Value) -> Value {
    match value {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(b) => Value::Bool(*b),
        serde_json::Value::Number(n) => match (n.as_i64(), n.as_u64()) {
            (Some(i), _) => Value::Int(i),
            (_, Some(u)) => Value::UInt(u),
            _ => Value::Float(n.as_f64().unwrap_or_default()),
        },
        serde_json::Value::String(s) => Value::String(Arc::new(s.clone())),
        serde_json::Value::Array(list) => Value::List(Arc::new(list.iter().map(json_value).collect())),
        serde_json::Value::Object(object) => map(object.iter().map(|(k, v)| (k.clone(), json_value(v)))),
    }
}
