"""Tables that a connector (Fivetran and the like) has landed in a warehouse, by the mappings in `platforms/mappings`.

The rows carry the platform's own name, so that a table and a web export of one account replace each other's days.
"""

from __future__ import annotations

from dco.platforms.mapping import built_in
from dco.platforms.report import Format

FORMAT = Format("connector", "connector tables of seven platforms, one mapping each", built_in())
