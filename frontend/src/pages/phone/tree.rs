//! The phone's parameters as far as they were opened: what is known of each object, which ones are open, and the rows
//! that follow from it. Levels are read from the server when they are opened, [`PAGE`] parameters at a time.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use contract::Timestamp;
use contract::rest::{ParameterNode, ParameterPage};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::scope::PhoneScope;
use crate::api::{ApiError, quote};

/// Rows read at once; more come on demand.
pub const PAGE: u64 = 100;
/// The most the server gives in one answer.
const MOST: u64 = contract::rest::MAX_PAGE as u64;

/// One level below an object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Branch {
    pub items: Vec<ParameterNode>,
    pub total: u64,
    pub read_at: Option<Timestamp>,
    pub loading: bool,
    pub error: Option<ApiError>,
}

/// A line of the tree.
#[derive(Clone, Debug, PartialEq)]
pub enum Row {
    Node {
        node: ParameterNode,
        level: u32,
        position: u64,
        of: u64,
        open: Option<bool>,
    },
    /// There is more at this level.
    More {
        below: String,
        level: u32,
        left: u64,
        loading: bool,
    },
    /// Could not be read.
    Failed {
        below: String,
        level: u32,
        error: ApiError,
    },
    Waiting {
        below: String,
        level: u32,
    },
    /// Open, and nothing known below it.
    Bare {
        below: String,
        level: u32,
    },
}

impl Row {
    /// Unlike any other row's.
    pub fn key(&self) -> String {
        match self {
            Row::Node { node, .. } => node.path.clone(),
            Row::More { below, .. } => format!("{below}|more"),
            Row::Failed { below, .. } => format!("{below}|failed"),
            Row::Waiting { below, .. } => format!("{below}|waiting"),
            Row::Bare { below, .. } => format!("{below}|bare"),
        }
    }
}

/// The rows in order, and each by its key.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows {
    pub order: Vec<String>,
    pub by_key: HashMap<String, Row>,
}

impl Rows {
    pub fn push(&mut self, row: Row) {
        let key = row.key();
        if self.by_key.insert(key.clone(), row).is_none() {
            self.order.push(key);
        }
    }
}

/// The last part of a path, with its dot where it is an object.
pub fn name(path: &str) -> &str {
    let end = path.strip_suffix('.').unwrap_or(path);
    end.rfind('.').map_or(path, |dot| &path[dot + 1..])
}

/// The object a parameter or object stands in; empty at the root.
pub fn parent(path: &str) -> &str {
    let end = path.strip_suffix('.').unwrap_or(path);
    end.rfind('.').map_or("", |dot| &path[..=dot])
}

fn flatten(branches: &HashMap<String, Branch>, open: &BTreeSet<String>, below: &str, level: u32, rows: &mut Rows) {
    let Some(branch) = branches.get(below) else {
        return rows.push(Row::Waiting { below: below.to_owned(), level });
    };
    for (position, node) in (1..).zip(&branch.items) {
        let is_open = node.object.then(|| open.contains(&node.path));
        rows.push(Row::Node { node: node.clone(), level, position, of: branch.total, open: is_open });
        // Paths of a phone may lie: never deeper than TR-069's longest name can have parts.
        if is_open == Some(true) && level < 64 && node.path != below {
            flatten(branches, open, &node.path, level + 1, rows);
        }
    }
    let below = below.to_owned();
    let shown = branch.items.len() as u64;
    match &branch.error {
        Some(error) => rows.push(Row::Failed { below, level, error: error.clone() }),
        None if branch.items.is_empty() && branch.loading => rows.push(Row::Waiting { below, level }),
        None if branch.items.is_empty() => rows.push(Row::Bare { below, level }),
        None if branch.total > shown => {
            rows.push(Row::More { below, level, left: branch.total - shown, loading: branch.loading });
        }
        None => {}
    }
}

#[derive(Clone, Copy)]
pub struct Tree {
    scope: PhoneScope,
    branches: RwSignal<HashMap<String, Branch>>,
    open: RwSignal<BTreeSet<String>>,
}

impl Tree {
    pub fn new(scope: PhoneScope) -> Self {
        let tree = Self { scope, branches: RwSignal::new(HashMap::new()), open: RwSignal::new(BTreeSet::new()) };
        tree.more(String::new());
        tree
    }

    pub fn rows(self) -> Arc<Rows> {
        let mut rows = Rows::default();
        self.branches.with(|branches| self.open.with(|open| flatten(branches, open, "", 1, &mut rows)));
        Arc::new(rows)
    }

    /// The level below a path, as far as it is known.
    pub fn branch<R>(self, path: &str, read: impl FnOnce(&Branch) -> R) -> Option<R> {
        self.branches.with(|branches| branches.get(path).map(read))
    }

    pub fn node(self, path: &str) -> Option<ParameterNode> {
        let find = |branch: &Branch| branch.items.iter().find(|node| node.path == path).cloned();
        self.branches.with(|branches| branches.get(parent(path)).and_then(find))
    }

    pub fn set_open(self, path: &str, open: bool) {
        self.open.update(|all| {
            if open {
                all.insert(path.to_owned());
            } else {
                all.remove(path);
            }
        });
        if open && self.branches.with_untracked(|branches| !branches.contains_key(path)) {
            self.more(path.to_owned());
        }
    }

    /// Opens everything above a path.
    pub fn reveal(self, path: &str) {
        let mut above = parent(path);
        while !above.is_empty() {
            self.set_open(above, true);
            above = parent(above);
        }
    }

    fn change(self, path: &str, change: impl FnOnce(&mut Branch)) {
        self.branches.try_update(|branches| change(branches.entry(path.to_owned()).or_default()));
    }

    async fn read(self, path: &str, offset: u64, limit: u64) -> Result<ParameterPage, ApiError> {
        let query = format!("parameters?path={}&offset={offset}&limit={limit}", quote(path));
        self.scope.shared.api.get_owned(self.scope.path(&query)).await
    }

    /// Reads the next page of a level.
    pub fn more(self, path: String) {
        let have = self.branches.with_untracked(|branches| branches.get(&path).map_or(0, |b| b.items.len() as u64));
        self.change(&path, |branch| {
            branch.loading = true;
            branch.error = None;
        });
        spawn_local(async move {
            let answer = self.read(&path, have, PAGE).await;
            let mut only = None;
            self.change(&path, |branch| {
                branch.loading = false;
                match answer {
                    // Another answer may have come meanwhile.
                    Ok(page) if branch.items.len() as u64 == have => {
                        branch.items.extend(page.items);
                        (branch.total, branch.read_at) = (page.total, page.read_at);
                    }
                    Ok(_) => {}
                    Err(error) => branch.error = Some(error),
                }
                if let ([one], true) = (branch.items.as_slice(), path.is_empty()) {
                    only = one.object.then(|| one.path.clone());
                }
            });
            // A tree with one root shows what is below it.
            if let Some(root) = only {
                self.set_open(&root, true);
            }
        });
    }

    /// Reads everything that is open again, as far as it was read.
    pub fn reload(self) {
        let known: Vec<(String, u64)> = self.branches.with_untracked(|branches| {
            branches.iter().map(|(path, branch)| (path.clone(), branch.items.len() as u64)).collect()
        });
        // What is closed is read when it is opened again.
        let (open, closed): (Vec<_>, Vec<_>) =
            known.into_iter().partition(|(path, _)| path.is_empty() || self.open.with_untracked(|o| o.contains(path)));
        self.branches.update(|branches| closed.iter().for_each(|(path, _)| drop(branches.remove(path))));
        spawn_local(async move {
            for (path, had) in open {
                let wanted = had.div_ceil(PAGE).max(1) * PAGE;
                let mut fresh = Branch::default();
                while (fresh.items.len() as u64) < wanted {
                    let offset = fresh.items.len() as u64;
                    match self.read(&path, offset, (wanted - offset).min(MOST)).await {
                        Ok(page) => {
                            let end = page.items.is_empty() || offset + page.items.len() as u64 >= page.total;
                            fresh.items.extend(page.items);
                            (fresh.total, fresh.read_at) = (page.total, page.read_at);
                            if end {
                                break;
                            }
                        }
                        Err(error) => {
                            fresh.error = Some(error);
                            break;
                        }
                    }
                }
                let only = match fresh.items.as_slice() {
                    [one] if path.is_empty() && one.object && had == 0 => Some(one.path.clone()),
                    _ => None,
                };
                // What is shown stays where it could not be read again.
                self.change(&path, |branch| match fresh.error {
                    Some(error) => branch.error = Some(error),
                    None => *branch = fresh,
                });
                if let Some(root) = only {
                    self.set_open(&root, true);
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(path: &str) -> ParameterNode {
        ParameterNode {
            path: path.into(),
            object: path.ends_with('.'),
            children: 0,
            writable: false,
            value: None,
            xsd_type: String::new(),
            notification: None,
            read_at: None,
            previous: None,
            changed_at: None,
            setting: None,
        }
    }

    fn branch(paths: &[&str], total: u64) -> Branch {
        Branch { items: paths.iter().map(|path| node(path)).collect(), total, ..Branch::default() }
    }

    #[test]
    fn paths_have_names_and_parents() {
        for (path, name_is, parent_is) in [
            ("Device.", "Device.", ""),
            ("Device.LAN.", "LAN.", "Device."),
            ("Device.LAN.IPAddress", "IPAddress", "Device.LAN."),
            ("X", "X", ""),
        ] {
            assert_eq!((name(path), parent(path)), (name_is, parent_is));
        }
    }

    #[test]
    fn rows_are_what_is_open() {
        let branches = HashMap::from([
            (String::new(), branch(&["Device."], 1)),
            ("Device.".to_owned(), branch(&["Device.LAN.", "Device.Name"], 7)),
        ]);
        let keys = |open: &[&str]| {
            let mut rows = Rows::default();
            flatten(&branches, &open.iter().map(|path| (*path).to_owned()).collect(), "", 1, &mut rows);
            rows.order
        };
        assert_eq!(keys(&[]), ["Device."]);
        assert_eq!(keys(&["Device."]), ["Device.", "Device.LAN.", "Device.Name", "Device.|more"]);
        assert_eq!(keys(&["Device.", "Device.LAN."])[2], "Device.LAN.|waiting");
    }

    #[test]
    fn an_object_inside_itself_ends() {
        let branches = HashMap::from([("A.".to_owned(), branch(&["A."], 1)), (String::new(), branch(&["A."], 1))]);
        let mut rows = Rows::default();
        flatten(&branches, &BTreeSet::from(["A.".to_owned()]), "", 1, &mut rows);
        assert_eq!(rows.order, ["A."]);
    }
}
