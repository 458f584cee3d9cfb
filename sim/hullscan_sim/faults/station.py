"""Another ground station on the link: a heartbeat alone, or an operator who takes the sticks."""

from __future__ import annotations

from hullscan_sim.faults.kinds import OperatorTakesOver, OtherStationHeartbeat
from hullscan_sim.messages import Message, mavlink
from hullscan_sim.modes import Mode

__all__ = ["ForeignStation"]

_GCS, _INVALID_AUTOPILOT = 6, 8
_HEARTBEAT_S = 1.0
_STICKS_S = 0.1
_DO_SET_MODE, _CUSTOM_MODE = 176, 1


class ForeignStation:
    """What one such fault sends."""

    def __init__(self, fault: OtherStationHeartbeat | OperatorTakesOver) -> None:
        self._fault = fault
        self._mav = mavlink.MAVLink(None, srcSystem=fault.system_id, srcComponent=fault.component_id)
        self._heartbeat_s = self._sticks_s = fault.at_s
        self._asked = False

    def packets(self, time_s: float) -> list[bytes]:
        """What is due now; to be asked only while the fault acts."""
        messages: list[Message] = []
        if time_s >= self._heartbeat_s:
            self._heartbeat_s += _HEARTBEAT_S
            messages.append(mavlink.MAVLink_heartbeat_message(_GCS, _INVALID_AUTOPILOT, 0, 0, 4, 3))
        fault = self._fault
        if isinstance(fault, OperatorTakesOver):
            if not self._asked and fault.mode is not None:
                mode = float(Mode[fault.mode])
                messages.append(
                    mavlink.MAVLink_command_long_message(1, 1, _DO_SET_MODE, 0, _CUSTOM_MODE, mode, 0, 0, 0, 0, 0)
                )
            self._asked = True
            if time_s >= self._sticks_s:
                self._sticks_s += _STICKS_S
                sticks = (round(1000 * fault.forward), round(1000 * fault.right), round(500 + 500 * fault.up))
                messages.append(mavlink.MAVLink_manual_control_message(1, *sticks, round(1000 * fault.turn), 0))
        return [self._pack(message) for message in messages]

    def _pack(self, message: Message) -> bytes:
        packed: bytes = message.pack(self._mav)
        self._mav.seq = (self._mav.seq + 1) % 256
        return packed
