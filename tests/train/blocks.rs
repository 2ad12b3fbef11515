//! Writes what is measured of every block of the given pages, for `train.py`: one JSON line a page.

use std::io::Write;

use chapar::extract::{Hints, measured};
use chapar::model::{ContentFrom, Page};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let manifest = std::env::args().nth(1).ok_or("usage: blocks MANIFEST.tsv (file, address, content type a line)")?;
    let folder = std::path::Path::new(&manifest).parent().ok_or("the manifest has no folder")?;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for line in std::fs::read_to_string(&manifest)?.lines() {
        let mut columns = line.split('\t');
        let file = columns.next().unwrap_or_default();
        let url = columns.next().and_then(|url| url.parse().ok());
        let page = Page {
            final_url: url.clone(),
            url,
            status: 200,
            content_type: columns.next().map(str::to_owned),
            bytes: std::fs::read(folder.join(file))?,
            fetched_at: None,
        };
        let zone = jiff::tz::TimeZone::UTC;
        let hints = Hints { announced: None, zone: &zone, rule: None, content: ContentFrom::Page, template: None };
        let (texts, rows): (Vec<String>, Vec<Vec<f32>>) = measured(&page, &hints).into_iter().unzip();
        serde_json::to_writer(
            &mut out,
            &serde_json::json!({"file": file, "url": page.url, "texts": texts, "rows": rows}),
        )?;
        out.write_all(b"\n")?;
    }
    Ok(())
}
