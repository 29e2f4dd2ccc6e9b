//! What the rules say to changes that are not pushed yet: the server previews the draft, some time after the last key.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use contract::rest::{LayerChange, LintGroup, Preview, PreviewLint};
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::components::push::{severity, whom};
use crate::components::template::{Draft, Ground, wrong};
use crate::layer_at::LayerAt;
use crate::state::use_shared;

/// So long nobody types before the server is asked.
const QUIET: Duration = Duration::from_millis(500);

/// Texts by the key of the field they belong to.
pub type Findings = BTreeMap<String, Vec<String>>;

/// Follows a draft. One question is open at most.
pub fn use_findings(at: LayerAt, draft: RwSignal<Draft>, ground: Signal<Ground>) -> RwSignal<Findings> {
    let shared = use_shared();
    let found = RwSignal::new(Findings::new());
    let (turn, busy) = (StoredValue::new(0_u64), StoredValue::new(false));
    let ask = move || {
        spawn_local(async move {
            loop {
                let Some(mine) = turn.try_get_value() else { return };
                let Some(values) =
                    draft.try_with_untracked(|draft| ground.with_untracked(|ground| asked(draft, ground)))
                else {
                    return;
                };
                let keys: BTreeSet<String> = values.keys().cloned().collect();
                let texts = if values.is_empty() {
                    Findings::new()
                } else {
                    let change = LayerChange { values, ..LayerChange::default() };
                    // What is refused says the push.
                    let answer = shared.api.post::<_, Preview>(&format!("{}/preview", at.settings()), &change).await;
                    answer.map(|preview| by_key(&preview.lint, &keys)).unwrap_or_default()
                };
                if turn.try_get_value() == Some(mine) {
                    found.try_set(texts);
                    busy.try_set_value(false);
                    return;
                }
            }
        });
    };
    Effect::new(move |_| {
        draft.track();
        turn.update_value(|turn| *turn += 1);
        let mine = turn.get_value();
        set_timeout(
            move || {
                if turn.try_get_value() == Some(mine) && busy.try_get_value() == Some(false) {
                    busy.set_value(true);
                    ask();
                }
            },
            QUIET,
        );
    });
    found
}

/// The draft without what is refused anyway, be it for a lock, and without secrets left as they are.
fn asked(draft: &Draft, ground: &Ground) -> BTreeMap<String, Option<String>> {
    let barred = |key: &str| ground.value(key).is_some_and(|below| below.locked);
    let fine = draft
        .iter()
        .filter(|(key, said)| !said.masked() && wrong(key, said).is_none() && (said.value.is_none() || !barred(key)));
    fine.map(|(key, said)| (key.clone(), said.value.clone())).collect()
}

/// At the fields that were changed, or at the first one a finding is about.
fn by_key(lint: &PreviewLint, changed: &BTreeSet<String>) -> Findings {
    let mut texts = Findings::new();
    for group in lint.brings.iter().chain(&lint.stays) {
        // Phones first; what only the layer's values say has none.
        let of_phones = group.examples.iter().map(|one| (&one.keys, &one.what));
        let found: Vec<_> = of_phones.chain(group.general.iter().map(|one| (&one.keys, &one.what))).collect();
        let Some((keys, what)) = found.first() else { continue };
        let about: BTreeSet<&String> =
            found.iter().flat_map(|(keys, _)| *keys).filter(|key| changed.contains(*key)).collect();
        let about = if about.is_empty() { keys.iter().take(1).collect() } else { about };
        for key in about {
            texts.entry(key.clone()).or_default().push(text(group, what));
        }
    }
    texts
}

fn text(group: &LintGroup, what: &str) -> String {
    let (word, _) = severity(group.rule.severity);
    format!("{word}: {}. {what} {} ({})", group.rule.title, group.rule.remedy, whom(group.phones))
}

#[cfg(test)]
mod tests {
    use contract::rest::{Layer, LayerValue, LintExample, LintGeneral, LintRule, LintSeverity};
    use contract::{Mac, PhoneId, Timestamp};

    use super::*;
    use crate::components::template::{Said, Stratum};

    fn group(rule: &str, keys: &[&str]) -> LintGroup {
        let text = str::to_owned;
        let keys = keys.iter().map(|key| text(key)).collect();
        let (phone, mac) = (PhoneId(Default::default()), Mac::new([0; 6]));
        let rule = LintRule {
            id: text(rule),
            severity: LintSeverity::Danger,
            title: text(rule),
            why: text("Why"),
            remedy: text("Mend it."),
        };
        let examples = vec![LintExample { phone, mac, room_number: None, keys, what: text("What.") }];
        LintGroup { rule, phones: 2, examples, general: Vec::new() }
    }

    #[test]
    fn findings_stand_at_the_fields_that_were_changed() {
        let changed = BTreeSet::from(["b".to_owned(), "c".to_owned()]);
        let lint = PreviewLint {
            looked_at: 2,
            brings: vec![group("one", &["a", "b"])],
            mends: vec![group("gone", &["b"])],
            stays: vec![group("other", &["x", "y"])],
        };
        let texts = by_key(&lint, &changed);
        assert_eq!(texts.keys().collect::<Vec<_>>(), ["b", "x"]);
        assert_eq!(texts["b"], ["Danger: one. What. Mend it. (2 phones)"]);
    }

    #[test]
    fn what_no_phone_has_yet_stands_at_its_field_too() {
        let (keys, what) = (vec!["plan".to_owned()], "112 cannot be dialled.".to_owned());
        let general = vec![LintGeneral { keys, what }];
        let one = LintGroup { phones: 0, examples: Vec::new(), general, ..group("blocked", &[]) };
        let lint = PreviewLint { looked_at: 0, brings: vec![one], mends: Vec::new(), stays: Vec::new() };
        let texts = by_key(&lint, &BTreeSet::from(["plan".to_owned()]));
        assert!(texts["plan"][0].starts_with("Danger: blocked. 112 cannot be dialled."), "{texts:?}");
        assert!(texts["plan"][0].contains("no phone yet"), "{texts:?}");
    }

    #[test]
    fn what_is_refused_or_masked_is_not_asked() {
        let mut draft = Draft::default();
        let said = |value: &str| Said { value: Some(value.into()), ..Said::default() };
        draft.wish("audio.volume.ring", said("99"), &Said::default());
        draft.wish("account.1.name", said("Lobby"), &Said::default());
        draft.wish("account.2.name", Said::default(), &said("x"));
        draft.wish("users.admin.password", said(contract::rest::SECRET_MASK), &Said::default());
        let all = asked(&draft, &Ground::default());
        assert_eq!(all.keys().collect::<Vec<_>>(), ["account.1.name", "account.2.name"]);
        assert_eq!(all["account.2.name"], None);
    }

    #[test]
    fn what_is_locked_further_out_is_not_asked_but_what_is_removed_there_is() {
        let locked = |key: &str| LayerValue {
            key: key.into(),
            title: String::new(),
            page: String::new(),
            value: "Chain".into(),
            locked: true,
            reason: "Brand standard".into(),
            secret: false,
            changed_at: Timestamp(0),
            changed_by: String::new(),
        };
        let values = vec![locked("account.1.name"), locked("account.2.name")];
        let ground = Ground::of(&[Stratum { layer: Layer::Chain, name: String::new(), values }]);
        let said = |value: &str| Said { value: Some(value.into()), ..Said::default() };
        let mut draft = Draft::default();
        draft.wish("account.1.name", said("Lobby"), &Said::default());
        draft.wish("account.2.name", Said::default(), &said("Bar"));
        draft.wish("audio.volume.ring", said("5"), &Said::default());
        let all = asked(&draft, &ground);
        assert_eq!(all.keys().collect::<Vec<_>>(), ["account.2.name", "audio.volume.ring"]);
    }
}
