//! Files that are served as they stand, read from the disk.
//!
//! Knows: folders, links, names of files.
//! Must not know: paths of requests, media types, who asked for them.
//!
//! All is read into memory, so that what is served is what was there at the start or at the last
//! reload, whole, and a disk keeps nobody waiting.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::file::Fault;

/// All pages together.
const BYTES_MAX: u64 = 64 << 20;
/// A folder with more that is wrong with it is not the one that was meant.
const FAULTS_MAX: usize = 16;
/// All files together: they cost memory even if they are empty. A folder counts like a file: by
/// links there can be more ways to one than anybody could walk.
const FILES_MAX: usize = 100_000;

/// What may still be read.
#[derive(Debug)]
pub(super) struct Budget {
    bytes: u64,
    files: usize,
}

impl Default for Budget {
    fn default() -> Budget {
        Budget { bytes: BYTES_MAX, files: FILES_MAX }
    }
}

/// Reads one file.
pub(super) fn read(path: &Path, budget: &mut Budget) -> Result<Vec<u8>, Fault> {
    // Asked before it is opened: to open a pipe may wait for whoever writes to it.
    let kind = fs::metadata(path).map_err(unreadable)?.file_type();
    if kind.is_dir() {
        return Err(Fault::FolderPage);
    }
    if !kind.is_file() {
        return Err(Fault::NoFile);
    }
    let file = File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(budget.bytes + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    match (budget.bytes.checked_sub(bytes.len() as u64), budget.files.checked_sub(1)) {
        (Some(left), Some(files)) => {
            *budget = Budget { bytes: left, files };
            Ok(bytes)
        }
        (None, _) => Err(Fault::TooMuch { mebibytes: BYTES_MAX >> 20 }),
        (_, None) => Err(Fault::TooMany { files: FILES_MAX }),
    }
}

/// Reads every file of a folder and of those in it: its name from there, with slashes. Hidden ones
/// are left out. What is wrong is told to `complain`, with the name of the file.
pub(super) fn read_all(
    folder: &Path,
    budget: &mut Budget,
    complain: impl FnMut(&Path, Fault),
) -> Vec<(String, Vec<u8>)> {
    let mut walk = Walk {
        root: PathBuf::new(),
        budget,
        complain,
        faults: 0,
        found: Vec::new(),
        above: Vec::new(),
    };
    match fs::canonicalize(folder).map_err(unreadable) {
        Ok(root) if !root.is_dir() => walk.blame(Path::new(""), Fault::NoFolder),
        Ok(root) => {
            walk.root.clone_from(&root);
            walk.enter(&root, Path::new(""));
        }
        Err(fault) => walk.blame(Path::new(""), fault),
    }
    walk.found
}

struct Walk<'b, C> {
    /// Where nothing leads out of.
    root: PathBuf,
    budget: &'b mut Budget,
    complain: C,
    faults: usize,
    found: Vec<(String, Vec<u8>)>,
    /// The folders on the way to where we are.
    above: Vec<PathBuf>,
}

impl<C: FnMut(&Path, Fault)> Walk<'_, C> {
    /// Looks at everything in `real`, which is called `name`.
    fn enter(&mut self, real: &Path, name: &Path) {
        if self.above.iter().any(|folder| folder == real) {
            return self.blame(name, Fault::Circle);
        }
        match self.budget.files.checked_sub(1) {
            Some(files) => self.budget.files = files,
            None => return self.blame_for_good(name, Fault::TooMany { files: FILES_MAX }),
        }
        let mut names = Vec::new();
        match fs::read_dir(real) {
            Ok(entries) => {
                for entry in entries {
                    match entry {
                        Ok(entry) => names.push(entry.file_name()),
                        Err(error) => return self.blame(name, unreadable(error)),
                    }
                }
            }
            Err(error) => return self.blame(name, unreadable(error)),
        }
        // The same order on every machine.
        names.sort();
        self.above.push(real.to_owned());
        for file in names {
            // So many faults are more than one can read: the rest is not looked at.
            if self.faults >= FAULTS_MAX {
                break;
            }
            let below = name.join(&file);
            match file.to_str() {
                Some(text) if text.starts_with('.') => {}
                Some(text) if !text.chars().any(char::is_control) => self.look(&below),
                _ => self.blame(&below, Fault::FileName),
            }
        }
        self.above.pop();
    }

    /// Looks at one file or folder.
    fn look(&mut self, name: &Path) {
        let real = match fs::canonicalize(self.root.join(name)) {
            Ok(real) => real,
            Err(error) => return self.blame(name, unreadable(error)),
        };
        if !real.starts_with(&self.root) {
            return self.blame(name, Fault::LeadsOut);
        }
        if real.is_dir() {
            return self.enter(&real, name);
        }
        match read(&real, self.budget) {
            Ok(bytes) => self.found.push((name.to_string_lossy().into_owned(), bytes)),
            Err(fault @ (Fault::TooMuch { .. } | Fault::TooMany { .. })) => {
                self.blame_for_good(name, fault);
            }
            Err(fault) => self.blame(name, fault),
        }
    }

    /// What does not fit now will not fit later.
    fn blame_for_good(&mut self, name: &Path, fault: Fault) {
        self.blame(name, fault);
        self.faults = FAULTS_MAX;
    }

    fn blame(&mut self, name: &Path, fault: Fault) {
        self.faults += 1;
        (self.complain)(name, fault);
    }
}

fn unreadable(error: io::Error) -> Fault {
    Fault::Unreadable(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    /// Twenty folders, each with two links to the next: a million ways to the last.
    #[test]
    fn not_every_way_through_links_is_walked() {
        let root = std::env::temp_dir().join(format!("tidegate-ways-{}", std::process::id()));
        for number in 0..20 {
            let folder = root.join(number.to_string());
            fs::create_dir_all(&folder).unwrap();
            for link in ["a", "b"] {
                symlink(format!("../{}", number + 1), folder.join(link)).unwrap();
            }
        }
        fs::create_dir_all(root.join("20")).unwrap();
        let mut told = Vec::new();
        let mut budget = Budget { files: 100, ..Budget::default() };
        let found = read_all(&root, &mut budget, |_, fault| told.push(fault.to_string()));
        fs::remove_dir_all(&root).unwrap();
        assert!(found.is_empty());
        assert_eq!(told, ["does not fit any more: there may be 100000 files and folders together"]);
    }
}
