//! Rows of one assessment as expressions read them: made when first read, kept for the step.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use bellwether_model::framework::{Framework, Measure};
use bellwether_projection::{Assessment, DomainState, ExpectationState, LevelState, MeasureState, Shift};
use cel::Value;
use cel::objects::{Key, Map};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map as Json, Value as JsonValue, json};

use crate::expression::Read;
use crate::expression::schema::Table;
use crate::time;

/// One row.
#[derive(Debug, Default)]
pub(crate) struct Row {
    fields: Json<String, JsonValue>,
    /// Sequences of the facts behind it.
    pub(crate) evidence: Vec<u64>,
}

impl Row {
    /// A field as text.
    pub(crate) fn text(&self, field: &str) -> Option<&str> {
        self.fields.get(field)?.as_str()
    }
}

/// Rows made so far; `None` for one that is not shown.
type Rows = HashMap<(Table, String), Option<Rc<Row>>>;

/// The rows of one step.
#[derive(Debug)]
pub(crate) struct Scope<'a> {
    pub(crate) at: DateTime<Utc>,
    pub(crate) assessment: &'a Assessment,
    framework: &'a Framework,
    places: HashMap<(Table, &'a str), usize>,
    rows: RefCell<Rows>,
}

/// What a shift alert is about: the row with the kind and the direction of the change, so that a moved onset is the same.
pub(crate) fn shift_subject(shift: &Shift) -> String {
    let direction = serde_json::to_value(shift.direction).ok();
    let direction = direction.as_ref().and_then(JsonValue::as_str).unwrap_or_default();
    format!("{}.{}.{direction}", shift.indicator, shift.kind)
}

impl<'a> Scope<'a> {
    pub(crate) fn new(at: DateTime<Utc>, assessment: &'a Assessment, framework: &'a Framework) -> Self {
        let mut places = HashMap::new();
        macro_rules! places {
            ($($table:ident: $list:ident),*) => {
                $(for (at, row) in assessment.$list.iter().enumerate() {
                    places.insert((Table::$table, row.id.as_str()), at);
                })*
            };
        }
        places!(
            Domains: domains, Indicators: indicators, Measures: measures, Asymmetries: asymmetries,
            Constraints: constraints, Scenarios: scenarios, Divergences: divergences
        );
        Self { at, assessment, framework, places, rows: RefCell::default() }
    }

    fn place(&self, table: Table, id: &str) -> Option<usize> {
        // The key borrows for as long as the assessment; a look-up by a shorter borrow is fine.
        self.places.get(&(table, id)).copied()
    }

    /// Tables that show a row of that id. A domain is also where its expectations stand.
    pub(crate) fn tables(&self, id: &str) -> Vec<Table> {
        use Table::{Asymmetries, Constraints, Divergences, Domains, Indicators, Measures, Scenarios};
        let listed = [Domains, Indicators, Measures, Asymmetries, Constraints, Scenarios, Divergences];
        let mut found: Vec<Table> =
            listed.into_iter().filter(|table| self.places.contains_key(&(*table, id))).collect();
        if found.is_empty() && self.level(id).is_some() {
            found.push(Table::Levels);
        }
        if self.assessment.balance.as_ref().is_some_and(|b| b.id == id) {
            found.push(Table::Balance);
        }
        if id == "fit" {
            found.push(Table::Fit);
        }
        found
    }

    /// Ids of all rows of a table; subjects, for shifts.
    pub(crate) fn ids(&self, table: Table) -> Vec<String> {
        fn of<T>(rows: &[T], id: impl Fn(&T) -> &String) -> Vec<String> {
            rows.iter().map(|row| id(row).clone()).collect()
        }
        let a = self.assessment;
        match table {
            Table::Domains => of(&a.domains, |r| &r.id),
            Table::Indicators => of(&a.indicators, |r| &r.id),
            Table::Measures => of(&a.measures, |r| &r.id),
            Table::Levels => self.levels().map(|r| r.id.clone()).collect(),
            Table::Asymmetries => of(&a.asymmetries, |r| &r.id),
            Table::Constraints => of(&a.constraints, |r| &r.id),
            Table::Scenarios => of(&a.scenarios, |r| &r.id),
            Table::Divergences => of(&a.divergences, |r| &r.id),
            Table::Expectations => self.expectations().map(|(_, e)| e.id.clone()).collect(),
            Table::Shifts => {
                let all: BTreeSet<String> = a.shifts.iter().map(shift_subject).collect();
                all.into_iter().collect()
            }
            Table::Balance | Table::Fit => Vec::new(),
        }
    }

    fn levels(&self) -> impl Iterator<Item = &'a LevelState> {
        let a = self.assessment;
        [&a.characters, &a.roles, &a.drivers, &a.frictions, &a.implications].into_iter().flatten()
    }

    fn level(&self, id: &str) -> Option<&'a LevelState> {
        self.levels().find(|l| l.id == id)
    }

    fn expectations(&self) -> impl Iterator<Item = (&'a DomainState, &'a ExpectationState)> {
        self.assessment.domains.iter().flat_map(|d| d.expectations.iter().map(move |e| (d, e)))
    }

    /// The standing shift that an alert of the subject is about: the newest that is news, else the newest.
    pub(crate) fn shift(&self, subject: &str) -> Option<&'a Shift> {
        let all = self.assessment.shifts.iter().filter(|s| shift_subject(s) == subject);
        all.max_by(|a, b| (!a.late, &a.known_at, &a.id).cmp(&(!b.late, &b.known_at, &b.id)))
    }

    /// A row by its id, or by its subject for shifts; `None` when the assessment does not show it.
    pub(crate) fn row(&self, table: Table, id: &str) -> Option<Rc<Row>> {
        let key = (table, id.to_owned());
        if let Some(known) = self.rows.borrow().get(&key) {
            return known.clone();
        }
        let made = self.make(table, id).map(Rc::new);
        self.rows.borrow_mut().insert(key, made.clone());
        made
    }

    /// Value that an expression reads; `None` when it is not known.
    pub(crate) fn value(&self, read: &Read, subject: Option<&str>) -> Option<Value> {
        if read.table == Table::Fit {
            let known = self.assessment.fit;
            return if read.test { Some(Value::Bool(known.is_some())) } else { known.map(Value::Float) };
        }
        let id = read.id.as_deref().or(if read.own { subject } else { Some("") });
        let row = id.and_then(|id| self.row(read.table, id));
        let field = row.as_ref().and_then(|row| row.fields.get(&read.field)?.pointer(&read.inside));
        let value = field.and_then(value);
        if read.test { Some(Value::Bool(value.is_some())) } else { value }
    }

    /// The row that a read names; `None` for `fit` and what is not shown.
    pub(crate) fn row_of(&self, read: &Read, subject: Option<&str>) -> Option<Rc<Row>> {
        let id = read.id.as_deref().or(if read.own { subject } else { Some("") })?;
        self.row(read.table, id)
    }

    /// Coverage of a domain.
    pub(crate) fn coverage(&self, domain: &str) -> Option<f64> {
        let at = self.place(Table::Domains, domain)?;
        self.assessment.domains.get(at).map(|d| d.coverage)
    }

    fn measure(&self, id: &str) -> Option<&'a Measure> {
        self.framework.all_measures().find(|m| m.id == id)
    }

    fn measure_state(&self, id: &str) -> Option<&'a MeasureState> {
        let a = self.assessment;
        let found = self.place(Table::Indicators, id).and_then(|at| a.indicators.get(at));
        found.or_else(|| self.place(Table::Measures, id).and_then(|at| a.measures.get(at)))
    }

    fn make(&self, table: Table, id: &str) -> Option<Row> {
        let (a, f) = (self.assessment, self.framework);
        match table {
            Table::Domains => {
                let state = a.domains.get(self.place(table, id)?)?;
                let title = f.domains.iter().find(|d| d.id == id).map(|d| &d.title);
                Some(row(state, self.behind_domain(state), json!({ "title": title, "domain": id })))
            }
            Table::Indicators | Table::Measures => {
                let list = if table == Table::Indicators { &a.indicators } else { &a.measures };
                let state = list.get(self.place(table, id)?)?;
                let m = self.measure(id);
                let extra = json!({ "title": m.map(|m| &m.title), "sign": m.map(|m| m.sign.factor()) });
                Some(row(state, state.evidence.clone(), extra))
            }
            Table::Levels => {
                let state = self.level(id)?;
                let all = [&f.characters, &f.roles, &f.drivers, &f.frictions, &f.implications];
                let own = all.into_iter().flatten().find(|c| c.id == id);
                let extra = json!({
                    "kind": id.split('.').next(),
                    "title": own.map(|c| &c.title),
                    "sign": own.map(|c| c.sign.factor()),
                    "party": own.and_then(|c| c.party.as_ref()),
                });
                Some(row(state, state.evidence.clone(), extra))
            }
            Table::Asymmetries => {
                let state = a.asymmetries.get(self.place(table, id)?)?;
                let title = f.asymmetries.iter().find(|x| x.id == id).map(|x| &x.title);
                Some(row(state, state.evidence.clone(), json!({ "title": title })))
            }
            Table::Constraints => {
                let state = a.constraints.get(self.place(table, id)?)?;
                let own = f.constraints.iter().find(|c| c.id == id);
                let extra = json!({
                    "title": own.map(|c| &c.title),
                    "of": own.map(|c| &c.of),
                    "scale": own.map(|c| c.scale),
                    "domain": own.and_then(|c| self.measure(&c.of)).and_then(|m| m.domain.as_ref()),
                });
                Some(row(state, state.evidence.clone(), extra))
            }
            Table::Scenarios => {
                let state = a.scenarios.get(self.place(table, id)?)?;
                let own = f.scenarios.iter().find(|s| s.id == id);
                let moved = state.moved_by.iter().map(|m| m.indicator.as_str());
                let extra = json!({ "title": own.map(|s| &s.title), "prior": own.map(|s| s.prior) });
                Some(row(state, self.behind(moved), extra))
            }
            Table::Divergences => self.divergence(id),
            Table::Expectations => {
                let (domain, state) = self.expectations().find(|(_, e)| e.id == id)?;
                let own = f.domains.iter().flat_map(|d| &d.expectations).find(|e| e.id == id);
                let names = own.into_iter().flat_map(|e| e.when.split('"').skip(1).step_by(2));
                let extra = json!({ "domain": domain.id, "title": own.map(|e| &e.reason) });
                Some(row(state, self.behind(names), extra))
            }
            Table::Shifts => self.shift_row(id),
            Table::Balance => {
                let state = a.balance.as_ref()?;
                let title = f.balance.as_ref().map(|b| &b.title);
                let parts = state.parts.iter().filter(|p| p.points.is_some()).map(|p| p.id.as_str());
                Some(row(state, self.behind(parts), json!({ "title": title })))
            }
            Table::Fit => None,
        }
    }

    fn divergence(&self, id: &str) -> Option<Row> {
        let (a, f) = (self.assessment, self.framework);
        let state = a.divergences.get(self.place(Table::Divergences, id)?)?;
        let of = id.splitn(3, '.').nth(2).unwrap_or_default();
        let title = match state.kind.as_str() {
            "asymmetry" => f.asymmetries.iter().find(|x| x.id == of).map(|x| x.title.as_str()),
            "scenario" => f.scenarios.iter().find(|x| x.id == of).map(|x| x.title.as_str()),
            "envelope" => f.constraints.iter().find(|x| x.id == of).map(|x| x.title.as_str()),
            "cross_domain" => Some("domains"),
            _ => self.measure(of).map(|m| m.title.as_str()),
        };
        let bounded = f.constraints.iter().find(|c| c.id == of).map_or(of, |c| c.of.as_str());
        let measure = self.measure(bounded);
        let evidence = if state.kind == "cross_domain" {
            self.behind(a.domains.iter().filter(|d| d.index.is_some()).map(|d| d.id.as_str()))
        } else {
            self.behind([of].into_iter())
        };
        let extra = json!({
            "of": of,
            "title": title,
            "domain": measure.and_then(|m| m.domain.as_ref()),
            "sign": measure.map(|m| m.sign.factor()),
        });
        Some(row(state, evidence, extra))
    }

    fn shift_row(&self, subject: &str) -> Option<Row> {
        let f = self.framework;
        let state = self.shift(subject)?;
        let bounded = f.constraints.iter().find(|c| c.id == state.indicator);
        let measure = self.measure(bounded.map_or(state.indicator.as_str(), |c| c.of.as_str()));
        let expectation = f.domains.iter().find(|d| d.expectations.iter().any(|e| e.id == state.indicator));
        let domain = measure.and_then(|m| m.domain.as_ref()).or(expectation.map(|d| &d.id));
        let title = bounded.map(|c| &c.title).or(measure.map(|m| &m.title));
        let days = |at: &str| time::parse(at).map(|t| (self.at.date_naive() - t.date_naive()).num_days());
        let extra = json!({
            "title": title.unwrap_or(&state.indicator),
            "domain": domain,
            "sign": measure.map(|m| m.sign.factor()),
            "age_days": days(&state.known_at),
            "onset_days": days(&state.onset.at),
        });
        Some(row(state, state.evidence.clone(), extra))
    }

    fn behind_domain(&self, domain: &DomainState) -> Vec<u64> {
        let giving = domain.contributions.iter().filter(|c| c.points.is_some());
        self.behind(giving.map(|c| c.indicator.as_str()))
    }

    /// Facts behind rows of any table but shifts.
    fn behind<'i>(&self, ids: impl Iterator<Item = &'i str>) -> Vec<u64> {
        let mut all = BTreeSet::new();
        for id in ids {
            if let Some(state) = self.measure_state(id) {
                all.extend(&state.evidence);
                continue;
            }
            for table in self.tables(id) {
                // A balance has parts, none of which is a balance: this ends.
                all.extend(self.row(table, id).map(|row| row.evidence.clone()).unwrap_or_default());
            }
        }
        all.into_iter().collect()
    }
}

/// A row's own fields, and what the framework and the moment add. What is not known is left out.
fn row(state: &impl Serialize, evidence: Vec<u64>, extra: JsonValue) -> Row {
    let mut fields = match serde_json::to_value(state) {
        Ok(JsonValue::Object(fields)) => fields,
        _ => Json::new(),
    };
    if let JsonValue::Object(extra) = extra {
        fields.extend(extra);
    }
    Row { fields, evidence }
}

/// JSON as an expression sees it: numbers are doubles; null and the word `unknown` are not known.
fn value(json: &JsonValue) -> Option<Value> {
    match json {
        JsonValue::Null => None,
        JsonValue::Bool(flag) => Some(Value::Bool(*flag)),
        JsonValue::Number(number) => number.as_f64().map(Value::Float),
        JsonValue::String(text) if text == "unknown" => None,
        JsonValue::String(text) => Some(Value::String(Arc::new(text.clone()))),
        JsonValue::Array(items) => Some(Value::List(Arc::new(items.iter().filter_map(value).collect()))),
        JsonValue::Object(fields) => {
            let fields = fields.iter().filter_map(|(k, v)| Some((Key::from(k.clone()), value(v)?)));
            Some(Value::Map(Map { map: Arc::new(fields.collect()) }))
        }
    }
}

/// A value as an event keeps it.
pub(crate) fn as_json(value: Option<&Value>) -> JsonValue {
    match value {
        Some(Value::Bool(flag)) => JsonValue::Bool(*flag),
        Some(Value::String(text)) => JsonValue::String(text.to_string()),
        Some(Value::Float(x)) => json!(x),
        Some(Value::List(items)) => JsonValue::Array(items.iter().map(|i| as_json(Some(i))).collect()),
        _ => JsonValue::Null,
    }
}
