//! What `wit-bindgen` makes of the contract in `wit/`. Nothing is written here by hand: tidier faces of these
//! types are in [`crate::adapter`] and [`crate::strategy`].

pub mod adapter {
    //! World `adapter-plugin`.
    wit_bindgen::generate!({
        path: "../../wit/0.1.0",
        world: "adapter-plugin",
        pub_export_macro: true,
        export_macro_name: "export_adapter_component",
        additional_derives: [PartialEq],
    });
}

pub mod strategy {
    //! World `strategy-plugin`, over the same words.
    wit_bindgen::generate!({
        path: "../../wit/0.1.0",
        world: "strategy-plugin",
        pub_export_macro: true,
        export_macro_name: "export_strategy_component",
        additional_derives: [PartialEq],
        with: {
            "patchbay:plugin/types@0.1.0": crate::bindings::adapter::patchbay::plugin::types,
            "patchbay:plugin/log@0.1.0": crate::bindings::adapter::patchbay::plugin::log,
        },
    });
}
