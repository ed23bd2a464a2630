"""What Alembic runs around the migrations: they use the connection, and with it the transaction, that `state/migrate.py` hands over."""

from __future__ import annotations

from alembic import context

# SQLite rolls back changes of tables as it does those of rows, once its driver no longer commits by itself; Alembic can't know.
context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
