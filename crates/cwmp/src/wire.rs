//! How values become elements and back. Structs are declared with [`wire_struct!`]; reading and writing follow from it.

use std::num::NonZeroU32;

use crate::error::{CwmpError, ErrorKind};
use crate::fault::{FaultCode, SetParameterValuesFault, TransferFault};
use crate::model::{EventCode, ParameterValue, Secret, Value, XsdType};
use crate::rpc::{self, Instance, Status};
use crate::time::CwmpTime;
use crate::tree::Node;

pub(crate) use crate::encode::Writer;

pub(crate) type Res<T> = Result<T, CwmpError>;

pub(crate) trait Element: Sized {
    fn read(node: &Node) -> Res<Self>;
    /// `name` with its prefix, if it has one.
    fn write(&self, name: &str, out: &mut Writer);
}

/// A member of a SOAP array.
pub(crate) trait Item: Element {
    /// The member's element.
    const NAME: &'static str;
    /// The member's type in `soap-enc:arrayType`.
    const TYPE: &'static str;
}

/// The one child of this name. Children in a foreign namespace are not ours.
pub(crate) fn child<'a>(node: &'a Node, name: &str) -> Res<Option<&'a Node>> {
    let mut named = node.children.iter().filter(|child| child.name == name && child.ns.is_ours());
    let first = named.next();
    if named.next().is_some() {
        return Err(CwmpError::new(ErrorKind::Duplicate, "is there more than once").under(name));
    }
    Ok(first)
}

pub(crate) fn required<T: Element>(node: &Node, name: &str) -> Res<T> {
    match child(node, name)? {
        Some(child) => T::read(child).map_err(|error| error.under(name)),
        None => Err(CwmpError::new(ErrorKind::Missing, "is missing").under(name)),
    }
}

pub(crate) fn or_default<T: Element + Default>(node: &Node, name: &str) -> Res<T> {
    match child(node, name)? {
        Some(child) => T::read(child).map_err(|error| error.under(name)),
        None => Ok(T::default()),
    }
}

macro_rules! wire_struct {
    ($(#[$meta:meta])* $name:ident {
        $($(#[$field_meta:meta])* $field:ident: $ty:ty = $mode:ident $element:literal,)*
    }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub struct $name {
            $($(#[$field_meta])* pub $field: $ty,)*
        }

        impl Element for $name {
            fn read(node: &crate::tree::Node) -> crate::wire::Res<Self> {
                Ok(Self { $($field: crate::wire::$mode(node, $element)?,)* })
            }

            fn write(&self, name: &str, out: &mut crate::wire::Writer) {
                out.open(name);
                $(self.$field.write($element, out);)*
                out.close(name);
            }
        }
    };
}
pub(crate) use wire_struct;

fn invalid(reason: impl Into<String>) -> CwmpError {
    CwmpError::new(ErrorKind::Invalid, reason)
}

/// The text of an element that has no children.
fn text(node: &Node) -> Res<&str> {
    if node.children.is_empty() { Ok(&node.text) } else { Err(invalid("holds elements where a value is expected")) }
}

/// A value that is the element's trimmed text.
macro_rules! leaf {
    ($ty:ty, |$text:ident| $parse:expr, |$value:ident| $print:expr) => {
        impl Element for $ty {
            fn read(node: &Node) -> Res<Self> {
                let $text = text(node)?.trim();
                $parse
            }

            fn write(&self, name: &str, out: &mut Writer) {
                let $value = self;
                out.leaf(name, $print);
            }
        }
    };
}

leaf!(String, |text| Ok(text.to_owned()), |value| value);
leaf!(EventCode, |text| Ok(Self::new(text)), |value| value.as_str());
leaf!(CwmpTime, |text| Self::parse(text).map_err(invalid), |value| &value.print());
leaf!(u32, |text| text.parse().map_err(|_| invalid("is not a whole number from 0 to 4294967295")), |value| &value
    .to_string());
leaf!(
    bool,
    |text| match text {
        "1" | "true" => Ok(true),
        "0" | "false" => Ok(false),
        _ => Err(invalid("is not 0, 1, true or false")),
    },
    |value| if *value { "1" } else { "0" }
);
leaf!(
    Status,
    |text| match text {
        "0" => Ok(Self::Applied),
        "1" => Ok(Self::Pending),
        _ => Err(invalid("is neither 0 nor 1")),
    },
    |value| match value {
        Self::Applied => "0",
        Self::Pending => "1",
    }
);
leaf!(
    Instance,
    |text| text.parse::<NonZeroU32>().map(Self).map_err(|_| invalid("is not a whole number from 1 to 4294967295")),
    |value| &value.0.to_string()
);
leaf!(
    FaultCode,
    |text| match text.parse() {
        Ok(code @ (8000..=8899 | 9000..=9899)) => Ok(Self(code)),
        _ => Err(invalid("is no fault code (8000 to 8899, 9000 to 9899)")),
    },
    |value| &value.0.to_string()
);

impl Element for Secret {
    fn read(node: &Node) -> Res<Self> {
        Ok(Self(text(node)?.to_owned()))
    }

    fn write(&self, name: &str, out: &mut Writer) {
        out.leaf(name, &self.0);
    }
}

impl<T: Item> Element for Vec<T> {
    fn read(node: &Node) -> Res<Self> {
        let members = node.children.iter().filter(|child| child.name == T::NAME);
        members
            .enumerate()
            .map(|(i, child)| T::read(child).map_err(|error| error.under(&format!("{}[{}]", T::NAME, i + 1))))
            .collect()
    }

    fn write(&self, name: &str, out: &mut Writer) {
        if out.open_array(name, T::TYPE, self.len()) {
            self.iter().for_each(|member| member.write(T::NAME, out));
            out.close(name);
        }
    }
}

macro_rules! items {
    ($($ty:ty = $name:literal $type:literal;)*) => {
        $(impl Item for $ty {
            const NAME: &'static str = $name;
            const TYPE: &'static str = $type;
        })*
    };
}

items! {
    String = "string" "xsd:string";
    rpc::Event = "EventStruct" "cwmp:EventStruct";
    ParameterValue = "ParameterValueStruct" "cwmp:ParameterValueStruct";
    rpc::ParameterInfo = "ParameterInfoStruct" "cwmp:ParameterInfoStruct";
    rpc::ParameterAttribute = "ParameterAttributeStruct" "cwmp:ParameterAttributeStruct";
    rpc::SetParameterAttributesEntry = "SetParameterAttributesStruct" "cwmp:SetParameterAttributesStruct";
}

impl Element for Value {
    fn read(node: &Node) -> Res<Self> {
        let text = text(node)?;
        let type_ = node.xsi_type.as_deref().map(XsdType::from_name).unwrap_or_default();
        let text = if matches!(type_, XsdType::String | XsdType::Other(_)) { text } else { text.trim() };
        Ok(Self { type_, text: text.to_owned() })
    }

    fn write(&self, name: &str, out: &mut Writer) {
        out.typed(name, &self.type_, &self.text);
    }
}

impl Element for ParameterValue {
    fn read(node: &Node) -> Res<Self> {
        // Some phones leave Value out where it would be empty.
        Ok(Self { name: required(node, "Name")?, value: or_default(node, "Value")? })
    }

    fn write(&self, name: &str, out: &mut Writer) {
        out.open(name);
        self.name.write("Name", out);
        self.value.write("Value", out);
        out.close(name);
    }
}

/// A fault code where 0 means none.
struct FaultOrNone(FaultCode);

impl Element for FaultOrNone {
    fn read(node: &Node) -> Res<Self> {
        if text(node)?.trim() == "0" { Ok(Self(FaultCode(0))) } else { FaultCode::read(node).map(Self) }
    }

    fn write(&self, name: &str, out: &mut Writer) {
        self.0.write(name, out);
    }
}

impl Element for TransferFault {
    fn read(node: &Node) -> Res<Self> {
        Ok(Self { code: required::<FaultOrNone>(node, "FaultCode")?.0, text: or_default(node, "FaultString")? })
    }

    fn write(&self, name: &str, out: &mut Writer) {
        out.open(name);
        self.code.write("FaultCode", out);
        self.text.write("FaultString", out);
        out.close(name);
    }
}

impl Element for SetParameterValuesFault {
    fn read(node: &Node) -> Res<Self> {
        Ok(Self {
            name: required(node, "ParameterName")?,
            code: required(node, "FaultCode")?,
            text: or_default(node, "FaultString")?,
        })
    }

    fn write(&self, name: &str, out: &mut Writer) {
        out.open(name);
        self.name.write("ParameterName", out);
        self.code.write("FaultCode", out);
        self.text.write("FaultString", out);
        out.close(name);
    }
}

impl Element for crate::fault::Fault {
    fn read(node: &Node) -> Res<Self> {
        const ENTRY: &str = "SetParameterValuesFault";
        let entries = node.children.iter().filter(|child| child.name == ENTRY && child.ns.is_ours());
        Ok(Self {
            code: required(node, "FaultCode")?,
            text: or_default(node, "FaultString")?,
            parameters: entries
                .enumerate()
                .map(|(i, child)| {
                    SetParameterValuesFault::read(child).map_err(|e| e.under(&format!("{ENTRY}[{}]", i + 1)))
                })
                .collect::<Res<_>>()?,
        })
    }

    fn write(&self, name: &str, out: &mut Writer) {
        out.open(name);
        self.code.write("FaultCode", out);
        self.text.write("FaultString", out);
        for parameter in &self.parameters {
            parameter.write("SetParameterValuesFault", out);
        }
        out.close(name);
    }
}
