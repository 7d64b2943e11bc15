//! A framework in the body of a question: what the facts would say if they were read that way.

use std::sync::Arc;

use bellwether_model::FactTypes;
use bellwether_model::framework::Framework;
use serde::{Deserialize, Serialize};

use super::error::Refused;
use crate::Configured;

/// A framework that came with a question. Its text is checked like a file of the configuration; nothing is kept but
/// its reading of the log, for the next question.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guest {
    /// Name to blame in findings.
    #[serde(default = "unnamed")]
    pub file: String,
    /// The framework, TOML.
    pub framework: String,
    /// Text of the id list that it names; absent means the list of that name in the configuration.
    #[serde(default)]
    pub map: Option<String>,
    /// Fact types, TOML; absent means those in force.
    #[serde(default)]
    pub types: Option<String>,
}

fn unnamed() -> String {
    "the framework in the body".to_owned()
}

impl Guest {
    /// Reads a body: JSON with these fields, or the TOML of a framework alone; `None` when it is empty.
    pub(super) fn read(body: &[u8]) -> Result<Option<Self>, Refused> {
        let Ok(text) = std::str::from_utf8(body) else {
            return Err(Refused::usage("the body is not UTF-8", "send the framework as TOML or JSON"));
        };
        match text.trim_start().chars().next() {
            None => Ok(None),
            Some('{') => serde_json::from_str(text).map(Some).map_err(|e| {
                Refused::usage(
                    format!("the body is no framework: {e}"),
                    "send {\"framework\":\"TOML\"}, with \"file\", \"map\", \"types\" where needed, or the TOML alone",
                )
            }),
            Some(_) => {
                Ok(Some(Self { file: unnamed(), framework: text.to_owned(), map: None, types: None }))
            }
        }
    }

    /// Checks it as the configuration is checked.
    pub(super) fn parse(&self, configured: &Configured) -> Result<(Arc<Framework>, Arc<FactTypes>), Refused> {
        let types = match &self.types {
            Some(text) => Arc::new(FactTypes::parse("facts.toml in the body", text)?),
            None => Arc::clone(&configured.types),
        };
        let map = self.map.clone().or_else(|| {
            let name = Framework::map_name(&self.framework)?;
            let same = |f: &&Arc<Framework>| f.map.as_ref() == Some(&name);
            // A framework in force holds exactly the ids of its list.
            Some(configured.frameworks.iter().find(same)?.ids().join("\n"))
        });
        let framework = Framework::parse(&self.file, &self.framework, &types, map.as_deref())?;
        Ok((Arc::new(framework), types))
    }
}
