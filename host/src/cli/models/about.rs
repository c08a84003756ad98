//! What can be said of a model in options.

use anyhow::anyhow;
use clap::Args;
use serde_json::{Value, json};

use crate::cli::keys::Share;
use crate::config::from_text;

/// What is said of a model.
#[derive(Debug, Args)]
pub(super) struct About {
    #[command(flatten)]
    share: Share,
    /// What it can do, separated by commas: chat, streaming, tools, vision, embeddings
    #[arg(long, value_delimiter = ',', value_name = "WHAT,...")]
    capabilities: Option<Vec<String>>,
    /// In tokens
    #[arg(long, value_name = "TOKENS")]
    context_length: Option<u32>,
    /// In tokens
    #[arg(long, value_name = "TOKENS")]
    max_output_tokens: Option<u32>,
    /// Attempts at once, with each account
    #[arg(long, value_name = "COUNT")]
    concurrency: Option<u32>,
    /// US dollars per million tokens of input
    #[arg(long, value_name = "DOLLARS")]
    price_input: Option<f64>,
    /// US dollars per million tokens of output
    #[arg(long, value_name = "DOLLARS")]
    price_output: Option<f64>,
    /// US dollars per million tokens of input that the vendor has kept
    #[arg(long, value_name = "DOLLARS")]
    price_cached_input: Option<f64>,
    /// A member set in requests that do not hold it, such as temperature=0.2
    #[arg(long = "parameter", value_name = "NAME=VALUE")]
    parameters: Vec<String>,
}

// === impl About ===

impl About {
    /// By field, or by field and part of it.
    pub(super) fn fields(&self) -> anyhow::Result<Vec<(Vec<String>, Value)>> {
        let share = self.share.fields().into_iter();
        let mut fields: Vec<(Vec<String>, Value)> = share.map(|(name, value)| (vec![name], value)).collect();
        let own = [
            (
                &["capabilities"][..],
                self.capabilities.as_ref().map(|list| json!(list)),
            ),
            (&["context_length"], self.context_length.map(Value::from)),
            (&["max_output_tokens"], self.max_output_tokens.map(Value::from)),
            (&["concurrency"], self.concurrency.map(Value::from)),
            (&["price", "input"], self.price_input.map(Value::from)),
            (&["price", "output"], self.price_output.map(Value::from)),
            (
                &["price", "cached_input"],
                self.price_cached_input.map(Value::from),
            ),
        ];
        let own = own.into_iter().filter_map(|(keys, value)| Some((keys, value?)));
        fields.extend(own.map(|(keys, value)| (keys.iter().map(|key| (*key).to_owned()).collect(), value)));
        for parameter in &self.parameters {
            let (name, value) = parameter
                .split_once('=')
                .ok_or_else(|| anyhow!("{parameter:?} is not NAME=VALUE, such as temperature=0.2"))?;
            let value = from_text(value).map_err(|why| anyhow!("the value of {name} {why}"))?;
            fields.push((vec!["parameters".to_owned(), name.to_owned()], value));
        }
        Ok(fields)
    }
}
