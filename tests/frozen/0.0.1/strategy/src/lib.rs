//! A strategy of contract 0.0.1: the last candidate first.

use std::cell::RefCell;

use exports::patchbay::plugin::strategy::{Candidate, Description, Guest, Ranking, Request};
use patchbay::plugin::log::{Level, emit};

wit_bindgen::generate!({ path: "../../../../wit/0.0.1", world: "strategy-plugin" });

thread_local! {
    static POOL: RefCell<usize> = const { RefCell::new(0) };
}

struct Old;

impl Guest for Old {
    fn describe() -> Description {
        Description {
            version: "0.0.1".to_owned(),
            settings_schema: r#"{"type": "object", "additionalProperties": false}"#.to_owned(),
            facts: vec!["available".to_owned()],
        }
    }

    fn configure(_: String, pool: Vec<Candidate>) -> Result<(), String> {
        POOL.set(pool.len());
        Ok(())
    }

    fn rank(request: Request, candidates: Vec<u32>, facts: Vec<f64>, _: Vec<u8>) -> Result<Ranking, String> {
        emit(
            Level::Debug,
            &format!("{} of {}", candidates.len(), POOL.with_borrow(|pool| *pool)),
        );
        if facts.len() != candidates.len() {
            return Err(format!("{} facts for {}", facts.len(), request.model));
        }
        Ok(Ranking {
            order: candidates.into_iter().rev().collect(),
            state: None,
        })
    }
}

export!(Old);
