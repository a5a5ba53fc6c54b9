//! Makes the images of the catalogue, and images of single programs, out of layers.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

use super::Error;
use super::catalogue::{Content, IMAGES, Recipe};
use super::debian_layer;
use super::image::{Image, Settings};
use super::layer::{Layer, LayerWriter, ROOT};
use super::run::Runner;
use super::store::{Key, Store};

/// Programs by name.
pub(super) type Programs = BTreeMap<String, PathBuf>;

const PAUSE: &str = include_str!("../../images/pause/pause.c");

/// Debian's busybox, linked statically.
const BUSYBOX: &str = "/bin/busybox";

/// The authorities that Debian's Java trusts.
const CACERTS: &str = "/etc/ssl/certs/java/cacerts";

/// Makes the images of the catalogue; `programs` are the parts that were built before. An image of a program that nobody
/// asked for is left out.
pub(super) fn ensure(store: &Store, programs: &Programs) -> Result<(Layer, Vec<Image>), Error> {
    let mut programs = programs.clone();
    programs.insert("pause".into(), pause(store)?);
    programs.insert("busybox".into(), BUSYBOX.into());
    programs.insert("cacerts".into(), CACERTS.into());
    let base = debian_layer::base(store)?;
    let images = IMAGES
        .iter()
        .filter(|recipe| recipe.can_be_made(&programs))
        .map(|recipe| recipe.ensure(store, &programs, &base))
        .collect::<Result<_, _>>()?;
    Ok((base, images))
}

/// An image with one program on the base; not root.
pub(super) fn of_binary(
    store: &Store,
    base: &Layer,
    (name, tag): (&str, &str),
    binary: &Path,
    labels: &[(&str, &str)],
    environment: &[&str],
) -> Result<Image, Error> {
    let content = fs::read(binary).map_err(Error::file("read", binary))?;
    let path = format!(
        "usr/local/bin/{}",
        binary.file_name().unwrap_or_default().to_string_lossy()
    );
    let settings = Settings {
        entrypoint: &[&format!("/{path}")],
        environment,
        user: "10001:10001",
        labels,
        ..Settings::default()
    };
    let key = Key::of([
        path.as_bytes(),
        tag.as_bytes(),
        &Sha256::digest(&content),
        settings
            .configuration(std::slice::from_ref(base))
            .to_string()
            .as_bytes(),
    ]);
    let entry = format!("image-{name}");
    let folder = store.ensure(&entry, &key, |folder| {
        let mut layer = LayerWriter::create(folder)?;
        layer.file(&path, 0o755, ROOT, &content)?;
        Image::write(folder, name, tag, &[base.clone(), layer.finish()?], &settings)
    })?;
    // Such binaries change with every build.
    store.keep(5, &entry)?;
    Image::open(&folder, name, tag)
}

/// The program of the container that holds a pod together.
fn pause(store: &Store) -> Result<PathBuf, Error> {
    let folder = store.ensure("pause", &Key::of([PAUSE]), |folder| {
        let runner = Runner::new(store.root, "pause", store.progress)?;
        let source = folder.join("pause.c");
        fs::write(&source, PAUSE).map_err(Error::file("write", &source))?;
        let mut compiler = Command::new("gcc");
        compiler
            .args(["-static", "-Os", "-s", "-o", "pause", "pause.c"])
            .current_dir(folder);
        runner.run("compile pause", &mut compiler)
    })?;
    Ok(folder.join("pause"))
}

impl Recipe {
    /// Whether every program in it is among those that were asked for.
    fn can_be_made(&self, programs: &Programs) -> bool {
        self.content.iter().all(|content| match content {
            Content::Program(_, name) | Content::Tree(_, name, _) => programs.contains_key(*name),
            _ => true,
        })
    }

    fn ensure(&self, store: &Store, programs: &Programs, base: &Layer) -> Result<Image, Error> {
        let below = match self.packages {
            [] => vec![],
            packages => vec![base.clone(), debian_layer::packages(store, base, packages)?],
        };
        let key = self.key(programs, &below)?;
        let folder = store.ensure(&format!("image-{}", self.name), &key, |folder| {
            let mut layer = LayerWriter::create(folder)?;
            self.fill(&mut layer, programs)?;
            Image::write(
                folder,
                self.name,
                self.tag,
                &[below, vec![layer.finish()?]].concat(),
                &self.settings,
            )
        })?;
        Image::open(&folder, self.name, self.tag)
    }

    fn key(&self, programs: &Programs, below: &[Layer]) -> Result<Key, Error> {
        let mut inputs = vec![self.tag.to_owned(), self.settings.configuration(below).to_string()];
        if let Some((name, number, home)) = self.account {
            inputs.extend(debian_layer::accounts(name, number, home));
        }
        for content in self.content {
            inputs.push(match content {
                Content::Folder(path, mode, owner) => format!("{path} {mode} {owner:?}"),
                Content::Script(path, text) => format!("{path} {text}"),
                Content::Link(path, target) => format!("{path} {target}"),
                Content::Applets(path) => format!("{path} applets"),
                Content::Tree(path, name, owner) => format!("{path} {} {owner:?}", program(programs, name)?.display()),
                // The file's place tells its inputs, except for a program of the distribution.
                Content::Program(path, name) => {
                    let file = program(programs, name)?;
                    let size = fs::metadata(file).map_err(Error::file("read", file))?.len();
                    format!("{path} {} {size}", file.display())
                }
            });
        }
        Ok(Key::of(inputs))
    }

    fn fill(&self, layer: &mut LayerWriter, programs: &Programs) -> Result<(), Error> {
        if let Some((name, number, home)) = self.account {
            let [users, groups] = debian_layer::accounts(name, number, home);
            layer.file("etc/passwd", 0o644, ROOT, users.as_bytes())?;
            layer.file("etc/group", 0o644, ROOT, groups.as_bytes())?;
        }
        for content in self.content {
            match content {
                Content::Folder(path, mode, owner) => layer.directory(path, *mode, *owner)?,
                Content::Script(path, text) => layer.file(path, 0o755, ROOT, text.as_bytes())?,
                Content::Link(path, target) => layer.link(path, target)?,
                Content::Program(path, name) => {
                    let file = program(programs, name)?;
                    let bytes = fs::read(file).map_err(Error::file("read", file))?;
                    layer.file(path, 0o755, ROOT, &bytes)?;
                }
                Content::Tree(path, name, owner) => layer.tree(path, program(programs, name)?, *owner)?,
                Content::Applets(folder) => {
                    for applet in applets()? {
                        layer.link(&format!("{folder}/{applet}"), "busybox")?;
                    }
                }
            }
        }
        Ok(())
    }
}

fn program<'a>(programs: &'a Programs, name: &str) -> Result<&'a PathBuf, Error> {
    programs.get(name).ok_or_else(|| Error::Unknown {
        kind: "program",
        name: name.into(),
    })
}

/// Names of all that busybox can do, except its own.
fn applets() -> Result<Vec<String>, Error> {
    let purpose = "list what busybox can do";
    let listed = Command::new(BUSYBOX).arg("--list").output();
    let listed = listed.map_err(|source| Error::Start {
        program: "busybox".into(),
        purpose: purpose.into(),
        source,
    })?;
    let names = String::from_utf8_lossy(&listed.stdout);
    Ok(names
        .lines()
        .filter(|name| *name != "busybox")
        .map(str::to_owned)
        .collect())
}
