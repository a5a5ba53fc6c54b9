//! Images as files in the layout of OCI: blobs by digest, a configuration, a manifest.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::Error;
use super::layer::Layer;
use super::store::hexadecimal;

/// A container image as files: its blobs are found by digest, and put into a registry or an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Image {
    /// `postgres`
    pub name: String,
    /// `15`
    pub tag: String,
    /// Digest of the manifest, `sha256:…`: what a registry serves it under.
    pub digest: String,
    /// The layout's folder.
    pub(super) folder: PathBuf,
}

/// How containers of an image start.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings<'a> {
    /// The program, and arguments that pods do not replace.
    pub entrypoint: &'a [&'a str],
    /// Arguments that pods replace.
    pub command: &'a [&'a str],
    /// Variables in the form `NAME=value`.
    pub environment: &'a [&'a str],
    /// `999:999`; empty for root.
    pub(crate) user: &'a str,
    /// The working directory; empty for `/`.
    pub directory: &'a str,
    /// Ports that it listens on.
    pub ports: &'a [u16],
    /// Folders that it keeps data in.
    pub volumes: &'a [&'a str],
    /// The signal that ends it; empty for SIGTERM.
    pub stop_signal: &'a str,
    /// Labels as name and value.
    pub labels: &'a [(&'a str, &'a str)],
}

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIGURATION: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

impl Settings<'_> {
    /// The image's configuration as OCI has it. It is the same for the same image: it holds no time.
    pub(super) fn configuration(&self, layers: &[Layer]) -> Value {
        let mut config = json!({});
        let mut set = |name: &str, given: bool, value: Value| {
            if given {
                config[name] = value;
            }
        };
        let names = |items: Vec<String>| Value::Object(items.into_iter().map(|item| (item, json!({}))).collect());
        let ports = self.ports.iter().map(|port| format!("{port}/tcp")).collect();
        let volumes = self.volumes.iter().map(ToString::to_string).collect();
        let labels = self
            .labels
            .iter()
            .map(|(name, value)| ((*name).to_owned(), json!(value)))
            .collect();
        set("User", !self.user.is_empty(), json!(self.user));
        set("ExposedPorts", !self.ports.is_empty(), names(ports));
        set("Env", !self.environment.is_empty(), json!(self.environment));
        set("Entrypoint", !self.entrypoint.is_empty(), json!(self.entrypoint));
        set("Cmd", !self.command.is_empty(), json!(self.command));
        set("Volumes", !self.volumes.is_empty(), names(volumes));
        set("WorkingDir", !self.directory.is_empty(), json!(self.directory));
        set("Labels", !self.labels.is_empty(), Value::Object(labels));
        set("StopSignal", !self.stop_signal.is_empty(), json!(self.stop_signal));
        let digests: Vec<_> = layers.iter().map(|layer| &layer.digest).collect();
        json!({
            "architecture": "amd64",
            "os": "linux",
            "config": config,
            "rootfs": {"type": "layers", "diff_ids": digests},
        })
    }
}

impl Image {
    /// Writes the layout into an empty folder. Layers are hard links where the file system allows it.
    pub(super) fn write(
        folder: &Path,
        name: &str,
        tag: &str,
        layers: &[Layer],
        settings: &Settings,
    ) -> Result<(), Error> {
        let blobs = folder.join("blobs/sha256");
        fs::create_dir_all(&blobs).map_err(Error::file("create", &blobs))?;
        for layer in layers {
            let blob = blobs.join(hex(&layer.digest));
            // Two equal layers are one blob.
            if !blob.exists() {
                link(&layer.file, &blob)?;
            }
        }
        let configuration = put(&blobs, CONFIGURATION, &settings.configuration(layers))?;
        let layers: Vec<_> = layers
            .iter()
            .map(|layer| json!({"mediaType": LAYER, "digest": layer.digest, "size": layer.size}))
            .collect();
        let manifest = json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": configuration, "layers": layers});
        let mut manifest = put(&blobs, MANIFEST, &manifest)?;
        manifest["annotations"] = json!({
            // The one is read by containerd, the other by most tools.
            "io.containerd.image.name": format!("localhost/{name}:{tag}"),
            "org.opencontainers.image.ref.name": tag,
        });
        let index = json!({"schemaVersion": 2, "manifests": [manifest]});
        for (file, content) in [
            ("index.json", index),
            ("oci-layout", json!({"imageLayoutVersion": "1.0.0"})),
        ] {
            let file = folder.join(file);
            fs::write(&file, content.to_string()).map_err(Error::file("write", &file))?;
        }
        Ok(())
    }

    /// The image whose layout is in the folder.
    pub(super) fn open(folder: &Path, name: &str, tag: &str) -> Result<Self, Error> {
        let index = read(&folder.join("index.json"))?;
        let Some(digest) = index["manifests"][0]["digest"].as_str() else {
            return Err(Error::Damaged {
                name: name.into(),
                detail: "its index names no manifest".into(),
            });
        };
        Ok(Self {
            name: name.into(),
            tag: tag.into(),
            digest: digest.into(),
            folder: folder.to_owned(),
        })
    }

    /// The name that the container runtime knows it by once its archive is imported: `localhost/pause:1`.
    pub(crate) fn reference(&self) -> String {
        format!("localhost/{}:{}", self.name, self.tag)
    }

    /// The file of the blob with this digest.
    pub(super) fn blob(&self, digest: &str) -> PathBuf {
        self.folder.join("blobs/sha256").join(hex(digest))
    }

    /// Digests of all that the manifest names: the configuration, then the layers.
    pub(super) fn parts(&self) -> Result<Vec<String>, Error> {
        let manifest = read(&self.blob(&self.digest))?;
        let layers = manifest["layers"].as_array().map(Vec::as_slice).unwrap_or_default();
        let digests = std::iter::once(&manifest["config"]).chain(layers);
        digests
            .map(|part| part["digest"].as_str().map(str::to_owned))
            .collect::<Option<_>>()
            .ok_or_else(|| Error::Damaged {
                name: self.name.clone(),
                detail: "its manifest lacks digests".into(),
            })
    }
}

/// The file under another name, without a copy where both are on one file system.
pub(super) fn link(from: &Path, to: &Path) -> Result<(), Error> {
    if fs::hard_link(from, to).is_ok() {
        return Ok(());
    }
    fs::copy(from, to).map(drop).map_err(Error::file("copy", from))
}

/// The digits of a digest `sha256:…`.
pub(super) fn hex(digest: &str) -> &str {
    digest.strip_prefix("sha256:").unwrap_or(digest)
}

/// Writes a document as a blob, and returns its descriptor.
fn put(blobs: &Path, kind: &str, document: &Value) -> Result<Value, Error> {
    let text = document.to_string();
    let digest = hexadecimal(&Sha256::digest(&text));
    let file = blobs.join(&digest);
    fs::write(&file, &text).map_err(Error::file("write", &file))?;
    Ok(json!({"mediaType": kind, "digest": format!("sha256:{digest}"), "size": text.len()}))
}

fn read(file: &Path) -> Result<Value, Error> {
    let text = fs::read(file).map_err(Error::file("read", file))?;
    serde_json::from_slice(&text).map_err(|error| Error::file("read", file)(error.into()))
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::layer::{LayerWriter, ROOT};
    use super::*;

    /// An image of two small layers.
    pub(in super::super) fn image(folder: &Path) -> Image {
        let parts = ["one", "two"].map(|name| {
            let folder = folder.join(name);
            fs::create_dir(&folder).unwrap();
            let mut layer = LayerWriter::create(&folder).unwrap();
            layer.file(name, 0o644, ROOT, name.as_bytes()).unwrap();
            layer.finish().unwrap()
        });
        let settings = Settings {
            entrypoint: &["/one"],
            user: "999:999",
            ports: &[5432],
            ..Settings::default()
        };
        let layout = folder.join("layout");
        Image::write(&layout, "try", "1", &parts, &settings).unwrap();
        Image::open(&layout, "try", "1").unwrap()
    }

    #[test]
    fn every_blob_has_the_digest_it_is_named_by_and_the_size_it_is_listed_with() {
        let folder = tempfile::tempdir().unwrap();
        let image = image(folder.path());
        let manifest = read(&image.blob(&image.digest)).unwrap();
        let mut listed = vec![manifest["config"].clone()];
        listed.extend(manifest["layers"].as_array().unwrap().iter().cloned());
        assert_eq!(listed.len(), 3);
        for part in listed {
            let file = image.blob(part["digest"].as_str().unwrap());
            assert_eq!(fs::metadata(file).unwrap().len(), part["size"].as_u64().unwrap());
        }
        for blob in fs::read_dir(image.folder.join("blobs/sha256")).unwrap() {
            let blob = blob.unwrap().path();
            let digest = hexadecimal(&Sha256::digest(fs::read(&blob).unwrap()));
            assert_eq!(blob.file_name().unwrap(), &*digest);
        }
    }

    #[test]
    fn the_configuration_lists_layers_in_order_and_only_what_was_set() {
        let folder = tempfile::tempdir().unwrap();
        let image = image(folder.path());
        let parts = image.parts().unwrap();
        let configuration = read(&image.blob(&parts[0])).unwrap();
        assert_eq!(configuration["rootfs"]["diff_ids"], json!(parts[1..]));
        let expected = json!({"User": "999:999", "ExposedPorts": {"5432/tcp": {}}, "Entrypoint": ["/one"]});
        assert_eq!(configuration["config"], expected);
    }

    #[test]
    fn the_same_image_has_the_same_digest() {
        let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
        assert_eq!(image(folders[0].path()).digest, image(folders[1].path()).digest);
    }
}
