//! The pieces pages are made of.

pub mod age;
pub mod assign;
pub mod chip;
pub mod confirm;
pub mod empty;
pub mod field;
pub mod icon;
pub mod job_card;
pub mod legend;
pub mod nav;
pub mod pager;
pub mod progress;
pub mod room_cell;
pub mod room_form;
pub mod room_select;
pub mod setting_editor;
pub mod setting_input;
pub mod setting_picker;
pub mod timeline;
pub mod toast;
pub mod values_table;
