#!/usr/bin/env python3
"""Makes config/rules/countries.toml: all countries of ISO 3166-1 by their names in CLDR, in the forms of each language.

    python3 tests/train/countries.py > config/rules/countries.toml
    python3 tests/train/countries.py --check TEXTS.ndjson… | less

What stands in config/rules/places.toml is set by hand and wins; this adds the names it does not have and, for the cities
it names in English, their names in the other languages (CLDR has one city for each time zone). `--check` lists, for each
generated term, the words of texts ({"lang", "content_text"} a line) that it would match in small letters or as the
beginning of something longer: those that are ordinary words belong into REFUSED, WEAK or EXACT below.

Needs Babel (BSD licence), which carries CLDR (Unicode licence v3): pip install babel
"""
import argparse
import json
import re
import sys
import tomllib
from bisect import bisect_left
from collections import Counter, defaultdict
from pathlib import Path

import babel
from babel.core import get_cldr_version, get_global

RULES = Path(__file__).resolve().parents[2] / "config/rules"
LOCALES = {
    "en": "en", "ru": "ru", "kk": "kk", "ky": "ky", "uz": "uz", "uz-Cyrl": "uz_Cyrl", "tg": "tg", "tk": "tk", "tr": "tr",
    "fa": "fa", "zh": "zh",
}
# Two-letter codes of CLDR that ISO 3166-1 has not assigned; XK (Kosovo) is a user's code in wide use, and stays.
NOT_ISO = set("AC CP CQ DG EA EU EZ IC QO TA UN XA XB ZZ".split())

# Names as news write them, where CLDR has another one, or one for maps.
ALIASES = {
    "AE": {"ru": ["Арабские Эмираты"], "fa": ["امارات"], "zh": ["阿联酋"], "tr": ["BAE"]},
    "AG": {"en": ["Antigua and Barbuda"]},
    "BA": {"en": ["Bosnia and Herzegovina"], "ru": ["Босния"], "fa": ["بوسنی"], "zh": ["波黑"], "tr": ["Bosna Hersek"]},
    "BY": {"ru": ["Белоруссия"], "fa": ["بلاروس"], "uz": ["Belorussiya"]},
    "CD": {"en": ["DR Congo"], "ru": ["Конго"], "kk": ["Конго", "Конго Демократиялық Республикасы"],
           "ky": ["Конго", "Конго Демократиялык Республикасы"], "tg": ["Конго"], "uz": ["Kongo"],
           "tk": ["Kongo"], "tr": ["Kongo"], "fa": ["کنگو"], "zh": ["刚果"]},
    "CG": {"en": ["Republic of Congo"], "ru": ["Республика Конго"], "zh": ["刚果共和国"]},
    "CI": {"en": ["Ivory Coast"], "tr": ["Fildişi Sahili"]},
    "CN": {"en": ["People's Republic of China"], "tg": ["Чин"], "kk": ["Қытай"]},
    "CZ": {"en": ["Czech Republic"], "tg": ["Чехия"], "fa": ["جمهوری چک"]},
    "DE": {"tg": ["Олмон"], "tr": ["Almanya"]},
    "FR": {"tg": ["Фаронса"]},
    "GF": {"kk": ["Француздық Гвиана"]},
    "GB": {"en": ["Great Britain"], "ru": ["Соединенное Королевство"], "tg": ["Британия"], "tr": ["İngiltere", "Britanya"],
           "fa": ["انگلیس", "انگلستان"], "tk": ["Angliýa", "Beýik Britaniýa"]},
    "HT": {"tg": ["Ҳаити", "Ҳаитӣ"]},
    "HK": {"ru": ["Гонконг"], "kk": ["Гонконг"], "ky": ["Гонконг"], "tg": ["Ҳонконг"], "uz": ["Gonkong"], "tk": ["Gonkong"],
           "tr": ["Hong Kong"], "fa": ["هنگ‌کنگ"], "zh": ["香港"]},
    "IR": {"kk": ["Иран"], "uz": ["Eron"]},
    "KE": {"tg": ["Кения"]},
    "KG": {"ru": ["Кыргызстан"]},
    "KP": {"ru": ["Северная Корея"], "zh": ["北韩"]},
    "KR": {"ru": ["Южная Корея"], "zh": ["南韩"]},
    "MM": {"en": ["Burma"], "ru": ["Бирма"]},
    "NZ": {"fa": ["نیوزلند"]},
    "MO": {"ru": ["Макао"], "fa": ["ماکائو"], "zh": ["澳门"]},
    "MW": {"tg": ["Малави"]},
    "NL": {"ru": ["Голландия"], "kk": ["Голландия"], "ky": ["Голландия"], "tg": ["Ҳолланд"], "zh": ["荷兰"]},
    "PS": {"ru": ["Палестина"], "kk": ["Палестина"], "ky": ["Палестина"], "uz": ["Falastin"], "tg": ["Фаластин"],
           "tk": ["Palestina"], "tr": ["Filistin"], "fa": ["فلسطین"], "zh": ["巴勒斯坦"]},
    "RU": {"tr": ["Rusya"]},
    "SA": {"zh": ["沙特"], "ky": ["Сауд Аравиясы"], "kk": ["Сауд Аравиясы"]},
    "SZ": {"ru": ["Свазиленд"]},
    "TL": {"en": ["East Timor"]},
    "TR": {"en": ["Türkiye"]},
    "US": {"ru": ["США", "Соединенные Штаты Америки"], "kk": ["АҚШ"], "ky": ["АКШ", "Америка Кошмо Штаттары"], "tg": ["ИМА"],
           "tr": ["ABD"], "fa": ["آمریکا", "امریکا"]},
    "VA": {"kk": ["Ватикан"], "tg": ["Вотикон"]},
    "ZA": {"ru": ["ЮАР"], "ky": ["Түштүк Африка"], "tg": ["Африқои Ҷанубӣ"], "uz": ["Janubiy Afrika"], "fa": ["آفریقای جنوبی"]},
}

# Forms that are no use, by language: ordinary words, first names, or names of something else.
REFUSED = {
    "en": "reunion chad jordan georgia turkey guinea dominica jersey",
    "ru": "того газа газы газу газой газе доминика доминику доминике",
    "ky": "гана кубани",
    "kk-Latn": "raisi* Raisi* mısır mısır* samara* island* palaw* palau* malta* panama* vena*",
    "uz": "samara* dili diliga dilini dilining dilida* dilidan dililik* tonga* mali",
    "uz-Cyrl": "самара* дили дилида* дилига дилини дилидан дилининг дилилик* тонга* мали катар* қатар* кубани",
    "tg": "дили дилии дилиро дилиу дилиён чини чинро чиниён чинӣ* умонӣ*",
    "tk": "samara* dili dilida* dilide* diliniň dilini dilidan diliden dilily* dilili*",
    "tr": "samara* mali fas'e* fas'l*",
    "fa": "دوشنبه مالی عمانی ریاضی کابلی دیلی غنا پرو پروی",
}

# Forms that others bear too: they count only beside a sure term of the same country, or of one near.
WEAK = {
    "kk": "вена* чад",
    "ky": "вена* чад катар*",
    "uz": "vena* chad yaman yamanda* yamanga",
    "uz-Cyrl": "вена* чад",
    "tg": "вена чад софия*",
    "tk": "wena wenada* gaza gazada* gazanyň gazany gazadan gazaly* sofiýa*",
    "tr": "fas çad sofya* viyana",
    "fa": "چک چکی چاد قطر قطری وین عمان اردن سوفیه صوفیه توگو",
}

# Names that longer words begin with: matched with the endings of cases only.
EXACT = {
    "kk": "катар дания", "ky": "катар дания", "uz": "oman ummon qatar tonga daniya benin yaman", "uz-Cyrl": "уммон дания", "tg": "ироқ дания",
    "kk-Latn": "katar benin danıa dania oman", "tk": "oman daniýa benin katar",
    "tr": "umman hindi sudan malta roma benin katar",
}

# Names that are ordinary words in small letters, long enough to be taken for safe otherwise.
CAPITAL = set("панама панамо panama джерси жерси jersey доминика dominika гренада granada мартиника бермуда bermuda".split())

# Letters from which a name takes any ending: shorter ones begin too many words.
STEM_LETTERS_MIN = {"kk": 5, "ky": 5, "uz": 5, "uz-Cyrl": 5, "tg": 6, "tk": 5, "tr": 5}
# Letters from which a country's name is matched in small letters, too: its adjective is written so, and headlines differ.
SMALL_LETTERS_MIN = 6
BACK_VOWELS = "аоуыұяюёaouıy"
VOWELS = BACK_VOWELS + "әөүіэеиэӯӣeäöüiýıoʻ"
VOICELESS = "пфктшсхцчқһҳpftksşçhqx"


def codes():
    names = babel.Locale("en").territories
    return sorted(code for code in names if re.fullmatch("[A-Z]{2}", code) and code not in NOT_ISO)


def russian(name):
    """The cases of a name in Russian; several words as stems, since their row says enough."""
    words = re.sub(r"\bо-ва?\b", "остров", name).replace("Св.", "Свят").split()
    if len(words) > 1:
        return [" ".join(russian_stem(word) for word in words)]
    return russian_cases(name)


def russian_cases(name):
    stem, last = name[:-1], name[-1].lower()
    if name.isupper() or last in "оеиуэю" or not last.isalpha():
        return [name]
    if name.endswith("ия"):
        return [stem + ending for ending in ("я", "и", "ю", "ей")]
    if last == "я":
        return [stem + ending for ending in ("я", "и", "е", "ю", "ей", "ёй")[:5]]
    if re.search("[аоуэ]а$", name):
        return [name]
    if last == "а":
        hushing = stem[-1].lower() in "гкхжчшщ"
        return [stem + ending for ending in ("а", "и" if hushing else "ы", "е", "у", "ей" if stem[-1] in "жчшщц" else "ой")]
    if last == "ы":
        return [name, *(stem + ending for ending in ("", "ам", "ами", "ах"))]
    if last == "й":
        return [stem + ending for ending in "йяюе"] + [stem + "ем"]
    if last == "ь":
        soft = name.endswith(("русь", "зань", "рахань"))
        return [stem + ending for ending in (("ь", "и", "ью") if soft else ("ь", "я", "ю", "ем", "е"))]
    return [name + ending for ending in ("", "а", "у", "ом", "е")]


def russian_stem(word):
    lower = word.lower()
    if len(word) <= 3 or lower in ("фасо", "верде", "республик"):
        return word
    for ending in ("ая", "яя", "ое", "ее", "ые", "ие", "ый", "ий", "ой"):
        if lower.endswith(ending) and len(word) >= 5:
            return word[:-2] + "*"
    if lower[-1] in "аяыиьй":
        return word[:-1] + "*"
    return word if lower[-1] in "оеуэю" else word + "*"


def is_back(name):
    vowels = [c for c in name.lower() if c in VOWELS]
    return not vowels or vowels[-1] in BACK_VOWELS


def turkic_endings(name, language):
    """Endings of cases, locatives with whatever follows; by the last sound, and in both harmonies for foreign names."""
    last = name[-1].lower()
    is_vowel, is_voiceless = last in VOWELS, last in VOICELESS
    t = "т" if is_voiceless else "д"
    if language == "kk":
        dative = ("қа", "ке") if is_voiceless else ("ға", "ге")
        genitive = ("ның", "нің") if is_vowel or last in "нм" else (t + "ың", t + "ің")
        accusative = ("ны", "ні") if is_vowel else (t + "ы", t + "і")
        ablative = ("нан", "нен") if last in "нмң" else (t + "ан", t + "ен")
        adjective = (t if not is_vowel and last not in "рйу" else "л")
        pairs = [(t + "а*", t + "е*"), dative, genitive, accusative, ablative, ("мен",) * 2 if is_vowel else ("мен", "бен"),
                 (adjective + "ық*", adjective + "ік*")]
    elif language == "ky":
        pairs = [(t + "а*", t + "е*", t + "о*", t + "ө*"), ("ка", "ке") if is_voiceless else ("га", "ге", "го"),
                 *([("нын", "нин", "нун")] if is_vowel else [(t + "ын", t + "ин", t + "ун")]),
                 *([("ны", "ни", "ну")] if is_vowel else [(t + "ы", t + "и", t + "у")]),
                 (t + "ан", t + "ен"), ("лык*", "лик*", "лук*") if is_vowel or last in "рй" else (t + "ык*", t + "ик*", t + "ук*")]
    elif language == "tk":
        pairs = [("da*", "de*"), ("nyň", "niň") if is_vowel else ("yň", "iň"), ("ny", "ni") if is_vowel else ("y", "i"),
                 ("dan", "den"), ("ly*", "li*"), () if is_vowel else ("a", "e")]
    elif language == "uz":
        pairs = [("da*", "ga", "ning", "ni", "dan", "lik*")]
    else:
        pairs = [("да*", "га", "нинг", "ни", "дан", "лик*")]
    return [ending for pair in pairs for ending in dict.fromkeys(pair)]


def changed_endings(name, language):
    """Names whose last letter changes before an ending: Türkmen «Türkiýe», «Türkiýä»; «Yrak», «Yragyň»."""
    if language == "tk" and name[-1] in "ei":
        return [name[:-1] + "ä*"]
    if language == "tk" and name[-1] in "kt":
        return [name[:-1] + {"k": "g", "t": "d"}[name[-1]] + "*"]
    return []


def with_endings(name, language, exact):
    """A name in one of the languages whose endings follow it."""
    if language == "tr":
        if len(name) >= STEM_LETTERS_MIN["tr"] and not exact:
            return [name + "*"]
        return [name, name + "l*", *(f"{name}'{letter}*" for letter in "dtnıiuüaeyl")]
    if language == "tg":
        if len(name) >= STEM_LETTERS_MIN["tg"] and not exact:
            return [stem_of(name) + "*"]
        ending = [] if name[-1] in "аеёиоуэюяӣӯ" else [name.lower() + "ӣ*"]
        return [name, name + "и", name + "ро", name + "у", name + "ву", name + "иён", *ending]
    if len(name) >= STEM_LETTERS_MIN[language] and not exact:
        stem = name[:-1] if language == "tk" and name[-1] == "e" and len(name) > 6 else name
        return [stem_of(stem) + "*", *(changed_endings(name, language) if stem == name else [])]
    forms = [name, *changed_endings(name, language)]
    for ending in turkic_endings(name, language):
        forms.append(name + ending)
        if ending.startswith(("л", "ly", "li", "lik")) or ending[1:].startswith(("ық", "ік", "ык", "ик", "ук")):
            forms.append(name.lower() + ending)
    return forms


def stem_of(name):
    is_small = len(name) >= SMALL_LETTERS_MIN and name.lower() not in CAPITAL and "-" not in name
    return name.lower() if is_small else name


def possessed(word):
    """The last word of a name such as «Сауд Арабиясы» without its ending, which changes in the cases."""
    for ending in ("сының", "сы", "сі", "си", "лары", "лері", "тары", "тері", "дары", "дері", "ары", "лар", "lari", "lary",
                   "leri", "asy", "si", "ӣ"):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word[: -len(ending)] + ending.rstrip("ыіиiy")
    return word


def forms_of(name, language, is_city=False):
    exact = name.lower() in EXACT.get(language, "").split()
    if language == "zh":  # each character is a word of a term, which has at most eight
        return [name if len(name) <= 8 else name.split("和")[0][:8]]
    if language == "fa":
        plain = name.replace("\u0654", "")
        adjective = {"ا": ["یی", "ی"], "ه": ["ای"], "ی": ["ایی"], "و": ["یی"]}.get(plain[-1], ["ی", "یها"])
        short = [] if " " in plain or len(plain) < 4 or is_city else [plain + ending for ending in adjective]
        return list(dict.fromkeys([name, plain, *short]))
    if language == "en":
        # A full stop ends a phrase, unless the term has it inside of a word.
        plain = name.replace(". ", ".")
        return [plain, name.replace("St. ", "St "), name.replace("St.", "Saint")] if "St." in name else [plain]
    if language == "ru":
        return russian(name)
    if language == "kk-Latn":
        return [name if exact else (name if is_city else stem_of(name)) + "*"]
    words = name.split()
    if len(words) == 1:
        forms = with_endings(name, language, exact)
        return [form[:1].upper() + form[1:] for form in forms] if is_city else forms
    phrase = " ".join([*words[:-1], possessed(words[-1]) + "*"])
    return [phrase if language == "tr" else phrase.lower()]


def cleaned(name):
    """Names from one of CLDR: without what stands in brackets; none for "A & B" and "A - B"."""
    name = re.sub(r"\(.*?\) ", "", name.replace("’", "'").replace("‘", "ʻ"))
    found = re.fullmatch(r"(.*?)\s*[(（](.*?)[)）]", name)
    names = [found[1]] if found else [name]
    if found and found[1].startswith(("刚果", "Виргин", "виргин", "Virgin")):
        return []  # without the brackets it is two countries
    return [name for name in names if not re.search(r"[&,،]| [-–—] |\b(?:САР|AAS|ААА|АӘА|ӨАИ|ÖİB)\b|特别行政区", name)]


def kazakh_latin(name):
    """Kazakh in Latin letters: as the state agency spells (ǵ, ý), by the alphabet of 2021 (ğ, u), as the web does (ğ, w)."""
    common = dict(zip("абвгдежзйклмнопрстфхыцъьһ", ["a", "b", "v", "g", "d", "e", "j", "z", "ı", "k", "l", "m", "n", "o", "p", "r",
                                                    "s", "t", "f", "h", "y", "ts", "", "", "h"]))
    common |= {"қ": "q", "ё": "ıo", "э": "e", "ю": "ıý", "я": "ıa"}
    older = common | {"ә": "á", "ғ": "ǵ", "и": "ı", "ң": "ń", "ө": "ó", "у": "ý", "ұ": "u", "ү": "ú", "і": "i", "ш": "sh", "ч": "ch",
                      "щ": "sh"}
    newer = common | {"ә": "ä", "ғ": "ğ", "и": "i", "й": "i", "ң": "ñ", "ө": "ö", "у": "u", "ұ": "ū", "ү": "ü", "і": "ı", "ш": "ş",
                      "ч": "ç", "щ": "ş", "ю": "iu", "я": "ia", "ё": "io"}
    web = newer | {"и": "ï", "й": "y", "у": "w", "ұ": "u", "ы": "ı", "і": "i", "х": "x", "ю": "yu", "я": "ya", "ё": "yo"}
    spell = lambda table: "".join(table.get(c, c) for c in name.lower())
    capital = lambda word: "-".join(part[:1].upper() + part[1:] for part in word.split("-"))
    return list(dict.fromkeys(" ".join(capital(word) for word in spell(table).split()) for table in (older, newer, web)))


def names():
    """(code, language) -> names of the country, and those of its cities that places.toml has in English, as (name, is_city)."""
    by_hand = tomllib.loads((RULES / "places.toml").read_text())
    cities = {place["code"]: place.get("terms", {}).get("en", []) for place in by_hand["place"]}
    found = defaultdict(list)
    for language, locale in LOCALES.items():
        locale = babel.Locale.parse(locale)
        english = babel.Locale("en")
        for code in codes():
            own = list(ALIASES.get(code, {}).get(language, []))
            if code in locale.territories:
                own += cleaned(locale.territories[code])
            own = [(name, False) for name in own]
            for zone in get_global("territory_zones").get(code, []):
                city = english.time_zones.get(zone, {}).get("city") or zone.split("/")[-1].replace("_", " ")
                if city in cities.get(code, []):
                    own += [(name, True) for name in cleaned(locale.time_zones.get(zone, {}).get("city") or "")]
            found[code, language] += [known for known in dict.fromkeys(own) if known[0]]
    for code in codes():
        latin = [(spelt, is_city) for name, is_city in found[code, "kk"] if len(name) >= 5 for spelt in kazakh_latin(name)]
        found[code, "kk-Latn"] = list(dict.fromkeys(latin))
    return found


def terms():
    """code -> key (terms, weak) -> language -> terms, without those that places.toml has."""
    by_hand = tomllib.loads((RULES / "places.toml").read_text())
    taken, stems = set(), defaultdict(tuple)
    for place in by_hand["place"]:
        for lists in (place.get("terms", {}), place.get("weak", {})):
            for language, own in lists.items():
                taken |= {written(term) for term in own}
                if lists is place.get("terms"):
                    own = tuple(written(term)[:-1] for term in own if written(term).endswith("*"))
                    stems[place["code"], language] += own
    latin = {place["code"]: list(kazakh_latin_terms(place)) for place in by_hand["place"]}
    table = defaultdict(lambda: defaultdict(dict))
    for (code, language), own in names().items():
        for key, are_weak in (("terms", False), ("weak", True)):
            forms = [
                form
                for name, is_city in own
                for form in forms_of(name, language, is_city)
                if form.lower() not in REFUSED.get(language, "").split()
                and (form.lower() in WEAK.get(language, "").split()) == are_weak
            ]
            if language == "kk-Latn" and not are_weak:
                forms += [form for form in latin.get(code, []) if form not in REFUSED[language].split()]
            forms = {(same(form), form[0].isupper()): form for form in reversed(forms)}.values()
            forms = [form for form in reversed(forms) if form not in taken and not is_covered(form, stems[code, language])]
            if forms:
                table[code][key][language] = forms
    return table


def is_covered(form, stems):
    """Whether a stem of places.toml matches all that the form does."""
    return any(form.startswith(stem) or (stem.islower() and form.lower().startswith(stem)) for stem in stems)


def same(term):
    """What two spellings of a term have in common that match the same."""
    return term.lower().replace("-", " ").replace("\u200c", "").replace("ӣ", "и").replace("ӯ", "ў")


def kazakh_latin_terms(place):
    """The terms that places.toml has for a country in Kazakh, in Latin letters: those of one word."""
    for term in map(written, place.get("terms", {}).get("kk", [])):
        word, star = term.rstrip("*"), "*" if term.endswith("*") else ""
        if len(word) >= 5 and word.isalpha():
            yield from ((spelt if word[0].isupper() else spelt.lower()) + star for spelt in kazakh_latin(word))


def written(term):
    return term if isinstance(term, str) else term["term"]


def quoted(text):
    return json.dumps(text, ensure_ascii=False)


def write(out):
    out.write(f"""# Countries of ISO 3166-1 by their names in CLDR {get_cldr_version()} and the forms these take in a text. Made by
# tests/train/countries.py: change that or places.toml, not this. The names are from the Unicode CLDR Project,
# Copyright © 1991-2026 Unicode, Inc., under the Unicode License v3 (https://www.unicode.org/license.txt).
#
# Read together with places.toml: a country in both is one, and a term that places.toml has, for whichever country, is
# not taken from here.
""")
    english = babel.Locale("en").territories
    for code, keys in sorted(terms().items()):
        out.write(f"\n# {english[code]}\n[[place]]\ncode = {quoted(code)}\n")
        for key in ("terms", "weak"):
            for number, (language, own) in enumerate(keys.get(key, {}).items()):
                if number == 0:
                    out.write(f"[place.{key}]\n")
                out.write(f"{language} = [{', '.join(map(quoted, own))}]\n")
        if "terms" not in keys:
            out.write("[place.terms]\n")


WORD = re.compile(r"[^\W\d_](?:[^\W\d_]|(?<=\w)['ʻʼ‘’](?=\w))*")


def fold(word):
    return re.sub("[ʻʼ‘’`]", "'", word.lower().replace("ё", "е"))


def check(paths, out):
    """For each generated term of one word: what it matches in the texts that the name itself is not."""
    cased = defaultdict(Counter)
    for path in paths:
        for line in open(path):
            row = json.loads(line)
            for word in WORD.findall(row["content_text"]):
                cased[fold(word)][(row.get("lang"), word[:1].isupper())] += 1
    vocabulary = sorted(cased)
    for code, keys in sorted(terms().items()):
        for key, languages in keys.items():
            for language, own in languages.items():
                for term in own:
                    stem = fold(term.rstrip("*"))
                    if " " in stem or "-" in stem:
                        continue
                    at, hits = bisect_left(vocabulary, stem), []
                    while at < len(vocabulary) and vocabulary[at].startswith(stem):
                        if term.endswith("*") or vocabulary[at] == stem:
                            for (where, capital), count in cased[vocabulary[at]].items():
                                if capital or term[0].islower():
                                    hits.append((count, vocabulary[at], where, "" if capital else "small"))
                                elif vocabulary[at] == stem:
                                    hits.append((count, vocabulary[at], where, "small"))
                        at += 1
                    if hits:
                        shown = ", ".join(f"{word}({where or '?'} {case}{count})" for count, word, where, case in sorted(hits, reverse=True)[:12])
                        out.write(f"{code} {language} {term}: {shown}\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", nargs="+", metavar="TEXTS")
    options = parser.parse_args()
    if options.check:
        check(options.check, sys.stdout)
    else:
        write(sys.stdout)
