//! `init`.

use std::path::{Path, PathBuf};

use chrono::{Datelike, NaiveDate};
use clap::Args;

use crate::app::App;
use crate::config::embedded_under;
use crate::failure::Failure;

const EXAMPLES: &str = "\
Examples:
  bellwether init                           the built-in configuration
  bellwether init --dyad IND-JPN            a small one for another pair
  bellwether init --dyad IND-JPN my-config

Nothing is overwritten. With --dyad, example-facts.csv in the folder holds
made-up facts to try it with, and questions/ an example of each kind of
forecast question.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct InitArgs {
    /// Two parties, ISO 3166-1 alpha-3
    #[arg(long, value_name = "AAA-BBB", value_parser = dyad)]
    dyad: Option<(String, String)>,
    /// Folder to write
    #[arg(value_name = "DIR", default_value = "config")]
    dir: PathBuf,
}

const FRAMEWORK: &str = include_str!("../templates/dyad.toml");
const QUESTIONS: &str = include_str!("../templates/questions.toml");
const FACTS: &str = include_str!("../templates/example-facts.csv");
const EXAMPLE: &str = "example-facts.csv";

pub(crate) fn run(app: &mut App, args: &InitArgs) -> Result<(), Failure> {
    let files = files(args.dyad.as_ref(), app.now().date_naive());
    let targets: Vec<PathBuf> = files.iter().map(|(name, _)| args.dir.join(name)).collect();
    if let Some(there) = targets.iter().find(|path| path.exists()) {
        return Err(Failure::usage(
            format!("{} is there already and is not overwritten", there.display()),
            "name another folder",
        ));
    }
    for (path, (_, text)) in targets.iter().zip(&files) {
        write(path, text).map_err(|e| {
            Failure::usage(format!("{} cannot be written: {e}", path.display()), "name another folder")
        })?;
    }
    let written: Vec<String> = targets.iter().map(|path| path.display().to_string()).collect();
    app.out.page(&serde_json::json!({ "written": written }), |_| {
        let list: String = written.iter().map(|path| format!("  {path}\n")).collect();
        format!("Written\n{list}\nWhat to try next\n{}", next(&args.dir, args.dyad.is_some()))
    })
}

/// Names in the folder, and texts; questions are asked `today` about the years to come.
fn files(dyad: Option<&(String, String)>, today: NaiveDate) -> Vec<(String, String)> {
    let Some((a, b)) = dyad else {
        return embedded_under("config").map(|(name, text)| (name.to_owned(), text.to_owned())).collect();
    };
    let fill = |text: &str| {
        let id = format!("{}-{}", a.to_lowercase(), b.to_lowercase());
        let year = |ahead: i32| today.year().saturating_add(ahead).to_string();
        text.replace("{id}", &id)
            .replace("{a}", a)
            .replace("{b}", b)
            .replace("{today}", &today.to_string())
            .replace("{next}", &year(1))
            .replace("{after}", &year(2))
    };
    let shared = embedded_under("config")
        // Questions ask about the measures of a framework: the pair has its own.
        .filter(|(name, _)| !["frameworks/", "questions/"].iter().any(|own| name.starts_with(own)))
        .map(|(name, text)| {
            let rules = name.starts_with("rules/");
            (name.to_owned(), if rules { without_record(text) } else { text.to_owned() })
        });
    let own = [
        (fill("frameworks/{id}.toml"), fill(FRAMEWORK)),
        (fill("questions/{id}.toml"), fill(QUESTIONS)),
        (EXAMPLE.to_owned(), fill(FACTS)),
    ];
    shared.chain(own).collect()
}

/// Rules without what a backtest said of them: that was another pair's history.
fn without_record(text: &str) -> String {
    let kept = text.lines().filter(|line| !line.starts_with('#') || !line.contains("backtest")).map(|line| {
        let end = line.find(" Backtest 2014").filter(|_| line.starts_with("reason = "));
        end.and_then(|end| line.get(..end)).map_or_else(|| line.to_owned(), |kept| format!("{kept}\""))
    });
    kept.map(|line| line + "\n").collect()
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, text)
}

fn next(dir: &Path, example: bool) -> String {
    let config =
        if dir == Path::new("config") { String::new() } else { format!(" --config {}", dir.display()) };
    let mut text = format!("  bellwether{config} check\n");
    if example {
        let facts = dir.join(EXAMPLE);
        text.push_str(&format!(
            "  bellwether{config} --store try ingest --feed facts-csv {}\n  \
             bellwether{config} --store try replay --as-of 2026-06-30\n  \
             bellwether{config} --store try board --as-of 2026-06-30\n  \
             bellwether{config} --store try scenarios --as-of 2026-06-30\n  \
             bellwether{config} --store try forecast list\n",
            facts.display()
        ));
    }
    text
}

fn dyad(text: &str) -> Result<(String, String), String> {
    let code = |part: &str| part.len() == 3 && part.bytes().all(|b| b.is_ascii_alphabetic());
    match text.split_once('-') {
        Some((a, b)) if code(a) && code(b) && !a.eq_ignore_ascii_case(b) => {
            Ok((a.to_uppercase(), b.to_uppercase()))
        }
        _ => Err("write two different three-letter codes, as in IND-JPN".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bellwether_alert::RuleSet;
    use bellwether_model::FactTypes;
    use bellwether_model::framework::Framework;
    use bellwether_model::question::Questions;

    #[test]
    fn pairs_are_two_different_codes() {
        assert_eq!(dyad("ind-JPN"), Ok(("IND".into(), "JPN".into())));
        for bad in ["IND", "IND-IND", "IN-JPN", "IND-JP1", "IND-JPN-X"] {
            assert!(dyad(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_framework_for_a_pair_passes_the_check() {
        let today = NaiveDate::from_ymd_opt(2026, 12, 31).unwrap();
        let files = files(Some(&("IND".into(), "JPN".into())), today);
        let text = |name: &str| files.iter().find(|(n, _)| n == name).map(|(_, text)| text.as_str()).unwrap();
        let types = FactTypes::parse("facts.toml", text("facts.toml")).unwrap();
        let framework = Framework::parse("f", text("frameworks/ind-jpn.toml"), &types, None).unwrap();
        assert_eq!((framework.id.as_str(), &framework.parties), ("ind-jpn", &["IND".into(), "JPN".into()]));
        assert_eq!(framework.domains.len(), 2);
        let asked = Questions::parse("q", text("questions/ind-jpn.toml"), [&framework]).unwrap();
        assert_eq!((asked.filed.len(), asked.backcasts.len()), (4, 4));
        assert!(asked.filed.iter().all(|q| q.filed == today && q.rule.end().year() == 2028), "{asked:?}");
        // What rules did over another pair's history says nothing of this one.
        let rules: Vec<&(String, String)> = files.iter().filter(|(n, _)| n.starts_with("rules/")).collect();
        assert!(rules.len() > 3 && rules.iter().all(|(_, text)| !text.contains("Backtest 2014")));
        let parsed = RuleSet::parse(rules.iter().map(|(n, t)| (n.as_str(), t.as_str()))).unwrap();
        assert!(parsed.rules().iter().all(|r| !r.reason.is_empty()));
        parsed.check(&framework, &types).unwrap();
    }
}
