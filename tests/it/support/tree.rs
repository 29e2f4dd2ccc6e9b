//! A phone's tree, as small as a test needs it, with the faults phones have.

use std::collections::BTreeMap;

use contract::PhoneId;
use contract::rest::{JobView, Task};
use cwmp::{
    AddObjectResponse, DeleteObjectResponse, Fault, FaultCode, GetParameterAttributesResponse,
    GetParameterNamesResponse, GetParameterValuesResponse, Instance, Message, ParameterAttribute, ParameterInfo,
    ParameterValue, Status, Value, XsdType,
};

use super::cwmp_phone::done;
use super::{Api, HandPhone, Hotel, mac};

/// Names, values and attributes.
#[derive(Default)]
pub struct Tree {
    pub leaves: BTreeMap<String, Value>,
    pub notifications: BTreeMap<String, u32>,
    /// More names than this at once are too much for it.
    pub most: usize,
    /// It fails when asked for a whole subtree.
    pub only_levels: bool,
    /// It lists these, but does not have them.
    pub ghosts: Vec<String>,
    /// The sizes of the lists it was asked for.
    pub sizes: Vec<usize>,
}

impl Tree {
    pub fn new(leaves: &[(&str, &str)]) -> Self {
        let value = |(path, text): &(&str, &str)| ((*path).to_owned(), Value::string(*text));
        Self { leaves: leaves.iter().map(value).collect(), most: usize::MAX, ..Self::default() }
    }

    fn names(&self, path: &str, next_level: bool) -> Message {
        let below = self.leaves.keys().chain(&self.ghosts).filter(|name| name.starts_with(path));
        let mut found: BTreeMap<String, bool> = BTreeMap::new();
        for name in below {
            let rest = &name[path.len()..];
            for (at, _) in rest.match_indices('.') {
                found.insert(name[..path.len() + at + 1].to_owned(), false);
            }
            found.insert(name.clone(), true);
        }
        if next_level {
            found.retain(|name, _| {
                let rest = &name[path.len()..];
                !rest.is_empty() && !rest.trim_end_matches('.').contains('.')
            });
        }
        let parameters = found.into_iter().map(|(name, writable)| ParameterInfo { name, writable }).collect();
        GetParameterNamesResponse { parameters }.into()
    }

    fn too_much(&mut self, names: &[String]) -> Option<Message> {
        self.sizes.push(names.len());
        if names.len() > self.most {
            return Some(Fault::of(FaultCode::RESOURCES_EXCEEDED).into());
        }
        let ghost = names.iter().any(|name| self.ghosts.contains(name));
        ghost.then(|| Fault::of(FaultCode::INVALID_PARAMETER_NAME).into())
    }

    /// What the phone answers; `None`: this is not about the tree.
    pub fn answer(&mut self, request: &Message) -> Option<Message> {
        Some(match request {
            Message::GetParameterNames(get) if self.only_levels && !get.next_level => {
                Fault::of(FaultCode::RESOURCES_EXCEEDED).into()
            }
            Message::GetParameterNames(get) => self.names(&get.path, get.next_level),
            Message::GetParameterValues(get) => match self.too_much(&get.names) {
                Some(fault) => fault,
                None => {
                    let named = |path: &String| {
                        let mut names = get.names.iter();
                        names.any(|name| path == name || (name.ends_with('.') && path.starts_with(name.as_str())))
                    };
                    let found = self.leaves.iter().filter(|(path, _)| named(path));
                    let parameters = found.map(|(path, value)| ParameterValue::new(path, value.clone())).collect();
                    GetParameterValuesResponse { parameters }.into()
                }
            },
            Message::SetParameterValues(set) if set.parameters.len() > self.most => {
                self.sizes.push(set.parameters.len());
                Fault::of(FaultCode::RESOURCES_EXCEEDED).into()
            }
            Message::SetParameterValues(set) => {
                self.sizes.push(set.parameters.len());
                for one in &set.parameters {
                    self.leaves.insert(one.name.clone(), one.value.clone());
                }
                done()
            }
            Message::GetParameterAttributes(get) => match self.too_much(&get.names) {
                Some(fault) => fault,
                None => {
                    let parameters = get.names.iter().map(|name| ParameterAttribute {
                        name: name.clone(),
                        notification: self.notifications.get(name).copied().unwrap_or(0),
                        access_list: Vec::new(),
                    });
                    GetParameterAttributesResponse { parameters: parameters.collect() }.into()
                }
            },
            Message::SetParameterAttributes(set) => {
                for one in &set.parameters {
                    self.notifications.insert(one.name.clone(), one.notification);
                }
                Message::SetParameterAttributesResponse
            }
            Message::AddObject(add) => {
                let number = (1..).find(|number| {
                    let object = format!("{}{number}.", add.object_name);
                    !self.leaves.keys().any(|path| path.starts_with(&object))
                });
                let number = number.unwrap();
                self.leaves.insert(format!("{}{number}.Enable", add.object_name), Value::new(XsdType::Boolean, "0"));
                let instance_number = Instance::new(number).unwrap();
                AddObjectResponse { instance_number, status: Status::Applied }.into()
            }
            Message::DeleteObject(delete) => {
                let before = self.leaves.len();
                self.leaves.retain(|path, _| !path.starts_with(&delete.object_name));
                match self.leaves.len() == before {
                    true => Fault::of(FaultCode::INVALID_PARAMETER_NAME).into(),
                    false => DeleteObjectResponse { status: Status::Applied }.into(),
                }
            }
            _ => return None,
        })
    }
}

/// An enrolled phone of another maker in room 1207, in sync.
pub async fn settled(hotel: &Hotel, acs_url: String) -> (HandPhone, PhoneId) {
    made_by(hotel, acs_url, "Grandstream").await
}

/// The same with our own agent's name.
pub async fn settled_ours(hotel: &Hotel, acs_url: String) -> (HandPhone, PhoneId) {
    made_by(hotel, acs_url, "Bellhop").await
}

async fn made_by(hotel: &Hotel, acs_url: String, manufacturer: &str) -> (HandPhone, PhoneId) {
    let id = hotel.announce(mac(1), Some(hotel.room("1207"))).await.unwrap();
    let mut phone = HandPhone::new(mac(1), acs_url);
    phone.manufacturer = manufacturer.to_owned();
    phone.session().await;
    phone.events = vec![cwmp::Event::new(cwmp::EventCode::PERIODIC)];
    (phone, id)
}

/// Asks for a task.
pub async fn ask(api: &Api, phone: PhoneId, task: &Task) -> JobView {
    api.post(&format!("/api/v1/phones/{phone}/tasks"), task).await.ok()
}

/// A session in which the tree answers; returns what was asked.
pub async fn session(phone: &mut HandPhone, tree: &mut Tree) -> Vec<Message> {
    phone.begin().await;
    phone.serve(|request| tree.answer(request)).await
}
