//! Files as people write them. That they mean what they mean to Supervisor is compared in
//! `tests/compat`; here, that they can be read at all.

use std::fs;
use std::path::Path;

use super::{Site, data};

#[test]
fn every_file_of_the_corpus_can_be_read() {
    let mut count = 0;
    for entry in fs::read_dir(data("corpus")).unwrap() {
        let path = entry.unwrap().path();
        let mut site = Site::with("")
            .env("HOME", "/root")
            .env("PATH", "/bin")
            .env("APP_PORT", "8080")
            .env("NOVNC_PORT", "6080")
            .env("START_SECS", "5");
        if path.is_dir() {
            copy(&path, &site, "");
            fs::rename(site.dir.path().join("supervisord.conf"), site.path()).unwrap();
        } else {
            site = adapted(&path, site, "main.conf");
        }
        let report = site.check();
        assert!(report.is_ok(), "{}: {report}", path.display());
        count += 1;
    }
    assert!(count > 15, "only {count} files were read");
}

fn copy(from: &Path, site: &Site, below: &str) {
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("{below}{}", path.file_name().unwrap().to_str().unwrap());
        if path.is_dir() {
            copy(&path, site, &format!("{name}/"));
        } else {
            write_adapted(&path, site, &name);
        }
    }
}

fn adapted(path: &Path, site: Site, name: &str) -> Site {
    write_adapted(path, &site, name);
    site
}

/// Writes a copy in which `@ROOT@` is the site, with the directories that the file speaks of.
fn write_adapted(path: &Path, site: &Site, name: &str) {
    let text = fs::read_to_string(path).unwrap();
    for path in text.split("@ROOT@").skip(1) {
        let end = path.find([' ', ',', '"', '%', '\n']).unwrap_or(path.len());
        let path = site.dir.path().join(path[..end].trim_start_matches('/'));
        // One that ends in a slash is a directory itself.
        let directory = if path.to_str().unwrap().ends_with('/') {
            path.as_path()
        } else {
            path.parent().unwrap()
        };
        fs::create_dir_all(directory).unwrap();
    }
    let target = site.dir.path().join(name);
    fs::create_dir_all(target.parent().unwrap()).unwrap();
    fs::write(target, text.replace("@ROOT@", site.here())).unwrap();
}
