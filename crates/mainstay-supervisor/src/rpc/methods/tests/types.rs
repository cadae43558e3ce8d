//! Parameters of other types than a method asks for: what Python makes of them is made here, too.

use super::*;

fn double(number: f64) -> Value {
    Value::Double(number)
}

fn base64(text: &str) -> Value {
    Value::Base64(text.as_bytes().to_vec())
}

fn pair() -> Value {
    Value::record([("k", Value::Int(1))])
}

fn list() -> Value {
    Value::Array(vec![text("a")])
}

#[tokio::test]
async fn numbers_are_whatever_python_makes_an_int_of() {
    let fake = Fake::start();
    for (offset, expected) in [
        (text("7"), "\nwörld\n"),
        (text(" 8 "), "wörld\n"),
        (text("+8"), "wörld\n"),
        (text("1_1"), "rld\n"),
        (text("-4"), "rld\n"),
        (double(8.9), "wörld\n"),
        (double(-4.9), "rld\n"),
        (base64("8"), "wörld\n"),
        (text("99999999999"), ""),
    ] {
        for (method, name) in [("readLog", None), ("readProcessLog", Some("web"))] {
            let params: Vec<_> = name
                .map(text)
                .into_iter()
                .chain([offset.clone(), text("0")])
                .collect();
            let result = fake.call(&format!("supervisor.{method}"), params).await;
            assert_eq!(result, Ok(text(expected)), "{method} {offset:?}");
        }
    }
    let tail = [text("web"), text("0"), double(7.9)];
    assert_eq!(
        fake.call("supervisor.tailProcessLog", tail).await,
        Ok(Value::Array(vec![
            text("wörld\n"),
            Value::Int(15),
            Value::Bool(true)
        ]))
    );
}

#[tokio::test]
async fn what_is_no_number_is_a_fault_after_a_name_that_is_none() {
    let fake = Fake::start();
    for wrong in [
        text("x"),
        text(""),
        text("1.5"),
        text("0x1"),
        text("99999999999999999999"),
        double(1e30),
        double(f64::NAN),
        double(f64::INFINITY),
        Value::Nil,
        list(),
        pair(),
        Value::DateTime("20200101T00:00:00".to_owned()),
    ] {
        for (name, expected) in [
            ("web", "INCORRECT_PARAMETERS: offset must be an int"),
            ("x", "BAD_NAME: x"),
        ] {
            for method in ["readProcessLog", "tailProcessLog"] {
                let params = [text(name), wrong.clone(), Value::Int(0)];
                let result = fake.call(&format!("supervisor.{method}"), params).await;
                let fault = result.unwrap_err().to_string();
                assert_eq!(fault, expected, "{method} {wrong:?}");
            }
        }
    }
}

#[tokio::test]
async fn whether_to_wait_is_the_truth_of_any_value() {
    let fake = Fake::start();
    for (wait, expected) in [
        (text("1"), true),
        (text("0"), true),
        (text("false"), true),
        (text(""), false),
        (double(1.0), true),
        (double(0.0), false),
        (base64("0"), true),
        (base64(""), false),
        (Value::Nil, false),
        (list(), true),
        (Value::Array(Vec::new()), false),
        (pair(), true),
        (Value::Struct(Vec::new()), false),
        (Value::DateTime("20200101T00:00:00".to_owned()), true),
    ] {
        let params = [text("web"), wait.clone()];
        let result = fake.call("supervisor.startProcess", params).await;
        assert_eq!(result, Ok(Value::Bool(true)), "{wait:?}");
        assert_eq!(fake.told(), [format!("start web {expected}")], "{wait:?}");
    }
}

#[tokio::test]
async fn signals_are_numbers_of_any_kind() {
    let fake = Fake::start();
    for (signal, expected) in [
        (double(5.5), "signal web 5"),
        (Value::Bool(true), "signal web 1"),
        (base64("hup"), "signal web 1"),
    ] {
        let params = [text("web"), signal.clone()];
        let result = fake.call("supervisor.signalProcess", params).await;
        assert_eq!(result, Ok(Value::Bool(true)), "{signal:?}");
        assert_eq!(fake.told(), [expected], "{signal:?}");
    }
    for wrong in [Value::Nil, list(), pair()] {
        let params = [text("web"), wrong.clone()];
        let fault = fake.call("supervisor.signalProcess", params).await;
        let fault = fault.unwrap_err().to_string();
        assert_eq!(fault, "INCORRECT_PARAMETERS: signal must be a string");
    }
}

#[tokio::test]
async fn events_carry_anything_as_python_prints_it() {
    let fake = Fake::start();
    for (value, shown) in [
        (Value::Int(5), "5"),
        (double(5.0), "5.0"),
        (double(1e30), "1e+30"),
        (double(1e-7), "1e-07"),
        (double(f64::NAN), "nan"),
        (double(f64::NEG_INFINITY), "-inf"),
        (Value::Bool(true), "True"),
        (Value::Bool(false), "False"),
        (Value::Nil, "None"),
        (list(), "['a']"),
        (pair(), "{'k': 1}"),
        (
            Value::Array(vec![text("it's"), Value::Nil, pair(), base64("b")]),
            "[\"it's\", None, {'k': 1}, 'b']",
        ),
    ] {
        for params in [[text("t"), value.clone()], [value.clone(), text("t")]] {
            let (kind, data) = match params[0].as_str() {
                Some(_) => ("t", shown),
                None => (shown, "t"),
            };
            let result = fake.call("supervisor.sendRemoteCommEvent", params).await;
            assert_eq!(result, Ok(Value::Bool(true)), "{value:?}");
            assert_eq!(fake.told(), [format!("event {kind} {:?}", data.as_bytes())]);
        }
        // The standard input of a process takes text alone, and the fault shows the value.
        let params = [text("web"), value.clone()];
        let fault = fake.call("supervisor.sendProcessStdin", params).await;
        let expected = match value {
            Value::Nil => "INCORRECT_PARAMETERS".to_owned(),
            _ => format!("INCORRECT_PARAMETERS: {shown}"),
        };
        assert_eq!(fault.unwrap_err().to_string(), expected, "{value:?}");
    }
}

#[tokio::test]
async fn nothing_but_text_is_the_name_of_a_method() {
    let fake = Fake::start();
    for method in ["system.methodHelp", "system.methodSignature"] {
        for name in [Value::Int(5), Value::Nil, list(), pair()] {
            let fault = fake.call(method, [name.clone()]).await.unwrap_err();
            assert_eq!(fault.to_string(), "SIGNATURE_UNSUPPORTED", "{name:?}");
        }
    }
}

#[tokio::test]
async fn a_daemon_that_stops_says_so_before_it_looks_at_types() {
    let (handle, requests) = Handle::channel(1);
    drop(requests);
    let api = Api::new(handle, true);
    let call = async |method: &str, params: Vec<Value>| {
        let method = format!("supervisor.{method}");
        let fault = api.call(Call { method, params }).await.unwrap_err();
        fault.to_string()
    };
    for (method, params) in [
        ("addProcessGroup", vec![Value::Int(5)]),
        ("startProcess", vec![Value::Nil]),
        ("signalProcess", vec![text("web"), Value::Nil]),
        ("signalAllProcesses", vec![Value::Nil]),
        ("readLog", vec![text("x"), text("y")]),
        ("sendProcessStdin", vec![text("web"), Value::Int(5)]),
    ] {
        assert_eq!(call(method, params).await, "SHUTDOWN_STATE", "{method}");
    }
    // How many there are is looked at before that.
    assert_eq!(
        call("addProcessGroup", vec![]).await,
        "INCORRECT_PARAMETERS"
    );
}
