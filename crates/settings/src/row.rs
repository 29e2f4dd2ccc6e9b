//! The entries as rows of one table.

use std::fmt::Write as _;

use crate::{
    Catalogue, Choice, Filter, Model,
    data::{Action, Instances, Setting, Status},
};

/// One line of the table.
pub(crate) struct Row {
    /// In the order of [`crate::render::COLUMNS`].
    pub cells: [String; 15],
    /// What it does.
    pub help: String,
}

/// Settings, then statuses, then actions.
pub(crate) fn rows(filter: &Filter) -> Vec<Row> {
    let catalogue = Catalogue::get();
    let settings =
        catalogue.settings().iter().filter(|s| filter.shows(&s.page, &s.models)).map(|s| setting_row(s, filter.model));
    let statuses = catalogue.statuses().iter().filter(|s| filter.shows(&s.page, &s.models)).map(status_row);
    let actions = catalogue.actions().iter().filter(|a| filter.shows(&a.page, &a.models)).map(action_row);
    settings.chain(statuses).chain(actions).collect()
}

fn setting_row(s: &Setting, model: Option<Model>) -> Row {
    let range = model.map_or(s.instances, |model| s.instances_for(model));
    let scope =
        range.map_or_else(|| s.scope.as_str().to_owned(), |range| format!("{} {}", s.scope.as_str(), span(range)));
    let mut kind = s.value_type.name().to_owned();
    if s.secret && kind != "secret" {
        kind.push_str(" (secret)");
    }
    let p_values =
        s.p.iter()
            .chain(s.parts.iter().flat_map(|part| &part.p))
            .filter(|p| !p.is_empty())
            .cloned()
            .collect::<Vec<_>>();
    Row {
        cells: [
            "setting".into(),
            s.page.clone(),
            s.section.clone(),
            s.title.clone(),
            s.key.clone(),
            kind,
            allowed(&range_of(s), s.value_type.choices(), &s.extra),
            s.value_type.unit().unwrap_or_default().to_owned(),
            s.default.clone().unwrap_or_default(),
            scope,
            models(&s.models),
            p_values.join(" "),
            s.tr069.clone().unwrap_or_default(),
            s.effect.as_str().to_owned(),
            String::new(),
        ],
        help: s.unsupported.as_ref().map_or_else(|| s.help.clone(), |why| format!("{} {why}", s.help)),
    }
}

fn status_row(s: &Status) -> Row {
    let scope = s.instances.map_or_else(|| "device".to_owned(), |range| format!("account {}", span(range)));
    let mut cells: [String; 15] = Default::default();
    let known = [
        (0, "status".to_owned()),
        (1, s.page.clone()),
        (2, s.section.clone()),
        (3, s.title.clone()),
        (4, s.key.clone()),
        (5, s.value_type.name().to_owned()),
        (6, allowed("", s.value_type.choices(), &[])),
        (7, s.value_type.unit().unwrap_or_default().to_owned()),
        (9, scope),
        (10, models(&s.models)),
        (12, s.tr069.clone().unwrap_or_default()),
        (14, s.source.clone()),
    ];
    put(&mut cells, known);
    Row { cells, help: s.help.clone() }
}

fn action_row(a: &Action) -> Row {
    let mut cells: [String; 15] = Default::default();
    let known = [
        (0, "action".to_owned()),
        (1, a.page.clone()),
        (2, a.section.clone()),
        (3, a.title.clone()),
        (4, a.key.clone()),
        (9, "device".to_owned()),
        (10, models(&a.models)),
        (14, a.starts.clone()),
    ];
    put(&mut cells, known);
    Row { cells, help: a.help.clone() }
}

fn put<const N: usize>(cells: &mut [String; 15], known: [(usize, String); N]) {
    for (column, text) in known {
        if let Some(cell) = cells.get_mut(column) {
            *cell = text;
        }
    }
}

fn span(range: Instances) -> String {
    format!("{}-{}", range.first, range.last)
}

fn models(models: &[Model]) -> String {
    if models.is_empty() { "all".into() } else { models.iter().map(|m| m.as_str()).collect::<Vec<_>>().join(" ") }
}

fn range_of(s: &Setting) -> String {
    let range = s.value_type.allowed();
    if s.name_part {
        return format!("{range}, no blanks, / ? # % and only ASCII");
    }
    s.step.map_or_else(|| range.clone(), |step| format!("{range}, multiples of {step}"))
}

fn allowed(range: &str, choices: &[Choice], extra: &[String]) -> String {
    let mut text = if choices.is_empty() {
        range.to_owned()
    } else {
        let each = choices
            .iter()
            .map(|c| if c.value == c.label { c.value.clone() } else { format!("{} ({})", c.value, c.label) });
        each.collect::<Vec<_>>().join("; ")
    };
    for value in extra {
        let _ = write!(text, "; or {value}");
    }
    text
}
