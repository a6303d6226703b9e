"""The events of the log as the source writes them: word -> levels and fields, read from every call that logs."""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
LEVELS = ["debug", "info", "warn", "error"]
FAILURE = ["domain", "error_code", "error", "where", "native"]
ALWAYS = ["ts", "level", "event", "msg", "suppressed", "dropped", "truncated"]
# Functions of one file that hand an event on: where event and level stand among their arguments, and the level where it is fixed.
WRAPPERS = [("lib/drive/intake.c", "log_entry", 2, 1), ("worker/wire.c", "fail", 2, "error"), ("worker/cmd_run.c", "give_up", 2, "error")]


def arguments(text, at):
    """The arguments of the call whose opening bracket is at `at`."""
    depth, start, out, quoted = 0, at + 1, [], False
    for i in range(at, len(text)):
        c = text[i]
        if c == '"' and text[i - 1] != "\\":
            quoted = not quoted
        elif not quoted and c in "([{":
            depth += 1
        elif not quoted and c in ")]}":
            depth -= 1
            if depth == 0:
                return out + [text[start:i]]
        elif not quoted and c == "," and depth == 1:
            out.append(text[start:i])
            start = i + 1
    return out


def calls(text, function):
    """The arguments of every call of a function."""
    return [arguments(text, call.end() - 1) for call in re.finditer(r"\b" + function + r"\(", text)]


def words(text):
    return re.findall(r'"([a-z_]+)"', text)


def levels_in(text):
    return {word.lower() for word in re.findall(r"SV_LOG_(DEBUG|INFO|WARN|ERROR)\b", text)}


def fields_in(texts):
    return [key for text in texts for key in re.findall(r'SV_LOG_(?:STR|INT|BOOL)\(\s*"([a-z_0-9]+)"', text)]


def choice(text):
    """(condition, if, else) of `condition ? if : else`; None of anything else."""
    match = re.fullmatch(r"\s*(.+?)\s*\?\s*(.+?)\s*:\s*(.+?)\s*", text, re.S)
    return match.groups() if match else None


def told_by(level, event):
    """[(words, levels)]: where one condition chooses both, each word has its own level."""
    levels, events = choice(level), choice(event)
    if levels and events and levels[0] == events[0]:
        return [(words(events[i]), levels_in(levels[i])) for i in (1, 2)]
    return [(words(event), levels_in(level))]


class Table(dict):
    def add(self, names, levels, fields):
        for name in names:
            known_levels, known_fields = self.setdefault(name, (set(), []))
            known_levels |= levels
            known_fields += [field for field in fields if field not in known_fields]


def of_file(table, path):
    text = path.read_text()
    variables = words("".join(re.findall(r"const char \*event = [^;]*;", text)))
    handed_on = {"lines": [], "failures": False}
    for call in calls(text, "sv_log_line"):
        if words(call[2]):
            for names, levels in told_by(call[1], call[2]):
                table.add(names, levels, fields_in(call[4:]))
        elif variables and "event" in call[2]:
            table.add(variables, levels_in(call[1]), fields_in(call[4:]))
        elif path.name != "log.h":
            handed_on["lines"] += fields_in(call[4:])
    for call in calls(text, "sv_log_failure"):
        fields = FAILURE[1 if call[3].strip() == "NULL" else 0:]
        if words(call[2]):
            table.add(words(call[2]), levels_in(call[1]), fields)
        else:
            handed_on["lines"] += fields
    for file, function, event_at, level in WRAPPERS:
        if ROOT / file == path:
            for call in calls(text, function):
                levels = {level} if isinstance(level, str) else levels_in(call[level])
                table.add(words(call[event_at]), levels, handed_on["lines"])


def read():
    """{word: (levels, fields)}, each in order."""
    table = Table()
    for path in sorted([*(ROOT / "lib").rglob("*.c"), *(ROOT / "worker").rglob("*.c")]):
        if path.parts[-2] != "base":
            of_file(table, path)
    server = (ROOT / "lib/adapt/store/store_server.c").read_text()
    table.add(re.findall(r'\{SV_SERVER_\w+, \w+, "([a-z_]+)"', server), {"warn"}, [])
    table.add(["state"], {"info"}, ["*"])  # worker/dump.c: every counter
    return {name: (sorted(levels, key=LEVELS.index), fields) for name, (levels, fields) in table.items()}


if __name__ == "__main__":
    for name, (levels, fields) in sorted(read().items()):
        print(f"{name:32} {', '.join(levels):12} {' '.join(fields)}")
