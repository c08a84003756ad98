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

pub mod control {
    //! Interface `control`, beside `strategy` in one component. A world of its own, so that a strategy exports any
    //! of the optional interfaces: the worlds of a component are united when it is built.
    wit_bindgen::generate!({
        path: "../../wit/0.1.0",
        inline: "package patchbay:sdk; world steered { export patchbay:plugin/control@0.1.0; }",
        world: "patchbay:sdk/steered",
        pub_export_macro: true,
        export_macro_name: "export_control_component",
    });
}

pub mod observer {
    //! Interface `observer`, likewise.
    wit_bindgen::generate!({
        path: "../../wit/0.1.0",
        inline: "package patchbay:sdk; world learning { export patchbay:plugin/observer@0.1.0; }",
        world: "patchbay:sdk/learning",
        pub_export_macro: true,
        export_macro_name: "export_observer_component",
        additional_derives: [PartialEq],
    });
}
