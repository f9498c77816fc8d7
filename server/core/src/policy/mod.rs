//! What agents may do: rules, and how a tool call is judged by them.
//!
//! `analyse(request)` gives units and asks about paths, somebody who may touch files answers,
//! `evaluate(rules.at(now), request, analysis, facts)` decides. Denies and asks look for more than is
//! there; an allow must fit exactly.

mod analyse;
mod bash;
mod command;
mod document;
mod escalation;
mod evaluate;
mod facts;
mod glob;
mod interpreter;
mod json;
mod limits;
mod names;
mod near;
mod path;
mod programs;
mod protected;
mod reach;
mod request;
mod rule;
mod ruleset;
mod shell;
mod shorthand;
pub mod starter;
mod time;
mod url;
mod wrappers;

pub use analyse::analyse;
pub use document::{Document, Finding, Format, Problem};
pub use escalation::VERSION as ESCALATION_VERSION;
pub use evaluate::{
    Grant, GrantScope, GrantSet, Grantable, NamedPath, Suggestion, UnitVerdict, Verdict, evaluate,
    evaluate_with_grants, suggest,
};
pub use facts::{FileFacts, FileKind, PathFacts, Questions, Resolution};
pub use json::Value;
pub use path::Places;
pub use request::{Analysis, Request};
pub use rule::{Effect, Rule};
pub use ruleset::{RuleSet, RulesAt};
pub use time::parse as parse_time;
