//! What may use what. The reasons are in ARCHITECTURE.md.

/// One crate.
pub(super) struct CrateRule {
    /// Its package.
    pub(super) name: &'static str,
    /// Our crates it may depend on.
    pub(super) uses: &'static [&'static str],
    /// Of the crates it may depend on: the only modules or names it may touch.
    pub(super) touches: &'static [(&'static str, &'static [&'static str])],
    /// Foreign crates and parts of `std` that it must not use.
    pub(super) shuns: &'static [&'static str],
    /// Features of our crates that it must not ask for.
    pub(super) avoids_features: &'static [&'static str],
}

const ASYNC: &str = "tokio";
const WIRE: [&str; 3] = ["tonic", "prost", "codeplane_proto"];

/// All crates of the workspace but `codeplane-tests`, which may use all.
pub(super) const CRATES: &[CrateRule] = &[
    CrateRule {
        name: "codeplane-core",
        uses: &[],
        touches: &[],
        // Pure: no IO, no async, no clock, no wire format.
        shuns: &[
            ASYNC,
            WIRE[0],
            WIRE[1],
            "diesel",
            "serde",
            "libc",
            "nix",
            "std::env",
            "std::fs",
            "std::net",
            "std::process",
            "std::thread",
            "std::time::Instant",
            "std::time::SystemTime",
        ],
        avoids_features: &[],
    },
    CrateRule {
        name: "codeplane-proto",
        uses: &[],
        touches: &[],
        shuns: &["diesel"],
        avoids_features: &[],
    },
    CrateRule {
        name: "codeplane-terminal",
        uses: &["codeplane-core"],
        touches: &[],
        shuns: &[ASYNC, WIRE[0], WIRE[1], "diesel", "std::fs", "std::net", "std::process"],
        avoids_features: &[],
    },
    CrateRule {
        name: "codeplane-store",
        uses: &["codeplane-core"],
        touches: &[],
        shuns: &[WIRE[0], WIRE[1]],
        avoids_features: &[],
    },
    CrateRule {
        name: "codeplane-shim",
        uses: &["codeplane-core"],
        touches: &[],
        // Small and boring: no runtime.
        shuns: &[ASYNC, WIRE[0], WIRE[1], "diesel", "serde"],
        avoids_features: &[],
    },
    CrateRule {
        name: "codeplane-server",
        uses: &[
            "codeplane-core",
            "codeplane-proto",
            "codeplane-shim",
            "codeplane-store",
            "codeplane-terminal",
        ],
        touches: &[],
        shuns: &["diesel", "alacritty_terminal"],
        avoids_features: &[],
    },
    CrateRule {
        name: "codeplane-client",
        uses: &["codeplane-proto", "codeplane-terminal"],
        touches: &[],
        shuns: &["diesel", "alacritty_terminal"],
        avoids_features: &["emulator"],
    },
    CrateRule {
        name: "cpctl",
        uses: &["codeplane-client", "codeplane-server"],
        touches: &[("codeplane_server", &["entry"])],
        shuns: &["diesel", "alacritty_terminal"],
        avoids_features: &["emulator"],
    },
];

/// One module of the daemon.
pub(super) struct ModuleRule {
    /// Its name; a file or a directory in `src`.
    pub(super) name: &'static str,
    /// Modules of the daemon it may use, beside itself and the foundations.
    pub(super) modules: &'static [&'static str],
    /// Our crates it may use, beside `codeplane_core`.
    pub(super) crates: &'static [&'static str],
}

/// The layers of the daemon, highest first.
pub(super) const LAYERS: &[ModuleRule] = &[
    // The terminal crate is pure as core is, and its screens are values: every layer may hold them.
    ModuleRule {
        name: "grpc",
        modules: &["app"],
        crates: &["codeplane_proto", "codeplane_terminal"],
    },
    ModuleRule {
        name: "app",
        modules: &["session", "agents"],
        crates: &["codeplane_store", "codeplane_terminal"],
    },
    ModuleRule { name: "session", modules: &[], crates: &["codeplane_shim", "codeplane_terminal"] },
    ModuleRule { name: "agents", modules: &[], crates: &[] },
];

/// Modules of the daemon that every layer may use, and that use none.
pub(super) const FOUNDATIONS: &[&str] =
    &["clock", "config", "directories", "hook_entry", "os", "shutdown", "telemetry"];

/// Files of the daemon that put the layers together.
pub(super) const WIRING: &[&str] = &["lib", "main", "entry", "serve"];

/// Foreign crates that only `grpc` and the wiring know.
pub(super) const WIRE_CRATES: &[&str] =
    &["tonic", "tonic_health", "tonic_reflection", "tonic_types", "prost", "prost_types"];
