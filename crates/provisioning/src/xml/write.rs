//! From a document to XML, two blanks a level, so that people can read and compare it.

use settings::Dialect;

use super::is_xml_char;
use crate::{
    Document,
    express::{Pair, Wish, express},
    format::{Format, WriteOptions, Written},
    text::is_p,
};

/// Writes one of the three kinds. What P-values cannot say to a phone of ours follows in a second `<config>`.
pub(crate) fn write(document: &Document, format: Format, options: &WriteOptions) -> Written {
    let dialect = if format == Format::PValueXml { Dialect::P } else { Dialect::Alias };
    let fits = if dialect == Dialect::P { p_fits } else { item_fits };
    let wish = Wish { dialect, prefer_own: false, fits, own_fits: item_fits };
    let mut out = express(document, options, wish);
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<gs_provision version=\"1\">\n");
    if let Some(mac) = document.mac {
        xml.push_str(&format!("  <mac>{}</mac>\n", mac.compact()));
    }
    match format {
        Format::PValueXml => {
            config(&mut xml, "1", |xml| out.items.iter().for_each(|(name, value)| p_value(xml, name, value)));
            if !out.own.is_empty() {
                config(&mut xml, "2", |xml| flat(xml, &out.own));
            }
        }
        Format::GroupedXml => {
            out.items.append(&mut out.own);
            config(&mut xml, "2", |xml| grouped(xml, &out.items));
        }
        _ => {
            out.items.append(&mut out.own);
            config(&mut xml, "2", |xml| flat(xml, &out.items));
        }
    }
    xml.push_str("</gs_provision>\n");
    Written { bytes: xml.into_bytes(), left_out: out.left_out }
}

fn p_fits(name: &str, value: &str) -> bool {
    is_p(name) && text_fits(value)
}

fn item_fits(name: &str, value: &str) -> bool {
    let plain = |c: char| !c.is_control() && is_xml_char(c);
    !name.is_empty() && name.trim() == name && name.chars().all(plain) && text_fits(value)
}

/// A carriage return would come back as a line feed, were it not written as a reference.
fn text_fits(value: &str) -> bool {
    value.chars().all(is_xml_char)
}

fn config(xml: &mut String, version: &str, inside: impl FnOnce(&mut String)) {
    xml.push_str(&format!("  <config version=\"{version}\">\n"));
    inside(xml);
    xml.push_str("  </config>\n");
}

fn p_value(xml: &mut String, name: &str, value: &str) {
    xml.push_str("    <");
    xml.push_str(name);
    content(xml, name, value);
}

fn flat(xml: &mut String, items: &[Pair]) {
    for (name, value) in items {
        element(xml, "    ", "item", name, value);
    }
}

/// Items that share all but the last step of their name, together. Order inside a group is kept.
fn grouped(xml: &mut String, items: &[Pair]) {
    let mut groups: Vec<(&str, Vec<(&str, &str)>)> = vec![];
    let mut at = std::collections::HashMap::new();
    for (name, value) in items {
        let Some((group, part)) = name.rsplit_once('.').filter(|(group, part)| step(group) && step(part)) else {
            groups.push((name, vec![("", value)]));
            continue;
        };
        let i = *at.entry(group).or_insert_with(|| {
            groups.push((group, vec![]));
            groups.len() - 1
        });
        if let Some((_, parts)) = groups.get_mut(i) {
            parts.push((part, value));
        }
    }
    for (group, parts) in groups {
        if let [("", value)] = parts.as_slice() {
            element(xml, "    ", "item", group, value);
            continue;
        }
        xml.push_str("    <item name=\"");
        escape(xml, group);
        xml.push_str("\">\n");
        for (part, value) in parts {
            element(xml, "      ", "part", part, value);
        }
        xml.push_str("    </item>\n");
    }
}

/// Can stand alone in an attribute: readers cut blanks off.
fn step(text: &str) -> bool {
    !text.is_empty() && text.trim() == text
}

fn element(xml: &mut String, indent: &str, tag: &str, name: &str, value: &str) {
    xml.push_str(indent);
    xml.push('<');
    xml.push_str(tag);
    xml.push_str(" name=\"");
    escape(xml, name);
    xml.push('"');
    content(xml, tag, value);
}

fn content(xml: &mut String, tag: &str, value: &str) {
    if value.is_empty() {
        xml.push_str("/>\n");
        return;
    }
    xml.push('>');
    escape(xml, value);
    xml.push_str("</");
    xml.push_str(tag);
    xml.push_str(">\n");
}

fn escape(xml: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '"' => xml.push_str("&quot;"),
            '\r' => xml.push_str("&#13;"),
            c => xml.push(c),
        }
    }
}
