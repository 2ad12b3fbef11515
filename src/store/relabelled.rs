//! The sketch of a text when the article gets a later record: new labels leave it at the record that brought the text,
//! another text removes it there.

use sled::transaction::TransactionalTree;

use super::transactions::InTransaction;
use super::{Happened, Settled, Sketched, StoreError, Tables};
use crate::model::Seq;

/// What a commit changes in the sketches of earlier commits: the row that stays, or none.
#[derive(Default)]
pub(super) struct OlderSketches(Vec<(Seq, Option<Vec<u8>>)>);

impl Tables {
    /// Where a relabel stands between a text and the next, the sketch is not at the record that `seen` names: the older
    /// versions lead to it.
    pub(super) fn older_sketches(&self, settled: &[Settled]) -> Result<OlderSketches, StoreError> {
        let mut older = OlderSketches::default();
        for one in settled {
            let Some((id, row)) = one.seen.iter().find(|(_, row)| one.record == Some(row.seq) && row.version > 1)
            else {
                continue;
            };
            let versions = self.versions_of(*id)?;
            for (_, seq) in versions.into_iter().filter(|(_, seq)| *seq != row.seq) {
                let Some(sketch) = self.sketches.get(seq.0.to_be_bytes())? else { continue };
                match &one.happened {
                    Happened::Outcome(_) => older.0.push((seq, None)),
                    Happened::Relabel(language) => {
                        let known = Sketched::decode(&sketch).filter(|known| known.language != *language);
                        older.0.extend(known.map(|known| (seq, Some(known.in_language(language).encode()))));
                    }
                }
            }
        }
        Ok(older)
    }
}

impl OlderSketches {
    /// Within the transaction of a commit.
    pub(super) fn write(&self, sketches: &TransactionalTree) -> InTransaction<()> {
        for (seq, row) in &self.0 {
            match row {
                Some(row) => sketches.insert(&seq.0.to_be_bytes(), row.as_slice())?,
                None => sketches.remove(&seq.0.to_be_bytes())?,
            };
        }
        Ok(())
    }
}
