//! Entries of the cache: folders named by what went into them, complete or absent, built by one process at a time.

use std::fmt;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Instant;

use sha2::{Digest, Sha256};

use super::Error;

/// A short name for a set of inputs: any change of any of them makes another key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key(String);

impl Key {
    /// How many characters it has.
    const LENGTH: usize = 12;

    /// The key of these inputs, in this order.
    pub(super) fn of<I: AsRef<[u8]>>(inputs: impl IntoIterator<Item = I>) -> Self {
        let mut digest = Sha256::new();
        for input in inputs {
            let input = input.as_ref();
            // The length keeps ("ab", "c") and ("a", "bc") apart.
            digest.update((input.len() as u64).to_be_bytes());
            digest.update(input);
        }
        Self(hexadecimal(&digest.finalize())[..Self::LENGTH].to_owned())
    }
}

impl fmt::Display for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl AsRef<[u8]> for Key {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// Bytes as lowercase hexadecimal digits.
pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    use fmt::Write;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// The folder of all entries, and who is told about the work on them.
pub(super) struct Store<'a> {
    /// Where entries are.
    pub root: &'a Path,
    /// Takes one line about what is going on.
    pub progress: &'a (dyn Fn(&str) + Sync),
}

impl Store<'_> {
    /// Where the entry is, or would be.
    pub(super) fn path(&self, name: &str, key: &Key) -> PathBuf {
        self.root.join(format!("{name}-{key}"))
    }

    /// The entry's folder, built first if it is not there: `build` fills an empty folder, which gets its final name
    /// only when all went well. Two processes never build the same entry at once.
    pub(super) fn ensure(
        &self,
        name: &str,
        key: &Key,
        build: impl FnOnce(&Path) -> Result<(), Error>,
    ) -> Result<PathBuf, Error> {
        let path = self.path(name, key);
        if path.is_dir() {
            return Ok(path);
        }
        let lock = self.lock(name, &format!("{name}-{key}"))?;
        if !path.is_dir() {
            let began = Instant::now();
            (self.progress)(&format!("building {name}"));
            let unfinished = path.with_added_extension("unfinished");
            remove(&unfinished)?;
            fs::create_dir(&unfinished).map_err(Error::file("create", &unfinished))?;
            build(&unfinished)?;
            fs::rename(&unfinished, &path).map_err(Error::file("rename", &unfinished))?;
            (self.progress)(&format!("built {name} in {} s", began.elapsed().as_secs()));
        }
        drop(lock);
        Ok(path)
    }

    /// Holds a lock of the cache until the returned file is dropped, or the process ends in whatever way.
    pub(super) fn lock(&self, name: &str, lock: &str) -> Result<File, Error> {
        let folder = self.root.join("locks");
        fs::create_dir_all(&folder).map_err(Error::file("create", &folder))?;
        let path = &folder.join(lock);
        let file = File::create(path).map_err(Error::file("create", path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                (self.progress)(&format!("waiting for another builder of {name}"));
                file.lock().map_err(Error::file("lock", path))?;
            }
            Err(TryLockError::Error(error)) => return Err(Error::file("lock", path)(error)),
        }
        Ok(file)
    }

    /// Removes all but the newest entries of this name.
    pub(super) fn keep(&self, newest: usize, name: &str) -> Result<(), Error> {
        let failed = || Error::file("read", self.root);
        let mut entries = Vec::new();
        for entry in fs::read_dir(self.root).map_err(failed())? {
            let entry = entry.map_err(failed())?;
            let file = entry.file_name();
            let key = file
                .to_str()
                .and_then(|file| file.strip_prefix(name)?.strip_prefix('-'));
            // Another entry's name may begin with this one's.
            if key.is_some_and(|key| key.len() == Key::LENGTH && !key.contains('-')) {
                entries.push((
                    entry.metadata().and_then(|data| data.modified()).map_err(failed())?,
                    entry.path(),
                ));
            }
        }
        entries.sort_unstable_by(|one, other| other.cmp(one));
        entries.iter().skip(newest).try_for_each(|(_, path)| remove(path))
    }
}

/// Removes a folder that may not be there.
pub(super) fn remove(folder: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::file("remove", folder)(error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(root: &Path) -> Store<'_> {
        Store {
            root,
            progress: &|_| (),
        }
    }

    #[test]
    fn a_key_changes_with_every_input_and_with_their_borders() {
        let key = Key::of(["v1.35.4", "package main"]);
        assert_eq!(key, Key::of(["v1.35.4", "package main"]));
        assert_ne!(key, Key::of(["v1.35.5", "package main"]));
        assert_ne!(key, Key::of(["v1.35.4", "package main "]));
        assert_ne!(key, Key::of(["v1.35.4p", "ackage main"]));
        assert_ne!(key, Key::of(["package main", "v1.35.4"]));
    }

    #[test]
    fn an_entry_is_built_once() {
        let root = tempfile::tempdir().unwrap();
        let store = store(root.path());
        let key = Key::of(["1"]);
        let built = store.ensure("thing", &key, |folder| {
            fs::write(folder.join("made"), "once").map_err(Error::file("write", folder))
        });
        let path = built.unwrap();
        assert_eq!(fs::read_to_string(path.join("made")).unwrap(), "once");
        assert_eq!(store.ensure("thing", &key, |_| panic!("built twice")).unwrap(), path);
    }

    #[test]
    fn a_failed_build_leaves_no_entry_and_the_next_starts_afresh() {
        let root = tempfile::tempdir().unwrap();
        let store = store(root.path());
        let key = Key::of(["1"]);
        let failed = store.ensure("thing", &key, |folder| {
            fs::write(folder.join("half"), "").unwrap();
            Err(Error::NoHome)
        });
        assert!(failed.is_err());
        assert!(!store.path("thing", &key).exists());
        let path = store.ensure("thing", &key, |_| Ok(())).unwrap();
        assert_eq!(fs::read_dir(path).unwrap().count(), 0);
    }

    #[test]
    fn only_the_newest_entries_of_a_name_are_kept() {
        let root = tempfile::tempdir().unwrap();
        let store = store(root.path());
        let entry = |name, number: &str| store.ensure(name, &Key::of([number]), |_| Ok(())).unwrap();
        let other = entry("image-app-double", "1");
        let old = entry("image-app", "1");
        std::thread::sleep(std::time::Duration::from_millis(20));
        let new = entry("image-app", "2");
        store.keep(1, "image-app").unwrap();
        assert_eq!([other, old, new].map(|path| path.is_dir()), [true, false, true]);
    }

    #[test]
    fn two_builders_of_one_entry_take_turns() {
        let root = tempfile::tempdir().unwrap();
        let key = Key::of(["1"]);
        let builds = std::sync::atomic::AtomicUsize::new(0);
        std::thread::scope(|threads| {
            for _ in 0..4 {
                threads.spawn(|| {
                    store(root.path())
                        .ensure("thing", &key, |_| {
                            builds.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                            std::thread::sleep(std::time::Duration::from_millis(20));
                            Ok(())
                        })
                        .unwrap();
                });
            }
        });
        assert_eq!(builds.into_inner(), 1);
    }
}
