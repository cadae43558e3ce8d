"""Python's own reading of small texts, for comparison: INI, % formatting, words, environments, repr.

Reads a JSON object {kind: [text, ...]} and prints {kind: [result, ...]}.
"""

import configparser
import json
import shlex
import sys


def ini(text):
    parser = configparser.RawConfigParser(
        strict=False, inline_comment_prefixes=(";", "#"), interpolation=None
    )
    try:
        # As an open file would come, with all ends of lines made one.
        parser.read_string(text.replace("\r\n", "\n").replace("\r", "\n"))
    except configparser.Error as error:
        return {"error": str(error)}
    return {name: dict(parser.items(name)) for name in parser.sections()}


NAMES = {"s": "text", "q": "it's", "n": 7, "m": -42, "k": 1234567}


def percent(text):
    try:
        return text % NAMES
    except KeyError as error:
        return {"name": str(error)}
    except Exception as error:
        return {"error": str(error)}


def words(text):
    try:
        return shlex.split(text)
    except ValueError as error:
        return {"error": str(error)}


def environment(text):
    lexer = shlex.shlex(text, posix=True)
    lexer.wordchars += "/.+-():"
    try:
        tokens = list(lexer)
    except ValueError as error:
        return {"error": str(error)}
    pairs = {}
    for at in range(0, len(tokens), 4):
        group = tokens[at : at + 3]
        if len(group) != 3 or group[1] != "=":
            return {"error": "Unexpected end of key/value pairs in value '%s'" % text}
        pairs[group[0]] = group[2]
    return pairs


KINDS = {"ini": ini, "percent": percent, "words": words, "environment": environment, "repr": repr}
asked = json.load(sys.stdin)
print(json.dumps({kind: [KINDS[kind](text) for text in asked[kind]] for kind in asked}))
