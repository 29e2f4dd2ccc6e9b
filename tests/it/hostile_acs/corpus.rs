//! A hundred hostile messages, made by hand. Each is named by what it tries.

use cwmp::encode;
use flate2::{Compress, Compression, FlushCompress};

use super::mutate::{deflate, gzip};
use super::wire::{Request, post, raw, unframed};
use crate::support::{HandPhone, mac};

pub struct Hostile {
    pub name: &'static str,
    pub request: Request,
}

/// A real Inform of a phone nobody knows, to be spoilt.
pub fn inform() -> String {
    encode(&HandPhone::new(mac(998), "").opening())
}

pub fn all() -> Vec<Hostile> {
    let mut all = [shapes(), characters(), amounts(), envelopes(), contents(), packed(), headers(), framing()].concat();
    // Each from a phone of its own, since one phone alone is soon told to come less often.
    for (number, one) in all.iter_mut().enumerate() {
        let own = mac(2_000 + number as u16);
        one.request.bytes = replaced(&one.request.bytes, &mac(998).to_string(), &own.to_string());
        one.request.bytes = replaced(&one.request.bytes, &mac(998).compact(), &own.compact());
    }
    all
}

/// `from` and `to` are of the same length.
fn replaced(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let found: Vec<usize> =
        bytes.windows(from.len()).enumerate().filter(|(_, at)| *at == from.as_bytes()).map(|(at, _)| at).collect();
    for at in found {
        bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
    }
    bytes
}

fn plain(name: &'static str, body: impl AsRef<[u8]>) -> Hostile {
    Hostile { name, request: post(&[], body.as_ref()) }
}

fn with(name: &'static str, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Hostile {
    Hostile { name, request: post(headers, body.as_ref()) }
}

impl Clone for Hostile {
    fn clone(&self) -> Self {
        Self { name: self.name, request: self.request.clone() }
    }
}

/// The Inform with something put before its first element of CWMP.
fn before_rpc(insert: &str) -> String {
    inform().replacen("<cwmp:Inform>", &format!("{insert}<cwmp:Inform>"), 1)
}

/// The Inform with another software version.
fn version(text: &str) -> String {
    inform().replace("9.9.9", text)
}

/// What XML can be, and must not be here.
fn shapes() -> Vec<Hostile> {
    let laughs = {
        let mut entities = "<!ENTITY a0 \"lol\">".to_owned();
        for n in 1..=9 {
            entities += &format!("<!ENTITY a{n} \"{}\">", format!("&a{};", n - 1).repeat(10));
        }
        version("&a9;").replacen("?>", &format!("?><!DOCTYPE x [{entities}]>"), 1)
    };
    let blowup = format!("<!ENTITY a \"{}\">", "x".repeat(50_000));
    vec![
        plain("10,000 elements never closed", "<a>".repeat(10_000)),
        plain("80,000 elements never closed", "<a>".repeat(80_000)),
        plain("200,000 elements nested and closed", "<a>".repeat(200_000) + &"</a>".repeat(200_000)),
        plain("nested within the body", before_rpc(&("<a>".repeat(40_000) + &"</a>".repeat(40_000)))),
        plain("nested just within a value", version(&("<b>".repeat(500) + &"</b>".repeat(500)))),
        plain("a CDATA section as a value", version("<![CDATA[1.0<x>]]>")),
        plain("CDATA within text", version("a<![CDATA[b]]>c")),
        plain("CDATA never closed", version("<![CDATA[")),
        plain("CDATA that ends in the middle of another", version("<![CDATA[<![CDATA[]]>]]>")),
        plain("a processing instruction in a value", version("1<?pi x?>2")),
        plain("a thousand processing instructions", before_rpc(&"<?p q?>".repeat(1_000))),
        plain("a comment in a value", version("1<!-- 9 -->2")),
        plain("a comment with two dashes", version("1<!-- -- -->2")),
        plain("a comment of a megabyte", before_rpc(&format!("<!--{}-->", "c".repeat(1 << 20)))),
        plain("a billion laughs", laughs),
        plain(
            "quadratic blow-up",
            version(&"&a;".repeat(20_000)).replacen("?>", &format!("?><!DOCTYPE x [{blowup}]>"), 1),
        ),
        plain("an internal entity", version("&a;").replacen("?>", "?><!DOCTYPE x [<!ENTITY a \"1.0\">]>", 1)),
        plain(
            "an external entity",
            version("&f;").replacen("?>", "?><!DOCTYPE x [<!ENTITY f SYSTEM \"file:///etc/passwd\">]>", 1),
        ),
        plain(
            "a parameter entity from elsewhere",
            inform().replacen("?>", "?><!DOCTYPE x [<!ENTITY % p SYSTEM \"http://127.0.0.1:9/x\">%p;]>", 1),
        ),
        plain("a DOCTYPE without anything", inform().replacen("?>", "?><!DOCTYPE x>", 1)),
        plain("a DOCTYPE never closed", inform().replacen("?>", "?><!DOCTYPE x [", 1)),
        plain("an entity nobody knows", version("&nbsp;")),
        plain("an entity never ended", version("&am")),
        plain("a character that is none", version("&#0;")),
        plain("a character beyond Unicode", version("&#x110000;")),
        plain("a character of a million digits", version(&format!("&#{};", "9".repeat(60_000)))),
        plain("two roots", inform() + "<x/>"),
        plain("only a root", "<a/>"),
        plain("only a declaration", "<?xml version=\"1.0\"?>"),
        plain("only a bracket", "<"),
        plain("an attribute twice", before_rpc("<a b=\"1\" b=\"2\"/>")),
        plain("an attribute without quotes", before_rpc("<a b=1/>")),
        plain("ends in the wrong order", before_rpc("<a><b></a></b>")),
        plain("a prefix of nobody", before_rpc("<zz:a/>")),
    ]
}

fn characters() -> Vec<Hostile> {
    let utf16 = |little: bool| -> Vec<u8> {
        let units =
            std::iter::once(0xfeff).chain(inform().replace("UTF-8", "UTF-16").encode_utf16().collect::<Vec<_>>());
        units.flat_map(|unit| if little { unit.to_le_bytes() } else { unit.to_be_bytes() }).collect()
    };
    let bytes = |bad: &[u8]| {
        let text = version("@@");
        let at = text.find("@@").unwrap();
        [&text.as_bytes()[..at], bad, &text.as_bytes()[at + 2..]].concat()
    };
    vec![
        plain("UTF-16, little end first", utf16(true)),
        plain("UTF-16, big end first", utf16(false)),
        plain("UTF-16 without a mark", &utf16(true)[2..]),
        plain("half a letter of UTF-8", bytes(&[0xc3])),
        plain("UTF-8 longer than it need be", bytes(&[0xc0, 0xaf])),
        plain("a surrogate in UTF-8", bytes(&[0xed, 0xa0, 0x80])),
        plain("zeros in a value", bytes(&[0, 0])),
        plain("nothing but zeros", vec![0; 4096]),
        plain("nothing but 0xff", vec![0xff; 4096]),
        plain("writing from the right", version("\u{202e}9.9\u{202c}")),
        plain("UTF-7 by name", inform().replace("UTF-8", "UTF-7")),
        plain("a JPEG", [b"\xff\xd8\xff\xe0".as_slice(), &[0x5a; 2000]].concat()),
    ]
}

fn amounts() -> Vec<Hostile> {
    let event = "<EventStruct><EventCode>4 VALUE CHANGE</EventCode><CommandKey></CommandKey></EventStruct>";
    let events = |count: usize| {
        let text = inform();
        let (start, end) = (text.find("<EventStruct>").unwrap(), text.rfind("</EventStruct>").unwrap() + 14);
        format!("{}{}{}", &text[..start], event.repeat(count), &text[end..])
    };
    let parameter = |n: usize| {
        format!(
            "<ParameterValueStruct><Name>Device.X.{n}</Name><Value xsi:type=\"xsd:string\">x</Value></ParameterValueStruct>"
        )
    };
    let parameters = |count: usize| {
        let all: String = (0..count).map(parameter).collect();
        inform().replacen("</ParameterList>", &format!("{all}</ParameterList>"), 1)
    };
    let attributes = |count: usize| (0..count).map(|n| format!(" a{n}=\"\"")).collect::<String>();
    let spaces = |count: usize| (0..count).map(|n| format!(" xmlns:n{n}=\"urn:{n}\"")).collect::<String>();
    vec![
        plain("an Inform with 65 events", events(65)),
        plain("an Inform with 10,000 events", events(10_000)),
        plain("an Inform with 3,000 parameters", parameters(3_000)),
        plain("an Inform with 15,000 parameters", parameters(15_000)),
        plain("100,000 attributes", before_rpc(&format!("<a{}/>", attributes(100_000)))),
        plain("60 attributes on 2,000 elements", before_rpc(&format!("<a{}/>", attributes(60)).repeat(2_000))),
        plain("10,000 namespaces", before_rpc(&format!("<a{}/>", spaces(10_000)))),
        plain("namespaces at every level", before_rpc(&(format!("<a{}>", spaces(50)).repeat(25) + &"</a>".repeat(25)))),
        plain("100,000 empty elements", before_rpc(&"<a/>".repeat(100_000))),
        plain("a value of 500,000 letters", version(&"x".repeat(500_000))),
        plain("a name of 100,000 letters", before_rpc(&format!("<{}/>", "n".repeat(100_000)))),
        plain("an attribute of a megabyte", before_rpc(&format!("<a b=\"{}\"/>", "v".repeat(1 << 20)))),
        plain("a megabyte of white space", before_rpc(&" \n".repeat(500_000))),
        plain("2 MiB of letters", "x".repeat(2 << 20)),
        plain("2 MiB of open brackets", "<".repeat(2 << 20)),
        plain("2 MiB of ampersands", version(&"&".repeat((2 << 20) - 4096))),
        plain("3 MiB", "x".repeat(3 << 20)),
        plain(
            "a thousand headers of SOAP",
            inform().replacen("</soap-env:Header>", &("<x/>".repeat(1_000) + "</soap-env:Header>"), 1),
        ),
    ]
}

fn envelopes() -> Vec<Hostile> {
    let text = inform();
    let rpc = &text[text.find("<cwmp:Inform>").unwrap()..text.find("</soap-env:Body>").unwrap()];
    let twice = text.replacen(rpc, &format!("{rpc}{rpc}"), 1);
    let soap = "http://schemas.xmlsoap.org/soap/envelope/";
    vec![
        plain("two RPCs in one body", twice),
        plain("two bodies", text.replacen("</soap-env:Body>", "</soap-env:Body><soap-env:Body></soap-env:Body>", 1)),
        plain("no body", text.replace(rpc, "")),
        plain("an empty envelope", format!("<e:Envelope xmlns:e=\"{soap}\"/>")),
        plain("a namespace that is not CWMP's", text.replace("urn:dslforum-org:cwmp-1-0", "urn:somebody:else")),
        plain("a CWMP of the future", text.replace("cwmp-1-0", "cwmp-7-3")),
        plain("SOAP 1.2", text.replace(soap, "http://www.w3.org/2003/05/soap-envelope")),
        plain(
            "a header that must be understood",
            text.replacen(
                "</soap-env:Header>",
                "<h:x xmlns:h=\"urn:h\" soap-env:mustUnderstand=\"1\"/></soap-env:Header>",
                1,
            ),
        ),
        plain("a method of nobody", text.replace("cwmp:Inform>", "cwmp:Reform>")),
        plain("an answer nobody asked for", answer("<cwmp:RebootResponse/>")),
        plain(
            "a fault nobody asked for",
            answer(
                "<soap-env:Fault><faultcode>Client</faultcode><faultstring>CWMP fault</faultstring><detail><cwmp:Fault><FaultCode>abc</FaultCode><FaultString>x</FaultString></cwmp:Fault></detail></soap-env:Fault>",
            ),
        ),
        plain("an ACS's own request", answer("<cwmp:Reboot><CommandKey>x</CommandKey></cwmp:Reboot>")),
        plain(
            "an object with the number abc",
            answer(
                "<cwmp:AddObjectResponse><InstanceNumber>abc</InstanceNumber><Status>0</Status></cwmp:AddObjectResponse>",
            ),
        ),
        plain(
            "an object with the number 4294967296",
            answer(
                "<cwmp:AddObjectResponse><InstanceNumber>4294967296</InstanceNumber><Status>0</Status></cwmp:AddObjectResponse>",
            ),
        ),
        plain(
            "an object with the number -1",
            answer(
                "<cwmp:AddObjectResponse><InstanceNumber>-1</InstanceNumber><Status>0</Status></cwmp:AddObjectResponse>",
            ),
        ),
    ]
}

fn answer(body: &str) -> String {
    let text = inform();
    let (start, end) = (text.find("<cwmp:Inform>").unwrap(), text.find("</soap-env:Body>").unwrap());
    format!("{}{body}{}", &text[..start], &text[end..])
}

fn contents() -> Vec<Hostile> {
    let own = mac(998).to_string();
    vec![
        plain("a retry count of -1", inform().replace("<RetryCount>0<", "<RetryCount>-1<")),
        plain("a retry count of 2^64", inform().replace("<RetryCount>0<", "<RetryCount>18446744073709551616<")),
        plain("a year of ten digits", inform().replace("0001-01-01T00:00:00Z", "9999999999-12-31T23:59:59Z")),
        plain("the thirtieth of February", inform().replace("0001-01-01T00:00:00Z", "2026-02-30T25:61:61+99:99")),
        plain("no MAC address", inform().replace(&own, "")),
        plain("everybody's MAC address", inform().replace(&own, "ff:ff:ff:ff:ff:ff")),
        plain("SQL for a serial number", inform().replace("<SerialNumber>", "<SerialNumber>'; DROP TABLE phone; --")),
        plain("a path for a serial number", inform().replace("<SerialNumber>", "<SerialNumber>../../../etc/passwd")),
        plain(
            "a script for a manufacturer",
            inform().replace("<Manufacturer>", "<Manufacturer>&lt;script&gt;alert(1)&lt;/script&gt;"),
        ),
        plain("a type nobody knows", inform().replace("xsd:string", "xsd:nonsense")),
    ]
}

/// So many MiB of spaces as the gzip of about a thousandth of that, made without inflating them anywhere: one block that
/// stands for itself, over and over.
pub fn bomb(megabytes: usize) -> Vec<u8> {
    let mut block = Vec::with_capacity(1 << 16);
    let spaces = vec![b' '; 1 << 20];
    let mut compress = Compress::new(Compression::best(), false);
    compress.compress_vec(&spaces, &mut block, FlushCompress::Full).unwrap();
    assert_eq!(compress.total_in(), 1 << 20, "all of it is in the block");
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    out.extend_from_slice(&block.repeat(megabytes));
    out
}

fn packed() -> Vec<Hostile> {
    let text = inform();
    let gzipped = gzip(text.as_bytes());
    let nested = gzip(&gzip(&gzip(text.as_bytes())));
    vec![
        with("a gzip bomb of 10 MiB for 10 GiB", &[("content-encoding", "gzip")], bomb(10_240)),
        with("a gzip bomb that fits, of 1.5 GiB", &[("content-encoding", "gzip")], bomb(1_536)),
        with("a deflate bomb", &[("content-encoding", "deflate")], &bomb(1_024)[10..]),
        with("gzip in gzip in gzip", &[("content-encoding", "gzip, gzip, gzip")], nested),
        with("gzip that is none", &[("content-encoding", "gzip")], &text),
        with("half a gzip", &[("content-encoding", "gzip")], &gzipped[..gzipped.len() / 2]),
        with(
            "gzip with another sum",
            &[("content-encoding", "gzip")],
            [&gzipped[..gzipped.len() - 8], &[0; 8]].concat(),
        ),
        with("gzip called deflate", &[("content-encoding", "deflate")], &gzipped),
        with("deflate called gzip", &[("content-encoding", "gzip")], deflate(text.as_bytes())),
        with("brotli", &[("content-encoding", "br")], &text),
        with("an encoding twice", &[("content-encoding", "gzip"), ("content-encoding", "gzip")], &gzipped),
    ]
}

fn headers() -> Vec<Hostile> {
    let text = inform();
    let cookies: String = (0..1_000).map(|n| format!("c{n}=v{n}; ")).collect();
    let nonce = "n".repeat(4_000);
    let digest = |rest: &str| format!("Digest username=\"u\", realm=\"x\", nonce=\"{nonce}\", uri=\"/acs\", {rest}");
    vec![
        with("1,000 cookies", &[("cookie", &cookies)], &text),
        with("cookies of ours by the hundred", &[("cookie", &"bellhop_session=x; ".repeat(500))], &text),
        with("a cookie of 50 kB", &[("cookie", &format!("bellhop_session={}", "s".repeat(50_000)))], &text),
        with("a session of SQL", &[("cookie", "bellhop_session=' OR 1=1 --")], ""),
        with("an endless realm", &[("authorization", &digest(&format!("response=\"{}\"", "0".repeat(8_000))))], &text),
        with("quotes never closed", &[("authorization", "Digest username=\"u, nonce=\"\\")], &text),
        with("1,000 directives", &[("authorization", &format!("Digest {}", "a=b, ".repeat(1_000)))], &text),
        with("a count beyond 32 bits", &[("authorization", &digest("nc=fffffffff, qop=auth, cnonce=\"\""))], &text),
        with("Basic that is no base64", &[("authorization", "Basic ????")], &text),
        with("two authorizations", &[("authorization", "Basic YTpi"), ("authorization", "Basic Yzpk")], &text),
        with("a type of nonsense", &[("content-type", "multipart/form-data; boundary=\"\"")], &text),
        with("a SOAPAction of injection", &[("soapaction", "\"cwmp:Inform\" ; rm -rf /")], &text),
    ]
}

fn framing() -> Vec<Hostile> {
    let text = inform();
    let many: String = (0..2_000).map(|n| format!("x-{n}: y\r\n")).collect();
    let chunked = |chunks: &str| {
        let head = [("transfer-encoding", "chunked")];
        unframed(&head, chunks.as_bytes())
    };
    vec![
        Hostile { name: "2,000 headers", request: raw(format!("POST /acs HTTP/1.1\r\nhost: x\r\n{many}\r\n")) },
        Hostile {
            name: "two lengths",
            request: unframed(&[("content-length", "5"), ("content-length", "50")], b"<a/> "),
        },
        Hostile { name: "a length below zero", request: unframed(&[("content-length", "-1")], text.as_bytes()) },
        Hostile { name: "a length of 2^64", request: unframed(&[("content-length", "18446744073709551616")], b"x") },
        Hostile { name: "more than was said", request: unframed(&[("content-length", "10")], text.as_bytes()) },
        Hostile {
            name: "less than was said",
            request: unframed(&[("content-length", "99999")], text.as_bytes()).hanging_up(),
        },
        Hostile { name: "a chunk of 2^64 bytes", request: chunked("ffffffffffffffff\r\nx").hanging_up() },
        Hostile { name: "a chunk of nonsense", request: chunked("zz\r\nx\r\n0\r\n\r\n") },
        Hostile {
            name: "length and chunks at once",
            request: unframed(&[("content-length", "4"), ("transfer-encoding", "chunked")], b"4\r\n<a/>\r\n0\r\n\r\n"),
        },
        Hostile { name: "HTTP 0.7", request: raw("POST /acs HTTP/0.7\r\n\r\n") },
        Hostile { name: "a header without a name", request: raw("POST /acs HTTP/1.1\r\nhost: x\r\n: y\r\n\r\n") },
        Hostile { name: "another method", request: raw("TRACE /acs HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n") },
    ]
}
