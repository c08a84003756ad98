//! What a strategy may do to the requests it ranks: nothing but choose. When it fails, the built-in order takes its
//! place and every request is served.

use patchbay_tests::component;

use crate::attack::Attack;

const CALL: &str = "took longer than the limit of 50 ms (plugins.limits.call)";
const ORDER: &str = "plugin/strategy.rs, StrategyInstance::check";

pub(crate) fn attacks() -> Vec<Attack> {
    vec![
        ranks("loop in rank", "{ rank = \"linger\" }", "limits.call (plugin/store.rs, check_time)")
            .under("call = \"50ms\"")
            .falls_back("call", CALL)
            .unless("call = \"20s\""),
        ranks("loop in configure", "{ configure = \"linger\" }", "limits.call (plugin/store.rs, check_time)")
            .under("call = \"50ms\"")
            .comes_to(&format!(
                "callers: 200\nnoticed: models.m: strategy suspect: plugin {WAYWARD}, strategy.configure: {CALL}; \
                 using the built-in order"
            ))
            .unless("call = \"20s\""),
        ranks("memory growth in rank", "{ rank = \"hoard\" }", "limits.memory (plugin/store.rs, memory_growing)")
            .under("memory = \"16MiB\"")
            .falls_back("memory", "needs more memory than the limit of 16777216 bytes (plugins.limits.memory)")
            .unless("memory = \"256MiB\""),
        ranks("a panic in rank", "{ rank = \"panic\" }", "plugin/error.rs, Problem::from_call").falls_back(
            "trap",
            "panicked at wayward/src/lib.rs:99:28: no idea whom to choose (wasm trap: wasm `unreachable` instruction \
             executed)",
        ),
        ranks("an index outside of the pool", "{ rank = \"unoffered\" }", ORDER)
            .falls_back("contract", "broke the contract: candidate 1000 was not offered"),
        ranks("an index given twice", "{ rank = \"twice\" }", ORDER)
            .falls_back("contract", "broke the contract: candidate 0 is ranked twice"),
        ranks("a state beyond measure", "{ rank = \"remember\" }", ORDER)
            .falls_back("contract", "broke the contract: a state of 65537 bytes; at most 65536"),
    ]
}

/// As the component says of itself.
const WAYWARD: &str = "suspect@version-placeholder-of-fixed-length-wayward";

fn ranks(name: &'static str, settings: &'static str, defence: &'static str) -> Attack {
    Attack::new(name, || component("wayward"), defence).ranks(settings)
}
