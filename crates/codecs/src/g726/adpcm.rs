//! The quantiser and its predictor (G.726 §4.2), for 32 kbit/s.

/// Decision levels of the quantiser, log2 scaled by 128 (table 7).
const QUAN: [i32; 7] = [-124, 80, 178, 246, 300, 349, 400];
/// Quantiser outputs (table 13).
const DQLN: [i32; 8] = [-2048, 4, 135, 213, 273, 323, 373, 425];
/// Multipliers of the scale factor (FUNCTW).
const WI: [i32; 8] = [-12, 18, 41, 64, 112, 198, 355, 1122];
/// How fast the signal changes (FUNCTF).
const FI: [i32; 8] = [0, 0, 0, 1, 1, 1, 3, 7];

/// A number as the predictor has them: sign, exponent of 4 bits, mantissa of 6.
#[derive(Clone, Copy, Debug)]
struct Float {
    negative: bool,
    exponent: u32,
    mantissa: i32,
}

impl Float {
    const ZERO: Self = Self { negative: false, exponent: 0, mantissa: 32 };

    /// FLOATA, FLOATB.
    fn new(negative: bool, magnitude: i32) -> Self {
        if magnitude <= 0 {
            return Self { negative, ..Self::ZERO };
        }
        let exponent = 32 - magnitude.leading_zeros();
        Self { negative, exponent, mantissa: magnitude << 6 >> exponent }
    }

    /// FMULT: by a coefficient.
    fn times(self, coefficient: i32) -> i32 {
        let coefficient = coefficient >> 2;
        let an = Self::new(coefficient < 0, coefficient.abs());
        let exponent = self.exponent + an.exponent;
        let mantissa = (self.mantissa * an.mantissa + 48) >> 4;
        let product = match exponent.checked_sub(19) {
            Some(up) => mantissa << up & 0x7fff,
            None => mantissa >> (19 - exponent),
        };
        if self.negative == an.negative { product } else { -product }
    }
}

/// Everything that is remembered from one sample to the next, the same in encoder and decoder.
#[derive(Clone, Debug)]
pub(super) struct Adpcm {
    /// Coefficients of the sixth-order predictor, and the differences they go with.
    b: [i32; 6],
    dq: [Float; 6],
    /// Those of the second order, and the signals.
    a: [i32; 2],
    sr: [Float; 2],
    /// Signs of the last two `dqsez`.
    pk: [bool; 2],
    /// Scale factors, fast and slow.
    yu: i32,
    yl: i32,
    /// Short and long average of `FI`.
    dms: i32,
    dml: i32,
    /// Speed control.
    ap: i32,
    /// A tone was found.
    td: bool,
}

impl Default for Adpcm {
    fn default() -> Self {
        Self {
            b: [0; 6],
            dq: [Float::ZERO; 6],
            a: [0; 2],
            sr: [Float::ZERO; 2],
            pk: [false; 2],
            yu: 544,
            yl: 34_816,
            dms: 0,
            dml: 0,
            ap: 0,
            td: false,
        }
    }
}

/// What is expected of the next sample.
struct Estimate {
    /// By the zeros alone.
    sez: i32,
    /// By all.
    se: i32,
    /// Scale factor of its quantisation.
    y: i32,
}

impl Adpcm {
    /// The code of a sample, from 1 to 15.
    pub(super) fn encode(&mut self, sample: i16) -> u8 {
        let estimate = self.estimate();
        // 14 bits go in.
        let code = quantise((i32::from(sample) >> 2) - estimate.se, estimate.y);
        self.update(code, &estimate);
        code
    }

    /// The sample of a code; of its lower four bits.
    pub(super) fn decode(&mut self, code: u8) -> i16 {
        let estimate = self.estimate();
        let sr = self.update(code & 15, &estimate);
        (sr << 2).clamp(i16::MIN.into(), i16::MAX.into()) as i16
    }

    /// After a loss: predicts more carefully. Poles that are not the encoder's would ring.
    pub(super) fn soften(&mut self) {
        self.a = self.a.map(|coefficient| coefficient * 7 / 8);
    }

    fn estimate(&self) -> Estimate {
        let zeros: i32 = self.dq.iter().zip(self.b).map(|(dq, b)| dq.times(b)).sum();
        let poles: i32 = self.sr.iter().zip(self.a).map(|(sr, a)| sr.times(a)).sum();
        // LIMA, MIX.
        let al = (self.ap >> 2).min(64);
        let slow = self.yl >> 6;
        let y = slow + (self.yu - slow) * al / 64;
        Estimate { sez: wrap(zeros) >> 1, se: wrap(zeros + poles) >> 1, y }
    }

    /// Learns from a code and returns the reconstructed signal.
    fn update(&mut self, code: u8, &Estimate { sez, se, y }: &Estimate) -> i32 {
        let negative = code & 8 != 0;
        let level = usize::from(if negative { 15 - code } else { code });
        let at = |table: &[i32; 8]| table.get(level).copied().unwrap_or(0);
        let magnitude = antilog(at(&DQLN) + (y >> 2));
        let dq = if negative { -magnitude } else { magnitude };
        // The standard's adder would wrap, but no encoder lets it come to that.
        let sr = (se + dq).clamp(i16::MIN.into(), i16::MAX.into());

        let transition = self.td && magnitude > self.transition_threshold();
        let (a, tone) = self.poles(dq + sez);
        self.zeros(negative, magnitude);
        if transition {
            (self.a, self.b) = ([0; 2], [0; 6]);
        } else {
            self.a = a;
        }
        self.td = tone && !transition;

        // FILTD, LIMB, FILTE.
        self.yu = (y + (((at(&WI) << 5) - y) >> 5)).clamp(544, 5120);
        self.yl += self.yu + (-self.yl >> 6);
        // FILTA, FILTB, SUBTC, FILTC.
        self.dms += ((at(&FI) << 9) - self.dms) >> 5;
        self.dml += ((at(&FI) << 11) - self.dml) >> 7;
        let steady = y >= 1536 && ((self.dms << 2) - self.dml).abs() < self.dml >> 3 && !tone;
        let ax = if steady { 0 } else { 512 };
        self.ap = if transition { 256 } else { self.ap + ((ax - self.ap) >> 4) };

        self.dq.rotate_right(1);
        self.dq[0] = Float::new(negative, magnitude);
        self.sr = [Float::new(sr < 0, sr.abs() & 0x7fff), self.sr[0]];
        sr
    }

    /// TRANS: beyond this, a tone has changed.
    fn transition_threshold(&self) -> i32 {
        let (whole, fraction) = (self.yl >> 15, self.yl >> 10 & 31);
        let threshold = if whole > 8 { 31 << 10 } else { (32 + fraction) << whole };
        (threshold + (threshold >> 1)) >> 1
    }

    /// UPA1, UPA2 and their limits, TONE: the new coefficients, and whether they tell of a tone.
    fn poles(&mut self, dqsez: i32) -> ([i32; 2], bool) {
        let [a1, a2] = self.a;
        let sign = dqsez < 0;
        let [like1, like2] = self.pk.map(|pk| pk == sign);
        self.pk = [sign, self.pk[0]];
        let (mut up1, mut up2) = (0, 0);
        if dqsez != 0 {
            up1 = if like1 { 192 } else { -192 };
            let fa = a1.clamp(-8191, 8191) << 2;
            let ga = if like2 { 16_384 } else { -16_384 };
            up2 = (ga + if like1 { -fa } else { fa }) >> 7;
        }
        let a2 = (a2 + up2 - (a2 >> 7)).clamp(-12_288, 12_288);
        let limit = 15_360 - a2;
        ([(a1 + up1 - (a1 >> 8)).clamp(-limit, limit), a2], a2 < -11_776)
    }

    /// UPB.
    fn zeros(&mut self, negative: bool, magnitude: i32) {
        for (b, dq) in self.b.iter_mut().zip(&self.dq) {
            let up = match magnitude {
                0 => 0,
                _ if dq.negative == negative => 128,
                _ => -128,
            };
            *b = wrap(*b + up - (*b >> 8));
        }
    }
}

/// LOG, SUBTB, QUAN.
fn quantise(d: i32, y: i32) -> u8 {
    let magnitude = d.abs();
    let exponent = 31 - (magnitude | 1).leading_zeros();
    let mantissa = magnitude << 7 >> exponent & 127;
    let dln = (exponent << 7) as i32 + mantissa - (y >> 2);
    let level = QUAN.iter().take_while(|from| dln >= **from).count() as u8;
    match level {
        0 => 15,
        _ if d < 0 => 15 - level,
        _ => level,
    }
}

/// ANTILOG: the magnitude of which this is the logarithm.
fn antilog(dql: i32) -> i32 {
    if dql < 0 {
        return 0;
    }
    let exponent = dql >> 7 & 15;
    let mantissa = (dql & 127) + 128;
    // The standard's exponent goes up to 14.
    mantissa << 7 >> (14 - exponent.min(14))
}

/// To 16 bits, as the standard's adders do.
const fn wrap(sum: i32) -> i32 {
    sum as i16 as i32
}
