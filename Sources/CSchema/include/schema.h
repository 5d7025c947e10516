#ifndef HOLDFAST_SCHEMA_H
#define HOLDFAST_SCHEMA_H

/// How many migrations there are; they are numbered from 1.
int holdfast_migration_count(void);
/// The name of a migration, such as "store"; NULL for a number out of range.
const char *holdfast_migration_name(int number);
/// The text of a migration for SQLite; NULL for a number out of range.
const char *holdfast_migration_sqlite(int number);
/// The text of a migration for PostgreSQL; NULL for a number out of range.
const char *holdfast_migration_postgres(int number);

#endif
