// A crowd: people in great numbers, straight into the database, for the benches and the dashboard's scenarios.

/** Users that one statement makes. */
const SLICE = 10_000;

const FIRST = JSON.stringify(['Ada', 'Björn', 'Chen', 'Dana', 'Émile', 'Farah', 'Gus', 'Hana', 'Ines', 'John']);
const LAST = JSON.stringify(['Lovelace', 'Berg', 'Smith', 'Åberg', 'Okafor', 'Novak', 'Silva']);

/** Makes people as identifies and imports would have left them: names, phone, tags for a third, a custom field for half, consent for half. */
export async function populate(d1, company, count) {
  const born = Date.UTC(2025, 0, 1);
  const numbers = 'with recursive n (i) as (select cast(?2 as integer) union all select i + 1 from n where i + 1 < ?3)';
  const id = "'prf_' || printf('%08x', (i * 2654435761) % 4294967296) || printf('%08x', i)";
  const statements = [
    [
      `${numbers}, p as materialized (select i, ${id} as id, ?4 ->> ('$[' || (i * 7 % 10) || ']') as first, ?5 ->> ('$[' || (i * 3 % 7) || ']') as last from n)
       insert into profiles (company, id, email, name, traits, trusted_traits, server_session, created_at, updated_at, last_ts, events, consent, consent_at, consent_source, opt_ins)
       select ?1, id, lower(first) || '.' || i || '@mail.example', first || ' ' || last, json_object('city', 'Oslo'),
         json_object('firstName', first, 'lastName', last, 'phone', '+47' || (90000000 + i), 'locale', 'nb_NO', 'timezone', 'Europe/Oslo'),
         'webhook_1760788800_' || printf('%08x', i), ?6 + i * 60000, ?6 + i * 60000, (?6 + i * 60000) * 1000, 3,
         i % 2, ?6, 'admin', json_object('whatsapp', json(case when i % 3 then 'false' else 'true' end))
       from p`,
      [FIRST, LAST, born],
    ],
    [`${numbers} insert into tags (company, profile, name, applied_at) select ?1, ${id}, case when i % 6 then 'new' else 'vip' end, ?4 from n where i % 3 = 0`, [born]],
    [`${numbers} insert into fields (company, profile, name, value) select ?1, ${id}, 'level', cast(i / 2 % 10 as text) from n where i % 2 = 0`, []],
  ];
  for (let from = 0; from < count; from += SLICE) {
    await d1.batch(statements.map(([sql, more]) => d1.prepare(sql).bind(company, from, Math.min(from + SLICE, count), ...more)));
  }
}
