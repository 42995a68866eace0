"""The queue of a platform: fair by person, batches last."""

from __future__ import annotations

from models.serving.routing.members.line import Line, Ticket


def names(line: Line, tickets: dict[str, Ticket], running: str) -> list[str]:
    """Return the order in which the others get in, if each leaves at once."""
    order = []
    tickets[running].leave()
    while any(ticket.called.is_set() and name not in order and name != running for name, ticket in tickets.items()):
        name = next(name for name, ticket in tickets.items() if ticket.called.is_set() and name not in order and name != running)
        order.append(name)
        tickets[name].leave()
    return order


def test_so_many_get_in_at_once() -> None:
    line = Line(2)
    one, two, three = (line.enter("ann") for _ in range(3))
    assert one.called.is_set() and two.called.is_set() and not three.called.is_set()
    assert (line.busy, line.waiting, three.position) == (2, 1, 1)
    two.leave()
    assert three.called.is_set() and three.position == 0


def test_people_take_turns_and_batches_wait_for_everybody() -> None:
    line = Line(1)
    tickets = {"first": line.enter("ann")}
    for name, user, batch in (("a1", "ann", False), ("a2", "ann", False), ("x", "eve", True), ("a3", "ann", False), ("b1", "bob", False)):
        tickets[name] = line.enter(user, batch=batch)
    positions = {name: ticket.position for name, ticket in tickets.items()}
    assert positions == {"first": 0, "a1": 1, "b1": 2, "a2": 3, "a3": 4, "x": 5}
    assert names(line, tickets, "first") == ["a1", "b1", "a2", "a3", "x"]


def test_who_gives_up_makes_room() -> None:
    line = Line(1)
    inside, gives_up, next_one = line.enter("a"), line.enter("b"), line.enter("c")
    gives_up.leave()
    gives_up.leave()
    assert next_one.position == 1
    inside.leave()
    assert next_one.called.is_set() and line.waiting == 0 and line.busy == 1
