// Signing in and out, with several companies at a time.
import assert from 'node:assert/strict';
import { openDashboard, takePictures, until } from './viewer.mjs';
import { visit } from '../browser.mjs';

const stored = (page) =>
  page.evaluate(() => JSON.stringify([{ ...sessionStorage }, { ...localStorage }, location.href]));

export async function refusesAWrongKey({ browser, trackMate }) {
  const page = await visit(browser, trackMate.url, { path: '/dashboard/' });
  await page.getByLabel('Admin key').fill('tm_admin_wrong');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('This is not a valid admin key').waitFor();
  assert.doesNotMatch(await stored(page), /tm_admin_wrong/);
  await page.context().close();
}

export async function signsInToSeveralCompanies({ browser, trackMate }) {
  const one = await trackMate.companies({ name: 'One' });
  const other = await trackMate.companies({ name: 'Other' });
  const page = await openDashboard({ browser, trackMate }, one, 'people');
  await until('the requested page', () => page.url().endsWith(`#/${one.companyId}/people`));
  await page.getByLabel('Company').selectOption('Sign in to another…');
  await takePictures(page, 'sign-in');
  await page.getByLabel('Admin key').fill(other.adminKey);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await until('the other company', () => page.url().includes(other.companyId));
  await page.getByLabel('Company').selectOption('One');
  await until('the first company again', () => page.url().includes(one.companyId));

  const [session, local, address] = JSON.parse(await stored(page));
  assert.deepEqual(local, {}, 'nothing is stored beyond the tab by default');
  assert.match(JSON.stringify(session), new RegExp(one.adminKey));
  assert.doesNotMatch(address, /tm_/);

  await page.getByRole('button', { name: 'Sign out' }).click();
  await until('the company that is left', () => page.url().includes(other.companyId));
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  assert.doesNotMatch(await stored(page), /tm_/);
  assert.deepEqual(page.said, []);
  await page.context().close();
}
