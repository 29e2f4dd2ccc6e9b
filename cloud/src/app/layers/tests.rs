//! Changes in any order, held against a model of the layers, and taken back one by one.

use std::collections::BTreeMap;
use std::sync::Arc;

use contract::rest::{Enrolment, Layer, LayerChange, SECRET_MASK, Undo};
use contract::{ChangeSetId, Mac, PhoneId};
use proptest::prelude::*;
use sea_orm::{EntityTrait, IntoActiveModel, QueryOrder};
use uuid::Uuid;

use super::{Scope, change, preview, preview_undo, undo};
use crate::app::idempotency::Once;
use crate::app::{Actor, App, AppError, Scratch, announce, configuration, scratch};
use crate::db::entity::{brand, building, chain, floor, layer_value, phone, property, room, room_type};
use crate::domain::catalogue;

mod seen;

const KEYS: [&str; 3] = ["account.1.ring.timeout", "datetime.ntp.server.1", "account.1.sip.subscriber.password"];

struct House {
    app: Arc<App>,
    _scratch: Scratch,
    scopes: [Scope; 6],
    phone: PhoneId,
}

async fn house() -> House {
    let (app, scratch) = scratch().await;
    let [chain, brand, property, kind, building, floor, room] = std::array::from_fn(|_| Uuid::now_v7());
    let write = app.db.write().await.unwrap();
    macro_rules! insert {
        ($($table:ident { $($fields:tt)* })*) => {$(
            let row = $table::Model { $($fields)* };
            $table::Entity::insert(row.into_active_model()).exec_without_returning(&write.tx).await.unwrap();
        )*};
    }
    insert! {
        chain { id: chain, name: "Chain".into() }
        brand { id: brand, chain_id: chain, name: "Brand".into() }
        property {
            id: property, chain_id: chain, brand_id: Some(brand), code: "p".into(), name: "Property".into(),
            time_zone: "UTC".into(), phone: String::new(), front_desk: String::new()
        }
        room_type { id: kind, property_id: property, name: "Suite".into() }
        building { id: building, property_id: property, name: "Main".into(), position: 0 }
        floor { id: floor, building_id: building, name: "1".into(), level: 1 }
        room {
            id: room, property_id: property, floor_id: floor, number: "101".into(), extension: "6101".into(),
            guest_name: String::new(), room_type_id: Some(kind)
        }
    }
    let mut row = announce::blank(Mac::new([0xc0, 0x74, 0xad, 0, 0, 1]), "S1", Enrolment::Enrolled);
    (row.property_id, row.room_id) = (Some(property), Some(room));
    let phone = row.id;
    phone::Entity::insert(row.into_active_model()).exec_without_returning(&write.tx).await.unwrap();
    write.commit().await.unwrap();
    let scopes = [
        Scope::Chain(chain),
        Scope::Brand(brand),
        Scope::Property(property),
        Scope::RoomType(kind),
        Scope::Room(room),
        Scope::Phone(phone),
    ];
    House { app, _scratch: scratch, scopes, phone: PhoneId(phone) }
}

/// One edit of one layer: which, which key, the value or none, locked.
type Step = (usize, usize, Option<u8>, bool);

fn value(key: usize, number: u8) -> String {
    match key {
        0 => format!("{}", 30 + u32::from(number)),
        1 => format!("ntp{number}.{{room.number}}.example"),
        _ => format!("pw-{number}-{{room.extension}}"),
    }
}

/// What the phone then has.
fn filled(key: usize, number: u8) -> String {
    value(key, number).replace("{room.number}", "101").replace("{room.extension}", "6101")
}

/// Layer and key → number, locked.
type Model = BTreeMap<(usize, usize), (u8, bool)>;

fn expected(model: &Model, key: usize) -> Option<(Layer, String)> {
    let mut found = None;
    for layer in 0..6 {
        let Some((number, locked)) = model.get(&(layer, key)) else { continue };
        found = Some((Layer::ALL[layer + 1], filled(key, *number)));
        if *locked {
            break;
        }
    }
    found
}

impl House {
    fn wanted((_, key, number, locked): Step) -> LayerChange {
        LayerChange {
            values: [(KEYS[key].to_owned(), number.map(|number| value(key, number)))].into(),
            locked,
            reason: if locked { "Standard".to_owned() } else { String::new() },
            ..LayerChange::default()
        }
    }

    /// Whether it was allowed, and its change set.
    async fn step(&self, step: Step) -> (bool, Option<ChangeSetId>) {
        let (scope, actor) = (self.scopes[step.0], Actor("somebody".into()));
        let shown = preview(&self.app, scope, Self::wanted(step)).await;
        match change(&self.app, &actor, &Once::default(), scope, Self::wanted(step)).await {
            Ok(accepted) => {
                assert_eq!(accepted.phones, shown.unwrap().phones, "{step:?} does what its preview said");
                (true, accepted.change_set)
            }
            Err(AppError::Refused(problem)) => {
                assert_eq!(problem.kind, "locked");
                assert!(shown.is_err());
                (false, None)
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// Every effective value, by the document and by the page of the phone, which must agree.
    async fn values(&self) -> Vec<Option<(Layer, String)>> {
        let row = crate::app::phones::find(&self.app, self.phone).await.unwrap().unwrap();
        let documents = crate::app::documents::Documents::load(self.app.db.read(), &row).await.unwrap();
        let page = configuration::of_phone(&self.app, self.phone).await.unwrap();
        let of = |key: &&str| {
            let stored = documents.desired.get(*key);
            let shown = page.values.iter().find(|value| value.key == *key);
            assert_eq!(stored.map(|one| one.layer), shown.and_then(|one| one.layer), "{key}");
            let stored = stored.filter(|stored| stored.layer != Layer::ModelDefault)?;
            let text = self.app.secrets.open(key, &stored.value).unwrap();
            let mask = catalogue::is_secret(key).then_some(SECRET_MASK);
            assert_eq!(shown.and_then(|one| one.desired.as_deref()), Some(mask.unwrap_or(&text)));
            Some((stored.layer, text))
        };
        KEYS.iter().map(of).collect()
    }

    async fn layers(&self) -> Vec<(String, String, String, bool, String)> {
        let rows = layer_value::Entity::find().order_by_asc(layer_value::Column::Layer);
        let rows = rows.order_by_asc(layer_value::Column::Key).all(self.app.db.read()).await.unwrap();
        let open = |row: &layer_value::Model| self.app.secrets.open(&row.key, &row.value).unwrap();
        rows.into_iter().map(|row| (row.layer.clone(), row.key.clone(), open(&row), row.locked, row.reason)).collect()
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (0usize..6, 0usize..3, proptest::option::weighted(0.8, 0u8..4), any::<bool>());
    let step =
        step.prop_map(|(layer, key, number, locked)| (layer, key, number, locked && layer < 5 && number.is_some()));
    proptest::collection::vec(step, 1..14)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_phones_get_follows_the_layers_and_every_change_is_taken_back(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let house = house().await;
            let (mut model, mut done) = (Model::new(), Vec::new());
            for step in steps {
                let before = (house.layers().await, house.values().await);
                let (allowed, change_set) = house.step(step).await;
                let (layer, key, number, locked) = step;
                let lock_above = (0..layer).any(|above| model.get(&(above, key)).is_some_and(|(_, locked)| *locked));
                assert_eq!(allowed, number.is_none() || !lock_above, "{step:?}");
                if allowed {
                    match number {
                        Some(number) => drop(model.insert((layer, key), (number, locked))),
                        None => drop(model.remove(&(layer, key))),
                    }
                }
                let now: Vec<_> = (0..3).map(|key| expected(&model, key)).collect();
                assert_eq!(house.values().await, now, "{step:?}");
                done.extend(change_set.map(|id| (id, before)));
            }
            let actor = Actor("somebody".into());
            for (id, (layers, values)) in done.into_iter().rev() {
                let shown = preview_undo(&house.app, id, Undo::default()).await.unwrap();
                let accepted = undo(&house.app, &actor, &Once::default(), id, Undo::default()).await.unwrap();
                assert_eq!(accepted.phones, shown.phones, "the undo does what its preview said");
                assert_eq!(house.layers().await, layers);
                assert_eq!(house.values().await, values);
                let again = undo(&house.app, &actor, &Once::default(), id, Undo::default()).await.unwrap();
                assert_eq!((again.phones, again.change_set), (0, accepted.change_set));
            }
        });
    }
}
