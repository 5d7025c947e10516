// The migrations, compiled into the program with C23's #embed so that the product is one file and
// the SQL stays in files that any SQL tool reads.
#include "schema.h"

static const char sqlite_0001[] = {
#embed "sqlite/0001_store.sql"
    , 0};
static const char postgres_0001[] = {
#embed "postgres/0001_store.sql"
    , 0};
static const char sqlite_0002[] = {
#embed "sqlite/0002_audit.sql"
    , 0};
static const char postgres_0002[] = {
#embed "postgres/0002_audit.sql"
    , 0};
static const char sqlite_0003[] = {
#embed "sqlite/0003_tasks.sql"
    , 0};
static const char postgres_0003[] = {
#embed "postgres/0003_tasks.sql"
    , 0};
static const char sqlite_0004[] = {
#embed "sqlite/0004_approvals.sql"
    , 0};
static const char postgres_0004[] = {
#embed "postgres/0004_approvals.sql"
    , 0};
static const char sqlite_0005[] = {
#embed "sqlite/0005_sessions.sql"
    , 0};
static const char postgres_0005[] = {
#embed "postgres/0005_sessions.sql"
    , 0};
static const char sqlite_0006[] = {
#embed "sqlite/0006_dead_letters.sql"
    , 0};
static const char postgres_0006[] = {
#embed "postgres/0006_dead_letters.sql"
    , 0};
static const char sqlite_0007[] = {
#embed "sqlite/0007_providers.sql"
    , 0};
static const char postgres_0007[] = {
#embed "postgres/0007_providers.sql"
    , 0};
static const char sqlite_0008[] = {
#embed "sqlite/0008_files.sql"
    , 0};
static const char postgres_0008[] = {
#embed "postgres/0008_files.sql"
    , 0};
static const char sqlite_0009[] = {
#embed "sqlite/0009_retention.sql"
    , 0};
static const char postgres_0009[] = {
#embed "postgres/0009_retention.sql"
    , 0};

static const struct {
  const char *name;
  const char *sqlite;
  const char *postgres;
} migrations[] = {
    {"store", sqlite_0001, postgres_0001},
    {"audit", sqlite_0002, postgres_0002},
    {"tasks", sqlite_0003, postgres_0003},
    {"approvals", sqlite_0004, postgres_0004},
    {"sessions", sqlite_0005, postgres_0005},
    {"dead_letters", sqlite_0006, postgres_0006},
    {"providers", sqlite_0007, postgres_0007},
    {"files", sqlite_0008, postgres_0008},
    {"retention", sqlite_0009, postgres_0009},
};

static const int count = sizeof migrations / sizeof migrations[0];

int holdfast_migration_count(void) { return count; }

const char *holdfast_migration_name(int number) {
  return number < 1 || number > count ? 0 : migrations[number - 1].name;
}

const char *holdfast_migration_sqlite(int number) {
  return number < 1 || number > count ? 0 : migrations[number - 1].sqlite;
}

const char *holdfast_migration_postgres(int number) {
  return number < 1 || number > count ? 0 : migrations[number - 1].postgres;
}
