//! Takes secrets out of a message before it is kept: values of secret parameters, passwords of transfers, and addresses
//! that are a permission.

use contract::rest::SECRET_MASK;

use crate::app::parameters::is_secret;

/// The message with its secrets masked; all else stays as it was written.
pub fn mask(xml: &str) -> String {
    let mut edits: Vec<(usize, usize)> = Vec::new();
    // Name and values of the structure that is read; either may come first.
    let (mut name, mut values): (Option<&str>, Vec<(usize, usize)>) = (None, Vec::new());
    let close = |name: &mut Option<&str>, values: &mut Vec<(usize, usize)>, edits: &mut Vec<(usize, usize)>| {
        // A value without a name may be anything.
        let secret = name.is_none_or(|name| is_secret(name.trim()));
        edits.extend(values.drain(..).filter(|_| secret));
        *name = None;
    };
    let mut at = 0;
    while let Some(open) = xml[at..].find('<').map(|offset| at + offset) {
        let Some(end) = xml[open..].find('>').map(|offset| open + offset) else { break };
        let tag = &xml[open + 1..end];
        at = end + 1;
        let local = |tag: &str| {
            let qualified = tag.split([' ', '\t', '\r', '\n', '/']).next().unwrap_or_default();
            qualified.rsplit(':').next().unwrap_or_default().to_owned()
        };
        if let Some(closing) = tag.strip_prefix('/') {
            if local(closing).ends_with("Struct") {
                close(&mut name, &mut values, &mut edits);
            }
            continue;
        }
        if tag.starts_with(['!', '?']) || tag.ends_with('/') {
            continue;
        }
        let element = local(tag);
        if element.ends_with("Struct") {
            close(&mut name, &mut values, &mut edits);
            continue;
        }
        if !matches!(element.as_str(), "Name" | "Value" | "Password" | "URL") {
            continue;
        }
        let qualified = tag.split([' ', '\t', '\r', '\n']).next().unwrap_or_default();
        let text_end = xml[at..].find(&format!("</{qualified}")).map_or(xml.len(), |offset| at + offset);
        let text = (at, text_end);
        match element.as_str() {
            "Name" => name = Some(&xml[at..text_end]),
            "Value" => values.push(text),
            "Password" => edits.push(text),
            // The last part of an address of ours is a signed permission.
            _ => {
                if let Some(files) = xml[at..text_end].find("/files/") {
                    edits.push((at + files + "/files/".len(), text_end));
                }
            }
        }
        at = text_end;
    }
    close(&mut name, &mut values, &mut edits);
    edits.sort_unstable();
    let (mut masked, mut from) = (String::with_capacity(xml.len()), 0);
    for (start, end) in edits.into_iter().filter(|(start, end)| end > start) {
        masked.push_str(&xml[from..start]);
        masked.push_str(SECRET_MASK);
        from = end;
    }
    masked.push_str(&xml[from..]);
    masked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_values_of_secret_parameters_alone() {
        let xml = "<P><ParameterValueStruct><Name>Device.ManagementServer.Password</Name>\
            <Value xsi:type=\"xsd:string\">pw-1</Value></ParameterValueStruct><ParameterValueStruct>\
            <Name>Device.DeviceInfo.UpTime</Name><Value>17</Value></ParameterValueStruct>\
            <cwmp:ParameterValueStruct><Value><![CDATA[pw-2]]></Value><Name> Device.X.AuthPassword </Name>\
            </cwmp:ParameterValueStruct></P>";
        let masked = mask(xml);
        assert!(!masked.contains("pw-1") && !masked.contains("pw-2"), "{masked}");
        assert!(masked.contains("<Value>17</Value>") && masked.contains("xsd:string"), "{masked}");
        assert!(masked.contains("Device.ManagementServer.Password"), "{masked}");
    }

    #[test]
    fn masks_passwords_and_permissions_of_transfers() {
        let xml = "<cwmp:Download><URL>http://h:7080/files/id/token</URL><Username>u</Username>\
            <Password>pw</Password></cwmp:Download>";
        let masked = mask(xml);
        assert!(!masked.contains("token") && !masked.contains("pw<"), "{masked}");
        assert!(masked.contains("http://h:7080/files/") && masked.contains("<Username>u</Username>"), "{masked}");
    }

    #[test]
    fn what_does_not_read_does_not_panic() {
        for xml in ["", "<", "<a", "<Value>", "<Value>x", "<Name>", "</Struct><Value>é", "<URL>/files/"] {
            mask(xml);
        }
        assert!(!mask("<Value>x").contains('x'), "without a name");
    }
}
