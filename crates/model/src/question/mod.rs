//! Forecast questions (`config/questions/*.toml`): what is asked, how it is answered, when it is void.
//!
//! A question says before the fact how it will be answered: which reading of which measure, in which vintage, compared
//! with what, and from when on it is void. A template writes the same question about many past periods, for backcasts.

mod check;
mod rule;
mod template;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use serde::{Deserialize, Serialize};

pub use rule::{Comparison, Quantity, Rule, Threshold, When};

use crate::framework::Framework;
use crate::{Locator, Problems};
use template::Template;

/// Which value of a period answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Vintage {
    /// The first that was published; what is revised later changes nothing.
    #[default]
    First,
    /// The one known on the settling day.
    Latest,
}

/// A state of the answering figures that makes the question void.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Void {
    /// Rival accounts of the answering figure differ.
    Conflict,
}

/// One question. Its JSON is what the log keeps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// Short name, unique among all files.
    pub id: String,
    /// Framework whose measures it reads.
    pub framework: String,
    /// The question in words.
    pub title: String,
    /// Indicator, measure or scenario.
    pub about: String,
    /// When the answer is yes.
    pub rule: Rule,
    /// Day on which it is stated.
    pub filed: NaiveDate,
    /// Only what was published after this day answers; absent: after the day it was filed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<NaiveDate>,
    /// Which value answers.
    #[serde(default)]
    pub vintage: Vintage,
    /// Last day for an answer: void when no reading that answers is known by then. `latest` and `reported` are read on it.
    pub settle: NaiveDate,
    /// What else makes it void.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub void: Vec<Void>,
    /// Why this question and this threshold.
    pub reason: String,
    /// Template that wrote it: a question about the past, never filed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
}

impl Question {
    /// BLAKE3 of the whole question, 16 hexadecimal digits: another text is another version.
    pub fn version(&self) -> String {
        let hash = blake3::hash(&serde_json::to_vec(self).unwrap_or_default());
        hash.to_hex().chars().take(16).collect()
    }

    /// First moment after the day on which it is stated.
    pub fn filed_at(&self) -> DateTime<Utc> {
        after(self.filed)
    }

    /// First moment at which a publication counts.
    pub fn counts_from(&self) -> DateTime<Utc> {
        after(self.from.unwrap_or(self.filed))
    }

    /// First moment after the settling day.
    pub fn settles_at(&self) -> DateTime<Utc> {
        after(self.settle)
    }
}

fn after(day: NaiveDate) -> DateTime<Utc> {
    day.checked_add_days(Days::new(1)).unwrap_or(NaiveDate::MAX).and_time(NaiveTime::MIN).and_utc()
}

/// All questions of a configuration.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Questions {
    /// Questions to be filed, in file order.
    pub filed: Vec<Question>,
    /// What templates write about the past, in file order.
    pub backcasts: Vec<Question>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    framework: String,
    #[serde(default)]
    question: Vec<Written>,
    #[serde(default)]
    template: Vec<Template>,
}

/// A question as the file has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    id: String,
    title: String,
    about: String,
    rule: String,
    filed: String,
    from: Option<String>,
    #[serde(default)]
    vintage: Vintage,
    settle: String,
    #[serde(default)]
    void: Vec<Void>,
    reason: String,
}

impl Questions {
    /// Parses and checks one file against the frameworks of the configuration.
    ///
    /// Errors: all findings at once, each with file, line, offending text and remedy.
    pub fn parse<'f>(
        file: &str,
        text: &str,
        frameworks: impl IntoIterator<Item = &'f Framework>,
    ) -> Result<Self, Problems> {
        let locator = Locator::new(file, text)?;
        let parsed: File = locator.parse()?;
        check::read(&locator, parsed, frameworks)
    }

    /// Adds those of another file. Errors name ids that are there already.
    pub fn add(&mut self, file: &str, other: Self) -> Result<(), Problems> {
        let mut problems = Problems::default();
        for question in other.filed.iter().chain(&other.backcasts) {
            if self.all().any(|q| q.id == question.id) {
                problems.push(
                    crate::Problem::new("another file has a question of that id", "rename one of them")
                        .at(file, 0)
                        .field("id")
                        .text(&question.id),
                );
            }
        }
        self.filed.extend(other.filed);
        self.backcasts.extend(other.backcasts);
        problems.into_result(())
    }

    /// All of them, those to be filed first.
    pub fn all(&self) -> impl Iterator<Item = &Question> {
        self.filed.iter().chain(&self.backcasts)
    }
}
