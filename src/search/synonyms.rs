//! Names that differ by more than their spelling: those of the region's countries, cities and people of state, and of
//! the countries that its news are about.
//!
//! A table in the source, as that of the countries: it is applied to queries, so that a longer one needs no new index.
//! Left out are names that are another word in a language of the region (`Çin`: чин is a rank in Russian).

use std::collections::HashMap;
use std::sync::LazyLock;

use super::terms::{self, WordForms};

/// Names of one place or person separated by `|`; each place or person a line. Spellings of one name that have one key
/// (see `keys`) stand once.
const SYNONYMS: &str = "\
Kazakhstan|Казахстан|Қазақстан|Qozogʻiston|Қазоқистон|Gazagystan|Kazakistan|قزاقستان
Uzbekistan|Узбекистан|Oʻzbekiston|Özbekistan|Өзбекстан|Özbegistan|ازبکستان
Kyrgyzstan|Кыргызстан|Киргизия|Киргизстан|Qirgʻiziston|Қирғизистон|Қырғызстан|Gyrgyzystan|Kırgızistan|قرقیزستان
Tajikistan|Таджикистан|Тоҷикистон|Тәжікстан|Тажикстан|Täjigistan|Tacikistan|تاجیکستان
Turkmenistan|Туркмения|Turkmaniston|Туркманистон|Түрікменстан|Түркмөнстан|ترکمنستان
Tashkent|Ташкент|Toshkent|Тошканд|Daşkent|Taşkent|تاشکند
Samarkand|Самарканд|Samarqand|Semerkant
Bukhara|Бухара|Buxoro|Бухоро|Buhara|Бұхара
Fergana|Фергана|Fargʻona|Фарғона|Фергане
Andijan|Андижан|Andijon
Namangan|Наманган
Khiva|Хива|Xiva|Hywa
Khorezm|Хорезм|Xorazm|Хоразм
Karakalpakstan|Каракалпакстан|Qoraqalpogʻiston|Қарақалпақстан
Almaty|Алматы|Алма-Ата|Almati|Almatı|Olmaota|Alma-Ata
Astana|Астана|Нур-Султан|Nur-Sultan|Нұр-Сұлтан|Ostona
Shymkent|Шымкент|Чимкент|Chimkent
Karaganda|Караганда|Қарағанды|Karagandy
Oskemen|Өскемен|Усть-Каменогорск|Ust-Kamenogorsk
Aktobe|Актобе|Актюбинск
Mangystau|Маңғыстау|Мангистау
Kyzylorda|Қызылорда|Кызылорда|Qizilorda
Bishkek|Бишкек|Бішкек|Bişkek
Osh|Ош|Oʻsh|Ўш
Issyk-Kul|Иссык-Куль|Ысык-Көл|Ysyk-Kol|Issiqkoʻl
Jalal-Abad|Джалал-Абад|Жалал-Абад|Jalalabad|Jalolobod|Жалалабат
Dushanbe|Душанбе|Duşenbe
Khujand|Худжанд|Хуҷанд|Xoʻjand|Khudzhand
Ashgabat|Ашхабад|Aşgabat|Ashxobod|Ашқобод|Ашғабат|عشق‌آباد
Turkmenbashi|Туркменбаши|Türkmenbaşy
Mirziyoyev|Мирзиёев|Мирзияев|Mirziyaev|Mirzijojew
Tokayev|Токаев
Japarov|Жапаров
Rahmon|Рахмон|Рахмонов
Berdimuhamedov|Бердымухамедов|Berdymukhamedov|Berdimuhamedow|Бердімұхамедов
Lukashenko|Лукашенко|Lukashenka
Zelensky|Зеленский|Zelenskyy|Zelenskiy
Erdogan|Эрдоган|Erdoğan|Ердоған
Xi Jinping|Си Цзиньпин|Си Цзиньпинь
Central Asia|Центральная Азия|Средняя Азия|Орталық Азия|Борбордук Азия|Markaziy Osiyo|Осиёи Марказӣ|Merkezi Aziýa|Orta Asya
Russia|Россия|Ресей|Rossiya|Русия|Russiýa|Rusya|Орусия|روسیه
Moscow|Москва|Мәскеу|Máskeý|Moskva|Маскав
China|Китай|Қытай|Кытай|Xitoy|Хитой|Hytaý
Beijing|Пекин|Pekin|Бейжің|Бээжин
Afghanistan|Афганистан|Afgʻoniston|Афғонистон|Ауғанстан|Owganystan|Ооганстан|افغانستان
Kabul|Кабул|Қобул|Qobul
Iran|Иран|Eron|Эрон|Eýran|ایران
Tehran|Тегеран|Теҳрон|Tehron
Turkey|Турция|Türkiye|Turkiya|Туркия|Түркия|Türkiýe
Ankara|Анкара|Anqara
Istanbul|Стамбул|Istanbul|Стамбұл
Azerbaijan|Азербайджан|Ozarbayjon|Әзербайжан|Azerbaýjan|Azerbaycan|Озарбойҷон
Baku|Баку|Boku|Бакы|Bakı
Armenia|Армения|Armaniston|Арманистон|Ermenistan
Georgia|Грузия|Gruziya|Gürcistan
Ukraine|Украина|Ukraina
Kyiv|Киев|Kiev|Київ
Belarus|Беларусь|Белоруссия
Mongolia|Монголия|Моңғолия|Moʻgʻuliston
India|Индия|Hindiston|Ҳиндустон|Үндістан|Hindistan
Pakistan|Пакистан|Pokiston|Покистон|Пәкістан
Germany|Германия|Olmoniya|Олмон|Almanya
Japan|Япония|Yaponiya|Жапония|Ýaponiýa|Japonya
South Korea|Южная Корея|Janubiy Koreya|Оңтүстік Корея|Түштүк Корея|Кореяи Ҷанубӣ
European Union|Европейский союз|Евросоюз|Yevropa Ittifoqi|Еуропалық одақ|Европа Биримдиги
United Nations|ООН|БМТ|БҰҰ|БУУ|UN|СММ
SCO|ШОС|ШЫҰ|ШКУ|ShHT|ШҲТ
EAEU|ЕАЭС|ЕАЭО|YeOII|ЕАЭБ|Евразийский экономический союз|Eurasian Economic Union
CSTO|ОДКБ|ҰҚШҰ|ЖККУ|СААД
Caspian|Каспий|Kaspiy|Хазар|Hazar|Каспийское море
Aral|Арал|Orol
Amu Darya|Амударья|Amudaryo|Әмудария|Аму-Дарья|Amyderýa
Syr Darya|Сырдарья|Sirdaryo|Сырдария|Сыр-Дарья
Nowruz|Наурыз|Нооруз|Navroʻz|Наврӯз|Новруз|Навруз|Nauryz|Nowruz|Nevruz
";

/// Shortest stem by which forms of another name are found.
const NAME_STEM_CHARS_MIN: usize = 4;

/// Most words of a name.
const NAME_WORDS_MAX: usize = 3;

struct Table {
    /// The names of each line, as words.
    groups: Vec<Vec<(&'static str, Vec<WordForms>)>>,
    /// Which lines a name stands in, by the keys of its words with a space between, the last one also as its Russian stem.
    by_keys: HashMap<String, Vec<usize>>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut groups: Vec<Vec<(&str, Vec<WordForms>)>> = Vec::new();
    let mut by_keys: HashMap<String, Vec<usize>> = HashMap::new();
    for (number, line) in SYNONYMS.lines().enumerate() {
        let names: Vec<Vec<WordForms>> = line.split('|').map(name).collect();
        for spelt in line.split('|').zip(&names).flat_map(|(written, name)| found_by(written, name)) {
            let lines = by_keys.entry(spelt).or_default();
            if !lines.contains(&number) {
                lines.push(number);
            }
        }
        groups.push(line.split('|').zip(names).collect());
    }
    Table { groups, by_keys }
});

/// A name without its shortest stems: Хитой is no Russian word, and its stem is хит.
fn name(written: &str) -> Vec<WordForms> {
    let mut words = terms::words_of_query(written);
    words.iter_mut().for_each(|word| word.stems.retain(|(_, stem)| stem.chars().count() >= NAME_STEM_CHARS_MIN));
    words
}

/// What finds a name of the table. The stem of those on -ия is another word, Туркмения and туркмен: these have their cases.
fn found_by(written: &str, name: &[WordForms]) -> Vec<String> {
    let Some(stem) = written.strip_suffix("ия") else { return lookups(name, |_| true) };
    let cases = ["ия", "ии", "ию", "ией"].map(|ending| terms::words_of_query(&format!("{stem}{ending}")));
    cases.iter().flat_map(|name| lookups(name, |_| false)).collect()
}

/// The keys of a name, the last word also by those of its stems that are wanted.
fn lookups(name: &[WordForms], is_wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let Some((last, first)) = name.split_last().filter(|_| name.len() <= NAME_WORDS_MAX) else { return Vec::new() };
    let mut start = String::new();
    for word in first {
        let Some(key) = word.keys.first() else { return Vec::new() };
        start.push_str(key);
        start.push(' ');
    }
    let stems = last.stems.iter().map(|(_, stem)| stem).filter(|stem| stem.len() >= STEM_BYTES_MIN && is_wanted(stem));
    let mut lookups: Vec<String> = last.keys.iter().chain(stems).map(|key| format!("{start}{key}")).collect();
    lookups.sort_unstable();
    lookups.dedup();
    lookups
}

/// Shortest stem that finds a name by another of its forms.
const STEM_BYTES_MIN: usize = 5;

/// The other names of what these words of a query name, each with how people write it.
pub(super) fn of(name: &[WordForms]) -> Vec<(&'static str, &'static [WordForms])> {
    let table: &'static Table = &TABLE;
    let mut numbers: Vec<usize> =
        lookups(name, |_| true).iter().filter_map(|spelt| table.by_keys.get(spelt)).flatten().copied().collect();
    numbers.sort_unstable();
    numbers.dedup();
    let mut names: Vec<(&'static str, &'static [WordForms])> = Vec::new();
    for (written, other) in numbers.into_iter().flat_map(|number| &table.groups[number]) {
        let is_same = other.iter().map(|word| &word.exact).eq(name.iter().map(|word| &word.exact));
        if !is_same && names.iter().all(|(_, known)| known != other) {
            names.push((written, other));
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn others(written: &str) -> Vec<String> {
        let shown =
            |(_, name): (&str, &[WordForms])| name.iter().map(|word| word.exact.as_str()).collect::<Vec<_>>().join(" ");
        of(&terms::words_of_query(written)).into_iter().map(shown).collect()
    }

    #[test]
    fn a_name_has_its_others() {
        assert!(others("Toshkent").contains(&"ташкент".to_owned()));
        assert!(others("Тошкент").contains(&"tashkent".to_owned()), "by its key");
        assert!(others("Москвы").contains(&"moscow".to_owned()), "by its stem");
        assert!(others("алма-ата").contains(&"алматы".to_owned()), "of several words");
        assert!(others("Алматы").contains(&"алма ата".to_owned()), "as several words");
        assert!(others("Россией").contains(&"russia".to_owned()), "by its case");
        assert!(others("туркмен").is_empty() && others("Turkmen").is_empty(), "no people for their country");
        assert!(others("water").is_empty());
        assert!(others("central").is_empty(), "no part of a name");
    }

    #[test]
    fn no_name_stands_in_two_lines() {
        let doubled: Vec<&String> =
            TABLE.by_keys.iter().filter(|(_, lines)| lines.len() > 1).map(|(spelt, _)| spelt).collect();
        assert!(doubled.is_empty(), "{doubled:?}");
        assert!(TABLE.groups.iter().flatten().all(|(_, name)| (1..=NAME_WORDS_MAX).contains(&name.len())));
    }
}
