//! The table that tells text from boilerplate: boosted decision trees over what is measured of a block.
//!
//! `tests/train/train.py` makes `forest.bin` from labelled pages. A learned table stands here since it measured better
//! than every hand-written reader that it was held against, costs a walk down some hundred short trees a block, and is
//! a file of 67 KB without a library behind it.

use std::sync::LazyLock;

use super::features;

static FOREST: LazyLock<Forest> = LazyLock::new(|| Forest::read(include_bytes!("forest.bin")).unwrap_or_default());

/// What the file begins with.
const MAGIC: &[u8] = b"chapar-forest/1\n";

/// Boosted trees.
#[derive(Debug, Default)]
pub(super) struct Forest {
    trees: Vec<Tree>,
}

#[derive(Debug)]
struct Tree {
    nodes: Vec<Node>,
    leaves: Vec<f32>,
}

/// A question to one measure. A step that is negative leads to the leaf of that number, counted from -1.
#[derive(Clone, Copy, Debug)]
struct Node {
    threshold: f32,
    at_most: i16,
    above: i16,
    measure: u8,
}

/// How probably a block with these measures is of the article, from 0 to 1. NaN counts as above everything.
pub(super) fn probability(measures: &[f32]) -> f32 {
    let sum: f32 = FOREST.trees.iter().map(|tree| tree.value(measures)).sum();
    1.0 / (1.0 + (-sum).exp())
}

impl Tree {
    fn value(&self, measures: &[f32]) -> f32 {
        let mut step = if self.nodes.is_empty() { -1 } else { 0 };
        while let Ok(at) = usize::try_from(step) {
            let node = self.nodes[at];
            step = if measures[usize::from(node.measure)] <= node.threshold { node.at_most } else { node.above };
        }
        self.leaves[usize::from(step.unsigned_abs()) - 1]
    }
}

impl Forest {
    /// Reads a table; `None` when it is not whole or not of these measures. Steps lead on to later nodes only, so that every walk ends.
    fn read(bytes: &[u8]) -> Option<Self> {
        let mut bytes = Bytes(bytes.strip_prefix(MAGIC)?);
        let width = usize::from(u16::from_le_bytes(bytes.take()?));
        (width == features::WIDTH).then_some(())?;
        let count = u16::from_le_bytes(bytes.take()?);
        let mut trees = Vec::with_capacity(usize::from(count));
        for _ in 0..count {
            let leaves = usize::from(u16::from_le_bytes(bytes.take()?));
            let mut tree = Tree { nodes: Vec::with_capacity(leaves), leaves: Vec::with_capacity(leaves) };
            for at in 1..i16::try_from(leaves).ok()? {
                let [measure] = bytes.take()?;
                let threshold = f32::from_le_bytes(bytes.take()?);
                let [at_most, above] = [i16::from_le_bytes(bytes.take()?), i16::from_le_bytes(bytes.take()?)];
                let leads_on = |step: i16| {
                    step >= at && step < leaves as i16 - 1 || step < 0 && usize::from(step.unsigned_abs()) <= leaves
                };
                if usize::from(measure) >= width || !leads_on(at_most) || !leads_on(above) {
                    return None;
                }
                tree.nodes.push(Node { threshold, at_most, above, measure });
            }
            for _ in 0..leaves {
                tree.leaves.push(f32::from_le_bytes(bytes.take()?));
            }
            (leaves > 0).then_some(())?;
            trees.push(tree);
        }
        bytes.0.is_empty().then_some(Self { trees })
    }
}

struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_table_is_whole_and_fits_the_measures() {
        assert!(FOREST.trees.len() > 10);
    }

    #[test]
    fn tables_that_are_not_whole_are_refused() {
        let whole = include_bytes!("forest.bin");
        for end in [0, MAGIC.len(), MAGIC.len() + 4, whole.len() / 2, whole.len() - 1] {
            assert!(Forest::read(&whole[..end]).is_none(), "cut at {end}");
        }
        let mut circular = whole.to_vec();
        // The first node's first step: after the magic, width, count, leaves, measure and threshold.
        let step = MAGIC.len() + 4 + 2 + 1 + 4;
        circular[step..step + 2].copy_from_slice(&0i16.to_le_bytes());
        assert!(Forest::read(&circular).is_none());
    }

    #[test]
    fn walks_down_to_a_leaf() {
        let node = |measure, threshold, at_most, above| Node { measure, threshold, at_most, above };
        let tree = Tree { nodes: vec![node(1, 0.5, -1, 1), node(0, 2.0, -2, -3)], leaves: vec![1.0, 2.0, 3.0] };
        assert_eq!([[9.0, 0.5], [2.0, 0.6], [2.1, 0.6]].map(|measures| tree.value(&measures)), [1.0, 2.0, 3.0]);
    }
}
