// An upgrade from the last release, as far as the schema goes: today's migrations lead from its
// database to today's. Its Worker, which runs until the new one is deployed and after a rollback,
// works on the result. `make soak-upgrade` upgrades under load.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { differences, findBase, migrated, migrations, statementsOf, upgradeOf } from './support/base.mjs';

const { commit, label, why } = findBase();
const skip = why;
/** All columns of a database: [{table, name, required, value}]. */
const columnsOf = (database) =>
  database
    .prepare(
      `select t.name as "table", t.name || '.' || c.name as name, c."notnull" as required, c.dflt_value as value
       from sqlite_schema as t cross join pragma_table_xinfo(t.name) as c where t.type = 'table'`,
    )
    .all();

test(`the migrations since ${label} lead to the schema of a new database`, { skip }, () => {
  assert.deepEqual(differences(commit), []);
});

test(`every statement of ${label} runs on today's schema`, { skip }, () => {
  const database = migrated(migrations());
  database.exec('create table d1_migrations (id integer primary key, name text, applied_at text)');
  const statements = statementsOf(commit);
  assert.ok(statements.length > 200);
  const failed = statements.flatMap(({ name, text }) => {
    try {
      database.prepare(text);
      return [];
    } catch (error) {
      return [`${name}: ${error.message}`];
    }
  });
  assert.deepEqual(failed, []);
});

test(`a row that ${label} writes lacks no new column`, { skip }, () => {
  const known = columnsOf(migrated(upgradeOf(commit).before));
  const [names, tables] = [new Set(known.map(({ name }) => name)), new Set(known.map(({ table }) => table))];
  const added = columnsOf(migrated(migrations())).filter(({ table, name }) => tables.has(table) && !names.has(name));
  const lacking = added.filter(({ required, value }) => required && value === null);
  assert.deepEqual(lacking.map(({ name }) => name), []);
});
