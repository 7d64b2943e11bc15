//! The configuration: a folder, or the one built into the binary.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bellwether_alert::RuleSet;
use bellwether_alert::receivers::{self, ReceiverSpec};
use bellwether_ingest::FeedSpec;
use bellwether_model::framework::Framework;
use bellwether_model::question::Questions;
use bellwether_model::{FactTypes, Problem, Problems};
use bellwether_server::api::Guest;

/// Files built into the binary: the configuration and the bundled facts, by path in the project.
static EMBEDDED: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

const FACTS: &str = "facts.toml";
const FRAMEWORKS: &str = "frameworks";
const FEEDS: &str = "feeds";
const RULES: &str = "rules";
const QUESTIONS: &str = "questions";

/// Text of a built-in file.
pub(crate) fn embedded(path: &str) -> Option<&'static str> {
    EMBEDDED.iter().find(|(name, _)| *name == path).map(|(_, text)| *text)
}

/// Built-in files under a folder, with their path in it.
pub(crate) fn embedded_under(folder: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    EMBEDDED
        .iter()
        .filter_map(move |(name, text)| Some((name.strip_prefix(folder)?.strip_prefix('/')?, *text)))
}

/// Where the configuration is read from.
#[derive(Clone, Debug)]
pub(crate) enum Config {
    /// A folder on disk.
    Folder(PathBuf),
    /// The one in the binary.
    BuiltIn,
}

impl Config {
    /// The folder asked for, else `./config` where there is one, else the built-in one.
    pub(crate) fn resolve(asked: Option<&Path>) -> Self {
        let here = Path::new("config");
        match asked {
            Some(folder) => Config::Folder(folder.to_owned()),
            None if here.join(FACTS).is_file() => Config::Folder(here.to_owned()),
            None => Config::BuiltIn,
        }
    }

    /// Name to show.
    pub(crate) fn name(&self) -> String {
        match self {
            Config::Folder(folder) => folder.display().to_string(),
            Config::BuiltIn => "the built-in configuration".to_owned(),
        }
    }

    /// Name to blame and text of one file.
    fn read(&self, name: &str) -> Result<(String, String), Problems> {
        match self {
            Config::Folder(folder) => {
                let path = folder.join(name);
                read_file(&path).map(|text| (path.display().to_string(), text))
            }
            Config::BuiltIn => embedded(&format!("config/{name}"))
                .map(|text| (format!("built-in {name}"), text.to_owned()))
                .ok_or_else(|| {
                    Problem::new("no such file", "use --config DIR").at(format!("built-in {name}"), 0).into()
                }),
        }
    }

    /// Names of the TOML files in a folder of the configuration, sorted. A folder that is not there holds none; one that
    /// cannot be read is a fault, or a reload would take all of it for removed.
    fn files(&self, folder: &str) -> Result<Vec<String>, Problems> {
        let mut names: Vec<String> = match self {
            Config::Folder(base) => {
                let path = base.join(folder);
                let entries = match std::fs::read_dir(&path) {
                    Ok(entries) => entries.collect::<Result<Vec<_>, _>>(),
                    Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
                    Err(e) => Err(e),
                };
                let names = entries.map_err(|e| unreadable(&path, &e))?;
                let names = names.into_iter().filter_map(|entry| entry.file_name().into_string().ok());
                names.map(|name| format!("{folder}/{name}")).collect()
            }
            Config::BuiltIn => embedded_under("config").map(|(name, _)| name.to_owned()).collect(),
        };
        names.retain(|name| name.starts_with(&format!("{folder}/")) && name.ends_with(".toml"));
        names.sort();
        Ok(names)
    }

    /// Fact types.
    pub(crate) fn types(&self) -> Result<FactTypes, Problems> {
        if let Config::Folder(folder) = self
            && !folder.join(FACTS).is_file()
        {
            return Err(Problem::new(
                "no configuration here: facts.toml is missing",
                "write one with `bellwether init`",
            )
            .at(folder.display().to_string(), 0)
            .into());
        }
        let (file, text) = self.read(FACTS)?;
        FactTypes::parse(&file, &text)
    }

    /// Frameworks in file order.
    pub(crate) fn frameworks(&self, types: &FactTypes) -> Result<Vec<Arc<Framework>>, Problems> {
        let mut all = Vec::new();
        let mut problems = Problems::default();
        for name in self.files(FRAMEWORKS)? {
            let parsed = self.read(&name).and_then(|(file, text)| {
                let map = Framework::map_name(&text)
                    .and_then(|map| self.read(&format!("{FRAMEWORKS}/{map}")).ok())
                    .map(|(_, text)| text);
                Framework::parse(&file, &text, types, map.as_deref())
            });
            match parsed {
                Ok(framework) => all.push(Arc::new(framework)),
                Err(found) => problems.0.extend(found.0),
            }
        }
        if all.is_empty() && problems.0.is_empty() {
            problems.push(Problem::new("no framework", "put one into frameworks/").at(self.name(), 0));
        }
        problems.into_result(all)
    }

    /// Forecast questions of all files, checked against the frameworks.
    pub(crate) fn questions(&self, frameworks: &[Arc<Framework>]) -> Result<Questions, Problems> {
        let mut all = Questions::default();
        let mut problems = Problems::default();
        for name in self.files(QUESTIONS)? {
            let found = self.read(&name).and_then(|(file, text)| {
                let of = Questions::parse(&file, &text, frameworks.iter().map(AsRef::as_ref))?;
                all.add(&file, of)
            });
            problems.0.extend(found.err().into_iter().flat_map(|found| found.0));
        }
        problems.into_result(all)
    }

    /// The texts behind a framework, for a daemon that reads by another configuration: the file given, else the one of
    /// the configuration with that id.
    pub(crate) fn files_of(&self, id: &str, file: Option<&Path>) -> Result<Guest, Problems> {
        let (types_name, types) = self.read(FACTS)?;
        if let Some(path) = file {
            let framework = read_file(path)?;
            let map = map_beside(path, &framework);
            return Ok(Guest { file: path.display().to_string(), framework, map, types: Some(types) });
        }
        let parsed = FactTypes::parse(&types_name, &types)?;
        for name in self.files(FRAMEWORKS)? {
            let (file, framework) = self.read(&name)?;
            let map = Framework::map_name(&framework)
                .and_then(|map| self.read(&format!("{FRAMEWORKS}/{map}")).ok())
                .map(|(_, text)| text);
            if Framework::parse(&file, &framework, &parsed, map.as_deref()).is_ok_and(|f| f.id == id) {
                return Ok(Guest { file, framework, map, types: Some(types) });
            }
        }
        Err(Problem::new(format!("framework {id} has gone"), "run the command again")
            .at(self.name(), 0)
            .into())
    }

    /// Receivers of alerts, in file order; a folder without the file has none.
    pub(crate) fn receivers(&self) -> Result<Vec<ReceiverSpec>, Problems> {
        if let Config::Folder(folder) = self
            && !folder.join(receivers::FILE).exists()
        {
            return Ok(Vec::new());
        }
        let (file, text) = self.read(receivers::FILE)?;
        receivers::parse(&file, &text)
    }

    /// Feeds by name.
    pub(crate) fn feeds(&self) -> Result<BTreeMap<String, FeedSpec>, Problems> {
        let mut all = BTreeMap::new();
        let mut problems = Problems::default();
        for name in self.files(FEEDS)? {
            match self.read(&name).and_then(|(file, text)| FeedSpec::parse(&file, &text)) {
                Ok(feed) if all.contains_key(&feed.name) => problems.push(
                    Problem::new("another file has a feed of that name", "rename one of them")
                        .at(name, 0)
                        .field("name")
                        .text(&feed.name),
                ),
                Ok(feed) => {
                    all.insert(feed.name.clone(), feed);
                }
                Err(found) => problems.0.extend(found.0),
            }
        }
        problems.into_result(all)
    }
}

impl Config {
    /// Rules of all files, in order of the file names.
    pub(crate) fn rules(&self) -> Result<RuleSet, Problems> {
        let mut problems = Problems::default();
        let mut texts = Vec::new();
        for name in self.files(RULES)? {
            match self.read(&name) {
                Ok(read) => texts.push(read),
                Err(found) => problems.0.extend(found.0),
            }
        }
        problems.into_result(())?;
        RuleSet::parse(texts.iter().map(|(file, text)| (file.as_str(), text.as_str())))
    }
}

/// A framework file of one's own, with the id list beside it.
pub(crate) fn framework_file(path: &Path, types: &FactTypes) -> Result<Framework, Problems> {
    let text = read_file(path)?;
    let map = map_beside(path, &text);
    Framework::parse(&path.display().to_string(), &text, types, map.as_deref())
}

/// The id list that a framework file names.
fn map_beside(path: &Path, text: &str) -> Option<String> {
    let name = Framework::map_name(text)?;
    std::fs::read_to_string(path.parent().unwrap_or(Path::new("")).join(name)).ok()
}

fn read_file(path: &Path) -> Result<String, Problems> {
    std::fs::read_to_string(path).map_err(|e| unreadable(path, &e))
}

fn unreadable(path: &Path, error: &std::io::Error) -> Problems {
    Problem::new(format!("cannot be read: {error}"), "check the path and the permissions")
        .at(path.display().to_string(), 0)
        .into()
}
