//! Article pages in the markup of the sites that have rules.

use super::ArticlePage;

const TITLE: &str = "Плотину открыли выше города";

/// A page of each rule with `[article]`.
pub const ARTICLES: &[ArticlePage] = &[
    ArticlePage {
        rule: "24kg",
        url: "https://24.kg/obschestvo/1001_plotina/",
        markup: r#"<h1 class="newsTitle">Плотину открыли выше города</h1>
            <div class="newsDate"><span itemprop="datePublished" content="2026-01-20T10:14:00+06:00">10:14, 20 января 2026</span>, Бишкек</div>
            <div class="cont"><div itemprop="articleBody"><p>{1}</p><div class="poTeme"><p>{gone}</p></div><p>{2}</p></div></div>"#,
        title: TITLE,
        author: None,
        date: Some("2026-01-20T10:14"),
    },
    ArticlePage {
        rule: "24kz",
        url: "https://24.kz/ru/news/1001-plotina",
        markup: r#"<article><h1 class="single-post__entry-title">Плотину открыли выше города</h1>
            <ul class="entry__meta"><li class="entry__meta-date">20 января 2026, 10:14</li></ul>
            <div class="entry__article"><ul><li class="entry__meta-views">{gone}</li></ul><p>{1}</p><p>{2}</p></div></article>"#,
        title: TITLE,
        author: None,
        date: Some("2026-01-20T10:14"),
    },
    ArticlePage {
        rule: "akchabar",
        url: "https://www.akchabar.kg/ru/news/plotina-1001",
        markup: r#"<h1 class="text-2xl font-semibold">Плотину открыли выше города</h1><div class="ckeditor"><p>{1}</p><p>{2}</p></div>
            <div class="more"><p>{gone}</p></div>"#,
        title: TITLE,
        author: None,
        date: None,
    },
    ArticlePage {
        rule: "akipress-kg",
        url: "https://kg.akipress.org/news:1001/",
        markup: r#"<h1>Плотину открыли выше города</h1><div class="article-text"><p>{1}</p><p>{2}</p></div><div class="side"><p>{gone}</p></div>"#,
        title: TITLE,
        author: None,
        date: None,
    },
    ArticlePage {
        rule: "akipress",
        url: "https://m.akipress.org/news:1002/",
        markup: r#"<h1>Плотину открыли выше города</h1><div class="news_in"><p>{1}</p><p>{2}</p></div><div class="last"><p>{gone}</p></div>"#,
        title: TITLE,
        author: None,
        date: None,
    },
    ArticlePage {
        rule: "asiaplus",
        url: "https://asiaplustj.info/ru/news/tajikistan/society/20260120/plotina",
        markup: r#"<article><h1>Плотину открыли выше города</h1><div class="text"><p>{1}</p><p>{2}</p>
            <div class="newsstat"><span>{gone}</span></div><a href="/adredirect?to=7"><img src="/adfiles/7.gif" alt=""></a></div></article>
            <div id="APpopupModal"><p>{gone}</p></div>"#,
        title: TITLE,
        author: None,
        date: Some("2026-01-20"),
    },
    ArticlePage {
        rule: "daryo",
        url: "https://daryo.uz/2026/01/20/togon",
        markup: r#"<h1 class="is-title post-title post-view-title">Плотину открыли выше города</h1>
            <time class="post-date" datetime="2026-01-20T10:14:00+05:00">20.01.2026</time>
            <div class="post-content-wrap has-share-float"><p>{1}</p><p>{2}</p></div><div class="next"><p>{gone}</p></div>"#,
        title: TITLE,
        author: None,
        date: Some("2026-01-20T10:14"),
    },
    ArticlePage {
        rule: "egemen",
        url: "https://egemen.kz/article/1001-boget",
        markup: r#"<h1 class="responsive_title">Плотину открыли выше города</h1><span class="text-grey">20 Қаңтар, 2026</span>
            <div class="main-news padding-80"><p>{1}</p><p>{2}</p></div><div class="also"><p>{gone}</p></div>"#,
        title: TITLE,
        author: None,
        date: Some("2026-01-20"),
    },
    ArticlePage {
        rule: "gazeta",
        url: "https://www.gazeta.uz/oz/2026/01/20/togon/",
        markup: r#"<h1 itemprop="headline name">Плотину открыли выше города</h1><div class="articleDateTime">20 января 2026, 10:14</div>
            <div class="js-mediator-article article-text"><p>{1}</p><p>{2}</p></div><div class="adv"><p>{gone}</p></div>"#,
        title: TITLE,
        author: None,
        date: Some("2026-01-20T10:14"),
    },
    ArticlePage {
        rule: "inform",
        url: "https://www.inform.kz/ru/plotina-1001",
        markup: r#"<h1 class="article__title">Плотину открыли выше города</h1><div class="article__time">10:14, 20 Январь 2026</div>
            <div class="article__description">{1}</div><div class="article__photo">{gone}</div><div class="article__body-text"><p>{2}</p></div>"#,
        title: TITLE,
        author: None,
        date: Some("2026-01-20T10:14"),
    },
    ArticlePage {
        rule: "informburo",
        url: "https://informburo.kz/novosti/plotina",
        markup: r#"<meta property="article:published_time" content="2026-01-20T10:14:00+05:00"><h1>Плотину открыли выше города</h1>
            <div class="news-text"><p>{1}</p><blockquote>{gone}</blockquote><p>{2}</p></div>"#,
        title: TITLE,
        author: None,
        date: Some("2026-01-20T10:14"),
    },
    ArticlePage {
        rule: "kaktus",
        url: "https://kaktus.media/doc/1001_plotina.html",
        markup: r#"<h1 class="Article--title">Плотину открыли выше города</h1><div class="Article--block">
            <div class="Article--block-content"><p>{1}</p></div><div class="Article--block-gallery"><p>{gone}</p></div>
            <div class="Article--block-content"><p>{2}</p></div></div>"#,
        title: TITLE,
        author: None,
        date: None,
    },
    ArticlePage {
        rule: "kazpravda",
        url: "https://kazpravda.kz/n/plotina-otkryta/",
        markup: r#"<h1 class="article__title">Плотину открыли выше города</h1><time class="article__date">20 Января 2026 10:14</time>
            <div class="article__body"><p>{1}</p><p>{2}</p></div><div class="article__bottom"><p>{gone}</p></div>"#,
        title: TITLE,
        author: None,
        date: Some("2026-01-20T10:14"),
    },
    ArticlePage {
        rule: "khovar",
        url: "https://khovar.tj/rus/2026/01/plotina-otkryta/",
        markup: r#"<article><h1>Плотину открыли выше города</h1><div class="text"><p>{1}</p><p>{2}</p></div>
            <div class="ya-share2"><ul><li><a href="/share">{gone}</a></li></ul></div></article>"#,
        title: TITLE,
        author: None,
        date: None,
    },
    ArticlePage {
        rule: "kloop",
        url: "https://kloop.kg/blog/2026/01/20/plotina/",
        markup: r#"<h1 class="entry-title">Плотину открыли выше города</h1><div class="td-post-content tagdiv-type"><p>{1}</p><p>{2}</p></div>
            <div class="td-related"><p>{gone}</p></div>"#,
        title: TITLE,
        author: None,
        date: Some("2026-01-20"),
    },
    ArticlePage {
        rule: "knews",
        url: "https://knews.kg/2026/01/20/plotina/",
        markup: r#"<h1>Плотину открыли выше города</h1><div class="td-post-content"><p>{1}</p><p>{2}</p></div><div class="td-footer"><p>{gone}</p></div>"#,
        title: TITLE,
        author: None,
        date: Some("2026-01-20"),
    },
    ArticlePage {
        rule: "kun",
        url: "https://kun.uz/uz/news/2026/01/20/togon",
        markup: r#"<h1 class="news-inner__content-title">Плотину открыли выше города</h1>
            <div class="news-inner__content-stats"><span>Жамият</span> | <span>10:14 / 20.01.2026</span></div>
            <div class="news-inner__content-page"><p>{1}</p><p>{2}</p><div class="news-inner__author">{gone}</div></div>"#,
        title: TITLE,
        author: None,
        date: Some("2026-01-20T10:14"),
    },
    ArticlePage {
        rule: "novastan",
        url: "https://novastan.org/en/kyrgyzstan/dam/",
        markup: r#"<div class="mkd-post-text"><h2 class="entry-title">{gone}</h2>
            <p>{1}</p><div class="simplefavorite-button">{gone}</div><p>{2}</p><div class="mkd-blog-single-share">{gone}</div>
            <div class="mkd-single-tags-holder">{gone}</div></div>
            <h1>Плотину открыли выше города</h1><h6 class="author"><a href="/author/1">Айгуль Серикова</a></h6>"#,
        title: TITLE,
        author: Some("Айгуль Серикова"),
        date: None,
    },
    ArticlePage {
        rule: "nur",
        url: "https://www.nur.kz/society/1001-plotina/",
        markup: r#"<h1 class="main-headline">Плотину открыли выше города</h1><time class="datetime--publication" datetime="2026-01-20T10:14:00+0500">20 января</time>
            <div class="formatted-body__content--wrapper"><p class="formatted-body__paragraph">{1}</p><div>{gone}</div>
            <p class="formatted-body__paragraph">{2}</p></div>"#,
        title: TITLE,
        author: None,
        date: Some("2026-01-20T10:14"),
    },
    ArticlePage {
        rule: "qalampir",
        url: "https://qalampir.uz/uz/news/togon-1001",
        markup: r#"<h1 class="text">Плотину открыли выше города</h1><div class="row g-4 my-main-content"><p>{1}</p><p>{2}</p></div><div class="row g-4"><p>{gone}</p></div>"#,
        title: TITLE,
        author: None,
        date: None,
    },
    ArticlePage {
        rule: "sputnik",
        url: "https://ru.sputnik.kz/20260120/plotina-1001.html",
        markup: r#"<div class="article"><div class="article__info"><div class="article__info-date"><a>10:14 20.01.2026</a></div></div>
            <h1 class="article__title">Плотину открыли выше города</h1><div class="article__body"><p>{1}</p><p>{2}</p></div>
            <div class="article__footer"><p>{gone}</p></div></div>"#,
        title: TITLE,
        author: None,
        date: Some("2026-01-20T10:14"),
    },
    ArticlePage {
        rule: "tengrinews",
        url: "https://tengrinews.kz/kazakhstan_news/plotina-1001/",
        markup: r#"<h1 class="head-single">Плотину открыли выше города</h1><div class="date-time">20 января 2026 | 10:14</div>
            <div class="content_main_text"><p>{1}</p><p>{2}</p></div><div class="content_main_more"><p>{gone}</p></div>"#,
        title: TITLE,
        author: None,
        date: Some("2026-01-20T10:14"),
    },
    ArticlePage {
        rule: "thediplomat",
        url: "https://thediplomat.com/2026/01/the-dam/",
        markup: r#"<h1>Плотину открыли выше города</h1><div id="td-lead">{1}</div><div class="td-author"><p>{gone}</p></div>
            <div class="entry-content"><p>{2}</p></div>"#,
        title: TITLE,
        author: None,
        date: None,
    },
    ArticlePage {
        rule: "uza",
        url: "https://uza.uz/uz/posts/togon_1001",
        markup: r#"<div class="news-top-head"><div class="news-top-head__title">Плотину открыли выше города</div>
            <div class="news-top-head__date">Жамият | 10:14 / 20.01.2026</div></div><div class="content-block"><p>{1}</p><p>{2}</p></div>
            <div class="news-bottom"><p>{gone}</p></div>"#,
        title: TITLE,
        author: None,
        date: Some("2026-01-20T10:14"),
    },
    ArticlePage {
        rule: "uznews",
        url: "https://uznews.uz/uz/news/1001",
        markup: r#"<h1 class="section-header-title">Плотину открыли выше города</h1><span class="section-header-date">20.01.2026 10:14</span>
            <div class="content"><p>{1}</p><p>{2}</p></div><div class="aside"><p>{gone}</p></div>"#,
        title: TITLE,
        author: None,
        date: Some("2026-01-20T10:14"),
    },
    ArticlePage {
        rule: "xabar",
        url: "https://xabar.uz/jamiyat/togon",
        markup: r#"<h2 class="post__title">Плотину открыли выше города</h2><span class="date-time">20.01.2026, 10:14</span>
            <div class="post__body"><p>{1}</p><p>{2}</p></div><div class="post__after"><p>{gone}</p></div>"#,
        title: TITLE,
        author: None,
        date: Some("2026-01-20T10:14"),
    },
    ArticlePage {
        rule: "zakon",
        url: "https://www.zakon.kz/obshestvo/1001-plotina.html",
        markup: r#"<h1>Плотину открыли выше города</h1><div class="description">{1}</div><div class="share">{gone}</div><div class="content"><p>{2}</p></div>"#,
        title: TITLE,
        author: None,
        date: None,
    },
];
