//! The browser application: client side rendered, on the public REST API alone.

mod api;
mod app;
mod catalogue;
mod components;
mod drafts;
mod error;
mod files;
mod findings;
mod layer_at;
mod layer_data;
mod live;
mod load;
mod notes;
mod pages;
mod ranges;
mod state;
mod theme;
mod time;
mod units;
mod windows;
mod words;
mod xml;

fn main() {
    console_error_panic_hook::set_once();
    leptos::mount::mount_to_body(app::App);
}
