//! Many random numbers out of one, the same wherever and whenever they are drawn: for strategies, whose randomness
//! comes in with the request, and for tests.

/// SplitMix64: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014. Not for secrets.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// In a strategy, `seed` is the request's `entropy`.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number below `end`, which is neither zero nor more than 2^32. The upper half of the bits is scaled down,
    /// which takes no division; for `end` in the thousands, no number is favoured by more than a millionth.
    pub fn below(&mut self, end: usize) -> usize {
        ((self.bits() >> 32).wrapping_mul(end as u64) >> 32) as usize
    }

    /// A number between 0 and 1, and neither of them: one of 2^52, evenly spaced.
    pub fn fraction(&mut self) -> f64 {
        const SPACE: f64 = 1.0 / (1_u64 << 52) as f64;
        ((self.bits() >> 12) as f64 + 0.5) * SPACE
    }

    /// How long one waits for what happens once in a unit of time, whenever it likes: exponentially distributed.
    ///
    /// This is -ln of a fraction: u = x 2^n with x between the roots of 1/2 and of 2, ln u = n ln 2 + ln x, and
    /// ln x = 2 artanh((x - 1) / (x + 1)), whose series is cut off at 10^-13 of it. It consists of operations that
    /// IEEE 754 rounds in one way only, so a component and its source draw the same; `f64::ln` is another function
    /// on every platform.
    #[inline]
    pub fn waiting_time(&mut self) -> f64 {
        const LEAST: i64 = std::f64::consts::FRAC_1_SQRT_2.to_bits() as i64;
        let bits = self.fraction().to_bits() as i64;
        let power = (bits - LEAST) >> 52;
        let x = f64::from_bits((bits - (power << 52)) as u64);
        let s = (x - 1.0) / (x + 1.0);
        let z = s * s;
        let series = [
            1.0 / 17.0,
            1.0 / 15.0,
            1.0 / 13.0,
            1.0 / 11.0,
            1.0 / 9.0,
            1.0 / 7.0,
            1.0 / 5.0,
            1.0 / 3.0,
            1.0,
        ];
        let series = series.iter().fold(0.0, |sum, factor| sum * z + factor);
        -(power as f64 * std::f64::consts::LN_2 + 2.0 * s * series)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_published_algorithm() {
        // What Vigna's splitmix64.c prints for the state 1234567.
        let mut dice = Dice::new(1_234_567);
        let drawn = [(); 3].map(|()| dice.bits());
        assert_eq!(
            drawn,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423
            ]
        );
    }

    #[test]
    fn numbers_below_an_end_are_even() {
        let mut dice = Dice::new(2);
        let mut seen = [0_i32; 7];
        for _ in 0..70_000 {
            seen[dice.below(7)] += 1;
        }
        // Five standard deviations of a binomial count of 70,000 and 1/7.
        assert!(seen.iter().all(|times| (times - 10_000).abs() < 463), "{seen:?}");
        assert_eq!(Dice::new(3).below(1), 0);
    }

    #[test]
    fn fractions_are_between_zero_and_one_and_even() {
        let mut dice = Dice::new(4);
        let sum: f64 = (0..100_000)
            .map(|_| dice.fraction())
            .inspect(|fraction| assert!((f64::MIN_POSITIVE..1.0).contains(fraction)))
            .sum();
        // Five standard deviations of the mean.
        assert!((sum / 100_000.0 - 0.5).abs() < 0.0046, "{sum}");
    }

    #[test]
    fn waiting_times_are_logarithms() {
        let (mut dice, mut same) = (Dice::new(6), Dice::new(6));
        for _ in 0..100_000 {
            let (time, expected) = (dice.waiting_time(), -same.fraction().ln());
            assert!((time / expected - 1.0).abs() < 1e-12, "{time} {expected}");
        }
    }
}
