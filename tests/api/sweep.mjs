// What the sweep owes to all: nobody's dead rows, and no step that fails, keep another company's deliveries waiting.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { until } from '../support/harness.mjs';
import { newCompany } from '../support/people.mjs';
import { newWebhook } from '../support/webhook.mjs';

const DEAD = 1050;

export default (trackMate) =>
  describe('the sweep', () => {
    /** A webhook with one delivery that is due, and that nobody woke. */
    async function stranded(t) {
      const w = await newWebhook(t, trackMate(), { answer: (_, n) => (n === 1 ? 500 : 200), events: ['stranded'], retryDelay: 3600 });
      await w.send('stranded');
      await until('the first attempt', async () => (await w.c.deliveries(w.webhook.id))[0]?.attempts.length === 1);
      await w.d1.prepare("update deliveries set state = 'leased', due_at = ?2 where company = ?1").bind(w.c.companyId, Date.now() - 1).run();
      return w;
    }

    test('1,050 dead deliveries hold up no other company’s due delivery', async (t) => {
      const c = await newCompany(trackMate());
      const w = await stranded(t);
      // As a release before this one left them behind: set going again after their webhook was deleted.
      const dead =
        "with recursive n (i) as (select 1 union all select i + 1 from n where i < ?2) insert into deliveries (company, id, subscription, source, message_id, event, state, due_at, created_at) select ?1, format('%012x%020x', 1, i), 'wh_deleted', 1, 'm' || i, 'e', 'pending', 1, 1 from n";
      await w.d1.prepare(dead).bind(c.companyId, DEAD).run();
      await trackMate().sweep();
      await until('the delivery of the other', async () => (await w.c.deliveries(w.webhook.id))[0]?.status === 'delivered');
      const open = () => w.d1.prepare("select count(*) as n from deliveries where company = ?1 and state <> 'dismissed'").bind(c.companyId).first('n');
      await until('the end of a thousand', async () => (await open()) <= DEAD - 990);
      await trackMate().sweep();
      await until('their end', async () => (await open()) === 0);
    });

    test('one failing step does not keep the others from running', async (t) => {
      const w = await stranded(t);
      const old = () => w.d1.prepare("select count(*) as n from audit where company = ?1 and id = 'aud_old'").bind(w.c.companyId).first('n');
      await w.d1
        .prepare("insert into audit (company, id, at, actor, action, request, outcome) values (?1, 'aud_old', 1, 'admin', 'settings.update', 'r', 'ok')")
        .bind(w.c.companyId)
        .run();
      await w.set("old_secret = 'old', old_secret_until = 1, releasing = 'deliver'");
      const broken = [
        "create trigger broken_expire before update of old_secret on subscriptions when new.old_secret is null and old.old_secret is not null begin select raise(abort, 'broken'); end",
        "create trigger broken_release before update of releasing on subscriptions when new.releasing is null and old.releasing is not null begin select raise(abort, 'broken'); end",
      ];
      for (const trigger of broken) await w.d1.prepare(trigger).run();
      try {
        await trackMate().sweep();
        await until('the due delivery', async () => (await w.c.deliveries(w.webhook.id))[0]?.status === 'delivered');
        await until('the old entry is gone', async () => (await old()) === 0);
        const { old_secret, releasing } = await w.d1.prepare('select old_secret, releasing from subscriptions where id = ?1').bind(w.webhook.id).first();
        assert.deepEqual([old_secret, releasing], ['old', 'deliver'], 'both steps did fail');
      } finally {
        for (const name of ['broken_expire', 'broken_release']) await w.d1.prepare(`drop trigger ${name}`).run();
      }
    });
  });
