//! A phone's configuration as files: downloading it, sending one with a look at what it changes, backup and restore.

use contract::rest::{BackupOrder, SealedExport};
use leptos::prelude::*;

use super::first_fetch::FirstFetchPart;
use super::scope::{PhoneScope, use_phone};
use crate::components::config_upload::{Kind, Upload};
use crate::components::field::TextField;
use crate::components::icon::{Icon, Svg};
use crate::components::select_field::{SelectField, options};
use crate::files::hand_over;

const FORMATS: [(&str, &str); 6] = [
    ("txt", "Text (.txt), a setting a line"),
    ("xml", "XML (.xml)"),
    ("grouped-xml", "XML, grouped"),
    ("p-txt", "Text with P-values"),
    ("p-xml", "XML with P-values"),
    ("binary", "Binary, as phones fetch it"),
];

/// The ending of a format's file.
fn ending(format: &str) -> &'static str {
    match format {
        "txt" | "p-txt" => "txt",
        "binary" => "bin",
        _ => "xml",
    }
}

#[component]
pub fn ConfigFiles(on_change: Callback<()>) -> impl IntoView {
    let PhoneScope { shared, id, value, detail, .. } = use_phone();
    let format = RwSignal::new("txt".to_owned());
    let password = RwSignal::new(String::new());
    let mac = move || value.with_untracked(|value| value.phone.mac.to_string().replace(':', ""));
    let download = move |_| {
        let (format, password) = (format.get_untracked(), password.get_untracked());
        let name = format!("cfg{}.{}", mac(), ending(&format));
        shared.run(async move {
            let path = format!("/phones/{id}/configuration/file");
            let bytes = if password.is_empty() {
                shared.api.bytes(&format!("{path}?format={format}")).await?
            } else {
                let order = SealedExport { format, audience: String::new(), password };
                shared.api.post_for_bytes(&format!("{path}/sealed"), &order).await?
            };
            hand_over(&bytes, &name)
        });
    };
    let backup = move |_| {
        let (order, name) = (BackupOrder { password: password.get_untracked() }, format!("backup-{}.tar", mac()));
        shared.run(async move {
            let bytes = shared.api.post_for_bytes(&format!("/phones/{id}/backup"), &order).await?;
            hand_over(&bytes, &name)
        });
    };
    let (wrong, wrong_of_package) = (RwSignal::new(None), RwSignal::new(None));
    let error = Signal::derive(move || wrong.get().or_else(|| wrong_of_package.get()));
    let of = format!("/phones/{id}");
    let changed = Callback::new(move |()| {
        detail.reload();
        on_change.run(());
    });
    view! {
        <details class="card" data-testid="config-files">
            <summary><b>"Files: download, upload, backup, first fetch"</b></summary>
            <div class="stack config-files">
                <div class="pair">
                    <SelectField id="config-format" label="Format" options=options(&FORMATS) value=format/>
                    <TextField id="config-password" label="Password" kind="password" autocomplete="new-password" value=password error
                        help="12 to 64 characters: secrets are in the file, which is encrypted with it. Empty: secrets are left out. Also opens an encrypted file below."/>
                </div>
                <div class="row wrap">
                    <button type="button" class="button" data-testid="config-download" on:click=download><Svg icon=Icon::Download/>"Download the configuration"</button>
                    <button type="button" class="button" data-testid="config-backup" on:click=backup><Svg icon=Icon::Download/>"Back up this phone"</button>
                </div>
                <Upload of=of.clone() kind=Kind::Configuration password error=wrong on_change=changed/>
                <Upload of kind=Kind::Package password error=wrong_of_package on_change=changed/>
                <FirstFetchPart/>
            </div>
        </details>
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_format_has_its_ending() {
        let endings: Vec<_> = super::FORMATS.iter().map(|(format, _)| super::ending(format)).collect();
        assert_eq!(endings, ["txt", "xml", "xml", "txt", "xml", "bin"]);
    }
}
