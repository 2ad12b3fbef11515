#!/usr/bin/env python3
"""Makes src/extract/forest.bin, the table that tells an article's blocks from boilerplate.

    cargo run --release --example blocks -- PAGES/manifest.tsv > blocks.ndjson
    python3 tests/train/train.py blocks.ndjson PAGES/truth.json --cv
    python3 tests/train/train.py blocks.ndjson PAGES/truth.json --out src/extract/forest.bin

The manifest names a file, its address and its Content-Type a line, divided by tabs. The truth is the JSON of the
public article-extraction-benchmark: {"FILE": {"articleBody": TEXT}}; several pairs of blocks and truth may be given.
A block's label is the share of its 4-word shingles that the truth has, so that blocks may be cut in another way than
the truth's. `--cv` reports F1 on pages of sites that were not learned from, in five folds; `--out` learns from all.

Needs numpy and lightgbm (MIT licences): pip install numpy lightgbm
"""
import argparse
import json
import re
import statistics
import struct
from collections import Counter, defaultdict
from urllib.parse import urlsplit

import lightgbm
import numpy

WORD = re.compile(r"\w+")
TREES = 220
PARAMETERS = dict(
    objective="cross_entropy", learning_rate=0.06, num_leaves=24, min_data_in_leaf=40, feature_fraction=0.4,
    bagging_fraction=0.8, bagging_freq=1, lambda_l2=10, num_threads=2, seed=1, deterministic=True, verbose=-1,
)
# As in src/extract/body.rs.
PROBABILITY_MIN = 0.35
PROBABLE_WORDS_MIN = 40


def words(text):
    return [word.lower() for word in WORD.findall(text)]


def shingles(tokens, count=4):
    if len(tokens) < count:
        return Counter([tuple(tokens)] if tokens else [])
    return Counter(zip(*(tokens[start:] for start in range(count))))


def label(block, known):
    """The share of a block's shingles in the truth; short blocks are less sure to be meant."""
    count = min(len(block), 4)
    if count == 0:
        return 0.0
    found = shingles(block, count)
    share = sum(shingle in known[count] for shingle in found) / len(found)
    return share * {1: 0.5, 2: 0.5, 3: 0.8, 4: 1.0}[count]


class Page:
    def __init__(self, line, truth, site):
        self.site = site
        self.texts = line["texts"]
        self.rows = numpy.array(line["rows"], dtype=numpy.float32)
        self.truth = truth
        tokens = words(truth)
        known = {count: set(shingles(tokens, count)) for count in range(1, 5)}
        blocks = [words(text) for text in self.texts]
        self.labels = numpy.array([label(block, known) for block in blocks])
        self.sizes = numpy.array([max(1, len(block)) for block in blocks], dtype=float)

    def chosen(self, probabilities):
        """The blocks that src/extract/body.rs would take."""
        order = numpy.argsort(-probabilities)
        sizes, sure = self.sizes[order], probabilities[order]
        expected = 2 * numpy.cumsum(sure * sizes) / (numpy.cumsum(sizes) + (sure * sizes).sum() + 1e-9)
        least = sure[int(numpy.argmax(expected))]
        if sizes[sure >= PROBABILITY_MIN].sum() >= PROBABLE_WORDS_MIN:
            least = max(least, PROBABILITY_MIN)
        return "\n\n".join(text for text, found in zip(self.texts, probabilities) if found >= least)


def load(blocks, truth_file):
    with open(truth_file, encoding="utf-8") as file:
        truth = json.load(file)
    with open(blocks, encoding="utf-8") as file:
        for line in map(json.loads, file):
            if line["rows"] and line["file"] in truth:
                host = urlsplit(line["url"] or "").hostname or line["file"]
                yield Page(line, truth[line["file"]]["articleBody"], ".".join(host.split(".")[-2:]))


def fit(pages):
    rows = numpy.concatenate([page.rows for page in pages])
    labels = numpy.concatenate([page.labels for page in pages])
    weights = numpy.concatenate([page.sizes**0.5 for page in pages])
    return lightgbm.train(PARAMETERS, lightgbm.Dataset(rows, labels, weight=weights), TREES)


def measure(pages, texts):
    """Precision, recall and F1 over documents, as the benchmark defines them."""
    precisions, recalls = [], []
    for page, text in zip(pages, texts):
        truth, found = shingles(WORD.findall(page.truth)), shingles(WORD.findall(text))
        right = sum((truth & found).values())
        if found:
            precisions.append(right / sum(found.values()))
        if truth:
            recalls.append(right / sum(truth.values()))
    precision, recall = statistics.fmean(precisions), statistics.fmean(recalls)
    return precision, recall, 2 * precision * recall / (precision + recall)


def cross_validate(pages, folds=5):
    sites = defaultdict(list)
    for page in pages:
        sites[page.site].append(page)
    parts = [[] for _ in range(folds)]
    for site in sorted(sites, key=lambda site: (-len(sites[site]), site)):
        min(parts, key=len).extend(sites[site])
    tested, texts = [], []
    for fold, part in enumerate(parts):
        model = fit([page for other, part in enumerate(parts) if other != fold for page in part])
        for page in part:
            tested.append(page)
            texts.append(page.chosen(model.predict(page.rows)))
    print("%d pages of %d sites, held out: precision %.4f recall %.4f F1 %.4f"
          % ((len(pages), len(sites)) + measure(tested, texts)))


def write(model, width, path):
    """The format that src/extract/forest.rs reads."""
    trees = model.dump_model()["tree_info"]
    out = bytearray(b"chapar-forest/1\n") + struct.pack("<HH", width, len(trees))
    for tree in trees:
        nodes, leaves = [], []

        def visit(node):
            if "leaf_value" in node:
                leaves.append(node["leaf_value"])
                return -len(leaves)
            at = len(nodes)
            nodes.append(None)
            nodes[at] = (node["split_feature"], node["threshold"], visit(node["left_child"]), visit(node["right_child"]))
            return at

        visit(tree["tree_structure"])
        out += struct.pack("<H", len(leaves))
        for node in nodes:
            out += struct.pack("<Bfhh", *node)
        out += struct.pack("<%df" % len(leaves), *leaves)
    with open(path, "wb") as file:
        file.write(out)
    print("%s: %d trees, %d bytes" % (path, len(trees), len(out)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", metavar="BLOCKS TRUTH")
    parser.add_argument("--cv", action="store_true", help="report F1 on held-out sites")
    parser.add_argument("--out", metavar="FILE", help="learn from all pages and write the table")
    arguments = parser.parse_args()
    if len(arguments.files) % 2:
        parser.error("every file of blocks needs its truth")
    pairs = zip(arguments.files[::2], arguments.files[1::2])
    pages = [page for blocks, truth in pairs for page in load(blocks, truth)]
    if arguments.cv:
        cross_validate(pages)
    if arguments.out:
        write(fit(pages), pages[0].rows.shape[1], arguments.out)


if __name__ == "__main__":
    main()
