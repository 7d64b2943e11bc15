//! One step.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::framework::Framework;
use bellwether_projection::Assessment;
use chrono::{DateTime, Utc};

use super::life::{Seen, advance};
use super::{Alert, Machine, Phase};
use crate::event::{Number, ShiftRef};
use crate::expression::schema::Table;
use crate::expression::{Compiled, Read};
use crate::rule::{Ready, Rule};
use crate::scope::{Scope, as_json, shift_subject};
use crate::{AlertEvent, Happening, time};

/// A rule and the row that it is asked about.
type Case = (usize, Option<String>);

impl Machine {
    /// Steps to a moment of the grid, never backwards: what happens to which alert, in order of the fingerprints.
    ///
    /// `touched` names the rows that differ from those of the step before, gone ones too, as
    /// [`Step::touched`](bellwether_projection::Step) does; the first step after anything else changed looks at all rows.
    pub fn step(
        &mut self,
        at: DateTime<Utc>,
        assessment: &Assessment,
        touched: &BTreeSet<String>,
        framework: &Framework,
    ) -> Vec<AlertEvent> {
        let scope = Scope::new(at, assessment, framework);
        let mut cases = self.cases(&scope, touched);
        let mut found: BTreeMap<String, AlertEvent> = BTreeMap::new();
        for (name, alert) in &self.alerts {
            // A rule that is gone ends its alerts.
            if self.rules.rule(&alert.last.rule).is_none() {
                found.insert(name.clone(), AlertEvent { at: time::text(at), ..alert.last.clone() });
            } else if self.dirty || self.due(alert, at) {
                cases.extend(self.case(alert));
            }
        }
        let mut out = Vec::new();
        for (name, mut event) in found {
            let fired = self.alerts.remove(&name);
            event.happening = match fired.as_ref().map(|a| &a.phase) {
                Some(Phase::Firing { .. }) => Happening::Resolved { reason: "rule removed".to_owned() },
                Some(_) => Happening::Lapsed,
                None => continue,
            };
            out.push((event, fired.is_some_and(|a| a.told)));
        }
        for (rule, subject) in cases {
            out.extend(self.judge(&scope, rule, subject));
        }
        self.dirty = false;
        self.mute(out, at)
    }

    fn due(&self, alert: &Alert, at: DateTime<Utc>) -> bool {
        let rule = self.rules.rule(&alert.last.rule);
        rule.and_then(|rule| alert.phase.deadline(rule)).is_some_and(|deadline| deadline <= at)
    }

    fn case(&self, alert: &Alert) -> Option<Case> {
        Some((self.rules.position(&alert.last.rule)?, alert.last.subject.clone()))
    }

    /// What has to be looked at: nothing that reads only what has not changed.
    fn cases(&self, scope: &Scope<'_>, touched: &BTreeSet<String>) -> BTreeSet<Case> {
        let mut cases = BTreeSet::new();
        let all_rows = |at: usize, cases: &mut BTreeSet<Case>| match self.rules.ready(at) {
            Some((_, Ready { table: Some(table), .. })) => {
                cases.extend(scope.ids(*table).into_iter().map(|id| (at, Some(id))));
            }
            _ => {
                cases.insert((at, None));
            }
        };
        if self.dirty {
            (0..self.rules.rules().len()).for_each(|at| all_rows(at, &mut cases));
            return cases;
        }
        let ask = |table: Table, id: &str, cases: &mut BTreeSet<Case>| {
            cases.extend(self.index.asked(table).iter().map(|at| (*at, Some(id.to_owned()))));
        };
        for id in touched {
            self.index.naming(id).iter().for_each(|at| all_rows(*at, &mut cases));
            for table in scope.tables(id) {
                ask(table, id, &mut cases);
                self.index.reading(table).iter().for_each(|at| all_rows(*at, &mut cases));
                if table == Table::Domains && !self.index.asked(Table::Expectations).is_empty() {
                    let domain = scope.assessment.domains.iter().find(|d| d.id == *id);
                    let expectations = domain.into_iter().flat_map(|d| &d.expectations);
                    expectations.for_each(|e| ask(Table::Expectations, &e.id, &mut cases));
                }
            }
        }
        if !self.index.asked(Table::Shifts).is_empty() {
            for shift in scope.assessment.shifts.iter().filter(|s| touched.contains(&s.id)) {
                ask(Table::Shifts, &shift_subject(shift), &mut cases);
            }
            // Which alert a shift that is gone belonged to is not asked: alerts about shifts are few.
            let standing: BTreeSet<&str> = scope.assessment.shifts.iter().map(|s| s.id.as_str()).collect();
            if touched.iter().any(|id| id.starts_with("shift.") && !standing.contains(id.as_str())) {
                let open = self.alerts.values().filter(|a| a.last.shift.is_some());
                cases.extend(open.filter_map(|a| self.case(a)));
            }
        }
        if time::is_midnight(scope.at) {
            self.index.clocked.iter().for_each(|at| all_rows(*at, &mut cases));
        }
        cases
    }

    /// What one rule makes of one row; the event, and whether people know of the alert.
    fn judge(&mut self, scope: &Scope<'_>, at: usize, subject: Option<String>) -> Option<(AlertEvent, bool)> {
        let rules = self.rules.clone();
        let (rule, ready) = rules.ready(at)?;
        let subject = subject.as_deref();
        let name = fingerprint(rule, subject);
        self.counts.evaluated += 1;
        // A row that is not shown is not known: nothing follows from it.
        let shown = ready.table.zip(subject).is_none_or(|(table, id)| scope.row(table, id).is_some());
        let concerned = match &ready.only {
            Some(only) if shown => self.ask(scope, rule, only, subject, None),
            _ => shown.then_some(true),
        };
        let known = self.alerts.get(&name);
        if known.is_none() && concerned != Some(true) {
            return None;
        }
        let mut phase = known.map_or(Phase::Idle, |a| a.phase.clone());
        let mut told = known.is_some_and(|a| a.told);
        let was = known.and_then(|a| a.last.shift.clone());
        let last = known.map(|a| (a.last.clone(), a.ack.clone()));
        let mut seen = Seen::default();
        if shown {
            seen.when = self.ask(scope, rule, &ready.when, subject, Some(false));
        }
        if phase.fires()
            && let Some(until) = &ready.until
        {
            let holds = if shown { self.ask(scope, rule, until, subject, Some(true)) } else { None };
            seen.until = Some(holds);
        }
        if ready.table == Some(Table::Shifts) {
            let standing = subject.and_then(|s| scope.shift(s));
            seen.shift = standing.map(|s| ShiftRef { id: s.id.clone(), known_at: s.known_at.clone() });
            seen.withdrawn = was.as_ref().and_then(|was| withdrawn(scope, was, seen.shift.as_ref()));
        }
        let happening = if concerned == Some(false) {
            let fired = phase.fires();
            phase = Phase::Idle;
            Some(if fired {
                Happening::Resolved { reason: "the rule no longer concerns it".to_owned() }
            } else {
                Happening::Lapsed
            })
        } else {
            advance(&mut phase, rule, &seen, was.as_ref(), scope.at)
        };
        let happening = happening?;
        let over = matches!(happening, Happening::Resolved { .. } | Happening::Lapsed);
        let since = match (&last, over) {
            // What is over says since when it was.
            (Some((last, _)), true) => last.since.clone(),
            _ => phase.since().map(time::text).unwrap_or_default(),
        };
        let mut event = self.event(scope, rule, ready, subject, happening, since);
        if let (false, Some((last, _))) =
            (matches!(event.happening, Happening::Pending | Happening::Firing), &last)
        {
            // Its row may be gone or be another shift: an alert keeps what it is known by.
            if event.evidence.is_empty() {
                event.evidence.clone_from(&last.evidence);
            }
            if !shown {
                event.summary.clone_from(&last.summary);
            }
            event.shift = was;
            event.labels.clone_from(&last.labels);
            event.domain.clone_from(&last.domain);
            event.severity = last.severity;
        }
        let known_to = told;
        if over {
            told = false;
        }
        if phase == Phase::Idle {
            self.alerts.remove(&name);
        } else {
            let ack = last.and_then(|(_, ack)| ack).filter(|_| !over);
            self.alerts.insert(name, Alert { phase, last: event.clone(), told, ack });
        }
        Some((event, known_to))
    }

    /// Whether a condition holds. An answer that would end an alert is no answer where it rests on `has(…)` of something
    /// that is missing.
    fn ask(
        &mut self,
        scope: &Scope<'_>,
        rule: &Rule,
        of: &Compiled,
        subject: Option<&str>,
        ending: Option<bool>,
    ) -> Option<bool> {
        let mut values: Vec<_> = of.reads.iter().map(|r| scope.value(r, subject)).collect();
        let mut answer = self.engine.holds(of, &values);
        if ending.is_some() && answer == Ok(ending) {
            let mut missing = false;
            for (read, value) in of.reads.iter().zip(&mut values).filter(|(r, _)| r.test) {
                if scope.value(&Read { test: false, ..read.clone() }, subject).is_none() {
                    (*value, missing) = (None, true);
                }
            }
            if missing {
                answer = self.engine.holds(of, &values);
            }
        }
        answer.unwrap_or_else(|error| {
            self.counts.failed += 1;
            tracing::warn!(rule = %rule.id, subject, %error, "a rule cannot be evaluated");
            None
        })
    }

    fn event(
        &self,
        scope: &Scope<'_>,
        rule: &Rule,
        ready: &Ready,
        subject: Option<&str>,
        happening: Happening,
        since: String,
    ) -> AlertEvent {
        let value = |read: &Read| scope.value(read, subject);
        let reads = ready.numbers();
        let values: Vec<_> = ready.when.reads.iter().map(value).collect();
        let row = ready.table.zip(subject).and_then(|(table, id)| scope.row(table, id));
        let domain = row.as_ref().and_then(|row| row.text("domain")).map(str::to_owned);
        let domain = domain.or_else(|| row.is_none().then(|| the_domain(scope, &reads, subject)).flatten());
        let mut evidence: BTreeSet<u64> = row.iter().flat_map(|row| row.evidence.clone()).collect();
        evidence
            .extend(reads.iter().filter_map(|r| scope.row_of(r, subject)).flat_map(|r| r.evidence.clone()));
        let mut labels = rule.labels.clone();
        let mut label = |name: &str, value: Option<&str>| {
            if let Some(value) = value {
                labels.insert(name.to_owned(), value.to_owned());
            }
        };
        label("rule", Some(&rule.id));
        label("subject", subject);
        label("domain", domain.as_deref());
        label("kind", row.as_ref().and_then(|row| row.text("kind")));
        label("severity", Some(rule.severity.word()));
        let group = group(rule, &labels);
        let shift = subject.filter(|_| ready.table == Some(Table::Shifts)).and_then(|s| scope.shift(s));
        AlertEvent {
            alert: fingerprint(rule, subject),
            at: time::text(scope.at),
            happening,
            since,
            rule: rule.id.clone(),
            version: rule.version.clone(),
            subject: subject.map(str::to_owned),
            shift: shift.map(|s| ShiftRef { id: s.id.clone(), known_at: s.known_at.clone() }),
            severity: rule.severity,
            labels,
            group,
            runbook: rule.runbook.clone(),
            summary: ready.summary.fill(&self.engine, value),
            numbers: reads
                .iter()
                .map(|r| Number { name: r.name.clone(), value: as_json(value(r).as_ref()) })
                .collect(),
            margin: self.engine.margin(&ready.when, &values),
            coverage: domain.as_deref().and_then(|d| scope.coverage(d)),
            domain,
            evidence: evidence.into_iter().collect(),
            muted_by: Vec::new(),
        }
    }

    /// Says of each step what keeps it from being sent, and which alerts nothing mutes any more.
    fn mute(&mut self, steps: Vec<(AlertEvent, bool)>, at: DateTime<Utc>) -> Vec<AlertEvent> {
        let muting = self.muting(at);
        let mut out: Vec<AlertEvent> = Vec::new();
        for (mut event, told) in steps {
            // Whoever was told of an alert is told of its end, whatever is muted by then.
            if !(told && matches!(event.happening, Happening::Resolved { .. })) {
                event.muted_by = muting.of(&event.alert, &event.labels);
            }
            out.push(event);
        }
        let free = |(name, a): &(&String, &Alert)| {
            a.phase.fires() && !a.told && muting.of(name, &a.last.labels).is_empty()
        };
        let free: Vec<String> = self.alerts.iter().filter(free).map(|(name, _)| name.clone()).collect();
        for name in free {
            let Some(alert) = self.alerts.get_mut(&name) else { continue };
            alert.told = true;
            if !out.iter().any(|e| e.alert == name && e.happening == Happening::Firing) {
                out.push(AlertEvent {
                    at: time::text(at),
                    happening: Happening::Unmuted,
                    muted_by: Vec::new(),
                    ..alert.last.clone()
                });
            }
        }
        for event in &out {
            if let Some(alert) = self.alerts.get_mut(&event.alert) {
                alert.last.muted_by.clone_from(&event.muted_by);
            }
        }
        out.sort_by(|a, b| a.alert.cmp(&b.alert));
        out
    }
}

/// What its notifications are put together by: the rule itself unless it says otherwise.
fn group(rule: &Rule, labels: &BTreeMap<String, String>) -> Vec<String> {
    let named = |name: &String| Some(format!("{name}={}", labels.get(name)?));
    let group: BTreeSet<String> = rule.group_by.iter().filter_map(named).collect();
    if rule.group_by.is_empty() { vec![format!("rule={}", rule.id)] } else { group.into_iter().collect() }
}

/// `alert.RULE` or `alert.RULE.SUBJECT`.
fn fingerprint(rule: &Rule, subject: Option<&str>) -> String {
    subject.map_or_else(|| format!("alert.{}", rule.id), |s| format!("alert.{}.{s}", rule.id))
}

/// When the shift was taken back; `None` while it stands, or another one that was known no earlier stands in its place.
fn withdrawn(scope: &Scope<'_>, was: &ShiftRef, standing: Option<&ShiftRef>) -> Option<String> {
    if standing.is_some_and(|now| now.id == was.id || now.known_at >= was.known_at) {
        return None;
    }
    let all = &scope.assessment.withdrawn;
    all.iter().rev().find(|w| w.id == was.id).map(|w| w.withdrawn_at.clone())
}

/// The domain, where all rows that are read belong to one.
fn the_domain(scope: &Scope<'_>, reads: &[&Read], subject: Option<&str>) -> Option<String> {
    let rows = reads.iter().filter_map(|r| scope.row_of(r, subject));
    let domains: BTreeSet<String> = rows.filter_map(|r| r.text("domain").map(str::to_owned)).collect();
    let mut domains = domains.into_iter();
    domains.next().filter(|_| domains.next().is_none())
}
