//! The profile template of the phone's PnP service: one XML file that is filled in for each phone.
//!
//! ```xml
//! <template><file filename="cfg%%mac_address%%.xml"><data><![CDATA[... %%sip_user%% ...]]></data></file></template>
//! ```
//!
//! Any text may stand in `<data>`. The guide names the attribute, the element and `%%mac_address%%`, not the elements
//! around them; those may have any name. Where the file name has no `%%mac_address%%`, the file is the same for all phones
//! and has no variables.

use contract::mac::Mac;
use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};

/// The variable each phone's address stands for, in twelve digits.
pub const MAC_VARIABLE: &str = "mac_address";
/// Largest template, in bytes.
pub const MAX_TEMPLATE: usize = 64 << 10;
/// Largest file made of it, in bytes.
pub const MAX_FILE: usize = 256 << 10;
/// Variables beside the address.
pub const MAX_VARIABLES: usize = 64;
/// Longest name of a variable, in bytes.
pub const MAX_NAME: usize = 40;
const MAX_FILE_NAME: usize = 64;
const MAX_DEPTH: usize = 8;
const MARK: &str = "%%";

/// Why a template will not do, or makes no file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProfileError {
    /// Too much of something.
    #[error("the template has {0}; leave something out")]
    TooLarge(&'static str),
    /// Not XML, or XML that nobody needs here.
    #[error("byte {at}: {why}")]
    Xml {
        /// Where, from 0.
        at: u64,
        /// What is wrong.
        why: String,
    },
    /// Not exactly one file in it.
    #[error("the template has {0} elements with a filename attribute and <data> in it; it has to have one")]
    Files(usize),
    /// A file name that phones would not ask for.
    #[error(
        "filename \"{0}\": use letters, digits, '-', '_' and '.', at most {MAX_FILE_NAME}, and no variable but %%mac_address%%"
    )]
    FileName(String),
    /// Something between marks that is no name.
    #[error(
        "line {line}: \"%%{text}%%\" is no variable; a name has letters, digits, '_' and '.', begins with a letter, and has at most {MAX_NAME} of them"
    )]
    Variable {
        /// In the data, from 1.
        line: usize,
        /// What stands there, shortened.
        text: String,
    },
    /// Variables in a file that is the same for all.
    #[error(
        "%%{0}%% differs from phone to phone, but the file name has no %%mac_address%%; put it there, or write the value itself"
    )]
    Common(String),
    /// No value for a variable.
    #[error("there is no value for %%{0}%%")]
    Missing(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Mac,
    Variable(usize),
}

/// A template that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    file_name: String,
    pieces: Vec<Piece>,
    variables: Vec<String>,
    escapes: bool,
}

impl Profile {
    /// Reads a template.
    ///
    /// # Errors
    /// [`ProfileError`].
    pub fn read(bytes: &[u8]) -> Result<Self, ProfileError> {
        if bytes.len() > MAX_TEMPLATE {
            return Err(ProfileError::TooLarge("more than 64 KiB"));
        }
        let (file_name, data) = file(bytes)?;
        let plain = file_name.replace(&format!("{MARK}{MAC_VARIABLE}{MARK}"), "0");
        let fine = (1..=MAX_FILE_NAME).contains(&file_name.len())
            && !plain.starts_with('.')
            && plain.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        if !fine {
            return Err(ProfileError::FileName(file_name.chars().take(MAX_FILE_NAME).collect()));
        }
        let data = data.trim();
        let mut profile = Self { escapes: data.starts_with('<'), file_name, pieces: vec![], variables: vec![] };
        profile.take_apart(data)?;
        let differs = profile.pieces.iter().find_map(|piece| match piece {
            Piece::Text(_) => None,
            Piece::Mac => Some(MAC_VARIABLE),
            Piece::Variable(at) => profile.variables.get(*at).map(String::as_str),
        });
        match differs {
            Some(name) if !profile.is_per_phone() => Err(ProfileError::Common(name.to_owned())),
            _ => Ok(profile),
        }
    }

    fn take_apart(&mut self, data: &str) -> Result<(), ProfileError> {
        let (mut rest, mut text) = (data, String::new());
        while let Some((before, behind)) = rest.split_once(MARK) {
            text.push_str(before);
            let line = behind.lines().next().unwrap_or_default();
            let Some((name, _)) = line.split_once(MARK) else {
                // Two signs and no second pair in the line: text.
                text.push_str(MARK);
                rest = behind;
                continue;
            };
            if !is_name(name) {
                let before = data.len() - behind.len();
                let line = data.get(..before).unwrap_or_default().lines().count().max(1);
                return Err(ProfileError::Variable { line, text: name.chars().take(MAX_NAME).collect() });
            }
            if !text.is_empty() {
                self.pieces.push(Piece::Text(std::mem::take(&mut text)));
            }
            let piece = self.piece(name)?;
            self.pieces.push(piece);
            rest = behind.get(name.len() + MARK.len()..).unwrap_or_default();
        }
        text.push_str(rest);
        if !text.is_empty() {
            self.pieces.push(Piece::Text(text));
        }
        Ok(())
    }

    fn piece(&mut self, name: &str) -> Result<Piece, ProfileError> {
        if name == MAC_VARIABLE {
            return Ok(Piece::Mac);
        }
        if let Some(at) = self.variables.iter().position(|own| own == name) {
            return Ok(Piece::Variable(at));
        }
        if self.variables.len() == MAX_VARIABLES {
            return Err(ProfileError::TooLarge("more than 64 variables"));
        }
        self.variables.push(name.to_owned());
        Ok(Piece::Variable(self.variables.len() - 1))
    }

    /// The file's name as in the template.
    pub fn file_name(&self) -> &str {
        &self.file_name
    }

    /// Whether each phone has a file of its own.
    pub fn is_per_phone(&self) -> bool {
        self.file_name.contains(MARK)
    }

    /// The variables beside the address, in the order of their first use.
    pub fn variables(&self) -> &[String] {
        &self.variables
    }

    /// The name of a phone's file.
    pub fn name_for(&self, mac: Mac) -> String {
        self.file_name.replace(&format!("{MARK}{MAC_VARIABLE}{MARK}"), &mac.compact())
    }

    /// A phone's file. `values` stand in the order of [`Self::variables`]. In data that is XML they are escaped.
    ///
    /// # Errors
    /// [`ProfileError::Missing`] and [`ProfileError::TooLarge`].
    pub fn fill(&self, mac: Mac, values: &[String]) -> Result<String, ProfileError> {
        let mut out = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Mac => out.push_str(&mac.compact()),
                Piece::Variable(at) => {
                    let value = values
                        .get(*at)
                        .ok_or_else(|| ProfileError::Missing(self.variables.get(*at).cloned().unwrap_or_default()))?;
                    if self.escapes {
                        out.push_str(&quick_xml::escape::escape(value.as_str()));
                    } else {
                        out.push_str(value);
                    }
                }
            }
            if out.len() > MAX_FILE {
                return Err(ProfileError::TooLarge("a file of more than 256 KiB, filled in"));
            }
        }
        out.push('\n');
        Ok(out)
    }
}

/// A name between marks, also that of a column.
fn is_name(name: &str) -> bool {
    name.len() <= MAX_NAME
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.')
}

/// File name and data of the only file.
fn file(bytes: &[u8]) -> Result<(String, String), ProfileError> {
    let text = std::str::from_utf8(bytes).map_err(|error| ProfileError::Xml {
        at: error.valid_up_to() as u64,
        why: "not UTF-8; save the template in that encoding".into(),
    })?;
    let mut reader = Reader::from_str(text.strip_prefix('\u{feff}').unwrap_or(text));
    let (mut depth, mut named, mut data) = (0usize, None::<(usize, String)>, None::<(usize, String)>);
    let mut files = vec![];
    loop {
        let at = reader.buffer_position();
        let wrong = |why: String| ProfileError::Xml { at, why };
        match reader.read_event().map_err(|error| wrong(error.to_string()))? {
            Event::Start(element) => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Err(wrong("elements nested more than 8 deep".into()));
                }
                if data.is_some() {
                    return Err(wrong("an element inside <data>; put the file between <![CDATA[ and ]]>".into()));
                }
                let name = attribute(&element).map_err(wrong)?;
                if let Some(name) = name {
                    named = Some((depth, name));
                } else if element.local_name().as_ref() == "data" && named.is_some() {
                    data = Some((depth, String::new()));
                }
            }
            Event::End(_) => {
                if let (Some((own, text)), Some((_, name))) = (&data, &named)
                    && *own == depth
                {
                    files.push((name.clone(), text.clone()));
                    data = None;
                }
                if named.as_ref().is_some_and(|(own, _)| *own == depth) {
                    named = None;
                }
                depth = depth.saturating_sub(1);
            }
            Event::CData(text) => {
                if let Some((_, data)) = &mut data {
                    data.push_str(&text);
                }
            }
            Event::Text(text) => {
                if let Some((_, data)) = &mut data {
                    data.push_str(&text);
                }
            }
            Event::GeneralRef(_) if data.is_some() => {
                return Err(wrong("a reference inside <data>; put the file between <![CDATA[ and ]]>".into()));
            }
            Event::DocType(_) => return Err(wrong("a document type is not taken; leave <!DOCTYPE …> out".into())),
            Event::Eof if depth > 0 => return Err(wrong("the file ends inside an element".into())),
            Event::Eof => break,
            _ => {}
        }
    }
    let count = files.len();
    let mut files = files.into_iter();
    match (files.next(), count) {
        (Some(file), 1) => Ok(file),
        _ => Err(ProfileError::Files(count)),
    }
}

fn attribute(element: &BytesStart<'_>) -> Result<Option<String>, String> {
    let mut found = None;
    for attribute in element.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        if attribute.key.local_name().as_ref() == "filename" {
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|error| error.to_string())?;
            found = Some(value.trim().to_owned());
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn template(name: &str, data: &str) -> String {
        format!("<?xml version=\"1.0\"?><t><file filename=\"{name}\"><data><![CDATA[{data}]]></data></file></t>")
    }

    fn read(name: &str, data: &str) -> Result<Profile, ProfileError> {
        Profile::read(template(name, data).as_bytes())
    }

    fn mac() -> Mac {
        "C0:74:AD:12:07:01".parse().unwrap()
    }

    #[test]
    fn a_template_is_filled_in_for_a_phone() {
        let profile =
            read("cfg%%mac_address%%.xml", "\n<a m='%%mac_address%%'>%%name%% %%p.1%% %%name%%</a>\n").unwrap();
        assert_eq!((profile.file_name(), profile.is_per_phone()), ("cfg%%mac_address%%.xml", true));
        assert_eq!(profile.variables(), ["name", "p.1"]);
        assert_eq!(profile.name_for(mac()), "cfgc074ad120701.xml");
        let file = profile.fill(mac(), &["R&D".into(), "%%name%%".into()]).unwrap();
        assert_eq!(file, "<a m='c074ad120701'>R&amp;D %%name%% R&amp;D</a>\n", "what is put in is not looked at again");
        assert_eq!(profile.fill(mac(), &["x".into()]), Err(ProfileError::Missing("p.1".into())));
        let text = read("%%mac_address%%.cfg", "P270=%%name%%").unwrap();
        assert_eq!(text.fill(mac(), &["R&D".into()]).as_deref(), Ok("P270=R&D\n"), "text is not escaped");
    }

    #[test]
    fn a_file_for_all_has_no_variables() {
        let profile = read("cfg.xml", "<a>100%% sure, 50%</a>").unwrap();
        assert!(!profile.is_per_phone());
        assert_eq!(profile.fill(mac(), &[]).as_deref(), Ok("<a>100%% sure, 50%</a>\n"));
        assert_eq!(read("cfg.xml", "<a>%%x%%</a>"), Err(ProfileError::Common("x".into())));
        assert_eq!(read("cfg.xml", "%%mac_address%%"), Err(ProfileError::Common("mac_address".into())));
    }

    #[test]
    fn what_will_not_do_is_refused_with_its_place() {
        for name in ["", "../x", "a/b.xml", ".x", "cfg%%mac%%.xml", "é.xml", "a b.xml", &"a".repeat(65)] {
            assert!(matches!(read(name, "x"), Err(ProfileError::FileName(_))), "{name}");
        }
        let wrong = read("%%mac_address%%", "a\nb %%sip user%%\n").unwrap_err();
        assert_eq!(wrong, ProfileError::Variable { line: 2, text: "sip user".into() });
        for (text, wanted) in [
            ("<t><data>x</data></t>".to_owned(), "has 0 elements with a filename"),
            (template("a", "x").replace("</t>", "<f filename=\"b\"><data>y</data></f></t>"), "has 2 elements"),
            ("<!DOCTYPE a [<!ENTITY b \"c\">]><t/>".to_owned(), "leave <!DOCTYPE"),
            ("<t><file filename=\"a\"><data><a/></data></file></t>".replace("<a/>", "<a></a>"), "between <![CDATA["),
            ("<t><file filename=\"a\"><data>&lt;</data></file></t>".to_owned(), "a reference inside <data>"),
            ("<t><file filename=\"a\"><data>x".to_owned(), "ends inside an element"),
            ("<a>".repeat(9), "more than 8 deep"),
            ("x".repeat(MAX_TEMPLATE + 1), "more than 64 KiB"),
        ] {
            let error = Profile::read(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(wanted), "{error}");
        }
        let many: String = (0..=MAX_VARIABLES).map(|at| format!("%%v{at}%%")).collect();
        assert_eq!(read("%%mac_address%%", &many), Err(ProfileError::TooLarge("more than 64 variables")));
        let bomb = read("%%mac_address%%", &"%%v%%".repeat(10_000)).unwrap();
        assert!(matches!(bomb.fill(mac(), &["x".repeat(512)]), Err(ProfileError::TooLarge(_))));
    }

    proptest! {
        #[test]
        fn any_data_is_read_or_refused_and_text_stays_what_it_was(data in "[a-z%<>\\n ]{0,60}") {
            prop_assume!(!data.contains("]]>"));
            if let Ok(profile) = read("%%mac_address%%", &data) && profile.variables().is_empty() {
                prop_assert_eq!(profile.fill(mac(), &[]).unwrap(), format!("{}\n", data.trim()));
            }
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Profile::read(&bytes);
        }
    }
}
