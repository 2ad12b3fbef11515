#!/usr/bin/env python3
"""Makes src/classify/languages.bin, the table of character n-grams that tells languages apart.

    python3 tests/train/languages.py language_sib.ndjson --cv
    python3 tests/train/languages.py language_sib.ndjson --out src/classify/languages.bin
    python3 tests/train/languages.py language_sib.ndjson --without 3 --out fold3.bin

The input has a line {"id", "tag", "content_text"} for every sentence. The sentences are those of SIB-200 (Adelani et
al. 2024, https://github.com/dadelani/sib-200), which is built on FLORES-200 (NLLB Team 2022); both are CC BY-SA 4.0. The
table holds statistics of them, none of their text. Tags ending in * are transliterations of a row of the same id.

A language is a model of the next letter of a word by up to three letters before it: counts with absolute discounting,
each order mixed with the next lower one. All languages of a script share one table: a row for each n-gram with the
cost, -ln P, in each language. The n-grams are those that tell most languages apart most often. Two kinds of column are
not languages as the rows write them: languages typed without their own letters or in another spelling, which have a
handicap, and last the average of all languages, which fits a language that is not in the table nearly as well as the
best column does.

Sentences of one number say the same in all languages, so a fold holds a number out of all of them. `--cv` reports, by
tag, how many held-out sentences and starts of six words are named right; `--without` leaves one fold (0 to 4) out,
to measure the program itself.

Needs numpy: pip install numpy
"""
import argparse
import json
import struct
from collections import Counter, defaultdict

import numpy

MAGIC = b"chapar-languages/1\n"
FOLDS = 5
ORDER_MAX = 4
# Taken from each count, for what was never seen.
DISCOUNT = 0.7
# Probability of a letter that a language does not use.
LETTER_MIN = 1e-5
# A letter has a symbol of its own when one of the languages has it so often; the others share one.
LETTER_COUNT_MIN = 3
# An n-gram is a candidate when the languages' shares of it add up to this.
SHARE_MIN = 2.5 / 90_000
ROWS = {"latin": 10_000, "cyrillic": 10_000, "arabic": 5_000}
# Steps of a cost, and of a language's usual cost, in nats.
COST_STEP, USUAL_STEP = 1 / 16, 1 / 64
# In nats: languages that are rare in the region, and languages typed without their own letters, must be clearly better.
NEIGHBOUR_HANDICAP, BARE_HANDICAP = 1.5, 6.0

# As in src/classify/language.rs.
WORD_LETTERS_MAX = 40
WORD_COST_SPAN = 16.0
CAPITAL_WEIGHT = 0.5

BOUNDARY, OTHER = "_", "?"
APOSTROPHES = "'ʻʼ‘’`′"
SKIPPED = {"\u00ad", "\u0640", "\u0670"} | {chr(c) for c in [*range(0x300, 0x370), *range(0x64B, 0x656)]}
ARABIC_FORMS = {"ي": "ی", "ى": "ی", "ك": "ک"}

OURS = {"en", "ru", "kk", "kk-Latn", "ky", "tg", "tk", "uz-Latn", "uz-Cyrl", "tr", "fa"}
# Kazakh in Karakalpak spelling stands for Karakalpak, its nearest relative, of which there are no rows.
KARAKALPAK = {"ä": "á", "ğ": "ǵ", "ñ": "ń", "ö": "ó", "ü": "ú", "ş": "sh", "ç": "ch", "ï": "i", "c": "ts"}
# (BCP 47 tag, tag of the rows, letters that are typed otherwise)
COLUMNS = {
    "latin": [
        ("en", "eng_Latn", None), ("tr", "tur_Latn", None), ("az", "azj_Latn", None), ("crh", "crh_Latn", None),
        ("uz-Latn", "uzn_Latn", None), ("tk", "tuk_Latn", None), ("kk-Latn", "kaz_Latn2021*", None),
        ("kk-Latn", "kaz_Latn2018*", None), ("kk-Latn", "kaz_Latnqaz*", None), ("de", "deu_Latn", None),
        ("fr", "fra_Latn", None), ("tr", "tur_Latn", ("ışçğöüâî", "iscgouai")),
        ("tk", "tuk_Latn", ("ýşçäöüňž", "yscaounz")), ("uz-Latn", "uzn_Latn", {"'": ""}),
        ("kaa", "kaz_Latnqaz*", KARAKALPAK),
    ],
    "cyrillic": [
        ("ru", "rus_Cyrl", None), ("kk", "kaz_Cyrl", None), ("ky", "kir_Cyrl", None), ("tg", "tgk_Cyrl", None),
        ("uz-Cyrl", "uzn_Cyrl*", None), ("tt", "tat_Cyrl", None), ("ba", "bak_Cyrl", None), ("uk", "ukr_Cyrl", None),
        ("be", "bel_Cyrl", None), ("bg", "bul_Cyrl", None), ("mn", "khk_Cyrl", None), ("sr", "srp_Cyrl", None),
        ("kk", "kaz_Cyrl", ("әіңғүұқөһ", "аингуукох")), ("ky", "kir_Cyrl", ("ңөү", "ноу")),
        ("tg", "tgk_Cyrl", ("ғӣқӯҳҷ", "гикухч")), ("uz-Cyrl", "uzn_Cyrl*", ("ўқғҳ", "укгх")),
        ("kaa", "kaz_Cyrl", ("іұһу", "иуҳў")),
    ],
    "arabic": [
        ("fa", "pes_Arab", None), ("fa", "prs_Arab", None), ("ug", "uig_Arab", None), ("ps", "pbt_Arab", None),
        ("ar", "arb_Arab", None), ("ur", "urd_Arab", None),
    ],
}
SCRIPTS = list(COLUMNS)


def script_of(letter):
    code = ord(letter)
    if "a" <= letter <= "z" or 0xC0 <= code <= 0x24F and code not in (0xD7, 0xF7) or letter == "ə" or 0x1E00 <= code <= 0x1EFF:
        return "latin"
    if 0x400 <= code <= 0x481 or 0x48A <= code <= 0x52F:
        return "cyrillic"
    if 0x620 <= code <= 0x65F or 0x66E <= code <= 0x6D3 or code in (0x6D5, 0x6EE, 0x6EF, 0x6FA, 0x6FB, 0x6FC) or 0x750 <= code <= 0x77F:
        return "arabic"
    return None


def is_address(token):
    """Web and mail addresses; the language of their words is not that of the text."""
    inner_dot = any(a.isalnum() and b == "." and c.isalnum() for a, b, c in zip(token, token[1:], token[2:]))
    return "://" in token or "@" in token or token.isascii() and inner_dot


def words(text, script):
    """The words in a script, in lower case, each with whether it begins with a capital."""
    is_dotless = "ı" in text or "İ" in text
    found = []
    for token in text.split():
        if is_address(token):
            continue
        word, capital = "", False
        for at, letter in enumerate(token + " "):
            lower = {"İ": "i", "I": "ı" if is_dotless else "i"}.get(letter, letter.lower()[:1])
            lower = ARABIC_FORMS.get(lower, lower)
            if letter in SKIPPED:
                continue
            if letter in APOSTROPHES and script == "latin" and word:
                # Inside of a word, and behind the letters that make Uzbek ones with it.
                if word[-1] in "og" or script_of(token[at + 1 : at + 2].lower()[:1] or " ") == "latin":
                    word += "'"
                    continue
            if script_of(lower) == script:
                capital = capital if word else letter != lower
                word += lower
            elif word:
                found.append((word, capital))
                word = ""
    return [(word, capital) for word, capital in found if len(word) <= WORD_LETTERS_MAX]


def retyped(found, letters):
    if letters is None:
        return [word for word, _ in found]
    table = str.maketrans(letters) if isinstance(letters, dict) else str.maketrans(*letters)
    return [word.translate(table) for word, _ in found]


class Sentence:
    def __init__(self, row, script):
        self.tag = row["tag"]
        number = int(row["id"].split("/")[-1].split("+")[0])
        self.fold = number * 7919 % 10007 % FOLDS
        self.words = words(row["content_text"], script)
        self.start = words(" ".join(row["content_text"].split()[:6]), script)


class Table:
    """The rows of one script."""

    def __init__(self, script, sentences):
        columns = COLUMNS[script]
        texts = [[word for s in sentences if s.tag == tag for word in retyped(s.words, letters)] for _, tag, letters in columns]
        letters = [Counter("".join(text)) for text in texts]
        common = {letter for counts in letters for letter, count in counts.items() if count >= LETTER_COUNT_MIN}
        self.symbols = [BOUNDARY, OTHER] + sorted(common)
        self.known = common
        counts = [self.counted(text) for text in texts]
        totals = [sum(count[1].values()) for count in counts]
        average = [Counter() for _ in range(ORDER_MAX + 1)]
        for (_, _, typed), count, total in zip(columns, counts, totals):
            if typed is None:
                for order in range(1, ORDER_MAX + 1):
                    for gram, times in count[order].items():
                        average[order][gram] += times / total * 100_000
        probable = self.smoothed(counts + [average])
        rows = self.chosen(probable, counts, totals, ROWS[script])
        self.row_of = {gram: number for number, gram in enumerate(rows)}
        cost = -numpy.log(numpy.array([probable[gram] for gram in rows])) / COST_STEP
        self.costs = numpy.minimum(numpy.round(cost), 255).astype(numpy.uint8)

    def spelled(self, word):
        return BOUNDARY + "".join(letter if letter in self.known else OTHER for letter in word) + BOUNDARY

    def counted(self, text):
        counts = [Counter() for _ in range(ORDER_MAX + 1)]
        for word, times in Counter(text).items():
            spelled = self.spelled(word)
            for end in range(2, len(spelled) + 1):
                for order in range(1, min(ORDER_MAX, end) + 1):
                    counts[order][spelled[end - order : end]] += times
        return counts

    def smoothed(self, counts):
        """P(last symbol | those before it) of every n-gram, a number for each column."""
        probable = {}
        for order in range(1, ORDER_MAX + 1):
            grams = self.symbols if order == 1 else sorted(set().union(*(count[order] for count in counts)))
            rows = numpy.zeros((len(grams), len(counts)))
            for column, count in enumerate(counts):
                seen, kinds = Counter(), Counter()
                for gram, times in count[order].items():
                    seen[gram[:-1]] += times
                    kinds[gram[:-1]] += 1
                times = numpy.array([count[order][gram] for gram in grams], float)
                before = numpy.array([seen[gram[:-1]] for gram in grams], float)
                spread = numpy.array([kinds[gram[:-1]] for gram in grams], float)
                lower = 1 / len(grams) if order == 1 else numpy.array([probable[gram[1:]][column] for gram in grams])
                some = numpy.maximum(before, 1e-9)
                left = DISCOUNT * numpy.minimum(spread, before / DISCOUNT)
                mixed = numpy.maximum(times - DISCOUNT, 0) / some + left / some * lower
                rows[:, column] = numpy.maximum(mixed, LETTER_MIN) if order == 1 else numpy.where(before > 0, mixed, lower)
            probable.update(zip(grams, rows))
        return probable

    def chosen(self, probable, counts, totals, limit):
        """All symbols, and the n-grams that move the languages' costs apart most, times how often they come."""
        languages = len(counts)
        ranked = []
        for order in range(2, ORDER_MAX + 1):
            for gram in set().union(*(count[order] for count in counts)):
                share = numpy.array([count[order][gram] / total for count, total in zip(counts, totals)])
                if share.sum() >= SHARE_MIN:
                    gain = numpy.log(probable[gram][:languages] / probable[gram[1:]][:languages])
                    apart = numpy.abs(gain - numpy.median(gain)) + 0.3 * numpy.abs(gain)
                    ranked.append((-(share * apart).sum(), gram))
        ranked.sort()
        return self.symbols + [gram for _, gram in ranked[:limit]]

    def word_costs(self, found):
        """Cost in nats of each word, by column."""
        rows, starts = [], []
        for word in found:
            spelled = self.spelled(word)
            starts.append(len(rows))
            for end in range(2, len(spelled) + 1):
                grams = (spelled[start:end] for start in range(max(0, end - ORDER_MAX), end))
                rows.append(next(self.row_of[gram] for gram in grams if gram in self.row_of))
        return numpy.add.reduceat(self.costs[rows].astype(int), starts, axis=0) * COST_STEP

    def usual_costs(self, script, sentences):
        """Cost per symbol of texts in a column's own language."""
        usual = []
        for column, (_, tag, letters) in enumerate(COLUMNS[script]):
            text = [word for s in sentences if s.tag == tag for word in retyped(s.words, letters)]
            usual.append(self.word_costs(text)[:, column].sum() / sum(len(word) + 1 for word in text))
        return usual


def handicap(tag, letters):
    return BARE_HANDICAP if letters else 0.0 if tag in OURS else NEIGHBOUR_HANDICAP


def named(table, script, found):
    if not found:
        return "und"
    columns = COLUMNS[script]
    costs = table.word_costs([word for word, _ in found])[:, : len(columns)]
    costs = numpy.minimum(costs, costs.min(axis=1, keepdims=True) + WORD_COST_SPAN)
    weights = numpy.array([CAPITAL_WEIGHT if capital and at else 1.0 for at, (_, capital) in enumerate(found)])
    total = weights @ costs + [handicap(tag, letters) for tag, _, letters in columns]
    return columns[int(total.argmin())][0]


def cross_validate(sentences):
    tags = {tag: name for columns in COLUMNS.values() for name, tag, typed in columns if typed is None}
    right = defaultdict(lambda: [[], []])
    for script in SCRIPTS:
        for fold in range(FOLDS):
            table = Table(script, [s for s in sentences[script] if s.fold != fold])
            for sentence in sentences[script]:
                if sentence.fold == fold:
                    for which, found in enumerate([sentence.words, sentence.start]):
                        right[sentence.tag][which].append(named(table, script, found) == tags[sentence.tag])
    print("tag\tn\tsentences\tsix words (held out, %)")
    for tag, (whole, start) in right.items():
        print("%s\t%d\t%.2f\t%.2f" % (tag, len(whole), 100 * numpy.mean(whole), 100 * numpy.mean(start)))


def write(sentences, path):
    """The format that src/classify/language/table.rs reads; numbers are little-endian.

    magic, scripts u8; by script: number in SCRIPTS u8, columns u8, by column: length u8 and bytes of its tag, handicap u8
    (COST_STEP), usual cost u8 (USUAL_STEP); the average of all is the last column, with an empty tag; letters u8, each
    as u16; rows u32, each four symbols, the last one last and 0 for none before (1 BOUNDARY, 2 OTHER, 3 the first
    letter), and a cost u8 by column. Rows go up by their symbols.
    """
    out = bytearray(MAGIC) + bytes([len(SCRIPTS)])
    for number, script in enumerate(SCRIPTS):
        # Texts that were counted cost less than others: the usual cost is that of a fold left out for it.
        folds = sorted({s.fold for s in sentences[script]})
        counted = Table(script, [s for s in sentences[script] if s.fold != folds[-1]])
        usual = counted.usual_costs(script, [s for s in sentences[script] if s.fold == folds[-1]])
        table = Table(script, sentences[script])
        out += bytes([number, len(COLUMNS[script]) + 1])
        for (tag, _, letters), cost in zip(COLUMNS[script], usual):
            out += bytes([len(tag)]) + tag.encode()
            out += bytes([round(handicap(tag, letters) / COST_STEP), round(cost / USUAL_STEP)])
        out += bytes([0, 0, 0])
        letters = table.symbols[2:]
        out += bytes([len(letters)]) + b"".join(struct.pack("<H", ord(letter)) for letter in letters)
        symbol = {letter: number for number, letter in enumerate(table.symbols, 1)}
        rows = sorted((bytes(symbol[letter] for letter in gram).rjust(ORDER_MAX, b"\0"), row) for gram, row in table.row_of.items())
        out += struct.pack("<I", len(rows))
        for gram, row in rows:
            out += gram + table.costs[row].tobytes()
    with open(path, "wb") as file:
        file.write(out)
    print("%s: %d bytes" % (path, len(out)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sentences", help="language_sib.ndjson")
    parser.add_argument("--cv", action="store_true", help="report held-out accuracy")
    parser.add_argument("--without", type=int, metavar="FOLD", help="leave a fold out of the table")
    parser.add_argument("--out", metavar="FILE", help="write the table")
    arguments = parser.parse_args()
    scripts = {tag: script for script, columns in COLUMNS.items() for _, tag, _ in columns}
    sentences = defaultdict(list)
    with open(arguments.sentences, encoding="utf-8") as file:
        for row in map(json.loads, file):
            if row["tag"] in scripts:
                script = scripts[row["tag"]]
                sentences[script].append(Sentence(row, script))
    if arguments.cv:
        cross_validate(sentences)
    if arguments.out:
        kept = {script: [s for s in those if s.fold != arguments.without] for script, those in sentences.items()}
        write(kept, arguments.out)


if __name__ == "__main__":
    main()
