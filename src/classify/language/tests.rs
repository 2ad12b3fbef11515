//! Sentences in our languages, their neighbours and others, and what is no text.

use super::*;

fn check(text: &str, prior: Option<&str>, expected: &str) {
    let label = identify(text, prior);
    assert_eq!(label.tag, expected, "{text:?} ({label:?})");
    assert!((0.0..=1.0).contains(&label.confidence), "{label:?}");
}

fn check_all(cases: &[(&str, &str)]) {
    let wrong: Vec<String> = cases
        .iter()
        .map(|(text, expected)| (text, expected, identify(text, None)))
        .filter(|(_, expected, label)| label.tag != **expected)
        .map(|(text, expected, label)| format!("{expected}: {text:?} ({label:?})"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

const OURS: &[(&str, &str)] = &[
    ("The ministers have agreed on a new railway that will cross the mountains.", "en"),
    ("Министры договорились о новой железной дороге, которая пройдет через горы.", "ru"),
    ("Министрлер таулар арқылы өтетін жаңа теміржол туралы келісті.", "kk"),
    ("Ministrler taular arqyly ötetın jaña temırjol turaly kelıstı.", "kk-Latn"),
    ("Mınıstrler taýlar arqyly ótetin jańa temirjol týraly kelisti.", "kk-Latn"),
    ("Mïnïstrler tawlar arqılı ötetin jaña temirjol twralı kelisti.", "kk-Latn"),
    ("Министрлер тоолор аркылуу өтө турган жаңы темир жол боюнча макулдашты.", "ky"),
    ("Вазирон дар бораи роҳи нави оҳан, ки аз кӯҳҳо мегузарад, мувофиқат карданд.", "tg"),
    ("Ministrler daglardan geçýän täze demir ýol barada ylalaşdylar.", "tk"),
    ("Vazirlar togʻlar orqali oʻtadigan yangi temir yoʻl boʻyicha kelishib oldilar.", "uz-Latn"),
    ("Вазирлар тоғлар орқали ўтадиган янги темир йўл бўйича келишиб олдилар.", "uz-Cyrl"),
    ("Bakanlar, dağlardan geçecek yeni bir demiryolu için anlaştı.", "tr"),
    ("وزیران درباره راه آهن جدیدی که از کوه‌ها می‌گذرد توافق کردند.", "fa"),
    ("وزیران در مورد خط آهن جدید که از کوه‌ها عبور خواهد کرد به توافق رسیدند، والی ولایت گفت.", "fa"),
    ("وزيران درباره راه آهن جديدي كه از كوه‌ها مي‌گذرد توافق كردند.", "fa"),
    ("部长们就一条穿越山区的新铁路达成了协议。", "zh"),
];

#[test]
fn our_languages_are_told_apart() {
    check_all(OURS);
}

#[test]
fn headlines_are_told_apart() {
    check_all(&[
        ("Farmers ask for cheaper water", "en"),
        ("В столице закрыли два моста", "ru"),
        ("Елордада екі көпір жабылды", "kk"),
        ("Борбордо эки көпүрө жабылды", "ky"),
        ("Дар пойтахт ду пул баста шуд", "tg"),
        ("Poytaxtda ikkita koʻprik yopildi", "uz-Latn"),
        ("Пойтахтда иккита кўприк ёпилди", "uz-Cyrl"),
        ("Paýtagtda iki köpri ýapyldy", "tk"),
        ("Başkentte iki köprü trafiğe kapatıldı", "tr"),
        ("دو پل در پایتخت بسته شد", "fa"),
        ("首都两座桥关闭", "zh"),
    ]);
}

#[test]
fn capitals_change_nothing() {
    check_all(&[
        ("FARMERS ASK FOR CHEAPER WATER", "en"),
        ("В СТОЛИЦЕ ЗАКРЫЛИ ДВА МОСТА", "ru"),
        ("ЕЛОРДАДА ЕКІ КӨПІР ЖАБЫЛДЫ", "kk"),
        ("БОРБОРДО ЭКИ КӨПҮРӨ ЖАБЫЛДЫ", "ky"),
        ("ДАР ПОЙТАХТ ДУ ПУЛ БАСТА ШУД", "tg"),
        ("POYTAXTDA IKKITA KOʻPRIK YOPILDI", "uz-Latn"),
        ("PAÝTAGTDA IKI KÖPRI ÝAPYLDY", "tk"),
        ("BAŞKENTTE İKİ KÖPRÜ TRAFİĞE KAPATILDI", "tr"),
    ]);
}

#[test]
fn neighbours_are_named() {
    check_all(&[
        ("Міністри домовилися про нову залізницю, яка пройде через гори.", "uk"),
        ("Міністры дамовіліся пра новую чыгунку, якая пройдзе праз горы.", "be"),
        ("Министрите се договориха за нова железопътна линия, която ще мине през планината.", "bg"),
        ("Министрлар таулар аша үтә торган яңа тимер юл турында килештеләр.", "tt"),
        ("Министрҙар тауҙар аша үтә торған яңы тимер юл тураһында килеште.", "ba"),
        ("Сайд нар уулаар дамжин өнгөрөх шинэ төмөр замын талаар тохиролцжээ.", "mn"),
        ("Nazirlər dağlardan keçəcək yeni dəmir yolu haqqında razılığa gəldilər.", "az"),
        ("Nazirler dağlardan keçecek yañı demiryol aqqında añlaştılar, dep bildirdi ükümet.", "crh"),
        ("Die Minister haben sich auf eine neue Bahn durch die Berge geeinigt.", "de"),
        ("Les ministres se sont mis d'accord sur une nouvelle ligne à travers les montagnes.", "fr"),
        ("وزراء نے پہاڑوں سے گزرنے والی نئی ریلوے پر اتفاق کر لیا ہے۔", "ur"),
        ("وزیرانو د غرونو له لارې د نوي اورګاډي پټلۍ په اړه هوکړه وکړه.", "ps"),
        ("اتفق الوزراء على خط سكة حديد جديد يمر عبر الجبال.", "ar"),
        ("مىنىستىرلار تاغلاردىن ئۆتىدىغان يېڭى تۆمۈر يول توغرىسىدا كېلىشتى.", "ug"),
        ("大臣たちは山を越える新しい鉄道に合意しました。", "ja"),
    ]);
}

/// Languages that are not in the table.
const OTHERS: &[&str] = &[
    "Los vecinos del barrio pidieron ayer al alcalde que arregle las calles y las farolas rotas.",
    "Os moradores do bairro pediram ontem ao prefeito que conserte as ruas e os postes quebrados.",
    "Gli abitanti del quartiere hanno chiesto ieri al sindaco di riparare le strade e i lampioni rotti.",
    "Locuitorii cartierului i-au cerut ieri primarului să repare străzile și felinarele stricate.",
    "Mieszkańcy dzielnicy poprosili wczoraj burmistrza o naprawę ulic i zepsutych latarni.",
    "Obyvatelé čtvrti včera požádali starostu, aby opravil ulice a rozbité lampy.",
    "A kerület lakói tegnap arra kérték a polgármestert, hogy javíttassa meg az utcákat.",
    "Kaupunginosan asukkaat pyysivät eilen pormestaria korjaamaan kadut ja rikkinäiset lamput.",
    "Người dân trong khu phố hôm qua đã đề nghị thị trưởng sửa đường và đèn hỏng.",
    "Warga di lingkungan itu kemarin meminta wali kota memperbaiki jalan dan lampu yang rusak.",
    "Wakazi wa mtaa huo jana walimwomba meya atengeneze barabara na taa zilizoharibika.",
    "Niştecihên taxê duh ji şaredar xwestin ku kolan û lampeyên şikestî çêbike.",
    "Хицауад знон фехъусын кодта, зӕгъгӕ, уынгтӕ ногӕй арӕзт ӕрцӕудзысты.",
    "دانیشتووانی گەڕەکەکە دوێنێ داوایان لە سەرۆکی شارەوانی کرد شەقامەکان چاک بکات.",
    "मोहल्ले के निवासियों ने कल महापौर से सड़कें ठीक करने को कहा।",
    "უბნის მცხოვრებლებმა გუშინ მერს ქუჩების შეკეთება სთხოვეს.",
    "Թաղամասի բնակիչները երեկ քաղաքապետին խնդրեցին նորոգել փողոցները։",
    "תושבי השכונה ביקשו אתמול מראש העיר לתקן את הרחובות.",
    "장관들은 새로운 철도에 합의했다.",
    "Οι κάτοικοι της γειτονιάς ζήτησαν χθες από τον δήμαρχο να φτιάξει τους δρόμους.",
];

#[test]
fn others_are_not_forced() {
    check_all(&OTHERS.iter().map(|text| (*text, "und")).collect::<Vec<_>>());
}

#[test]
fn karakalpak_is_not_kazakh_or_uzbek() {
    for text in [
        "Máhálle turǵınları keshe hákimnen kósheler menen sınǵan shıraqlardı dúzetiwdi soradı.",
        "Qaraqalpaqstan Respublikasında jańa mektepler hám emlewxanalar qurılmaqta, dep xabarladı ministrlik.",
        "Мәҳәлле турғынлары кеше ҳәкимнен көшелер менен сынған шырақларды дүзетиўди сорады.",
        "Қарақалпақстан Республикасында жаңа мектеплер ҳәм емлеўханалар қурылмақта.",
    ] {
        let tag = identify(text, None).tag;
        assert!(["kaa", "und"].contains(&tag.as_str()), "{text:?}: {tag}");
    }
}

#[test]
fn what_is_no_text_is_unknown() {
    for text in ["", " \n\t", "12345 67 – 89", "😀🎉🇰🇿👍🏽", "\u{301}\u{301}", "***", "\u{feff}\u{200b}", "a", "'''"]
    {
        check(text, None, "und");
        check(text, Some("kk"), "und");
    }
    for unit in ["ж", "a", "😀", "1 ", "-", "'", "ا"] {
        check(&unit.repeat((5 << 20) / unit.len()), None, "und");
    }
    check("https://example.org/a/b www.example.org mail@example.org", None, "und");
}

#[test]
fn the_prior_decides_short_texts_only() {
    check("Темир жол", Some("ky-KG"), "ky");
    check("Курс доллара", Some("ru"), "ru");
    check("Tashkent", Some("uz"), "uz-Latn");
    check("Президент", Some("uz"), "uz-Cyrl");
    check("Президент", Some("ky_KG"), "ky");
    check("The ministers have agreed on a new railway that will cross the mountains.", Some("tk"), "en");
    check("Ўзбекистон", Some("ru"), "uz-Cyrl");
    for (text, expected) in OURS {
        for prior in ["en", "ru", "uz", "fa-AF", "de"] {
            check(text, Some(prior), expected);
        }
    }
}

#[test]
fn texts_typed_without_their_own_letters_go_to_the_claimed_language() {
    check("Казакстан президенти жана зан кабылдады", Some("kk"), "kk");
    check("Окмот жаны мектептерди ачат", Some("ky"), "ky");
    check("Bakan yeni kopruyu acti, yarin acilis toreni yapilacak", None, "tr");
    check("Prezident yangi maktablar va koprik qurilishi haqida gapirdi", None, "uz-Latn");
}

#[test]
fn any_apostrophe_makes_an_uzbek_letter() {
    for apostrophe in ['ʻ', '‘', '’', '`', '\'', 'ʼ'] {
        let text = "Oʻzbekistonda yangi yoʻl ochildi, togʻ boʻylab oʻtadi".replace('ʻ', &apostrophe.to_string());
        check(&text, None, "uz-Latn");
        assert_eq!(identify(&text, None).confidence, identify(&text.replace(apostrophe, "ʻ"), None).confidence);
    }
}

#[test]
fn names_addresses_and_numbers_do_not_decide() {
    check_all(&[
        ("Washington командасы Atlanta Thrashers командасын 5:3 есебімен жеңіп кетті", "kk"),
        ("Apple и Google представили новые телефоны iPhone 15 и Pixel 8", "ru"),
        ("Tim Cook ve Elon Musk dün akşam New York'ta bir araya geldi", "tr"),
        ("Подробности на нашем сайте: https://example.org/the-ministers-have-agreed-on-this 24.kg, 12.05.2024", "ru"),
        ("Ош шаарында 1-апрелден тартып 350 сомдон 420 сомго чейин кымбаттады", "ky"),
        ("Пpeзидeнт cтpaны пoдпиcaл нoвый зaкoн o вoдe", "ru"),
    ]);
}

#[test]
fn a_quotation_does_not_decide() {
    let russian = "Министр сообщил журналистам, что новую школу откроют осенью. ";
    let kazakh = "«Бұл мектеп ауыл балалары үшін салынды», деді ол. ";
    check(&format!("{russian}{kazakh}{russian}{russian}"), None, "ru");
    check(&format!("{kazakh}{russian}{kazakh}{kazakh}"), None, "kk");
    let long = russian.repeat(200);
    check(&format!("{kazakh}{long}{kazakh}"), None, "ru");
}

#[test]
fn lists_of_names_stay_in_their_language() {
    check(
        "Награды получили Жанболат Ержанулы, Әсел Нұрланқызы, Гульнара Бекмуратова, Рахат Ниязов, Ширин Саидова, \
         Бахтиёр Юлдашев, Огулджан Аннаева и Эркин Турсунбеков. Министр поблагодарил их за труд и \
         рассказал, какие дороги построят в стране в этом году.",
        None,
        "ru",
    );
}

#[test]
fn confidence_grows_with_the_text() {
    let sure = |text: &str| identify(text, None).confidence;
    assert!(sure("Темир жол") < 0.9, "{}", sure("Темир жол"));
    assert!(
        OURS.iter().all(|(text, _)| sure(text) > 0.9),
        "{:?}",
        OURS.iter().map(|(text, _)| sure(text)).collect::<Vec<_>>()
    );
}
