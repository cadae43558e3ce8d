"""Runs Salt's `supervisord` execution module and state module without the rest of Salt.

Arguments: the source archive of Salt, the path of supervisorctl, the configuration, and the calls as
JSON: [[module, function, {arguments}], …], where module is `modules` or `states`. Prints their results
as JSON, with pids and times taken out.
"""

import json
import re
import subprocess
import sys
import tarfile
import types

archive, supervisorctl, configuration, calls = sys.argv[1:]


def stub(name, **members):
    module = types.ModuleType(name)
    module.__dict__.update(members)
    sys.modules[name] = module
    return module


class CommandExecutionError(Exception):
    pass


class CommandNotFoundError(Exception):
    pass


stub("salt")
stub("salt.utils")
stub("salt.utils.stringutils", to_num=lambda text: text)
stub(
    "salt.exceptions",
    CommandExecutionError=CommandExecutionError,
    CommandNotFoundError=CommandNotFoundError,
)


def run_all(command, runas=None, python_shell=False):
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    return {
        "retcode": done.returncode,
        "stdout": done.stdout.rstrip("\n"),
        "stderr": done.stderr.rstrip("\n"),
    }


functions = {"cmd.run_all": run_all}


def load(tar, kind):
    [member] = [m for m in tar.getnames() if m.endswith(f"/salt/{kind}/supervisord.py")]
    module = types.ModuleType(f"salt.{kind}.supervisord")
    module.__dict__.update(__salt__=functions, __opts__={"test": False})
    exec(compile(tar.extractfile(member).read(), member, "exec"), module.__dict__)
    return module


with tarfile.open(archive) as tar:
    loaded = {kind: load(tar, kind) for kind in ("modules", "states")}
for name, function in vars(loaded["modules"]).items():
    if callable(function) and not name.startswith("_"):
        functions[f"supervisord.{name}"] = function


def steady(text):
    text = re.sub(r"pid \d+, uptime [0-9:]+", "pid P, uptime T", text)
    return re.sub(r"[A-Z][a-z]{2} \d\d \d\d:\d\d [AP]M", "DATE", text)


def call(kind, name, arguments):
    function = getattr(loaded[kind], name)
    try:
        return function(conf_file=configuration, bin_env=supervisorctl, **arguments)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


results = [call(*one) for one in json.loads(calls)]
print(steady(json.dumps(results)))
