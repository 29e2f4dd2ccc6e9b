//! How many parameters a phone takes at once. Ours take many; phones of others have failed on 32. What a model failed on
//! and what it then took is remembered for all phones of its model and firmware.

use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter,
    sea_query::{Expr, OnConflict},
};
use serde::{Deserialize, Serialize};

use super::{Result, heard};
use crate::clock::now_ms;
use crate::db::entity::{model_batch, phone};

const OURS: usize = 256;
/// Reading is tried with few: a phone that restarts over a question answers nobody.
const OTHERS_GET: usize = 8;
/// Writing is tried with all: a change that is made in parts may be seen half done.
const OTHERS_SET: usize = 256;

/// What a phone is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Get,
    Set,
}

/// A long list on its way, part by part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parts {
    /// How many the phone takes, as far as is known.
    size: usize,
    /// How many go next: fewer, while the one that spoils a part is looked for.
    now: usize,
    /// The size was found by failing; it is remembered once it works.
    found: bool,
}

impl Parts {
    fn new(size: usize) -> Self {
        Self { size, now: size, found: false }
    }

    /// How many go next, at least 1.
    pub fn next(&self) -> usize {
        self.now.max(1)
    }

    /// A part of `count` was too much. `false`: one alone is, so fewer do not help.
    pub fn too_much(&mut self, count: usize) -> bool {
        if count <= 1 {
            return false;
        }
        self.size = count / 2;
        self.now = self.size;
        self.found = true;
        true
    }

    /// One of a part of `count` is wrong. `false`: it is this one.
    pub fn one_is_wrong(&mut self, count: usize) -> bool {
        self.now = (count / 2).max(1);
        count > 1
    }

    /// A part went well.
    pub async fn good(&mut self, tx: &impl ConnectionTrait, phone: &phone::Model, way: Way) -> Result<()> {
        self.now = (self.now * 2).min(self.size);
        if std::mem::take(&mut self.found) {
            learn(tx, phone, way, self.size).await?;
        }
        Ok(())
    }
}

/// How to ask this phone.
pub async fn of(tx: &impl ConnectionTrait, phone: &phone::Model, way: Way) -> Result<Parts> {
    if heard::is_ours(phone) {
        return Ok(Parts::new(OURS));
    }
    let known = model_batch::Entity::find()
        .filter(model_batch::Column::Manufacturer.eq(&phone.manufacturer))
        .filter(model_batch::Column::Model.eq(&phone.model))
        .filter(model_batch::Column::Firmware.eq(&phone.firmware))
        .one(tx)
        .await?;
    let first = match way {
        Way::Get => OTHERS_GET,
        Way::Set => OTHERS_SET,
    };
    let known = known.map(|row| if way == Way::Get { row.get_batch } else { row.set_batch });
    // 0: nothing was found out this way.
    Ok(Parts::new(known.and_then(|size| usize::try_from(size).ok()).filter(|size| *size > 0).unwrap_or(first)))
}

async fn learn(tx: &impl ConnectionTrait, phone: &phone::Model, way: Way, size: usize) -> Result<()> {
    let size = i32::try_from(size).unwrap_or(i32::MAX);
    let (get_batch, set_batch) = if way == Way::Get { (size, 0) } else { (0, size) };
    let column = if way == Way::Get { model_batch::Column::GetBatch } else { model_batch::Column::SetBatch };
    tracing::info!(
        model = phone.model,
        firmware = phone.firmware,
        ?way,
        size,
        "phones of this model take so many at once"
    );
    let row = model_batch::ActiveModel {
        manufacturer: Set(phone.manufacturer.clone()),
        model: Set(phone.model.clone()),
        firmware: Set(phone.firmware.clone()),
        get_batch: Set(get_batch),
        set_batch: Set(set_batch),
        updated_at: Set(now_ms()),
        ..Default::default()
    };
    use model_batch::Column::{Firmware, Manufacturer, Model, UpdatedAt};
    model_batch::Entity::insert(row)
        .on_conflict(
            OnConflict::columns([Manufacturer, Model, Firmware])
                .value(column, Expr::value(size))
                .value(UpdatedAt, Expr::value(now_ms()))
                .to_owned(),
        )
        .exec_without_returning(tx)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_on_too_much_and_looks_for_the_one_that_is_wrong() {
        let mut parts = Parts::new(8);
        assert!(parts.too_much(8));
        assert_eq!(parts.next(), 4);
        assert!(parts.one_is_wrong(4));
        assert_eq!(parts.next(), 2);
        assert!(parts.one_is_wrong(2));
        assert!(!parts.one_is_wrong(1) && !parts.too_much(1));
        assert_eq!((parts.size, parts.next()), (4, 1));
    }
}
