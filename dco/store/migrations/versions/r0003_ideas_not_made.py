"""Which ideas gave no creative, and why. Adds one table."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ideas_not_made",
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("segment", sa.Text(), nullable=False),
        sa.Column("idea", sa.Text(), nullable=False),
        sa.Column("genome", sa.Text(), nullable=False),
        sa.Column("gates", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], name=op.f("fk_ideas_not_made_run")),
        sa.PrimaryKeyConstraint("run", "segment", "idea", name=op.f("pk_ideas_not_made")),
    )


def downgrade() -> None:
    op.drop_table("ideas_not_made")
