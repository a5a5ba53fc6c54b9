//! Layers of images: uncompressed tar files with the same bytes for the same content, and their digests.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tar::{Archive, Builder, Entry, EntryType, Header};

use super::Error;
use super::store::hexadecimal;

/// A finished layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Layer {
    /// The tar file.
    pub file: PathBuf,
    /// `sha256:…` of the file.
    pub digest: String,
    /// Its length in bytes.
    pub size: u64,
}

impl Layer {
    /// A layer that was finished into this folder before.
    pub(super) fn open(folder: &Path) -> Result<Self, Error> {
        let (file, digest) = (folder.join("layer.tar"), folder.join("digest"));
        let size = fs::metadata(&file).map_err(Error::file("read", &file))?.len();
        Ok(Self {
            digest: fs::read_to_string(&digest).map_err(Error::file("read", &digest))?,
            file,
            size,
        })
    }

    /// What distinguishes each entry of the layer, to find those that another layer repeats.
    pub(super) fn marks(&self) -> Result<HashSet<Mark>, Error> {
        let failed = || Error::file("read", &self.file);
        let file = File::open(&self.file).map_err(failed())?;
        let mut archive = Archive::new(io::BufReader::with_capacity(1 << 20, file));
        let entries = archive.entries().map_err(failed())?;
        entries
            .map(|entry| Ok(Unpacked::read(entry?)?.mark()))
            .collect::<io::Result<_>>()
            .map_err(failed())
    }
}

/// An entry of a tar file, with its content in memory.
#[derive(Debug)]
pub(super) struct Unpacked {
    /// Its path, without `./` before and `/` after it.
    pub path: String,
    /// Where it leads, if it is a link.
    pub target: Option<String>,
    /// The file's content.
    pub content: Vec<u8>,
    kind: EntryType,
    mode: u32,
    owner: Owner,
}

/// A digest over all there is to an entry except its time.
pub(super) type Mark = [u8; 32];

impl Unpacked {
    /// Reads an entry to its end.
    pub(super) fn read(mut entry: Entry<impl Read>) -> io::Result<Self> {
        let plain = |path: &[u8]| {
            let path = String::from_utf8_lossy(path);
            path.strip_prefix("./")
                .unwrap_or(&path)
                .trim_end_matches('/')
                .to_owned()
        };
        let kind = entry.header().entry_type();
        let target = entry.link_name_bytes().map(|target| match kind {
            // A hard link leads to another entry of the archive, a symbolic one to anything.
            EntryType::Link => plain(&target),
            _ => String::from_utf8_lossy(&target).into_owned(),
        });
        let number = |number: io::Result<u64>| u32::try_from(number?).map_err(io::Error::other);
        let (path, header) = (plain(&entry.path_bytes()), entry.header());
        let (mode, owner) = (header.mode()?, (number(header.uid())?, number(header.gid())?));
        let mut content = Vec::new();
        entry.read_to_end(&mut content)?;
        Ok(Self {
            path,
            target,
            content,
            kind,
            mode,
            owner,
        })
    }

    /// Two entries have the same mark when a container could not tell them apart.
    pub(super) fn mark(&self) -> Mark {
        let mut digest = Sha256::new();
        // No path holds a zero byte.
        digest.update([&*self.path, "\0", self.target.as_deref().unwrap_or_default(), "\0"].concat());
        digest.update([self.kind.as_byte()]);
        for number in [self.mode, self.owner.0, self.owner.1] {
            digest.update(number.to_be_bytes());
        }
        digest.update(&self.content);
        digest.finalize().into()
    }
}

/// Writes a layer, entry by entry. Times are zero.
pub(super) struct LayerWriter {
    folder: PathBuf,
    tar: Builder<Digesting>,
}

/// User and group of an entry.
pub(super) type Owner = (u32, u32);

/// The owner of most files.
pub(super) const ROOT: Owner = (0, 0);

impl LayerWriter {
    /// Begins `<folder>/layer.tar`.
    pub(super) fn create(folder: &Path) -> Result<Self, Error> {
        let file = folder.join("layer.tar");
        let file = File::create(&file).map_err(Error::file("create", &file))?;
        let out = Digesting {
            file: BufWriter::with_capacity(1 << 20, file),
            digest: Sha256::new(),
            size: 0,
        };
        Ok(Self {
            folder: folder.to_owned(),
            tar: Builder::new(out),
        })
    }

    /// Adds a folder.
    pub(super) fn directory(&mut self, path: &str, mode: u32, owner: Owner) -> Result<(), Error> {
        self.append(EntryType::Directory, path, mode, owner, &[])
    }

    /// Adds a file.
    pub(super) fn file(&mut self, path: &str, mode: u32, owner: Owner, content: &[u8]) -> Result<(), Error> {
        self.append(EntryType::Regular, path, mode, owner, content)
    }

    /// Adds a folder of this machine with all that is in it, in the order of the names.
    pub(super) fn tree(&mut self, path: &str, folder: &Path, owner: Owner) -> Result<(), Error> {
        self.directory(&format!("{path}/"), 0o755, owner)?;
        let failed = || Error::file("read", folder);
        let entries = fs::read_dir(folder).map_err(failed())?;
        let mut files: Vec<PathBuf> = entries
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<io::Result<_>>()
            .map_err(failed())?;
        files.sort_unstable();
        for file in files {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            let inside = format!("{path}/{name}");
            let metadata = fs::symlink_metadata(&file).map_err(Error::file("read", &file))?;
            if metadata.is_dir() {
                self.tree(&inside, &file, owner)?;
            } else if metadata.is_symlink() {
                let target = fs::read_link(&file).map_err(Error::file("read", &file))?;
                self.link(&inside, &target.to_string_lossy())?;
            } else {
                let mode = if metadata.mode() & 0o100 == 0 { 0o644 } else { 0o755 };
                self.file(
                    &inside,
                    mode,
                    owner,
                    &fs::read(&file).map_err(Error::file("read", &file))?,
                )?;
            }
        }
        Ok(())
    }

    /// Adds a symbolic link.
    pub(super) fn link(&mut self, path: &str, target: &str) -> Result<(), Error> {
        let mut header = header(EntryType::Symlink, 0o777, ROOT, 0);
        self.tar
            .append_link(&mut header, path, target)
            .map_err(Error::file("write a layer into", &self.folder))
    }

    /// Adds an entry of another archive.
    pub(super) fn entry(&mut self, entry: &Unpacked) -> Result<(), Error> {
        let Some(target) = &entry.target else {
            return self.append(entry.kind, &entry.path, entry.mode, entry.owner, &entry.content);
        };
        let mut header = header(entry.kind, entry.mode, entry.owner, 0);
        self.tar
            .append_link(&mut header, &entry.path, target)
            .map_err(Error::file("write a layer into", &self.folder))
    }

    fn append(&mut self, kind: EntryType, path: &str, mode: u32, owner: Owner, content: &[u8]) -> Result<(), Error> {
        let mut header = header(kind, mode, owner, content.len());
        self.tar
            .append_data(&mut header, path, content)
            .map_err(Error::file("write a layer into", &self.folder))
    }

    /// Ends the layer and notes its digest beside it.
    pub(super) fn finish(self) -> Result<Layer, Error> {
        let failed = || Error::file("write a layer into", &self.folder);
        let mut out = self.tar.into_inner().map_err(failed())?;
        out.flush().map_err(failed())?;
        let digest = format!("sha256:{}", hexadecimal(&out.digest.finalize()));
        fs::write(self.folder.join("digest"), &digest).map_err(failed())?;
        Ok(Layer {
            file: self.folder.join("layer.tar"),
            digest,
            size: out.size,
        })
    }
}

fn header(kind: EntryType, mode: u32, owner: Owner, size: usize) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(owner.0.into());
    header.set_gid(owner.1.into());
    header.set_mtime(0);
    header.set_size(size as u64);
    header
}

/// A file that digests what is written to it.
struct Digesting {
    file: BufWriter<File>,
    digest: Sha256,
    size: u64,
}

impl Write for Digesting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.digest.update(&bytes[..written]);
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, content: &[u8]) -> Layer {
        let mut layer = LayerWriter::create(folder).unwrap();
        layer.directory("data/", 0o750, (999, 999)).unwrap();
        layer.file("data/file", 0o644, ROOT, content).unwrap();
        layer.link("bin", "usr/bin").unwrap();
        layer.finish().unwrap()
    }

    #[test]
    fn the_same_content_makes_the_same_bytes() {
        let folders = [(); 3].map(|()| tempfile::tempdir().unwrap());
        let [first, second, other] = [b"same", b"same", b"else"];
        let first = write(folders[0].path(), first);
        std::thread::sleep(std::time::Duration::from_millis(5));
        let second = write(folders[1].path(), second);
        assert_eq!(fs::read(&first.file).unwrap(), fs::read(&second.file).unwrap());
        assert_eq!(first.digest, second.digest);
        assert_ne!(first.digest, write(folders[2].path(), other).digest);
    }

    #[test]
    fn digest_and_size_are_those_of_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let layer = write(folder.path(), &vec![7; 100_000]);
        let bytes = fs::read(&layer.file).unwrap();
        assert_eq!(layer.size, bytes.len() as u64);
        assert_eq!(layer.digest, format!("sha256:{}", hexadecimal(&Sha256::digest(&bytes))));
        assert_eq!(Layer::open(folder.path()).unwrap(), layer);
    }

    #[test]
    fn marks_tell_changed_entries_from_repeated_ones() {
        let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let before = write(folders[0].path(), b"before").marks().unwrap();
        let after = write(folders[1].path(), b"after").marks().unwrap();
        assert_eq!((before.len(), after.len()), (3, 3));
        assert_eq!(before.intersection(&after).count(), 2, "only data/file differs");
    }

    #[test]
    fn a_tree_holds_all_of_a_folder_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let tree = folder.path().join("tree");
        fs::create_dir_all(tree.join("b")).unwrap();
        fs::write(tree.join("b/c"), "text").unwrap();
        std::os::unix::fs::symlink("b/c", tree.join("a")).unwrap();
        let mut layer = LayerWriter::create(folder.path()).unwrap();
        layer.tree("opt/tree", &tree, (7, 8)).unwrap();
        let mut archive = Archive::new(File::open(layer.finish().unwrap().file).unwrap());
        let entries = archive
            .entries()
            .unwrap()
            .map(|entry| Unpacked::read(entry.unwrap()).unwrap());
        let seen: Vec<_> = entries
            .map(|entry| (entry.path.clone(), entry.target, entry.owner))
            .collect();
        let expected = [
            ("opt/tree", None, (7, 8)),
            ("opt/tree/a", Some("b/c".to_owned()), ROOT),
            ("opt/tree/b", None, (7, 8)),
            ("opt/tree/b/c", None, (7, 8)),
        ];
        assert_eq!(
            seen,
            expected.map(|(path, target, owner)| (path.to_owned(), target, owner))
        );
    }

    #[test]
    fn owners_and_modes_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let layer = write(folder.path(), b"");
        let mut archive = Archive::new(File::open(layer.file).unwrap());
        let entry = archive.entries().unwrap().next().unwrap().unwrap();
        let header = entry.header();
        assert_eq!(
            (header.uid().unwrap(), header.gid().unwrap(), header.mode().unwrap()),
            (999, 999, 0o750)
        );
    }
}
