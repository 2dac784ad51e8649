"""Tasks over a driver: what the sockets' two ways to wait are made of (sockets.py tells how they are used).

Times are integer microseconds of the driver's clock.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Coroutine, Generator
from types import coroutine
from typing import Any, Protocol

Condition = Callable[[], bool]


class Driver(Protocol):
    """What lets time pass and datagrams arrive."""

    def now(self) -> int:
        """The time, in microseconds."""

    def step(self, until: int | None) -> bool:
        """Let something happen, or time come to ``until``, whichever is first. It may return early, with nothing
        done. False: nothing will ever happen."""


class Task:
    """A coroutine that the loop runs. When ``done``, it has a ``result`` or the ``error`` that ended it."""

    __slots__ = ("condition", "coroutine", "deadline", "done", "error", "result")

    def __init__(self, running: Coroutine[Any, Any, Any]):
        self.coroutine = running
        self.condition: Condition | None = None
        self.deadline: int | None = None
        self.done = False
        self.result: Any = None
        self.error: BaseException | None = None


@coroutine
def until(condition: Condition, deadline: int | None = None) -> Generator[tuple[Condition, int | None], bool, bool]:
    """Within a coroutine of the loop's: wait until ``condition()`` holds; False when ``deadline`` came first."""
    if condition():
        return True
    return (yield condition, deadline)


class Loop:
    """Runs tasks over a driver. An error that ends a task is kept in the task and does not stop the others."""

    def __init__(self, driver: Driver):
        self.driver = driver
        self.tasks: list[Task] = []
        self._running = False

    def now(self) -> int:
        """The driver's time, in microseconds."""
        return self.driver.now()

    def spawn(self, running: Coroutine[Any, Any, Any]) -> Task:
        """A new task; it runs with the next step."""
        task = Task(running)
        self.tasks.append(task)
        return task

    def step(self, until: int | None = None) -> bool:
        """Run the tasks that can go on, or let the driver do something; False: nothing will ever happen.

        Raises RuntimeError within a task.
        """
        if self._running:
            raise RuntimeError("a blocking call within a task: use the coroutine of the same name")
        if self._run_tasks():
            return True
        for task in self.tasks:
            if task.deadline is not None and (until is None or task.deadline < until):
                until = task.deadline
        return self.driver.step(until)

    def _run_tasks(self) -> bool:
        ran = False
        for task in list(self.tasks):
            if task.condition is None:
                answer = None
            elif task.condition():
                answer = True
            elif task.deadline is not None and self.driver.now() >= task.deadline:
                answer = False
            else:
                continue
            ran = True
            self._running = True
            try:
                task.condition, task.deadline = task.coroutine.send(answer)
            except StopIteration as stop:
                task.done, task.result = True, stop.value
            except Exception as error:
                task.done, task.error = True, error
            finally:
                self._running = False
            if task.done:
                self.tasks.remove(task)
        return ran

    def wait(self, condition: Condition, deadline: int | None = None) -> bool:
        """Step until ``condition()`` holds; False when ``deadline`` (microseconds) came first.

        Raises OSError(EDEADLK) when nothing will ever happen.
        """
        while not condition():
            if deadline is not None and self.driver.now() >= deadline:
                return False
            if not self.step(deadline):
                raise OSError(errno.EDEADLK, "nothing is left that could happen")
        return True

    def block(self, operation: Coroutine[Any, Any, Any]) -> Any:
        """Run one coroutine to its end from outside, tasks going on meanwhile; its result."""
        if self._running:
            operation.close()
            raise RuntimeError("a blocking call within a task: use the coroutine of the same name")
        answer: bool | None = None
        try:
            while True:
                condition, deadline = operation.send(answer)
                answer = self.wait(condition, deadline)
        except StopIteration as stop:
            return stop.value
        finally:
            operation.close()
