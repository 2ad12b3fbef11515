//! Listing pages in the markup of the sites that have rules. They were fetched on 2026-11-22 at 06:00.

use super::ListPage;

/// A page of each rule with `[listing]`.
pub const LISTS: &[ListPage] = &[
    ListPage {
        rule: "24kg",
        url: "https://24.kg/",
        markup: r#"<div id="newslist"><div class="one"><div class="time">05:40</div><div class="title"><a href="/obschestvo/2_bridge/">Мост откроют весной в Оше</a></div></div>
            <div class="one"><div class="time">04:10</div><div class="title"><a href="/vlast/1_budget/">Бюджет принят в трёх чтениях</a></div></div></div>
            <div class="one"><div class="title"><a href="/pr/9_adv/">Не новость, а объявление сайта</a></div></div>"#,
        entries: &[
            "/obschestvo/2_bridge/ 2026-11-22T05:40 Мост откроют весной в Оше",
            "/vlast/1_budget/ 2026-11-22T04:10 Бюджет принят в трёх чтениях",
        ],
    },
    ListPage {
        rule: "24kz",
        url: "https://24.kz/ru/news",
        markup: r#"<div class="itemsContainerWrap"><div class="entry-content"><h3><a href="/ru/news/2-bridge">Мост откроют весной в Оше</a></h3><time datetime="2026-11-22T10:40:00+05:00">10:40</time></div>
            <div class="entry-content"><h3><a href="/ru/news/1-budget">Бюджет принят в трёх чтениях</a></h3><time datetime="2026-11-21T18:00:00+05:00">вчера</time></div></div>"#,
        entries: &[
            "/ru/news/2-bridge 2026-11-22T10:40 Мост откроют весной в Оше",
            "/ru/news/1-budget 2026-11-21T18:00 Бюджет принят в трёх чтениях",
        ],
    },
    ListPage {
        rule: "akchabar",
        url: "https://www.akchabar.kg/ru",
        markup: r#"<div class="list"><h3><a href="/ru/news/most-v-oshe-2002">Мост откроют весной в Оше</a></h3><h3><a href="/ru/news/byudzhet-2001">Бюджет принят в трёх чтениях</a></h3>
            <h3><a href="/ru/rates/kurs-valyut-2003">Курсы валют на сегодня и завтра</a></h3></div>"#,
        entries: &[
            "/ru/news/most-v-oshe-2002 - Мост откроют весной в Оше",
            "/ru/news/byudzhet-2001 - Бюджет принят в трёх чтениях",
        ],
    },
    ListPage {
        rule: "akipress-kg",
        url: "https://kg.akipress.org/",
        markup: r#"<div class="elem"><div class="title"><a href="/news:2002/">Мост откроют весной в Оше</a></div></div>
            <div class="elem"><div class="title"><a href="/news:2001/">Бюджет принят в трёх чтениях</a></div></div>"#,
        entries: &["/news:2002/ - Мост откроют весной в Оше", "/news:2001/ - Бюджет принят в трёх чтениях"],
    },
    ListPage {
        rule: "akipress",
        url: "https://m.akipress.org/",
        markup: r#"<div id="last_news"><div class="simple-news-row"><span>05:40</span><a class="title" href="//m.akipress.org/news:2002/">Мост откроют весной в Оше</a></div>
            <div class="simple-news-row"><span>04:10</span><a class="title" href="//m.akipress.org/news:2001/">Бюджет принят в трёх чтениях</a></div></div>"#,
        entries: &[
            "/news:2002/ 2026-11-22T05:40 Мост откроют весной в Оше",
            "/news:2001/ 2026-11-22T04:10 Бюджет принят в трёх чтениях",
        ],
    },
    ListPage {
        rule: "asiaplus",
        url: "https://asiaplustj.info/ru/news/all",
        markup: r#"<div class="urgent_title"><span class="newsdate-row">15:03, 17 марта</span><a href="/ru/news/a/20260317/bridge">Мост откроют весной в Оше</a></div>
            <div class="urgent_title"><span class="newsdate-row">11:20, 17 марта</span><a href="/ru/news/a/20260317/budget">Бюджет принят в трёх чтениях</a></div>"#,
        entries: &[
            "/ru/news/a/20260317/bridge 2026-03-17T15:03 Мост откроют весной в Оше",
            "/ru/news/a/20260317/budget 2026-03-17T11:20 Бюджет принят в трёх чтениях",
        ],
    },
    ListPage {
        rule: "egemen",
        url: "https://egemen.kz/last-news",
        markup: r#"<div class="last-news"><div class="news-t"><div class="text-news"><a href="/article/2-kopir">Көпір көктемде ашылады</a><span class="text-grey">22 Қараша, 2026</span></div></div>
            <div class="news-t"><div class="text-news"><a href="/article/1-budzhet">Бюджет үш оқылымда қабылданды</a><span class="text-grey">21 Қараша, 2026</span></div></div></div>"#,
        entries: &[
            "/article/2-kopir 2026-11-22T00:00 Көпір көктемде ашылады",
            "/article/1-budzhet 2026-11-21T00:00 Бюджет үш оқылымда қабылданды",
        ],
    },
    ListPage {
        rule: "fergana",
        url: "https://fergana.agency/search/?search=most",
        markup: r#"<ul><li class="news-list__item"><a href="/news/2002/"><div class="news-list__content">Мост откроют весной в Оше</div></a></li>
            <li class="news-list__item"><a href="/news/2001/"><div class="news-list__content">Бюджет принят в трёх чтениях</div></a></li></ul>"#,
        entries: &["/news/2002/ - Мост откроют весной в Оше", "/news/2001/ - Бюджет принят в трёх чтениях"],
    },
    ListPage {
        rule: "gazeta",
        url: "https://www.gazeta.uz/oz/list/news",
        markup: r#"<div class="list"><h3><a href="/oz/2026/11/22/koprik/">Koʻprik bahorda ochiladi Qarshida</a></h3><h3><a href="/oz/2026/11/21/byudjet/">Byudjet uch oʻqishda qabul qilindi</a></h3>
            <h3><a href="/oz/2026/11/20/maktab/">Maktab yangi binoga koʻchib oʻtdi</a></h3></div>"#,
        entries: &[
            "/oz/2026/11/22/koprik/ - Koʻprik bahorda ochiladi Qarshida",
            "/oz/2026/11/21/byudjet/ - Byudjet uch oʻqishda qabul qilindi",
            "/oz/2026/11/20/maktab/ - Maktab yangi binoga koʻchib oʻtdi",
        ],
    },
    ListPage {
        rule: "inform",
        url: "https://www.inform.kz/ru/lenta",
        markup: r#"<div class="allNewsCard"><a href="/ru/most-2002"><div class="allNewsCard_title">Мост откроют весной в Оше</div></a><div class="allNewsCard_time">05:40, 22 Ноябрь 2026</div></div>
            <div class="news-list__col_main"><article class="anounce-news"><a class="anounce-news__link" href="/ru/byudzhet-2001">Бюджет принят в трёх чтениях</a><span>04:10, 22 Ноябрь 2026</span></article></div>"#,
        entries: &[
            "/ru/most-2002 2026-11-22T05:40 Мост откроют весной в Оше",
            "/ru/byudzhet-2001 2026-11-22T04:10 Бюджет принят в трёх чтениях",
        ],
    },
    ListPage {
        rule: "informburo",
        url: "https://informburo.kz/novosti",
        markup: r#"<h2 class="date-heading">22 ноября 2026</h2><ul class="uk-nav-default"><li><a href="/novosti/bridge"><time>05:40</time> Мост откроют весной в Оше</a></li></ul>
            <h2 class="date-heading">21 ноября 2026</h2><ul class="uk-nav-default"><li><a href="/novosti/budget"><time>04:10</time> Бюджет принят в трёх чтениях</a></li></ul>"#,
        entries: &[
            "/novosti/bridge 2026-11-22T05:40 Мост откроют весной в Оше",
            "/novosti/budget 2026-11-21T04:10 Бюджет принят в трёх чтениях",
        ],
    },
    ListPage {
        rule: "kaktus",
        url: "https://kaktus.media/?lable=8&date=2026-11-22&order=time",
        markup: r#"<div class="Tag--article"><div class="ArticleItem--time">05:40</div><a class="ArticleItem--name" href="/doc/2_bridge.html">Мост откроют весной в Оше</a></div>
            <div class="ArticleItem--data"><div class="ArticleItem--time">04:10</div><a class="ArticleItem--name" href="/doc/1_budget.html">Бюджет принят в трёх чтениях</a></div>"#,
        entries: &[
            "/doc/2_bridge.html 2026-11-22T05:40 Мост откроют весной в Оше",
            "/doc/1_budget.html 2026-11-22T04:10 Бюджет принят в трёх чтениях",
        ],
    },
    ListPage {
        rule: "kazpravda",
        url: "https://kazpravda.kz/",
        markup: r#"<div class="news-feed__body"><div class="news-feed__body__date">22 Ноября 2026</div>
            <div class="news-feed__item"><time>05:40</time><a href="/n/bridge/"><div class="news-feed__title">Мост откроют весной в Оше</div></a></div>
            <div class="news-feed__item"><time>04:10</time><a href="/n/budget/"><div class="news-feed__title">Бюджет принят в трёх чтениях</div></a></div></div>"#,
        entries: &[
            "/n/bridge/ 2026-11-22T05:40 Мост откроют весной в Оше",
            "/n/budget/ 2026-11-22T04:10 Бюджет принят в трёх чтениях",
        ],
    },
    ListPage {
        rule: "khovar",
        url: "https://khovar.tj/lenta-novostey/",
        markup: r#"<div class="list"><h3><a href="/2026/11/pul-dar-hujand/">Пул дар Хуҷанд баҳор кушода мешавад</a></h3><h3><a href="/2026/11/bujet-qabul-shud/">Буҷет дар се хониш қабул шуд</a></h3>
            <h3><a href="/2026/11/maktabi-nav/">Мактаби нав дар деҳа кушода шуд</a></h3></div>"#,
        entries: &[
            "/2026/11/pul-dar-hujand/ - Пул дар Хуҷанд баҳор кушода мешавад",
            "/2026/11/bujet-qabul-shud/ - Буҷет дар се хониш қабул шуд",
            "/2026/11/maktabi-nav/ - Мактаби нав дар деҳа кушода шуд",
        ],
    },
    ListPage {
        rule: "kloop",
        url: "https://kloop.kg/",
        markup: r#"<div class="list"><h3><a href="/blog/2026/11/22/bridge/">Мост откроют весной в Оше</a></h3><h3><a href="/blog/2026/11/21/budget/">Бюджет принят в трёх чтениях</a></h3>
            <h3><a href="/shkola/2026/11/22/kursy/">Школа журналистики набирает новых учеников</a></h3></div>"#,
        entries: &[
            "/blog/2026/11/22/bridge/ - Мост откроют весной в Оше",
            "/blog/2026/11/21/budget/ - Бюджет принят в трёх чтениях",
        ],
    },
    ListPage {
        rule: "kun",
        url: "https://kun.uz/news/list",
        markup: r#"<a class="news-page__item" href="/news/2026/11/22/koprik">Кўприк баҳорда очилади Қаршида</a><a class="news-page__item" href="/news/2026/11/21/byudjet">Бюджет уч ўқишда қабул қилинди</a>
            <a class="point-view__footer-btn" href="/news/list?next=1">Яна</a>"#,
        entries: &[
            "/news/2026/11/22/koprik - Кўприк баҳорда очилади Қаршида",
            "/news/2026/11/21/byudjet - Бюджет уч ўқишда қабул қилинди",
        ],
    },
    ListPage {
        rule: "nur",
        url: "https://www.nur.kz/latest/",
        markup: r#"<div class="block-infinite"><ul><li><article><a href="/society/2002-most/"><h2>Мост откроют весной в Оше</h2></a><time datetime="2026-11-22T10:40:00+0500">10:40</time></article></li>
            <li><article><a href="/politics/2001-byudzhet/"><h2>Бюджет принят в трёх чтениях</h2></a><time datetime="2026-11-21T09:10:00+0500">вчера</time></article></li></ul></div>"#,
        entries: &[
            "/society/2002-most/ 2026-11-22T10:40 Мост откроют весной в Оше",
            "/politics/2001-byudzhet/ 2026-11-21T09:10 Бюджет принят в трёх чтениях",
        ],
    },
    ListPage {
        rule: "rferl",
        url: "https://www.azattyk.org/z/812",
        markup: r#"<div class="list"><h3><a href="/a/kopuro-2002/2002.html">Көпүрө жазында Ошто ачылат</a></h3><h3><a href="/a/budzhet-2001/2001.html">Бюджет үч окууда кабыл алынды</a></h3>
            <h3><a href="/p/uktoulu-2003/2003.html">Бул барак макала эмес экен</a></h3></div>"#,
        entries: &[
            "/a/kopuro-2002/2002.html - Көпүрө жазында Ошто ачылат",
            "/a/budzhet-2001/2001.html - Бюджет үч окууда кабыл алынды",
        ],
    },
    ListPage {
        rule: "sputnik",
        url: "https://ru.sputnik.kz/news",
        markup: r#"<div class="list__item"><a class="list__title" href="/20261122/most-2002.html">Мост откроют весной в Оше</a><div class="list__date" data-unixtime="1795326000">10:40</div></div>
            <div class="list__item"><a class="list__title" href="/20261121/byudzhet-2001.html">Бюджет принят в трёх чтениях</a><div class="list__date" data-unixtime="1795239600">вчера</div></div>"#,
        entries: &[
            "/20261122/most-2002.html 2026-11-22T05:40 Мост откроют весной в Оше",
            "/20261121/byudzhet-2001.html 2026-11-21T05:40 Бюджет принят в трёх чтениях",
        ],
    },
    ListPage {
        rule: "tengrinews",
        url: "https://tengrinews.kz/news/page/1/",
        markup: r#"<div class="content_main_item"><span class="content_main_item_title"><a href="/kazakhstan_news/most-2002/">Мост откроют весной в Оше</a></span><time>Сегодня, 05:40</time></div>
            <div class="content_main_item"><span class="content_main_item_title"><a href="/kazakhstan_news/byudzhet-2001/">Бюджет принят в трёх чтениях</a></span><time>Вчера, 18:00</time></div>"#,
        entries: &[
            "/kazakhstan_news/most-2002/ 2026-11-22T05:40 Мост откроют весной в Оше",
            "/kazakhstan_news/byudzhet-2001/ 2026-11-21T18:00 Бюджет принят в трёх чтениях",
        ],
    },
    ListPage {
        rule: "thediplomat",
        url: "https://thediplomat.com/regions/central-asia/",
        markup: r#"<div class="td-post"><a href="/2026/11/the-bridge/">A bridge will open in spring</a></div><div class="td-post"><a href="/2026/11/the-budget/">The budget passed three readings</a></div>"#,
        entries: &[
            "/2026/11/the-bridge/ - A bridge will open in spring",
            "/2026/11/the-budget/ - The budget passed three readings",
        ],
    },
    ListPage {
        rule: "timesca",
        url: "https://timesca.com/tag/dam/",
        markup: r#"<div class="list"><h3><a href="/bridge-will-open/">A bridge will open in spring</a></h3><h3><a href="/budget-passed/">The budget passed three readings</a></h3>
            <h3><a href="/school-moves/">The school moves to a new house</a></h3>
            <h3><a href="/tag/water-and-energy/">All articles on water and energy</a></h3></div>"#,
        entries: &[
            "/bridge-will-open/ - A bridge will open in spring",
            "/budget-passed/ - The budget passed three readings",
            "/school-moves/ - The school moves to a new house",
        ],
    },
    ListPage {
        rule: "turkmenportal",
        url: "https://turkmenportal.com/tm/news",
        markup: r#"<div class="list"><div><h4><a href="/tm/blog/2002/kopri">Köpri ýazda açylar diýip habar berildi</a></h4><time>22.11.2026</time></div>
            <div><h4><a href="/tm/blog/2001/byujet">Býujet üç okalyşda kabul edildi</a></h4><time>21.11.2026</time></div>
            <div><h4><a href="/tm/blog/2000/mekdep">Mekdep täze jaýa göçdi diýip habar berildi</a></h4><time>20.11.2026</time></div></div>"#,
        entries: &[
            "/tm/blog/2002/kopri 2026-11-22T00:00 Köpri ýazda açylar diýip habar berildi",
            "/tm/blog/2001/byujet 2026-11-21T00:00 Býujet üç okalyşda kabul edildi",
            "/tm/blog/2000/mekdep 2026-11-20T00:00 Mekdep täze jaýa göçdi diýip habar berildi",
        ],
    },
    ListPage {
        rule: "vlast",
        url: "https://vlast.kz/novosti",
        markup: r#"<div class="news-inline-item media"><div class="news-inline-item-body"><a href="/novosti/2-most.html"><b>Мост откроют весной в Оше</b> Ещё слова</a><time datetime="2026-11-22T10:40:00+05:00">10:40</time></div></div>
            <div class="news-inline-item media"><div class="news-inline-item-body"><a href="/novosti/1-byudzhet.html"><b>Бюджет принят в трёх чтениях</b></a><time datetime="2026-11-21T09:10:00+05:00">вчера</time></div></div>"#,
        entries: &[
            "/novosti/2-most.html 2026-11-22T10:40 Мост откроют весной в Оше",
            "/novosti/1-byudzhet.html 2026-11-21T09:10 Бюджет принят в трёх чтениях",
        ],
    },
    ListPage {
        rule: "zakon",
        url: "https://www.zakon.kz/news/",
        markup: r#"<div class="zmainCard_item"><a href="/2002-most.html"><div class="title">Мост откроют весной в Оше</div></a><time datetime="2026-11-22T10:40:00+05:00">10:40</time></div>
            <a class="newscard_link" href="/2001-byudzhet.html"><div class="newscard__title">Бюджет принят в трёх чтениях</div><div class="newscard__date">сегодня, 05:51</div></a>"#,
        entries: &[
            "/2002-most.html 2026-11-22T10:40 Мост откроют весной в Оше",
            "/2001-byudzhet.html 2026-11-22T05:51 Бюджет принят в трёх чтениях",
        ],
    },
];
