//! Uzbek terms in Cyrillic, made from their Latin spelling, so that rule files give each word once.

/// Letters of two or more Latin characters, longest first where one begins another.
const DIGRAPHS: &[(&str, &str)] = &[
    ("o'", "ў"),
    ("g'", "ғ"),
    ("sh", "ш"),
    ("ch", "ч"),
    ("yo'", "йў"),
    ("yo", "ё"),
    ("yu", "ю"),
    ("ya", "я"),
    ("ye", "е"),
    ("tsiya", "ция"),
];

/// A Latin Uzbek term in Cyrillic, capitals kept. Loan words with ц other than in `-tsiya` need a term of their own.
pub fn to_cyrillic(latin: &str) -> String {
    let plain: String =
        latin.chars().map(|c| if matches!(c, 'ʻ' | '‘' | '’' | '`' | 'ʼ') { '\'' } else { c }).collect();
    let lower = plain.to_lowercase();
    if lower.len() != plain.len() {
        return latin.to_owned(); // no Uzbek letter changes its length
    }
    let mut cyrillic = String::with_capacity(plain.len() * 2);
    let mut at = 0;
    let mut word_start = true;
    while let Some(c) = lower[at..].chars().next() {
        let rest = &lower[at..];
        let digraph = DIGRAPHS.iter().filter(|(from, _)| rest.starts_with(from)).max_by_key(|(from, _)| from.len());
        let (length, letters) = match digraph {
            Some((from, to)) => (from.len(), (*to).to_owned()),
            None => (c.len_utf8(), single(c, word_start)),
        };
        if plain[at..].starts_with(char::is_uppercase) {
            let mut chars = letters.chars();
            cyrillic.extend(chars.next().into_iter().flat_map(char::to_uppercase));
            cyrillic.push_str(chars.as_str());
        } else {
            cyrillic.push_str(&letters);
        }
        word_start = !c.is_alphabetic();
        at += length;
    }
    cyrillic
}

fn single(c: char, word_start: bool) -> String {
    let letter = match c {
        'e' if word_start => 'э',
        'a' => 'а',
        'b' => 'б',
        'd' => 'д',
        'e' => 'е',
        'f' => 'ф',
        'g' => 'г',
        'h' => 'ҳ',
        'i' => 'и',
        'j' => 'ж',
        'k' => 'к',
        'l' => 'л',
        'm' => 'м',
        'n' => 'н',
        'o' => 'о',
        'p' => 'п',
        'q' => 'қ',
        'r' => 'р',
        's' => 'с',
        't' => 'т',
        'u' => 'у',
        'v' => 'в',
        'x' => 'х',
        'y' => 'й',
        'z' => 'з',
        '\'' => 'ъ',
        other => other,
    };
    letter.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transliterates() {
        let check = |latin: &str, cyrillic: &str| assert_eq!(to_cyrillic(latin), cyrillic);
        check("Oʻzbekiston*", "Ўзбекистон*");
        check("temir yoʻl", "темир йўл");
        check("yongʻin", "ёнғин");
        check("konstitutsiya", "конституция");
        check("elchi", "элчи");
        check("sanʼat", "санъат");
        check("AES", "АЕС");
    }
}
