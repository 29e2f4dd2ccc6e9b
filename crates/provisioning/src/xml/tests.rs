//! XML by hand: what phones and people write, and what nobody should.

use crate::{Document, ErrorKind, Place, ReadOptions, Reason, read};

fn take(xml: &str) -> Document {
    read(xml.as_bytes(), &ReadOptions::default()).unwrap_or_else(|error| panic!("{error}\n{xml}"))
}

fn refuse(xml: &str) -> crate::ReadError {
    read(xml.as_bytes(), &ReadOptions::default()).expect_err(xml)
}

#[test]
fn flat_and_grouped_say_the_same() {
    let flat = take(
        r#"<gs_provision version="1"><config version="2">
             <item name="account.1.codec.choice.1">PCMA</item><item name="account.1.codec.choice.2">PCMU</item>
             <item name="account.1.sip.server.1.address">pbx.example</item>
           </config></gs_provision>"#,
    );
    let grouped = take(
        r#"<?xml version="1.0"?>
           <gs_provision><config version="2">
             <item name="account.1.codec.choice"><part name="1">PCMA</part><part name="2">PCMU</part></item>
             <item name="account.1.sip.server"><part name="1"><part name="address">pbx.example</part></part></item>
           </config></gs_provision>"#,
    );
    assert_eq!(flat.get("account.1.codec.choice"), Some("pcma,pcmu"));
    assert_eq!(flat.iter().collect::<Vec<_>>(), grouped.iter().collect::<Vec<_>>());
    assert!(flat.aside().is_empty() && grouped.aside().is_empty());
}

#[test]
fn comments_cdata_references_and_blanks() {
    let document = take(
        "\u{feff}<?xml version='1.0' encoding='utf-8'?><!-- by hand --><gs_provision><mac> 00-0B-82-12-34-56 </mac>\
         <config version='2'><item name='account.1.name'> R&amp;D <![CDATA[<b>]]><!-- x --> &#x1F6CE; </item>\
         <item name='account.1.enable'/></config></gs_provision>\n<!-- end -->\n",
    );
    assert_eq!(document.mac.map(|mac| mac.compact()).as_deref(), Some("000b82123456"));
    assert_eq!(document.get("account.1.name"), Some("R&D <b> \u{1f6ce}"));
    // A switch cannot be empty: kept aside, not guessed.
    assert_eq!(document.aside().len(), 1);
    assert_eq!(document.aside()[0].reason, Reason::Empty);
}

#[test]
fn each_vocabulary_counts_in_its_own_config_only() {
    let document = take(
        r#"<gs_provision><config version="1"><P271>1</P271><item name="account.2.enable">Yes</item></config>
           <config version="2"><P401>1</P401><item name="account.1.name">Lobby</item></config></gs_provision>"#,
    );
    assert_eq!(document.iter().collect::<Vec<_>>(), [("account.1.enable", "yes"), ("account.1.name", "Lobby")]);
    assert!(document.aside().iter().all(|aside| aside.reason == Reason::NotHere));
    assert_eq!(document.aside().len(), 2);
}

#[test]
fn a_file_for_another_phone_is_refused() {
    let xml = "<gs_provision><mac>000b82123456</mac><config version=\"1\"/></gs_provision>";
    let read_as = |mac: &str| read(xml.as_bytes(), &ReadOptions { mac: mac.parse().ok(), ..ReadOptions::default() });
    assert!(read_as("00:0B:82:12:34:56").is_ok());
    let error = read_as("c0:74:ad:00:00:01").unwrap_err();
    assert_eq!(error.kind, ErrorKind::WrongMac);
    assert_eq!(error.to_string(), "line 1, mac: it is for 00:0b:82:12:34:56, not for c0:74:ad:00:00:01");
    assert_eq!(refuse("<gs_provision><mac>hotel</mac></gs_provision>").name.as_deref(), Some("mac"));
}

#[test]
fn errors_name_line_and_element() {
    let error = refuse("<gs_provision>\n<config version=\"2\">\n<item>1</item></config></gs_provision>");
    assert_eq!((error.place, error.to_string().as_str()), (Place::Line(3), "line 3, item: it has no name attribute"));
    let error = refuse("<gs_provision>\n<config version=\"3\"/></gs_provision>");
    assert_eq!(error.to_string(), "line 2, config: its version must be 1 (P-values) or 2 (aliases)");
    let error = refuse("<gs_provision>\n\n<config version=\"1\">\n<P2>geheim</P3></config></gs_provision>");
    assert_eq!((error.place, error.kind), (Place::Line(4), ErrorKind::Malformed));
    assert!(!error.to_string().contains("geheim"));
    assert_eq!(refuse("<html/>").to_string(), "line 1, html: the outermost element must be gs_provision or config");
}

#[test]
fn asides_name_their_line() {
    let document = take("<config version=\"1\">\n<P271>1</P271>\n<P99999>x</P99999>\n\n<P47>a b</P47></config>");
    let said: Vec<_> = document.aside().iter().map(|aside| aside.place).collect();
    assert_eq!(said, [Place::Line(3), Place::Line(5)]);
}

#[test]
fn a_secret_that_is_refused_is_not_quoted() {
    let key = "account.1.sip.subscriber.password";
    let xml = format!("<config version=\"2\"><item name=\"{key}\">hunter2&#9;hunter2</item></config>");
    let document = take(&xml);
    assert_eq!(document.aside()[0].value, "hunter2\thunter2");
    assert!(document.aside()[0].to_string().contains("the value is not allowed"), "{document:?}");
    assert!(!format!("{document:?}").contains("hunter2"));
}

#[test]
fn document_types_and_entities_are_refused() {
    let bomb = "<!DOCTYPE l [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;\">]><gs_provision>&b;</gs_provision>";
    assert_eq!(refuse(bomb).kind, ErrorKind::Doctype);
    let file = "<!DOCTYPE p SYSTEM \"file:///etc/passwd\"><gs_provision/>";
    assert_eq!(refuse(file).kind, ErrorKind::Doctype);
    assert_eq!(refuse("<config version=\"1\"><P3>&a;</P3></config>").kind, ErrorKind::Doctype);
    assert_eq!(refuse("<config version=\"1\"><P3 a=\"&a;\">1</P3></config>").kind, ErrorKind::Doctype);
}

#[test]
fn limits_hold() {
    let deep = format!("<config version=\"2\"><item name=\"a\">{}", "<part name=\"a\">".repeat(9));
    assert_eq!(refuse(&deep).kind, ErrorKind::Limit);
    let many = format!("<config version=\"1\">{}</config>", "<P9/>".repeat(16_385));
    assert_eq!(refuse(&many).kind, ErrorKind::Limit);
    let long = format!("<config version=\"1\"><P3>{}</P3></config>", "a".repeat((64 << 10) + 1));
    assert_eq!(refuse(&long).kind, ErrorKind::Limit);
    let name = format!("<config version=\"2\"><item name=\"{}\">1</item></config>", "a".repeat(129));
    assert_eq!(refuse(&name).kind, ErrorKind::Limit);
    let attributes: String = (0..9).map(|i| format!(" a{i}=\"\"")).collect();
    assert_eq!(refuse(&format!("<config{attributes}/>")).kind, ErrorKind::Limit);
    let huge = " ".repeat((1 << 20) + 1);
    assert_eq!(refuse(&huge).kind, ErrorKind::Limit);
}

#[test]
fn what_is_not_xml_is_refused() {
    for bad in [
        "<",
        "<config version=\"1\">",
        "<config version=\"1\"/><config version=\"1\"/>",
        "<config version=\"1\"/>x",
        "<config version=\"1\" version=\"2\"/>",
        "<config version=\"1\"><P3>&#0;</P3></config>",
        "<config version=\"1\"><P3>\u{1}</P3></config>",
        "<config version=\"2\"><item name=\"a\"><b/></item></config>",
        "<!-- nothing -->",
    ] {
        assert_eq!(refuse(bad).kind, ErrorKind::Malformed, "{bad}");
    }
    let latin = b"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><config version=\"1\"><P3>\xfc</P3></config>";
    assert_eq!(read(latin, &ReadOptions::default()).unwrap_err().kind, ErrorKind::Encoding);
    let declared = "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><config version=\"1\"><P3>ü</P3></config>";
    assert_eq!(refuse(declared).kind, ErrorKind::Encoding);
}
