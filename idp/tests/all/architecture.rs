//! The dependencies between crates, between layers and between modules run one way.

mod modules;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::Visit;

/// What each member of the workspace may depend on among the others.
const CRATES: [(&str, &[&str]); 8] = [
    ("keys", &[]),
    ("entity", &[]),
    ("migration", &[]),
    ("openapi", &["keys", "entity", "migration"]),
    ("idp", &["keys", "entity", "migration", "openapi"]),
    ("connecting", &[]),
    ("relying-party", &[]),
    ("bench", &[]),
];

/// What each floor may use among the others. A floor that isn't listed uses nothing but itself.
const FLOORS: [(&str, &[&str]); 4] = [
    ("domain", &[]),
    ("store", &["domain"]),
    ("service", &["domain", "store", "config"]),
    ("http", &["domain", "service", "config", "telemetry"]),
];

#[test]
fn crates_depend_in_one_direction() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml");
    let metadata = cargo_metadata::MetadataCommand::new().manifest_path(manifest).no_deps().exec().unwrap();
    let members: BTreeSet<&str> = metadata.packages.iter().map(|package| package.name.as_str()).collect();
    let known: BTreeSet<&str> = CRATES.iter().map(|(name, _)| *name).collect();
    assert_eq!(members, known, "a new crate needs a place in the plan");
    for package in &metadata.packages {
        let (_, allowed) = CRATES.iter().find(|(name, _)| *name == package.name.as_str()).unwrap();
        let used = package.dependencies.iter().map(|dependency| dependency.name.as_str());
        for dependency in used.filter(|name| members.contains(name)) {
            assert!(allowed.contains(&dependency), "{} must not depend on {dependency}", package.name);
        }
    }
}

#[test]
fn floors_use_one_another_in_one_direction() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    let mut looked_at = 0;
    for (floor, allowed) in FLOORS {
        for file in rust_files(&src, floor) {
            looked_at += 1;
            for used in crate_paths(&file) {
                let floor_above =
                    FLOORS.iter().any(|(name, _)| *name == used) || matches!(&*used, "cli" | "app" | "config");
                if used != floor && floor_above && !allowed.contains(&used.as_str()) {
                    wrong.push(format!("{} uses crate::{used}", file.display()));
                }
            }
        }
    }
    assert!(looked_at > 50, "only {looked_at} files were found");
    assert!(wrong.is_empty(), "arrows that run up:\n{}", wrong.join("\n"));
}

/// Modules that are still in cycles, by their top-level module. The numbers only shrink.
const IN_CYCLES: [(&str, usize); 5] = [("cli", 8), ("domain", 2), ("service", 41), ("store", 9), ("telemetry", 2)];

#[test]
fn modules_use_one_another_without_cycles() {
    let graph = modules::Graph::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    assert!(graph.len() > 200, "only {} modules were found", graph.len());
    let cycles = graph.cycles();
    let mut found: BTreeMap<&str, usize> = BTreeMap::new();
    for module in cycles.iter().flatten() {
        *found.entry(module.split("::").next().unwrap_or_default()).or_default() += 1;
    }
    let known: BTreeMap<&str, usize> = IN_CYCLES.into();
    let printed: Vec<String> = cycles.iter().map(|cycle| format!("{cycle:?}")).collect();
    for (top, count) in &found {
        let most = known.get(top).copied().unwrap_or_default();
        assert!(*count <= most, "{found:?}: modules of {top} in cycles: {most} are known:\n{}", printed.join("\n"));
    }
}

#[test]
fn only_the_store_spells_entities() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for floor in ["domain", "service", "http", "cli"] {
        for file in rust_files(&src, floor) {
            let text = fs::read_to_string(&file).unwrap();
            for word in ["sea_orm", "entity::"] {
                assert!(!text.contains(word), "{} speaks of {word}", file.display());
            }
        }
    }
}

#[test]
fn no_file_is_longer_than_500_lines() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut long = Vec::new();
    for folder in ["keys/src", "entity/src", "migration/src", "openapi/src", "idp/src", "bench/src", "examples"] {
        for file in files_below(&root.join(folder)) {
            let lines = fs::read_to_string(&file).unwrap().lines().count();
            if lines > 500 {
                long.push(format!("{}: {lines}", file.display()));
            }
        }
    }
    assert!(long.is_empty(), "files that miss a noun:\n{}", long.join("\n"));
}

fn rust_files(src: &Path, floor: &str) -> Vec<PathBuf> {
    let mut files = files_below(&src.join(floor));
    let single = src.join(format!("{floor}.rs"));
    if single.exists() {
        files.push(single);
    }
    files
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target" && name != "node_modules") {
            found.extend(files_below(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// The first segment after `crate::` of every path in a file, also inside functions and `use` groups.
fn crate_paths(file: &Path) -> BTreeSet<String> {
    #[derive(Default)]
    struct Paths(BTreeSet<String>);

    impl Paths {
        fn tree(&mut self, tree: &syn::UseTree) {
            match tree {
                syn::UseTree::Path(path) if path.ident == "crate" => self.first(&path.tree),
                syn::UseTree::Group(group) => group.items.iter().for_each(|tree| self.tree(tree)),
                _ => {}
            }
        }

        fn first(&mut self, tree: &syn::UseTree) {
            match tree {
                syn::UseTree::Path(path) => drop(self.0.insert(path.ident.to_string())),
                syn::UseTree::Name(name) => drop(self.0.insert(name.ident.to_string())),
                syn::UseTree::Rename(name) => drop(self.0.insert(name.ident.to_string())),
                syn::UseTree::Group(group) => group.items.iter().for_each(|tree| self.first(tree)),
                syn::UseTree::Glob(_) => {}
            }
        }
    }

    impl<'ast> Visit<'ast> for Paths {
        fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
            self.tree(&item.tree);
        }

        fn visit_path(&mut self, path: &'ast syn::Path) {
            let mut segments = path.segments.iter();
            if segments.next().is_some_and(|segment| segment.ident == "crate")
                && let Some(second) = segments.next()
            {
                self.0.insert(second.ident.to_string());
            }
            syn::visit::visit_path(self, path);
        }
    }

    let mut paths = Paths::default();
    paths.visit_file(&syn::parse_file(&fs::read_to_string(file).unwrap()).unwrap());
    paths.0
}
