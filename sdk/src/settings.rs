//! The `settings` of an actor, for its handler.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::codec;
use crate::{HandlerError, Result};

/// What an actor's `settings` say in the topology: a table that is the handler's own.
///
/// ```
/// use serde_json::json;
/// use tidegate::prelude::*;
///
/// #[derive(Deserialize)]
/// struct Gateway { url: String }
///
/// let gateway: Gateway = Settings::from(json!({ "url": "https://pay.example" })).parse()?;
/// assert_eq!(gateway.url, "https://pay.example");
///
/// let error = Settings::from(json!({ "url": 7 })).parse::<Gateway>().err().expect("a wrong type");
/// assert_eq!(error.to_string(), "cannot decode settings at `url`");
/// # Ok::<(), HandlerError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct Settings(Value);

impl Settings {
    /// Reads the settings as a type of the handler.
    ///
    /// # Errors
    /// Names the offending field, and is terminal: the same settings are never read differently.
    pub fn parse<T: DeserializeOwned>(self) -> Result<T> {
        serde_path_to_error::deserialize(self.0)
            .map_err(|error| HandlerError::terminal(codec::decode("settings", error)))
    }
}

impl Default for Settings {
    /// An empty table.
    fn default() -> Self {
        Self(Value::Object(serde_json::Map::new()))
    }
}

impl From<Value> for Settings {
    fn from(value: Value) -> Self {
        Self(value)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Decision;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default)]
    struct Retail {
        currency: Option<String>,
        stores: Vec<Store>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Store {
        limit: u32,
    }

    #[test]
    fn no_settings_are_an_empty_table() {
        assert_eq!(Settings::default().parse::<Retail>().expect("defaults"), Retail::default());
    }

    #[test]
    fn names_the_field_that_is_wrong() {
        let settings = Settings::from(json!({ "stores": [{ "limit": 1 }, { "limit": -1 }] }));

        let error = settings.parse::<Retail>().unwrap_err();

        assert_eq!(error.to_string(), "cannot decode settings at `stores[1].limit`");
        assert_eq!(error.decision(), Decision::Terminal);
    }
}
