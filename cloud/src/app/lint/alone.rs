//! What the rules say to a layer by itself, where no phone shows it: none stands below, the accounts are not on yet, or
//! all below have values of their own. The layers above and this one over the factory's defaults, variables by their
//! examples, accounts that the layer says anything of taken as on.

use std::collections::{BTreeMap, BTreeSet};

use contract::rest::Layer;
use provisioning::variables::{self, Template, VARIABLES};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use settings::lint::Finding;
use uuid::Uuid;

use super::Context;
use crate::app::accounts::{SLOTS, new_password};
use crate::app::layers::{Edit, Scope, locks};
use crate::app::{App, Result};
use crate::db::entity::layer_value;
use crate::domain::catalogue;
use crate::domain::layers::{Bid, Desired, Effective, winner};

/// What is found before a change and after it, of what touches its keys.
pub struct Found {
    pub before: Vec<Finding>,
    pub after: Vec<Finding>,
}

/// A value in clear with its variables, and whether it is locked.
type Said = BTreeMap<String, (String, bool)>;

/// Looks at a layer as it is and with `edits`.
pub async fn look(app: &App, db: &impl ConnectionTrait, scope: Scope, edits: &[Edit]) -> Result<Found> {
    let mut scopes = locks::above(db, scope).await?;
    scopes.push(scope);
    let rows = layer_value::Entity::find()
        .filter(layer_value::Column::ScopeId.is_in(scopes.iter().map(|scope| scope.id())))
        .all(db)
        .await?;
    let mut layers: Vec<(Layer, Said)> = scopes.iter().map(|scope| (scope.layer(), Said::new())).collect();
    for row in rows {
        let here = |scope: &Scope| row.scope_id == Some(scope.id()) && row.layer == scope.layer().as_str();
        let Some((_, said)) = scopes.iter().position(here).and_then(|at| layers.get_mut(at)) else { continue };
        let text = app.secrets.open_setting(&row.key, &row.value)?.into_owned();
        said.insert(row.key, (text, row.locked));
    }
    let context = Context::of_layers(app, db, &scopes).await?;
    let own: Vec<&str> = layers.last().into_iter().flat_map(|(_, said)| said.keys()).map(String::as_str).collect();
    let on: BTreeSet<i32> =
        own.into_iter().chain(edits.iter().map(|edit| edit.key.as_str())).filter_map(slot).collect();
    let before = check(app, &context, &layers, &on)?;
    if let Some((_, said)) = layers.last_mut() {
        for edit in edits {
            match &edit.value {
                Some(new) => said.insert(edit.key.clone(), (new.text.clone(), new.locked)),
                None => said.remove(&edit.key),
            };
        }
    }
    let after = check(app, &context, &layers, &on)?;
    let touches = |finding: &Finding| finding.keys.iter().any(|key| edits.iter().any(|edit| edit.key == *key));
    let only = |all: Vec<Finding>| all.into_iter().filter(touches).collect();
    Ok(Found { before: only(before), after: only(after) })
}

/// The account a key says something of; its switch alone says nothing.
pub fn slot(key: &str) -> Option<i32> {
    SLOTS.into_iter().find(|slot| {
        key.strip_prefix(&format!("account.{slot}.")).is_some_and(|rest| !rest.is_empty() && rest != "enable")
    })
}

fn check(app: &App, context: &Context, layers: &[(Layer, Said)], on: &BTreeSet<i32>) -> Result<Vec<Finding>> {
    let keys: BTreeSet<&String> = layers.iter().flat_map(|(_, said)| said.keys()).collect();
    let mut desired = Desired::new();
    for key in keys {
        let all: Vec<(Bid, Option<String>)> = layers
            .iter()
            .filter_map(|(layer, said)| {
                let (text, locked) = said.get(key)?;
                let text = filled(key, text);
                Some((Bid { layer: *layer, locked: *locked, usable: text.is_some() }, text))
            })
            .collect();
        let bids: Vec<Bid> = all.iter().map(|(bid, _)| *bid).collect();
        let Some((bid, Some(text))) = winner(&bids).and_then(|at| all.get(at)) else { continue };
        let value = app.secrets.seal_setting(key, text)?;
        desired.insert(key.clone(), Effective { value, layer: bid.layer, locked: bid.locked });
    }
    for slot in on {
        let key = format!("account.{slot}.enable");
        // Only a lock keeps the accounts of rooms from switching it on.
        if !desired.get(&key).is_some_and(|held| held.locked) {
            desired.insert(key, Effective { value: "yes".to_owned(), layer: Layer::Room, locked: false });
        }
    }
    // Nobody's phone: no other one has its extension, and it told nothing.
    context.check(app, Uuid::nil(), &desired, &Default::default())
}

/// A value with its variables' examples; `None` where those make none that is allowed.
fn filled(key: &str, text: &str) -> Option<String> {
    if !text.contains('{') {
        return Some(text.to_owned());
    }
    let found = catalogue::find(key)?;
    let template = Template::parse(text).ok()?;
    let example = |name: &str| {
        let variable = VARIABLES.iter().find(|variable| variable.name == name)?;
        // Passwords of accounts are random.
        Some(if variable.secret { new_password() } else { variable.example.to_owned() })
    };
    let text = variables::fill(found, &template, example).ok()?;
    settings::validate_ref(found, &text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_taken_as_on_for_what_is_said_of_it_and_not_for_its_switch() {
        assert_eq!(slot("account.1.call.dialplan"), Some(1));
        assert_eq!(slot("account.2.codec.choice"), Some(2));
        for none in ["account.1.enable", "account.1.", "account.3.name", "accountsharing.enable", "tr069.enable"] {
            assert_eq!(slot(none), None, "{none}");
        }
    }

    #[test]
    fn variables_are_filled_in_with_what_they_may_look_like() {
        let plan = "account.1.call.dialplan";
        assert_eq!(filled(plan, "{ {room.extension} | x+ }").as_deref(), Some("{6314|x+}"));
        assert_eq!(filled(plan, "{x+}").as_deref(), Some("{x+}"));
        assert_eq!(filled("account.1.enable", "{room.number}"), None);
        let password = filled("account.1.sip.subscriber.password", "{sip.password}").unwrap();
        assert_eq!(settings::lint::Secret::of(&password, "6314").weakness(12), None);
    }
}
