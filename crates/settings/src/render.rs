//! The catalogue as a table and as a reference page.

use std::fmt::Write as _;

use crate::{Model, row::rows};

/// Which entries to show; the default shows all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only pages whose name contains this, in any case.
    pub page: Option<String>,
    /// Only what exists on this model.
    pub model: Option<Model>,
}

impl Filter {
    pub(crate) fn shows(&self, page: &str, models: &[Model]) -> bool {
        let page_fits = self.page.as_ref().is_none_or(|part| page.to_lowercase().contains(&part.to_lowercase()));
        page_fits && self.model.is_none_or(|model| models.is_empty() || models.contains(&model))
    }
}

/// The columns of [`tsv`].
pub const COLUMNS: [&str; 15] = [
    "kind",
    "page",
    "section",
    "parameter",
    "key",
    "type",
    "range",
    "unit",
    "default",
    "scope",
    "models",
    "p_values",
    "tr069",
    "effect",
    "source",
];

/// Tab-separated text with a header line; settings, then statuses, then actions.
pub fn tsv(filter: &Filter) -> String {
    let mut out = COLUMNS.join("\t");
    out.push('\n');
    for row in rows(filter) {
        out.push_str(&row.cells.map(|cell| cell.replace(['\t', '\n', '\r'], " ")).join("\t"));
        out.push('\n');
    }
    out
}

/// A Markdown page: a chapter per page of the guide, a table per section.
pub fn markdown(filter: &Filter) -> String {
    let mut out = String::from("# Settings, status and actions\n");
    let mut place = (String::new(), String::new(), String::new());
    for row in rows(filter) {
        let [
            kind,
            page,
            section,
            title,
            key,
            type_name,
            range,
            unit,
            default,
            scope,
            models,
            p_values,
            tr069,
            effect,
            source,
        ] = row.cells;
        let here = (kind.clone(), page.clone(), section.clone());
        if place != here {
            if (&place.0, &place.1) != (&kind, &page) {
                let _ = write!(out, "\n## {page} ({kind})\n");
            }
            let _ = write!(out, "\n### {}\n\n", if section.is_empty() { "General" } else { &section });
            out.push_str("| Parameter | Key | Value | Default | Notes |\n|---|---|---|---|---|\n");
            place = here;
        }
        let value = [type_name, range, unit].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(": ");
        let notes = [
            row.help,
            scope,
            if models == "all" { String::new() } else { format!("only {models}") },
            p_values,
            tr069,
            effect,
            source,
        ];
        let notes = notes.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" · ");
        let _ =
            writeln!(out, "| {} | `{key}` | {} | {} | {} |", cell(&title), cell(&value), cell(&default), cell(&notes));
    }
    out
}

fn cell(text: &str) -> String {
    text.replace('\\', "\\\\").replace('|', "\\|").replace(['\n', '\r'], " ").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Catalogue;

    #[test]
    fn tsv_has_a_line_per_entry_and_filters() {
        let all = tsv(&Filter::default());
        let catalogue = Catalogue::get();
        let entries = catalogue.settings().len() + catalogue.statuses().len() + catalogue.actions().len();
        assert_eq!(all.lines().count(), entries + 1);
        assert!(all.lines().all(|line| line.split('\t').count() == COLUMNS.len()));
        let some = tsv(&Filter { page: Some("codec".into()), model: Some(Model::Ghp610) });
        assert!(some.lines().count() > 20);
        assert!(some.lines().skip(1).all(|line| line.contains("Account / Codec Settings")));
    }

    #[test]
    fn markdown_has_a_chapter_per_page() {
        let page = markdown(&Filter { page: Some("account / basic".into()), model: None });
        assert_eq!(page.matches("\n## ").count(), 1);
        assert!(page.contains("`account.{account}.sip.userid`"));
        assert!(markdown(&Filter { page: Some("no such page".into()), model: None }).lines().count() == 1);
    }
}
