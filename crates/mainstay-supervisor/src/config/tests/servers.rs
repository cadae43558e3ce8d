//! Servers, interfaces and the client's section.

use super::Site;
use crate::config::{Address, Credentials, Ctl};

#[test]
fn inet_servers_come_first_each_kind_in_file_order() {
    let site = Site::running(
        "[unix_http_server]\nfile=a.sock\n[inet_http_server:z]\nport=*:1\n\
         [inet_http_server]\nport=Host:2\nusername=u\npassword=p\n\
         [unix_http_server:b]\nfile=/b\nchmod=0777\nchown=nobody:nogroup\nusername=\npassword=p\n",
    );
    let config = site.config();
    let sections: Vec<_> = config
        .servers
        .iter()
        .map(|server| server.section.as_str())
        .collect();
    assert_eq!(
        sections,
        [
            "inet_http_server:z",
            "inet_http_server",
            "unix_http_server",
            "unix_http_server:b"
        ]
    );
    let addresses: Vec<_> = config
        .servers
        .iter()
        .map(|server| (&server.address, &server.credentials))
        .collect();
    let login = Credentials {
        username: "u".into(),
        password: "p".into(),
    };
    let a = site.dir.path().join("a.sock");
    assert_eq!(
        addresses,
        [
            (
                &Address::Inet {
                    host: String::new(),
                    port: 1
                },
                &None
            ),
            (
                &Address::Inet {
                    host: "host".into(),
                    port: 2
                },
                &Some(login)
            ),
            (
                &Address::Unix {
                    path: a,
                    mode: 0o700,
                    owner: None
                },
                &None
            ),
            (
                &Address::Unix {
                    path: "/b".into(),
                    mode: 0o777,
                    owner: Some((65534, Some(65534)))
                },
                &None
            ),
        ]
    );
}

#[test]
fn links_act_only_where_that_is_asked_for() {
    let site = Site::running(
        "[unix_http_server]\nfile=a.sock\n[unix_http_server:b]\nfile=/b\nallow_actions_by_get=on\n\
         [inet_http_server]\nport=1\nallow_actions_by_get=true\n[inet_http_server:off]\nport=2\n\
         allow_actions_by_get=false\n",
    );
    let servers = site.config().servers;
    let by_get: Vec<_> = servers.iter().map(|it| it.allow_actions_by_get).collect();
    assert_eq!(by_get, [true, false, false, true]);

    let site = Site::running("[inet_http_server]\nport=1\nallow_actions_by_get=perhaps\n");
    assert_eq!(site.error().text(), "not a valid boolean value: 'perhaps'");
}

#[test]
fn the_interface_is_switched_on_by_its_section() {
    let factory =
        "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n";
    assert!(!Site::running("").config().rpc_interface);
    let site = Site::running(&format!("[rpcinterface:supervisor]\n{factory}"));
    assert!(site.config().rpc_interface);

    let site = Site::running(&format!("[rpcinterface:supervisor]\n{factory}retries=1\n"));
    assert_eq!(
        site.error().text(),
        "Could not make supervisor rpc interface"
    );
    // What stands in [DEFAULT] is in every section, here too.
    let site = Site::running(&format!(
        "[DEFAULT]\nstartsecs=1\n[rpcinterface:supervisor]\n{factory}"
    ));
    assert_eq!(
        site.error().text(),
        "Could not make supervisor rpc interface"
    );
    let site = Site::running(&format!("[rpcinterface:other]\n{factory}"));
    assert!(
        site.error()
            .text()
            .contains("cannot be resolved within [rpcinterface:other]")
    );
}

#[test]
fn passwords_are_not_shown() {
    let site = Site::running("[inet_http_server]\nport=1\nusername=u\npassword=hush\n");
    assert!(!format!("{:?}", site.config()).contains("hush"));
}

#[test]
fn the_section_of_the_client() {
    let site = Site::with("[supervisorctl]\n");
    assert_eq!(site.ctl().unwrap(), Ctl::default());
    assert_eq!(Ctl::default().serverurl, "http://localhost:9001");
    assert_eq!(Ctl::default().prompt, "supervisor");

    let site = Site::with(
        "[supervisorctl]\nserverurl=unix://~/x//s\nusername=\npassword=%(ENV_P)s\nprompt=my shell\n\
         history_file=~/.h\n",
    )
    .env("P", "secret");
    let ctl = site.ctl().unwrap();
    assert_eq!(ctl.serverurl, "unix:///home/app/x/s");
    assert_eq!(
        (ctl.username.as_deref(), ctl.password.as_deref()),
        (Some(""), Some("secret"))
    );
    assert_eq!(ctl.prompt, "my shell");
    assert_eq!(ctl.history_file.unwrap().to_str(), Some("/home/app/.h"));

    for (text, expected) in [
        (
            "[supervisord]\n",
            ".ini file does not include supervisorctl section",
        ),
        ("x\n", "File contains no section headers."),
        ("[supervisorctl]\nfoo\n", "Source contains parsing errors: "),
        (
            "[supervisorctl]\nprompt=%(here)s\n",
            "Format string '%(here)s' for 'supervisorctl.prompt'",
        ),
    ] {
        let error = Site::with(text).ctl().unwrap_err();
        assert!(error.text().starts_with(expected), "{error}");
    }
}

#[test]
fn without_any_file_the_client_has_its_defaults() {
    let dir = tempfile::tempdir().unwrap();
    let mut context = super::Context::bare(dir.path());
    context.program = dir.path().join("bin/mainstayctl");
    assert_eq!(super::load_ctl(None, &context).unwrap(), Ctl::default());
}
