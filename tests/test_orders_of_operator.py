"""The desk between the operator's keys and the pilot."""

import threading

from hullscan.pilot.orders_of_operator import OperatorOrder, OrderDesk


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
