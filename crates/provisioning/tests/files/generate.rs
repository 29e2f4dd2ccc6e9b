//! Configurations at random, out of the real catalogue: every type, secrets, Unicode, empty values, all instances.

use provisioning::Document;
use settings::{Catalogue, Model, SettingRef, ValueType, validate_ref};

/// SplitMix64: small, and the same everywhere.
pub struct Dice(pub u64);

impl Dice {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Below `n`, which is not 0.
    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn range(&mut self, min: i64, max: i64) -> i64 {
        min + (self.next() % (max - min + 1) as u64) as i64
    }

    fn pick<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }

    /// Text that tries every format's syntax.
    fn text(&mut self, max: usize) -> String {
        const PIECES: [&str; 32] = [
            "a",
            "Room",
            "101",
            " ",
            "  ",
            "&",
            "&amp;",
            "<",
            ">",
            "\"",
            "'",
            "]]>",
            "=",
            "#",
            ";",
            ",",
            "%41",
            "+",
            "\\n",
            "\\",
            "{",
            "ü",
            "日本",
            "🛎",
            "é\u{301}",
            "P271=1",
            "<!--",
            "gnkey=0b82",
            "|",
            "\u{a0}",
            "$mac",
            "/",
        ];
        let mut text = String::new();
        for _ in 0..self.below(7) {
            let piece = self.pick(&PIECES);
            if text.len() + piece.len() > max {
                break;
            }
            text.push_str(piece);
        }
        text
    }

    fn digits(&mut self, most: usize) -> String {
        (0..1 + self.below(most.clamp(1, 9))).map(|_| self.pick(&["0", "1", "5", "9", "*", "#"])).collect()
    }

    fn host(&mut self) -> String {
        let n = self.below(250);
        match self.below(3) {
            0 => format!("pbx{n}.hotel.example"),
            1 => format!("10.1.2.{n}"),
            _ => format!("2001:db8::{n:x}"),
        }
    }
}

/// A document with about `size` settings of the model, or all of them.
pub fn document(dice: &mut Dice, model: Model, size: Option<usize>) -> Document {
    let all: Vec<SettingRef> = Catalogue::get().concrete(model).collect();
    let mut document = Document::default();
    let mut bytes = [0xc0, 0x74, 0xad, 0, 0, 0];
    bytes[3..].copy_from_slice(&dice.next().to_be_bytes()[..3]);
    document.mac = Some(provisioning::Mac::new(bytes));
    let mut put = |dice: &mut Dice, found: SettingRef| {
        if let Some(value) = value(dice, found) {
            document.set(&found.key(), &value).unwrap();
        }
    };
    match size {
        None => all.iter().for_each(|found| put(dice, *found)),
        Some(size) => (0..dice.below(size * 2)).for_each(|_| {
            let found = all[dice.below(all.len())];
            put(dice, found);
        }),
    }
    document
}

/// A canonical value; `None` where chance makes none that is allowed.
pub fn value(dice: &mut Dice, found: SettingRef) -> Option<String> {
    if found.setting.value_type.allows_empty() && dice.one_in(8) {
        return Some(String::new());
    }
    if !found.setting.extra.is_empty() && dice.one_in(4) {
        return Some(found.setting.extra[dice.below(found.setting.extra.len())].clone());
    }
    (0..4).find_map(|_| validate_ref(found, &raw(dice, found)).ok()).or_else(|| found.setting.default.clone())
}

fn raw(dice: &mut Dice, found: SettingRef) -> String {
    let kind = &found.setting.value_type;
    let step = found.setting.step.unwrap_or(1);
    let choices = kind.choices();
    let n = dice.below(200);
    match kind {
        ValueType::Bool => dice.pick(&["yes", "no"]).into(),
        ValueType::Int { min, max, .. } | ValueType::Percent { min, max } | ValueType::Port { min, max } => {
            (dice.range(*min, *max) / step * step).to_string()
        }
        ValueType::Enum { choices } => choices[dice.below(choices.len())].value.clone(),
        ValueType::Multi { .. } | ValueType::CodecList { .. } => {
            let mut some: Vec<&str> = choices.iter().filter(|_| dice.one_in(2)).map(|c| c.value.as_str()).collect();
            if !some.is_empty() {
                let turn = dice.below(some.len());
                some.rotate_left(turn);
            }
            some.join(",")
        }
        ValueType::Text { max, .. } | ValueType::Secret { max, .. } | ValueType::File { max } => dice.text(*max),
        ValueType::NumberString { max, .. } => dice.digits(*max),
        ValueType::NumberList { .. } => format!("{},{}", dice.digits(6), dice.digits(6)),
        ValueType::Host => dice.host(),
        ValueType::HostPort => format!("pbx{n}.example:{}", 5060 + n),
        ValueType::HostList { .. } => format!("pbx{n}.example,{}", dice.host()),
        ValueType::Url { schemes, bare, .. } => match schemes.first() {
            _ if *bare && dice.one_in(2) => format!("prov{n}.example/x&y={n}"),
            Some(scheme) => format!("{scheme}://prov{n}.example:8443/a?b=1&c=%20{n}"),
            None => format!("https://prov{n}.example/a?b=1&c={n}"),
        },
        ValueType::UrlTemplate { .. } => format!("http://hook{n}.example/?mac=$mac&to=${{remote}}&n={n}"),
        ValueType::SipUri { .. } => dice.pick(&["1001", "moh@pbx.example", "sip:moh@pbx:5060;transport=tcp"]).into(),
        ValueType::Ip | ValueType::Ipv4 => format!("192.0.2.{n}"),
        ValueType::Ipv6 => format!("2001:db8::{n:x}"),
        ValueType::Netmask => format!("/{}", 8 + n % 23),
        ValueType::IpList { .. } => format!("10.0.0.0/8,192.0.2.{n}"),
        ValueType::Multicast => format!("224.0.1.{n}:5004"),
        ValueType::Mac => format!("c074ad0000{:02x}", n.max(1)),
        ValueType::DialPlan => dice.pick(&["{ x+ | \\+x+ | *x+ }", "{^1900x.|<2=011>x+}", "{ [3-5]xx }"]).into(),
        ValueType::Tone => format!("f1={}@-13,f2=480@-13,c=200/400;", 300 + n),
        ValueType::RingMatch { choices, .. } => {
            let rule = |dice: &mut Dice| {
                let tone = &choices[dice.below(choices.len())].value;
                format!("{}={tone}", dice.pick(&["[3-5]xx+", "info=vip", "1xx", "8."]))
            };
            (0..1 + dice.below(3)).map(|_| rule(dice)).collect::<Vec<_>>().join(";")
        }
        ValueType::PagingList { .. } => {
            format!("{}224.0.1.{n}:5004=Pool & bar", dice.pick(&["", ";", "224.0.1.2:6000;"]))
        }
        ValueType::TimeZone { choices } if !choices.is_empty() && dice.one_in(2) => {
            choices[dice.below(choices.len())].value.clone()
        }
        ValueType::TimeZone { .. } => "CET-1CEST,M3.5.0,M10.5.0/3".into(),
        ValueType::Time => format!("{}:{:02}", n % 24, n % 60),
        ValueType::DateTime => "2026-01-02T03:04:05Z".into(),
        ValueType::Pem => "-----BEGIN CERTIFICATE-----\nTUlJ\nQg==\n-----END CERTIFICATE-----\n".into(),
    }
}
