//! Archives of images, for machines and tools without a registry.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::Error;
use super::image::{Image, hex};

impl Image {
    /// An archive for `ctr images import`: of OCI's layout, and of the form that `docker load` takes. It is written
    /// when it is first asked for.
    pub(crate) fn archive(&self) -> Result<PathBuf, Error> {
        let archive = self.folder.join(format!("{}.tar", self.name));
        if !archive.exists() {
            let unfinished = self.folder.join(format!("{}.tar.{}", self.name, std::process::id()));
            self.write_archive(&unfinished)?;
            fs::rename(&unfinished, &archive).map_err(Error::file("rename", &unfinished))?;
        }
        Ok(archive)
    }

    fn write_archive(&self, to: &Path) -> Result<(), Error> {
        let failed = || Error::file("write", to);
        let parts = self.parts()?;
        let path = |digest: &str| format!("blobs/sha256/{}", hex(digest));
        let layers: Vec<_> = parts[1..].iter().map(|digest| path(digest)).collect();
        let docker = json!([{"Config": path(&parts[0]), "RepoTags": [self.reference()], "Layers": layers}]).to_string();
        let mut tar = tar::Builder::new(io::BufWriter::new(File::create(to).map_err(failed())?));
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        header.set_size(docker.len() as u64);
        tar.append_data(&mut header, "manifest.json", docker.as_bytes())
            .map_err(failed())?;
        let mut files = vec!["oci-layout".to_owned(), "index.json".to_owned(), path(&self.digest)];
        files.extend(parts.iter().map(|digest| path(digest)));
        for file in files {
            let from = self.folder.join(&file);
            tar.append_path_with_name(&from, &file)
                .map_err(Error::file("pack", &from))?;
        }
        tar.into_inner()
            .and_then(|file| file.into_inner().map_err(io::IntoInnerError::into_error))
            .map_err(failed())?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use sha2::{Digest, Sha256};

    use super::super::image::tests::image;
    use super::super::store::hexadecimal;
    use super::*;

    #[test]
    fn the_archive_holds_all_that_its_manifest_names() {
        let folder = tempfile::tempdir().unwrap();
        let image = image(folder.path());
        let mut archive = tar::Archive::new(File::open(image.archive().unwrap()).unwrap());
        let mut held = std::collections::HashMap::new();
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut content = Vec::new();
            io::Read::read_to_end(&mut entry, &mut content).unwrap();
            held.insert(entry.path().unwrap().to_string_lossy().into_owned(), content);
        }
        let docker: Value = serde_json::from_slice(&held["manifest.json"]).unwrap();
        assert_eq!(docker[0]["RepoTags"], json!(["localhost/try:1"]));
        let layers = docker[0]["Layers"].as_array().unwrap();
        assert_eq!(layers.len(), 2);
        for path in layers.iter().chain([&docker[0]["Config"]]) {
            let path = path.as_str().unwrap();
            assert!(path.ends_with(&hexadecimal(&Sha256::digest(&held[path]))), "{path}");
        }
        let index: Value = serde_json::from_slice(&held["index.json"]).unwrap();
        assert_eq!(index["manifests"][0]["digest"], json!(image.digest));
    }
}
