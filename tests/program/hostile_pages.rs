//! Pages that are made to be slow or large: none aborts the program, memory stays in proportion, and the text is found.

pub mod kinds;

use std::process::Command;

use chapar::text::guard::{DEPTH_MAX, PAGE_BYTES_MAX, TAGS_MAX, guard};
use scraper::{Html, Node};
use serde_json::Value;

use crate::dir::json_lines;
use kinds::{Holds, KINDS, Kind, PARAGRAPHS};

/// Memory that reading a page may take, in bytes a byte of it, and what the program takes without one in the dev
/// build: its rules, tables and threads.
const MEMORY_RATIO_MAX: usize = 20;
const MEMORY_BASE: usize = 64 << 20;
/// Memory of a tree at its tags' limit; a page of a few bytes a tag needs it at any ratio.
const TREE_BYTES_MAX: usize = 40 << 20;

/// What the program says of a page, when it may not have more memory than that; else what it dies of.
fn extracted(page: &[u8], memory_max: usize) -> Result<Value, String> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("page.html"), page).unwrap();
    // RLIMIT_DATA counts what is allocated, not what is mapped of files.
    let script = format!("ulimit -d {}; exec \"$0\" extract page.html", memory_max >> 10);
    let output = Command::new("sh")
        .args(["-c", &script, env!("CARGO_BIN_EXE_chapar")])
        .current_dir(folder.path())
        .output()
        .unwrap();
    match output.status.success() {
        true => Ok(json_lines(&output.stdout).remove(0)),
        false => {
            let said: String = String::from_utf8_lossy(&output.stderr).chars().take(200).collect();
            Err(format!("{}, {said}", output.status))
        }
    }
}

fn holds_article(text: &str) -> bool {
    PARAGRAPHS.iter().all(|paragraph| text.contains(paragraph))
}

/// What is wrong with what was read of a page.
fn fault(holds: Holds, page_bytes: usize, read: &Value) -> Option<String> {
    let text = read["content_text"].as_str().unwrap_or_default();
    let is_right = match holds {
        Holds::Article => holds_article(text) && read.get("rejected").is_none(),
        Holds::Nothing => read["rejected"].is_string(),
        Holds::Buried | Holds::Noise => true,
    };
    let read_bytes = read.to_string().len();
    let begin: String = text.chars().take(80).collect();
    (!is_right || read_bytes > 2 * page_bytes + (1 << 10))
        .then(|| format!("{begin:?}, {} of {read_bytes} bytes are text, {}", text.len(), read["rejected"]))
}

fn fault_of_kind(kind: &Kind) -> Option<String> {
    let page = (kind.page)();
    let memory_max = MEMORY_BASE + TREE_BYTES_MAX.max(MEMORY_RATIO_MAX * page.len());
    let fault = match extracted(&page, memory_max) {
        Ok(read) => fault(kind.holds, page.len(), &read)?,
        Err(death) => death,
    };
    Some(format!("{}: {fault}", kind.name))
}

#[test]
fn every_hostile_page_is_read_within_its_memory_and_its_text_found() {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(4);
    let faults_from = |first: usize| KINDS.iter().skip(first).step_by(threads).filter_map(fault_of_kind);
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let started: Vec<_> =
            (0..threads).map(|first| scope.spawn(move || faults_from(first).collect::<Vec<_>>())).collect();
        started.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), KINDS.len(), wrong.join("\n"));
}

#[test]
fn trees_of_hostile_pages_are_small_and_hold_the_article() {
    for Kind { name, holds, page } in KINDS {
        let page = page();
        let page = String::from_utf8_lossy(&page);
        let guarded = guard(&page);
        assert!(guarded.html.len() <= page.len().min(PAGE_BYTES_MAX) * 2, "{name}: {} bytes", guarded.html.len());
        let tree = Html::parse_document(&guarded.html);
        let (mut count, mut depth, mut text) = (0, 0, String::new());
        for node in tree.tree.nodes() {
            match node.value() {
                Node::Element(_) => {
                    count += 1;
                    depth = depth.max(node.ancestors().count());
                }
                Node::Text(piece) => text.push_str(piece),
                _ => {}
            }
        }
        assert!(count <= 2 * TAGS_MAX && depth <= 2 * DEPTH_MAX, "{name}: {count} elements, {depth} deep");
        if matches!(holds, Holds::Article | Holds::Buried) && *name != "the article in UTF-16" {
            assert!(holds_article(&text), "{name}: {} bytes of text", text.len());
        }
    }
}
