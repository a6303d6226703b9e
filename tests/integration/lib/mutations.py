r"""Spoils a message of ours in every way that a consumer could not live with: a member is missing or called otherwise, a value
is of another kind, a word is none of the contract's, a number or a time cannot be.

    for path, what, message in mutations(event, optional=r"traceparent|data\.job_id", free=r"data\.client_id"):

`optional`: members that may be absent. `free`: members whose text is not ours. Both are patterns of whole paths."""
import copy
import re

TIME = re.compile(r"\d{4}-\d\d-\d\dT")
WORD = re.compile(r"[a-z_]+|[A-Z_0-9]+|[\w.:/-]*\d[\w.:/-]*")


def of_another_kind(value):
    if isinstance(value, bool):
        return "yes"
    if isinstance(value, str):
        return 7
    if isinstance(value, (int, float)):
        return "seven"
    if value is None:
        return {"unheard": "of"}
    return "text" if isinstance(value, (list, dict)) else None


def spoiled_values(value, is_free):
    """(what was done, what stands there instead)"""
    yield "of another kind", of_another_kind(value)
    if isinstance(value, str) and TIME.match(value):
        yield "no time", value.replace("T", " ", 1)
        yield "no time", value[:-1] + "+02:00"
    elif isinstance(value, str) and not is_free and WORD.fullmatch(value):
        yield "no such word", value + "~"
        yield "no such word", value.swapcase() + "~"
    elif isinstance(value, int) and not isinstance(value, bool):
        yield "below nothing", -1 - value
        yield "a part of it", value + 0.5


def walk(value, path=()):
    yield path, value
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from walk(item, (*path, key))


def place(message, path):
    for step in path:
        message = message[step]
    return message


def mutations(message, optional="", free=""):
    for path, value in walk(message):
        if not path:
            continue
        *above, last = path
        dotted = ".".join(map(str, path))
        for what, instead in spoiled_values(value, re.fullmatch(free, dotted)):
            out = copy.deepcopy(message)
            place(out, above)[last] = instead
            yield dotted, f"{what}: {instead!r}", out
        if isinstance(last, str) and not re.fullmatch(optional, dotted):
            out = copy.deepcopy(message)
            del place(out, above)[last]
            yield dotted, "missing", out
            out = copy.deepcopy(message)
            place(out, above)[last + "s"] = place(out, above).pop(last)
            yield dotted, f"called {last}s", out


def additions(message):
    """The message with one more member, at each place that has members."""
    for path, value in walk(message):
        if isinstance(value, dict):
            out = copy.deepcopy(message)
            place(out, path)["added_later"] = {"by": "a newer release"}
            yield ".".join(map(str, path)), out
