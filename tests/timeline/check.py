#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Is a timeline right?  check.py TIMELINE STATS ended|cut|any|loaded

The JSON parses; rows have names; begins and ends pair in each row, by name; times never go back; and the sums over its
events are what -stats says. A run that ended by itself has nothing open at its end, one that was cut has something. One
that was saved or loaded has no sums: saving reads disks, and loading maps before the timeline begins.
Prints one line for each thing that is wrong, and exits with 1 if there is any.
"""
import json
import re
import sys
from collections import defaultdict

wrong = []


def expect(good, what):
    if not good:
        wrong.append(what)


def check_rows(events):
    """Walks all events once; returns how many spans were closed by the end of the run."""
    names, stacks, last, closed = {}, defaultdict(list), defaultdict(float), 0
    for event in events:
        row = event["tid"]
        expect(event["pid"] > 0 and isinstance(event["ts"], float), "no place or time: %s" % event)
        if event["ph"] == "M":
            if event["name"] == "thread_name":
                expect(row not in names, "row %s is named twice" % row)
                names[row] = event["args"]["name"]
            continue
        expect(event["ph"] in "BEiC", "phase %s" % event["ph"])
        where = (event["ph"] == "C" and event["name"]) or row
        expect(event["ts"] >= last[where], "row %s goes back to %s" % (names.get(row), event["ts"]))
        last[where] = event["ts"]
        expect(event["ph"] == "C" or row in names, "an event in a row without a name: %s" % event)
        if event["ph"] == "B":
            stacks[row].append(event["name"])
        elif event["ph"] == "E":
            open_name = stacks[row].pop() if stacks[row] else None
            expect(open_name == event["name"], "%s ends where %s is open" % (event["name"], open_name))
            closed += "args" not in event
    for row, stack in stacks.items():
        expect(not stack, "%s: never ended: %s" % (names.get(row), stack))
    expect(len(set(names.values())) == len(names), "two rows of one name")
    return names, closed


def total(events, phase, cat, field=None, where=lambda args: True):
    chosen = [e["args"] for e in events if e["ph"] == phase and e.get("cat") == cat and where(e["args"])]
    return len(chosen) if field is None else sum(args[field] for args in chosen)


def check_sums(events, stats):
    """Each row of the table: a pattern with one number, in the text of -stats, and that number from the events."""
    made, curves = ("B", "dma.map"), [e["args"] for e in events if e["ph"] == "C"]
    table = {
        r"dma: (\d+) mappings": total(events, *made),
        r"mappings, (\d+) unmapped": total(events, "E", "dma.unmap"),
        r"dma: (\d+) bytes direct": total(events, *made, "got", lambda a: not a["bounce"]),
        r"(\d+) bytes in \d+ bounces": total(events, *made, "got", lambda a: a["bounce"]),
        r"bytes in (\d+) bounces": total(events, *made, None, lambda a: a["bounce"]),
        r"at the most (\d+) bounce bytes": max([c["bounced"] for c in curves] + [0]),
        r"dma: (\d+) maps came back short": total(events, *made, None, lambda a: a["got"] < a["asked"]),
        r"short, (\d+) empty": total(events, "i", "dma.map"),
        r"\((\d+) waits": total(events, "B", "dma.wait"),
        r"waits, (\d+) wakes": total(events, "E", "dma.wake"),
    }
    for pattern, counted in table.items():
        each = [int(found) for found in re.findall(pattern, stats)]  # of every device
        told = max(each) if "at the most" in pattern else sum(each)
        expect(each and told == counted, "%s: %s in -stats, %s here" % (pattern, told, counted))
    for disk in re.findall(r"^(\w+): \d+ reads", stats, re.M):
        check_disk(events, stats, disk)


def check_disk(events, stats, disk):
    found = re.search(r"^%s: (\d+) reads \((\d+) bytes\), (\d+) writes \((\d+) bytes\)" % disk, stats, re.M)
    calls = re.search(r"^%s: vectors .* (\d+) host calls" % disk, stats, re.M)
    for i, op in enumerate(("read", "write")):
        mine = lambda args: args["disk"] == disk and args["op"] == op
        expect(total(events, "i", "block.host", None, mine) == int(found[1 + 2 * i]), "%s: %ss" % (disk, op))
        expect(total(events, "i", "block.host", "moved", mine) == int(found[2 + 2 * i]), "%s: bytes of %ss" % (disk, op))
    counted = total(events, "i", "block.host", "calls", lambda args: args["disk"] == disk)
    expect(counted == int(calls[1]), "%s: host calls: %s in -stats, %s here" % (disk, calls[1], counted))


def main():
    with open(sys.argv[1]) as file:
        events = json.load(file)["traceEvents"]
    with open(sys.argv[2]) as file:
        stats = file.read()
    kind = sys.argv[3]
    names, closed = check_rows(events)
    if kind != "loaded":
        check_sums(events, stats)
    for row in ("piix3-ide", "ide0.dma", "ide0-hd0", "hda"):
        expect(row in names.values() or kind == "any", "no row %s" % row)
    expect(closed == 0 or kind != "ended", "%d spans were left open" % closed)
    expect(closed > 0 or kind != "cut", "nothing was under way when the run was cut")
    for text in wrong[:10]:
        print(text)
    print("%d events, %d rows, %d wrong" % (len(events), len(names), len(wrong)))
    sys.exit(bool(wrong))


main()
