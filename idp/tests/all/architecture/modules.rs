//! The graph of modules within `idp`, and its cycles.
//!
//! A module is a file. A path (`use`, or within code) that begins with `crate`, `self`, `super`, a child module or an
//! imported name is an edge to the module that defines its target; re-exports are followed. Declaring a child and
//! re-exporting its items is no edge. Unit tests and the arguments of macros don't count.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use syn::visit::Visit;

/// Segments of a path below `crate`; empty for the root.
pub(super) type Module = Vec<String>;

fn joined(first: &[String], second: &[String]) -> Module {
    first.iter().chain(second).cloned().collect()
}

/// The paths of one file.
#[derive(Default)]
struct Paths {
    /// The path and the local name of each `use`.
    imports: Vec<(Vec<String>, String)>,
    /// The same of each `pub use`.
    exports: Vec<(Vec<String>, String)>,
    inline: Vec<Vec<String>>,
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Path>().is_ok_and(|argument| argument.is_ident("test"))
    })
}

fn leaves(tree: &syn::UseTree, before: &[String], found: &mut Vec<(Vec<String>, String)>) {
    let with = |ident: &syn::Ident| joined(before, &[ident.to_string()]);
    match tree {
        syn::UseTree::Path(path) => leaves(&path.tree, &with(&path.ident), found),
        syn::UseTree::Group(group) => group.items.iter().for_each(|tree| leaves(tree, before, found)),
        syn::UseTree::Name(name) if name.ident == "self" => {
            found.push((before.to_vec(), before.last().cloned().unwrap_or_default()));
        }
        syn::UseTree::Name(name) => found.push((with(&name.ident), name.ident.to_string())),
        syn::UseTree::Rename(name) if name.ident == "self" => found.push((before.to_vec(), name.rename.to_string())),
        syn::UseTree::Rename(name) => found.push((with(&name.ident), name.rename.to_string())),
        syn::UseTree::Glob(_) => found.push((before.to_vec(), "*".to_owned())),
    }
}

impl<'ast> Visit<'ast> for Paths {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_test(&item.attrs) {
            syn::visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let is_private = matches!(item.vis, syn::Visibility::Inherited);
        leaves(&item.tree, &[], if is_private { &mut self.imports } else { &mut self.exports });
    }

    /// The path in `pub(in …)` is no use.
    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.segments.len() > 1 {
            self.inline.push(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        }
        syn::visit::visit_path(self, path);
    }
}

/// The modules of a crate, and what each uses.
pub(super) struct Graph {
    files: BTreeMap<Module, Paths>,
    edges: BTreeMap<Module, BTreeSet<Module>>,
}

impl Graph {
    /// Reads the crate whose source is in this folder.
    pub(super) fn read(src: &Path) -> Self {
        let mut files = BTreeMap::new();
        for file in super::files_below(src) {
            let relative = file.strip_prefix(src).unwrap().with_extension("");
            let mut module: Module =
                relative.components().map(|part| part.as_os_str().to_str().unwrap().to_owned()).collect();
            if module.last().is_some_and(|last| matches!(last.as_str(), "mod" | "lib" | "main")) {
                module.pop();
            }
            let mut paths = Paths::default();
            paths.visit_file(&syn::parse_file(&fs::read_to_string(&file).unwrap()).unwrap());
            files.insert(module, paths);
        }
        let mut graph = Self { files, edges: BTreeMap::new() };
        graph.edges = graph.files.keys().map(|module| (module.clone(), graph.used_by(module))).collect();
        graph
    }

    /// How many modules there are.
    pub(super) fn len(&self) -> usize {
        self.files.len()
    }

    fn used_by(&self, module: &Module) -> BTreeSet<Module> {
        let paths = &self.files[module];
        let mut targets: Vec<Module> = Vec::new();
        for (path, _) in &paths.imports {
            targets.extend(self.absolute(module, path));
        }
        for (path, _) in &paths.exports {
            targets.extend(self.absolute(module, path).filter(|target| !target.starts_with(module)));
        }
        for path in &paths.inline {
            let imported = || {
                let (import, _) = paths.imports.iter().find(|(_, name)| *name == path[0])?;
                Some(joined(&self.absolute(module, import)?, &path[1..]))
            };
            targets.extend(self.absolute(module, path).or_else(imported));
        }
        let mut used: BTreeSet<Module> = targets.into_iter().map(|target| self.defining(&target, 0)).collect();
        used.remove(module);
        // The root only declares modules.
        used.remove(&Module::new());
        used
    }

    /// A path from the root of the crate; `None` if it leads out of the crate.
    fn absolute(&self, module: &Module, path: &[String]) -> Option<Module> {
        let child = || joined(module, &path[..1]);
        match path.first()?.as_str() {
            "crate" => Some(path[1..].to_vec()),
            "self" => Some(joined(module, &path[1..])),
            "super" => {
                let up = path.iter().take_while(|segment| *segment == "super").count();
                Some(joined(module.get(..module.len().checked_sub(up)?)?, &path[up..]))
            }
            _ if self.files.contains_key(&child()) => Some(joined(module, path)),
            _ => None,
        }
    }

    /// The module that defines the target of a path.
    fn defining(&self, path: &[String], depth: usize) -> Module {
        let known = (0..=path.len()).rev().find(|length| self.files.contains_key(&path[..*length]));
        let module = path[..known.unwrap_or_default()].to_vec();
        let exports = self.files.get(&module).map(|paths| paths.exports.as_slice()).unwrap_or_default();
        let export = path.get(module.len()).and_then(|name| exports.iter().find(|(_, exported)| exported == name));
        match export.and_then(|(export, _)| self.absolute(&module, export)) {
            Some(target) if depth < 8 => self.defining(&joined(&target, &path[module.len() + 1..]), depth + 1),
            _ => module,
        }
    }

    fn reached_from<'g>(&'g self, module: &'g Module) -> BTreeSet<&'g Module> {
        let mut reached = BTreeSet::new();
        let mut left = vec![module];
        while let Some(next) = left.pop() {
            left.extend(self.edges.get(next).into_iter().flatten().filter(|used| reached.insert(*used)));
        }
        reached
    }

    /// The cycles: sets of modules each of which uses all others, perhaps through others.
    pub(super) fn cycles(&self) -> BTreeSet<BTreeSet<String>> {
        let reached: BTreeMap<&Module, BTreeSet<&Module>> =
            self.edges.keys().map(|module| (module, self.reached_from(module))).collect();
        let in_cycles = reached.iter().filter(|(module, reached)| reached.contains(*module));
        in_cycles
            .map(|(module, others)| {
                let back = others.iter().filter(|other| reached.get(*other).is_some_and(|all| all.contains(module)));
                back.map(|module| module.join("::")).collect()
            })
            .collect()
    }
}
