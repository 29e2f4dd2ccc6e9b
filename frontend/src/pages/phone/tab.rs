//! The tabs of a phone's page. Each has an address of its own, `/phones/{id}/{tab}`.

use contract::PhoneId;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

use crate::app::focus;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tab {
    Overview,
    Configuration,
    Parameters,
    Sessions,
    Diagnostics,
    Tasks,
}

const ALL: [Tab; 6] = [Tab::Overview, Tab::Configuration, Tab::Parameters, Tab::Sessions, Tab::Diagnostics, Tab::Tasks];

impl Tab {
    /// The tab of an address; `None`: there is no such tab.
    pub fn of(path: &str) -> Option<Self> {
        if path.is_empty() { Some(Tab::Overview) } else { ALL.into_iter().find(|tab| tab.path() == path) }
    }

    pub const fn word(self) -> &'static str {
        match self {
            Tab::Overview => "Overview",
            Tab::Configuration => "Configuration",
            Tab::Parameters => "Parameters",
            Tab::Sessions => "Sessions",
            Tab::Diagnostics => "Diagnostics",
            Tab::Tasks => "Tasks",
        }
    }

    /// Its part of the address.
    pub const fn path(self) -> &'static str {
        match self {
            Tab::Overview => "overview",
            Tab::Configuration => "configuration",
            Tab::Parameters => "parameters",
            Tab::Sessions => "sessions",
            Tab::Diagnostics => "diagnostics",
            Tab::Tasks => "tasks",
        }
    }

    pub fn element(self) -> String {
        format!("tab-{}", self.path())
    }

    fn address(self, id: PhoneId) -> String {
        match self {
            Tab::Overview => format!("/phones/{id}"),
            tab => format!("/phones/{id}/{}", tab.path()),
        }
    }

    /// Where a key leads, around the ends.
    fn after(self, key: &str) -> Option<Self> {
        let at = ALL.iter().position(|tab| *tab == self)?;
        let last = ALL.len() - 1;
        let next = match key {
            "ArrowRight" => (at + 1) % ALL.len(),
            "ArrowLeft" => at.checked_sub(1).unwrap_or(last),
            "Home" => 0,
            "End" => last,
            _ => return None,
        };
        ALL.get(next).copied()
    }
}

#[component]
pub fn Tabs(id: PhoneId, #[prop(into)] tab: Signal<Option<Tab>>) -> impl IntoView {
    let navigate = use_navigate();
    // The chosen tab may stand outside a narrow screen.
    Effect::new(move |_| {
        if let Some(tab) = tab.get() {
            request_animation_frame(move || {
                if let Some(link) = document().get_element_by_id(&tab.element()) {
                    let options = web_sys::ScrollIntoViewOptions::new();
                    options.set_block(web_sys::ScrollLogicalPosition::Nearest);
                    options.set_inline(web_sys::ScrollLogicalPosition::Center);
                    link.scroll_into_view_with_scroll_into_view_options(&options);
                }
            });
        }
    });
    let keys = move |event: web_sys::KeyboardEvent| {
        let next = tab.get_untracked().unwrap_or(Tab::Overview).after(&event.key());
        if let Some(next) = next.filter(|_| !event.ctrl_key() && !event.alt_key() && !event.meta_key()) {
            event.prevent_default();
            navigate(&next.address(id), NavigateOptions { scroll: false, ..Default::default() });
            focus(&next.element());
        }
    };
    let links = ALL.map(|one| {
        let here = move || tab.get() == Some(one);
        view! {
            <a
                role="tab"
                class="tab"
                id=one.element()
                href=one.address(id)
                data-noscroll="true"
                draggable="false"
                tabindex=move || if here() || (tab.get().is_none() && one == Tab::Overview) { "0" } else { "-1" }
                aria-selected=move || if here() { "true" } else { "false" }
                aria-controls=move || here().then_some("tab-panel")
                data-testid=one.element()
            >
                {one.word()}
            </a>
        }
    });
    view! { <div class="tabs" role="tablist" aria-label="This phone" on:keydown=keys>{links.into_iter().collect_view()}</div> }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_tab_has_its_address() {
        for tab in ALL {
            assert_eq!(Tab::of(tab.path()), Some(tab));
        }
        assert_eq!(Tab::of(""), Some(Tab::Overview));
        assert_eq!(Tab::of("nothing"), None);
    }

    #[test]
    fn keys_go_around() {
        assert_eq!(Tab::Overview.after("ArrowLeft"), Some(Tab::Tasks));
        assert_eq!(Tab::Tasks.after("ArrowRight"), Some(Tab::Overview));
        assert_eq!(Tab::Sessions.after("Home"), Some(Tab::Overview));
        assert_eq!(Tab::Sessions.after("x"), None);
    }
}
