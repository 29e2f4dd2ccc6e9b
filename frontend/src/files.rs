//! Files kept by the server: their kinds in words, and handing one to the person at the browser.

use contract::FileId;
use contract::rest::FileView;
use leptos::html::Input;
use leptos::prelude::*;
use wasm_bindgen::JsCast;

use crate::api::{Api, ApiError};

/// File types one may send to a phone (TR-069 A.3.2.8), in words.
pub const TO_PHONE: [(&str, &str); 5] = [
    ("1 Firmware Upgrade Image", "Firmware"),
    ("3 Vendor Configuration File", "Configuration"),
    ("5 Ringer File", "Ringtone"),
    ("4 Tone File", "Tone"),
    ("2 Web Content", "Web pages"),
];

/// File types a phone sends (TR-069 A.4.1.5), in words.
pub const FROM_PHONE: [(&str, &str); 2] =
    [("1 Vendor Configuration File", "Configuration"), ("2 Vendor Log File", "Log")];

/// The file type in words; one nobody has heard of as it is.
pub fn kind(file_type: &str) -> String {
    let known = TO_PHONE.iter().chain(&FROM_PHONE).find(|(word, _)| *word == file_type);
    known.map_or_else(|| file_type.to_owned(), |(_, label)| (*label).to_owned())
}

/// The browser's own way to choose a file: an input nobody sees, opened by a button that looks like all others.
#[derive(Clone, Copy, Default)]
pub struct Chooser(pub NodeRef<Input>);

impl Chooser {
    pub fn open(self) {
        if let Some(input) = self.0.get_untracked() {
            input.click();
        }
    }

    /// What was chosen.
    pub fn file(self) -> Option<web_sys::File> {
        self.0.get_untracked()?.files()?.get(0)
    }

    /// Forgets it, so that the same file can be chosen again.
    pub fn clear(self) {
        if let Some(input) = self.0.try_get_untracked().flatten() {
            input.set_value("");
        }
    }
}

/// Fetches a stored file and lets the browser keep it under its name.
pub async fn save(api: Api, id: FileId) -> Result<(), ApiError> {
    let list: Vec<FileView> = api.get("/files").await?;
    let name = list.into_iter().find(|file| file.id == id).map_or_else(|| format!("{id}.bin"), |file| file.name);
    let bytes = api.bytes(&format!("/files/{id}")).await?;
    hand_over(&bytes, &name)
}

/// Lets the browser keep bytes as a file.
pub fn hand_over(bytes: &[u8], name: &str) -> Result<(), ApiError> {
    keep(bytes, name).ok_or_else(|| {
        ApiError::local(
            "not-saved",
            "The file could not be saved",
            "The browser refused it. Allow downloads for this site.",
        )
    })
}

fn keep(bytes: &[u8], name: &str) -> Option<()> {
    let parts = js_sys::Array::of1(&js_sys::Uint8Array::from(bytes));
    let blob = web_sys::Blob::new_with_u8_array_sequence(&parts).ok()?;
    let url = web_sys::Url::create_object_url_with_blob(&blob).ok()?;
    let link = document().create_element("a").ok()?.dyn_into::<web_sys::HtmlAnchorElement>().ok()?;
    link.set_href(&url);
    link.set_download(name);
    link.click();
    // The browser has taken hold of it by then.
    set_timeout(move || drop(web_sys::Url::revoke_object_url(&url)), std::time::Duration::from_secs(60));
    Some(())
}
