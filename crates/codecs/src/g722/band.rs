//! The two bands' quantisers and the predictor both have (G.722 §6.2). Blocks are named as there.

mod tables;

use tables::{IHN, IHP, ILB, ILN, ILP, Q6, QM2, QM4, QM6, RH2, RL42, WH, WL};

/// SATURATE: to 16 bits.
pub(super) fn saturate(value: i32) -> i32 {
    value.clamp(i16::MIN.into(), i16::MAX.into())
}

/// An entry of a table; every index in here is within its table.
fn at<const N: usize>(table: &[i32; N], index: usize) -> i32 {
    table.get(index).copied().unwrap_or(0)
}

/// The lower band, 6 bits.
#[derive(Debug)]
pub(super) struct Low {
    predictor: Predictor,
    nb: i32,
    det: i32,
}

impl Default for Low {
    fn default() -> Self {
        Self { predictor: Predictor::default(), nb: 0, det: 32 }
    }
}

impl Low {
    /// The code of a sample of this band.
    pub(super) fn encode(&mut self, xl: i32) -> u8 {
        // SUBTRA, QUANTL.
        let el = saturate(xl - self.predictor.s);
        let wd = if el >= 0 { el } else { -(el + 1) };
        let level = (1..30).find(|level| wd < (at(&Q6, *level) * self.det) >> 12).unwrap_or(30);
        let code = at(if el < 0 { &ILN } else { &ILP }, level) as u8;
        self.adapt(code);
        code
    }

    /// The sample of a code.
    pub(super) fn decode(&mut self, code: u8) -> i32 {
        // INVQBL, RECONS, LIMIT.
        let dl = (self.det * at(&QM6, code.into())) >> 15;
        let yl = (self.predictor.s + dl).clamp(-16_384, 16_383);
        self.adapt(code);
        yl
    }

    /// INVQAL, LOGSCL, SCALEL, and the predictor.
    fn adapt(&mut self, code: u8) {
        let ril = usize::from(code >> 2);
        let dlt = (self.det * at(&QM4, ril)) >> 15;
        self.nb = (((self.nb * 127) >> 7) + at(&WL, at(&RL42, ril) as usize)).clamp(0, 18_432);
        self.det = scale(self.nb, 8);
        self.predictor.update(dlt);
    }
}

/// The upper band, 2 bits.
#[derive(Debug)]
pub(super) struct High {
    predictor: Predictor,
    nb: i32,
    det: i32,
}

impl Default for High {
    fn default() -> Self {
        Self { predictor: Predictor::default(), nb: 0, det: 8 }
    }
}

impl High {
    /// The code of a sample of this band.
    pub(super) fn encode(&mut self, xh: i32) -> u8 {
        // SUBTRA, QUANTH.
        let eh = saturate(xh - self.predictor.s);
        let wd = if eh >= 0 { eh } else { -(eh + 1) };
        let level = if wd >= (564 * self.det) >> 12 { 2 } else { 1 };
        let code = at(if eh < 0 { &IHN } else { &IHP }, level) as u8;
        self.adapt(code);
        code
    }

    /// The sample of a code.
    pub(super) fn decode(&mut self, code: u8) -> i32 {
        let dh = (self.det * at(&QM2, code.into())) >> 15;
        let yh = (self.predictor.s + dh).clamp(-16_384, 16_383);
        self.adapt(code);
        yh
    }

    /// INVQAH, LOGSCH, SCALEH, and the predictor.
    fn adapt(&mut self, code: u8) {
        let dh = (self.det * at(&QM2, code.into())) >> 15;
        self.nb = (((self.nb * 127) >> 7) + at(&WH, at(&RH2, code.into()) as usize)).clamp(0, 22_528);
        self.det = scale(self.nb, 10);
        self.predictor.update(dh);
    }
}

/// SCALEL, SCALEH: the scale factor of its logarithm.
fn scale(nb: i32, shift: i32) -> i32 {
    let base = at(&ILB, (nb >> 6 & 31) as usize);
    let down = shift - (nb >> 11);
    (if down < 0 { base << -down } else { base >> down }) << 2
}

/// Two poles and six zeros (block 4).
#[derive(Debug, Default)]
struct Predictor {
    /// What it expects.
    s: i32,
    /// The zeros' part of it.
    sz: i32,
    a: [i32; 2],
    b: [i32; 6],
    /// The last reconstructed signals.
    r: [i32; 2],
    /// The last sums of difference and zeros' part.
    p: [i32; 2],
    /// The last differences.
    d: [i32; 6],
}

impl Predictor {
    /// Learns of the quantised difference.
    fn update(&mut self, d: i32) {
        // RECONS, PARREC.
        let r = saturate(self.s + d);
        let p = saturate(self.sz + d);
        self.a = self.poles(p);
        // UPZERO.
        let step = if d == 0 { 0 } else { 128 };
        for (b, past) in self.b.iter_mut().zip(self.d) {
            let up = if (past < 0) == (d < 0) { step } else { -step };
            *b = saturate(up + ((*b * 32_640) >> 15));
        }
        // DELAYA.
        self.d.rotate_right(1);
        self.d[0] = d;
        self.r = [r, self.r[0]];
        self.p = [p, self.p[0]];
        // FILTEP, FILTEZ, PREDIC.
        let product = |coefficient: i32, signal: i32| (coefficient * saturate(2 * signal)) >> 15;
        let sp: i32 = self.a.iter().zip(self.r).map(|(a, r)| product(*a, r)).sum();
        let sz: i32 = self.b.iter().zip(self.d).map(|(b, d)| product(*b, d)).sum();
        self.sz = saturate(sz);
        self.s = saturate(saturate(sp) + self.sz);
    }

    /// UPPOL2, UPPOL1.
    fn poles(&self, p: i32) -> [i32; 2] {
        let [a1, a2] = self.a;
        let [like1, like2] = self.p.map(|past| (past < 0) == (p < 0));
        let slope = saturate(4 * a1);
        let slope = if like1 { saturate(-slope) } else { slope };
        let up = if like2 { 128 } else { -128 };
        let a2 = (up + (slope >> 7) + ((a2 * 32_512) >> 15)).clamp(-12_288, 12_288);
        let up = if like1 { 192 } else { -192 };
        let limit = 15_360 - a2;
        [saturate(up + ((a1 * 32_640) >> 15)).clamp(-limit, limit), a2]
    }
}
