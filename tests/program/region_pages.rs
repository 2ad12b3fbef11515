//! Pages in the markup and the languages of the region, read whole: text, title, authors, day.

use crate::dir::Dir;

/// A page, written for this test, with the text that it holds.
struct Page {
    name: &'static str,
    html: &'static str,
    text: &'static str,
    title: &'static str,
    authors: &'static [&'static str],
    day: Option<&'static str>,
}

/// `page!("name", title, authors, day)` of `region_pages/name.html` and `.txt`.
macro_rules! page {
    ($name:literal, $title:literal, $authors:expr, $day:expr) => {
        Page {
            name: $name,
            html: include_str!(concat!("region_pages/", $name, ".html")),
            text: include_str!(concat!("region_pages/", $name, ".txt")),
            title: $title,
            authors: &$authors,
            day: $day,
        }
    };
}

const PAGES: [Page; 13] = [
    page!("bitrix", "Цены на хлеб в Павлодарской области выросли на восемь процентов", [], Some("2026-11-20")),
    page!("gallery_captions", "Felt makers of Kochkor revive an old pattern", ["Meerim Sadykova"], Some("2026-07-21")),
    page!("infinite_scroll", "Алматыда жаңа саябақ ашылды", [], Some("2026-06-15")),
    page!("kazakh_government", "Вице-премьер су қоймаларының жай-күйі туралы есеп тыңдады", [], Some("2026-11-09")),
    page!(
        "kyrgyz_interview",
        "«Тоодогу мектепте мугалим жетишпейт» — директор менен маек",
        ["Айнура Токтогулова"],
        Some("2026-09-02")
    ),
    page!("law_on_cookies", "Law on cookies passed", [], None),
    page!("live_digest", "Паводок на западе Казахстана: хроника дня", [], Some("2026-04-08")),
    page!("read_also", "Учёные нашли в Мангистау следы древнего моря", ["Динара Ахметова"], Some("2026-11-02")),
    page!("tajik_agency", "Дар Хатлон хатти нави барқ ба кор даромад", [], Some("2026-11-03")),
    page!("turkmen_agency", "Mary welaýatynda täze suw desgasy ulanmaga berildi", [], Some("2026-10-10")),
    page!("uzbek_cyrillic", "Фарғонада ёмғир сувини йиғадиган ҳовузлар қурилади", [], Some("2026-11-05")),
    page!("uzbek_latin", "Buxoroda toʻqimachilik korxonasi 300 nafar ishchini qabul qiladi", [], Some("2026-11-12")),
    page!("wordpress", "В Нарыне открыли мост через реку после года ремонта", [], Some("2026-10-14")),
];

#[test]
fn pages_of_the_region_are_read_whole_and_nothing_else() {
    let dir = Dir::new("");
    let file = |page: &Page| format!("{}.html", page.name);
    for page in &PAGES {
        let is_cyrillic = page.html.contains("charset=windows-1251");
        let encoding = if is_cyrillic { encoding_rs::WINDOWS_1251 } else { encoding_rs::UTF_8 };
        std::fs::write(dir.path(&file(page)), encoding.encode(page.html).0).unwrap();
    }
    let line = |page: &Page| format!("{}\thttps://news.example/item/1\ttext/html\n", file(page));
    dir.write("manifest.tsv", &PAGES.iter().map(line).collect::<String>());
    let read = dir.json(&["extract", "--manifest", "manifest.tsv", "--fetched-at", "2026-11-22T08:00:00Z"]);
    assert_eq!(read.len(), PAGES.len());
    for (page, read) in PAGES.iter().zip(&read) {
        assert_eq!(read["content_text"].as_str().unwrap(), page.text.trim_end(), "{}", page.name);
        assert_eq!(read["title"], page.title, "{}", page.name);
        let authors: Vec<&str> =
            read["authors"].as_array().unwrap().iter().map(|author| author["name"].as_str().unwrap()).collect();
        assert_eq!(authors, page.authors, "{}", page.name);
        let day = read["date_published"].as_str().map(|time| &time[..10]);
        assert_eq!(day, page.day, "{}", page.name);
        assert!(read.get("rejected").is_none(), "{}: {read}", page.name);
    }
}
