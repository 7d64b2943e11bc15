//! Whether somebody would hear of an alert.

use std::collections::BTreeSet;

use bellwether_alert::outbox::Outbox;
use bellwether_server::Configured;

use super::Check;
use super::checks::listed;
use crate::render::counted;

/// Rules that no receiver hears of, and receivers that lack a secret.
pub(super) fn told(configured: &Configured, found: &mut Vec<Check>) {
    let enabled: Vec<_> = configured.receivers.iter().filter(|spec| spec.enabled).collect();
    let rules = configured.rules.rules();
    let unheard: Vec<&str> = rules
        .iter()
        .filter(|rule| !enabled.iter().any(|spec| spec.route.may_fit(rule)))
        .map(|rule| rule.id.as_str())
        .collect();
    let others = configured.receivers.len() - enabled.len();
    let message = format!(
        "{}, {}, {others} more switched off",
        counted(rules.len(), "rule", "rules"),
        counted(enabled.len(), "receiver", "receivers")
    );
    found.push(if unheard.is_empty() {
        Check::ok("alerts", message)
    } else {
        Check::warn(
            "alerts",
            format!("{message}; nobody is told of {}", listed(unheard.into_iter())),
            "switch a receiver on in receivers.toml, or widen its match",
        )
    });
    for spec in enabled {
        for problem in spec.missing() {
            let field = format!("{}: {}", spec.name, problem.field);
            found.push(Check::warn("secret", format!("{field}: {}", problem.message), problem.remedy));
        }
    }
}

/// Notifications that were given up.
pub(super) fn letters(outbox: Option<&Outbox>, found: &mut Vec<Check>) {
    let Some(outbox) = outbox else { return };
    let dead = outbox.list_dead();
    let message = format!(
        "{}, {} given up",
        counted(outbox.waiting().count(), "notification waits", "notifications wait"),
        counted(dead.len(), "was", "were")
    );
    found.push(if dead.is_empty() {
        Check::ok("notifications", message)
    } else {
        let receivers: BTreeSet<&str> = dead.iter().map(|letter| letter.receiver.as_str()).collect();
        Check::warn(
            "notifications",
            format!("{message}, for {}", listed(receivers.into_iter())),
            "`bellwether notify dead` says why, `notify retry` puts them back",
        )
    });
}
