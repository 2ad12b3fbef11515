//! What is taken from the documents that match: their numbers, or how many there are of which.

use std::collections::HashMap;

use tantivy::collector::{Collector, SegmentCollector};
use tantivy::columnar::{Column, StrColumn};
use tantivy::{DocId, Score, SegmentReader, TantivyError};

use crate::model::Seq;

/// Length of the spans of time that documents are counted by: the offset of every zone is a multiple of it.
pub const QUARTER_SECONDS: i64 = 15 * 60;

const QUARTER_NANOSECONDS: i64 = QUARTER_SECONDS * 1_000_000_000;

/// Quarters of an hour that are counted in a table: 57 years. A clock that is further off gets a map.
const QUARTERS_MAX: i64 = 2_000_000;

/// The numbers of all lines, each with its score or 0.
pub struct Seqs {
    pub with_score: bool,
}

pub struct SegmentSeqs {
    column: Column<u64>,
    seqs: Vec<(Score, Seq)>,
}

impl Collector for Seqs {
    type Fruit = Vec<(Score, Seq)>;
    type Child = SegmentSeqs;

    fn for_segment(&self, _: u32, segment: &SegmentReader) -> tantivy::Result<SegmentSeqs> {
        Ok(SegmentSeqs { column: segment.fast_fields().u64("seq")?, seqs: Vec::new() })
    }

    fn requires_scoring(&self) -> bool {
        self.with_score
    }

    fn merge_fruits(&self, fruits: Vec<Self::Fruit>) -> tantivy::Result<Self::Fruit> {
        Ok(fruits.concat())
    }
}

impl SegmentCollector for SegmentSeqs {
    type Fruit = Vec<(Score, Seq)>;

    fn collect(&mut self, doc: DocId, score: Score) {
        self.seqs.extend(self.column.first(doc).map(|seq| (score, Seq(seq))));
    }

    fn harvest(self) -> Self::Fruit {
        self.seqs
    }
}

/// How many lines have which name; under the empty one, those that have none.
pub struct Names {
    pub field: &'static str,
}

pub struct SegmentNames {
    column: Option<StrColumn>,
    counts: Vec<u64>,
    /// Lines without a name.
    none: u64,
}

impl Collector for Names {
    type Fruit = HashMap<String, u64>;
    type Child = SegmentNames;

    fn for_segment(&self, _: u32, segment: &SegmentReader) -> tantivy::Result<SegmentNames> {
        let column = segment.fast_fields().str(self.field)?;
        let counts = vec![0; column.as_ref().map_or(0, |column| column.num_terms())];
        Ok(SegmentNames { column, counts, none: 0 })
    }

    fn requires_scoring(&self) -> bool {
        false
    }

    fn merge_fruits(&self, fruits: Vec<std::io::Result<Self::Fruit>>) -> tantivy::Result<Self::Fruit> {
        let mut all = HashMap::new();
        for fruit in fruits {
            let counts = fruit.map_err(TantivyError::from)?;
            counts.into_iter().for_each(|(name, count)| *all.entry(name).or_default() += count);
        }
        Ok(all)
    }
}

impl SegmentCollector for SegmentNames {
    type Fruit = std::io::Result<HashMap<String, u64>>;

    fn collect(&mut self, doc: DocId, _: Score) {
        let mut names = self.column.iter().flat_map(|column| column.ords().values_for_doc(doc)).peekable();
        if names.peek().is_none() {
            self.none += 1;
        }
        for name in names {
            if let Some(count) = usize::try_from(name).ok().and_then(|name| self.counts.get_mut(name)) {
                *count += 1;
            }
        }
    }

    fn harvest(self) -> Self::Fruit {
        let mut names = HashMap::new();
        if self.none > 0 {
            names.insert(String::new(), self.none);
        }
        let Some(column) = &self.column else { return Ok(names) };
        for (number, count) in self.counts.into_iter().enumerate().filter(|(_, count)| *count > 0) {
            let mut name = String::new();
            column.ord_to_str(number as u64, &mut name)?;
            names.insert(name, count);
        }
        Ok(names)
    }
}

/// How many lines were recorded when.
pub struct Quarters;

pub struct SegmentQuarters {
    column: Column<i64>,
    first: i64,
    table: Vec<u64>,
    map: HashMap<i64, u64>,
}

impl Collector for Quarters {
    type Fruit = HashMap<i64, u64>;
    type Child = SegmentQuarters;

    fn for_segment(&self, _: u32, segment: &SegmentReader) -> tantivy::Result<SegmentQuarters> {
        let column = segment.fast_fields().i64("recorded_at")?;
        let first = column.min_value().div_euclid(QUARTER_NANOSECONDS);
        let last = column.max_value().div_euclid(QUARTER_NANOSECONDS);
        let quarters = last.saturating_sub(first).clamp(0, QUARTERS_MAX) + 1;
        let table = vec![0; usize::try_from(quarters).unwrap_or_default()];
        Ok(SegmentQuarters { column, first, table, map: HashMap::new() })
    }

    fn requires_scoring(&self) -> bool {
        false
    }

    fn merge_fruits(&self, fruits: Vec<Self::Fruit>) -> tantivy::Result<Self::Fruit> {
        let mut all = HashMap::new();
        fruits.into_iter().flatten().for_each(|(quarter, count)| *all.entry(quarter).or_default() += count);
        Ok(all)
    }
}

impl SegmentCollector for SegmentQuarters {
    type Fruit = HashMap<i64, u64>;

    fn collect(&mut self, doc: DocId, _: Score) {
        let Some(at) = self.column.first(doc) else { return };
        let quarter = at.div_euclid(QUARTER_NANOSECONDS);
        match usize::try_from(quarter.saturating_sub(self.first)).ok().and_then(|place| self.table.get_mut(place)) {
            Some(count) => *count += 1,
            None => *self.map.entry(quarter).or_default() += 1,
        }
    }

    fn harvest(mut self) -> Self::Fruit {
        let first = self.first;
        let counted = self.table.into_iter().enumerate().filter(|(_, count)| *count > 0);
        self.map.extend(counted.map(|(place, count)| (first + place as i64, count)));
        self.map
    }
}
