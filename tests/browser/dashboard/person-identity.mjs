// One person: undoing links and merges, export and erasure, and hostile values.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { newCompany } from '../../support/people.mjs';
import { at, fact, JOURNEY, sendJourney, shownEvents } from './journey.mjs';
import { openDashboard, takePictures, until } from './viewer.mjs';

export async function undoesLinksAndMerges(world) {
  const c = await newCompany(world.trackMate);
  const { id } = await sendJourney(c);
  const other = (await c.identify(c.session(), 'work@example.com', { name: 'S. Johnson', timestamp: at('30') })).body
    .profileId;
  const mistake = c.session();
  await c.track(mistake, { eventType: 'not_hers', timestamp: at('40') });
  await c.identify(mistake, 'sarah@example.com', { timestamp: at('41') });
  const page = await openDashboard(world, c, `people/${id}`);

  await page.getByRole('button', { name: `Undo the link of ${mistake}` }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('2 events of the session').waitFor();
  await takePictures(page, 'person-undo');
  await dialog.getByRole('button', { name: 'Undo the link' }).click();
  await until('the seven events again', async () => (await shownEvents(page)).length === JOURNEY.length);
  assert.ok(!(await c.names(id)).includes('not_hers'));

  await page.getByRole('button', { name: 'Merge…' }).click();
  await page.getByLabel('Merge into').fill('s.');
  await page.getByLabel('Merge into').fill('work');
  await dialog.getByLabel('S. Johnson').check();
  await dialog.getByText('gets 7 events').waitFor();
  await takePictures(page, 'person-merge');
  await dialog.getByRole('button', { name: 'Merge', exact: true }).click();
  await until('the page of the other', () => page.url().endsWith(other));
  assert.equal((await c.get(`/api/admin/users/${id}`)).body.user.id, other);
  await until('both timelines in one', async () => (await shownEvents(page)).length === JOURNEY.length + 1);
  await page.goto(page.url().replace(other, id));
  await page.getByText('was merged into this person').waitFor();
  await page.goto(page.url().replace(id, other));

  await page.getByRole('button', { name: 'Undo the merge of sarah@example.com' }).click();
  await dialog.getByRole('button', { name: 'Undo the merge' }).click();
  await until('one event', async () => (await shownEvents(page)).length === 1);
  assert.equal((await c.get(`/api/admin/users/${id}`)).body.user.id, id);
  assert.deepEqual(
    await c.names(id),
    JOURNEY.map(([name]) => name),
  );

  // Undoing the only link of a person removes the person.
  await page.getByRole('button', { name: 'Undo the link of' }).click();
  await dialog.getByRole('button', { name: 'Undo the link' }).click();
  await page.getByRole('heading', { name: 'People' }).waitFor();
  assert.equal((await c.call('GET', `/api/admin/users/${other}`, undefined, c.admin)).status, 404);
  assert.deepEqual(page.said, []);
  await page.context().close();
}

export async function exportsAndErases(world) {
  const c = await newCompany(world.trackMate);
  const { id } = await sendJourney(c);
  await c.server({ userId: id }, 'booking.created', {
    eventData: { booking: { id: 'b-1' } },
    user: { tags: { add: ['vip'] } },
  });
  const page = await openDashboard(world, c, `people/${id}`);

  await page.getByRole('button', { name: 'Export…' }).click();
  const coming = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Download' }).click();
  const file = JSON.parse(readFileSync(await (await coming).path(), 'utf8'));
  assert.deepEqual([file.user.email, file.events.length, file.records.length], ['sarah@example.com', 8, 1]);
  await page.getByText('The file is complete').waitFor();
  await page.keyboard.press('Escape');

  await page.getByRole('button', { name: 'Erase…' }).click();
  const dialog = page.getByRole('dialog');
  for (const goes of ['8 events of 2 sessions', '1 record:', '1 tag', '1 email address'])
    await dialog.getByText(goes).waitFor();
  const act = dialog.getByRole('button', { name: 'Erase permanently' });
  assert.ok(await act.isDisabled());
  await takePictures(page, 'person-erase');
  await dialog.getByLabel('Type').fill('sarah@example.com');
  await act.click();
  await page.getByRole('heading', { name: 'Erased person' }).waitFor();
  const { receipt } = (await c.get(`/api/admin/users/${id}/erasure`)).body;
  await page.getByText('complete', { exact: true }).waitFor();
  assert.deepEqual(
    [await fact(page, 'Events'), await fact(page, 'Records')],
    [String(receipt.counts.events), String(receipt.counts.records)],
  );
  assert.doesNotMatch(await page.locator('main').innerText(), /sarah|johnson/i);
  await takePictures(page, 'person-erased');

  await page.getByLabel('E-mail').fill('sarah@example.com');
  await page.getByRole('button', { name: 'Allow' }).click();
  await page.getByText('can be used again, by a new person').waitFor();
  assert.ok((await c.server({ email: 'sarah@example.com' }, 'back')).body.created);

  // An old link shows the receipt too. An unknown id shows an error. The browser logs each failed
  // request.
  await page.reload();
  await page.getByRole('heading', { name: 'Erased person' }).waitFor();
  await page.goto(page.url().replace(id, 'nobody'));
  await page.getByText('unknown_user').waitFor();
  assert.deepEqual(
    page.said.filter((said) => !/status of (410|404)/.test(said)),
    [],
  );
  await page.context().close();
}

/** Values from the public API and from servers show as text. */
export async function showsHostileMarkupOfPeopleAsText(world) {
  const c = await newCompany(world.trackMate);
  const bad = '"><img src=x onerror="window.hurt=1"><script>window.hurt=1</script>';
  const session = c.session();
  await c.track(session, {
    eventType: bad,
    eventData: { [bad]: bad, amount: bad, currency: bad, productInfos: [{ productName: bad }] },
  });
  const { profileId: id } = (
    await c.identify(session, 'bad@example.com', {
      name: bad,
      phone: bad,
      profilePic: 'javascript:window.hurt=1',
      [bad]: bad,
    })
  ).body;
  await c.server({ userId: id }, 'thing.made', {
    eventData: { thing: { id: bad, status: bad, note: bad } },
    user: { tags: { add: [bad] }, customFields: { [bad]: bad } },
  });
  const page = await openDashboard(
    world,
    c,
    `people?columns=tags,phone,${encodeURIComponent(`customFields.${bad}`)}&hasTag=${encodeURIComponent(bad)}`,
  );
  await page.locator('table a.name', { hasText: bad }).click();
  await page.locator('.happened', { hasText: bad }).first().click();
  await page.getByRole('dialog').getByText('onerror').first().waitFor();
  await page.keyboard.press('Escape');
  for (const button of [
    page.getByRole('region', { name: 'Records' }).getByRole('button'),
    page.getByRole('button', { name: 'Merge…' }),
    page.getByRole('button', { name: 'Erase…' }),
  ]) {
    await button.click();
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await until('the dialog closed', async () => (await page.getByRole('dialog').count()) === 0);
  }
  await takePictures(page, 'person-hostile');
  assert.deepEqual(
    [await page.evaluate(() => window.hurt), await page.locator('main img, main script').count(), page.said],
    [undefined, 0, []],
  );
  await page.context().close();
}
