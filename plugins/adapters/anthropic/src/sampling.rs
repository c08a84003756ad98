//! Temperature and its kin, of which the vendor's models take less than the canonical form offers.

use serde_json::Value;

use crate::request::Draft;
use crate::settings::Sampling;

/// How the caller wants the next token chosen.
pub(crate) struct Sampled {
    pub(crate) temperature: Option<f64>,
    pub(crate) top_p: Option<f64>,
    pub(crate) top_k: Option<Value>,
}

impl Sampled {
    /// A model that thinks takes none of them.
    pub(crate) fn write(self, allowed: Sampling, thinking: bool, draft: &mut Draft) {
        if thinking || allowed == Sampling::None {
            let asked = [
                ("temperature", self.temperature.is_some()),
                ("top_p", self.top_p.is_some()),
                ("top_k", self.top_k.is_some()),
            ];
            let why = if thinking {
                "while it thinks"
            } else {
                "by the settings"
            };
            for (member, _) in asked.iter().filter(|(_, asked)| *asked) {
                draft.warn(format!("{member} was dropped: the model takes none {why}"));
            }
            return;
        }
        if let Some(temperature) = self.temperature {
            let clamped = temperature.clamp(0.0, 1.0);
            if clamped != temperature {
                draft.warn(format!(
                    "temperature {temperature} became {clamped}: the vendor's scale ends there"
                ));
            }
            draft.set("temperature", clamped);
        }
        match self.top_p {
            Some(_) if self.temperature.is_some() && allowed == Sampling::One => {
                draft.warn(
                    "top_p was dropped: there is a temperature, and models refuse both together".to_owned(),
                );
            }
            Some(top_p) => draft.set("top_p", top_p),
            None => {}
        }
        if let Some(top_k) = self.top_k {
            draft.set("top_k", top_k);
        }
    }
}
