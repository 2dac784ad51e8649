"""The mutants for people: which the suite found, by how many tests, and what it said."""

from __future__ import annotations

from typing import Any

from wireproof.tools.marks import Marks
from wireproof.tools.view import ladder, story

Event = dict[str, Any]


class MutantsView:
    """Prints a hunt: the header at once, the table when the summary comes."""

    def __init__(self, marks: Marks, verbose: bool = False):
        self.echo = marks.echo
        self.marks = marks
        self.verbose = verbose
        self.found: dict[str, Event] = {}

    def __call__(self, event: Event) -> None:
        match event["event"]:
            case "plan":
                self.echo(
                    f"wireproof {event['wireproof']} · spec {event['spec']} ({event['spec_hash']})"
                    f" · suite {event['suite']}"
                )
                self.echo(
                    f"plan {event['mutants']} mutants of the reference, {event['selected']} tests of {event['of']} each"
                    f" · {event['jobs']} processes"
                )
                self.echo()
            case "mutant":
                self.found[event["name"]] = event
            case "summary":
                self.table(event)

    def table(self, summary: Event) -> None:
        width = max((len(n) for n in self.found), default=0)
        for name in summary["order"]:
            event = self.found.get(name)
            if event is None:
                continue
            first = event["first"]
            mark = self.marks["pass" if event["found"] else "fail"]
            what = f"{first['rule'] or first['kind']}: {first['text']}" if first else event["error"] or "NOT FOUND"
            self.echo(f"  {mark} {name:<{width}}  {event['failed']:>5}  {_short(what, self.verbose)}")
            if self.verbose and first:
                self.echo(f"      {event['story']}")
                for line in [*story(first), *ladder(first, self.marks)]:
                    self.echo(f"      {line}")
        for name in summary["missed"]:
            event = self.found[name]
            self.echo()
            self.echo(f"{self.marks['fail']} mutant:{name} was not found: {event['story']}")
            self.echo(f"  {event['error'] or 'no selected test tells it from the reference'}")
        self.echo()
        verdict = (
            "PARTIAL" if summary["partial"] else "every mutant is found" if not summary["missed"] else "not all found"
        )
        self.echo(
            f"RESULT  {verdict} · {summary['found']} of {summary['mutants']} found · {summary['seconds']:.1f} s"
            f" · exit {summary['exit']}"
        )


def _short(text: str, whole: bool) -> str:
    return text if whole or len(text) <= 130 else text[:127] + "..."
