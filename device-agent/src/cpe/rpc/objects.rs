//! Rows come and go (TR-069 A.3.2.6, A.3.2.7): in the one table that grows, see [`paging`].

use cwmp::{
    AddObject, AddObjectResponse, DeleteObject, DeleteObjectResponse, Fault, FaultCode, Instance, Message, Status,
};

use super::{check_key, disk, set, unknown};
use crate::cpe::tree::View;
use crate::cpe::tree::paging::{self, Rows};
use crate::device::Device;
use crate::store::Deed;

pub(super) fn add(device: &Device, request: AddObject) -> Result<Message, Fault> {
    check_key("ParameterKey", &request.parameter_key)?;
    let object = request.object_name;
    if object != paging::TABLE {
        return Err(no_table(device, &object));
    }
    let mut rows = Rows::of(device);
    let row = rows.add().ok_or_else(|| Fault::new(FaultCode::RESOURCES_EXCEEDED, "there are 10 rows already"))?;
    let instance_number = Instance::new(row.into()).ok_or_else(|| Fault::of(FaultCode::INTERNAL_ERROR))?;
    let deed = deed("add-object", &request.parameter_key, format!("{object}{row}."));
    let (_, empty) = rows.print();
    device
        .deed(deed, |document| {
            set::remember_key(document, request.parameter_key);
            document.paging_rows = empty;
        })
        .map_err(|error| disk(&error))?;
    Ok(AddObjectResponse { instance_number, status: Status::Applied }.into())
}

pub(super) fn delete(device: &Device, request: DeleteObject) -> Result<Message, Fault> {
    check_key("ParameterKey", &request.parameter_key)?;
    let object = request.object_name;
    let mut rows = Rows::of(device);
    let row = paging::row_of(&object).ok_or_else(|| no_table(device, &object))?;
    if !rows.remove(row) {
        return Err(unknown(&object));
    }
    let deed = deed("delete-object", &request.parameter_key, object);
    set::store_rows(device, &rows, Some(deed), request.parameter_key)?;
    Ok(DeleteObjectResponse { status: Status::Applied }.into())
}

fn deed(kind: &'static str, key: &str, object: String) -> Deed {
    Deed { kind, command_key: key.to_owned(), detail: Some(object) }
}

/// No object of this name, or one that does not grow: the standard has the same fault for both.
fn no_table(device: &Device, object: &str) -> Fault {
    if !object.ends_with('.') {
        return Fault::new(FaultCode::INVALID_PARAMETER_NAME, "ObjectName ends in a dot");
    }
    match View::of(device).below(object) {
        Some(_) => Fault::new(FaultCode::INVALID_PARAMETER_NAME, "this object neither grows nor shrinks"),
        None => unknown(object),
    }
}
