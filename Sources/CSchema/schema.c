// The migrations, compiled into the program with C23's #embed so that the product is one file and
// the SQL stays in files that any SQL tool reads.
#include "schema.h"

static const char sqlite_0001[] = {
#embed "sqlite/0001_store.sql"
    , 0};
static const char postgres_0001[] = {
#embed "postgres/0001_store.sql"
    , 0};

static const struct {
  const char *name;
  const char *sqlite;
  const char *postgres;
} migrations[] = {
    {"store", sqlite_0001, postgres_0001},
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
