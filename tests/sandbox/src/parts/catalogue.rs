//! The images there are, as their official counterparts have them where there is one: names, users, ports, folders.

use super::image::Settings;
use super::layer::{Owner, ROOT};

/// An image of the catalogue.
pub(super) struct Recipe {
    pub name: &'static str,
    pub tag: &'static str,
    /// Debian packages; with none, the image has nothing of Debian.
    pub packages: &'static [&'static str],
    /// What is in the image besides.
    pub content: &'static [Content],
    /// A user that the image knows by name: name, number, home.
    pub account: Option<(&'static str, u32, &'static str)>,
    /// How its containers start.
    pub settings: Settings<'static>,
}

/// Something in an image's own layer.
pub(super) enum Content {
    /// A folder: path, mode, owner.
    Folder(&'static str, u32, Owner),
    /// A script: path, text.
    Script(&'static str, &'static str),
    /// A symbolic link: path, target.
    Link(&'static str, &'static str),
    /// A program of the parts: path, name.
    Program(&'static str, &'static str),
    /// A folder of the parts with all that is in it: path, name, owner.
    Tree(&'static str, &'static str, Owner),
    /// Links named after everything that busybox can do, in this folder.
    Applets(&'static str),
}

use Content::{Applets, Folder, Link, Program, Script, Tree};

const NOBODY: Owner = (65534, 65534);
const POSTGRES: Owner = (999, 999);
const REDIS: Owner = (999, 999);
const KEYCLOAK: Owner = (1000, 1000);
const LOKI: Owner = (10001, 10001);
const PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const TEMPORARY: Content = Folder("tmp", 0o1777, ROOT);

const NOTHING: Recipe = Recipe {
    name: "",
    tag: "",
    packages: &[],
    content: &[],
    account: None,
    settings: Settings {
        entrypoint: &[],
        command: &[],
        environment: &[PATH],
        user: "",
        directory: "",
        ports: &[],
        volumes: &[],
        stop_signal: "",
        labels: &[],
    },
};

/// Every image, those first that a node needs first.
pub(super) const IMAGES: [Recipe; 15] = [
    Recipe {
        name: "pause",
        tag: "1",
        content: &[Program("pause", "pause")],
        settings: Settings {
            entrypoint: &["/pause"],
            user: "65535:65535",
            ..NOTHING.settings
        },
        ..NOTHING
    },
    Recipe {
        name: "busybox",
        tag: "1.35",
        content: &[
            Program("bin/busybox", "busybox"),
            Applets("bin"),
            Folder("usr/bin", 0o755, ROOT),
            Link("usr/bin/env", "/bin/env"),
            TEMPORARY,
        ],
        account: Some(("busybox", 1000, "/")),
        settings: Settings {
            command: &["sh"],
            ..NOTHING.settings
        },
        ..NOTHING
    },
    Recipe {
        name: "coredns",
        tag: "1.15.0",
        content: &[Program("coredns", "coredns"), TEMPORARY],
        settings: Settings {
            entrypoint: &["/coredns"],
            user: "65532:65532",
            ports: &[53],
            ..NOTHING.settings
        },
        ..NOTHING
    },
    Recipe {
        name: "local-path-provisioner",
        tag: "0.0.30",
        content: &[
            Program("usr/bin/local-path-provisioner", "local-path-provisioner"),
            TEMPORARY,
        ],
        settings: Settings {
            entrypoint: &["local-path-provisioner"],
            ..NOTHING.settings
        },
        ..NOTHING
    },
    Recipe {
        name: "metrics-server",
        tag: "0.9.0",
        content: &[Program("metrics-server", "metrics-server"), TEMPORARY],
        settings: Settings {
            entrypoint: &["/metrics-server"],
            user: "65534:65534",
            ..NOTHING.settings
        },
        ..NOTHING
    },
    Recipe {
        name: "postgres",
        tag: "15",
        packages: &["postgresql-15"],
        content: &[
            Script(
                "usr/local/bin/docker-entrypoint.sh",
                include_str!("../../images/postgres/entrypoint.sh"),
            ),
            Folder("docker-entrypoint-initdb.d", 0o755, ROOT),
            Folder("run/postgresql", 0o3775, POSTGRES),
            Folder("var/lib/postgresql", 0o755, POSTGRES),
            Folder("var/lib/postgresql/data", 0o1777, POSTGRES),
        ],
        account: Some(("postgres", 999, "/var/lib/postgresql")),
        settings: Settings {
            entrypoint: &["docker-entrypoint.sh"],
            command: &["postgres"],
            environment: &[
                "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/lib/postgresql/15/bin",
                // The one locale that needs no package.
                "LANG=C.UTF-8",
                "PG_MAJOR=15",
                "PGDATA=/var/lib/postgresql/data",
            ],
            ports: &[5432],
            volumes: &["/var/lib/postgresql/data"],
            // A fast shutdown: SIGTERM would wait for clients to leave.
            stop_signal: "SIGINT",
            ..NOTHING.settings
        },
    },
    Recipe {
        name: "redis",
        tag: "7",
        packages: &["redis-server"],
        content: &[
            Script(
                "usr/local/bin/docker-entrypoint.sh",
                include_str!("../../images/redis/entrypoint.sh"),
            ),
            Folder("data", 0o755, REDIS),
        ],
        account: Some(("redis", 999, "/data")),
        settings: Settings {
            entrypoint: &["docker-entrypoint.sh"],
            command: &["redis-server"],
            directory: "/data",
            ports: &[6379],
            volumes: &["/data"],
            ..NOTHING.settings
        },
    },
    Recipe {
        name: "prometheus",
        tag: "2.42",
        packages: &["prometheus"],
        content: &[Folder("prometheus", 0o755, NOBODY)],
        settings: Settings {
            entrypoint: &["/bin/prometheus"],
            command: &[
                "--config.file=/etc/prometheus/prometheus.yml",
                "--storage.tsdb.path=/prometheus",
            ],
            user: "nobody",
            directory: "/prometheus",
            ports: &[9090],
            volumes: &["/prometheus"],
            ..NOTHING.settings
        },
        ..NOTHING
    },
    Recipe {
        name: "alertmanager",
        tag: "0.25",
        packages: &["prometheus-alertmanager"],
        content: &[
            Folder("alertmanager", 0o755, NOBODY),
            Link("etc/alertmanager", "prometheus"),
            Link("usr/bin/alertmanager", "prometheus-alertmanager"),
        ],
        settings: Settings {
            entrypoint: &["/bin/alertmanager"],
            command: &[
                "--config.file=/etc/alertmanager/alertmanager.yml",
                "--storage.path=/alertmanager",
            ],
            user: "nobody",
            directory: "/alertmanager",
            ports: &[9093],
            volumes: &["/alertmanager"],
            ..NOTHING.settings
        },
        ..NOTHING
    },
    Recipe {
        name: "postgres-exporter",
        tag: "0.11",
        packages: EXPORTERS,
        content: &[Link("usr/bin/postgres_exporter", "prometheus-postgres-exporter")],
        settings: Settings {
            entrypoint: &["/bin/postgres_exporter"],
            user: "nobody",
            ports: &[9187],
            ..NOTHING.settings
        },
        ..NOTHING
    },
    Recipe {
        name: "redis-exporter",
        tag: "1.45",
        packages: EXPORTERS,
        content: &[Link("redis_exporter", "/usr/bin/prometheus-redis-exporter")],
        settings: Settings {
            entrypoint: &["/redis_exporter"],
            user: "59000:59000",
            ports: &[9121],
            ..NOTHING.settings
        },
        ..NOTHING
    },
    Recipe {
        name: "blackbox-exporter",
        tag: "0.23",
        packages: &["prometheus-blackbox-exporter"],
        content: &[Link("usr/bin/blackbox_exporter", "prometheus-blackbox-exporter")],
        settings: Settings {
            entrypoint: &["/bin/blackbox_exporter"],
            command: &["--config.file=/etc/blackbox_exporter/config.yml"],
            user: "nobody",
            ports: &[9115],
            ..NOTHING.settings
        },
        ..NOTHING
    },
    Recipe {
        name: "loki",
        tag: "3.7.8",
        content: &[Program("usr/bin/loki", "loki"), Folder("loki", 0o755, LOKI), TEMPORARY],
        account: Some(("loki", 10001, "/loki")),
        settings: Settings {
            entrypoint: &["/usr/bin/loki"],
            command: &["-config.file=/etc/loki/config.yaml"],
            user: "10001:10001",
            ports: &[3100],
            ..NOTHING.settings
        },
        ..NOTHING
    },
    Recipe {
        name: "zipkin",
        tag: "3.5.1",
        packages: &["openjdk-17-jre-headless"],
        content: &[
            Program("zipkin/zipkin.jar", "zipkin.jar"),
            Program("etc/ssl/certs/java/cacerts", "cacerts"),
            TEMPORARY,
        ],
        account: Some(("zipkin", 1000, "/zipkin")),
        settings: Settings {
            entrypoint: &["/usr/lib/jvm/java-17-openjdk-amd64/bin/java"],
            command: &["-jar", "/zipkin/zipkin.jar"],
            environment: &[PATH, "LANG=C.UTF-8"],
            user: "1000:1000",
            directory: "/zipkin",
            ports: &[9411],
            ..NOTHING.settings
        },
    },
    Recipe {
        name: "keycloak",
        tag: "26.7.3",
        packages: &["openjdk-17-jre-headless"],
        content: &[
            Tree("opt/keycloak", "keycloak", KEYCLOAK),
            // Java's list of authorities, which a maintainer script would have made: it does not start without one.
            Program("etc/ssl/certs/java/cacerts", "cacerts"),
            TEMPORARY,
        ],
        account: Some(("keycloak", 1000, "/opt/keycloak")),
        settings: Settings {
            entrypoint: &["/opt/keycloak/bin/kc.sh"],
            environment: &[PATH, "JAVA_HOME=/usr/lib/jvm/java-17-openjdk-amd64", "LANG=C.UTF-8"],
            user: "1000:1000",
            directory: "/opt/keycloak",
            ports: &[8080, 9000],
            ..NOTHING.settings
        },
    },
];

/// Both exporters share a layer: a node that runs one usually runs the other.
const EXPORTERS: &[&str] = &["prometheus-postgres-exporter", "prometheus-redis-exporter"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_image_has_its_own_name_and_a_tag_that_pods_do_not_pull_again() {
        let mut names: Vec<_> = IMAGES.iter().map(|recipe| recipe.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), IMAGES.len());
        assert!(
            IMAGES
                .iter()
                .all(|recipe| !recipe.tag.is_empty() && recipe.tag != "latest")
        );
    }

    #[test]
    fn data_folders_of_an_image_are_in_it_and_belong_to_its_user() {
        for recipe in &IMAGES {
            for volume in recipe.settings.volumes {
                let owner = recipe.content.iter().find_map(|content| match content {
                    Folder(path, _, owner) if *path == volume.trim_start_matches('/') => Some(owner.0),
                    _ => None,
                });
                let expected = recipe.account.map_or(NOBODY.0, |(_, number, _)| number);
                assert_eq!(owner, Some(expected), "{} of {}", volume, recipe.name);
            }
        }
    }
}
