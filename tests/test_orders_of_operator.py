"""The desk between the operator's keys and the pilot."""

import os
import signal
import threading
import time

import pytest

from hullscan.pilot.orders_of_operator import OperatorOrder, OrderDesk
from hullscan.survey.flight import _interrupts


def test_orders_are_taken_in_the_order_of_their_putting() -> None:
    desk = OrderDesk()
    for order in (OperatorOrder.HOLD, OperatorOrder.SLOWER, OperatorOrder.RESUME):
        desk.put(order)
    assert [desk.take() for _ in range(4)] == [OperatorOrder.HOLD, OperatorOrder.SLOWER, OperatorOrder.RESUME, None]


def test_an_abort_goes_before_all_that_waits_and_stays() -> None:
    desk = OrderDesk()
    desk.put(OperatorOrder.HOLD)
    desk.put(OperatorOrder.ABORT)
    desk.put(OperatorOrder.RESUME)
    assert [desk.take() for _ in range(3)] == [OperatorOrder.ABORT] * 3
    assert desk.aborted


def test_no_order_is_lost_between_threads() -> None:
    desk, taken = OrderDesk(), 0
    threads = [threading.Thread(target=lambda: [desk.put(OperatorOrder.SKIP) for _ in range(4)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    while desk.take() is not None:
        taken += 1
    assert taken == 16


@pytest.mark.skipif(os.name == "nt", reason="sends signals")
@pytest.mark.parametrize(
    ("name", "times"),
    [
        pytest.param("SIGINT", 1, id="Ctrl-C"),
        pytest.param("SIGHUP", 3, id="its terminal is closed"),
        pytest.param("SIGTERM", 3, id="the computer shuts down"),
    ],
)
def test_whatever_ends_hullscan_from_outside_asks_for_the_way_home(name: str, times: int) -> None:
    asked: list[str] = []
    before = signal.getsignal(getattr(signal, name))
    with _interrupts(lambda: asked.append(name)):
        for _ in range(times):
            os.kill(os.getpid(), getattr(signal, name))
    assert asked == [name] * times
    assert signal.getsignal(getattr(signal, name)) is before


@pytest.mark.skipif(os.name == "nt", reason="sends signals")
def test_a_second_ctrl_c_ends_at_once() -> None:
    def press_twice() -> None:
        with _interrupts(lambda: None):
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(1)

    with pytest.raises(KeyboardInterrupt):
        press_twice()
