"""Finding test cases: breadth-first search over the reference with stimuli that know the state.

A node is a path of steps from nothing; two paths are the same node when the configurations they lead to look alike.
At every node every stimulus is tried. What the last step made fire, in which state, is what a path covers.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from wireproof.conformance import alphabet
from wireproof.conformance.targets.reference import ReferenceSession, ReferenceTarget
from wireproof.conformance.testcase import Step, TestCase
from wireproof.conformance.tester import Settings, Tester, Unreachable
from wireproof.reference.host import SYNCHRONIZED

MAX_DEPTH = 9
MAX_NODES = 1200
MAX_VARIANT_NODES = 150


@dataclass(slots=True)
class Node:
    """A path, and what is known after it."""

    steps: list[Step]
    names: list[str]
    mode: str
    """``active``, ``passive`` or ``closed`` (no handle)."""
    state: str
    accepted: bool
    released: bool
    key: Any
    rules: list[str] = field(default_factory=list)
    """What the last step made fire."""
    before: str = ""
    """The state before the last step."""
    now: int = 0
    variant: str = ""
    """What was set before the first step; its nodes are counted apart."""


class Explorer:
    """Runs paths on the reference under the oracle. Raises AssertionError when the oracle refuses the reference:
    then one of the three (specification, reference, oracle) is wrong, and no suite can be made."""

    def __init__(self, settings: Settings, target: ReferenceTarget):
        self.settings = settings
        self.target = target

    def run(self, steps: list[Step], mode: str) -> tuple[Tester, ReferenceSession, list[str], str, bool] | None:
        """Run a path; None when a step cannot be reached. The rules fired by the last step, the state before it, and
        whether its connection is still there."""
        session = self.target.session()
        tester = Tester(session, self.settings)
        key = own_key(session)
        before = ""
        for i, step in enumerate(steps):
            if i == len(steps) - 1:
                c = tester.oracle.configuration(key)
                before = c.state if c is not None else ("LISTEN" if tester.oracle.listeners else "CLOSED")
            try:
                for until in tester.step(step):
                    session.pass_time(until)
            except Unreachable:
                return None
            if tester.oracle.refusal is not None:
                self.complain(steps, tester)
        rules = [r for s in tester.oracle.steps[tester.begun :] for r in s.rules]
        return tester, session, rules, before, key in tester.oracle.judges

    def complain(self, steps: list[Step], tester: Tester) -> None:
        r = tester.oracle.refusal
        assert r is not None
        raise AssertionError(f"the oracle refuses the reference: {r.rule}: {r.text}\n  steps: {steps}")

    def aftermath(self, tester: Tester, session: ReferenceSession, steps: list[Step]) -> None:
        """What every test does after its last step must be accepted too."""
        for until in tester.aftermath():
            session.pass_time(until)
        if tester.oracle.refusal is not None:
            self.complain(steps, tester)


def own_key(session: ReferenceSession) -> tuple[bytes, int, bytes, int]:
    """The connection that a path is about."""
    return (session.local, session.local_port, session.remote, session.remote_port)


def handle(node: Node) -> int:
    """The handle that calls are made on."""
    return 2 if node.mode == "passive" and node.accepted else 1


def stimuli(node: Node) -> Iterator[tuple[str, Step]]:
    """What to try next."""
    if node.mode == "passive" and not node.accepted and node.state in SYNCHRONIZED:
        yield "accept", {"call": "accept", "h": 1, "new": 2}
    listening = node.mode == "passive" and not node.accepted
    if not node.released and not (listening and node.state not in ("LISTEN", "CLOSED")):
        for name, step in alphabet.calls(handle(node)).items():
            if name == "open-active" and listening and node.state != "LISTEN":
                continue
            yield name, step
    if node.mode == "closed":
        yield from alphabet.OPENINGS.items()
    yield from alphabet.SEGMENTS.items()
    if node.state not in ("CLOSED", "LISTEN"):
        yield from alphabet.ICMP.items()
        yield from alphabet.TIME.items()


def look(tester: Tester, session: ReferenceSession, mode: str, accepted: bool, released: bool) -> tuple[str, Any]:
    """The state, and what tells one node from another."""
    key = own_key(session)
    c = tester.oracle.configuration(key)
    if c is None:
        judge = tester.oracle.detached.get(2 if accepted and mode == "passive" else 1)
        error = judge.configs[0].error if judge is not None else ""
        data = bool(judge is not None and judge.configs[0].rcv_data)
        state = "LISTEN" if tester.oracle.listeners else "CLOSED"
        return state, (mode, state, accepted, released, error, data)
    return c.state, (
        mode,
        c.state,
        accepted,
        released,
        c.passive,
        c.snd_fin,
        min((c.snd_nxt - c.snd_una) & 0xFFFFFFFF, 2),
        len(c.snd_data) > 0,
        c.snd_wnd == 0,
        c.snd_wnd < 536,
        bool(c.rcv_data),
        bool(c.rcv_held),
        c.fin_known,
        c.rcv_urgent,
        c.snd_urgent,
        min(c.dupacks, 3),
        c.recovering,
        min(c.retries, 2),
        min(c.probes, 3),
        c.keep_alive,
        c.keep_idle < 10_000_000,
        c.nodelay_set,
        c.persist_from >= 0,
        c.overridden,
        c.soft_error != "NONE",
        c.user_timeout > 0,
        c.acknowledge_from >= 0,
        c.snd_mss if c.snd_mss in (536, 1460) else 0,
        c.snd_wnd == 0x8000,
        c.rcv_edge == c.rcv_nxt,
    )


def explore(explorer: Explorer, progress: Any = None) -> tuple[list[Node], list[Node]]:
    """Breadth-first: (nodes, every transition tried)."""
    start = [
        Node([], [], "closed", "CLOSED", False, False, "closed"),
        Node([{"call": "open_passive", "h": 1}], ["listen"], "passive", "LISTEN", False, False, "listen"),
        *(
            Node([dict(step)], [name], "closed", "CLOSED", False, False, ("preset", name), variant=name)
            for name, step in alphabet.PRESETS.items()
        ),
        Node(
            [dict(alphabet.PRESETS["small-buffer"]), {"call": "open_passive", "h": 1}],
            ["small-buffer", "listen"],
            "passive",
            "LISTEN",
            False,
            False,
            "listen small",
            variant="small-buffer-passive",
        ),
    ]
    seen = {n.key for n in start}
    queue = deque(start)
    nodes: list[Node] = list(start)
    tried: list[Node] = []
    covered: set[tuple[str, str]] = set()
    count: dict[str, int] = {}
    while queue:
        node = queue.popleft()
        for name, step in stimuli(node):
            steps = [*node.steps, step]
            got = explorer.run(steps, node.mode)
            if got is None:
                continue
            tester, session, rules, before, _ = got
            opening = node.mode == "closed" and step.get("call") == "open_active" and "dst" not in step
            mode = "active" if opening else node.mode
            if node.mode == "closed" and step.get("call") == "open_passive":
                continue
            accepted = node.accepted or name == "accept"
            released = node.released or step.get("call") in ("release", "abort")
            state, key = look(tester, session, mode, accepted, released)
            key = (node.variant, key)
            child = Node(steps, [*node.names, name], mode, state, accepted, released, key, rules, before)
            child.now = session.now()
            child.variant = node.variant
            tried.append(child)
            new = {(r, before) for r in rules} - covered
            covered |= new
            limit = MAX_VARIANT_NODES if node.variant else MAX_NODES
            judge = tester.oracle.judges.get(own_key(session))
            if judge is not None and len(judge.configs) > 1:
                continue  # the implementation may be elsewhere: nothing is built on this
            fresh = key not in seen and len(steps) < MAX_DEPTH and count.get(node.variant, 0) < limit
            if node.variant and state == "CLOSED":
                continue
            if fresh and (len(steps) <= 4 or new):
                count[node.variant] = count.get(node.variant, 0) + 1
                explorer.aftermath(tester, session, steps)
                seen.add(key)
                nodes.append(child)
                queue.append(child)
        if progress is not None:
            progress(len(nodes), len(queue), len(tried), len(covered))
    return nodes, tried


SETTINGS = frozenset({"nodelay", "keepalive", "keepalive-off", "keepidle", "keepintvl", "keepcnt", "ttl", "dscp"})
"""Steps that only set an option: what follows them is verified when they come last."""


def verifications(explorer: Explorer, nodes: list[Node]) -> list[Node]:
    """For every node a suffix that shows what it is: text goes out as the peer allows, timers end when they must,
    TIME-WAIT lasts. (The characterising sequences of the W-method, fitted to TCP.)"""
    out: list[Node] = []
    for node in nodes:
        if SETTINGS & set(node.names[:-1]):
            continue
        for name, suffix in suffixes(node):
            steps = [*node.steps, *suffix]
            while suffix and explorer.run(steps, node.mode) is None:
                suffix.pop()
                steps = [*node.steps, *suffix]
            if not suffix:
                continue
            got = explorer.run(steps, node.mode)
            assert got is not None
            tester, session, rules, _, _ = got
            explorer.aftermath(tester, session, steps)
            rules = [r for s in tester.oracle.steps for r in s.rules]
            found = Node(steps, [*node.names, name], node.mode, node.state, node.accepted, node.released, node.key)
            found.rules, found.before, found.now = rules, node.state, session.now()
            out.append(found)
    return out


VERIFY = "verify"
"""The suffix that every node of its state gets; the others have names that stand in the test's id."""


def suffixes(node: Node) -> Iterator[tuple[str, list[Step]]]:
    """What shows where a node is, by name."""
    ack = {"seg": "ACK", "seq": ["RCV.NXT", 0], "ack": ["SND.NXT", 0]}
    una = alphabet.SEGMENTS["ack-una"]
    h = handle(node)
    send = {"call": "send", "h": h, "len": 5000}
    timer = {"wait": "timer"}
    open_handle = not node.released and not (node.mode == "passive" and not node.accepted)
    if node.state in ("ESTABLISHED", "CLOSE-WAIT") and open_handle:
        yield VERIFY, [send, timer, ack, timer]
        if len(node.steps) <= LONG_AFTER and node.names[-1] in PROVEN:
            many = {**send, "len": 40000}
            full = {**una, "ack": ["SND.UNA", 1460]}
            # Round trips take time, and there is more to send than the congestion window lets go at once.
            yield (
                "paced",
                [many, {"wait": 700_000}, full, {"wait": 100_000}, ack, {"wait": 300_000}, ack, timer, ack, timer],
            )
            # A segment is lost: three acknowledgments of nothing new, a partial one, the rest.
            yield "lossy", [many, ack, una, una, una, una, full, ack, ack, timer, full, ack, timer]
    elif node.state == "SYN-RECEIVED" and node.mode == "passive":
        yield VERIFY, [ack, {"call": "accept", "h": 1, "new": 2}, {**send, "h": 2}, timer]
    elif node.state == "SYN-SENT":
        yield VERIFY, [alphabet.SEGMENTS["syn-ack"], send, timer]
    elif node.state in ("FIN-WAIT-1", "FIN-WAIT-2", "CLOSING", "LAST-ACK"):
        yield VERIFY, [timer, ack, alphabet.SEGMENTS["text-1"], alphabet.SEGMENTS["fin"]]
    elif node.state == "TIME-WAIT":
        yield VERIFY, [{"wait": 600_000}, ack, {"wait": "before-timer"}, alphabet.SEGMENTS["fin-old"]]


PROVEN = frozenset({"syn-ack", "syn-ack-window-zero", "accept", "ack-window-32k", "nodelay", "icmp-too-big", "fin"})
"""After these a connection gets the long suffixes too, when it took few steps."""
LONG_AFTER = 3


def name_verifications(found: list[Node]) -> list[TestCase]:
    """Test cases of :func:`verifications`: ``tcp/state/ESTABLISHED/how it was reached``."""
    out: dict[str, TestCase] = {}
    for node in found:
        state = node.before.lower().replace("-", "_")
        case_id = f"tcp/state/{state}/{'-'.join(node.names[:-1])}"
        if node.names[-1] != VERIFY:
            case_id += f"/{node.names[-1]}"
        rules = list(dict.fromkeys(node.rules))
        out[case_id] = TestCase(case_id, node.steps, rules, state=node.before, event="state", duration_us=node.now)
    return list(out.values())


def select(tried: list[Node], trivial: frozenset[str], procedures: frozenset[str]) -> list[TestCase]:
    """From all transitions the test cases: for each rule, state and stimulus the shortest path."""
    best: dict[str, TestCase] = {}
    pairs: set[tuple[str, str]] = set()
    for node in sorted(tried, key=lambda n: (len(n.steps), n.now)):
        rules = list(dict.fromkeys(node.rules))
        named = [r for r in rules if r not in procedures]
        deciding = [r for r in named if r not in trivial] or named
        if not deciding:
            continue
        rule = deciding[0]
        machine, section, name = rule.split("/")
        state = node.before.lower().replace("-", "_")
        new = {(r, node.before) for r in rules} - pairs
        short = len(node.steps) <= 4 + (node.mode == "passive")
        case_id = f"{machine}/{section}/{state}/{name}/{node.names[-1]}"
        if case_id in best and not new:
            continue
        if not new and not short:
            continue
        if case_id in best:
            case_id += "/" + "-".join(node.names[-3:-1] or ["again"])
            if case_id in best:
                continue
        pairs |= new
        event = node.steps[-1]
        kind = event.get("call") or ("segment" if "seg" in event else "icmp" if "icmp" in event else "time")
        best[case_id] = TestCase(case_id, node.steps, rules, state=node.before, event=str(kind), duration_us=node.now)
    return list(best.values())
