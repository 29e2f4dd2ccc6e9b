//! How each kind of field of a `wire_struct!` is read, written and checked: `required`, `or_default`,
//! `optional`, `repeated`, and `fault_or_none` for a fault code where 0 means none.

pub(crate) mod read {
    use crate::error::{CwmpError, ErrorKind};
    use crate::fault::FaultCode;
    use crate::reader::{Element, Reader};
    use crate::wire::{Field, Res, fault_code};

    pub(crate) fn required<T: Field>(slot: &mut Option<T>, reader: &mut Reader<'_>, child: &Element<'_>) -> Res<()> {
        one(slot, child, || T::read(reader, child))
    }

    pub(crate) use required as or_default;

    pub(crate) fn optional<T: Field>(
        slot: &mut Option<Option<T>>,
        reader: &mut Reader<'_>,
        child: &Element<'_>,
    ) -> Res<()> {
        one(slot, child, || T::read(reader, child).map(Some))
    }

    pub(crate) fn repeated<T: Field>(
        slot: &mut Option<Vec<T>>,
        reader: &mut Reader<'_>,
        child: &Element<'_>,
    ) -> Res<()> {
        let members = slot.get_or_insert_default();
        let member = T::read(reader, child);
        members.push(member.map_err(|error| error.under(&format!("{}[{}]", child.name(), members.len() + 1)))?);
        Ok(())
    }

    pub(crate) fn fault_or_none(slot: &mut Option<FaultCode>, reader: &mut Reader<'_>, child: &Element<'_>) -> Res<()> {
        one(slot, child, || match reader.text()?.trim() {
            "0" => Ok(FaultCode(0)),
            text => fault_code(text),
        })
    }

    fn one<T>(slot: &mut Option<T>, child: &Element<'_>, read: impl FnOnce() -> Res<T>) -> Res<()> {
        if slot.is_some() {
            return Err(CwmpError::new(ErrorKind::Duplicate, "is there more than once").under(child.name()));
        }
        *slot = Some(read().map_err(|error| error.under(child.name()))?);
        Ok(())
    }
}

/// What a field is when its element has ended.
pub(crate) mod finish {
    use crate::error::{CwmpError, ErrorKind};
    use crate::wire::Res;

    pub(crate) fn required<T>(slot: Option<T>, name: &str) -> Res<T> {
        slot.ok_or_else(|| CwmpError::new(ErrorKind::Missing, "is missing").under(name))
    }

    pub(crate) use required as fault_or_none;

    pub(crate) fn or_default<T: Default>(slot: Option<T>, _: &str) -> Res<T> {
        Ok(slot.unwrap_or_default())
    }

    pub(crate) use {or_default as optional, or_default as repeated};
}

pub(crate) mod write {
    use crate::wire::{Field, Writer};

    pub(crate) fn required<T: Field>(value: &T, name: &str, out: &mut Writer) {
        value.write(name, out);
    }

    pub(crate) use {required as fault_or_none, required as or_default};

    pub(crate) fn optional<T: Field>(value: &Option<T>, name: &str, out: &mut Writer) {
        if let Some(value) = value {
            value.write(name, out);
        }
    }

    pub(crate) fn repeated<T: Field>(values: &[T], name: &str, out: &mut Writer) {
        values.iter().for_each(|value| value.write(name, out));
    }
}

pub(crate) mod check {
    use crate::check::Bounds;
    use crate::wire::{Field, Res};

    pub(crate) fn required<T: Field>(value: &T, name: &str, bounds: &Bounds) -> Res<()> {
        value.check(bounds).map_err(|error| error.under(name))
    }

    pub(crate) use {required as fault_or_none, required as or_default};

    pub(crate) fn optional<T: Field>(value: &Option<T>, name: &str, bounds: &Bounds) -> Res<()> {
        value.as_ref().map_or(Ok(()), |value| required(value, name, bounds))
    }

    pub(crate) fn repeated<T: Field>(values: &[T], name: &str, bounds: &Bounds) -> Res<()> {
        bounds.count(values.len()).map_err(|error| error.under(name))?;
        let mut members = values.iter().enumerate();
        members
            .try_for_each(|(i, value)| value.check(bounds).map_err(|error| error.under(&format!("{name}[{}]", i + 1))))
    }
}
