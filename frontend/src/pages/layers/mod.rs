//! Layers of settings: the tree of them, and the page of each.

mod checks;
mod drifted;
pub mod editor;
mod emergency;
pub mod history;
mod property_facts;
mod tree;
mod tree_brands;
mod tree_move;
mod tree_rooms;
mod undo;

pub use editor::{LayerPage, PropertySettingsPage};
pub use tree::LayersPage;
