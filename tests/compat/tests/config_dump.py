"""Reads configuration files with the real Supervisor and prints what it makes of them, as JSON.

Usage: config_dump.py FILE...; one JSON object, by file name. A file that is refused has only "error".
"""

import json
import os
import sys
import warnings

from supervisor import datatypes, events, options


class Refused(Exception):
    pass


def log_file(value, directory):
    if value is datatypes.Automatic:
        return "AUTO"
    if not value:
        return None
    return os.path.normpath(os.path.join(directory, value))


def process(config, directory):
    autorestart = {
        datatypes.RestartWhenExitUnexpected: "unexpected",
        datatypes.RestartUnconditionally: "true",
    }.get(config.autorestart, "false")
    plain = (
        "name command directory umask priority autostart startsecs startretries stopwaitsecs "
        "stopasgroup killasgroup exitcodes redirect_stderr environment serverurl"
    ).split()
    values = {name: getattr(config, name) for name in plain}
    values["uid"] = config.uid
    values["autorestart"] = autorestart
    values["stopsignal"] = int(config.stopsignal)
    for stream in ("stdout", "stderr"):
        logfile = getattr(config, stream + "_logfile")
        values[stream] = {"logfile": log_file(logfile, directory)}
        for name in "logfile_maxbytes logfile_backups capture_maxbytes events_enabled syslog".split():
            values[stream][name] = getattr(config, stream + "_" + name)
    return values


def group(config, directory):
    values = {
        "name": config.name,
        "priority": config.priority,
        "processes": [process(p, directory) for p in sorted(config.process_configs)],
        "kind": "programs",
    }
    if isinstance(config, options.EventListenerPoolConfig):
        values["kind"] = "listeners"
        values["buffer_size"] = config.buffer_size
        values["events"] = sorted(
            events.getEventNameByType(event) for event in config.pool_events
        )
    elif isinstance(config, options.FastCGIGroupConfig):
        values["kind"] = "fcgi"
        socket = config.socket_config
        values["url"] = socket.url
        values["backlog"] = socket.get_backlog()
        if isinstance(socket, datatypes.UnixStreamSocketConfig):
            values["mode"] = socket.mode
            values["owner"] = list(socket.owner) if socket.owner else None
    return values


def server(config):
    values = {
        "section": config["section"],
        "login": [config["username"], config["password"]] if config["username"] else None,
    }
    if "file" in config:
        values["file"] = config["file"]
        values["mode"] = config["chmod"]
        values["owner"] = None if config["chown"] == (-1, -1) else list(config["chown"])
    else:
        values["host"] = config["host"]
        values["port"] = config["port"]
    return values


def read(path):
    reader = options.ServerOptions()

    def usage(message):
        raise Refused(message)

    reader.usage = usage
    try:
        reader.realize(["-c", path], doc="", progname="supervisord")
    except Refused as refused:
        return {"error": str(refused)}
    plain = (
        "logfile logfile_maxbytes logfile_backups loglevel pidfile umask nodaemon silent minfds "
        "minprocs nocleanup childlogdir strip_ansi identifier directory"
    ).split()
    supervisord = {name: getattr(reader, name) for name in plain}
    supervisord["environment"] = reader.configroot.supervisord.environment
    supervisord["childlogdir"] = os.path.normpath(reader.childlogdir)
    supervisord["uid"] = reader.uid if hasattr(reader, "uid") else None
    # Where the daemon is when it opens the logs of its children.
    directory = os.getcwd()
    if reader.directory and not reader.nodaemon:
        directory = reader.directory
    return {
        "supervisord": supervisord,
        "groups": [group(config, directory) for config in reader.process_group_configs],
        "servers": [server(config) for config in reader.server_configs],
        "warnings": list(reader.parse_warnings),
        "infos": list(reader.parse_infos),
    }


warnings.simplefilter("ignore")
print(json.dumps({path: read(path) for path in sys.argv[1:]}))
