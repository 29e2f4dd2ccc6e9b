//! How values become elements and back. Structs are declared with [`wire_struct!`]; reading and writing follow from it.

use std::num::NonZeroU32;

use crate::check::Bounds;
use crate::error::{CwmpError, ErrorKind};
use crate::fault::FaultCode;
use crate::model::{EventCode, ParameterValue, Secret, Value, XsdType};
use crate::reader::{Element, Reader};
use crate::rpc::{self, DeploymentUnitState, Instance, Operation, Status, TransferState};
use crate::time::CwmpTime;

pub(crate) use crate::encode::Writer;

pub(crate) type Res<T> = Result<T, CwmpError>;

/// What an element holds.
pub(crate) trait Field: Sized {
    /// Reads on from the element's start to its end.
    fn read(reader: &mut Reader<'_>, element: &Element<'_>) -> Res<Self>;
    /// `name` with its prefix, if it has one.
    fn write(&self, name: &str, out: &mut Writer);
    /// Whether it may be sent. The bounds are its field's; a struct goes by those of its own fields.
    fn check(&self, _: &Bounds) -> Res<()> {
        Ok(())
    }
}

/// A member of a SOAP array.
pub(crate) trait Item: Field {
    /// The member's element.
    const NAME: &'static str;
    /// The member's type in `soap-enc:arrayType`.
    const TYPE: &'static str;
}

macro_rules! wire_struct {
    ($(#[$meta:meta])* $name:ident {
        $($(#[$field_meta:meta])* $field:ident: $ty:ty = $mode:ident $element:literal
            $(max $max:literal)? $(is $form:ident)? $(count $count:expr)?,)*
    }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub struct $name {
            $($(#[$field_meta])* pub $field: $ty,)*
        }

        impl crate::wire::Field for $name {
            fn read(
                reader: &mut crate::reader::Reader<'_>,
                _: &crate::reader::Element<'_>,
            ) -> crate::wire::Res<Self> {
                $(let mut $field: Option<$ty> = None;)*
                // Elements we do not know, or of others, are passed over.
                while let Some(child) = reader.child()? {
                    match child.name() {
                        $($element if child.ns.is_ours() => {
                            crate::field::read::$mode(&mut $field, reader, &child)?;
                        })*
                        _ => reader.skip()?,
                    }
                }
                Ok(Self { $($field: crate::field::finish::$mode($field, $element)?,)* })
            }

            fn write(&self, name: &str, out: &mut crate::wire::Writer) {
                out.open(name);
                $(crate::field::write::$mode(&self.$field, $element, out);)*
                out.close(name);
            }

            fn check(&self, _: &crate::check::Bounds) -> crate::wire::Res<()> {
                $(crate::field::check::$mode(&self.$field, $element, &crate::check::Bounds {
                    $(max: $max,)? $(count: $count,)? $(form: Some($form),)?
                    ..crate::check::Bounds::NONE
                })?;)*
                Ok(())
            }
        }
    };
}
pub(crate) use wire_struct;

fn invalid(reason: impl Into<String>) -> CwmpError {
    CwmpError::new(ErrorKind::Invalid, reason)
}

/// A value that is the element's trimmed text.
macro_rules! leaf {
    ($ty:ty, |$text:ident| $parse:expr, |$value:ident| $print:expr $(, check $check:expr)?) => {
        impl Field for $ty {
            fn read(reader: &mut Reader<'_>, _: &Element<'_>) -> Res<Self> {
                let text = reader.text()?;
                let $text = text.trim();
                $parse
            }

            fn write(&self, name: &str, out: &mut Writer) {
                let $value = self;
                out.leaf(name, $print);
            }

            $(fn check(&self, bounds: &Bounds) -> Res<()> {
                bounds.text($check(self).as_ref())
            })?
        }
    };
}

leaf!(String, |text| Ok(text.to_owned()), |value| value, check String::as_str);
leaf!(EventCode, |text| Ok(Self::new(text)), |value| value.as_str(), check EventCode::as_str);
leaf!(CwmpTime, |text| Self::parse(text).map_err(invalid), |value| &value.print());
leaf!(
    u32,
    |text| text.parse().map_err(|_| invalid("is not a whole number from 0 to 4294967295")),
    |value| &value.to_string(),
    check |value: &u32| value.to_string()
);
leaf!(i32, |text| text.parse().map_err(|_| invalid("is not a whole number")), |value| &value.to_string());
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
    TransferState,
    |text| match text {
        "1" => Ok(Self::NotStarted),
        "2" => Ok(Self::InProgress),
        "3" => Ok(Self::Completed),
        _ => Err(invalid("is neither 1, 2 nor 3")),
    },
    |value| match value {
        Self::NotStarted => "1",
        Self::InProgress => "2",
        Self::Completed => "3",
    }
);
leaf!(
    DeploymentUnitState,
    |text| match text {
        "Installed" => Ok(Self::Installed),
        "Uninstalled" => Ok(Self::Uninstalled),
        "Failed" => Ok(Self::Failed),
        _ => Err(invalid("is neither Installed, Uninstalled nor Failed")),
    },
    |value| match value {
        Self::Installed => "Installed",
        Self::Uninstalled => "Uninstalled",
        Self::Failed => "Failed",
    }
);
leaf!(
    Instance,
    |text| text.parse::<NonZeroU32>().map(Self).map_err(|_| invalid("is not a whole number from 1 to 4294967295")),
    |value| &value.0.to_string()
);
leaf!(
    FaultCode,
    |text| fault_code(text),
    |value| &value.0.to_string(),
    check |value: &FaultCode| value.0.to_string()
);

pub(crate) fn fault_code(text: &str) -> Res<FaultCode> {
    match text.parse() {
        Ok(code @ (8000..=8899 | 9000..=9899)) => Ok(FaultCode(code)),
        _ => Err(invalid("is no fault code (8000 to 8899, 9000 to 9899)")),
    }
}

impl Field for Secret {
    fn read(reader: &mut Reader<'_>, _: &Element<'_>) -> Res<Self> {
        reader.text().map(|text| Self(text.into_owned()))
    }

    fn write(&self, name: &str, out: &mut Writer) {
        out.leaf(name, &self.0);
    }

    fn check(&self, bounds: &Bounds) -> Res<()> {
        bounds.text(&self.0)
    }
}

impl<T: Item> Field for Vec<T> {
    fn read(reader: &mut Reader<'_>, _: &Element<'_>) -> Res<Self> {
        let mut members = Self::new();
        while let Some(child) = reader.child()? {
            if child.name() == T::NAME {
                let member = T::read(reader, &child);
                members.push(member.map_err(|error| error.under(&format!("{}[{}]", T::NAME, members.len() + 1)))?);
            } else {
                reader.skip()?;
            }
        }
        Ok(members)
    }

    fn write(&self, name: &str, out: &mut Writer) {
        if out.open_array(name, T::TYPE, self.len()) {
            self.iter().for_each(|member| member.write(T::NAME, out));
            out.close(name);
        }
    }

    fn check(&self, bounds: &Bounds) -> Res<()> {
        bounds.count(self.len())?;
        let mut members = self.iter().enumerate();
        let under = |i: usize, error: CwmpError| error.under(&format!("{}[{}]", T::NAME, i + 1));
        members.try_for_each(|(i, member)| member.check(bounds).map_err(|error| under(i, error)))
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
    rpc::TimeWindow = "TimeWindowStruct" "cwmp:TimeWindowStruct";
    rpc::QueuedTransfer = "QueuedTransferStruct" "cwmp:QueuedTransferStruct";
    rpc::AllQueuedTransfer = "AllQueuedTransferStruct" "cwmp:AllQueuedTransferStruct";
    rpc::Argument = "ArgStruct" "cwmp:ArgStruct";
    rpc::SetParameterAttributesEntry = "SetParameterAttributesStruct" "cwmp:SetParameterAttributesStruct";
}

impl Field for Value {
    fn read(reader: &mut Reader<'_>, element: &Element<'_>) -> Res<Self> {
        let text = reader.text()?;
        let type_ = element.meant.xsi_type.clone().unwrap_or_default();
        let text = match type_ {
            XsdType::String | XsdType::Other(_) => text.into_owned(),
            _ => text.trim().to_owned(),
        };
        Ok(Self { type_, text })
    }

    fn write(&self, name: &str, out: &mut Writer) {
        out.typed(name, &self.type_, &self.text);
    }
}

impl Field for Operation {
    fn read(reader: &mut Reader<'_>, element: &Element<'_>) -> Res<Self> {
        match element.meant.xsi_type.as_ref().map_or("", XsdType::name) {
            "InstallOpStruct" => Field::read(reader, element).map(Self::Install),
            "UpdateOpStruct" => Field::read(reader, element).map(Self::Update),
            "UninstallOpStruct" => Field::read(reader, element).map(Self::Uninstall),
            _ => Err(invalid("has an xsi:type that is no operation")),
        }
    }

    fn write(&self, name: &str, out: &mut Writer) {
        match self {
            Self::Install(operation) => {
                out.set_type("cwmp:InstallOpStruct");
                operation.write(name, out);
            }
            Self::Update(operation) => {
                out.set_type("cwmp:UpdateOpStruct");
                operation.write(name, out);
            }
            Self::Uninstall(operation) => {
                out.set_type("cwmp:UninstallOpStruct");
                operation.write(name, out);
            }
        }
    }

    fn check(&self, bounds: &Bounds) -> Res<()> {
        match self {
            Self::Install(operation) => operation.check(bounds),
            Self::Update(operation) => operation.check(bounds),
            Self::Uninstall(operation) => operation.check(bounds),
        }
    }
}
