"""${message}

Tables named in `dco.store.tables.APPEND_ONLY` carry triggers; SQLite's batch mode copies a table without them, so a
revision that alters one must call `guard` of revision 0001's kind again.
"""

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
