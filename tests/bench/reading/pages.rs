//! News pages as they are: a third scripts, then menus, cards of other stories, and among it an article.

use std::fmt::Write;

/// Sentences of one language, and the words around the article.
struct Language {
    code: &'static str,
    sentences: [&'static str; 6],
    menu: [&'static str; 4],
    related: &'static str,
}

const LANGUAGES: [Language; 4] = [
    Language {
        code: "en",
        sentences: [
            "The ferry across the lower lake will run all winter for the first time, the harbour office said on Tuesday.",
            "A new hull that breaks ice as thick as a hand was fitted in autumn & tested in the bay.",
            "“We waited for this for twenty years,” the headmaster of the school on the far shore said.",
            "The district pays for the fuel, which costs about 40,000 a month when the wind comes from the north.",
            "Until now the villages were cut off from December to March.",
            "Lorries of more than eight tonnes have to go around the mountains as before, since the landing stage is old.",
        ],
        menu: ["Politics", "Economy", "Society", "Sport"],
        related: "Read also",
    },
    Language {
        code: "ru",
        sentences: [
            "Паром через нижнее озеро впервые будет ходить всю зиму, сообщили во вторник в управлении порта.",
            "Новый корпус, который ломает лёд толщиной в ладонь, поставили осенью и проверили в заливе.",
            "«Мы ждали этого двадцать лет», — сказал директор школы на дальнем берегу.",
            "Топливо оплачивает район: при северном ветре оно обходится примерно в 40 тысяч в месяц.",
            "До сих пор сёла были отрезаны от города с декабря по март.",
            "Грузовики тяжелее восьми тонн, как и прежде, поедут вокруг гор, потому что причал старый.",
        ],
        menu: ["Политика", "Экономика", "Общество", "Спорт"],
        related: "Читайте также",
    },
    Language {
        code: "kk",
        sentences: [
            "Төменгі көлдегі паром тұңғыш рет қыс бойы жүреді, деп хабарлады сейсенбі күні порт басқармасы.",
            "Алақан қалыңдығындай мұзды жаратын жаңа корпус күзде орнатылып, шығанақта сыналды.",
            "«Біз мұны жиырма жыл күттік», — деді арғы жағадағы мектептің директоры.",
            "Жанармай ақысын аудан төлейді: солтүстіктен жел соқса, ол айына 40 мыңға жуық болады.",
            "Осы уақытқа дейін ауылдар желтоқсаннан наурызға дейін қаладан бөлініп қалатын.",
            "Сегіз тоннадан ауыр жүк көліктері бұрынғыдай тауды айналып жүреді, өйткені айлақ ескі.",
        ],
        menu: ["Саясат", "Экономика", "Қоғам", "Спорт"],
        related: "Тағы оқыңыз",
    },
    Language {
        code: "uz",
        sentences: [
            "Quyi koʻldagi parom ilk bor butun qish davomida qatnaydi, deb xabar berdi seshanba kuni port boshqarmasi.",
            "Kaft qalinligidagi muzni yoradigan yangi korpus kuzda oʻrnatildi va koʻrfazda sinaldi.",
            "“Biz buni yigirma yil kutdik”, dedi narigi sohildagi maktab direktori.",
            "Yoqilgʻi uchun tuman toʻlaydi: shimoldan shamol essa, u oyiga 40 mingga yaqin turadi.",
            "Shu paytgacha qishloqlar dekabrdan martgacha shahardan uzilib qolar edi.",
            "Sakkiz tonnadan ogʻir yuk mashinalari avvalgidek togʻni aylanib oʻtadi, chunki iskala eski.",
        ],
        menu: ["Siyosat", "Iqtisod", "Jamiyat", "Sport"],
        related: "Oʻqing",
    },
];

/// The same numbers each time (xorshift64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % end
    }
}

/// News pages of about 180 KB.
pub fn news(count: usize) -> Vec<Vec<u8>> {
    (0..count).map(|number| page(number, &LANGUAGES[number % LANGUAGES.len()]).into_bytes()).collect()
}

fn page(number: usize, language: &Language) -> String {
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15 + number as u64);
    let title = language.sentences[numbers.below(6)].trim_end_matches('.');
    let mut html = String::new();
    head(&mut html, title, language, &mut numbers);
    menu(&mut html, language);
    html.push_str("<main class=\"layout layout--article\"><div class=\"row\"><div class=\"col-md-8\">\n");
    article(&mut html, title, language, &mut numbers);
    html.push_str("</div>\n<aside class=\"col-md-4 sidebar\" data-sticky=\"true\">\n");
    for story in 0..30 + numbers.below(40) {
        card(&mut html, story, language, &mut numbers);
    }
    html.push_str("</aside></div></main>\n");
    scripts(&mut html, &mut numbers, 20);
    menu(&mut html, language);
    html.push_str("<footer class=\"footer\"><p>© 2026 Steppe</p></footer></body></html>\n");
    html
}

fn head(html: &mut String, title: &str, language: &Language, numbers: &mut Numbers) {
    let code = language.code;
    let _ = write!(
        html,
        "<!DOCTYPE html>\n<html lang=\"{code}\" class=\"no-js\"><head><meta charset=\"utf-8\"><title>{title} | Steppe</title>\n\
         <meta property=\"og:title\" content=\"{title}\"><meta property=\"og:site_name\" content=\"Steppe\">\n\
         <meta property=\"article:published_time\" content=\"2026-11-20T08:00:00+05:00\">\n\
         <script type=\"application/ld+json\">{{\"@context\":\"https://schema.org\",\"@type\":\"NewsArticle\",\"headline\":\"{title}\",\
         \"datePublished\":\"2026-11-20T08:00:00+05:00\",\"author\":{{\"@type\":\"Person\",\"name\":\"Aigul Serikova\"}}}}</script>\n"
    );
    for sheet in 0..20 {
        let _ = writeln!(
            html,
            "<link rel=\"preload\" as=\"style\" href=\"https://static.steppe.example/build/{sheet}.css\">"
        );
    }
    html.push_str("<style>");
    for rule in 0..200 + numbers.below(200) {
        let _ = write!(html, ".c{rule} > .item:hover{{margin:0 {rule}px;background:url(/i/{rule}.png)}}");
    }
    html.push_str("</style>\n");
    scripts(html, numbers, 8);
    html.push_str("</head><body class=\"page page--article\" onload=\"start()\">\n");
}

fn scripts(html: &mut String, numbers: &mut Numbers, count: usize) {
    for script in 0..count {
        html.push_str("<script>(function(w,d){var q=w.q||[];\n");
        for call in 0..numbers.below(60) {
            let _ =
                writeln!(html, "if(q.length<{call}){{q.push(['set','slot{script}','<div id=\"a{call}\"></div>']);}}");
        }
        html.push_str("})(window,document);</script>\n<!-- slot -->\n");
    }
}

fn menu(html: &mut String, language: &Language) {
    html.push_str("<nav class=\"nav nav--main\" role=\"navigation\" aria-label=\"Main\"><ul class=\"nav__list\">\n");
    for item in 0..40 {
        let _ = writeln!(
            html,
            "    <li class=\"nav__item nav__item--{item}\"><a class=\"nav__link\" href=\"/{}/{item}\" data-track=\"menu-{item}\">\
             <svg class=\"icon\" viewBox=\"0 0 24 24\"><path d=\"M12 2L2 7l10 5 10-5-10-5z\"/></svg><span>{}</span></a></li>",
            language.code,
            language.menu[item % 4]
        );
    }
    html.push_str("</ul></nav>\n");
}

fn article(html: &mut String, title: &str, language: &Language, numbers: &mut Numbers) {
    let _ = write!(
        html,
        "<article class=\"article\" itemscope itemtype=\"https://schema.org/NewsArticle\"><h1 class=\"article__title\">{title}</h1>\n\
         <div class=\"article__meta\"><time datetime=\"2026-11-20T08:00:00+05:00\">20.11.2026, 08:00</time>\
         <a rel=\"author\" href=\"/authors/1\">Aigul Serikova</a></div>\n<div class=\"article__text\" itemprop=\"articleBody\">\n"
    );
    for paragraph in 0..6 + numbers.below(16) {
        html.push_str("<p>");
        for _ in 0..2 + numbers.below(4) {
            let sentence = language.sentences[numbers.below(6)];
            match numbers.below(6) {
                0 => drop(write!(html, "<a href=\"/tag/{paragraph}\" class=\"link\">{sentence}</a> ")),
                1 => drop(write!(html, "<strong>{sentence}</strong> ")),
                _ => drop(write!(html, "{sentence} ")),
            }
        }
        html.push_str("</p>\n");
        if numbers.below(5) == 0 {
            let _ = writeln!(
                html,
                "<div class=\"inline-related\"><b>{}:</b> <a href=\"/news/{paragraph}\">{}</a></div>",
                language.related,
                language.sentences[numbers.below(6)]
            );
        }
    }
    html.push_str("</div></article>\n");
}

fn card(html: &mut String, story: usize, language: &Language, numbers: &mut Numbers) {
    let sentence = language.sentences[numbers.below(6)];
    let _ = write!(
        html,
        "  <div class=\"card card--small js-card\" data-id=\"{story}\" data-state=\"{{&quot;id&quot;:{story},&quot;kind&quot;:&quot;story&quot;,\
         &quot;position&quot;:&quot;sidebar&quot;,&quot;experiment&quot;:&quot;none&quot;}}\">\n\
         \x20   <a class=\"card__image\" href=\"/news/{story}\"><img loading=\"lazy\" src=\"https://img.steppe.example/{story}/300.jpg\" \
         srcset=\"https://img.steppe.example/{story}/300.jpg 300w, https://img.steppe.example/{story}/600.jpg 600w, \
         https://img.steppe.example/{story}/900.jpg 900w\" sizes=\"(max-width: 600px) 300px, 600px\" alt=\"\"></a>\n\
         \x20   <div class=\"card__body\"><h3 class=\"card__title\"><a href=\"/news/{story}\">{sentence}</a></h3>\n\
         \x20   <time class=\"card__time\" datetime=\"2026-11-19T10:00:00+05:00\">19.11.2026</time></div>\n  </div>\n"
    );
}
