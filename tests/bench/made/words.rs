//! Made-up words, as often as words of a newspaper are.

/// Words of the vocabulary; a language's newspapers use about so many.
const VOCABULARY: usize = 50_000;

/// A vocabulary whose words come by Zipf's law.
pub struct Words {
    words: Vec<String>,
    /// Sum of the weights up to each word.
    weights: Vec<f64>,
}

impl Words {
    pub fn new() -> Self {
        const SYLLABLES: [&str; 16] =
            ["ka", "ro", "mi", "tel", "su", "van", "do", "lek", "pa", "shi", "or", "nu", "gem", "bai", "zhe", "til"];
        let word = |number: usize| {
            let mut mixed = scatter(number as u64);
            let mut word = String::new();
            for _ in 0..2 + mixed % 3 {
                word.push_str(SYLLABLES[(mixed >> 8) as usize % 16]);
                mixed = scatter(mixed);
            }
            word
        };
        let mut sum = 0.0;
        let weights = (1..=VOCABULARY).map(|rank| {
            sum += 1.0 / rank as f64;
            sum
        });
        Self { words: (0..VOCABULARY).map(word).collect(), weights: weights.collect() }
    }

    /// The word that so many are more frequent than.
    #[allow(dead_code, reason = "not every benchmark asks for it")]
    pub fn word_of_rank(&self, rank: usize) -> &str {
        &self.words[rank]
    }

    pub fn word(&self, random: u64) -> &str {
        let wanted = (random >> 11) as f64 / (1_u64 << 53) as f64 * self.weights[VOCABULARY - 1];
        &self.words[self.weights.partition_point(|sum| *sum < wanted).min(VOCABULARY - 1)]
    }
}

/// The made-up words in other letters.
#[allow(dead_code, reason = "not every benchmark asks for it")]
pub fn cyrillic(latin: &str) -> String {
    let letters = latin.chars().filter(|c| *c != 'h').map(|c| match c {
        'a' => 'а',
        'b' => 'б',
        'd' => 'д',
        'e' => 'е',
        'g' => 'г',
        'i' => 'и',
        'k' => 'к',
        'l' => 'л',
        'm' => 'м',
        'n' => 'н',
        'o' => 'о',
        'p' => 'п',
        'r' => 'р',
        's' => 'ш',
        't' => 'т',
        'u' => 'у',
        'v' => 'в',
        'z' => 'ж',
        c => c,
    });
    letters.collect()
}

/// splitmix64: the same in every run.
pub fn scatter(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}
