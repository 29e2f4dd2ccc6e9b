//! The keyboard on the room board: `/` searches, arrows move between the cells one sees, Enter opens (a cell is a
//! link), Home and End jump.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{DomRect, HtmlElement, KeyboardEvent};

/// Whether keys typed now belong to an input.
pub fn typing() -> bool {
    document()
        .active_element()
        .is_some_and(|element| matches!(element.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT"))
}

fn cells() -> Vec<(HtmlElement, DomRect)> {
    let Ok(list) = document().query_selector_all("a.cell") else {
        return Vec::new();
    };
    (0..list.length())
        .filter_map(|index| list.get(index)?.dyn_into::<HtmlElement>().ok())
        .map(|cell| {
            let rect = cell.get_bounding_client_rect();
            (cell, rect)
        })
        .filter(|(_, rect)| rect.width() > 0.0)
        .collect()
}

/// Moves between cells; does nothing for other keys.
pub fn move_focus(event: &KeyboardEvent) {
    if event.ctrl_key() || event.alt_key() || event.meta_key() || typing() {
        return;
    }
    let Some(here) = document().active_element().and_then(|element| element.closest("a.cell").ok().flatten()) else {
        return;
    };
    let cells = cells();
    let Some(at) = cells.iter().position(|(cell, _)| cell.is_same_node(Some(here.unchecked_ref::<web_sys::Node>())))
    else {
        return;
    };
    let target = match event.key().as_str() {
        "ArrowRight" => Some(at + 1),
        "ArrowLeft" => at.checked_sub(1),
        "ArrowDown" => nearest(&cells, at, 1.0),
        "ArrowUp" => nearest(&cells, at, -1.0),
        "Home" => Some(0),
        "End" => cells.len().checked_sub(1),
        _ => return,
    };
    event.prevent_default();
    if let Some((cell, _)) = target.and_then(|target| cells.get(target)) {
        let _ = cell.focus();
    }
}

/// The cell of the next row (`direction` 1) or the one before (-1) that stands closest to this one's column.
fn nearest(cells: &[(HtmlElement, DomRect)], at: usize, direction: f64) -> Option<usize> {
    let (left, top) = cells.get(at).map(|(_, rect)| (rect.left(), rect.top()))?;
    let beyond = |rect: &DomRect| (rect.top() - top) * direction;
    let row = cells.iter().map(|(_, rect)| beyond(rect)).filter(|gap| *gap > 4.0).min_by(f64::total_cmp)?;
    let in_row = cells.iter().enumerate().filter(|(_, (_, rect))| (beyond(rect) - row).abs() < 4.0);
    in_row
        .min_by(|(_, (_, a)), (_, (_, b))| (a.left() - left).abs().total_cmp(&(b.left() - left).abs()))
        .map(|(index, _)| index)
}

fn cell_of(href: &str) -> Option<HtmlElement> {
    let cell = document().query_selector(&format!("a.cell[href=\"{href}\"]")).ok().flatten()?;
    cell.dyn_into().ok()
}

/// Puts the focus on the cell of this room, for example when its panel was closed.
pub fn focus_cell(href: &str) {
    if let Some(cell) = cell_of(href) {
        let _ = cell.focus();
    }
}

/// Scrolls as little as needed to see the cell of this room.
pub fn show_cell(href: &str) {
    if let Some(cell) = cell_of(href) {
        let options = web_sys::ScrollIntoViewOptions::new();
        options.set_block(web_sys::ScrollLogicalPosition::Nearest);
        cell.scroll_into_view_with_scroll_into_view_options(&options);
    }
}
