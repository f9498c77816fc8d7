//! The check itself: reads manifests and sources, and compares them with the rules.

use std::{
    fs,
    path::{Path, PathBuf},
};

use toml::{Table, Value};

use super::rules::{CRATES, CrateRule, FOUNDATIONS, LAYERS, ModuleRule, WIRE_CRATES, WIRING};
use crate::source::{Reference, code_of, is_test, references, rust_files};

/// May use everything, also what no rule knows.
const TESTS: &str = "codeplane-tests";
/// The crate whose modules are layers.
const DAEMON: &str = "codeplane-server";

/// Every arrow in the workspace at `root` that no rule allows, as `file:line: what`.
pub(super) fn violations(root: &Path) -> Vec<String> {
    let workspace = manifest(&root.join("Cargo.toml"));
    let members = workspace["workspace"]["members"].as_array().expect("members are a list");
    let mut found: Vec<String> = members
        .iter()
        .map(|member| root.join(member.as_str().expect("a member is a path")))
        .flat_map(|directory| Package::read(root, directory).violations())
        .collect();
    // A group in braces is one arrow, however many names it has.
    found.dedup();
    found
}

struct Package<'a> {
    root: &'a Path,
    directory: PathBuf,
    manifest: Table,
    name: String,
}

impl<'a> Package<'a> {
    fn read(root: &'a Path, directory: PathBuf) -> Self {
        let manifest = manifest(&directory.join("Cargo.toml"));
        let name = manifest["package"]["name"].as_str().expect("a package has a name").to_owned();
        Self { root, directory, manifest, name }
    }

    fn violations(&self) -> Vec<String> {
        if self.name == TESTS {
            return Vec::new();
        }
        let Some(rule) = CRATES.iter().find(|rule| rule.name == self.name) else {
            return vec![format!("{}: no rule for crate {}", self.shown("Cargo.toml"), self.name)];
        };
        let mut found = self.wrong_dependencies(rule);
        let files = rust_files(&self.directory.join("src"));
        for file in files.iter().filter(|file| !self.is_test(file)) {
            found.extend(self.wrong_uses(rule, file));
        }
        if self.name == DAEMON {
            found.extend(self.unknown_modules());
        }
        found
    }

    /// Arrows of the manifest. Those for tests are free: `dev-dependencies` reach no user.
    fn wrong_dependencies(&self, rule: &CrateRule) -> Vec<String> {
        let tables = ["dependencies", "build-dependencies"];
        let dependencies =
            tables.iter().filter_map(|table| self.manifest.get(*table)?.as_table()).flatten();
        let mut found = Vec::new();
        for (name, how) in dependencies {
            let is_ours = name.starts_with("codeplane-") || name == "cpctl";
            if is_ours && !rule.uses.contains(&name.as_str()) {
                found.push(self.violation("Cargo.toml", &format!("depend on {name}")));
            }
            if rule.shuns.contains(&name.replace('-', "_").as_str()) {
                found.push(self.violation("Cargo.toml", &format!("depend on {name}")));
            }
            let features = how.get("features").and_then(Value::as_array).into_iter().flatten();
            for feature in features.filter_map(Value::as_str) {
                if is_ours && rule.avoids_features.contains(&feature) {
                    let what = format!("use the feature {feature} of {name}");
                    found.push(self.violation("Cargo.toml", &what));
                }
            }
        }
        found
    }

    fn wrong_uses(&self, rule: &CrateRule, file: &Path) -> Vec<String> {
        let text = fs::read_to_string(file).expect("a source is text");
        let module = self.module_of(file);
        let references = references(&text, &module);
        let mut found = Vec::new();
        for one in &references {
            let touched = rule.touches.iter().find(|(package, _)| *package == one.package);
            if touched.is_some_and(|(_, names)| !names.contains(&one.segment.as_str())) {
                let what = format!("use {}::{}", one.package, one.segment);
                found.push(self.violation_at(file, one.line, &self.name, &what));
            }
        }
        for (line, name) in mentions(&text, rule.shuns) {
            found.push(self.violation_at(file, line, &self.name, &format!("use {name}")));
        }
        if self.name == DAEMON
            && let Some(first) = module.first()
        {
            found.extend(self.wrong_layer_uses(file, first, &text, &references));
        }
        found
    }

    fn wrong_layer_uses(
        &self,
        file: &Path,
        module: &str,
        text: &str,
        references: &[Reference],
    ) -> Vec<String> {
        if WIRING.contains(&module) {
            return Vec::new();
        }
        let layer = LAYERS.iter().find(|layer| layer.name == module);
        let mut found = Vec::new();
        for one in references.iter().filter(|one| !is_allowed(layer, module, one)) {
            let what = match one.package.as_str() {
                "crate" => format!("use crate::{}", one.segment),
                package => format!("use {package}"),
            };
            found.push(self.violation_at(file, one.line, module, &what));
        }
        if module != "grpc" {
            for (line, name) in mentions(text, WIRE_CRATES) {
                found.push(self.violation_at(file, line, module, &format!("use {name}")));
            }
        }
        found
    }

    fn unknown_modules(&self) -> Vec<String> {
        let mut modules: Vec<String> = rust_files(&self.directory.join("src"))
            .iter()
            .filter_map(|file| self.module_of(file).into_iter().next())
            .filter(|module| {
                let known = |names: &[&str]| names.contains(&module.as_str());
                !known(WIRING)
                    && !known(FOUNDATIONS)
                    && !LAYERS.iter().any(|layer| layer.name == module)
            })
            .collect();
        modules.dedup();
        let shown = self.shown("src");
        modules.iter().map(|module| format!("{shown}: no rule for module {module}")).collect()
    }

    fn is_test(&self, file: &Path) -> bool {
        is_test(file.strip_prefix(&self.directory).unwrap_or(file))
    }

    /// Path of the module that `file` holds; `lib` and `main` for the roots.
    fn module_of(&self, file: &Path) -> Vec<String> {
        let path = file.strip_prefix(self.directory.join("src")).expect("it lies there");
        let mut module: Vec<String> =
            path.with_extension("").iter().map(|part| part.to_string_lossy().into()).collect();
        module.pop_if(|last| last == "mod");
        module
    }

    fn violation(&self, file: &str, what: &str) -> String {
        format!("{}: {} must not {what}", self.shown(file), self.name)
    }

    fn violation_at(&self, file: &Path, line: usize, who: &str, what: &str) -> String {
        let file = file.strip_prefix(self.root).unwrap_or(file);
        format!("{}:{line}: {who} must not {what}", file.display())
    }

    fn shown(&self, file: &str) -> String {
        let path = self.directory.join(file);
        path.strip_prefix(self.root).unwrap_or(&path).display().to_string()
    }
}

fn is_allowed(layer: Option<&ModuleRule>, module: &str, one: &Reference) -> bool {
    let segment = one.segment.as_str();
    match one.package.as_str() {
        "codeplane_core" => true,
        // A name that is no module of ours: a macro, a type of the root, a glob.
        "crate" if !is_module(segment) => true,
        "crate" => {
            segment == module
                || FOUNDATIONS.contains(&segment)
                || layer.is_some_and(|layer| layer.modules.contains(&segment))
        }
        package => layer.is_some_and(|layer| layer.crates.contains(&package)),
    }
}

fn is_module(name: &str) -> bool {
    FOUNDATIONS.contains(&name)
        || WIRING.contains(&name)
        || LAYERS.iter().any(|layer| layer.name == name)
}

/// Where the code of `text` has one of `names` as the beginning of a path.
fn mentions(text: &str, names: &[&str]) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (index, line) in code_of(text).lines().enumerate() {
        for name in names {
            let is_path = |at: usize| {
                let before = line[..at].chars().next_back();
                let is_start = before.is_none_or(|char| !char.is_alphanumeric() && char != '_');
                let rest = &line[at + name.len()..];
                let is_whole =
                    !rest.starts_with(|char: char| char.is_alphanumeric() || char == '_');
                let is_inner = line[..at].ends_with("::");
                let is_path =
                    name.contains("::") || rest.starts_with("::") || rest.starts_with(';');
                is_start && is_whole && is_path && !is_inner
            };
            if line.match_indices(name).any(|(at, _)| is_path(at)) {
                found.push((index + 1, (*name).to_owned()));
            }
        }
    }
    found
}

fn manifest(path: &Path) -> Table {
    let text = fs::read_to_string(path).unwrap_or_else(|error| {
        panic!("{}: {error}", path.display());
    });
    text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
