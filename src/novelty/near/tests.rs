//! What is a near copy and what is none, and what it costs to find one.
#![allow(clippy::unwrap_used)]

use std::collections::HashSet;
use std::convert::Infallible;
use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;

mod set;
mod shelves;

/// SplitMix64 (Steele, Lea, Flood 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    /// Words of which no two texts have three in a row in common by chance.
    fn prose(&mut self, words: usize) -> String {
        (0..words).fold(String::new(), |mut text, at| {
            let end = if at % 12 == 11 { "." } else { "" };
            write!(text, "w{}{end} ", char_words(self.next() % 100_000)).unwrap();
            text
        })
    }
}

/// A number in letters, so that it is none.
fn char_words(number: u64) -> String {
    number.to_string().bytes().map(|digit| char::from(digit - b'0' + b'a')).collect()
}

fn compare(new: &str, known: &str) -> Option<Likeness> {
    Profile::of(new).compare(&Profile::of(known), &Boilerplate::default())
}

fn found(shelf: &impl Shelf<Place = usize, Error = Infallible>, text: &str) -> Option<usize> {
    let Ok(found) = find(shelf, &Profile::of(text), &Boilerplate::default());
    found.map(|(place, _)| place)
}

#[test]
fn short_texts_are_never_near_copies() {
    let words: Vec<String> = (0..12).map(|number| format!("w{}", char_words(1_000 + number * 37))).collect();
    for (count, is_copy) in [(0, false), (1, false), (10, false), (11, false), (12, true)] {
        let text = words[..count].join(" ");
        let mut shelf = Memory::with_room(usize::MAX);
        shelf.add(Arc::new(Profile::of(&text)), ());
        assert_eq!(found(&shelf, &text).is_some(), is_copy, "{count} words");
    }
}

#[test]
fn what_is_not_part_of_the_words_makes_no_difference() {
    let plain =
        "Oʻzbekiston temir yoʻllari yangi poyezd qatnovini yoʻlga qoʻydi, maʼlum qilinishicha, u har kuni jo'naydi.";
    let cases = [
        plain.replace('ʻ', "'").replace('ʼ', "’"),
        plain.replace('ʻ', "‘").replace('ʼ', ""),
        plain.to_uppercase(),
        plain.replace(' ', "  \n"),
        plain.replace('e', "e\u{301}"),
        plain.replace('a', "\u{200b}a\u{ad}"),
        plain.replace('o', "\u{43e}"),
    ];
    for case in cases {
        assert_eq!(compare(&case, plain).map(|likeness| likeness.similarity), Some(1.0), "{case}");
    }
    let kazakh =
        "Қазақстанда күріш өсіретін шаруалар биылғы өнімді жинап алды, ал су тапшылығы былтырғыдан әлдеқайда аз болды.";
    let typed =
        "Казакстанда куриш осиретин шаруалар биылгы онимди жинап алды, ал су тапшылыгы былтыргыдан алдекайда аз болды.";
    assert_eq!(compare(typed, kazakh).map(|likeness| likeness.similarity), Some(1.0));
}

#[test]
fn another_number_name_or_date_in_the_same_words_is_another_article() {
    let quake = "An earthquake of magnitude 4.1 was recorded at 04:12 on November 4, the network said. The epicentre was \
                 46 kilometres north of the town of Naryn, at a depth of 10 kilometres. The tremor was felt in villages \
                 nearby. There have been no reports of damage.";
    let decree = "By a decree of the president the minister Marat Ospanov has become the head of the water agency, the \
                  press service reports. The decree comes into force on the day of signing. The former head of the agency \
                  leaves for another job. He was thanked for his work.";
    let court = "Суд в понедельник вынес решение по делу о пропаже зерна со склада: 17 человек признаны виновными. Решение \
                 не вступило в силу, и его можно обжаловать. Жалоб от осуждённых и их защитников пока не поступало, сказали \
                 в канцелярии суда нашему корреспонденту.";
    let rows = |rates: [&str; 4]| {
        let row =
            |bank: &str, rate: &str| format!("{bank} покупает доллар по цене {rate} сома за один доллар в кассе. ");
        ["Первый", "Второй", "Третий", "Четвёртый"]
            .iter()
            .zip(rates)
            .map(|(bank, rate)| row(bank, rate))
            .collect::<String>()
    };
    let table = rows(["87,10", "87,20", "87,30", "87,40"]);
    let cases = [
        ("numbers", quake, quake.replace("4.1", "5.6").replace("04:12", "17:33").replace("46", "118")),
        ("the only number", court, court.replace("17 ", "23 ")),
        ("the name", decree, decree.replace("Marat Ospanov", "Ainur Beketova")),
        (
            "the date and place",
            quake,
            quake.replace("November 4", "January 23").replace("46", "71").replace("Naryn", "Osh"),
        ),
        ("a table", &table, rows(["88,15", "88,25", "88,35", "88,45"])),
    ];
    for (what, text, twin) in cases {
        assert_ne!(text, twin);
        assert_eq!(compare(&twin, text), None, "{what}");
        let wrapped = format!("Агентство сообщает из столицы. {text} Подпишитесь на наш канал.");
        assert!(compare(&wrapped, text).is_some(), "{what}");
    }
}

#[test]
fn a_table_whose_rows_repeat_themselves_is_a_copy_when_words_are_changed() {
    let rates: Vec<u64> = (0..12).map(|row| 8_710 + row * 13).collect();
    let table = |costs: &str, unit: &str| {
        let row = |rate: &u64| format!("Обменный пункт: доллар {costs} {rate} {unit} за одну штуку. ");
        rates.iter().map(row).collect::<String>()
    };
    assert!(compare(&table("стоит", "сомов"), &table("продают", "сома")).is_some());
}

#[test]
fn words_of_a_text_in_capitals_are_no_names() {
    let text = "Управление водоснабжения сообщает, что в связи с ремонтом магистрали не будет воды в домах по двум улицам. \
                Просим жителей запастись водой заранее. Работы продлятся весь день, телефон диспетчера прежний.";
    let edited = text.replace("домах", "квартирах").replace("заранее", "вовремя").replace("магистрали", "трубы");
    assert!(compare(&edited, text).is_some());
    assert!(compare(&edited.to_uppercase(), &text.to_uppercase()).is_some());
    assert!(compare(&edited.to_uppercase(), text).is_some());
}

#[test]
fn background_below_a_new_lede_is_another_article() {
    let random = &mut Random(11);
    let background = random.prose(200);
    let (one, two) = (random.prose(60) + &background, random.prose(60) + &background);
    assert_eq!(compare(&one, &two), None);
    assert!(compare(&(one.clone() + &random.prose(20)), &one).is_some());
}

#[test]
fn what_sites_put_around_articles_is_no_likeness_once_it_is_common() {
    let random = &mut Random(12);
    let boilerplate = random.prose(90);
    let mut common = Boilerplate::default();
    let brief = random.prose(25);
    let long = random.prose(120);
    // Longer articles are told apart before, since they have passages of their own.
    let with = |text: &str| Profile::of(&format!("{text} {boilerplate}"));
    assert_eq!(with(&long).compare(&with(&random.prose(120)), &common), None);
    for _ in 0..3 {
        common.learn(&with(&random.prose(120)));
    }
    assert_eq!(with(&brief).compare(&with(&random.prose(25)), &common), None);
    assert_eq!(with(&brief).compare(&Profile::of(&boilerplate), &common), None, "nothing of its own");
    let copy = with(&brief).compare(&Profile::of(&brief), &common);
    assert_eq!(copy.map(|likeness| (likeness.similarity, likeness.is_longer)), Some((1.0, false)));
}

#[test]
fn what_a_copy_has_around_it_becomes_common_and_what_it_copies_does_not() {
    let random = &mut Random(13);
    let (article, boilerplate) = (Profile::of(&random.prose(80)), random.prose(90));
    let mut common = Boilerplate::default();
    let text = random.prose(80);
    for _ in 0..3 {
        common.learn_wrapping(&Profile::of(&format!("{text} {boilerplate}")), &Profile::of(&text));
    }
    assert!(Profile::of(&text).compare(&Profile::of(&text), &common).is_some());
    assert_eq!(Profile::of(&boilerplate).compare(&Profile::of(&boilerplate), &common), None);
    assert!(article.compare(&article, &common).is_some());
}

#[test]
fn what_was_common_once_is_forgotten() {
    let random = &mut Random(14);
    let (boilerplate, other) = (Profile::of(&random.prose(90)), Profile::of(&random.prose(20_000)));
    let mut common = Boilerplate::default();
    let is_common = |text: &Profile, common: &Boilerplate| {
        text.shingles().iter().filter(|(shingle, _)| common.holds(*shingle)).count()
    };
    (0..3).for_each(|_| common.learn(&boilerplate));
    assert_eq!(is_common(&boilerplate, &common), boilerplate.shingles().len());
    // A million shingles, as of 4,000 articles.
    (0..53).for_each(|_| common.learn(&other));
    assert!(is_common(&boilerplate, &common) < 5, "{}", is_common(&boilerplate, &common));
    assert_eq!(is_common(&other, &common), other.shingles().len());
}

#[test]
fn one_other_name_or_number_makes_a_short_text_another_article() {
    let pairs = [
        (
            "Ашимов ушёл из жизни на 91-м году. Прощание с артистом пройдёт в драматическом театре, сообщили в министерстве \
             культуры. Соболезнования родным выразили коллеги и поклонники по всей стране.",
            "Ашимов",
            "Серкебаев",
        ),
        (
            "В Актау загорелся склад на территории рынка. Огонь охватил триста квадратных метров кровли, людей вывели до \
             приезда расчётов, причину выясняют, сообщили спасатели.",
            "Актау",
            "Таразе",
        ),
        (
            "Президент Казахстана Ильяс Бекович с официальным визитом прибыл в соседнюю столицу. Завтра на переговорах \
             подпишут ряд документов о торговле и транспорте, сообщили в пресс-службе.",
            "Казахстана Ильяс Бекович",
            "Таджикистана Рустам Назарович Шоди",
        ),
        (
            "Kecha Karimov saylovda gʻalaba qozondi. Markaziy saylov komissiyasi ovozlar toʻliq sanab chiqilganini va \
             natijalar tez orada eʼlon qilinishini maʼlum qildi.",
            "Karimov",
            "Aliyev",
        ),
        (
            "The court of appeal left the sentence of 7 years unchanged. The defendant admitted part of the guilt and asked \
             for mercy, the lawyers will go to the supreme court, the press service said.",
            "7",
            "9",
        ),
    ];
    for (text, from, to) in pairs {
        assert_eq!(compare(&text.replacen(from, to, 1), text), None, "{text}");
        let edited = text.replacen("сообщили", "рассказали", 1).replacen("said", "reported", 1).replacen(
            "tez orada",
            "ertaga",
            1,
        );
        assert_ne!(edited, text);
        assert!(compare(&edited, text).is_some(), "{text}");
    }
}

/// What differs from copy to copy is no boilerplate, and must not take the story's own shingles with it.
#[test]
fn a_story_in_many_reworded_copies_stays_one_story() {
    let random = &mut Random(27);
    let words: Vec<String> = random.prose(200).split_whitespace().map(str::to_owned).collect();
    let (mut shelf, mut common) = (Memory::with_room(usize::MAX), Boilerplate::default());
    shelf.add(Arc::new(Profile::of(&words.join(" "))), ());
    for copy in 0..600 {
        let reworded: Vec<String> =
            words.iter().map(|word| if random.below(20) == 0 { random.prose(1) } else { word.clone() }).collect();
        let profile = Profile::of(&reworded.join(" "));
        let Ok(Some((place, _))) = find(&shelf, &profile, &common) else { panic!("copy {copy} is not found") };
        common.learn_wrapping(&profile, &shelf.get(place).unwrap().0);
        shelf.add(Arc::new(profile), ());
    }
}

#[test]
fn an_article_that_contains_a_brief_is_longer() {
    let random = &mut Random(15);
    let brief = random.prose(50);
    let long = format!("{brief} {}", random.prose(300));
    let likeness = compare(&long, &brief).unwrap();
    assert!(likeness.similarity == 1.0 && likeness.is_longer && likeness.added > 60, "{likeness:?}");
    assert_eq!(compare(&brief, &long), Some(Likeness { similarity: 1.0, added: 0, is_longer: false }));
}

/// Half of each text is of twelve stock phrases, in any order.
#[test]
fn texts_made_of_the_same_stock_phrases_are_different_articles() {
    let phrases: Vec<String> = (0..12).map(|seed| Random(100 + seed).prose(9)).collect();
    let text = |seed: u64| -> String {
        let mut random = Random(seed);
        (0..40).map(|_| format!("{} {} ", phrases[random.below(phrases.len())], random.prose(6))).collect()
    };
    let (known, new) = (Profile::of(&text(51)), Profile::of(&text(52)));
    let common =
        known.shingles().iter().filter(|(shingle, _)| new.shingles().iter().any(|(other, _)| shingle == other));
    assert!(common.count() * 10 > known.shingles().len() * 3, "three in ten shingles are common");
    assert_eq!(new.compare(&known, &Boilerplate::default()), None);
}

#[test]
fn a_sketch_is_read_as_it_was_written() {
    let sketch = Profile::of(&Random(21).prose(100)).sketch().unwrap().clone();
    let row = sketch.to_bytes();
    assert_eq!(row.len(), Sketch::BYTES);
    assert_eq!(Sketch::from_bytes(&row), Some(sketch));
    for length in [0, Sketch::BYTES - 1] {
        assert_eq!(Sketch::from_bytes(&row[..length]), None);
    }
    assert_eq!(Sketch::from_bytes(&[&row[..], &[0]].concat()), None);
}

/// Sketches are stored: another one for the same text finds nothing that was written before.
#[test]
fn the_sketch_of_a_text_is_the_same_in_every_build() {
    let text = "Канал Oʻrta Chirchiq снова несёт воду: 12,5 кубометра в секунду, сообщили «Вести» 3 мая. Straße, ılık, Тоҷикистон.";
    let sketch = Profile::of(text).sketch().unwrap().clone();
    let keys: Vec<String> = sketch.keys().map(|key| format!("{key:08x}")).collect();
    assert_eq!(
        keys.join(" "),
        "7398cda0 2af3b2a8 c197b9f5 791a545e 133fa55e 67376b8a 199c7221 169132ea 178c4b06 6b1c5894 e0e6c31d"
    );
}

#[test]
fn resemblance_is_the_share_of_common_shingles() {
    let random = &mut Random(22);
    let (one, two, three) = (random.prose(1_000), random.prose(1_000), random.prose(1_000));
    let sketch = |text: &str| Profile::of(text).sketch().unwrap().clone();
    let third = sketch(&format!("{one}{two}")).resemblance(&sketch(&format!("{two}{three}")));
    assert!((0.15..0.55).contains(&third), "{third}");
    assert_eq!(sketch(&one).resemblance(&sketch(&one)), 1.0);
    assert_eq!(sketch(&one).resemblance(&sketch(&three)), 0.0);
}

/// Texts of few different words, so that shingles repeat themselves.
fn repetitive() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec!["a", "b", "Вода", "7", "12,5", "Ош.", "?", "\u{fffd}", "oʻz", "\n"]);
    prop::collection::vec(word, 0..120).prop_map(|words| words.join(" "))
}

proptest! {
    #[test]
    fn a_text_is_a_copy_of_itself(text in prop_oneof![repetitive(), any::<String>(), "[а-яё .]{0,400}"]) {
        let profile = Profile::of(&text);
        let expected = profile.sketch().map(|_| Likeness { similarity: 1.0, added: 0, is_longer: false });
        prop_assert_eq!(profile.compare(&profile, &Boilerplate::default()), profile.sketch().and(expected));
    }

    #[test]
    fn any_text_is_judged(known in prop::collection::vec(prop_oneof![repetitive(), any::<String>()], 0..6), new in repetitive()) {
        let mut shelf = Memory::with_room(usize::MAX);
        let places: HashSet<usize> = known.iter().map(|text| shelf.add(Arc::new(Profile::of(text)), ())).collect();
        let Ok(found) = find(&shelf, &Profile::of(&new), &Boilerplate::default());
        if let Some((place, likeness)) = found {
            prop_assert!(places.contains(&place));
            prop_assert!((0.0..=1.0).contains(&likeness.similarity));
        }
    }

    #[test]
    fn any_row_of_a_sketch_can_be_compared(rows in prop::collection::vec(any::<u8>(), 2 * Sketch::BYTES)) {
        let (one, two) = rows.split_at(Sketch::BYTES);
        let (one, two) = (Sketch::from_bytes(one).unwrap(), Sketch::from_bytes(two).unwrap());
        prop_assert_eq!(&one.to_bytes()[..], &rows[..Sketch::BYTES]);
        prop_assert!((0.0..=1.0).contains(&one.resemblance(&two)));
    }
}
