//! The disks that a power cut could have left, built from the journal of the calls that made them (`tests/power/shim.c`).
//!
//! Of a file stays what was there at its last sync, and any of its later changes, some of them torn; of a folder the names
//! that it had at its last sync, and any of the later changes of names. Nothing else is promised by POSIX.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use super::super::world::Random;

/// What a disk writes whole.
const SECTOR_BYTES: usize = 512;

/// One call of the journal.
pub struct Call {
    kind: u8,
    inode: u64,
    number: u64,
    first: Vec<u8>,
    second: Vec<u8>,
}

/// Reads a journal; a last record that is cut is left out.
pub fn read_journal(path: &Path) -> Vec<Call> {
    let bytes = std::fs::read(path).unwrap();
    let mut calls = Vec::new();
    let mut rest = bytes.as_slice();
    while let Some(line) = rest.iter().position(|byte| *byte == b'\n') {
        let head = std::str::from_utf8(&rest[..line]).unwrap();
        let mut words = head.split(' ');
        let kind = words.next().unwrap().as_bytes()[0];
        let mut number = || words.next().unwrap().parse::<u64>().unwrap();
        let (inode, place, first, second) = (number(), number(), number() as usize, number() as usize);
        rest = &rest[line + 1..];
        if rest.len() < first + second {
            break;
        }
        let (first, second) = (rest[..first].to_vec(), rest[first..first + second].to_vec());
        rest = &rest[first.len() + second.len()..];
        calls.push(Call { kind, inode, number: place, first, second });
    }
    calls
}

type Node = usize;

/// The folder below which everything is journaled.
const ROOT: Node = 0;

#[derive(Clone)]
enum Change {
    Write(usize, Vec<u8>),
    Truncate(usize),
}

/// A file, or a folder where it is one.
#[derive(Clone, Default)]
struct Contents {
    is_folder: bool,
    synced: Vec<u8>,
    later: Vec<Change>,
}

/// A change of names, which happens whole or not at all.
#[derive(Clone, Default)]
struct Renaming {
    removed: Option<(Node, String)>,
    added: Option<(Node, String, Node)>,
    is_durable: bool,
}

/// What a power cut meets.
pub struct Disk {
    nodes: Vec<Contents>,
    names: HashMap<(Node, String), Node>,
    renamings: Vec<Renaming>,
    inodes: HashMap<u64, Node>,
    root: String,
    /// What was written to stdout.
    pub stdout: Vec<u8>,
    /// What the test noted between the calls.
    pub marks: Vec<Vec<u8>>,
}

impl Disk {
    /// The disk after the first calls of a journal, with what of them is durable.
    pub fn after(calls: &[Call], root: &Path) -> Self {
        let mut disk = Self {
            nodes: vec![Contents { is_folder: true, ..Contents::default() }],
            names: HashMap::new(),
            renamings: Vec::new(),
            inodes: HashMap::new(),
            root: root.to_str().unwrap().to_owned(),
            stdout: Vec::new(),
            marks: Vec::new(),
        };
        calls.iter().for_each(|call| disk.note(call));
        disk
    }

    fn note(&mut self, call: &Call) {
        let path = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        match call.kind {
            b'S' => self.stdout.extend_from_slice(&call.first),
            b'M' => self.marks.push(call.first.clone()),
            b'C' => {
                let node = self.new_node(false);
                self.inodes.insert(call.inode, node);
                self.add(&path(&call.first), node, None);
            }
            b'D' => {
                let node = self.new_node(true);
                self.add(&path(&call.first), node, None);
            }
            b'W' => self.change(call.inode, Change::Write(call.number as usize, call.first.clone())),
            b'T' => self.change(call.inode, Change::Truncate(call.number as usize)),
            b'U' => {
                if let Some(place) = self.place(&path(&call.first)) {
                    self.names.remove(&place);
                    self.renamings.push(Renaming { removed: Some(place), ..Renaming::default() });
                }
            }
            b'R' => {
                let from = self.place(&path(&call.first));
                if let Some((from, node)) = from.and_then(|from| Some((from.clone(), self.names.remove(&from)?))) {
                    self.add(&path(&call.second), node, Some(from));
                }
            }
            b'L' => {
                let node = self.place(&path(&call.first)).and_then(|from| self.names.get(&from).copied());
                if let Some(node) = node {
                    self.add(&path(&call.second), node, None);
                }
            }
            b'F' => self.sync(call.inode, &path(&call.first)),
            other => panic!("no such call: {other}"),
        }
    }

    fn new_node(&mut self, is_folder: bool) -> Node {
        self.nodes.push(Contents { is_folder, ..Contents::default() });
        self.nodes.len() - 1
    }

    /// Folder and name of a path as it is now.
    fn place(&self, path: &str) -> Option<(Node, String)> {
        let below = path.strip_prefix(&self.root)?.trim_start_matches('/');
        let (folders, name) = below.rsplit_once('/').unwrap_or(("", below));
        let folders = folders.split('/').filter(|name| !name.is_empty());
        let folder =
            folders.into_iter().try_fold(ROOT, |folder, name| self.names.get(&(folder, name.to_owned())).copied())?;
        Some((folder, name.to_owned()))
    }

    fn add(&mut self, path: &str, node: Node, removed: Option<(Node, String)>) {
        let Some((folder, name)) = self.place(path) else { return };
        self.names.insert((folder, name.clone()), node);
        self.renamings.push(Renaming { removed, added: Some((folder, name, node)), is_durable: false });
    }

    fn change(&mut self, inode: u64, change: Change) {
        if let Some(node) = self.inodes.get(&inode) {
            self.nodes[*node].later.push(change);
        }
    }

    fn sync(&mut self, inode: u64, path: &str) {
        let found =
            if path == self.root { Some(ROOT) } else { self.place(path).and_then(|at| self.names.get(&at).copied()) };
        if let Some(folder) = found.filter(|node| self.nodes[*node].is_folder) {
            for renaming in &mut self.renamings {
                let touched = renaming.added.as_ref().map(|(folder, ..)| folder);
                renaming.is_durable |= touched.or(renaming.removed.as_ref().map(|(folder, _)| folder)) == Some(&folder);
            }
        } else if let Some(node) = self.inodes.get(&inode) {
            let file = &mut self.nodes[*node];
            let later = std::mem::take(&mut file.later);
            later.into_iter().for_each(|change| apply(&mut file.synced, change));
        }
    }

    /// What is durable of the files whose path begins so, by path.
    pub fn synced_below(&self, folder: &str) -> Vec<Vec<u8>> {
        let Some(folder) = self.names.get(&(ROOT, folder.to_owned())) else { return Vec::new() };
        let inside = self.names.iter().filter(|((above, _), _)| above == folder);
        inside.map(|(_, node)| self.nodes[*node].synced.clone()).collect()
    }

    /// Writes one of the disks that may be left when the power is cut now.
    pub fn cut(mut self, random: &mut Random, target: &Path) {
        let style = Style::any(random);
        let mut names: BTreeMap<(Node, String), Node> = BTreeMap::new();
        let mut is_lost = false;
        for renaming in std::mem::take(&mut self.renamings) {
            if !renaming.is_durable && !style.keeps(random, &mut is_lost) {
                continue;
            }
            renaming.removed.iter().for_each(|place| {
                names.remove(place);
            });
            names.extend(renaming.added.map(|(folder, name, node)| ((folder, name), node)));
        }
        for file in &mut self.nodes {
            let mut is_lost = false;
            for change in std::mem::take(&mut file.later) {
                if style.keeps(random, &mut is_lost) {
                    apply(&mut file.synced, change);
                } else if let Change::Write(at, bytes) = change
                    && random.one_in(2)
                {
                    tear(random, at, &bytes).into_iter().for_each(|part| apply(&mut file.synced, part));
                }
            }
        }
        self.write_folder(&names, ROOT, target);
    }

    fn write_folder(&self, names: &BTreeMap<(Node, String), Node>, folder: Node, target: &Path) {
        std::fs::create_dir_all(target).unwrap();
        for ((_, name), node) in names.iter().filter(|((above, _), _)| *above == folder) {
            let path = target.join(name);
            if self.nodes[*node].is_folder {
                self.write_folder(names, *node, &path);
            } else {
                std::fs::write(path, &self.nodes[*node].synced).unwrap();
            }
        }
    }
}

/// Which of the changes after the last sync stay.
enum Style {
    None,
    /// Up to one, and nothing after it.
    Beginning(usize),
    /// One of so many is lost.
    Some(usize),
}

impl Style {
    fn any(random: &mut Random) -> Self {
        match random.below(4) {
            0 => Self::None,
            1 => Self::Beginning(2 + random.below(30)),
            _ => Self::Some(2 + random.below(6)),
        }
    }

    fn keeps(&self, random: &mut Random, is_lost: &mut bool) -> bool {
        match self {
            Self::None => false,
            Self::Beginning(cases) => {
                *is_lost |= random.one_in(*cases);
                !*is_lost
            }
            Self::Some(cases) => !random.one_in(*cases),
        }
    }
}

fn apply(contents: &mut Vec<u8>, change: Change) {
    match change {
        Change::Truncate(length) => contents.resize(length, 0),
        Change::Write(at, bytes) => {
            contents.resize(contents.len().max(at + bytes.len()), 0);
            contents[at..at + bytes.len()].copy_from_slice(&bytes);
        }
    }
}

/// Some sectors of a write, or its beginning up to any byte.
fn tear(random: &mut Random, at: usize, bytes: &[u8]) -> Vec<Change> {
    if random.one_in(3) {
        return vec![Change::Write(at, bytes[..random.below(bytes.len())].to_vec())];
    }
    let mut parts = Vec::new();
    let mut from = 0;
    while from < bytes.len() {
        let to = (SECTOR_BYTES - (at + from) % SECTOR_BYTES + from).min(bytes.len());
        if random.one_in(2) {
            parts.push(Change::Write(at + from, bytes[from..to].to_vec()));
        }
        from = to;
    }
    parts
}
