//! Verdicts and facts as JSON: what is printed, and what is kept so that it can be explained.

use codeplane_core::policy::{NamedPath, Resolution, UnitVerdict, Verdict};
use serde_json::{Value, json};

use super::again::JudgedIn;

/// A verdict, as a simulation prints it and decisions keep it.
#[must_use]
pub(in crate::app) fn verdict_json(verdict: &Verdict) -> String {
    json!({
        "decision": verdict.decision.name(),
        "units": verdict.units.iter().map(unit).collect::<Vec<_>>(),
        "rules": verdict.rules,
        "reasons": verdict.reasons,
    })
    .to_string()
}

fn unit(unit: &UnitVerdict) -> Value {
    let mut value = json!({
        "tool": unit.tool,
        "text": unit.text,
        "decision": unit.decision.name(),
        "rules": unit.rules,
        "reasons": unit.reasons,
    });
    if !unit.paths.is_empty() {
        value["paths"] = unit.paths.iter().map(path).collect();
    }
    value
}

/// As the kernel has it, where that is known.
fn path(path: &NamedPath) -> &str {
    path.resolved.as_deref().unwrap_or(&path.lexical)
}

/// What the paths of a call were, and what else it was judged in.
#[must_use]
pub(in crate::app) fn facts_json(facts: &Resolution, within: &JudgedIn) -> String {
    let paths = facts.paths().iter().map(|(path, facts)| {
        (path.clone(), json!({"resolved": facts.resolved, "kind": facts.kind.as_str()}))
    });
    let globs = facts.globs().iter().map(|(glob, found)| (glob.clone(), json!(found)));
    json!({
        "paths": paths.collect::<serde_json::Map<_, _>>(),
        "globs": globs.collect::<serde_json::Map<_, _>>(),
        "judged_in": within,
    })
    .to_string()
}
