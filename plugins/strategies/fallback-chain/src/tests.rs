//! The order of the settings, by example and over random pools.

use patchbay_sdk::strategy::Dice;
use patchbay_sdk::testkit::{Bench, assert_ranks_everybody};
use serde_json::{Value, json};

use super::*;

/// Candidates as `vendor account model`.
fn pool(names: &[&str]) -> Vec<Candidate> {
    let member = |name: &&str| {
        let parts: Vec<&str> = name.split(' ').collect();
        Candidate {
            vendor: parts[0].to_owned(),
            account: parts[1].to_owned(),
            model: parts[2].to_owned(),
            tags: Vec::new(),
        }
    };
    names.iter().map(member).collect()
}

fn order(settings: &Value, names: &[&str]) -> Vec<u32> {
    Bench::<FallbackChain>::configured(settings, pool(names))
        .unwrap()
        .rank()
        .order
}

const POOL: [&str; 6] = [
    "openai main gpt-4o",
    "openai spare gpt-4o",
    "groq main meta/llama-3",
    "together main meta/llama-3",
    "local default meta/llama-3",
    "local default qwen",
];

#[test]
fn entries_mean_all_that_fit_in_the_order_of_the_pool() {
    for (entries, expected) in [
        (json!([{"model": "meta/llama-3"}]), [2, 3, 4, 0, 1, 5]),
        (
            json!([{"vendor": "local"}, {"account": "spare"}]),
            [4, 5, 1, 0, 2, 3],
        ),
        (
            json!([{"vendor": "local", "account": "default", "model": "qwen"}, {"account": "main"}]),
            [5, 0, 2, 3, 1, 4],
        ),
        // The first entry that fits places a candidate.
        (
            json!([{"vendor": "together"}, {"model": "meta/llama-3"}, {"vendor": "local"}]),
            [3, 2, 4, 5, 0, 1],
        ),
        // What fits nobody does no harm.
        (
            json!([{"vendor": "gone"}, {"model": "llama-3"}, {"vendor": "local", "account": "main"}]),
            [0, 1, 2, 3, 4, 5],
        ),
    ] {
        assert_eq!(order(&json!({"order": entries}), &POOL), expected, "{entries}");
    }
}

#[test]
fn only_the_order_if_that_is_wanted() {
    let settings = json!({"order": [{"model": "qwen"}, {"vendor": "openai"}], "only": true});
    assert_eq!(order(&settings, &POOL), [5, 0, 1]);
    let mut bench = Bench::<FallbackChain>::configured(&settings, pool(&POOL)).unwrap();
    assert_eq!(bench.rank_among(&[1, 2, 3]).order, [1]);
    assert!(bench.rank_among(&[2, 3]).order.is_empty());
    assert!(order(&settings, &["groq main gpt-4o"]).is_empty());
}

#[test]
fn settings_that_say_nothing_or_something_unknown_are_refused() {
    for (settings, reason) in [
        (json!({}), "missing field `order`"),
        (json!({"order": ["openai/gpt-4o"]}), "invalid type"),
        (json!({"order": [{"modle": "gpt-4o"}]}), "unknown field `modle`"),
        (json!({"order": [], "onyl": true}), "unknown field `onyl`"),
    ] {
        let error = Bench::<FallbackChain>::configured(&settings, pool(&POOL)).unwrap_err();
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn everybody_is_ranked_behind_all_of_earlier_entries() {
    for seed in 0..500 {
        let mut dice = Dice::new(seed);
        let mut one_of = |names: &[&str]| names[dice.below(names.len())].to_owned();
        let (vendors, models) = (["v", "w", "x"], ["a/m", "m", "n"]);
        let pool: Vec<Candidate> = (0..20)
            .map(|index| Candidate {
                vendor: one_of(&vendors),
                account: index.to_string(),
                model: one_of(&models),
                tags: Vec::new(),
            })
            .collect();
        let entries: Vec<[Option<String>; 2]> = (0..4)
            .map(|_| {
                [
                    Some(one_of(&["v", "w", "gone"])),
                    Some(one_of(&models)).filter(|model| model != "n"),
                ]
            })
            .collect();
        let mut order = Vec::new();
        for [vendor, model] in &entries {
            let fits = |candidate: &Candidate| {
                vendor.as_ref().is_none_or(|name| *name == candidate.vendor)
                    && model.as_ref().is_none_or(|name| *name == candidate.model)
            };
            let found = (0u32..).zip(&pool).filter(|(_, candidate)| fits(candidate));
            for (index, _) in found {
                if !order.contains(&index) {
                    order.push(index);
                }
            }
        }
        let unnamed: Vec<u32> = (0..20).filter(|index| !order.contains(index)).collect();
        for only in [false, true] {
            let entries: Vec<Value> = entries
                .iter()
                .map(|[vendor, model]| json!({"vendor": vendor, "model": model}))
                .collect();
            let mut expected = order.clone();
            if !only {
                expected.extend(&unnamed);
            }
            let settings = json!({"order": entries, "only": only});
            let ranking = Bench::<FallbackChain>::configured(&settings, pool.clone())
                .unwrap()
                .rank();
            assert_eq!(ranking.order, expected, "seed {seed}");
        }
    }
}

#[test]
fn everybody_is_ranked() {
    assert_ranks_everybody::<FallbackChain>(
        &json!({"order": [{"model": "model-1"}, {"vendor": "vendor-2"}]}),
    );
}
