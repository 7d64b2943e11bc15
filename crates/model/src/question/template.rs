//! Templates: one question about each of many periods.

use chrono::{Datelike, Days, Months, NaiveDate};
use serde::Deserialize;

use super::{Question, Rule, Vintage, Void};
use crate::Problem;

/// Length of the periods.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Each {
    /// Calendar years.
    Year,
    /// Half-years.
    Half,
    /// Quarters.
    Quarter,
}

impl Each {
    fn months(self) -> u32 {
        match self {
            Each::Year => 12,
            Each::Half => 6,
            Each::Quarter => 3,
        }
    }
}

/// A template as the file has it. `{period}` stands for the period's name, `{end}` for its last day.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Template {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) about: String,
    pub(super) rule: String,
    pub(super) each: Each,
    /// First and last year.
    pub(super) years: [i32; 2],
    /// Months before the end of the period at which the question counts as asked.
    pub(super) lead_months: u32,
    /// Days after the end of the period at which it settles.
    pub(super) settle_days: u32,
    #[serde(default)]
    pub(super) vintage: Vintage,
    #[serde(default)]
    pub(super) void: Vec<Void>,
    pub(super) reason: String,
}

impl Template {
    /// The questions, oldest period first. Errors are those of the rule.
    pub(super) fn questions(&self, framework: &str) -> Result<Vec<Question>, Problem> {
        let mut all = Vec::new();
        let [first, last] = self.years;
        let mut start = NaiveDate::from_ymd_opt(first, 1, 1);
        while let Some(from) = start.filter(|s| s.year() <= last) {
            start = from.checked_add_months(Months::new(self.each.months()));
            let (Some(next), name) = (start, self.name(from)) else { break };
            let end = next.pred_opt().unwrap_or(next);
            let fill = |text: &str| text.replace("{period}", &name).replace("{end}", &end.to_string());
            let rule: Rule = fill(&self.rule).parse()?;
            all.push(Question {
                id: format!("{}-{}", self.id, name.to_lowercase()),
                framework: framework.to_owned(),
                title: fill(&self.title),
                about: self.about.clone(),
                rule,
                filed: next
                    .checked_sub_months(Months::new(self.lead_months))
                    .and_then(|d| d.pred_opt())
                    .unwrap_or(from),
                from: None,
                vintage: self.vintage,
                settle: end.checked_add_days(Days::new(u64::from(self.settle_days))).unwrap_or(end),
                void: self.void.clone(),
                reason: self.reason.clone(),
                template: Some(self.id.clone()),
            });
        }
        Ok(all)
    }

    fn name(&self, from: NaiveDate) -> String {
        match self.each {
            Each::Year => from.year().to_string(),
            Each::Half => format!("{}-H{}", from.year(), from.month0() / 6 + 1),
            Each::Quarter => format!("{}-Q{}", from.year(), from.month0() / 3 + 1),
        }
    }
}
