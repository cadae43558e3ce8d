//! Whatever a file says, reading it ends in a configuration or in a message.

use proptest::prelude::*;

use super::Site;
use crate::config::ini::Ini;
use crate::config::options::Kind;

/// A line that is nearly right.
fn line() -> impl Strategy<Value = String> {
    let keys: Vec<&'static str> = Kind::ALL
        .into_iter()
        .flat_map(|kind| kind.rows().map(|row| row.key))
        .collect();
    let sections = prop::sample::select(vec![
        "supervisord",
        "program:x",
        "program:y",
        "eventlistener:e",
        "fcgi-program:f",
        "group:g",
        "include",
        "inet_http_server",
        "unix_http_server",
        "rpcinterface:supervisor",
        "DEFAULT",
    ]);
    let values = prop_oneof![
        "[a-zA-Z0-9 ,:=;#'\"%()./_-]{0,16}",
        prop::sample::select(vec![
            "x",
            "true",
            "7",
            "-1",
            "x,y",
            "5MB",
            "%(here)s",
            "%(process_num)02d",
            "AUTO",
            "TICK",
            "A=\"1\",B=2",
            "unix:///x",
            "0700",
            "root",
            "*:9001",
        ])
        .prop_map(str::to_owned),
    ];
    prop_oneof![
        1 => sections.prop_map(|section| format!("[{section}]")),
        4 => (prop::sample::select(keys), values).prop_map(|(key, value)| format!("{key}={value}")),
        1 => "[ \\t]*[a-z=\\[\\];#]{0,8}",
    ]
}

proptest! {
    #[test]
    fn no_file_panics(lines in prop::collection::vec(line(), 0..24)) {
        let site = Site::running(&lines.join("\n"));
        let report = site.check();
        prop_assert_eq!(site.load().is_ok(), report.is_ok(), "{}", report);
    }

    #[test]
    fn no_text_panics(text in any::<String>()) {
        let _ = Ini::default().read(&text, "file");
    }

    #[test]
    fn plain_options_come_back(
        sections in prop::collection::btree_map(
            "[a-z:]{1,8}",
            prop::collection::btree_map("[a-z_]{1,8}", "([a-zA-Z0-9/.%]([a-zA-Z0-9=/.%]|[a-z][;#]| [a-z])*)?", 0..5),
            0..5,
        )
    ) {
        let mut text = String::new();
        for (name, options) in &sections {
            text += &format!("[{name}]\n");
            for (key, value) in options {
                text += &format!("{key} = {value}\n");
            }
        }
        let mut ini = Ini::default();
        ini.read(&text, "file").unwrap();
        for (name, options) in &sections {
            let section = ini.section(name).unwrap();
            for (key, value) in options {
                prop_assert_eq!(&section.get(key).unwrap().value, value);
            }
        }
    }
}
