//! A strategy that is moved by hand: its state is the number of the candidate it begins with. Made from the contract
//! alone, without the SDK. Besides it offers actions that no strategy should.
#![expect(
    unsafe_code,
    unsafe_op_in_unsafe_fn,
    reason = "the generated bindings are the way in"
)]

use exports::patchbay::plugin::control;
use exports::patchbay::plugin::strategy::{self, Candidate, Description, Ranking, Request};

wit_bindgen::generate!({
    path: "../../../wit/0.1.0",
    world: "steered-strategy-plugin",
});

struct Steered;

fn begins_with(state: &[u8]) -> usize {
    state.first().copied().unwrap_or_default().into()
}

impl strategy::Guest for Steered {
    fn describe() -> Description {
        Description {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            settings_schema: r#"{"type": "object", "additionalProperties": false}"#.to_owned(),
            facts: vec!["weight".to_owned(), "latency-ms".to_owned()],
        }
    }

    fn configure(_: String, _: Vec<Candidate>) -> Result<(), String> {
        Ok(())
    }

    fn rank(_: Request, candidates: Vec<u32>, _: Vec<f64>, state: Vec<u8>) -> Result<Ranking, String> {
        let first = begins_with(&state);
        let mut order = candidates;
        let places = order.len();
        order.rotate_left(first % places);
        Ok(Ranking {
            order,
            state: None,
            note: Some(format!("moved {first} times")),
        })
    }
}

impl control::Guest for Steered {
    fn actions() -> Vec<String> {
        ["next", "reset", "refuse", "panic", "remember"]
            .map(str::to_owned)
            .to_vec()
    }

    fn act(action: String, state: Vec<u8>) -> Result<Vec<u8>, String> {
        match action.as_str() {
            "next" => Ok(vec![begins_with(&state) as u8 + 1]),
            "reset" => Ok(Vec::new()),
            "refuse" => Err("not from here".to_owned()),
            "remember" => Ok(vec![0; (64 << 10) + 1]),
            _ => panic!("no idea where to"),
        }
    }
}

export!(Steered);
