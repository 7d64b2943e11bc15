//! The state again, from the log's records.

use bellwether_model::Record;

use super::life::fold;
use super::{Acked, Alert, Machine, Phase};
use crate::system::{Ack, Maintenance, Payload, RulesInForce, Silence};
use crate::{AlertEvent, Happening, time};

impl Machine {
    /// Takes a record of the log: a step of an alert, rules, a silence, a maintenance window, an acknowledgement. Others say
    /// nothing here.
    pub fn restore(&mut self, record: &Record) {
        if let Some(event) = AlertEvent::of(record) {
            self.fold(event);
        } else {
            self.told(record);
        }
    }

    /// Takes what people and the daemon say: everything but steps of alerts. Whether it said something.
    pub fn told(&mut self, record: &Record) -> bool {
        if let Some(rules) = RulesInForce::of(record) {
            match rules.parse() {
                Ok(rules) => self.set_rules(&rules),
                Err(problems) => {
                    tracing::warn!(seq = record.seq, %problems, "rules of the log are no rules here: the ones before hold on");
                }
            }
        } else if let Some(silence) = Silence::of(record) {
            self.quiet.forget(record.recorded_at);
            self.quiet.set(Silence::KIND, silence);
            self.dirty = true;
        } else if let Some(Maintenance(window)) = Maintenance::of(record) {
            self.quiet.forget(record.recorded_at);
            self.quiet.set(Maintenance::KIND, window);
            self.dirty = true;
        } else if let Some(ack) = Ack::of(record) {
            let at = time::text(record.recorded_at);
            if let Some(alert) = self.alerts.get_mut(&ack.alert) {
                alert.ack = Some(Acked { who: ack.who, note: ack.note, at });
            }
        } else {
            return false;
        }
        true
    }

    fn fold(&mut self, event: AlertEvent) {
        let Some(at) = time::parse(&event.at) else { return };
        let known = self.alerts.get(&event.alert);
        let mut phase = known.map_or(Phase::Idle, |a| a.phase.clone());
        let (mut told, mut ack) = known.map_or((false, None), |a| (a.told, a.ack.clone()));
        fold(&mut phase, &event.happening, at, &event.since);
        match event.happening {
            Happening::Firing | Happening::Unmuted => told = event.muted_by.is_empty(),
            Happening::Resolved { .. } | Happening::Lapsed => (told, ack) = (false, None),
            _ => {}
        }
        if phase == Phase::Idle {
            self.alerts.remove(&event.alert);
        } else {
            self.alerts.insert(event.alert.clone(), Alert { phase, last: event, told, ack });
        }
        // What was read then is not in the log: the next step reads all of it.
        self.dirty = true;
    }
}
