//! Sounds for tests: noise, and something that moves as speech does. The same seed gives the same sound.

/// A small generator of random numbers (SplitMix64).
#[derive(Clone, Debug)]
pub struct Noise(u64);

impl Noise {
    /// From a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// 0 to 1.
    pub fn unit(&mut self) -> f32 {
        (self.bits() >> 40) as f32 / (1_u64 << 24) as f32
    }

    /// 0 to `n` - 1.
    pub fn below(&mut self, n: usize) -> usize {
        (self.bits() % n.max(1) as u64) as usize
    }

    /// About normal, variance 1.
    pub fn gaussian(&mut self) -> f32 {
        (0..12).map(|_| self.unit()).sum::<f32>() - 6.0
    }
}

/// Vowels, hisses and pauses in turn: a glottal pulse with moving pitch through three moving formants.
#[derive(Clone, Debug)]
pub struct Speech {
    rate: f32,
    noise: Noise,
    left: usize,
    length: usize,
    kind: usize,
    pitch: f32,
    glide: f32,
    phase: f32,
    formants: [Resonator; 3],
}

#[derive(Clone, Copy, Debug, Default)]
struct Resonator {
    a: f32,
    b: f32,
    gain: f32,
    one: f32,
    two: f32,
}

impl Resonator {
    fn tune(&mut self, hz: f32, width: f32, rate: f32) {
        let r = (-std::f32::consts::PI * width / rate).exp();
        self.a = 2.0 * r * (std::f32::consts::TAU * hz / rate).cos();
        self.b = -r * r;
        self.gain = 1.0 - r;
    }

    fn take(&mut self, x: f32) -> f32 {
        let y = self.gain * x + self.a * self.one + self.b * self.two;
        self.two = self.one;
        self.one = y;
        y
    }
}

/// First three formants of some vowels, Hz.
const VOWELS: [[f32; 3]; 6] = [
    [730.0, 1090.0, 2440.0],
    [270.0, 2290.0, 3010.0],
    [530.0, 1840.0, 2480.0],
    [570.0, 840.0, 2410.0],
    [300.0, 870.0, 2240.0],
    [660.0, 1720.0, 2410.0],
];

impl Speech {
    /// At a rate, from a seed.
    pub fn new(rate: u32, seed: u64) -> Self {
        Self {
            rate: rate as f32,
            noise: Noise::new(seed),
            left: 0,
            length: 1,
            kind: 0,
            pitch: 120.0,
            glide: 0.0,
            phase: 0.0,
            formants: [Resonator::default(); 3],
        }
    }

    fn syllable(&mut self) {
        self.kind = self.noise.below(10);
        let ms = if self.kind == 0 { 300.0 } else { 80.0 } + 200.0 * self.noise.unit();
        self.length = (ms * self.rate / 1000.0) as usize;
        self.left = self.length;
        self.pitch = 90.0 + 150.0 * self.noise.unit();
        self.glide = (self.noise.unit() - 0.5) * 60.0 / self.length as f32;
        let vowel = VOWELS[self.noise.below(VOWELS.len())];
        for (formant, hz) in self.formants.iter_mut().zip(vowel) {
            formant.tune(hz * (0.9 + 0.2 * self.noise.unit()), 60.0 + hz / 20.0, self.rate);
        }
    }
}

impl Iterator for Speech {
    type Item = i16;

    fn next(&mut self) -> Option<i16> {
        if self.left == 0 {
            self.syllable();
        }
        self.left -= 1;
        let done = 1.0 - self.left as f32 / self.length as f32;
        let envelope = (std::f32::consts::PI * done).sin();
        self.pitch += self.glide;
        self.phase += self.pitch / self.rate;
        let mut source = 0.0;
        if self.phase >= 1.0 {
            self.phase -= 1.0;
            source = self.rate / self.pitch;
        }
        let source = match self.kind {
            0 => 0.0,
            1 => self.noise.gaussian() * 2.0,
            _ => source + self.noise.gaussian() * 0.1,
        };
        let sound: f32 = self.formants.iter_mut().zip([1.0, 0.6, 0.3]).map(|(f, gain)| gain * f.take(source)).sum();
        Some(crate::to_i16(sound * envelope * 4000.0 + self.noise.gaussian() * 4.0))
    }
}
