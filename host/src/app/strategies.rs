//! What is told of strategies, and moving one by hand.

use super::{Gateway, LookupError};
use crate::config::among;
use crate::route::ActError;
use crate::route::told::{Acted, ModelView, Strategies};
use crate::telemetry::PluginFailed;

/// Why a strategy was not moved.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    #[error(transparent)]
    Lookup(#[from] LookupError),
    #[error(transparent)]
    Act(#[from] ActError),
}

// === impl Gateway ===

impl Gateway {
    /// Who decides for each public model.
    pub fn strategies(&self) -> Strategies {
        Strategies {
            models: self.current().routes().map(ModelView::of).collect(),
        }
    }

    /// Does one of the actions that the strategy of a public model offers.
    pub async fn move_strategy(&self, model: &str, action: &str) -> Result<Acted, MoveError> {
        let generation = self.current();
        let route = generation.route(model).ok_or_else(|| {
            let known: Vec<&str> = generation.routes().map(|route| route.name.as_str()).collect();
            let advice = among(model, "models", &known);
            LookupError::Unknown(format!("there is no public model called {model:?}, {advice}"))
        })?;
        let acted = route.act(action).await.inspect_err(|error| {
            if let ActError::Plugin(error) = error {
                PluginFailed { error }.emit();
            }
        })?;
        tracing::info!(
            model,
            strategy = acted.strategy,
            action,
            by = "admin",
            "strategy moved by hand"
        );
        Ok(acted)
    }
}
