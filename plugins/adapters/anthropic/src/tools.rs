//! The tools a model may call, and whether it must.

use patchbay_sdk::adapter::Failure;
use serde_json::{Map, Value, json};

use crate::parts::within;
use crate::request::Draft;

/// Sets `tools` and `tool_choice`. `parallel`: the canonical `parallel_tool_calls`.
pub(crate) fn translate(
    draft: &mut Draft,
    tools: Vec<Value>,
    choice: Option<Value>,
    parallel: Option<&Value>,
) -> Result<(), Failure> {
    let choice = choice.map(|choice| tool_choice(&choice)).transpose()?;
    if tools.is_empty() {
        // Without tools the vendor takes no choice, and there is none.
        let harmless = |choice: &Value| matches!(choice["type"].as_str(), Some("auto" | "none"));
        return match choice {
            Some(choice) if !harmless(&choice) => {
                Err(Failure::invalid("tool_choice", "tool_choice without tools"))
            }
            _ => Ok(()),
        };
    }
    let translated: Result<Vec<Value>, Failure> = tools
        .into_iter()
        .enumerate()
        .map(|(at, mut one)| {
            tool(draft, &mut one).map_err(|failure| within(&format!("tools[{at}]"), failure))
        })
        .collect();
    draft.set("tools", translated?);
    let one_at_a_time = parallel == Some(&Value::Bool(false));
    let choice = match choice {
        Some(mut choice) => {
            if one_at_a_time && choice["type"] != "none" {
                choice["disable_parallel_tool_use"] = true.into();
            }
            Some(choice)
        }
        None => one_at_a_time.then(|| json!({"type": "auto", "disable_parallel_tool_use": true})),
    };
    if let Some(choice) = choice {
        draft.set("tool_choice", choice);
    }
    Ok(())
}

fn tool(draft: &mut Draft, tool: &mut Value) -> Result<Value, Failure> {
    if tool["type"] != "function" {
        return Err(Failure::unfit(
            "type",
            "this adapter knows only tools that are functions",
        ));
    }
    let name = tool["function"]["name"].as_str().filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| Failure::invalid("function.name", "a function needs a name"))?;
    let mut translated = Map::new();
    translated.insert("name".to_owned(), name.into());
    if let Some(description) = tool["function"]["description"].as_str() {
        translated.insert("description".to_owned(), description.into());
    }
    if tool["function"]["strict"] == true {
        draft.drop("tools[].function.strict");
    }
    let parameters = match tool["function"]["parameters"].take() {
        Value::Null => json!({"type": "object", "properties": {}}),
        parameters => parameters,
    };
    translated.insert("input_schema".to_owned(), parameters);
    // Not canonical, but the only way to make the vendor cache them.
    match tool["cache_control"].take() {
        Value::Null => {}
        cache_control => {
            translated.insert("cache_control".to_owned(), cache_control);
        }
    }
    Ok(translated.into())
}

fn tool_choice(choice: &Value) -> Result<Value, Failure> {
    let named = || {
        choice["function"]["name"]
            .as_str()
            .filter(|_| choice["type"] == "function")
    };
    match choice.as_str() {
        Some("auto") => Ok(json!({"type": "auto"})),
        Some("none") => Ok(json!({"type": "none"})),
        Some("required") => Ok(json!({"type": "any"})),
        _ => match named() {
            Some(name) => Ok(json!({"type": "tool", "name": name})),
            None => Err(Failure::invalid(
                "tool_choice",
                "tool_choice is auto, none, required or the name of a function",
            )),
        },
    }
}
