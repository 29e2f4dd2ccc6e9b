//! Laying out an XML message for reading. Nothing is interpreted: what is no markup stays as it is.

/// A message with one element a line, indented by depth. Texts stay on the line of their element.
pub fn pretty(xml: &str) -> String {
    let mut out = String::with_capacity(xml.len() + xml.len() / 4);
    let (mut depth, mut rest, mut inline) = (0_usize, xml.trim(), true);
    while !rest.is_empty() {
        let (piece, after) = next(rest);
        rest = after;
        if !piece.starts_with('<') {
            if !piece.trim().is_empty() {
                out.push_str(piece);
                inline = true;
            }
            continue;
        }
        let closes = piece.starts_with("</");
        if closes {
            depth = depth.saturating_sub(1);
        }
        let same_line = out.is_empty() || (closes && inline);
        if !same_line {
            out.push('\n');
            out.extend(std::iter::repeat_n("  ", depth));
        }
        out.push_str(piece);
        let opens = !closes && !piece.starts_with("<?") && !piece.starts_with("<!") && !piece.ends_with("/>");
        depth += usize::from(opens);
        // An element without children closes on its own line.
        inline = opens;
    }
    out
}

/// The next tag, or the text before it.
fn next(rest: &str) -> (&str, &str) {
    if !rest.starts_with('<') {
        return rest.split_at(rest.find('<').unwrap_or(rest.len()));
    }
    let end = if rest.starts_with("<!--") { "-->" } else { ">" };
    rest.split_at(rest.find(end).map_or(rest.len(), |at| at + end.len()))
}

#[cfg(test)]
mod tests {
    use super::pretty;

    #[test]
    fn each_element_has_its_line() {
        let xml = "<?xml version=\"1.0\"?><a x=\"1\"><b>text</b><c/>\n <d></d><e><f>1</f></e></a>";
        let lines = [
            "<?xml version=\"1.0\"?>",
            "<a x=\"1\">",
            "  <b>text</b>",
            "  <c/>",
            "  <d></d>",
            "  <e>",
            "    <f>1</f>",
            "  </e>",
            "</a>",
        ];
        assert_eq!(pretty(xml), lines.join("\n"));
    }

    #[test]
    fn what_is_no_xml_is_kept() {
        for text in ["", "hello", "</a></b>", "<a", "a < b", "<!-- <x> -->"] {
            assert_eq!(pretty(text).replace('\n', ""), text);
        }
    }

    #[test]
    fn laid_out_twice_is_the_same() {
        let once = pretty("<a><b>1</b><c><d>2</d></c></a>");
        assert_eq!(pretty(&once), once);
    }
}
