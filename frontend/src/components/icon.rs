//! The symbols, drawn inline so that they follow the text's colour and need no request.

use leptos::prelude::*;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Icon {
    Alert,
    Bell,
    Building,
    Chain,
    Check,
    ChevronLeft,
    ChevronRight,
    Clock,
    Close,
    Copy,
    Dashed,
    Door,
    Download,
    Edit,
    Inbox,
    Lock,
    Minus,
    Moon,
    OffHook,
    Offline,
    Phone,
    Plus,
    Rooms,
    Search,
    Settings,
    SignOut,
    SortDown,
    SortUp,
    Sun,
    Swap,
    Sync,
    Trash,
    Upload,
}

impl Icon {
    const fn drawing(self) -> &'static str {
        match self {
            Icon::Alert => r#"<path d="M12 4 2.800 19.500h18.400z"/><path d="M12 10v4.500M12 17.200v.1"/>"#,
            Icon::Bell => r#"<path d="M4 17a8 8 0 0 1 16 0zM3 20h18M12 9V6M9.500 5h5"/>"#,
            Icon::Building => {
                r#"<path d="M5 21V4.500A1.500 1.500 0 0 1 6.500 3h7A1.500 1.500 0 0 1 15 4.500V21M15 10h3a1.500 1.500 0 0 1 1.500 1.500V21M2.500 21h19M8.500 7.500h3M8.500 11.500h3M8.500 15.500h3"/>"#
            }
            Icon::Chain => {
                r#"<path d="M10 14a4 4 0 0 0 5.700 0l3-3A4 4 0 0 0 13 5.300l-1 1M14 10a4 4 0 0 0-5.700 0l-3 3a4 4 0 0 0 5.700 5.700l1-1"/>"#
            }
            Icon::Check => r#"<circle cx="12" cy="12" r="9"/><path d="m8 12.300 2.800 2.700L16 9.500"/>"#,
            Icon::ChevronLeft => r#"<path d="m14.500 6-6 6 6 6"/>"#,
            Icon::ChevronRight => r#"<path d="m9.500 6 6 6-6 6"/>"#,
            Icon::Clock => r#"<circle cx="12" cy="12" r="9"/><path d="M12 7v5l3.200 2"/>"#,
            Icon::Close => r#"<path d="m6 6 12 12M18 6 6 18"/>"#,
            Icon::Copy => {
                r#"<rect x="8.500" y="8.500" width="11.500" height="11.500" rx="2"/><path d="M15.500 5.500A1.500 1.500 0 0 0 14 4H5.500A1.500 1.500 0 0 0 4 5.500V14a1.500 1.500 0 0 0 1.500 1.500"/>"#
            }
            Icon::Dashed => r#"<circle cx="12" cy="12" r="9" stroke-dasharray="3.500 3.570"/>"#,
            Icon::Door => {
                r#"<path d="M6 21V4.500A1.500 1.500 0 0 1 7.500 3h9A1.500 1.500 0 0 1 18 4.500V21M3 21h18M14.300 12v.1"/>"#
            }
            Icon::Download => r#"<path d="M12 4v11M7 10.500l5 5 5-5M4.500 20h15"/>"#,
            Icon::Edit => r#"<path d="M4 20h4L19.500 8.500a2.100 2.100 0 0 0-3-3L5 17zM14.500 7.500l3 3"/>"#,
            Icon::Inbox => {
                r#"<path d="M3.500 13 6 5.500A1.500 1.500 0 0 1 7.400 4.500h9.200A1.500 1.500 0 0 1 18 5.500L20.500 13v5a1.500 1.500 0 0 1-1.500 1.500H5A1.500 1.500 0 0 1 3.500 18zM3.500 13H8l1.500 3h5L16 13h4.500"/>"#
            }
            Icon::Lock => r#"<rect x="5" y="11" width="14" height="9.500" rx="2"/><path d="M8 11V8a4 4 0 0 1 8 0v3"/>"#,
            Icon::Minus => r#"<circle cx="12" cy="12" r="9"/><path d="M8 12h8"/>"#,
            Icon::Moon => r#"<path d="M20 14.500A8.500 8.500 0 0 1 9.500 4 8.500 8.500 0 1 0 20 14.500z"/>"#,
            Icon::OffHook => {
                r#"<path d="M6.200 4h3l1.500 4-2 1.600a12 12 0 0 0 5.700 5.700l1.600-2 4 1.500v3A2 2 0 0 1 18 19.800 14.200 14.200 0 0 1 4.200 6 2 2 0 0 1 6.200 4zM14.500 4.500a5.500 5.500 0 0 1 5 5M14.500 8a2.200 2.200 0 0 1 1.600 1.600"/>"#
            }
            Icon::Offline => {
                r#"<path d="m4 4 16 16M8.500 15.800a5 5 0 0 1 7 0M5 12.300a10 10 0 0 1 4-2.400M13 9.600a10 10 0 0 1 6 2.700M12 19.300v.1"/>"#
            }
            Icon::Phone => {
                r#"<rect x="4.500" y="11" width="15" height="9.500" rx="2"/><path d="M3.500 8C4.500 5 8 3.500 12 3.500S19.500 5 20.500 8M8.500 14h7M8.500 17.300h7"/>"#
            }
            Icon::Plus => r#"<path d="M12 5v14M5 12h14"/>"#,
            Icon::Rooms => {
                r#"<rect x="4" y="4" width="6.500" height="6.500" rx="1.500"/><rect x="13.500" y="4" width="6.500" height="6.500" rx="1.500"/><rect x="4" y="13.500" width="6.500" height="6.500" rx="1.500"/><rect x="13.500" y="13.500" width="6.500" height="6.500" rx="1.500"/>"#
            }
            Icon::Search => r#"<circle cx="11" cy="11" r="6.500"/><path d="m16 16 4.500 4.500"/>"#,
            Icon::Settings => {
                r#"<path d="M4 7h9M17 7h3M4 17h3M11 17h9"/><circle cx="15" cy="7" r="2"/><circle cx="9" cy="17" r="2"/>"#
            }
            Icon::SignOut => {
                r#"<path d="M14 4H6.500A1.500 1.500 0 0 0 5 5.500v13A1.500 1.500 0 0 0 6.500 20H14M10 12h10.500M17 8.500l3.500 3.500-3.500 3.500"/>"#
            }
            Icon::SortDown => r#"<path d="M12 5v14M6.500 13.500 12 19l5.500-5.500"/>"#,
            Icon::SortUp => r#"<path d="M12 19V5M6.500 10.500 12 5l5.500 5.500"/>"#,
            Icon::Sun => {
                r#"<circle cx="12" cy="12" r="4"/><path d="M12 2.500v2M12 19.500v2M2.500 12h2M19.500 12h2M5.300 5.300l1.400 1.400M17.300 17.300l1.400 1.400M5.300 18.700l1.400-1.400M17.300 6.700l1.400-1.400"/>"#
            }
            Icon::Swap => r#"<path d="M4 8.500h15M15 4.500l4 4-4 4M20 15.500H5M9 11.500l-4 4 4 4"/>"#,
            Icon::Sync => {
                r#"<path d="M20 11a8 8 0 0 0-14-4.500L4 8.500M4 4v4.500h4.500M4 13a8 8 0 0 0 14 4.500l2-2M20 20v-4.500h-4.500"/>"#
            }
            Icon::Trash => {
                r#"<path d="M4.500 7h15M9.500 7V4.500h5V7M6.500 7l.8 12.500h9.400L17.500 7M10 11v5M14 11v5"/>"#
            }
            Icon::Upload => r#"<path d="M12 15.500V4.500M7 9l5-5 5 5M4.500 20h15"/>"#,
        }
    }
}

/// Decoration: what it means is always said in words beside it.
#[component]
pub fn Svg(icon: Icon) -> impl IntoView {
    view! {
        <svg
            class="icon"
            viewBox="0 0 24 24"
            fill="none"
            stroke="currentColor"
            stroke-width="2"
            stroke-linecap="round"
            stroke-linejoin="round"
            aria-hidden="true"
            focusable="false"
            inner_html=icon.drawing()
        ></svg>
    }
}
