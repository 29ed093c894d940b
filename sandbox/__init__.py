"""The outside world, simulated: marketplaces and a bank in their real file formats.

It imports nothing of ours. Its formats are written from the reference pages apart
from our adapters, so that both sides cannot be wrong together.
"""

from sandbox.fates import UnsoundWorldError
from sandbox.volume import write_fund_flow
from sandbox.world import OutputNotEmptyError, World, write_world

__all__ = ["OutputNotEmptyError", "UnsoundWorldError", "World", "write_fund_flow", "write_world"]
