//! Puts images where a registry keeps them: the folder of Debian's `docker-registry`, as if they had been pushed.

use std::fs;
use std::path::Path;

use super::Error;
use super::image::{Image, hex, link};

impl Image {
    /// Puts the image into the registry's storage (its `rootdirectory`) as `repository:tag` and under its digest,
    /// by hard links. The registry may be running; what is there already stays.
    pub(crate) fn add_to_registry(&self, storage: &Path, repository: &str) -> Result<(), Error> {
        let registry = storage.join("docker/registry/v2");
        let repository = registry.join("repositories").join(repository);
        let parts = self.parts()?;
        for digest in parts.iter().chain([&self.digest]) {
            let digits = hex(digest);
            let data = registry
                .join("blobs/sha256")
                .join(&digits[..2])
                .join(digits)
                .join("data");
            if !data.exists() {
                parent(&data)?;
                link(&self.blob(digest), &data)?;
            }
        }
        for part in &parts {
            point(&repository.join("_layers/sha256").join(hex(part)), part)?;
        }
        let manifests = repository.join("_manifests");
        let tag = manifests.join("tags").join(&self.tag);
        point(
            &manifests.join("revisions/sha256").join(hex(&self.digest)),
            &self.digest,
        )?;
        point(&tag.join("index/sha256").join(hex(&self.digest)), &self.digest)?;
        // Last: whoever asks for the tag finds all of it.
        point(&tag.join("current"), &self.digest)
    }
}

/// Writes a pointer of the registry: a file `link` with a digest.
fn point(folder: &Path, digest: &str) -> Result<(), Error> {
    let file = folder.join("link");
    parent(&file)?;
    fs::write(&file, digest).map_err(Error::file("write", &file))
}

fn parent(file: &Path) -> Result<(), Error> {
    let folder = file.parent().unwrap_or(file);
    fs::create_dir_all(folder).map_err(Error::file("create", folder))
}

#[cfg(test)]
mod tests {
    use super::super::image::Settings;
    use super::super::layer::{LayerWriter, ROOT};
    use super::*;

    #[test]
    fn a_registry_finds_tag_manifest_and_blobs() {
        let folder = tempfile::tempdir().unwrap();
        let layer = folder.path().join("layer");
        fs::create_dir(&layer).unwrap();
        let mut writer = LayerWriter::create(&layer).unwrap();
        writer.file("hello", 0o644, ROOT, b"hello").unwrap();
        let layout = folder.path().join("layout");
        Image::write(&layout, "try", "1", &[writer.finish().unwrap()], &Settings::default()).unwrap();
        let image = Image::open(&layout, "try", "1").unwrap();

        let storage = folder.path().join("storage");
        for _ in 0..2 {
            image.add_to_registry(&storage, "team/try").unwrap();
        }
        let registry = storage.join("docker/registry/v2");
        let repository = registry.join("repositories/team/try");
        let tagged = fs::read_to_string(repository.join("_manifests/tags/1/current/link")).unwrap();
        assert_eq!(tagged, image.digest);
        for part in image.parts().unwrap() {
            let digits = hex(&part);
            assert!(repository.join("_layers/sha256").join(digits).join("link").is_file());
            let data = registry
                .join("blobs/sha256")
                .join(&digits[..2])
                .join(digits)
                .join("data");
            assert_eq!(fs::read(data).unwrap(), fs::read(image.blob(&part)).unwrap());
        }
    }
}
